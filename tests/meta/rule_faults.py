#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks each rule of portability on purpose and expects red.

    tests/meta/rule_faults.py [--rule N] [--only TEXT] [--jobs N]   builds a copy of the tree and tries every fault (minutes)
    tests/meta/rule_faults.py --share 4                             a quarter of each rule's faults, another one with each commit
    tests/meta/rule_faults.py --texts                               only checks that every fault still fits the sources (a moment)

The rules and the faults stand in rule_fault_list.py. A fault is one change of text in a copy of the source tree; the test that it names must
pass without it and fail with it. A fault that does not compile, or whose test is skipped, proves nothing and counts as a failure. Reports as
TAP, "ok 7 - rule 3, a launch without a local size: caught by imitated_devices". Without a device, what needs one is skipped, or fails
where CI is set.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import typing

import rule_fault_list
from fault_share import share_of
from rule_fault_list import FAULTS, RULES, Fault

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", "build*", "__pycache__")
# What a test's own time limit is worth here: a fault may also make it hang.
TIME_LIMIT_S = 180


class Outcome(typing.NamedTuple):
    """How a test ended."""

    good: bool
    skipped: bool
    output: str


class Tree:
    """A copy of the source tree with its build folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.build = folder / "build"

    def configure(self) -> None:
        """Copies the tree and configures it: no optimisation, since everything is built to be thrown away."""
        shutil.copytree(ROOT, self.folder, ignore=LEFT_OUT)
        done = subprocess.run(["meson", "setup", "build", "--buildtype=plain"], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError("meson setup failed:\n" + done.stdout + done.stderr)

    def clone(self, folder: pathlib.Path) -> "Tree":
        """A second tree, built as far as this one."""
        subprocess.run(["cp", "-a", str(self.folder), str(folder)], check=True)
        other = Tree(folder)
        for path in [other.build / "build.ninja", *(other.build / "meson-info").glob("*.json")]:
            times = path.stat()
            path.write_text(path.read_text(encoding="utf-8").replace(str(self.folder), str(folder)), encoding="utf-8")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        return other

    def tests(self) -> dict[str, dict]:
        """Meson's tests by name."""
        return {test["name"]: test for test in json.loads((self.build / "meson-info/intro-tests.json").read_text(encoding="utf-8"))}

    def make(self, names: typing.Iterable[str]) -> str | None:
        """Builds what these tests need; the compiler's words where that fails."""
        files = {target["id"]: target["filename"] for target in json.loads((self.build / "meson-info/intro-targets.json").read_text(encoding="utf-8"))}
        tests = self.tests()
        wanted = sorted({os.path.relpath(file, self.build) for name in names for target in tests[name]["depends"] for file in files[target]})
        done = subprocess.run(["ninja", *wanted], cwd=self.build, capture_output=True, text=True, check=False)
        return None if done.returncode == 0 else done.stdout[-3000:]

    def run(self, name: str) -> Outcome:
        """Runs a test as meson would."""
        test = self.tests()[name]
        limit = min(TIME_LIMIT_S, test["timeout"])
        # A process group of its own: what a broken test started must not outlive it.
        with subprocess.Popen(test["cmd"], cwd=test["workdir"] or self.build, env=os.environ | test["env"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True) as process:
            try:
                output, _ = process.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                return Outcome(False, False, f"no end after {limit} s")
        skipped = process.returncode == 77 or "1..0 # SKIP" in output
        good = process.returncode == 0 and "\nnot ok " not in "\n" + output and "Bail out!" not in output
        return Outcome(good, skipped, output)


# --- one fault -------------------------------------------------------------------------------------------------------


def misfit(fault: Fault, folder: pathlib.Path) -> str | None:
    """Why a fault does not fit the sources, if it does not."""
    for edit in fault.edits:
        path = folder / edit.file
        if not path.is_file():
            return f"there is no {edit.file}"
        count = path.read_text(encoding="utf-8").count(edit.old)
        if count != 1:
            return f"{edit.file} has this text {count} times, not once: {edit.old}"
        if edit.old == edit.new:
            return f"{edit.file}: nothing is changed: {edit.old}"
    return None


def judge(fault: Fault, tree: Tree) -> tuple[str, str]:
    """("ok", "skip" or "not ok", what to say) of one fault."""
    problem = misfit(fault, tree.folder)
    if problem:
        return "not ok", problem
    kept = {edit.file: (tree.folder / edit.file).read_bytes() for edit in fault.edits}
    try:
        for edit in fault.edits:
            path = tree.folder / edit.file
            path.write_text(path.read_text(encoding="utf-8").replace(edit.old, edit.new), encoding="utf-8")
        problem = tree.make([fault.test])
        if problem:
            return "not ok", "it does not compile, so that it proves nothing:\n" + problem
        outcome = tree.run(fault.test)
    finally:
        for file, text in kept.items():
            (tree.folder / file).write_bytes(text)
    if outcome.skipped:
        return "skip", f"{fault.test} is skipped here"
    return ("not ok", f"{fault.test} did not notice") if outcome.good else ("ok", outcome.output)


# --- all of them -----------------------------------------------------------------------------------------------------


class Report:
    """Counts and prints TAP."""

    def __init__(self, count: int) -> None:
        self.number = self.failed = 0
        print(f"1..{count}", flush=True)

    def add(self, result: str, name: str, output: str = "") -> None:
        self.number += 1
        if result == "skip" and os.environ.get("CI"):
            result = "not ok"
        self.failed += result == "not ok"
        line = "ok" if result == "skip" else result
        print(f"{line} {self.number} - {name}{' # SKIP ' + output if result == 'skip' else ''}", flush=True)
        if result == "not ok":
            print("\n".join("# " + line for line in output.splitlines()[-40:]), flush=True)


def check_texts() -> int:
    """Every fault fits the sources, and every rule has one."""
    report = Report(len(RULES) + 1)
    for rule, words in RULES.items():
        faults = [fault for fault in FAULTS if fault.rule == rule]
        problems = [f"{fault.what}: {problem}" for fault in faults if (problem := misfit(fault, ROOT))]
        if not faults:
            problems.append("it has no fault")
        report.add("not ok" if problems else "ok", f"rule {rule}, {words}: {len(faults)} faults fit", "\n".join(problems))
    foreign = [fault.what for fault in FAULTS if fault.rule not in RULES]
    report.add("not ok" if foreign else "ok", "every fault is of a rule", "\n".join(foreign))
    return int(report.failed > 0)


def try_faults(faults: list[Fault], jobs: int) -> int:
    """Builds, breaks, runs."""
    names = sorted({fault.test for fault in faults})
    with tempfile.TemporaryDirectory(prefix="oclstm-rules-") as scratch:
        first = Tree(pathlib.Path(scratch) / "tree0")
        first.configure()
        missing = [name for name in names if name not in first.tests()]
        if missing:
            print("Bail out! no such tests: " + ", ".join(missing))
            return 1
        problem = first.make(names)
        if problem:
            print("Bail out! the intact tree does not build\n" + problem)
            return 1
        report = Report(len(names) + len(faults))
        trees: queue.Queue[Tree] = queue.Queue()
        for place in range(1, jobs):
            trees.put(first.clone(pathlib.Path(scratch) / f"tree{place}"))
        trees.put(first)

        def with_tree(work: typing.Callable[[Tree], typing.Any]) -> typing.Any:
            tree = trees.get()
            try:
                return work(tree)
            finally:
                trees.put(tree)

        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            outcomes = dict(zip(names, pool.map(lambda name: with_tree(lambda tree: tree.run(name)), names)))
            for name, outcome in outcomes.items():
                report.add("skip" if outcome.skipped else "ok" if outcome.good else "not ok", f"{name} passes on the intact tree", outcome.output)

            def verdict(fault: Fault) -> tuple[str, str]:
                if not outcomes[fault.test].good:
                    return "not ok", f"{fault.test} fails without it, too"
                return with_tree(lambda tree: judge(fault, tree))

            verdicts = pool.map(verdict, faults)
            for fault, (result, words) in zip(faults, verdicts):
                caught = f": caught by {fault.test}" if result == "ok" else ""
                report.add(result, f"rule {fault.rule}, {fault.what}{caught}", words)
        return int(report.failed > 0)


def main() -> int:
    parser = argparse.ArgumentParser(description="Breaks each rule of portability on purpose and expects red.")
    parser.add_argument("--texts", action="store_true", help="only check that every fault fits the sources")
    parser.add_argument("--rule", type=int, choices=sorted(rule_fault_list.RULES), help="only the faults of one rule")
    parser.add_argument("--only", default="", help="only faults whose name or test contains this text")
    parser.add_argument("--share", type=int, default=1, metavar="N", help="one in N of each rule's faults, by the number of commits")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="trees at a time (default: one a core)")
    options = parser.parse_args()
    if options.texts:
        return check_texts()
    faults = [fault for fault in FAULTS if options.rule in (None, fault.rule) and options.only in f"{fault.what} {fault.test}"]
    faults = [fault for rule in RULES for fault in share_of([fault for fault in faults if fault.rule == rule], options.share, ROOT)]
    if not faults:
        print("Bail out! no such fault")
        return 1
    return try_faults(faults, max(1, min(options.jobs, len(faults))))


if __name__ == "__main__":
    sys.exit(main())
