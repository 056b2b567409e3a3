# SPDX-License-Identifier: Apache-2.0
"""oclstm as a participant: the program, the devices it is measured on, and its `bench` and `run`."""

import json
import os
import pathlib
import subprocess
import typing

from peers import environments
from peers.processes import Failed
from peers.scores import Participant
from peers.shapes import Shape

BENCH_SECONDS = 300


class Device(typing.NamedTuple):
    """What oclstm runs on: a name in the table, a selector for --device (none: oclstm chooses), and environment variables."""

    name: str
    selector: str
    variables: dict[str, str]
    on_pocl: bool = True


def parse_device(text: str) -> Device:
    """NAME[=SELECTOR][;VARIABLE=VALUE...] as a device; PoCL's where the name says so."""
    head, *settings = text.split(";")
    name, _, selector = head.partition("=")
    if not name or not all("=" in setting for setting in settings):
        raise ValueError(f"device '{text}': expected NAME[=SELECTOR][;VARIABLE=VALUE...], such as gpu=gpu")
    variables = dict(setting.split("=", 1) for setting in settings)
    return Device(name, selector, variables, "pocl" in name.lower())


def known_devices(folders: list[pathlib.Path], scratch: pathlib.Path) -> dict[str, Device]:
    """PoCL with oclstm choosing among its devices, each of the two by itself, and Intel's runtime where it is installed."""
    lines = environments.pocl_drivers()
    pocl = {"OCL_ICD_VENDORS": str(environments.driver_folder(scratch, "pocl", lines))} if lines else {}
    devices = [Device("pocl", "", pocl)]
    devices += [Device(name, "", pocl | {"POCL_DEVICES": name}) for name in ("pthread", "basic")]
    runtime = environments.intel_runtime(folders)
    if runtime:
        vendors = str(environments.driver_folder(scratch, "intel", [str(runtime)]))
        devices.append(Device("intel", "", {"OCL_ICD_VENDORS": vendors, "LD_LIBRARY_PATH": str(runtime.parent)}, False))
    return {device.name: device for device in devices}


def choose_devices(text: str, known: dict[str, Device]) -> list[Device]:
    """"auto" is all known ones; else comma-separated, each known by name or in the form of parse_device."""
    if text == "auto":
        return list(known.values())
    devices = [known[part] if part in known else parse_device(part) for part in text.split(",")]
    for device in devices:
        if not device.selector and not device.variables and device.name not in known:
            raise ValueError(f"device '{device.name}': expected one of {', '.join(known)}, or NAME=SELECTOR[;VARIABLE=VALUE...]")
    return devices


def build() -> pathlib.Path:
    """An optimised build of this tree; ValueError where it fails."""
    folder = environments.ROOT / "build" / "release"
    commands = [["meson", "compile", "-C", str(folder)]]
    if not (folder / "build.ninja").exists():
        commands.insert(0, ["meson", "setup", str(folder), str(environments.ROOT), "--buildtype=release", "-Dtests=false"])
    try:
        for command in commands:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise ValueError(f"cannot build oclstm in {folder}: {problem}; name a program with --oclstm") from None
    return folder / "tools" / "oclstm" / "oclstm"


def parse_bench(output: str) -> list[dict]:
    """The objects that `oclstm bench --json` printed, one a line."""
    found = []
    for line in output.splitlines():
        if line.strip():
            try:
                entry = json.loads(line)
            except ValueError:
                raise Failed(f"bench printed no JSON: {line[:60]!r}") from None
            if not isinstance(entry, dict) or not isinstance(entry.get("seconds_min", entry.get("seconds_median")), (int, float)):
                raise Failed(f"bench printed no times: {line[:60]!r}")
            found.append(entry)
    if not found:
        raise Failed("bench printed nothing")
    return found


class Oclstm:
    """Runs the program; every failure is a Failed with its last words."""

    def __init__(self, path: pathlib.Path, threads: int, seconds: float, engine: str = ""):
        self.path, self.threads, self.seconds, self.engine = path, threads, seconds, engine

    def participants(self, devices: list[Device]) -> list[Participant]:
        return [Participant(device.name, False, device.on_pocl) for device in devices]

    def call(self, device: Device, arguments: list[str], changes: dict[str, str] | None = None) -> str:
        command = [str(self.path), *arguments]
        command += ["--device", device.selector] if device.selector else []
        command += ["--engine", self.engine] if self.engine else []
        variables = environments.environment(self.threads, device.variables | (changes or {}))
        try:
            done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=BENCH_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise Failed(str(problem)[:200]) from None
        if done.returncode != 0:
            words = done.stderr.strip().splitlines() or ["no message"]
            raise Failed(f"{arguments[0]} ended with code {done.returncode}: {words[0][:160]}")
        return done.stdout

    def bench(self, device: Device, shape: Shape, *options: str) -> dict:
        """The times of one shape."""
        arguments = ["bench", "--json", "--no-roofs", "--time", f"{self.seconds:g}", "--shape", str(shape), *options]
        return parse_bench(self.call(device, arguments))[0]

    def run(self, device: Device, model: str, x: str, y: str) -> None:
        self.call(device, ["run", model, "-i", x, "-o", y, "-q"])

    def version(self) -> str:
        try:
            done = subprocess.run([str(self.path), "--version"], capture_output=True, text=True, check=False)
        except OSError:
            return ""
        return done.stdout.strip()


def default_program() -> pathlib.Path:
    return pathlib.Path(os.environ["OCLSTM"]) if os.environ.get("OCLSTM") else build()
