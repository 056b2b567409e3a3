#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line itself: help, version, misuse, exit codes. Needs no device: usage_cases.py OCLSTM [CASE...]"""

import json
import re
import subprocess
import sys

from cli_case import Skip, run_cases
from cli_files import Cell, write_npy, write_safetensors

COMMANDS = ["devices", "run", "stream", "train", "generate", "info", "convert", "check", "selftest", "bench", "tune", "kernels"]


def no_platform(program):
    """An environment in which the OpenCL loader finds nothing."""
    folder = program.path_of("no-drivers")
    folder.mkdir(exist_ok=True)
    return {"OCL_ICD_VENDORS": str(folder), "OCL_ICD_FILENAMES": ""}


def case_version(program):
    program.run("--version", out=r"^oclstm \d+\.\d+\.\d+\n$")
    program.run("-V", out=r"^oclstm \d")


def case_help_lists_the_commands(program):
    for arguments in (["--help"], ["-h"], ["help"]):
        text = program.run(*arguments, out="Example:", err="^$").out.decode()
        for command in COMMANDS:
            assert re.search(rf"^  {command} ", text, re.MULTILINE), command


def case_every_command_has_help_with_an_example(program):
    for command in COMMANDS:
        text = program.run(command, "--help", out=rf"^Usage: oclstm {command} .*Options:.*Example:\n  oclstm {command}", err="^$").out
        assert text == program.run("help", command).out
        assert max(map(len, text.decode().splitlines())) <= 120


def case_help_wins_over_missing_arguments(program):
    program.run("run", "--help", "-q", out="Usage")


def case_no_command(program):
    result = subprocess.run([program.path], capture_output=True, check=False)
    assert result.returncode == 2 and result.stderr.startswith(b"Usage: oclstm") and not result.stdout


def case_unknown_command_lists_the_commands(program):
    program.run("runn", code=2, err="unknown command 'runn'.*devices run stream train generate info .*check selftest")
    program.run("help", "runn", code=2, err="unknown command 'runn'")
    program.run("", code=2, err="unknown command ''")


def case_unknown_options(program):
    program.run("--what", code=2, err="unknown option '--what'")
    for command in COMMANDS:
        program.run(command, "--what", code=2, err=f"{command}: unknown or ambiguous option '--what'.*oclstm {command} --help")
        program.run(command, "-Z", code=2, err="unknown option '-Z'")
    program.run("info", "-d", "0", "x", code=2, err="unknown option '-d'")
    program.run("run", "--json", "x", code=2, err="unknown or ambiguous option '--json'")
    program.run("run", "--ba", code=2, err="MODEL")  # an unambiguous abbreviation is an option
    program.run("devices", "--json=yes", code=2, err="--json takes no argument")


def case_missing_arguments(program):
    program.run("run", code=2, err="MODEL -i X .* is missing")
    program.run("info", code=2, err="FILE is missing")
    program.run("check", code=2, err="FILE... is missing")
    program.run("run", "m", code=2, err="-i X is missing")
    program.run("run", "m", "-i", code=2, err="--input needs an argument, X")
    program.run("run", "m", "-i", "", code=2, err="--input '' is not valid")
    program.run("check", "f", "--tol", code=2, err="--tol needs an argument")


def case_too_many_arguments(program):
    program.run("devices", "x", code=2, err="unexpected argument 'x'")
    program.run("selftest", "x", code=2, err="unexpected argument 'x'")
    program.run("bench", "x", code=2, err="unexpected argument 'x'")
    program.run("info", "a", "b", code=2, err="unexpected argument 'b'")
    program.run("run", "m", "n", "-i", "x", code=2, err="unexpected argument 'n'")


def case_option_values(program):
    run = ["run", "m", "-i", "x"]
    program.run(*run, "--dtype", "int16", code=2, err="--dtype 'int16'.*float32, float64, float16 or bfloat16")
    program.run(*run, "--precision", "f8", code=2, err="f32, f64, f16 or bf16")
    program.run(*run, "--engine", "fast", code=2, err="--engine 'fast'.*auto, portable.* or clblast")
    for value in ("-1", "nan", "inf", "x", "", "1e-5x"):
        program.run("check", "f", "--tol", value, code=2, err="--tol .*expected a number")
    for value in ("-1", "x", "", "99999999999999999999999"):
        program.run("selftest", "--seed", value, code=2, err="--seed .*expected a whole number")


