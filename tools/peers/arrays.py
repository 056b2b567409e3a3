# SPDX-License-Identifier: Apache-2.0
"""Weights and arrays as files, with numpy alone: safetensors has a header of JSON and then the bytes."""

import json
import struct

import numpy

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def read_safetensors(path: str) -> dict[str, numpy.ndarray]:
    """The float32 tensors of a file."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    tensors = {}
    for name in NAMES:
        begin, end = header[name]["data_offsets"]
        tensors[name] = numpy.frombuffer(data[begin:end], "<f4").reshape(header[name]["shape"]).copy()
    return tensors


def write_safetensors(path: str, tensors: dict[str, numpy.ndarray]) -> None:
    header, offset = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.astype("<f4").tobytes())


def random_cell(inputs: int, hidden: int, seed: int) -> dict[str, numpy.ndarray]:
    """Fresh weights as frameworks make them: uniform in +-1/sqrt(hidden)."""
    generator = numpy.random.default_rng(seed)
    bound = hidden ** -0.5
    shapes = ((4 * hidden, inputs), (4 * hidden, hidden), (4 * hidden,), (4 * hidden,))
    return {name: generator.uniform(-bound, bound, shape).astype("f4") for name, shape in zip(NAMES, shapes)}


def first_line(problem: Exception) -> str:
    """An exception in one line that fits a table's foot."""
    text = (str(problem).strip() or "no message").splitlines()[0]
    return f"{type(problem).__name__}: {text}"[:200]
