# SPDX-License-Identifier: Apache-2.0
"""From starting a process to its first result."""

import pathlib
import statistics
import tempfile
import time
import typing

from peers.oclstm_program import Device
from peers.processes import Failed
from peers.rounds import Run, say

SILERO = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "silero"
WARM_RUNS = 3


class Startup(typing.NamedTuple):
    """Seconds from starting `oclstm run` on the silero cell to its end: medians with warm and with empty caches."""

    device: str
    warm: float | None
    cold: float | None
    problem: str = ""


def first_result(run: Run, device: Device, caches: pathlib.Path) -> float:
    variables = {"POCL_CACHE_DIR": str(caches / "pocl"), "OCLSTM_CACHE_DIR": str(caches / "oclstm"), "XDG_CACHE_HOME": str(caches)}
    for name in ("pocl", "oclstm"):
        (caches / name).mkdir(exist_ok=True)
    model, x = (str(SILERO / name) for name in ("silero_vad_16k.safetensors", "features.npy"))
    arguments = ["run", model, "-i", x, "-o", str(caches / "y.npy"), "-q"]
    before = time.perf_counter()
    run.oclstm.call(device, arguments, variables)
    return time.perf_counter() - before


def measure_startup(run: Run, rounds: int) -> list[Startup]:
    """Each cold run has empty caches of its own; the warm ones follow in the same."""
    found = []
    for device in run.devices:
        say(f"first result on {device.name}")
        cold, warm = [], []
        try:
            for _ in range(rounds):
                with tempfile.TemporaryDirectory(dir=run.scratch) as name:
                    cold.append(first_result(run, device, pathlib.Path(name)))
                    warm += [first_result(run, device, pathlib.Path(name)) for _ in range(WARM_RUNS)]
        except Failed as problem:
            found.append(Startup(device.name, None, None, str(problem)))
            continue
        found.append(Startup(device.name, statistics.median(warm), statistics.median(cold)))
    return found
