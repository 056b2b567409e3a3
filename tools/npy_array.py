# SPDX-License-Identifier: Apache-2.0
"""Little-endian float32 .npy files, read without NumPy."""

import array
import ast
import pathlib
import sys


def read(path: str) -> tuple[tuple[int, ...], array.array]:
    """Shape and values."""
    data = pathlib.Path(path).read_bytes()
    if data[:6] != b"\x93NUMPY" or len(data) < 10:
        raise ValueError(f"{path}: not an .npy file")
    length_bytes = 2 if data[6] == 1 else 4
    start = 8 + length_bytes + int.from_bytes(data[8 : 8 + length_bytes], "little")
    header = ast.literal_eval(data[8 + length_bytes : start].decode())
    if header["descr"] != "<f4" or header["fortran_order"]:
        raise ValueError(f"{path}: not a little-endian float32 array in C order: {header}")
    values = array.array("f", data[start:])
    if sys.byteorder == "big":
        values.byteswap()
    return header["shape"], values
