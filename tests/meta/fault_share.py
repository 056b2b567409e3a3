# SPDX-License-Identifier: Apache-2.0
"""A share of a list of faults, for runs that have no time for all of them."""

import pathlib
import subprocess
import typing

Item = typing.TypeVar("Item")


def turn_of(root: pathlib.Path) -> int:
    """The number of commits; 0 where there is no history, or only a part of it."""
    done = subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 0


def share_of(items: list[Item], share: int, root: pathlib.Path) -> list[Item]:
    """One in `share` of them, the next ones with each commit, and one at least; all of them with a share of 1."""
    if share <= 1 or not items:
        return items
    turn = turn_of(root)
    return items[turn % share::share] or [items[turn % len(items)]]
