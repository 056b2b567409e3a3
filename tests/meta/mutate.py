#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks each kernel on purpose and expects red: mutate.py [--share N] CL_DIR NAME=TEST_PROGRAM... Reports as TAP, one line a fault.

With --share one in N of each file's faults is tried, others with each commit; that all fit the kernels is checked always.

Each fault is one change of text in a copy of cl/, which OCLSTM_KERNEL_DIR puts in place of the built-in kernels. At least one of the
test programs named with it must fail; a crash or an exceeded time limit counts as red as well. First all of them must pass on the
unchanged copy. Without a device everything is skipped, or fails where CI is set.
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import typing

import kernel_faults
from fault_share import share_of

TIME_LIMIT_S = 120
# The message of the device layer for a kernel that does not compile.
BUILD_FAILURE = re.compile(r'building "[^"]*" with options')


class Outcome(typing.NamedTuple):
    """How a test program ended."""

    good: bool
    skipped: bool
    output: str


def run(program: str, kernel_dir: pathlib.Path, case: str = "") -> Outcome:
    """Runs a test program, or one test case of it, on the kernels of a folder."""
    environment = os.environ | {"OCLSTM_KERNEL_DIR": str(kernel_dir)} | ({"CK_RUN_CASE": case} if case else {})
    try:
        done = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return Outcome(False, False, f"no end after {TIME_LIMIT_S} s")
    return Outcome(done.returncode == 0, "1..0 # SKIP" in done.stdout, done.stdout + done.stderr)


def apply(fault: kernel_faults.Fault, kernel_dir: pathlib.Path) -> str | None:
    """Changes the copy; says why where the text is not there exactly once."""
    path = kernel_dir / fault.file
    text = path.read_text(encoding="utf-8")
    if text.count(fault.old) != 1:
        return f"{fault.file} has this text {text.count(fault.old)} times, not once: {fault.old}"
    path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    return None


def judge(fault: kernel_faults.Fault, cl_dir: pathlib.Path, broken: pathlib.Path, programs: dict[str, str]) -> tuple[bool, str, str]:
    """(seen, what it is, what to say where it was not seen) of one fault."""
    shutil.copytree(cl_dir, broken)
    problem = apply(fault, broken)
    seen = False
    for stem in fault.tests if problem is None else ():
        name, _, case = stem.partition(":")
        outcome = run(programs[name], broken, case)
        if BUILD_FAILURE.search(outcome.output):
            problem = f"{stem} cannot build it, so that it proves nothing:\n{outcome.output}"
        seen = seen or not outcome.good
    shutil.rmtree(broken)
    if seen and problem is None:
        return True, f"{fault.file}: {fault.what}: seen by {' or '.join(fault.tests)}", ""
    return False, f"{fault.file}: {fault.what}", problem or f"{' and '.join(fault.tests)} did not notice"


def misfits(cl_dir: pathlib.Path) -> list[str]:
    """The faults whose text is not in the kernels exactly once."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in cl_dir.iterdir() if path.is_file()}
    return [f"{fault.file}: {fault.what}" for fault in kernel_faults.FAULTS if texts.get(fault.file, "").count(fault.old) != 1]


def main() -> int:
    arguments, share = sys.argv[1:], 1
    if arguments[0] == "--share":
        share, arguments = int(arguments[1]), arguments[2:]
    cl_dir = pathlib.Path(arguments[0])
    programs = dict(argument.split("=", 1) for argument in arguments[1:])
    files = list(dict.fromkeys(fault.file for fault in kernel_faults.FAULTS))
    faults = [fault for file in files for fault in share_of([fault for fault in kernel_faults.FAULTS if fault.file == file], share, cl_dir)]
    print(f"1..{1 + len(programs) + len(faults)}", flush=True)
    number = failed = 0

    def result(good: bool, name: str, output: str = "") -> None:
        nonlocal number, failed
        number += 1
        failed += not good
        print("ok" if good else "not ok", number, "-", name, flush=True)
        if not good:
            print("\n".join("# " + line for line in output.splitlines()), flush=True)

    unfit = misfits(cl_dir)
    result(not unfit, f"{len(kernel_faults.FAULTS)} faults fit the kernels", "\n".join(unfit))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copytree(cl_dir, folder / "intact")
        for stem, program in programs.items():
            outcome = run(program, folder / "intact")
            if outcome.skipped:
                # The plan says more; a skip of everything is one line.
                for _ in range(len(programs) + len(faults)):
                    number += 1
                    print("ok", number, "- # skip no OpenCL device")
                return 0
            result(outcome.good, f"{stem} passes on the intact kernels", outcome.output)
        # Most of the time goes into compiling kernels, one core each.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            places = [folder / str(place) for place in range(len(faults))]
            verdicts = pool.map(lambda fault, broken: judge(fault, cl_dir, broken, programs), faults, places)
            for verdict in verdicts:
                result(*verdict)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
