# SPDX-License-Identifier: Apache-2.0
"""The parent's side: child processes that answer one line of JSON to each, with a time limit, and never take the parent down."""

import json
import os
import pathlib
import select
import subprocess
import time

START_SECONDS = 180
ANSWER_SECONDS = 300


class Failed(Exception):
    """A child gave no answer, or an error; the text says which."""


class Child:
    """A running worker. What it writes to standard error goes to `log`."""

    def __init__(self, command: list[str], environment: dict[str, str], log: pathlib.Path):
        self.log, self.rest = log, b""
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file,
            )
        try:
            self.version = str(self.answer(START_SECONDS)["version"])
        except Failed:
            self.stop()
            raise

    def answer(self, limit_seconds: float) -> dict:
        """The next line, as an object without "error"."""
        end = time.monotonic() + limit_seconds
        descriptor = self.process.stdout.fileno()
        while b"\n" not in self.rest:
            ready, _, _ = select.select([descriptor], [], [], max(0, end - time.monotonic()))
            if not ready:
                self.stop()
                raise Failed(f"no answer in {limit_seconds:g} s")
            data = os.read(descriptor, 1 << 16)
            if not data:
                raise Failed(f"ended with code {self.process.wait()}, see {self.log.name}")
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        try:
            fields = json.loads(line)
        except ValueError:
            raise Failed(f"answered with no JSON: {line[:60]!r}") from None
        if "error" in fields:
            raise Failed(fields["error"])
        return fields

    def ask(self, limit_seconds: float = ANSWER_SECONDS, **request) -> dict:
        try:
            self.process.stdin.write((json.dumps(request) + "\n").encode())
            self.process.stdin.flush()
        except OSError:
            raise Failed(f"has ended, see {self.log.name}") from None
        return self.answer(limit_seconds)

    def stop(self) -> None:
        """Ends it, politely first."""
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
