#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `oclstm train` refuses before it writes anything: train_bad_cases.py OCLSTM [CASE...]"""

import sys

from cli_case import run_cases
from cli_files import randoms, write_npy
from train_case import Regression, fails

OUT = ["-o", "out.safetensors"]
TRAIN = ["train", "m.safetensors", "-x", "x.npy", "-t", "t.npy", *OUT, "--steps", "2"]


def case_options_that_are_missing_or_exclude_each_other(program):
    Regression(program)
    data = ["-x", "x.npy", "-t", "t.npy"]
    for arguments, words in (
            (["m.safetensors", *data], "-o OUT is missing"), ([*data, *OUT], "MODEL is missing"), (["m.safetensors", "-t", "t.npy", *OUT], "-x X is missing"),
            (["m.safetensors", "-x", "x.npy", *OUT], "-t TARGET is missing"), (["m.safetensors", *data, "-o", "out.pt"], "ends in .safetensors"),
            (["m.safetensors", *data, "-o", ".safetensors"], "ends in .safetensors"), (["m.safetensors", "--new", "lstm 1 2", *data, *OUT], "MODEL and --new"),
            (["m.safetensors", "n.safetensors", *data, *OUT], "unexpected argument"), ([*TRAIN[1:], "--epochs", "3"], "--epochs and --steps"),
            ([*TRAIN[1:], "--momentum", "0.9"], "for --optimizer sgd"), ([*TRAIN[1:], "--optimizer", "sgd", "--beta1", "0.9"], "for --optimizer adam"),
            ([*TRAIN[1:], "--schedule", "step"], "needs --schedule-steps N"), ([*TRAIN[1:], "--gamma", "0.5"], "--gamma is for"),
            ([*TRAIN[1:], "--min-lr", "0.5"], "--min-lr is for"), ([*TRAIN[1:], "--schedule-steps", "5"], "--schedule-steps is for"),
            ([*TRAIN[1:], "--evaluate-every", "5"], "needs --validation"), ([*TRAIN[1:], "--resume", "--restart"], "give one of them"),
            ([*TRAIN[1:], "--ignore-index", "5"], "for --loss cross-entropy"), (["--new", "lstm 2 3", "--layers", "a", *data, *OUT], "--layers says"),
            ([*TRAIN[1:], "--log", "out.safetensors"], "-o and --log must name different files"),
            ([*TRAIN[1:], "--checkpoint", "out.safetensors"], "-o and --checkpoint must name"), ([*TRAIN[1:], "--log", "x.npy"], "-x and --log must name"),
            ([*TRAIN[1:], "--checkpoint", "m.safetensors"], "MODEL must not be the checkpoint")):
        fails(program, "train", *arguments, code=2, err=words)


def case_values_that_are_none(program):
    Regression(program)
    for option in ("lr", "momentum", "eps", "weight-decay", "clip", "gamma", "min-lr"):
        for value in ("x", "", "-1", "nan", "inf", "0.1x", "1e999"):
            fails(program, *TRAIN, f"--{option}={value}", code=2, err=f"--{option} '{value}' is not valid: expected a number, 0 or greater")
    for option in ("beta1", "beta2", "dropout", "validation"):
        for value in ("1", "-0.1", "x", "nan"):
            fails(program, *TRAIN, f"--{option}={value}", code=2, err=f"--{option} '{value}' is not valid: expected a number from 0 up to, but not, 1")
    for option in ("epochs", "steps", "batch", "bptt", "warmup", "schedule-steps", "evaluate-every"):
        for value in ("0", "-1", "1.5", "x", ""):
            fails(program, *TRAIN, f"--{option}={value}", code=2, err=f"--{option} '{value}' is not valid: expected a whole number")
    for value in ("0", "0s", "-1s", "x", "5d", "25h"):
        fails(program, *TRAIN, f"--checkpoint-every={value}", code=2, err="expected a number of steps, or a time above 0")
    for option, value, words in (("loss", "mae", "mse, cross-entropy or bce"), ("optimizer", "lion", "sgd, adam or adamw"), ("schedule", "x", "constant, step or cosine"),
                                 ("dtype", "float16", "float32 or float64"), ("precision", "bf16", "f32 or f64")):
        fails(program, *TRAIN, f"--{option}={value}", code=2, err=f"--{option} '{value}' is not valid: expected {words}")
    fails(program, *TRAIN, "--optimizer", "sgd", "--nesterov", err="Nesterov")


