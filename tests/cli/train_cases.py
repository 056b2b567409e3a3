#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm train` on arrays: train_cases.py OCLSTM [CASE...]"""

import json
import math
import re
import shutil
import sys

from cli_case import Skip, close, run_cases
from cli_files import randoms, read_npy, write_npy
from plot_cases import RECORDER, points, stand_in
from train_case import WAVES, Regression, fails, log_of, losses, order_of, tensors_of, waves

STILL = ["train", "m.safetensors", "-x", "x.npy", "-t", "t.npy", "-o", "out.safetensors", "--lr", "0", "--log", "log.csv"]


def write_integers(program, name, shape, values):
    write_npy(program.path_of(name), shape, values, descr="<i4")


def case_a_tiny_network_learns(program):
    waves(program)
    for optimizer, more in (("adam", []), ("adamw", ["--weight-decay", "0.001"]), ("sgd", ["--lr", "0.2", "--momentum", "0.9", "--nesterov"])):
        result = program.run(*WAVES, "--optimizer", optimizer, *more, "--steps", "120", "--clip", "1", "--log", "log.csv",
                             err=r"engine \w+, 120 steps in .* steps/s; loss of the last step 0\.\d+\n.*out.safetensors is written: 361 parameters")
        found = losses(program.path_of("log.csv"))
        assert len(found) == 120 and found[-1] < 0.1 * found[0], f"{optimizer}: {found[0]} to {found[-1]}"
        assert not result.out
    tensors, metadata = tensors_of(program.path_of("out.safetensors"))
    assert {name: shape for name, (_, shape, _) in tensors.items()} == {
        "lstm.weight_ih_l0": [32, 1], "lstm.weight_hh_l0": [32, 8], "lstm.bias_ih_l0": [32], "lstm.bias_hh_l0": [32],
        "linear.weight": [1, 8], "linear.bias": [1]}, tensors.keys()
    assert metadata["oclstm.layers"] == "lstm,linear", metadata
    # What was written runs, and answers as well as the last loss says.
    program.run("run", "out.safetensors", "-i", "x.npy", "-o", "y.npy", "-q")
    y, target = read_npy(program.path_of("y.npy"))[2], read_npy(program.path_of("t.npy"))[2]
    assert sum((a - b) ** 2 for a, b in zip(y, target)) / len(y) < 0.1


def case_batches_chunks_and_order(program):
    model = Regression(program)
    program.run(*STILL, "--batch", "2", "--bptt", "3", "--epochs", "2", "--seed", "11")
    expected = []
    for epoch in range(2):
        order = order_of(5, 11, epoch)
        for batch in (order[:2], order[2:4], order[4:]):
            expected += [model.mean(batch, 0, 3), model.mean(batch, 3, 6), model.mean(batch, 6, 7)]
    rows = log_of(program.path_of("log.csv"))
    close(losses(program.path_of("log.csv")), expected)
    assert [row["step"] for row in rows] == [str(i) for i in range(1, 19)] and [row["epoch"] for row in rows] == ["1"] * 9 + ["2"] * 9
    assert {row["lr"] for row in rows} == {"0"} and all(float(row["gradient_norm"]) > 0 for row in rows)
    assert order_of(5, 11, 0) != order_of(5, 11, 1) != order_of(5, 12, 1)


def case_sequences_in_their_order(program):
    model = Regression(program)
    program.run(*STILL, "--batch", "2", "--no-shuffle", "--epochs", "1")
    close(losses(program.path_of("log.csv")), [model.mean(batch) for batch in ([0, 1], [2, 3], [4])])


def case_batch_first_and_steps(program):
    model = Regression(program, batch_first=True)
    program.run(*STILL, "--batch", "3", "--batch-first", "--no-shuffle", "--steps", "5")
    first, last = model.mean([0, 1, 2]), model.mean([3, 4])
    close(losses(program.path_of("log.csv")), [first, last, first, last, first])


def case_all_sequences_at_once_where_they_are_few(program):
    model = Regression(program)
    program.run(*STILL)
    close(losses(program.path_of("log.csv")), [model.mean(range(5))] * 10)


def case_lengths(program):
    model = Regression(program)
    lengths = [7, 1, 3, 7, 5]
    write_integers(program, "l.npy", (5,), lengths)
    program.run(*STILL, "--lengths", "l.npy", "--batch", "2", "--no-shuffle", "--epochs", "1", "--validation", "0.4")
    each = dict(enumerate(lengths))
    close(losses(program.path_of("log.csv")), [model.mean([0, 1], lengths=each), model.mean([2], lengths=each)])
    close(losses(program.path_of("log.csv"), "validation_loss"), [model.mean([3, 4], lengths=each)])


