#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm train --text`: train_text_cases.py OCLSTM [CASE...]"""

import sys

from cli_case import close, run_cases
from train_case import Characters, fails, log_of, losses, tensors_of

TEXT = "abc é\nabc cab é" * 7  # 105 characters


def write(program, text, name="text.txt"):
    program.path_of(name).write_bytes(text if isinstance(text, bytes) else text.encode())


def mean(values):
    return sum(values) / len(values)


def case_rows_chunks_and_the_carried_state(program):
    model = Characters(program)
    write(program, TEXT)
    program.run("train", "c.safetensors", "--text", "text.txt", "-o", "out.safetensors", "--lr", "0", "--batch", "3", "--bptt", "15", "--epochs", "2",
                "--log", "log.csv")
    length = 104 // 3
    rows = [model.row_losses(TEXT[r * length:(r + 1) * length + 1]) for r in range(3)]
    expected = [mean([v for row in rows for v in row[first:first + 15]]) for first in range(0, length, 15)]
    close(losses(program.path_of("log.csv")), expected * 2)
    assert [row["epoch"] for row in log_of(program.path_of("log.csv"))] == ["1"] * 3 + ["2"] * 3


def case_the_end_is_measured_on(program):
    model = Characters(program)
    write(program, TEXT)
    program.run("train", "c.safetensors", "--text", "text.txt", "-o", "out.safetensors", "--lr", "0", "--batch", "2", "--bptt", "20", "--epochs", "1",
                "--validation", "0.2", "--log", "log.csv")
    learnt, held = TEXT[:84], TEXT[84:]
    rows = [model.row_losses(learnt[r * 41:(r + 1) * 41 + 1]) for r in range(2)]
    close(losses(program.path_of("log.csv")), [mean(rows[0][f:f + 20] + rows[1][f:f + 20]) for f in (0, 20, 40)])
    close(losses(program.path_of("log.csv"), "validation_loss"), [mean(model.row_losses(held[:11]) + model.row_losses(held[10:21]))])


def case_a_text_is_learnt(program):
    write(program, "hello world " * 60)
    train = ["train", "--text", "text.txt", "-o", "out.safetensors", "--batch", "4", "--bptt", "12", "--lr", "0.02"]
    program.run(*train, "--new", "embed 8 6, lstm 16, linear 8", "--steps", "120", "--log", "log.csv")
    found = losses(program.path_of("log.csv"))
    assert found[0] > 1.8 and found[-1] < 0.3, found
    metadata = tensors_of(program.path_of("out.safetensors"))[1]
    assert metadata["oclstm.vocabulary"] == " dehlorw", metadata
    assert metadata["oclstm.layers"] == "embed,lstm,linear", metadata
    program.run("generate", "out.safetensors", "--prompt", "hello", "--length", "19", "--temperature", "0", out="^hello world hello world $")
    program.run("generate", "out.checkpoint.safetensors", "--prompt", "wor", "--length", "9", "--temperature", "0", out="^world hello $")
    # On from there, by a text that has fewer characters.
    write(program, "hello " * 60)
    program.run("train", "out.safetensors", *train[1:], "--steps", "2")
    assert tensors_of(program.path_of("out.safetensors"))[1]["oclstm.vocabulary"] == " dehlorw"


def case_without_a_description(program):
    write(program, TEXT)
    program.run("train", "--text", "text.txt", "-o", "out.safetensors", "--steps", "1", "-v",
                err=r"layers: embedding embed \(6 -> 32\), lstm lstm \(32 -> 128\), linear linear \(128 -> 6\)")


def case_vocabularies_that_do_not_fit(program):
    Characters(program)
    write(program, TEXT + "ß")
    train = ["train", "--text", "text.txt", "-o", "out.safetensors"]
    fails(program, *train, "c.safetensors", err=r"text.txt: the character 'ß' \(U\+00DF\), at byte 119, is none of the model's 6")
    write(program, TEXT)
    fails(program, *train, "--new", "embed 65 32, lstm 8, linear 65", err='the embedding is for 65 characters; this text\'s vocabulary has 6: "embed 6 32" fits')
    fails(program, *train, "--new", "embed 6 32, lstm 8, linear 5", err='the network has 5 outputs; this text\'s vocabulary has 6.*"linear 6" at the end fits')
    fails(program, *train, "--new", "lstm 6 8, linear 6", err="the network begins with 'lstm'; a text needs an embedding of 6 characters")


def case_texts_that_are_none(program):
    train = ["train", "--text", "text.txt", "-o", "out.safetensors"]
    fails(program, *train, err="text.txt: cannot be read: No such file")
    write(program, b"")
    fails(program, *train, err="the text has 0 characters; at least 2 are needed")
    write(program, b"a")
    fails(program, *train, err="the text has 1 character; at least 2")
    for data, place, what in ((b"abc\xffd", 3, "no UTF-8"), (b"ab\0c", 2, "zero"), (b"a\xc0\x80", 1, "no UTF-8"), (b"a\xed\xa0\x80", 1, "no UTF-8"),
                              (b"a\xf4\x90\x80\x80", 1, "no UTF-8"), (b"abc\xe2\x82", 3, "no UTF-8")):
        write(program, data)
        fails(program, *train, err=f"text.txt: byte {place} is {what}")
    program.path_of("folder").mkdir()
    fails(program, "train", "--text", "folder", "-o", "out.safetensors", err="folder: cannot be read: Is a directory")


def case_batches_and_shares_that_do_not_fit(program):
    write(program, TEXT)
    train = ["train", "--text", "text.txt", "-o", "out.safetensors"]
    fails(program, *train, "--batch", "105", err="--batch 105 is more rows than the text to learn from, 105 characters, can be cut into")
    program.run(*train, "--batch", "104", "--steps", "1")
    fails(program, *train, "--validation", "0.99", err="--validation 0.99 leaves 1 of 105 characters to learn from")
    fails(program, *train, "-x", "x.npy", code=2, err="--text and -x: a text is input and target at once")
    fails(program, *train, "--loss", "mse", code=2, err="its loss cross-entropy")
    fails(program, *train, "--lengths", "x.npy", code=2, err="--lengths is not for --text")


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
