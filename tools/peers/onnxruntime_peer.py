# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime on the LSTM operator."""

import numpy
import onnxruntime

from peers import onnx_model


class Sequence:
    @staticmethod
    def prepare(threads: int) -> None:
        onnxruntime.set_default_logger_severity(3)

    def __init__(self, weights: dict, threads: int):
        self.weights, self.threads = weights, threads
        self.hidden = weights["weight_hh"].shape[1]

    def session(self, steps: int, batch: int):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        model = onnx_model.build(self.weights, steps, batch)
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def sequence(self, x):
        steps, batch, _ = x.shape
        session = self.session(steps, batch)
        zero = numpy.zeros((1, batch, self.hidden), "f4")
        feed = {"x": x, "h0": zero, "c0": zero}
        return lambda: session.run(None, feed)[0]

    @staticmethod
    def host(y):
        return y

    def stepper(self, batch: int):
        session = self.session(1, batch)
        zero = numpy.zeros((1, batch, self.hidden), "f4")
        feed = {"x": None, "h0": zero, "c0": zero}
        names = ["hn", "cn"]

        def step(x):
            feed["x"] = x[None]
            feed["h0"], feed["c0"] = session.run(names, feed)
            return feed["h0"]

        return step
