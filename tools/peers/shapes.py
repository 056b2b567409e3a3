# SPDX-License-Identifier: Apache-2.0
"""The shapes to measure."""

import typing


class Shape(typing.NamedTuple):
    """One sequence call. As a string "batch,input,hidden,steps", as `oclstm bench --shape` takes it."""

    batch: int
    input: int
    hidden: int
    steps: int

    def __str__(self) -> str:
        return ",".join(map(str, self))

    @property
    def label(self) -> str:
        """Short, for tables and plots: the input size and the steps where they are not what one expects."""
        text = f"B{self.batch} H{self.hidden}"
        return text if self.input == self.hidden else f"{text} I{self.input}"

    @property
    def operations(self) -> int:
        """Floating-point operations of the two matrix products over all steps."""
        return 8 * self.batch * self.steps * self.hidden * (self.input + self.hidden)


def square(batch: int, hidden: int, steps: int) -> Shape:
    """As many inputs as hidden units."""
    return Shape(batch, hidden, hidden, steps)


TABLE = [
    square(1, 16, 100),
    square(1, 64, 100),
    square(1, 128, 100),
    square(1, 256, 100),
    square(1, 512, 40),
    square(1, 1024, 20),
    square(4, 256, 100),
    square(16, 256, 100),
    square(64, 512, 20),
    square(64, 1024, 20),
    square(256, 1024, 10),
    square(256, 64, 50),
]
SINGLE = [square(1, hidden, 1) for hidden in (16, 64, 128, 256)]
TRAINING = [Shape(16, 32, 128, 64), Shape(32, 256, 256, 50), Shape(64, 512, 512, 20)]
MIDDLE = square(16, 256, 100)
DOUBLINGS = 3


def parse_shape(text: str) -> Shape:
    """"B,I,H,T" as a shape; anything else is a ValueError that says what is wrong."""
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isascii() and part.strip().isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"shape '{text}': expected batch,input,hidden,steps as four positive integers, such as 16,256,256,100")
    return Shape(*map(int, parts))


def doubled(middle: Shape = MIDDLE, doublings: int = DOUBLINGS) -> dict[str, list[Shape]]:
    """From the middle, one of steps, batch and hidden (with input) doubled at a time; each list begins with the middle."""
    return {
        "steps": [middle._replace(steps=middle.steps << power) for power in range(doublings + 1)],
        "batch": [middle._replace(batch=middle.batch << power) for power in range(doublings + 1)],
        "hidden": [middle._replace(hidden=middle.hidden << power, input=middle.input << power) for power in range(doublings + 1)],
    }
