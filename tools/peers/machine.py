# SPDX-License-Identifier: Apache-2.0
"""The machine and the day, in words."""

import datetime
import os
import pathlib
import platform
import subprocess


def processor() -> str:
    """The model's name and what decides its speed."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(reversed([tuple(part.strip() for part in line.split(":", 1)) for line in lines if ":" in line]))
    flags = fields.get("flags", "").split()
    vectors = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("asimd", "NEON")) if flag in flags), "")
    return ", ".join(part for part in (fields.get("model name", platform.machine()), vectors) if part)


def system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = platform.system()
    return f"{name}, Linux {platform.release()}" if platform.system() == "Linux" else name


def package_version(name: str) -> str:
    """A Debian package's version, or nothing."""
    try:
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def limit_processors(threads: int) -> list[int]:
    """Keeps this process and all its children on so many processors; the answer is which."""
    if not hasattr(os, "sched_setaffinity"):
        return []
    chosen = sorted(os.sched_getaffinity(0))[:threads]
    os.sched_setaffinity(0, chosen)
    return chosen


def load() -> float:
    """How many processes wanted a processor in the last minute."""
    return os.getloadavg()[0]


def describe(threads: int, versions: dict[str, str], program: str) -> list[str]:
    """Lines for the head of a report."""
    pocl = package_version("pocl-opencl-icd")
    parts = [program, *(f"{name} {version}" for name, version in sorted(versions.items())), f"PoCL {pocl}" if pocl else ""]
    return [
        f"{datetime.date.today().isoformat()}; {processor()}; {threads} threads each; {system()}",
        ", ".join(part for part in parts if part),
    ]
