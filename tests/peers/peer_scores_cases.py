#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/bench-peers: shapes, ratios, what counts, and tables."""

import math
import sys

from peer_cases import expect, expect_error, run_cases

from peers import scores, tables
from peers.oclstm_program import Device, choose_devices, parse_bench, parse_device
from peers.peer_list import named
from peers.processes import Failed
from peers.scores import BEST, POCL, Check, Measurement, Participant, Results
from peers.shapes import TABLE, Shape, doubled, parse_shape, square

SMALL, LARGE = square(1, 16, 100), square(64, 512, 20)
RIGHT, OFF = Check(1e-7, 2e-7), Check(2e-4)


def results(times: dict, checks: dict | None = None) -> Results:
    """torch and ONNX as peers, oclstm on basic (PoCL) and intel; times: {(shape, name): [seconds of each round]}."""
    everyone = [Participant("torch", True), Participant("ONNX", True), Participant("basic", False, True)]
    everyone.append(Participant("intel", False))
    made = Results(everyone, [SMALL, LARGE])
    for (shape, name), rounds in times.items():
        made.measurements += [Measurement(shape, name, number, seconds, seconds) for number, seconds in enumerate(rounds)]
        made.checks[shape, name] = RIGHT
    made.checks.update(checks or {})
    return made


def case_shapes_are_parsed():
    expect(parse_shape("16,24,256,100"), Shape(16, 24, 256, 100))
    expect(parse_shape(str(SMALL)), SMALL)
    for text in ("", "1,2,3", "1,2,3,4,5", "1,2,3,0", "1,2,3,-4", "1,2,3,x", "1;2;3;4", "1.5,2,3,4", "1,2,3,\u0663"):
        assert "four positive integers" in expect_error(ValueError, parse_shape, text), text


def case_the_table_has_its_twelve_shapes():
    expect(len(set(TABLE)), 12)
    expect([shape.hidden for shape in TABLE[:6]], [16, 64, 128, 256, 512, 1024])
    expect(TABLE[-1], Shape(256, 64, 64, 50))


def case_operations_grow_with_the_shape():
    expect(Shape(1, 3, 2, 5).operations, 2 * 5 * 4 * 2 * (3 + 2))
    for quantity, shapes in doubled().items():
        expect([shapes[0]] * 3, [doubled()[name][0] for name in doubled()], quantity)
        ratio = shapes[1].operations / shapes[0].operations
        expect(ratio, 4.0 if quantity == "hidden" else 2.0, quantity)


def case_means_and_percentiles():
    assert math.isclose(scores.geometric_mean([2.0, 8.0]), 4.0)
    assert math.isclose(scores.geometric_mean([1.3]), 1.3)
    values = [float(value) for value in range(100, 0, -1)]
    expect([scores.percentile(values, percent) for percent in (0, 1, 50, 99, 100)], [1.0, 1.0, 50.0, 99.0, 100.0])
    expect(scores.percentile([7.0], 99), 7.0)


def case_the_ratio_is_of_the_minima():
    times = {(SMALL, "torch"): [4.0, 3.0], (SMALL, "ONNX"): [2.0, 8.0], (SMALL, "basic"): [1.0, 2.0], (SMALL, "intel"): [0.5, 1.0]}
    made = results(times)
    expect(made.best(SMALL, made.peers), (2.0, "ONNX"))
    score = made.score(SMALL, made.groups[BEST])
    expect((score.device, score.seconds, score.ratio), ("intel", 0.5, 4.0))
    expect(score.round_ratio, (2.0 / 0.5 + 3.0 / 1.0) / 2)
    expect(made.score(SMALL, made.groups[POCL]).ratio, 2.0)
    expect(made.score(SMALL, ["basic"], ["torch"]).ratio, 3.0)


def case_a_wrong_answer_does_not_count():
    times = {(SMALL, "torch"): [4.0], (SMALL, "ONNX"): [0.1], (SMALL, "basic"): [2.0], (SMALL, "intel"): [0.2]}
    made = results(times, {(SMALL, "ONNX"): OFF})
    expect(made.score(SMALL, ["basic"]).ratio, 2.0, "a fast wrong peer")
    made = results(times, {(SMALL, "intel"): OFF})
    expect(made.score(SMALL, made.devices).device, "basic", "a fast wrong device")
    made = results(times, {(SMALL, "intel"): OFF, (SMALL, "basic"): Check(math.inf)})
    expect(made.score(SMALL, made.devices), None, "no right device")
    made = results(times, {(SMALL, "ONNX"): Check(math.nan)})
    expect(made.best(SMALL, made.peers), (4.0, "torch"), "a difference that is no number")


def case_what_was_not_checked_does_not_count():
    made = results({(SMALL, "torch"): [4.0], (SMALL, "basic"): [2.0]})
    del made.checks[SMALL, "basic"]
    expect(made.score(SMALL, made.devices), None)