def case_validation(program):
    model = Regression(program)
    program.run(*STILL, "--batch", "2", "--bptt", "4", "--no-shuffle", "--epochs", "3", "--validation", "0.6", "--evaluate-every", "4",
                err="validation 0")
    close(losses(program.path_of("log.csv")), [model.mean([0, 1], 0, 4), model.mean([0, 1], 4)] * 3)
    rows = log_of(program.path_of("log.csv"))
    assert [row["step"] for row in rows if row["validation_loss"]] == ["4", "6"]
    close(losses(program.path_of("log.csv"), "validation_loss"), [model.mean([2, 3, 4])] * 2)


def case_one_sequence_without_its_dimension(program):
    model = Regression(program)
    write_npy(program.path_of("x.npy"), (7, 2), [v for t in range(7) for v in model.x_at(t, 3)])
    write_npy(program.path_of("t.npy"), (7, 1), [model.target[t * 5 + 3] for t in range(7)])
    program.run(*STILL, "--epochs", "1")
    close(losses(program.path_of("log.csv")), [model.mean([3])])


def case_other_dtypes_and_orders_of_the_data(program):
    model = Regression(program)
    write_npy(program.path_of("x.npy"), (7, 5, 2), model.x, descr=">f4", fortran=True)
    write_npy(program.path_of("t.npy"), (7, 5, 1), model.target, descr="<f8")
    program.run(*STILL, "--epochs", "1")
    close(losses(program.path_of("log.csv")), [model.mean(range(5))])
    write_npy(program.path_of("x.npy"), (7, 5, 2), model.x, descr="<f8")
    program.run(*STILL, "--epochs", "1")
    close(losses(program.path_of("log.csv")), [model.mean(range(5))], 1e-12)
    assert tensors_of(program.path_of("out.safetensors"))[0]["head.bias"][0] == "F64"
    program.run(*STILL, "--epochs", "1", "--precision", "f32")
    assert tensors_of(program.path_of("out.safetensors"))[0]["head.bias"][0] == "F32"


def case_classes(program):
    shape = (4, 3)
    write_npy(program.path_of("x.npy"), (*shape, 2), randoms((*shape, 2), "x"))
    classes = [(3 * i) % 5 for i in range(12)]
    write_integers(program, "t.npy", shape, classes)
    train = ["train", "--new", "lstm 2 6, linear 5", "-x", "x.npy", "-t", "t.npy", "-o", "out.safetensors"]
    program.run(*train, "--steps", "60", "--lr", "0.1", "--log", "log.csv")
    found = losses(program.path_of("log.csv"))
    assert abs(found[0] - math.log(5)) < 0.3 and found[-1] < 0.5 * found[0], found
    # Those that do not count: the loss is that of the others.
    program.run(*train, "--steps", "1", "--log", "all.csv")
    write_integers(program, "t.npy", shape, [-100 if i >= 3 else c for i, c in enumerate(classes)])
    program.run(*train, "--steps", "1", "--ignore-index", "-100", "--log", "some.csv")
    assert losses(program.path_of("all.csv")) != losses(program.path_of("some.csv"))
    fails(program, *train, "--steps", "1", err="class of step 1 of sequence 0 is -100; expected 0 to 4, or --ignore-index")


def case_tokens_and_binary_targets(program):
    write_integers(program, "x.npy", (6, 4), [i % 5 for i in range(24)])
    write_npy(program.path_of("t.npy"), (6, 4, 1), [float(i % 5 == 2) for i in range(24)])
    program.run("train", "--new", "embed 5 3, lstm 6, linear 1", "-x", "x.npy", "-t", "t.npy", "-o", "out.safetensors", "--loss", "bce",
                "--steps", "80", "--lr", "0.05", "--log", "log.csv")
    found = losses(program.path_of("log.csv"))
    assert abs(found[0] - math.log(2)) < 0.3 and found[-1] < 0.2, found


def case_learning_rates(program):
    waves(program)
    rates = lambda: losses(program.path_of("log.csv"), "lr")
    still = [*WAVES, "--log", "log.csv", "--restart"]
    program.run(*still, "--lr", "0.4", "--steps", "6", "--schedule", "step", "--schedule-steps", "2", "--gamma", "0.5")
    close(rates(), [0.4, 0.4, 0.2, 0.2, 0.1, 0.1], 1e-7)
    program.run(*still, "--lr", "1", "--steps", "6", "--schedule", "cosine", "--warmup", "2", "--min-lr", "0.2")
    close(rates(), [0.5, 1.0, *(0.2 + 0.4 * (1 + math.cos(math.pi * n / 4)) for n in range(4))], 1e-7)


