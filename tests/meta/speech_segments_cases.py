#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/speech-segments and tools/npy-difference on files made up: speech_segments_cases.py TOOLS. Reports as TAP."""

import pathlib
import struct
import subprocess
import sys
import tempfile
import traceback

STEP = 0.05
# Steps of 0.05 s: a pause of two is 0.1 s, a segment of five is 0.25 s.
CASES = [
    ("silence", [0.1] * 20, []),
    ("speech throughout", [0.9] * 20, [(0.0, 1.0)]),
    ("one segment", [0.1] * 4 + [0.9] * 8 + [0.1] * 8, [(0.2, 0.6)]),
    ("begins at 0.5, not below", [0.49] * 4 + [0.5] + [0.49] * 7 + [0.1] * 8, [(0.2, 0.6)]),
    ("goes on above 0.35, ends below", [0.9] + [0.36] * 7 + [0.34] * 12, [(0.0, 0.4)]),
    ("a pause of less than 0.1 s is joined", [0.9] * 6 + [0.1] + [0.9] * 6 + [0.1] * 7, [(0.0, 0.65)]),
    ("a pause of 0.1 s is one", [0.9] * 6 + [0.1] * 2 + [0.9] * 6 + [0.1] * 6, [(0.0, 0.3), (0.4, 0.7)]),
    ("a segment of less than 0.25 s is dropped", [0.1] * 4 + [0.9] * 4 + [0.1] * 12, []),
    ("a segment of 0.25 s is kept", [0.1] * 4 + [0.9] * 5 + [0.1] * 11, [(0.2, 0.45)]),
    ("short ones are joined before any is dropped", [0.9] * 3 + [0.1] + [0.9] * 3 + [0.1] * 13, [(0.0, 0.35)]),
    ("ends with the file", [0.1] * 10 + [0.9] * 10, [(0.5, 1.0)]),
]


def write_npy(path: pathlib.Path, shape: tuple[int, ...], values: list[float]) -> None:
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape})
    header += " " * (-(11 + len(header)) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}f", *values))


def run(program: pathlib.Path, *arguments: object, code: int = 0) -> str:
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}: {done.stdout}{done.stderr}"
    return done.stdout


def check_segments(tools: pathlib.Path, folder: pathlib.Path, values: list[float], expected: list[tuple[float, float]]) -> None:
    write_npy(folder / "p.npy", (len(values), 1), values)
    lines = run(tools / "speech-segments", folder / "p.npy", STEP).splitlines()
    total = sum(last - first for first, last in expected)
    assert lines[0].startswith(f"speech:     {total:.2f} of 1.00 s, {len(expected)} segment"), lines
    found = [(float(words[0]), float(words[2])) for words in map(str.split, lines[2:])]
    assert [tuple(round(t, 2) for t in pair) for pair in expected] == found, lines
    for line, (first, last) in zip(lines[2:], expected):
        bar = line.split()[-1]
        assert len(bar) == 60 and abs(bar.index("#") - 60 * first) <= 1 and abs(bar.rindex("#") + 1 - 60 * last) <= 1, line


def check_faults(tools: pathlib.Path, folder: pathlib.Path) -> None:
    write_npy(folder / "p.npy", (2,), [0.5, float("nan")])
    run(tools / "speech-segments", folder / "p.npy", STEP, code=1)
    write_npy(folder / "p.npy", (0,), [])
    run(tools / "speech-segments", folder / "p.npy", STEP, code=1)
    run(tools / "speech-segments", code=2)


def check_difference(tools: pathlib.Path, folder: pathlib.Path) -> None:
    write_npy(folder / "a.npy", (3, 1), [0.0, 1.0, 2.0])
    write_npy(folder / "b.npy", (3,), [0.0, 1.25, 2.0])
    write_npy(folder / "c.npy", (1, 4), [0.0, 1.0, 2.0, 3.0])
    assert run(tools / "npy-difference", folder / "a.npy", folder / "b.npy", 0.25) == "2.5e-01\n"
    run(tools / "npy-difference", folder / "a.npy", folder / "b.npy", 0.2, code=1)
    run(tools / "npy-difference", folder / "a.npy", folder / "c.npy", 9, code=1)


def main() -> int:
    tools, failed = pathlib.Path(sys.argv[1]), 0
    checks = [(name, check_segments, (values, expected)) for name, values, expected in CASES]
    checks += [("what is no probability", check_faults, ()), ("differences, whatever extents of 1 there are", check_difference, ())]
    print(f"1..{len(checks)}")
    for number, (name, check, arguments) in enumerate(checks, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                check(tools, pathlib.Path(folder), *arguments)
                print(f"ok {number} - {name}")
            except Exception:  # whatever went wrong is this check's failure, and the next is run
                failed += 1
                print(f"not ok {number} - {name}")
                print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
