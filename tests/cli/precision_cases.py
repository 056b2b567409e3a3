#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--precision and --dtype with 16 bits, on every command that has them: precision_cases.py OCLSTM [CASE...]"""

import json
import re
from struct import pack, unpack

from cli_case import close, run_cases
from cli_files import Cell, randoms, read_npy, write_npy, write_safetensors

# What a value of each loses at most, as a part of it; results are compared within four times that.
ROUNDING = {"f16": 2.0**-11, "bf16": 2.0**-8}


def model(program, steps=7, batch=3, inputs=5, hidden=9):
    """A model and x, whose values all dtypes hold; y, hn, cn of float64."""
    cell = Cell(inputs, hidden)
    x = randoms((steps, batch, inputs), "x")
    write_safetensors(program.path_of("m.safetensors"), cell.tensors())
    write_npy(program.path_of("x.npy"), (steps, batch, inputs), x)
    write_npy(program.path_of("x16.npy"), (steps, batch, inputs), x, descr="<f2")
    return cell.sequence(x, steps, batch)


def case_run_in_16_bits_on_float32_files(program):
    expected = model(program)
    for precision, rounding in ROUNDING.items():
        for engine in ("portable", "fused"):
            program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "--hn", "h.npy", "--cn", "c.npy", "--precision", precision,
                        "-e", engine)
            for name, values in zip(("y.npy", "h.npy", "c.npy"), expected):
                descr, _, found = read_npy(program.path_of(name))
                assert descr == "<f4", descr
                close(found, values, 4 * rounding)
                assert found != values and (name == "c.npy" or all(in_16_bits(value, precision) for value in found)), name


def in_16_bits(value, precision):
    """h comes out of 16 bits."""
    if precision == "f16":
        return unpack("<e", pack("<e", value))[0] == value
    return pack("<f", value)[:2] == b"\0\0"


def case_run_on_a_float16_file_gives_one(program):
    y, hn, cn = model(program)
    program.run("run", "m.safetensors", "-i", "x16.npy", "-o", "y.npy", "--cn", "c.npy", "--dtype", "float16")
    for name, values in (("y.npy", y), ("c.npy", cn)):
        descr, _, found = read_npy(program.path_of(name))
        assert descr == "<f2", descr
        close(found, values, 4 * ROUNDING["f16"])
    # There is no .npy of bfloat16; without --precision a float16 file is computed on in float32.
    for arguments in (["--precision", "bf16"], []):
        program.run("run", "m.safetensors", "-i", "x16.npy", "-o", "y.npy", *arguments)
        assert read_npy(program.path_of("y.npy"))[0] == "<f4"


def case_initial_state_in_16_bits(program):
    model(program)
    h, c = randoms((3, 9), "h"), [900.0 + value for value in randoms((3, 9), "c")]
    write_npy(program.path_of("h0.npy"), (3, 9), h)
    write_npy(program.path_of("c0.npy"), (3, 9), c)
    program.run("run", "m.safetensors", "-i", "x.npy", "--h0", "h0.npy", "--c0", "c0.npy", "-o", "y.npy", "--cn", "c.npy", "--precision", "bf16")
    y, _, cn = Cell(5, 9).sequence(read_npy(program.path_of("x.npy"))[2], 7, 3, h, c)
    close(read_npy(program.path_of("y.npy"))[2], y, 4 * ROUNDING["bf16"])
    close(read_npy(program.path_of("c.npy"))[2], cn, 8 * ROUNDING["bf16"])


def case_precision_and_dtype_are_one_setting(program):
    model(program)
    texts = []
    for arguments in (["--precision", "f64"], ["--dtype", "float64"], ["--precision", "float64"], ["--dtype", "bf16", "--precision", "f64"]):
        program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", *arguments)
        texts.append(program.path_of("y.npy").read_bytes())
    assert len(set(texts)) == 1 and b"<f8" in texts[0]


