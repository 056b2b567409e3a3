# SPDX-License-Identifier: Apache-2.0
"""From measurements to ratios: what counts, who is best, by how much."""

import math
import statistics
import typing

from peers.shapes import Shape

# The largest |y - reference| with which a time counts.
TOLERANCE = 1e-4
BEST = "best CPU device"
POCL = "PoCL alone"


class Participant(typing.NamedTuple):
    """A peer, or oclstm on one device."""

    name: str
    is_peer: bool
    on_pocl: bool = False


class Measurement(typing.NamedTuple):
    """One participant on one shape in one round. Without times, `problem` says why."""

    shape: Shape
    participant: str
    round: int
    seconds_min: float | None = None
    seconds_median: float | None = None
    problem: str = ""
    engine: str = ""
    device: str = ""


class Check(typing.NamedTuple):
    """The largest |difference| of a participant's y from the double-precision reference and from oclstm's."""

    from_reference: float
    from_oclstm: float | None = None

    @property
    def right(self) -> bool:
        return self.from_reference <= TOLERANCE


class Score(typing.NamedTuple):
    """oclstm beside the best peer at one shape. `ratio` is of the minima over all rounds, `round_ratio` the rounds' median."""

    device: str
    seconds: float
    ratio: float | None
    round_ratio: float | None


class Results:
    """All measurements of a run, in the order in which participants and shapes came."""

    def __init__(self, participants: list[Participant], shapes: list[Shape]):
        self.participants, self.shapes = participants, shapes
        self.measurements: list[Measurement] = []
        self.checks: dict[tuple[Shape, str], Check] = {}
        # Without numpy there is neither a check nor a peer.
        self.can_check = True

    @property
    def peers(self) -> list[str]:
        return [one.name for one in self.participants if one.is_peer]

    @property
    def devices(self) -> list[str]:
        return [one.name for one in self.participants if not one.is_peer]

    @property
    def groups(self) -> dict[str, list[str]]:
        """What oclstm is judged on: the best of all devices, the best of PoCL's, and each by itself."""
        on_pocl = [one.name for one in self.participants if not one.is_peer and one.on_pocl]
        return {BEST: self.devices, POCL: on_pocl} | {name: [name] for name in self.devices}

    def seconds(self, shape: Shape, name: str, in_round: int | None = None) -> float | None:
        """The minimum over the rounds, or of one round; None where nothing was measured."""
        found = [
            one.seconds_min for one in self.measurements
            if one.shape == shape and one.participant == name and one.seconds_min and in_round in (None, one.round)
        ]
        return min(found, default=None)

    def is_wrong(self, shape: Shape, name: str) -> bool:
        check = self.checks.get((shape, name))
        return check is not None and not check.right

    def counts(self, shape: Shape, name: str) -> bool:
        """Only a result that was checked and is right can be the best."""
        check = self.checks.get((shape, name))
        return not self.can_check if check is None else check.right

    def best(self, shape: Shape, names: list[str], in_round: int | None = None) -> tuple[float, str] | None:
        """The fastest of those that count, as (seconds, name)."""
        found = [(self.seconds(shape, name, in_round), name) for name in names if self.counts(shape, name)]
        return min(((seconds, name) for seconds, name in found if seconds), default=None)

    def score(self, shape: Shape, devices: list[str], peers: list[str] | None = None) -> Score | None:
        """oclstm on the best of these devices beside the best of these peers (default: all); None where oclstm has no time."""
        peers = self.peers if peers is None else peers
        own, peer = self.best(shape, devices), self.best(shape, peers)
        if not own:
            return None
        if not peer:
            return Score(own[1], own[0], None, None)
        ratios = []
        for number in sorted({one.round for one in self.measurements}):
            mine, theirs = self.best(shape, devices, number), self.best(shape, peers, number)
            if mine and theirs:
                ratios.append(theirs[0] / mine[0])
        return Score(own[1], own[0], peer[0] / own[0], statistics.median(ratios) if ratios else None)


class Summary(typing.NamedTuple):
    """Ratios over all shapes."""

    mean: float
    round_mean: float
    worst: float
    worst_shape: Shape
    count: int


def geometric_mean(values: list[float]) -> float:
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def percentile(values: list[float], percent: float) -> float:
    """The smallest of the values that at least `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def summarise(results: Results, devices: list[str], peers: list[str] | None = None) -> Summary | None:
    """None where no shape has a ratio."""
    scores = [(shape, results.score(shape, devices, peers)) for shape in results.shapes]
    rated = [(score.ratio, score.round_ratio, shape) for shape, score in scores if score and score.ratio and score.round_ratio]
    if not rated:
        return None
    worst = min(rated)
    return Summary(
        geometric_mean([ratio for ratio, _, _ in rated]),
        geometric_mean([ratio for _, ratio, _ in rated]),
        worst[0], worst[2], len(rated),
    )


def growth(times: list[tuple[Shape, float | None]]) -> list[float | None]:
    """For each doubling, how many times more it took than its work grew: 1 is proportional."""
    factors: list[float | None] = []
    for (small, before), (large, after) in zip(times, times[1:]):
        work = large.operations / small.operations
        factors.append(after / before / work if before and after else None)
    return factors
