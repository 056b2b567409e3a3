# SPDX-License-Identifier: Apache-2.0
"""What the style checks share: the project's files, and reporting as TAP."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def project_files() -> list[pathlib.Path]:
    """Every file of the project, relative to its root: what git knows or would add; without git, all outside build folders."""
    try:
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.split("\0")
        files = [pathlib.Path(name) for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        files = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
        files = [path for path in files if not path.parts[0].startswith("build") and ".git" not in path.parts]
    return sorted(path for path in files if (ROOT / path).is_file() and "__pycache__" not in path.parts)


def report(checks: list[tuple[str, list[str]]]) -> None:
    """Prints one TAP result a check, (what is checked, the faults found), and exits."""
    print(f"1..{len(checks)}")
    for number, (name, faults) in enumerate(checks, 1):
        print("not ok" if faults else "ok", number, "-", name)
        for fault in faults:
            print("#", fault)
    sys.exit(int(any(faults for _, faults in checks)))
