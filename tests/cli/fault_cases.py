#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm run` while OpenCL fails under it: a message, an exit code, no result half written. fault_cases.py OCLSTM [CASE...]

The layer of tests/faults lets a call fail (OPENCL_LAYERS, OCLSTM_FAULT); it reports how many calls there were, which failed, and
what is still held when the process ends."""

import os
import subprocess
import sys

from cli_case import Result, Skip, close, run_cases
from cli_files import Cell, randoms, read_npy, write_npy, write_safetensors

# What the program may do without: facts of devices, and what is released.
SURVIVED = ("clGetPlatform", "clGetDevice", "clRelease", "clGetMemObjectInfo")
CLOSING = 20  # of the last calls one may be the wait before a cell or a device goes


class Faulty:
    """A run of a small model, again and again."""

    def __init__(self, program, *options):
        if not os.environ.get("OPENCL_LAYERS"):
            raise Skip("no layer: OPENCL_LAYERS is not set")
        self.program, self.options = program, options
        cell = Cell(3, 4, True)
        x = randoms((5, 2, 3), "x")
        write_safetensors(program.path_of("m.safetensors"), cell.tensors(""))
        write_npy(program.path_of("x.npy"), (5, 2, 3), x)
        self.expected = cell.sequence(x, 5, 2)[0]
        self.result, self.report = self.run(None)
        assert self.result.code == 0, self.result
        self.check_y()
        if "calls" not in self.report or self.report["calls"] == "0":
            raise Skip("the loader does not honour OPENCL_LAYERS")

    def run(self, fault):
        report = self.program.path_of("report.txt")
        report.unlink(missing_ok=True)
        self.program.path_of("y.npy").unlink(missing_ok=True)
        arguments = ["run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", *self.options]
        changes = {"OCLSTM_FAULT_REPORT": str(report)} | ({"OCLSTM_FAULT": fault} if fault else {})
        done = subprocess.run([self.program.path, *arguments], cwd=self.program.folder, env=self.program.environment(changes),
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
        words = dict(line.split(" ", 1) for line in report.read_text().splitlines()) if report.exists() else {}
        return Result(arguments, done.returncode, done.stdout, done.stderr.decode(errors="replace")), words

    def check_y(self):
        descr, shape, values = read_npy(self.program.path_of("y.npy"))[:3]
        assert (descr, tuple(shape)) == ("<f4", (5, 2, 4)), (descr, shape)
        close(values, self.expected)

    def fail(self, call, code, mode):
        fault = f"{call}:{code}:{mode}"
        before = self.program.files() - {"y.npy"}
        result, report = self.run(fault)
        where = f"OCLSTM_FAULT={fault} ({report.get('struck')})\n{result}"
        assert report.get("struck", "-") != "-", f"nothing failed: {where}"
        assert report.get("live") == "0", f"objects are held: {report} {where}"
        files = self.program.files()
        if result.code == 0:
            closes = report["struck"] == "clFinish" and call > int(self.report["calls"]) - CLOSING
            assert closes or report["struck"].startswith(SURVIVED), f"success: {where}"
            self.check_y()
        else:
            assert result.code in (1, 3), f"exit code: {where}"
            assert any(line.startswith("oclstm: ") for line in result.err.splitlines()), f"no message: {where}"
            assert files == before, f"left behind {files ^ before}: {where}"
        assert not [name for name in files if ".partial-" in name], f"a temporary file: {where}"


def spread(count, places):
    """Call numbers from the first to the last."""
    return sorted({1 + place * (count - 1) // (places - 1) for place in range(places)})


def case_a_call_fails_once(program):
    faulty = Faulty(program)
    for turn, call in enumerate(spread(int(faulty.report["calls"]), 16)):
        faulty.fail(call, (-5, -6)[turn % 2], "once")


def case_calls_fail_from_then_on(program):
    faulty = Faulty(program, "-e", "portable")
    for call in spread(int(faulty.report["calls"]), 8):
        faulty.fail(call, -6, "then-on")


def case_the_device_is_lost(program):
    faulty = Faulty(program, "-e", "portable")
    count = int(faulty.report["calls"])
    for call in spread(count, 8)[3:]:
        result, report = faulty.run(f"{call}:-5:lost")
        assert report.get("live") == "0", (call, report, str(result))
        assert result.code in (0, 1), f"call {call}: {result}"
        assert (result.code == 0) == program.path_of("y.npy").exists(), f"call {call}: {result}"


def case_no_platform(program):
    faulty = Faulty(program)
    result, _ = faulty.run("1:-1001:then-on")
    assert result.code == 3 and "no OpenCL platform" in result.err, result


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
