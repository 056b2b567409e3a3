#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every `oclstm` line of README.md's shell blocks: run_readme_commands.py ROOT PROGRAM. Reports as TAP.

They run in an empty folder with the clone's tests/ in it, so that what they write is thrown away. Without an OpenCL device those that need
one are skipped, or fail where CI is set.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

NO_DEVICE = 3


def main() -> int:
    root, program = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    blocks = re.findall(r"^```sh\n(.*?)^```", (root / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("oclstm ")]
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ.get('PATH', '')}"}
    print(f"1..{len(lines) + 1}")
    failed = int(len(lines) < 5)
    print("not ok" if failed else "ok", "1 - README.md has commands")
    with tempfile.TemporaryDirectory() as name:
        (pathlib.Path(name) / "tests").symlink_to(root / "tests")
        missing = set()  # what commands would have written that found no device
        for number, line in enumerate(lines, 2):
            done = subprocess.run(["sh", "-c", line], cwd=name, env=environment, capture_output=True, text=True, check=False)
            if (done.returncode == NO_DEVICE or missing & set(line.split())) and not os.environ.get("CI"):
                missing |= set(re.findall(r" -o (\S+)", line))
                print("ok", number, "-", line, "# skip no OpenCL device")
                continue
            print("not ok" if done.returncode else "ok", number, "-", line)
            if done.returncode:
                failed += 1
                print("\n".join("# " + text for text in (done.stdout + done.stderr).splitlines()))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
