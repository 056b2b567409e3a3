# SPDX-License-Identifier: Apache-2.0
"""tinygrad's LSTMCell on an OpenCL device, jitted. A few steps make one jitted call: fewer waits than step by step, and less to
compile than a whole sequence."""

import os

# DEV is what tinygrad 0.13 and later read, GPU what earlier ones do; both before the import.
os.environ.setdefault("DEV", "CL")
os.environ.setdefault("GPU", "1")

import numpy
from tinygrad import Device, Tensor, TinyJit, nn

LONGEST_CALL = 5


class Cell:
    @staticmethod
    def prepare(threads: int) -> None:
        if Device.DEFAULT not in ("CL", "GPU"):
            raise RuntimeError(f"tinygrad chose the device {Device.DEFAULT}, not OpenCL")

    def __init__(self, weights: dict, threads: int):
        gates, inputs = weights["weight_ih"].shape
        self.hidden = gates // 4
        self.cell = nn.LSTMCell(inputs, self.hidden)
        for name, tensor in weights.items():
            setattr(self.cell, name, Tensor(tensor).realize())

    def zero_state(self, batch: int):
        return [Tensor(numpy.zeros((batch, self.hidden), "f4")).realize() for _ in range(2)]

    def jitted(self, steps: int):
        """A function from (x of these steps, h, c) to (y of these steps, h, c)."""

        @TinyJit
        def call(x, h, c):
            y = []
            for number in range(steps):
                h, c = (one.contiguous() for one in self.cell(x[number], (h, c)))
                y.append(h)
            return Tensor.stack(*y).realize(), h.realize(), c.realize()

        return call

    def sequence(self, x):
        steps = max(length for length in range(1, LONGEST_CALL + 1) if len(x) % length == 0)
        advance = self.jitted(steps)

        def call():
            h, c = self.zero_state(x.shape[1])
            y = []
            for begin in range(0, len(x), steps):
                part, h, c = advance(Tensor(x[begin:begin + steps]).realize(), h, c)
                y.append(part.numpy())
            return y

        return call

    @staticmethod
    def host(y):
        return numpy.concatenate(y)

    def stepper(self, batch: int):
        advance = self.jitted(1)
        h, c = self.zero_state(batch)

        def step(x):
            nonlocal h, c
            y, h, c = advance(Tensor(x[None]).realize(), h, c)
            return y.numpy()

        return step
