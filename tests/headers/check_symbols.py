#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shared library exports what the headers declare, and nothing else, and asks the loader for no call newer than OpenCL 1.2:
check_symbols.py LIBRARY INCLUDE_DIR. Reports as TAP."""

import pathlib
import re
import subprocess
import sys

DECLARED = re.compile(r"^OCLSTM_API\b[^;]*?\b(oclstm_\w+)\s*\(", re.MULTILINE)
OPENCL_CALL = re.compile(r"\bU (cl[A-Z]\w*)@+OPENCL_([\d.]+)$", re.MULTILINE)
# What the sanitizers' instrumentation and coverage add.
INSTRUMENTATION = re.compile(r"^__(asan|odr_asan|ubsan|llvm|gcov)")


def main() -> int:
    library, include = sys.argv[1], pathlib.Path(sys.argv[2])
    declared = {name for path in (include / "oclstm").glob("*.h") for name in DECLARED.findall(path.read_text(encoding="utf-8"))}
    listed = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    exported = {line.split()[-1].split("@")[0] for line in listed.splitlines() if line.split()}
    exported = {name for name in exported if not INSTRUMENTATION.match(name)}
    undefined = subprocess.run(["nm", "-D", "--undefined-only", library], capture_output=True, text=True, check=True).stdout
    # The loader's symbols carry the version that they came with: clCreateKernel@OPENCL_1.0.
    calls = dict(OPENCL_CALL.findall(undefined))
    checks = [
        ("OpenCL calls are of 1.2 or before", {f"{name} is of {version}" for name, version in calls.items() if version not in ("1.0", "1.1", "1.2")}),
        ("there are OpenCL calls, with their versions", set() if calls else {library}),
        ("only oclstm_ names are exported", {name for name in exported if not name.startswith("oclstm_")}),
        ("every exported name is declared", exported - declared),
        ("every declared function is exported", declared - exported),
        ("there are functions at all", set() if exported else {library}),
    ]
    print(f"1..{len(checks)}")
    for number, (what, wrong) in enumerate(checks, 1):
        print("not ok" if wrong else "ok", number, "-", what)
        for name in sorted(wrong):
            print("#", name)
    return int(any(wrong for _, wrong in checks))


if __name__ == "__main__":
    sys.exit(main())
