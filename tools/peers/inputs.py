# SPDX-License-Identifier: Apache-2.0
"""The weights and the input of each shape as files, the same for everyone, and what everyone made of them."""

import pathlib

from peers.processes import Child, Failed
from peers.scores import Check
from peers.shapes import Shape


class Inputs:
    """Files in a scratch folder, made by the judge when first asked for."""

    def __init__(self, scratch: pathlib.Path, judge: Child):
        self.scratch, self.judge = scratch, judge
        self.made: set[Shape] = set()

    def file(self, shape: Shape, name: str) -> str:
        return str(self.scratch / f"{str(shape).replace(',', 'x')}-{name.replace(' ', '-')}")

    def files(self, shape: Shape) -> dict[str, str]:
        """Weights and x, as workers take them."""
        found = {"weights": self.file(shape, "weights.safetensors"), "x": self.file(shape, "x.npy")}
        if shape not in self.made:
            self.judge.ask(do="make", shape=list(shape), reference=self.file(shape, "reference.npy"), **found)
            self.made.add(shape)
        return found

    def y(self, shape: Shape, participant: str) -> str:
        """Where a participant's answer goes."""
        return self.file(shape, f"y-{participant}.npy")

    def check(self, shape: Shape, participant: str, oclstm: list[str]) -> Check:
        """Compares an answer with the reference and with oclstm's on each of these devices."""
        others = [self.y(shape, name) for name in oclstm if name != participant]
        others = [name for name in others if pathlib.Path(name).exists()]
        against = [self.file(shape, "reference.npy"), *others]
        answer = self.judge.ask(do="compare", y=self.y(shape, participant), against=against)
        from_reference, *from_oclstm = answer["differences"]
        return Check(from_reference, max(from_oclstm, default=None))

    def has_answer(self, shape: Shape, participant: str) -> bool:
        return pathlib.Path(self.y(shape, participant)).exists()


def check_all(inputs: Inputs, shape: Shape, participants: list[str], oclstm: list[str]) -> dict[tuple[Shape, str], Check]:
    """A check of everyone who answered."""
    checks = {}
    for name in participants:
        if inputs.has_answer(shape, name):
            try:
                checks[shape, name] = inputs.check(shape, name, oclstm)
            except Failed:
                checks[shape, name] = Check(float("inf"))
    return checks