def case_stream_options(program):
    stream = ["stream", "m"]
    program.run(*stream, "--format", "csv", code=2, err="--format 'csv' is not valid: expected raw or npy")
    program.run(*stream, "--dtype", "float16", code=2, err="expected float32 or float64")
    for value in ("0", "-1", "x", "", "4294967296"):
        program.run(*stream, "--batch", value, code=2, err="--batch .*a whole number, 1 or greater")
    program.run(*stream, "-i", "x", code=2, err="unknown option '-i'")
    program.run("stream", code=2, err="MODEL is missing")
    program.run("stream", "m", "n", code=2, err="unexpected argument 'n'")


def case_bench_shapes(program):
    for value in ("", "0,1,1,1", "-1,1,1,1", "+1,1,1,1", " 1,1,1,1", "1,1,1", "1,1,1,1,1", "1,,1,1", "1,1,1,1x", "a,b,c,d", "1;1;1;1", "1.5,1,1,1",
                  "99999999999999999999,1,1,1"):
        program.run("bench", f"--shape={value}", code=2, err="--shape .*is not valid: expected B,I,H,T")
    for value in ("4294967296,4294967296,1,1", "9223372036854775807,1,1,1", "1,1,4294967296,1", "1,9223372036854775807,1,1"):
        program.run("bench", "--shape", value, code=2, err="--shape .*address space")
    program.run("bench", *["--shape=1,1,1,1"] * 65, code=2, err="at most 64 shapes")
    program.run("bench", "--single", "--shape", "1,16,16,2", code=2, err="T = 1")
    for other in (["--single"], ["--plot", "p.svg"], ["--gemm", "1,1,1"], ["--device", "0,0/0"]):
        program.run("bench", "--train", *other, code=2, err="leave out --single, --plot, --gemm")


def case_bench_values(program):
    for value in ("0", "-1", "x", "", "1.5", "1000001"):
        program.run("bench", f"--repeat={value}", code=2, err="--repeat .*a whole number from 1")
    for value in ("0", "-1", "x", "", "nan", "inf", "1s"):
        program.run("bench", f"--time={value}", code=2, err="--time .*seconds above 0")
    program.run("bench", "--repeat", "2", "--time", "1", code=2, err="give one of them")
    program.run("bench", "--engine", "fast", code=2, err="or clblast")
    program.run("selftest", "--engine", "all", code=2, err="--engine 'all' is not valid")
    program.run("bench", "--dtype", "int16", code=2, err="float32, float64, float16 or bfloat16")


def case_bench_plots(program):
    for name in ("plot", "plot.pdf", ".svg", "folder/.png", "plot.svg.gz", ""):
        program.run("bench", f"--plot={name}", code=2, err="--plot .* is not valid")
    program.run("bench", "--single", "--plot", "p.svg", code=2, err="leave out --single")
    program.run("bench", "--plot", "p.svg", code=1, err="apt install gnuplot", env={"PATH": str(program.folder)})


def case_state_comes_in_pairs(program):
    program.run("run", "m", "-i", "x", "--h0", "h", code=2, err="--h0 without --c0")
    program.run("run", "m", "-i", "x", "--c0", "c", code=2, err="--c0 without --h0")


def case_outputs_differ(program):
    program.run("run", "m", "-i", "x", "-o", "y.npy", "--hn", "y.npy", code=2, err="must name different files")
    program.run("run", "m", "-i", "x", "--hn", "s.npy", "--cn", "s.npy", code=2, err="must name different files")


def case_no_platform_at_all(program):
    env = no_platform(program)
    program.run("devices", code=3, out="^$", err="no OpenCL platform.*install", env=env)
    program.run("selftest", code=3, err="install", env=env)
    program.run("selftest", "--all", code=3, err="install", env=env)
    program.run("bench", code=3, err="install", env=env)
    document = json.loads(program.run("devices", "--json", code=3, err="install", env=env).out)
    assert document == {"devices": []}
    cell = Cell(3, 4)
    write_safetensors(program.path_of("m.safetensors"), cell.tensors())
    write_npy(program.path_of("x.npy"), (2, 3), [0.0] * 6)
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", code=3, err="install", env=env)
    program.run("check", "m.safetensors", code=3, err="install", env=env)
    program.run("train", "m.safetensors", "-x", "x.npy", "-t", "x.npy", "-o", "o.safetensors", code=3, err="install", env=env)
    program.run("info", "m.safetensors", out="weight_ih", env=env)


def case_full_standard_output(program):
    try:
        full = open("/dev/full", "wb")
    except OSError:
        raise Skip("there is no /dev/full") from None
    with full:
        program.run("--help", code=1, err="standard output.*No space left", stdout=full)
        program.run("--version", code=1, err="standard output", stdout=full)


def case_closed_standard_streams(program):
    for stream in ("1", "2"):
        done = subprocess.run(["sh", "-c", f'"$0" --help {stream}>&-', program.path], capture_output=True, check=False)
        assert done.returncode == (1 if stream == "1" else 0), done


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=False))
