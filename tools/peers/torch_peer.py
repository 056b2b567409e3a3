# SPDX-License-Identifier: Apache-2.0
"""PyTorch: torch.nn.LSTM on a whole sequence, torch.nn.LSTMCell step by step from Python."""

import torch


def load(module: torch.nn.Module, weights: dict, suffix: str) -> None:
    for name, tensor in weights.items():
        getattr(module, name + suffix).copy_(torch.from_numpy(tensor))


class Sequence:
    @staticmethod
    def prepare(threads: int) -> None:
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)

    def __init__(self, weights: dict, threads: int):
        gates, inputs = weights["weight_ih"].shape
        self.hidden = gates // 4
        self.lstm = torch.nn.LSTM(inputs, self.hidden).eval()
        load(self.lstm, weights, "_l0")

    def sequence(self, x):
        x_host = torch.from_numpy(x)
        state = (torch.zeros(1, x.shape[1], self.hidden), torch.zeros(1, x.shape[1], self.hidden))

        def call():
            with torch.inference_mode():
                return self.lstm(x_host, state)[0]

        return call

    def training(self, x):
        """Forward and back: gradients of x and of the weights."""
        steps, batch, _ = x.shape
        self.lstm.train().requires_grad_(True)
        x_host = torch.from_numpy(x).requires_grad_(True)
        gradient = ((torch.arange(steps * batch * self.hidden) % 17 - 8) / 512).reshape(steps, batch, self.hidden)
        state = (torch.zeros(1, batch, self.hidden), torch.zeros(1, batch, self.hidden))

        def call():
            with torch.enable_grad():
                x_host.grad = None
                self.lstm.zero_grad()
                self.lstm(x_host, state)[0].backward(gradient)

        return call

    @staticmethod
    def host(y):
        return y.numpy()


class Cell:
    prepare = Sequence.prepare

    def __init__(self, weights: dict, threads: int):
        gates, inputs = weights["weight_ih"].shape
        self.hidden = gates // 4
        self.cell = torch.nn.LSTMCell(inputs, self.hidden).eval()
        load(self.cell, weights, "")

    def sequence(self, x):
        x_host = torch.from_numpy(x)
        zero = torch.zeros(x.shape[1], self.hidden)

        def call():
            with torch.inference_mode():
                state, y = (zero, zero), []
                for one in x_host:
                    state = self.cell(one, state)
                    y.append(state[0])
                return y

        return call

    @staticmethod
    def host(y):
        return torch.stack(y).numpy()

    def stepper(self, batch: int):
        state = (torch.zeros(batch, self.hidden), torch.zeros(batch, self.hidden))

        def step(x):
            nonlocal state
            with torch.inference_mode():
                state = self.cell(torch.from_numpy(x), state)
            return state[0].numpy()

        return step
