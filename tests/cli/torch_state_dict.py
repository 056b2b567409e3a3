# SPDX-License-Identifier: Apache-2.0
"""Run by a Python that has torch: torch_state_dict.py MODEL.safetensors X.safetensors Y.npy "embed 11 6, lstm 6 8 layers 2, linear 8 11".

Builds these layers from torch.nn, loads the file into them with load_state_dict(strict=True), and writes what they make of X's `x`.
"""

import json
import struct
import sys

import numpy
import torch

TYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}


class Cell(torch.nn.LSTMCell):
    """A cell, stepped over the sequence."""

    def forward(self, x):
        state, y = None, []
        for one in x:
            state = super().forward(one, state)
            y.append(state[0])
        return torch.stack(y)


class Sequence(torch.nn.LSTM):
    def forward(self, x):
        return super().forward(x)[0]


def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: torch.from_numpy(numpy.frombuffer(data[slice(*entry["data_offsets"])], TYPES[entry["dtype"]]).reshape(entry["shape"]).copy())
            for name, entry in header.items()}


def build(words):
    """A torch module from a layer's words, every size given."""
    sizes = [int(word) for word in words[1:3]]
    bias = "nobias" not in words
    if words[0] == "embed":
        return torch.nn.Embedding(*sizes)
    if words[0] == "lstmcell":
        return Cell(*sizes, bias=bias)
    if words[0] == "linear":
        return torch.nn.Linear(*sizes, bias=bias)
    after = {word: int(words[place + 1]) for place, word in enumerate(words) if word in ("layers", "proj")}
    return Sequence(*sizes, num_layers=after.get("layers", 1), proj_size=after.get("proj", 0), bidirectional="bidirectional" in words,
                    bias=bias)


def main():
    weights, x, y, description = sys.argv[1:]
    state = read(weights)
    torch.set_default_dtype(next(iter(state.values())).dtype)
    model, counts = torch.nn.Sequential(), {}
    for layer in description.split(","):
        name, _, rest = layer.rpartition(":")
        words = rest.split()
        kind = {"lstmcell": "cell"}.get(words[0], words[0])
        counts[kind] = counts.get(kind, 0) + 1
        model.add_module(name.strip() or kind + (str(counts[kind]) if counts[kind] > 1 else ""), build(words))
    model.load_state_dict(state, strict=True)
    with torch.no_grad():
        numpy.save(y, model(read(x)["x"]).numpy())
    print(torch.__version__)


main()
