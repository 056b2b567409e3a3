# SPDX-License-Identifier: Apache-2.0
"""What the tests of `oclstm train` share: models and data to learn, what came out, and what a training computes, in plain Python."""

import csv
import json
import math
import re
import struct
import subprocess

from cli_files import Cell, randoms, write_npy, write_safetensors

ALL = (1 << 64) - 1


def tensors_of(path):
    """{name: (dtype, shape, bytes)} of a .safetensors file, and its metadata."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    body = data[8 + length:]
    return {name: (entry["dtype"], entry["shape"], body[slice(*entry["data_offsets"])]) for name, entry in header.items()}, metadata


def log_of(path, seconds=False):
    """The lines of a log, without the column that no two runs have alike."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows if not seconds else []:
        del row["seconds"]
    return rows


def losses(path, column="loss"):
    return [float(row[column]) for row in log_of(path) if row[column]]


def mix(state):
    """SplitMix64: the number that a state gives, and the next state."""
    state = (state + 0x9E3779B97F4A7C15) & ALL
    z = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & ALL
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & ALL
    return z ^ z >> 31, state


def order_of(n, seed, epoch):
    """The sequences of an epoch, as oclstm-train(1) says."""
    state = mix((mix(seed)[0] + epoch) & ALL)[0]
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        while True:
            drawn, state = mix(state)
            if drawn >= (1 << 64) % (i + 1):
                break
        j = drawn % (i + 1)
        order[i], order[j] = order[j], order[i]
    return order


class Regression:
    """A cell and a head for sequences x [steps][sequences][2] with targets [steps][sequences][1]."""

    steps, sequences, inputs, hidden = 7, 5, 2, 3

    def __init__(self, program, batch_first=False):
        self.cell = Cell(self.inputs, self.hidden)
        self.weight, self.bias = randoms((1, self.hidden), "w"), randoms((1,), "b")
        head = {"head.weight": ("F32", (1, self.hidden), self.weight), "head.bias": ("F32", (1,), self.bias)}
        write_safetensors(program.path_of("m.safetensors"), {**self.cell.tensors("cell."), **head}, {"oclstm.layers": "cell,head"})
        self.x = randoms((self.steps, self.sequences, self.inputs), "x")
        self.target = randoms((self.steps, self.sequences, 1), "t")
        shape = (self.sequences, self.steps) if batch_first else (self.steps, self.sequences)
        places = [(t, s) for s in range(self.sequences) for t in range(self.steps)] if batch_first else \
            [(t, s) for t in range(self.steps) for s in range(self.sequences)]
        write_npy(program.path_of("x.npy"), (*shape, self.inputs), [v for t, s in places for v in self.x_at(t, s)])
        write_npy(program.path_of("t.npy"), (*shape, 1), [self.target[t * self.sequences + s] for t, s in places])

    def x_at(self, step, sequence):
        place = (step * self.sequences + sequence) * self.inputs
        return self.x[place:place + self.inputs]

    def errors(self, sequence):
        """The squared error of each step of a sequence."""
        h, c, out = [0.0] * self.hidden, [0.0] * self.hidden, []
        for t in range(self.steps):
            h, c = self.cell.step(self.x_at(t, sequence), h, c)
            y = self.bias[0] + sum(w * v for w, v in zip(self.weight, h))
            out.append((y - self.target[t * self.sequences + sequence]) ** 2)
        return out

    def mean(self, sequences, first=0, last=None, lengths=None):
        """The mean over some steps of some sequences."""
        parts = [self.errors(s)[first:min(last or self.steps, (lengths or {}).get(s, self.steps))] for s in sequences]
        return sum(map(sum, parts)) / sum(map(len, parts))


class Characters:
    """A character model of few characters, and the loss of each character of a text."""

    hidden, features = 4, 2

    def __init__(self, program, alphabet="abc é\n", name="c.safetensors"):
        self.alphabet = "".join(sorted(alphabet))
        n = len(self.alphabet)
        self.cell = Cell(self.features, self.hidden)
        self.embedding, self.weight, self.bias = randoms((n, self.features), "e"), randoms((n, self.hidden), "w", 2.0), randoms((n,), "b")
        tensors = {"embed.weight": ("F32", (n, self.features), self.embedding), **self.cell.tensors("cell."),
                   "head.weight": ("F32", (n, self.hidden), self.weight), "head.bias": ("F32", (n,), self.bias)}
        write_safetensors(program.path_of(name), tensors, {"oclstm.layers": "embed,cell,head", "oclstm.vocabulary": self.alphabet})

    def outputs(self, text):
        """The logits behind each character of a text, from zero on."""
        h, c = [0.0] * self.hidden, [0.0] * self.hidden
        for character in text:
            token = self.alphabet.index(character)
            h, c = self.cell.step(self.embedding[token * self.features:(token + 1) * self.features], h, c)
            yield [b + sum(self.weight[k * self.hidden + i] * h[i] for i in range(self.hidden)) for k, b in enumerate(self.bias)]

    def row_losses(self, text):
        """The loss of each character but the first."""
        return [math.log(sum(map(math.exp, z))) - z[self.alphabet.index(following)] for z, following in zip(self.outputs(text), text[1:])]


def waves(program, steps=12, sequences=6, descr="<f4"):
    """Sines to be continued: what a tiny network learns within a hundred steps."""
    values = [[math.sin(0.5 * (t + 1.7 * s)) for s in range(sequences)] for t in range(steps + 1)]
    write_npy(program.path_of("x.npy"), (steps, sequences, 1), sum(values[:-1], []), descr=descr)
    write_npy(program.path_of("t.npy"), (steps, sequences, 1), sum(values[1:], []), descr=descr)


WAVES = ["train", "--new", "lstm 1 8, linear 1", "-x", "x.npy", "-t", "t.npy", "-o", "out.safetensors", "--lr", "0.02", "--batch", "4"]


def start(program, *arguments, **more):
    """The program in the background."""
    return subprocess.Popen([program.path, *map(str, arguments)], cwd=program.folder, env=program.environment(None), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def fails(program, *arguments, code=1, err, leaves=(), **more):
    """The program ends with this exit code and words; nothing is left behind but these files."""
    before = program.files()
    done = subprocess.run([program.path, *map(str, arguments)], cwd=program.folder, env=program.environment(None), stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=300, **more)
    said = done.stderr.decode()
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}: {said}"
    assert re.search(err, said, re.DOTALL), f"expected {err}\n{said}"
    assert program.files() - before <= set(leaves), f"left behind: {program.files() - before}"
    return said
