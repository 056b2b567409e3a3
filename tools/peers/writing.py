# SPDX-License-Identifier: Apache-2.0
"""What a run leaves: peers.md for the README, CSV files with every round, plots."""

import json
import pathlib
import subprocess

from peers import environments, machine, tables, training
from peers.doubling import Growth
from peers.first_result import Startup
from peers.rounds import Run, say
from peers.scores import BEST, POCL, TOLERANCE, Results
from peers.shapes import Shape
from peers.single_steps import Single

# Who is slower everywhere, in terms of the best peer, would be an invisible bar.
LEAST_SPEED = 0.1
HERE = pathlib.Path(__file__).resolve().parent


class Report:
    """Sections that go to standard output as text and to peers.md as Markdown."""

    def __init__(self, run: Run):
        self.run = run
        self.sections: list[str] = []
        self.written: list[str] = []

    def add(self, title: str, rows: tables.Rows, notes: list[str] | None = None) -> None:
        notes = notes or []
        print("\n".join(["", title, "", tables.as_text(rows), *notes]), flush=True)
        self.sections.append("\n".join([f"### {title}", "", tables.as_markdown(rows), *([""] + notes if notes else [])]))

    def file(self, name: str) -> pathlib.Path:
        """A path in the folder of results, for a file that is about to be written."""
        self.written.append(name)
        return self.run.out / name

    def plot(self, name: str, **plot) -> None:
        """An SVG file beside the report; without matplotlib a gap that is named."""
        home = environments.tool_home("matplotlib", self.run.folders)
        if not home:
            say(f"no {name}: matplotlib is not installed (tools/bench-peers --install)")
            return
        command = [str(environments.python_of(home)), str(HERE / "peer_plot.py"), str(self.file(name))]
        done = subprocess.run(command, input=json.dumps(plot), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            say(f"no {name}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
            return
        self.sections.append(f"![{plot['title']}]({name})")

    def write(self, load_before: float) -> None:
        """peers.md, all sections; last, when every version is known."""
        head = machine.describe(self.run.oclstm.threads, self.run.versions, self.run.oclstm.version())
        head.append(f"Load average before the run: {load_before:.2f}.")
        text = "\n\n".join(["## oclstm beside the frameworks", "  \n".join(head), *self.sections]) + "\n"
        self.file("peers.md").write_text(text, encoding="utf-8")
        print("\n" + "\n".join(head))
        print(f"\nWritten in {self.run.out}: {', '.join(self.written)}")


def relative_speeds(results: Results, names: list[str]) -> list[float]:
    """At each shape how fast the best of these is, with the best peer as 1; 0 where there is nothing to compare."""
    speeds = []
    for shape in results.shapes:
        best, peer = results.best(shape, names), results.best(shape, results.peers)
        speeds.append(peer[0] / best[0] if best and peer else 0.0)
    return speeds


def add_comparison(report: Report, results: Results) -> None:
    notes = [
        "Microseconds a step of a whole sequence call in float32, host arrays in and out, the minimum over all rounds; "
        "the best peer is marked, \"ratio\" is its time by oclstm's: above 1, oclstm is faster. "
        f"\"{tables.GAP}\": not measured. {tables.WRONG}: an answer more than {TOLERANCE:g} off, which does not count.",
    ]
    report.add("Whole sequences", tables.comparison(results), notes)
    report.add("oclstm on each device", tables.by_device(results))
    report.add("Ratios", tables.summaries(results), [
        "\"geometric mean\" and \"lowest\" are of the minima over all rounds, \"median of rounds\" is the geometric mean "
        "over the shapes of the median of the ratios within a round.",
    ])
    report.add("Right or wrong", tables.differences(results), [f"{reason}" for reason in tables.problems(results)])
    tables.write_measurements(report.file("peers.csv"), results)
    lines = {name: [name] for name in results.peers} | {f"oclstm, {group}": results.groups[group] for group in (POCL, BEST)}
    speeds = {name: speed for name, names in lines.items() if max(speed := relative_speeds(results, names)) >= LEAST_SPEED}
    report.plot("peers.svg", kind="bars", title="LSTM sequence, float32", labels=[shape.label for shape in results.shapes],
                series=speeds, own=[f"oclstm, {group}" for group in (POCL, BEST)])


def add_training(report: Report, results: Results) -> None:
    report.add("Training: forward, back, gradients of the weights", training.table(results), training.notes(results))
    tables.write_measurements(report.file("training.csv"), results)


def single_cell(one: Single | None) -> str:
    if one is None or one.median is None:
        return tables.GAP
    if one.check and not one.check.right:
        return tables.WRONG
    return f"{tables.microseconds(one.median)} / {tables.microseconds(one.p99)}"


def add_single(report: Report, found: dict[Shape, dict[str, Single]]) -> None:
    names = list(dict.fromkeys(name for entry in found.values() for name in entry))
    rows = [["us, median / p99", *names, "best peer / oclstm"]]
    reasons = []
    for shape, entry in found.items():
        medians = {name: one.median for name, one in entry.items() if one.median and one.check and one.check.right}
        own = min((median for name, median in medians.items() if name.startswith("oclstm ")), default=None)
        peer = min((median for name, median in medians.items() if not name.startswith("oclstm ")), default=None)
        ratio = peer / own if own and peer else None
        rows.append([shape.label, *(single_cell(entry.get(name)) for name in names), tables.factor(ratio)])
        reasons += [f"{name}: {one.problem}" for name, one in entry.items() if one.problem]
    report.add("Single steps, the state handed back in", rows, list(dict.fromkeys(reasons)))
    tables.write_csv(report.file("single.csv"), ["hidden", "participant", "seconds_median", "seconds_p99", "difference"], [
        [shape.hidden, name, one.median, one.p99, one.check and one.check.from_reference]
        for shape, entry in found.items() for name, one in entry.items()
    ])


def add_growth(report: Report, found: list[Growth]) -> None:
    rows = [["doubled", "from", *(f"x{1 << power}" for power in range(len(found[0].times))), "worst doubling"]]
    for one in found:
        times = [tables.GAP if seconds is None else f"{seconds * 1e3:.2f} ms" for _, seconds in one.times]
        known = [value for value in one.factors if value is not None]
        rows.append([one.quantity, one.times[0][0].label, *times, tables.factor(max(known, default=None))])
    report.add("Growth with the work", rows, [
        f"oclstm on {report.run.devices[0].name}; a doubling's factor is its growth in time by its growth in operations: "
        "1 is proportional.",
    ])
    tables.write_csv(report.file("growth.csv"), ["quantity", "batch", "input", "hidden", "steps", "seconds_min"], [
        [one.quantity, *shape, seconds] for one in found for shape, seconds in one.times
    ])
    curves = {}
    for one in found:
        base, first = one.times[0]
        if first:
            curves[one.quantity] = [[shape.operations / base.operations, time / first] for shape, time in one.times if time]
    report.plot("growth.svg", kind="growth", title=f"Growth from {found[0].times[0][0].label}", curves=curves)


def add_startup(report: Report, found: list[Startup]) -> None:
    rows = [["s to the first result", "warm caches", "empty caches"]]
    rows += [[f"oclstm {one.device}", tables.factor(one.warm), tables.factor(one.cold)] for one in found]
    reasons = [f"oclstm {one.device}: {one.problem}" for one in found if one.problem]
    report.add("Fresh process (`oclstm run` on the silero cell, one minute of speech)", rows, reasons)
