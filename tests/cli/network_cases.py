#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm run` on networks: network_cases.py OCLSTM [CASE...]"""

import json
import math
import struct
import sys

from cli_case import close, run_cases
from cli_files import Cell, count, randoms, read_npy, swap_axes, write_npy, write_safetensors, write_sparse_npy


def read_safetensors(path):
    """{name: (shape, values)} of a file, numbers as Python has them."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    codes, found = {"F32": "f", "F64": "d", "I64": "q", "I32": "i"}, {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            body = data[8 + length + begin:8 + length + end]
            found[name] = entry["shape"], list(struct.unpack(f"<{count(entry['shape'])}{codes[entry['dtype']]}", body))
    return found


def expect(program, name, shape, values, tolerance=2e-5):
    found = read_npy(program.path_of(name))
    assert list(found[1]) == list(shape), f"{name}: {found[1]}, expected {shape}"
    close(found[2], values, tolerance)


def linear(x, weight, bias, inputs, outputs):
    return [bias[r] + sum(x[row + k] * weight[r * inputs + k] for k in range(inputs)) for row in range(0, len(x), inputs) for r in range(outputs)]


def stack(program, steps=6, batch=2):
    """Two cells and a head with relu between, as a file; x, and what comes out."""
    first, second = Cell(3, 4, seed=1), Cell(4, 5, seed=2)
    weight, bias = randoms((2, 5), "w"), randoms((2,), "b")
    x = randoms((steps, batch, 3), "x")
    tensors = {**first.tensors("a."), **second.tensors("b."), "head.weight": ("F32", (2, 5), weight), "head.bias": ("F32", (2,), bias)}
    write_safetensors(program.path_of("m.safetensors"), tensors)
    write_npy(program.path_of("x.npy"), (steps, batch, 3), x)
    hidden = second.sequence(first.sequence(x, steps, batch)[0], steps, batch)[0]
    return hidden, weight, bias


def case_layers_found_from_widths(program):
    hidden, weight, bias = stack(program)
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", err="3 layers, 6 steps x batch 2")
    expect(program, "y.npy", (6, 2, 2), linear(hidden, weight, bias, 5, 2))
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "-v", err=r"layers: lstm cell a \(3 -> 4\), lstm cell b \(4 -> 5\), linear head \(5 -> 2\)")


def case_layers_as_named(program):
    hidden, weight, bias = stack(program)
    relu = [max(0.0, v) for v in hidden]
    for names, values, width in (("a,b", hidden, 5), ("a, b ,relu", relu, 5), ("a,b,relu,head,sigmoid", [1 / (1 + math.exp(-v)) for v in linear(relu, weight, bias, 5, 2)], 2)):
        program.run("run", "m.safetensors", "--layers", names, "-i", "x.npy", "-o", "y.npy")
        expect(program, "y.npy", (6, 2, width), values)
    logits = linear(hidden, weight, bias, 5, 2)
    softmax = [math.exp(v) / sum(math.exp(w) for w in logits[i - i % 2:i - i % 2 + 2]) for i, v in enumerate(logits)]
    program.run("run", "m.safetensors", "--layers", "a,b,head,softmax", "-i", "x.npy", "-o", "y.npy")
    expect(program, "y.npy", (6, 2, 2), softmax)


def case_layers_in_the_file(program):
    hidden, _, _ = stack(program)
    program.run("convert", "m.safetensors", "k.safetensors", "--layers", "a,b,relu", err="12 tensors|10 tensors")
    program.run("run", "k.safetensors", "-i", "x.npy", "-o", "y.npy")
    expect(program, "y.npy", (6, 2, 5), [max(0.0, v) for v in hidden])
    program.run("convert", "m.safetensors", "k2.safetensors", "--layers", "b,a", code=1, err="takes 3 features, but 'b' before it gives 5")


def case_layers_that_do_not_fit(program):
    stack(program)
    run = ["run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "--layers"]
    program.run(*run, "a,head", code=1, err=r"layer 2 \('head'\) takes 5 features, but 'a' before it gives 4")
    program.run(*run, "a,c", code=1, err="no tensor belongs to a layer 'c'.*the file's layers are a, b, head; relu, sigmoid and softmax need no tensors")
    program.run(*run, "a,,b", code=1, err="empty or too long name")
    program.run(*run, "head", code=1, err="none of the layers named is an LSTM")
    program.run(*run, "relu,a", code=1, err="the layers begin with relu")


def case_every_model_file(program):
    """Against the frameworks' own answers: tokens, both directions, projection, lengths, ONNX."""
    models = program.data / "models"
    for model, inputs, answer, options in (("torch_tagger.pt", "tokens", "y", []), ("torch_tagger_legacy.pt", "tokens", "y", []), ("torch_sine_f64.pt", "x", "y", []),
                                           ("torch_lstm_proj.pt", "x", "y", []), ("torch_lstm_batch_first.pt", "x", "y", ["--batch-first"]),
                                           ("mindspore_lstm_l2_bidir.ckpt", "x", "y", ["--h0", ":h0", "--c0", ":c0"]), ("onnx_clip.onnx", "X", "Y", [])):
        answers = models / f"{model.split('.')[0].removesuffix('_legacy')}.io.safetensors"
        options = [f"{answers}{option}" if option.startswith(":") else option for option in options]
        program.run("run", models / model, "-i", f"{answers}:{inputs}", "-o", "y.npy", *options)
        shape, values = read_safetensors(answers)[answer]
        expect(program, "y.npy", shape if len(shape) == 3 else (shape[0], shape[2], shape[3]), values, 1e-12 if "f64" in model else 2e-5)


