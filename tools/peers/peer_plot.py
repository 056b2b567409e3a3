# SPDX-License-Identifier: Apache-2.0
"""Draws the plots, run by a Python that has matplotlib: peer_plot.py FILE.svg, with a JSON object on standard input.

{"kind": "bars", "title", "labels": [shape...], "series": {name: [speed...]}, "own": [name...]}
{"kind": "growth", "title", "curves": {quantity: [[times the work, times the time]...]}}
"""

import json
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "oclstm"

from matplotlib import pyplot

OWN_COLOURS = ("#ef8a62", "#b2182b")
PEER_COLOURS = ("#2166ac", "#67a9cf", "#1b7837", "#7fbf7b", "#762a83", "#af8dc3", "#8c8c8c")


def draw_bars(plot: dict):
    """A group of bars a shape: the best peer's rate is 1, higher is faster."""
    series, own = plot["series"], plot["own"]
    figure, axes = pyplot.subplots(figsize=(12, 5), constrained_layout=True)
    colours = {True: iter(OWN_COLOURS * len(series)), False: iter(PEER_COLOURS * len(series))}
    width = 0.85 / max(1, len(series))
    for number, (name, heights) in enumerate(series.items()):
        places = [place + (number - (len(series) - 1) / 2) * width for place in range(len(heights))]
        axes.bar(places, heights, width, label=name, color=next(colours[name in own]))
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xticks(range(len(plot["labels"])), plot["labels"], rotation=30, ha="right")
    axes.set_ylabel("speed (best peer = 1)")
    axes.set_title(plot["title"])
    axes.legend(ncols=4, fontsize="small")
    return figure


def draw_growth(plot: dict):
    """Time over work, both relative to the first point, with the straight line that proportional growth is."""
    figure, axes = pyplot.subplots(figsize=(6, 5), constrained_layout=True)
    largest = 1.0
    for quantity, points in plot["curves"].items():
        axes.plot(*zip(*points), marker="o", label=quantity)
        largest = max(largest, *(work for work, _ in points))
    axes.plot([1, largest], [1, largest], color="black", linewidth=0.8, linestyle="--", label="proportional")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xlabel("times the work")
    axes.set_ylabel("times the time")
    axes.set_title(plot["title"])
    axes.legend()
    return figure


def main() -> int:
    plot = json.load(sys.stdin)
    figure = {"bars": draw_bars, "growth": draw_growth}[plot["kind"]](plot)
    figure.savefig(sys.argv[1], metadata={"Date": None})
    return 0


if __name__ == "__main__":
    sys.exit(main())
