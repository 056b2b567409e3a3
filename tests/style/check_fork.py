#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every public function that may touch OpenCL is tried by the test of fork(): a new one is easily left without its check."""

import re

from source_tree import ROOT, report

DECLARED = re.compile(r"^OCLSTM_API\b([^;]*?)\b(oclstm_\w+)\s*\(([^;]*)\);", re.MULTILINE)
# What is made on a device.
OBJECT = re.compile(r"\boclstm_(device|cell|state|network|stream|group|tape|trainer)\b\s*\*")


def main() -> None:
    tried = set(re.findall(r"\boclstm_\w+", (ROOT / "tests/unit/test_fork.c").read_text(encoding="utf-8")))
    checks = []
    for path in sorted((ROOT / "include" / "oclstm").glob("*.h")):
        faults = []
        for result, name, parameters in DECLARED.findall(path.read_text(encoding="utf-8")):
            # What cannot fail reads facts or releases.
            fails = "oclstm_status" in result and "oclstm_error *" in parameters
            if fails and (OBJECT.search(parameters) or path.name == "device.h") and name not in tried:
                faults.append(f"{name} is not tried in tests/unit/test_fork.c: does it begin with device_check_fork()?")
        checks.append((f"{path.name}: what may touch OpenCL is tried after fork()", faults))
    report(checks)


if __name__ == "__main__":
    main()
