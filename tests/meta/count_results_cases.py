#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/count-results on results of every kind: count_results_cases.py COUNT_RESULTS. Reports as TAP."""

import json
import pathlib
import subprocess
import sys
import tempfile

# What it is, protocol, meson's result, output, expected "passed, failed, skipped".
CASES = [
    ("all pass", "tap", "OK", "1..2\nok 1 - a\nok 2 - b\n", (2, 0, 0)),
    ("some skipped", "tap", "OK", "1..2\nok 1 - a # SKIP why\nok 2 - b\n", (1, 0, 1)),
    ("all skipped", "tap", "SKIP", "1..0 # SKIP no device\n", (0, 0, 1)),
    ("expected failure", "tap", "OK", "1..1\nnot ok 1 - a # todo why\n", (0, 0, 1)),
    ("unexpected pass", "tap", "FAIL", "1..1\nok 1 - a # todo why\n", (0, 1, 0)),
    ("a failure", "tap", "ERROR", "1..2\nnot ok 1 - a\n# not ok in words\nok 2 - b\n", (1, 1, 0)),
    ("crash after a pass", "tap", "ERROR", "ok 1 - a\n", (1, 1, 0)),
    ("time limit after a pass", "tap", "TIMEOUT", "ok 1 - a\n", (1, 1, 0)),
    ("bail out", "tap", "ERROR", "Bail out! why\n", (0, 1, 0)),
    ("nothing said", "tap", "SKIP", "", (0, 1, 0)),
    ("exit code 0", "exitcode", "OK", "ok 1\nok 2\n", (1, 0, 0)),
    ("exit code 1", "exitcode", "FAIL", "", (0, 1, 0)),
    ("exit code 77", "exitcode", "SKIP", "", (0, 0, 1)),
    ("time limit", "exitcode", "TIMEOUT", "", (0, 1, 0)),
]


def count(program: str, cases: list) -> tuple[int, str]:
    """Exit code and last line for a build directory with these results."""
    with tempfile.TemporaryDirectory() as name:
        build = pathlib.Path(name)
        (build / "meson-info").mkdir()
        (build / "meson-logs").mkdir()
        tests = [{"name": case[0], "protocol": case[1]} for case in cases]
        (build / "meson-info" / "intro-tests.json").write_text(json.dumps(tests))
        entries = [{"name": f"oclstm:unit / {case[0]}", "result": case[2], "stdout": case[3]} for case in cases]
        (build / "meson-logs" / "testlog.json").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
        done = subprocess.run([program, str(build)], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines()[-1]


def shown(program: str) -> list[str]:
    """What --list shows of three tests, two of them of the suite."""
    with tempfile.TemporaryDirectory() as name:
        build = pathlib.Path(name)
        (build / "meson-info").mkdir()
        (build / "meson-logs").mkdir()
        entries = [
            {"name": "oclstm:devices+devices_full / there", "result": "OK", "stdout": "1..2\nok 1 - a\nok 2 - b # SKIP no b\n"},
            {"name": "oclstm:devices / absent", "result": "SKIP", "stdout": "1..0 # SKIP no network\n"},
            {"name": "oclstm:unit / other", "result": "OK", "stdout": "1..1\nok 1 - a\n"},
        ]
        tests = [{"name": entry["name"].split(" / ")[1], "protocol": "tap"} for entry in entries]
        (build / "meson-info" / "intro-tests.json").write_text(json.dumps(tests))
        (build / "meson-logs" / "testlog.json").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
        done = subprocess.run([program, "--list", "devices,imitated", str(build)], capture_output=True, text=True, check=False)
        return [line.replace(f"{build}: ", "") for line in done.stdout.splitlines()]


def said(program: str) -> list[str]:
    """What is said of two tests that failed: one with bad results among many good ones, one that crashed."""
    with tempfile.TemporaryDirectory() as name:
        build = pathlib.Path(name)
        (build / "meson-info").mkdir()
        (build / "meson-logs").mkdir()
        good = "".join(f"# of {i}\nok {i} - good\n" for i in range(3, 40))
        entries = [
            {"name": "oclstm:unit / bad", "result": "ERROR", "returncode": 1,
             "stdout": "# first\nok 1 - a\n# why\nnot ok 2 - b\n# and where\n" + good + "1..39\n", "stderr": "from it"},
            {"name": "oclstm:unit / crash", "result": "ERROR", "returncode": -11, "stdout": "ok 1 - a\n"},
        ]
        tests = [{"name": entry["name"].split(" / ")[1], "protocol": "tap"} for entry in entries]
        (build / "meson-info" / "intro-tests.json").write_text(json.dumps(tests))
        (build / "meson-logs" / "testlog.json").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
        done = subprocess.run([program, str(build)], capture_output=True, text=True, check=False)
        lines = [line.replace(f"{build}: ", "") for line in done.stdout.splitlines()]
        return [line for line in lines if not line.startswith(("# of", "ok 2", "ok 3"))]


SAID = ["oclstm:unit / bad: ERROR, 1 failed", "oclstm:unit / crash: ERROR, 1 failed", "What failed:",
        "== oclstm:unit / bad: ERROR, exit code 1", "...", "# why", "not ok 2 - b", "# and where", "...", "1..39", "from it",
        "== oclstm:unit / crash: ERROR, signal SIGSEGV", "ok 1 - a", "39 passed, 2 failed, 0 skipped"]


def main() -> int:
    program, failed = sys.argv[1], 0
    runs = [(case[0], [case], case[4]) for case in CASES]
    runs.append(("all of these", CASES, tuple(sum(case[4][i] for case in CASES) for i in range(3))))
    runs.append(("no result", [], (0, 1, 0)))
    print(f"1..{len(runs) + 2}")
    for number, (name, cases, (good, bad, skipped)) in enumerate(runs, 1):
        found = count(program, cases)
        expected = (0 if good and not bad else 1, f"{good} passed, {bad} failed, {skipped} skipped")
        print("ok" if found == expected else "not ok", number, "-", name)
        if found != expected:
            print(f"# expected {expected}, found {found}")
            failed += 1
    listed = ["Devices:", "  absent: did not run: no network", "  there: 1 passed, 1 skipped: no b", "2 passed, 0 failed, 2 skipped"]
    words = [("the list of devices", shown(program), listed), ("what failed tests said", said(program), SAID)]
    for number, (name, found, expected) in enumerate(words, len(runs) + 1):
        print("ok" if found == expected else "not ok", number, "-", name)
        if found != expected:
            print(f"# expected {expected}, found {found}")
            failed += 1
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