def case_wrong_words(program):
    model(program)
    for command in (["run", "m.safetensors", "-i", "x.npy"], ["check", "m.safetensors"], ["selftest"], ["bench"]):
        program.run(*command, "--precision", "f8", code=2, err="--precision 'f8' is not valid: expected f32, f64, f16 or bf16")
    program.run("run", "m.safetensors", "-i", "x.npy", "--dtype", "int8", code=2, err="expected float32, float64, float16 or bfloat16")
    for dtype in ("float16", "bf16"):
        program.run("tune", "--dtype", dtype, code=2, err="expected float32 or float64; cells of 16 bits go by what float32 was tuned to")
        program.run("bench", "--gemm", "8,8,8", "--dtype", dtype, code=2, err="--gemm measures products of float32 or float64: CLBlast")


def case_clblast_says_why_not(program):
    model(program)
    for precision, name in (("f16", "float16"), ("bf16", "bfloat16")):
        program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "--precision", precision, "-e", "clblast", code=1,
                    err=f"the engine 'clblast' cannot run on .*{name}.*accumulates")


def case_beyond_the_range(program):
    """float16 ends at 65504, bfloat16 where float32 does."""
    cell = Cell(2, 3)
    cell.arrays["weight_ih"] = ((12, 2), [0.0, 1e-6] * 12)
    write_safetensors(program.path_of("m.safetensors"), cell.tensors())
    write_npy(program.path_of("x.npy"), (1, 2), [1e5, 1.0])
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "--precision", "f16")
    assert all(value != value for value in read_npy(program.path_of("y.npy"))[2])  # infinity times 0
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "--precision", "bf16")
    close(read_npy(program.path_of("y.npy"))[2], cell.sequence([1e5, 1.0], 1, 1)[0], 4 * ROUNDING["bf16"])


def case_check_in_each_precision(program):
    files = sorted((program.data / "cells").glob("torch_cell_*.safetensors"))[:6]
    for precision, tolerance in (("f16", "2.0e-03"), ("bf16", "1.6e-02"), ("f32", "5.0e-06")):
        text = program.run("check", "--precision", precision, *files).out.decode()
        assert re.search(f"tolerance {tolerance}", text), text
        name = {"f16": " float16 ", "bf16": "bfloat16 ", "f32": " float32 "}[precision]
        assert text.count(name) == len(files), text
    program.run("check", "--precision", "bf16", "--tol", "1e-7", *files, code=1, out="^fail")


def case_selftest_of_one_precision(program):
    found = json.loads(program.run("selftest", "--quick", "--json", "--precision", "bf16").out)
    assert {group["dtype"] for group in found["engines"]} == {"bfloat16"}
    results = {group["engine"]: group["result"] for group in found["engines"]}
    assert results["portable"] == results["fused"] == "pass" and results["clblast"] == "skipped", results


def case_bench_in_16_bits(program):
    for precision, name in (("f16", "float16"), ("bf16", "bfloat16")):
        line = program.run("bench", "--shape", "2,8,16,4", "--repeat", "3", "--json", "-q", "--precision", precision).out
        assert json.loads(line)["dtype"] == name


def case_info_and_run_say_the_memory(program):
    model(program)
    text = program.run("info", "m.safetensors").out.decode()
    # 4*9*(5+9) weights and 4*9 biases, whose sum stays in what the cell computes with.
    assert re.search(r'""\s+2160\s+4320\s+1152\s+1152\n', text), text
    (cell,) = json.loads(program.run("info", "m.safetensors", "--json").out)["cells"]
    assert cell["device_bytes"] == {"f32": 2160, "f64": 4320, "f16": 1152, "bf16": 1152}
    held = {}
    for precision in ("f32", "f16"):
        err = program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "-v", "--precision", precision).err
        held[precision], weights = map(int, re.search(r"held on the device: (\d+) bytes, of which the weights before packing (\d+)", err).groups())
        assert weights == cell["device_bytes"][precision]
    assert held["f16"] < held["f32"]
    assert "stored in float16, sums and c in float32" in err


if __name__ == "__main__":
    raise SystemExit(run_cases(globals(), needs_device=True))
