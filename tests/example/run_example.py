#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An example of README.md: it stands there word for word, runs, and its numbers are right: run_example.py ROOT SOURCE.c PROGRAM.

Without an OpenCL device the run is skipped, or fails where CI is set. Reports as TAP.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

NO_DEVICE = 6  # OCLSTM_NO_DEVICE: the examples' exit code is the status


def check_readme_example(output: str, _: pathlib.Path) -> bool:
    """h[0] after three steps, from an evaluation in double precision."""
    found = re.search(r"last step is (-?[0-9.]+)$", output.strip())
    return found is not None and abs(float(found[1]) - 0.01040884) <= 2e-6


def check_frameworks_example(output: str, _: pathlib.Path) -> bool:
    """With the first pair reused every step gives the same; with the pair fed back only the first step is that one."""
    rows = [(float(a), float(b)) for a, b in re.findall(r"torch (-?[0-9.]+), mindspore (-?[0-9.]+)", output)]
    same = {mindspore for _, mindspore in rows}
    return len(rows) == 5 and len(same) == 1 and abs(rows[0][0] - rows[0][1]) <= 2e-6 and len({torch for torch, _ in rows}) == 5


def check_train_example(output: str, folder: pathlib.Path) -> bool:
    """The loss falls to where the waves are known, and the file has the state dict of torch."""
    losses = [float(text) for text in re.findall(r"^step \d+: loss ([0-9.]+),", output, re.MULTILINE)]
    data = (folder / "trained.safetensors").read_bytes()
    header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
    header.pop("__metadata__", None)
    shapes = {name: entry["shape"] for name, entry in header.items()}
    return len(losses) == 4 and losses == sorted(losses, reverse=True) and losses[-1] < 0.003 and shapes == {
        "lstm.weight_ih_l0": [128, 1], "lstm.weight_hh_l0": [128, 32], "lstm.bias_ih_l0": [128], "lstm.bias_hh_l0": [128],
        "linear.weight": [1, 32], "linear.bias": [1]}


CHECKS = {"readme_example.c": check_readme_example, "frameworks_example.c": check_frameworks_example,
          "train_example.c": check_train_example}


def main() -> int:
    root, source, program = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    code = source.read_text(encoding="utf-8").split("\n", 1)[1].strip()
    quoted = f"```c\n{code}\n```" in (root / "README.md").read_text(encoding="utf-8")
    print("1..2")
    print("ok" if quoted else "not ok", "1 - README.md quotes", source.name)
    with tempfile.TemporaryDirectory() as name:  # what it writes is thrown away
        folder = pathlib.Path(name)
        (folder / "tests").symlink_to(root / "tests")
        done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
        good = done.returncode == 0 and CHECKS[source.name](done.stdout, folder)
    if done.returncode == NO_DEVICE and not os.environ.get("CI"):
        print("ok 2 - its numbers # skip no OpenCL device")
        return int(not quoted)
    print("ok" if good else "not ok", "2 - it runs, and its numbers are right")
    for line in (done.stdout + done.stderr).splitlines():
        print("#", line)
    return int(not (quoted and good))


if __name__ == "__main__":
    sys.exit(main())