def case_states_and_lengths(program):
    file = program.data / "cells" / "torch_lstm_lengths_bidir_l2.safetensors"
    data = read_safetensors(file)
    tensor = lambda name: f"{file}:{name}"
    state = ["--h0", tensor("h0"), "--c0", tensor("c0")] if "h0" in data else []
    program.run("run", file, "-i", tensor("x"), "--lengths", tensor("lengths"), *state, "-o", "y.npy", "--hn", "hn.npy", "--cn", "cn.npy")
    for name in ("y", "hn", "cn"):
        expect(program, f"{name}.npy", *data[name])
    steps, batch = data["x"][0][:2]
    write_npy(program.path_of("l.npy"), (batch,), [0] + [1] * (batch - 1), descr="<i4")
    program.run("run", file, "-i", tensor("x"), "--lengths", "l.npy", "-o", "z.npy", code=1, err=f"the length of row 0 is 0; expected 1 to the {steps} steps")
    write_npy(program.path_of("f.npy"), (batch,), [1.0] * batch)
    program.run("run", file, "-i", tensor("x"), "--lengths", "f.npy", "-o", "z.npy", code=1, err="lengths are float32; expected int64 or int32")
    write_npy(program.path_of("s.npy"), (1,), [1], descr="<i4")
    program.run("run", file, "-i", tensor("x"), "--lengths", "s.npy", "-o", "z.npy", code=1, err=rf"lengths are \[1\], expected \[{batch}\]")


def case_tokens_outside_the_embedding(program):
    model = program.data / "models" / "torch_tagger.pt"
    for bad, place in ((60, 3), (-1, 0)):
        tokens = [1] * 8
        tokens[place] = bad
        write_npy(program.path_of("t.npy"), (4, 2), tokens, descr="<i4")
        program.run("run", model, "-i", "t.npy", "-o", "y.npy", code=1,
                    err=f"the token at step {place // 2} of row {place % 2} is {bad}; the embedding 'embed' has the tokens 0 to 59")
    write_npy(program.path_of("f.npy"), (4, 2), [1.0] * 8)
    program.run("run", model, "-i", "f.npy", "-o", "y.npy", code=1, err="tokens are float32; expected int64 or int32")


