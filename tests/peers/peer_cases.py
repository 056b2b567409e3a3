# SPDX-License-Identifier: Apache-2.0
"""What both files of cases share: finding tools/peers, and running every function whose name begins with case_, reported as TAP."""

import pathlib
import sys
import traceback

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
sys.dont_write_bytecode = True


def expect(found, expected, what: str = "value") -> None:
    if found != expected:
        raise AssertionError(f"{what}: expected {expected!r}, found {found!r}")


def expect_error(kind: type, call, *arguments) -> str:
    """The message of the error that the call must raise."""
    try:
        found = call(*arguments)
    except kind as problem:
        return str(problem)
    raise AssertionError(f"{arguments}: expected {kind.__name__}, found {found!r}")


def run_cases(module: dict) -> int:
    cases = [(name, case) for name, case in module.items() if name.startswith("case_")]
    failed = 0
    print(f"1..{len(cases)}")
    for number, (name, case) in enumerate(cases, 1):
        words = name.removeprefix("case_").replace("_", " ")
        try:
            case()
            print(f"ok {number} - {words}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {words}")
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
    return int(failed > 0)
