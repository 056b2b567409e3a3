# SPDX-License-Identifier: Apache-2.0
"""Training: a sequence forward and back, with the gradients of x and of the weights."""

import time
import typing

from peers import tables
from peers.rounds import PAUSE_SECONDS, Run, say, stop
from peers.processes import Child, Failed
from peers.scores import Measurement, Participant, Results
from peers.shapes import Shape


def measure_peer(run: Run, shape: Shape, name: str, worker: Child | str, number: int) -> Measurement:
    if isinstance(worker, str):
        return Measurement(shape, name, number, problem=worker)
    try:
        times = worker.ask(do="train", seconds=run.oclstm.seconds, y=None, **run.inputs.files(shape))
    except Failed as problem:
        return Measurement(shape, name, number, problem=str(problem))
    return Measurement(shape, name, number, times["seconds_min"], times["seconds_median"])


def measure_device(run: Run, shape: Shape, name: str, number: int) -> Measurement:
    device = next(one for one in run.devices if one.name == name)
    try:
        found = run.oclstm.bench(device, shape, "--train")
    except Failed as problem:
        return Measurement(shape, name, number, problem=str(problem))
    return Measurement(shape, name, number, found["seconds_min"], found["seconds_median"], engine=str(found.get("engine", "")),
                       device=str(found.get("device", "")))


def measure_training(run: Run, shapes: list[Shape], rounds: int) -> Results:
    """Rounds as of the big table: fresh processes, the order moving on by one, everyone at every shape."""
    peers = [peer for peer in run.peers if peer.trains]
    results = Results([Participant(peer.name, True) for peer in peers] + run.oclstm.participants(run.devices), shapes)
    results.can_check = False  # the gradients of reference files are what `oclstm check` goes through
    names = [one.name for one in results.participants]
    for number in range(rounds):
        workers = run.start(peers)
        try:
            for shape in shapes:
                say(f"training, round {number + 1} of {rounds}, {shape.label} T{shape.steps}")
                for name in names[number % len(names):] + names[:number % len(names)]:
                    time.sleep(PAUSE_SECONDS)
                    results.measurements.append(measure_peer(run, shape, name, workers[name], number) if name in workers
                                                else measure_device(run, shape, name, number))
        finally:
            stop(workers)
    return results


def milliseconds(seconds: float | None) -> str:
    return tables.GAP if seconds is None else f"{seconds * 1e3:.3g}" if seconds < 0.1 else f"{seconds * 1e3:.0f}"


def median(results: Results, shape: Shape, name: str) -> float | None:
    """The lowest of the rounds' medians."""
    return min((one.seconds_median for one in results.measurements
                if one[:2] == (shape, name) and one.seconds_median), default=None)


def engine(results: Results, shape: Shape, name: str) -> str:
    return next((one.engine for one in results.measurements if one[:2] == (shape, name) and one.engine), "")


def table(results: Results) -> tables.Rows:
    """Each participant's minimum and median, and how many times faster oclstm's best device is than the best peer."""
    rows = [["ms, minimum / median", *results.peers, *(f"oclstm, {name}" for name in results.devices), "ratio", "of rounds"]]
    for shape in results.shapes:
        row = [f"B{shape.batch} I{shape.input} H{shape.hidden} T{shape.steps}"]
        for name in results.peers + results.devices:
            times = f"{milliseconds(results.seconds(shape, name))} / {milliseconds(median(results, shape, name))}"
            row.append(tables.GAP if results.seconds(shape, name) is None else f"{times} {engine(results, shape, name)}".strip())
        score = results.score(shape, results.devices)
        rows.append(row + [tables.factor(score and score.ratio), tables.factor(score and score.round_ratio)])
    return rows


def notes(results: Results) -> list[str]:
    words: typing.Iterable[str] = tables.problems(results)
    return ["Milliseconds of a whole sequence forward and back in float32: x and the gradients of y from the host, y and the "
            "gradients of x to it, the gradients of the weights left where the optimizer takes them. \"ratio\": the best peer's "
            "minimum by that of oclstm's best device, over all rounds; \"of rounds\": the median of the ratios within a round.",
            *words]