def case_slices_equal_the_whole(program):
    """Longer than a slice: with the state in a stream, and batch-first with the state on the host."""
    cell, head = Cell(2, 3, seed=5), randoms((1, 3), "w")
    write_safetensors(program.path_of("m.safetensors"), {**cell.tensors("c."), "o.weight": ("F32", (1, 3), head)})
    steps, batch = 700000, 2
    write_sparse_npy(program.path_of("x.npy"), (steps, batch, 2))
    write_sparse_npy(program.path_of("xb.npy"), (batch, steps, 2))
    program.run("run", "m.safetensors", "--layers", "c,o", "-i", "x.npy", "-o", "y.npy", "--hn", "hn.npy")
    program.run("run", "m.safetensors", "--layers", "c,o", "-i", "x.npy", "-o", "y2.npy")
    program.run("run", "m.safetensors", "--layers", "c,o", "-i", "xb.npy", "-o", "yb.npy", "--batch-first")
    whole = read_npy(program.path_of("y.npy"))[2]
    assert whole == read_npy(program.path_of("y2.npy"))[2]
    assert swap_axes(whole, steps, batch, 1) == read_npy(program.path_of("yb.npy"))[2]
    last = read_npy(program.path_of("hn.npy"))[2][:3]
    close(whole[-2:-1], [sum(w * h for w, h in zip(head, last))])


def case_a_layout_with_the_batch_first(program):
    """ONNX's layout 1 as a converted file keeps it."""
    answers = read_safetensors(program.data / "models" / "onnx_bias.io.safetensors")
    program.run("convert", program.data / "models" / "onnx_bias.onnx", "plain.safetensors")
    data = program.path_of("plain.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    header["__metadata__"] = {**header.get("__metadata__", {}), "Y.layout": "1"}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    program.path_of("first.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length:])
    (steps, batch, inputs), x = answers["X"]
    write_npy(program.path_of("x.npy"), (batch, steps, inputs), swap_axes(x, steps, batch, inputs))
    program.run("run", "first.safetensors", "--layers", "Y", "-i", "x.npy", "-o", "y.npy")
    shape, y = answers["Y"]
    expect(program, "y.npy", (batch, steps, shape[3]), swap_axes(y, steps, batch, shape[3]))


def case_info_shows_the_layers(program):
    models = program.data / "models"
    program.run("info", models / "torch_tagger.pt", out=r"torch, 19 tensors.*layers  embedding embed \(60 -> 24\), lstm lstm \(24 -> 80, 2 layers, both directions\), linear head \(80 -> 9\)")
    layers = json.loads(program.run("info", "--json", models / "onnx_peepholes.onnx").out)["layers"]
    assert [(layer["kind"], layer["general"]) for layer in layers] == [("lstm", True)], layers


def case_future(program):
    head = {"head.weight": ("F32", (1, 3), randoms((1, 3), "w")), "head.bias": ("F32", (1,), randoms((1,), "b"))}
    write_safetensors(program.path_of("m.safetensors"), {**Cell(1, 3).tensors("cell."), **head})
    for shape, more in (((5, 2, 1), []), ((2, 5, 1), ["--batch-first"]), ((5, 1), [])):
        swapped, rows = bool(more), 1 if len(shape) == 2 else 2
        x = randoms(shape, "x")
        write_npy(program.path_of("x.npy"), shape, x)
        program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "--future", "3", *more, err="8 steps")
        _, y_shape, y = read_npy(program.path_of("y.npy"))
        assert list(y_shape) == [8 if extent == 5 else extent for extent in shape], y_shape
        at = lambda values, steps, t, row: values[row * steps + t] if swapped else values[t * rows + row]
        series = [[at(x, 5, t, row) if t < 5 else at(y, 8, t - 1, row) for t in range(8)] for row in range(rows)]
        long = [v for s in series for v in s] if swapped else [series[row][t] for t in range(8) for row in range(rows)]
        write_npy(program.path_of("x.npy"), y_shape, long)
        program.run("run", "m.safetensors", "-i", "x.npy", "-o", "z.npy", *more)
        close(read_npy(program.path_of("z.npy"))[2], y)
    write_safetensors(program.path_of("m.safetensors"), Cell(2, 3).tensors("cell."))
    write_npy(program.path_of("x.npy"), (5, 2), randoms((5, 2), "x"))
    program.run("run", "m.safetensors", "-i", "x.npy", "--future", "3", code=1, err="as many outputs as inputs; this one has 3 outputs and takes 2")
    program.run("run", "m.safetensors", "-i", "x.npy", "--future", "0", code=2, err="--future '0' is not valid")


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
