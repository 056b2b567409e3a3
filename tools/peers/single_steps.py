# SPDX-License-Identifier: Apache-2.0
"""Single steps: T = 1, the state handed back in."""

import time
import typing

from peers.oclstm_program import Device
from peers.processes import Child, Failed
from peers.rounds import PAUSE_SECONDS, Run, say, stop
from peers.scores import Check
from peers.shapes import Shape

CHECKED_STEPS = 50


class Single(typing.NamedTuple):
    """A step of one participant: the rounds' lowest median, and the 99th percentile of the same round."""

    median: float | None
    p99: float | None
    problem: str = ""
    check: Check | None = None


def single_of(worker_or_device: Child | Device | str, run: Run, shape: Shape, name: str) -> Single:
    if isinstance(worker_or_device, str):
        return Single(None, None, worker_or_device)
    sequence = shape._replace(steps=CHECKED_STEPS)
    check = None
    try:
        answer = None
        if run.inputs and not run.inputs.has_answer(sequence, f"single-{name}"):
            answer = run.inputs.y(sequence, f"single-{name}")
        if isinstance(worker_or_device, Device):
            if answer:
                files = run.inputs.files(sequence)
                run.oclstm.run(worker_or_device, files["weights"], files["x"], answer)
            found = run.oclstm.bench(worker_or_device, shape, "--single")
        else:
            found = worker_or_device.ask(do="single", seconds=run.oclstm.seconds, y=answer, **run.inputs.files(sequence))
        if run.inputs:
            check = run.inputs.check(sequence, f"single-{name}", [])
    except Failed as problem:
        return Single(None, None, str(problem))
    return Single(found.get("seconds_median"), found.get("seconds_p99"), "", check)


def measure_single(run: Run, shapes: list[Shape], rounds: int) -> dict[Shape, dict[str, Single]]:
    """Every peer that can be stepped and oclstm on each device; of the rounds, the one with the lowest median."""
    able = [peer for peer in run.peers if peer.steps]
    best: dict[Shape, dict[str, Single]] = {shape: {} for shape in shapes}
    for number in range(rounds):
        workers = run.start(able)
        everyone: dict[str, Child | Device | str] = dict(workers) | {f"oclstm {device.name}": device for device in run.devices}
        try:
            for shape in shapes:
                say(f"single steps, round {number + 1} of {rounds}, {shape.label}")
                for name, one in everyone.items():
                    time.sleep(PAUSE_SECONDS)
                    found = single_of(one, run, shape, name)
                    known = best[shape].get(name)
                    if not known or found.median and (not known.median or found.median < known.median):
                        best[shape][name] = found
        finally:
            stop(workers)
    return best
