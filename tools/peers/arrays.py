# SPDX-License-Identifier: Apache-2.0
"""Weights and arrays as files, with numpy alone: safetensors has a header of JSON and then the bytes."""

import json
import struct

import numpy

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8"}


def read_safetensors(path: str) -> dict[str, numpy.ndarray]:
    """The tensors of a file."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = numpy.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
    return tensors


def write_safetensors(path: str, tensors: dict[str, numpy.ndarray], metadata: dict[str, str] | None = None) -> None:
    names = {numpy.dtype(kind): name for name, kind in DTYPES.items()}
    header, offset = {"__metadata__": metadata} if metadata else {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.tobytes())


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