def case_data_that_does_not_fit(program):
    Regression(program)
    for shape, words in (((7, 5), r"X is float32 \[7\]\[5\], TARGET|TARGET is float32 \[7\]\[5\].*\[steps\]\[sequences\]\[outputs\]"),
                         ((7, 4, 1), r"TARGET is float32 \[7\]\[4\]\[1\], X is \[7\]\[5\]\[2\]: expected 7 steps of 5 sequences"),
                         ((6, 5, 1), r"TARGET is float32 \[6\]\[5\]\[1\]"), ((7, 5, 2), "its last dimension must be the outputs of the network, 1")):
        write_npy(program.path_of("u.npy"), shape, randoms(shape, "u"))
        fails(program, *TRAIN, "-t", "u.npy", err=words)
    for shape, words in (((7, 5, 3), "its last dimension must be the features of the first layer, 2"), ((0, 5, 2), "nothing to learn from"), ((7, 0, 2), "nothing to learn from"),
                         ((7,), r"X is float32 \[7\]; expected \[steps\]\[sequences\]\[features\]")):
        write_npy(program.path_of("u.npy"), shape, randoms(shape, "u"))
        fails(program, *TRAIN, "-x", "u.npy", err=words)
    write_npy(program.path_of("u.npy"), (7, 5), [1] * 35, descr="<i4")
    fails(program, *TRAIN, "-x", "u.npy", err="X is int32; the network begins with 'lstm cell' and takes floating-point")
    fails(program, *TRAIN, "-t", "u.npy", err="class of step 0 of sequence 0 is 1; expected 0 to 0")
    fails(program, *TRAIN, "-t", "u.npy", "--loss", "mse", err="TARGET is int32; the loss mse takes floating-point")
    fails(program, *TRAIN, "--loss", "cross-entropy", err="TARGET is float32; the loss cross-entropy takes classes")
    fails(program, *TRAIN, "-x", "none.npy", err="none.npy")
    fails(program, *TRAIN, "-x", "m.safetensors", err="name one as m.safetensors:TENSOR")
    fails(program, *TRAIN, "--new", "embed 3 2, lstm 4, linear 1", code=2, err="MODEL and --new")
    fails(program, "train", "--new", "embed 3 2, lstm 4, linear 1", *TRAIN[2:], err="X is float32; the network begins with 'embedding' and takes tokens")
    fails(program, "train", "--new", "embed 3 2, lstm 4, linear 1", *TRAIN[2:], "-x", "v.npy", err="v.npy")
    write_npy(program.path_of("v.npy"), (7, 5), [i % 4 for i in range(35)], descr="<i4")
    fails(program, "train", "--new", "embed 3 2, lstm 4, linear 1", *TRAIN[2:], "-x", "v.npy", err="the token of step 0 of sequence 3 is 3; expected 0 to 2")


def case_batches_shares_and_lengths(program):
    Regression(program)
    fails(program, *TRAIN, "--batch", "6", err="--batch 6 is more than there are sequences to learn from, 5")
    fails(program, *TRAIN, "--batch", "5", "--validation", "0.2", err="more than there are sequences to learn from, 4")
    write_npy(program.path_of("l.npy"), (5,), [7, 7, 8, 1, 1], descr="<i4")
    fails(program, *TRAIN, "--lengths", "l.npy", err="the length of sequence 2 is 8; expected 1 to 7")
    write_npy(program.path_of("l.npy"), (4,), [7, 7, 1, 1], descr="<i4")
    fails(program, *TRAIN, "--lengths", "l.npy", err=r"lengths are int32 \[4\]; expected int64 or int32 \[5\]")
    write_npy(program.path_of("l.npy"), (5,), [7, 7, 2, 1, 1], descr="<i4")
    fails(program, *TRAIN, "--lengths", "l.npy", "--bptt", "3", err="--lengths with --bptt 3: .* learnt whole, 7 steps")


def case_models_that_are_not_trained(program):
    Regression(program)
    for description, words in (("lstm 2", "lstm"), ("gru 2 3", "gru"), ("lstm 2 3, linear 4 1", "4"), ("", "--new ''"), ("linear 2 1", "recurrent")):
        fails(program, "train", "--new", description, *TRAIN[2:], code=2 if not description else 1, err=words)
    fails(program, "train", "none.safetensors", *TRAIN[2:], err="none.safetensors")
    fails(program, *TRAIN, "--layers", "cell,tail", err="tail")
    fails(program, *TRAIN, "-d", "99", code=2, err="99")


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
