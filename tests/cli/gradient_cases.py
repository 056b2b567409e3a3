#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gradients in `oclstm check`: gradient_cases.py OCLSTM [CASE...]"""

import json
import struct
import sys

from cli_case import run_cases
from cli_files import CODES, count, write_safetensors


def read(path):
    """The tensors and the metadata of a .safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin = 8 + length + entry["data_offsets"][0]
        values = struct.unpack_from(f"<{count(entry['shape'])}{CODES[entry['dtype']]}", data, begin)
        tensors[name] = (entry["dtype"], tuple(entry["shape"]), list(values))
    return tensors, metadata


def golden(program, name):
    return read(program.data / "cells" / f"{name}.safetensors")


def write(program, tensors, metadata):
    write_safetensors(program.path_of("g.safetensors"), tensors, metadata)


def entry_of(program, *arguments, code=0):
    return json.loads(program.run("check", "--json", "-q", *arguments, "g.safetensors", code=code).out)["files"][0]


# A cell, a sequence of one, whole networks.
FILES = ["torch_cell_odd", "torch_cell_unbatched", "torch_lstm_l1", "torch_lstm_l2", "torch_lstm_proj_bidir_l2", "torch_lstm_lengths"]


def case_every_gradient_is_looked_at(program):
    for name in FILES:
        tensors, metadata = golden(program, name)
        results = {"grad_h1", "grad_c1", "grad_y", "grad_hn", "grad_cn"}
        gradients, places = [key for key in tensors if key.startswith("grad_")], {}
        for key in gradients:
            dtype, shape, values = tensors[key]
            places[key] = 0 if key == "grad_y" else len(values) // 2  # the first step is behind no sequence's end
            wrong = list(values)
            wrong[places[key]] += 0.01 * max(map(abs, values))
            write_safetensors(program.path_of(f"{key}.safetensors"), {**tensors, key: (dtype, shape, wrong)}, metadata)
        done = program.run("check", "--json", "-q", *(f"{key}.safetensors" for key in gradients), code=1)
        for key, found in zip(gradients, json.loads(done.out)["files"]):
            assert found["result"] == "fail" and found["error"] <= found["tolerance"], found
            if key not in results:
                assert (found["gradients"]["array"], found["gradients"]["index"]) == (key, places[key]), found
                assert 0.005 < found["gradients"]["error"] < 0.02, found
        write(program, tensors, metadata)
        found = entry_of(program)
        assert found["result"] == "ok" and found["gradients"]["tolerance"] == float(metadata["tolerance_gradient"]), found
        assert found["gradients"]["error"] <= found["gradients"]["tolerance"] and found["gradients"]["misplaced"] == 0, found
        assert found["gradients"]["framework_error_from_exact"] == float(metadata["own_error_gradient"]), found


def case_the_line_says_it(program):
    tensors, metadata = golden(program, "torch_cell_odd")
    write(program, tensors, metadata)
    program.run("check", "g.safetensors", out=r"^ok .* worst .* gradients \S+ \(grad_\w+\) tolerance 2.8e-05  from exact \S+ \(torch 2\S+ 4.4e-07\)")
    dtype, shape, values = tensors["grad_x"]
    write(program, {**tensors, "grad_x": (dtype, shape, [values[0] + 1] + values[1:])}, metadata)
    program.run("check", "g.safetensors", code=1, out=r"^fail .*\n      grad_x\[0\]: got \S+, expected \S+")
    program.run("check", "g.safetensors", "--tol", "10", out="^ok ")
    write(program, {**tensors, "grad_x": (dtype, shape, [float("nan")] + values[1:])}, metadata)
    program.run("check", "g.safetensors", "--tol", "1e9", code=1, out=r"gradients .* 1 NaN or infinity misplaced")


def case_gradients_may_be_missing(program):
    for name in ("torch_cell_odd", "torch_lstm_lengths"):
        tensors, metadata = golden(program, name)
        write(program, {key: value for key, value in tensors.items() if not key.startswith(("grad_w", "grad_b", "grad_x"))}, metadata)
        assert entry_of(program)["gradients"]["array"] in ("grad_h0", "grad_c0")
        write(program, {key: value for key, value in tensors.items() if not key.startswith("grad_")}, metadata)
        assert entry_of(program)["gradients"] is None


def case_gradients_that_are_wrong(program):
    for name, results, weight in (("torch_cell_odd", "grad_h1, grad_c1", "weight_ih"),
                                  ("torch_lstm_lengths", "grad_y, grad_hn, grad_cn", "weight_ih_l0")):
        tensors, metadata = golden(program, name)
        write(program, {**tensors, "grad_weight_xh": tensors["x"]}, metadata)
        program.run("check", "g.safetensors", code=1, out="'grad_weight_xh' is the gradient of nothing that is known here")
        write(program, {key: value for key, value in tensors.items() if key not in results.split(", ")}, metadata)
        program.run("check", "g.safetensors", code=1, out=f"none of the results: {results} are missing")
        write(program, {**tensors, f"grad_{weight}": tensors["x"]}, metadata)
        program.run("check", "g.safetensors", code=1, out=f"'grad_{weight}' does not have the .* values of {weight}")


def case_other_precisions(program):
    tensors, metadata = golden(program, "torch_cell_odd")
    write(program, tensors, metadata)
    for dtype in ("f16", "bf16"):  # cells of 16 bits have no gradients
        assert entry_of(program, "--precision", dtype)["gradients"] is None
    if "float64: the device does not" not in program.run("check", "--precision", "f64", "g.safetensors").out.decode():
        found = entry_of(program, "--precision", "f64")
        # What is left is the framework's own error.
        assert found["gradients"]["error_from_exact"] < 1e-12 < found["gradients"]["error"] < 1e-6, found


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
