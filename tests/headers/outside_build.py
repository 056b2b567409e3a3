# SPDX-License-Identifier: Apache-2.0
"""What check_installed.py and check_subproject.py share: running commands outside this build, one TAP result each."""

import os
import subprocess
import sys

NO_DEVICE = 6  # OCLSTM_NO_DEVICE: the README example's exit code is the status

# The environment of a user: nothing of the running meson leaks into the one that is started.
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("MESON")}


class Report:
    """TAP results, one a command."""

    def __init__(self) -> None:
        self.number = 0
        self.failed = 0

    def result(self, good: bool, name: str, output: str = "") -> bool:
        """One result; the output becomes a diagnostic where it is bad."""
        self.number += 1
        self.failed += not good
        print("ok" if good else "not ok", self.number, "-", name)
        if not good:
            print("\n".join("# " + line for line in output.splitlines()))
        return good

    def run(self, name: str, command: list, **options) -> bool:
        """The command succeeds; as a program that needs a device it may be skipped."""
        needs_device = options.pop("needs_device", False)
        environment = ENVIRONMENT | options.pop("environment", {})
        done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True, check=False, **options)
        if needs_device and done.returncode == NO_DEVICE and not os.environ.get("CI"):
            self.number += 1
            print("ok", self.number, "-", name, "# skip no OpenCL device")
            return True
        return self.result(done.returncode == 0, name, " ".join(map(str, command)) + "\n" + done.stdout + done.stderr)

    def finish(self) -> None:
        """The plan, then the exit."""
        print(f"1..{self.number}")
        sys.exit(int(self.failed > 0 or self.number == 0))
