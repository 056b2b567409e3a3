# SPDX-License-Identifier: Apache-2.0
"""Results as text, Markdown and CSV."""

import csv
import pathlib
import re
import typing

from peers.scores import BEST, POCL, TOLERANCE, Results, summarise
from peers.shapes import Shape

GAP = "-"
WRONG = "WRONG"
# What is best has an asterisk, which Markdown has a meaning for.
MARKED = re.compile(r"(\S+)\*")
Rows = list[list[str]]


def microseconds(seconds: float | None) -> str:
    """Three digits that count, without an exponent."""
    if seconds is None:
        return GAP
    value = seconds * 1e6
    decimals = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{decimals}f}"


def factor(value: float | None) -> str:
    return GAP if value is None else f"{value:.2f}"


def as_text(rows: Rows) -> str:
    """Columns under each other: the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_markdown(rows: Rows) -> str:
    head, *body = [[MARKED.sub(r"**\1**", text) for text in row] for row in rows]
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cell(results: Results, shape: Shape, name: str, mark: bool = False) -> str:
    """One participant's time of a step at one shape."""
    if results.is_wrong(shape, name):
        return WRONG
    seconds = results.seconds(shape, name)
    return GAP if seconds is None else microseconds(seconds / shape.steps) + ("*" if mark else "")


def comparison(results: Results) -> Rows:
    """The table: microseconds a step of every peer and of oclstm, and how many times faster oclstm is than the best peer."""
    rows = [["us/step", "T", *results.peers, f"oclstm, {POCL}", "ratio", f"oclstm, {BEST}", "ratio"]]
    for shape in results.shapes:
        peer = results.best(shape, results.peers)
        row = [shape.label, str(shape.steps)]
        row += [cell(results, shape, name, bool(peer and peer[1] == name)) for name in results.peers]
        for group in (POCL, BEST):
            score = results.score(shape, results.groups[group])
            row += [microseconds(score.seconds / shape.steps), factor(score.ratio)] if score else [GAP, GAP]
        rows.append(row)
    return rows


def by_device(results: Results) -> Rows:
    """oclstm on each device by itself, the best marked, with the engine it chose there."""
    rows = [["us/step", *results.devices]]
    for shape in results.shapes:
        best = results.best(shape, results.devices)
        row = [shape.label]
        for name in results.devices:
            engine = next((one.engine for one in results.measurements if one[:2] == (shape, name) and one.engine), "")
            row.append(f"{cell(results, shape, name, bool(best and best[1] == name))} {engine}".strip())
        rows.append(row)
    return rows


def summaries(results: Results) -> Rows:
    """Ratio of the best peer's time to oclstm's, over all shapes; then the same for each peer by itself."""
    rows = [["best peer / oclstm", "geometric mean", "median of rounds", "lowest", "at", "shapes"]]
    lines = [(name, devices, None) for name, devices in results.groups.items()]
    lines += [(f"{peer} / {BEST}", results.devices, [peer]) for peer in results.peers]
    for name, devices, peers in lines:
        found = summarise(results, devices, peers)
        if not found:
            rows.append([name] + [GAP] * 5)
            continue
        numbers = [factor(found.mean), factor(found.round_mean), factor(found.worst)]
        rows.append([name, *numbers, found.worst_shape.label, f"{found.count} of {len(results.shapes)}"])
    return rows


def differences(results: Results) -> Rows:
    """The largest difference of each participant over all shapes."""
    rows = [["largest |difference| of y", "from the reference", "from oclstm", "shapes", f"over {TOLERANCE:g}"]]
    for one in results.participants:
        checks = [check for (_, name), check in results.checks.items() if name == one.name]
        if not checks:
            rows.append([one.name] + [GAP] * 4)
            continue
        against = [check.from_oclstm for check in checks if check.from_oclstm is not None]
        rows.append([
            one.name, f"{max(check.from_reference for check in checks):.1e}", f"{max(against):.1e}" if against else GAP,
            str(len(checks)), str(sum(not check.right for check in checks)),
        ])
    return rows


def problems(results: Results) -> list[str]:
    """Why there are gaps, each reason once."""
    seen: dict[str, list[str]] = {}
    for one in results.measurements:
        if one.problem:
            shapes = seen.setdefault(f"{one.participant}: {one.problem}", [])
            if one.shape.label not in shapes:
                shapes.append(one.shape.label)
    return [reason if len(shapes) == len(results.shapes) else f"{reason} ({', '.join(shapes)})" for reason, shapes in seen.items()]


def write_csv(path: pathlib.Path, head: list[str], rows: typing.Iterable[typing.Iterable[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)


def write_measurements(path: pathlib.Path, results: Results) -> None:
    """Every round of everyone, with the check of its shape."""
    head = ["batch", "input", "hidden", "steps", "participant", "peer", "round", "seconds_min", "seconds_median",
            "difference_from_reference", "difference_from_oclstm", "engine", "device", "problem"]
    peers = set(results.peers)
    rows = []
    for one in results.measurements:
        check = results.checks.get((one.shape, one.participant))
        rows.append([
            *one.shape, one.participant, int(one.participant in peers), one.round, one.seconds_min, one.seconds_median,
            check and check.from_reference, check and check.from_oclstm, one.engine, one.device, one.problem,
        ])
    write_csv(path, head, rows)
