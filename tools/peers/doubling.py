# SPDX-License-Identifier: Apache-2.0
"""How oclstm's time grows when the work doubles."""

import typing

from peers.processes import Failed
from peers.rounds import Run, say
from peers.scores import growth
from peers.shapes import Shape, doubled


class Growth(typing.NamedTuple):
    """One quantity doubled step by step: times, and how many times more than proportional each doubling took."""

    quantity: str
    times: list[tuple[Shape, float | None]]
    factors: list[float | None]


def measure_scaling(run: Run, rounds: int) -> list[Growth]:
    """oclstm on the first device: the minimum over rounds that go through all shapes."""
    lists = doubled()
    best: dict[Shape, float] = {}
    device = run.devices[0]
    for number in range(rounds):
        for shape in dict.fromkeys(shape for shapes in lists.values() for shape in shapes):
            say(f"growth on {device.name}, round {number + 1} of {rounds}, {shape.label} T{shape.steps}")
            try:
                seconds = run.oclstm.bench(device, shape)["seconds_min"]
                best[shape] = min(seconds, best.get(shape, seconds))
            except Failed as problem:
                say(f"{shape.label} T{shape.steps}: {problem}")
    found = []
    for quantity, shapes in lists.items():
        times = [(shape, best.get(shape)) for shape in shapes]
        found.append(Growth(quantity, times, growth(times)))
    return found