def case_gaps_leave_no_ratio():
    made = results({(SMALL, "basic"): [2.0]})
    expect(made.score(SMALL, made.devices)[2:], (None, None))
    expect(made.score(LARGE, made.devices), None)
    expect(scores.summarise(made, made.devices), None)
    made.measurements.append(Measurement(SMALL, "torch", 0, problem="not installed"))
    expect(made.score(SMALL, made.devices).ratio, None)


def case_summary_over_the_shapes():
    made = results({(SMALL, "torch"): [8.0], (SMALL, "basic"): [1.0], (LARGE, "torch"): [1.0], (LARGE, "basic"): [2.0]})
    found = scores.summarise(made, ["basic"])
    assert math.isclose(found.mean, 2.0) and math.isclose(found.round_mean, 2.0)
    expect((found.worst, found.worst_shape, found.count), (0.5, LARGE, 2))


def case_growth_is_relative_to_the_work():
    shapes = doubled()["hidden"][:3]
    expect(scores.growth(list(zip(shapes, [1.0, 4.0, 32.0]))), [1.0, 2.0])
    expect(scores.growth(list(zip(shapes, [1.0, None, 32.0]))), [None, None])


def case_tables_show_gaps_and_wrong_answers():
    made = results({(SMALL, "torch"): [4e-4], (SMALL, "ONNX"): [1e-4], (SMALL, "basic"): [2e-4]}, {(SMALL, "ONNX"): OFF})
    rows = tables.comparison(made)
    expect(rows[1], ["B1 H16", "100", "4.00*", "WRONG", "2.00", "2.00", "2.00", "2.00"])
    expect(rows[2], ["B64 H512", "20", "-", "-", "-", "-", "-", "-"])
    expect(len({len(row) for row in rows}), 1, "lengths of rows")
    text = tables.as_text(rows).splitlines()
    assert text[1].startswith("B1 H16    100") and text[1].endswith("2.00"), text[1]
    markdown = tables.as_markdown(rows).splitlines()
    expect({line.count("|") for line in markdown}, {9}, "columns")
    expect(tables.by_device(made)[1], ["B1 H16", "2.00*", "-"])
    expect([row[0] for row in tables.summaries(made)][-2:], ["torch / best CPU device", "ONNX / best CPU device"])
    expect([row[1:] for row in tables.differences(made)][2], ["2.0e-04", "-", "1", "1"])


def case_times_have_three_digits():
    values = (2.1e-7, 1.234e-5, 5.774e-4, 0.0105, None)
    expect([tables.microseconds(value) for value in values], ["0.21", "12.3", "577", "10500", "-"])


def case_reasons_of_gaps_are_told_once():
    made = results({})
    for number in (0, 1):
        made.measurements += [Measurement(shape, "torch", number, problem="not installed") for shape in (SMALL, LARGE)]
    made.measurements.append(Measurement(LARGE, "ONNX", 0, problem="no memory"))
    expect(tables.problems(made), ["torch: not installed", "ONNX: no memory (B64 H512)"])


def case_bench_output_is_judged():
    output = '{"seconds_min": 0.5, "hidden": 16}\n\n{"seconds_min": 1}\n'
    expect(parse_bench(output), [{"seconds_min": 0.5, "hidden": 16}, {"seconds_min": 1}])
    for output in ("", "\n", "no JSON", "[1]", "{}", '{"seconds_min": "fast"}', '{"seconds_min": null}'):
        expect_error(Failed, parse_bench, output)


def case_devices_are_named_or_described():
    known = {"pocl": Device("pocl", "", {}), "basic": Device("basic", "", {"POCL_DEVICES": "basic"})}
    expect([device.name for device in choose_devices("auto", known)], ["pocl", "basic"])
    expect(choose_devices("basic", known), [known["basic"]])
    expect(parse_device("my=0:1;A=b=c;D="), Device("my", "0:1", {"A": "b=c", "D": ""}, False))
    expect(choose_devices("pocl-one=0;A=1", known)[0].on_pocl, True)
    for text in ("", "=gpu", "x;A", "intel", "pocl,,basic"):
        expect_error(ValueError, choose_devices, text, known)


def case_peers_are_named_by_parts():
    expect([peer.name for peer in named("onnx,torch")], ["torch.nn.LSTM", "torch.nn.LSTMCell", "ONNX Runtime"])
    expect([peer.name for peer in named("OpenVINO")], ["OpenVINO"])
    expect([peer.name for peer in named("mindspore lstm,torch.nn.LSTM")], ["torch.nn.LSTM", "MindSpore LSTM"])
    expect(len(named("all")), 7)
    for text in ("", "jax", "torch,"):
        expect_error(ValueError, named, text)


if __name__ == "__main__":
    sys.exit(run_cases(globals()))
