# SPDX-License-Identifier: Apache-2.0
"""Files for the program's tests, made and read with the standard library alone, and an LSTM cell in plain Python."""

import array
import json
import math
import pathlib
import random
import struct

CODES = {"F32": "f", "F64": "d", "I32": "i", "I64": "q"}
DTYPES = {"<f4": ("<", "f"), ">f4": (">", "f"), "<f8": ("<", "d"), ">f8": (">", "d"), "<i4": ("<", "i"), "<f2": ("<", "e")}


def count(shape):
    return math.prod(shape)


def npy_bytes(shape, values, descr="<f4", fortran=False, version=1):
    """An .npy file; `values` are in C order whatever the file's order is."""
    header = repr({"descr": descr, "fortran_order": fortran, "shape": tuple(shape)})
    length_bytes = 2 if version == 1 else 4
    padding = -(8 + length_bytes + len(header) + 1) % 64
    header += " " * padding + "\n"
    if fortran:
        values = [values[i] for i in fortran_order(shape)]
    order, code = DTYPES[descr]
    return (
        b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header.encode()
        + struct.pack(f"{order}{len(values)}{code}", *values)
    )


def fortran_order(shape):
    """For each place of a Fortran-ordered file, the place in C order."""
    strides = [count(shape[axis + 1:]) for axis in range(len(shape))]
    places = [0]
    for axis in range(len(shape)):
        places = [place + index * strides[axis] for index in range(shape[axis]) for place in places]
    return places


def write_npy(path, shape, values, **options):
    pathlib.Path(path).write_bytes(npy_bytes(shape, values, **options))


def write_sparse_npy(path, shape, descr="<f4"):
    """Zeros that take no room on the disk."""
    with open(path, "wb") as file:
        file.write(npy_bytes(shape, [], descr))
        file.truncate(file.tell() + count(shape) * int(descr[-1]))


def read_npy(path_or_bytes):
    """(descr, shape, values) of a C-ordered version 1 file."""
    data = path_or_bytes if isinstance(path_or_bytes, bytes) else pathlib.Path(path_or_bytes).read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    (length,) = struct.unpack("<H", data[8:10])
    assert (10 + length) % 64 == 0, length
    header = eval(data[10:10 + length], {"__builtins__": {}})  # a literal of Python, as the format says
    assert not header["fortran_order"]
    order, code = DTYPES[header["descr"]]
    values = struct.unpack(f"{order}{count(header['shape'])}{code}", data[10 + length:])
    return header["descr"], header["shape"], list(values)


def half_bytes(values):
    return struct.pack(f"<{len(values)}e", *values)


def bfloat_bytes(values):
    return b"".join(struct.pack("<f", value)[2:] for value in values)


def safetensors_bytes(tensors, metadata=None):
    """tensors: {name: (dtype, shape, values or bytes)}."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, (dtype, shape, values) in tensors.items():
        body = values if isinstance(values, bytes) else array.array(CODES[dtype], values).tobytes()
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(body)]}
        data += body
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def write_safetensors(path, tensors, metadata=None):
    pathlib.Path(path).write_bytes(safetensors_bytes(tensors, metadata))


def raw_safetensors(header, data=b""):
    """A file with this header as it stands."""
    text = header.encode() if isinstance(header, str) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def randoms(shape, seed, bound=1.0):
    """Values that float32 and bfloat16 hold exactly."""
    source = random.Random(seed)
    return [round(source.uniform(-bound, bound) * 64) / 64 for _ in range(count(shape))]


class Cell:
    """A cell's weights, its files, and what it computes."""

    def __init__(self, inputs, hidden, bias=True, seed=1):
        self.inputs, self.hidden = inputs, hidden
        shapes = {"weight_ih": (4 * hidden, inputs), "weight_hh": (4 * hidden, hidden)}
        if bias:
            shapes.update({"bias_ih": (4 * hidden,), "bias_hh": (4 * hidden,)})
        self.arrays = {name: (shape, randoms(shape, f"{seed}{name}")) for name, shape in shapes.items()}

    def tensors(self, prefix="", suffix="", dtype="F32"):
        pack = {"F16": half_bytes, "BF16": bfloat_bytes}.get(dtype, list)
        return {prefix + name + suffix: (dtype, shape, pack(values)) for name, (shape, values) in self.arrays.items()}

    def step(self, x, h, c):
        """Lists of one row."""
        sums = []
        for row in range(4 * self.hidden):
            total = sum(w * v for w, v in zip(self.arrays["weight_ih"][1][row * self.inputs:], x))
            total += sum(w * v for w, v in zip(self.arrays["weight_hh"][1][row * self.hidden:], h))
            if "bias_ih" in self.arrays:
                total += self.arrays["bias_ih"][1][row] + self.arrays["bias_hh"][1][row]
            sums.append(total)
        sigmoid = lambda v: 1 / (1 + math.exp(-v))
        n = self.hidden
        c_next = [sigmoid(sums[n + k]) * c[k] + sigmoid(sums[k]) * math.tanh(sums[2 * n + k]) for k in range(n)]
        return [sigmoid(sums[3 * n + k]) * math.tanh(c_next[k]) for k in range(n)], c_next

    def sequence(self, x, steps, batch, h=None, c=None):
        """x [steps][batch][input], h and c [batch][hidden], flat lists. (y, hn, cn), flat."""
        n, m = self.hidden, self.inputs
        h, c = list(h or [0.0] * batch * n), list(c or [0.0] * batch * n)
        y = []
        for t in range(steps):
            for b in range(batch):
                place = (t * batch + b) * m
                row = slice(b * n, (b + 1) * n)
                h[row], c[row] = self.step(x[place:place + m], h[row], c[row])
            y += h
        return y, h, c


def swap_axes(values, first, second, width):
    """[first][second][width] -> [second][first][width], flat."""
    return [values[(i * second + j) * width + k] for j in range(second) for i in range(first) for k in range(width)]