def case_plot(program):
    if not shutil.which("gnuplot"):
        raise Skip("gnuplot is not installed")
    waves(program)
    program.run(*WAVES, "--steps", "1300", "--batch", "3", "--plot", "loss.svg", "--validation", "0.5", "-q", err="^$")
    assert program.path_of("loss.svg").read_bytes().rstrip().endswith(b"</svg>")
    assert b"training (mean, range)" in program.path_of("loss.svg").read_bytes() and b"validation" in program.path_of("loss.svg").read_bytes()
    program.run(*WAVES, "--steps", "1", "--plot", "one.png", "-q", err="^$")
    assert program.path_of("one.png").read_bytes().startswith(b"\x89PNG")
    fails(program, *WAVES, "--plot", "x.pdf", code=2, err="ends in .svg or .png")


def case_what_is_drawn(program):
    waves(program)
    env = stand_in(program, RECORDER)
    arguments = [*WAVES, "--batch", "3", "--validation", "0.5", "--evaluate-every", "100", "--log", "log.csv", "--plot", "p.svg", "-q"]
    for steps, width, more in ((500, 1, []), (1300, 4, ["--resume"])):  # a curve goes on, too
        program.run(*arguments, "--steps", steps, *more, env=env)
        assert program.path_of("p.svg").read_text() == "picture\n"
        script, found = program.path_of("script").read_text(), losses(program.path_of("log.csv"))
        drawn = points(script, "training")
        assert len(drawn) == steps // width
        for number, (x, mean, low, high) in enumerate(drawn):
            part = found[number * width:(number + 1) * width]
            assert x == number * width + (width + 1) / 2
            close([mean, low, high], [sum(part) / width, min(part), max(part)], 1e-6)
        measured = points(script, "validation")
        assert [x for x, _, _, _ in measured] == list(range(100, steps + 1, 100))
        close([mean for _, mean, _, _ in measured], losses(program.path_of("log.csv"), "validation_loss"), 1e-6)
        assert f"set xrange [0:{steps}]" in script and "title 'out.safetensors: mse loss'" in script


def case_json_and_words(program):
    waves(program)
    result = program.run(*WAVES, "--steps", "7", "--json", "--validation", "0.3", "-v",
                         err=r"layers: lstm lstm \(1 -> 8\), linear linear \(8 -> 1\); 361 parameters.*4 sequences of 12 steps to learn from, 2 to measure "
                             r"on.*memory: [\d.]+ MiB on the device.*epoch 1: loss 0.\d+, validation 0")
    document = json.loads(result.out)
    assert document["steps"] == 7 and document["parameters"] == 361 and document["loss"] > 0 and document["output"] == "out.safetensors"
    assert re.search(r"^portable$|^fused$|^clblast$", document["engine"])


def case_engines_and_recompute_agree(program):
    waves(program)
    for arguments in (["--engine", "portable"], ["--engine", "portable", "--recompute"], []):
        program.run(*WAVES, "--steps", "8", "--log", "log.csv", *arguments)
        found = losses(program.path_of("log.csv"))
        expected = found if arguments == ["--engine", "portable"] else expected
        close(found, expected, 1e-4)


def case_dropout_changes_the_training_alone(program):
    waves(program)
    train = ["train", "--new", "lstm 1 8 layers 2, linear 1", "-x", "x.npy", "-t", "t.npy", "-o", "out.safetensors", "--log", "log.csv", "--lr", "0",
             "--validation", "0.5", "--steps", "2"]
    program.run(*train)
    plain = log_of(program.path_of("log.csv"))
    program.run(*train, "--dropout", "0.5")
    dropped = log_of(program.path_of("log.csv"))
    assert plain[0]["loss"] != dropped[0]["loss"] != dropped[1]["loss"] and plain[0]["validation_loss"] == dropped[0]["validation_loss"]


def case_the_model_itself_may_be_replaced(program):
    Regression(program)
    before = tensors_of(program.path_of("m.safetensors"))[0]
    program.run("train", "m.safetensors", "-x", "x.npy", "-t", "t.npy", "-o", "m.safetensors", "--steps", "2")
    after = tensors_of(program.path_of("m.safetensors"))[0]
    assert after.keys() == before.keys() and after["head.weight"] != before["head.weight"]


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
