#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `oclstm train` writes is a state dict of torch: names, shapes and dtypes; and where torch is installed, load_state_dict(strict=True)
takes it and torch computes from it what `oclstm run` does."""

import functools
import json
import os
import pathlib
import subprocess
import sys

from cli_case import ROOT, Skip, close, run_cases
from cli_files import count, randoms, read_npy, write_safetensors

STEPS, ROWS = 6, 3


def lstm(name, inputs, hidden, layers=1, directions=1, proj=0, bias=True):
    """The tensors of torch.nn.LSTM, from its documentation."""
    found = {}
    for layer in range(layers):
        for suffix in ("", "_reverse")[:directions]:
            end, width = f"_l{layer}{suffix}", proj or hidden
            found[f"{name}.weight_ih{end}"] = (4 * hidden, inputs if layer == 0 else directions * width)
            found[f"{name}.weight_hh{end}"] = (4 * hidden, width)
            if bias:
                found |= {f"{name}.bias_ih{end}": (4 * hidden,), f"{name}.bias_hh{end}": (4 * hidden,)}
            if proj:
                found[f"{name}.weight_hr{end}"] = (proj, hidden)
    return found


def cell(name, inputs, hidden):
    return {f"{name}.weight_ih": (4 * hidden, inputs), f"{name}.weight_hh": (4 * hidden, hidden), f"{name}.bias_ih": (4 * hidden,),
            f"{name}.bias_hh": (4 * hidden,)}


def linear(name, inputs, outputs):
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


# As --new takes it; with every size, for torch; the tensors; features of x (0: tokens) and of y; dtype.
MODELS = [
    ("embed 11 6, lstm 8 layers 2, linear 11", "embed 11 6, lstm 6 8 layers 2, linear 8 11",
     {"embed.weight": (11, 6)} | lstm("lstm", 6, 8, layers=2) | linear("linear", 8, 11), 0, 11, "F32"),
    ("lstm 5 7 layers 2 bidirectional, head: linear 3", "lstm 5 7 layers 2 bidirectional, head: linear 14 3",
     lstm("lstm", 5, 7, layers=2, directions=2) | linear("head", 14, 3), 5, 3, "F32"),
    ("lstm 5 8 proj 4, lstm 6 nobias, linear 2", "lstm 5 8 proj 4, lstm 4 6 nobias, linear 6 2",
     lstm("lstm", 5, 8, proj=4) | lstm("lstm2", 4, 6, bias=False) | linear("linear", 6, 2), 5, 2, "F32"),
    ("lstmcell 1 9, lstmcell 9, linear 1", "lstmcell 1 9, lstmcell 9 9, linear 9 1",
     cell("cell", 1, 9) | cell("cell2", 9, 9) | linear("linear", 9, 1), 1, 1, "F64"),
]


def header_of(path):
    with open(path, "rb") as file:
        entries = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return {name: entry for name, entry in entries.items() if name != "__metadata__"}


@functools.cache
def python_with_torch():
    """OCLSTM_TEST_TORCH, the environment of tools/bench-peers, or this Python."""
    named = os.environ.get("OCLSTM_TEST_TORCH")
    folder = pathlib.Path(os.environ.get("OCLSTM_PEERS_ENV") or ROOT / "build" / "peers-venv")
    for python in [named] if named else [str(folder / "bin" / "python"), sys.executable]:
        try:
            if subprocess.run([python, "-c", "import torch, numpy"], capture_output=True, check=False, timeout=120).returncode == 0:
                return python
        except OSError:
            continue
    assert not named, f"OCLSTM_TEST_TORCH={named}: it has no torch"
    return None


def train(program, model):
    """Two steps from fresh weights; afterwards trained.safetensors and data.safetensors are there."""
    description, _, _, features, outputs, dtype = model
    dtype_bytes = "float64" if dtype == "F64" else "float32"
    x = ("I64", (STEPS, ROWS), [place % 11 for place in range(STEPS * ROWS)])
    target = ("I64", (STEPS, ROWS), [place * 7 % 11 for place in range(STEPS * ROWS)])
    if features > 0:
        x, target = ((dtype, (STEPS, ROWS, width), randoms((STEPS, ROWS, width), width)) for width in (features, outputs))
    write_safetensors(program.path_of("data.safetensors"), {"x": x, "target": target})
    program.run("train", "--new", description, "-x", "data.safetensors:x", "-t", "data.safetensors:target", "--dtype", dtype_bytes,
                "--loss", "mse" if features else "cross-entropy", "--steps", 2, "-o", "trained.safetensors", "-q")


def case_names_and_shapes_are_those_of_torch(program):
    for model in MODELS:
        train(program, model)
        found = header_of(program.path_of("trained.safetensors"))
        assert {name: tuple(entry["shape"]) for name, entry in found.items()} == model[2], f"{model[0]}: {found}"
        assert {entry["dtype"] for entry in found.values()} == {model[5]}, f"{model[0]}: {found}"


def case_torch_loads_it_strictly_and_computes_the_same(program):
    python = python_with_torch()
    if not python:
        raise Skip("no torch: OCLSTM_TEST_TORCH=PYTHON names one that has it, tools/bench-peers --install makes one")
    for model in MODELS:
        train(program, model)
        command = [python, str(pathlib.Path(__file__).with_name("torch_state_dict.py")), "trained.safetensors", "data.safetensors", "torch.npy",
                   model[1]]
        done = subprocess.run(command, cwd=program.folder, capture_output=True, text=True, check=False, timeout=200)
        assert done.returncode == 0, f"{model[0]}: {done.stderr}"
        program.run("run", "trained.safetensors", "-i", "data.safetensors:x", "-o", "y.npy", "-q")
        (_, shape, found), (_, expected_shape, expected) = read_npy(program.path_of("y.npy")), read_npy(program.path_of("torch.npy"))
        assert tuple(shape) == tuple(expected_shape) == (STEPS, ROWS, model[4]) and len(found) == count(shape)
        close(found, expected, 1e-13 if model[5] == "F64" else 2e-6)
        print(f"# torch {done.stdout.strip()}: {model[0]}")


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
