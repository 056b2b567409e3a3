# SPDX-License-Identifier: Apache-2.0
"""The child process that makes the inputs, evaluates them in double precision and compares. Run by a Python that has numpy.

Reads one JSON object a line, answers with one:
{"do": "make", "shape": [batch, input, hidden, steps], "weights": FILE, "x": FILE, "reference": FILE}
{"do": "compare", "y": FILE, "against": [FILE...]}: the largest |difference| from each; infinite where one is not finite or has
another shape.
"""

import json
import pathlib
import sys

sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

import numpy

from peers import arrays


def sigmoid(z: numpy.ndarray) -> numpy.ndarray:
    return 1 / (1 + numpy.exp(-z))


def evaluate(weights: dict[str, numpy.ndarray], x: numpy.ndarray) -> numpy.ndarray:
    """y [steps][batch][hidden] from zero states, in double precision."""
    weight_ih, weight_hh, bias_ih, bias_hh = (weights[name].astype(numpy.float64) for name in arrays.NAMES)
    steps, batch, _ = x.shape
    hidden = weight_hh.shape[1]
    h, c = numpy.zeros((batch, hidden)), numpy.zeros((batch, hidden))
    y = numpy.empty((steps, batch, hidden))
    for number in range(steps):
        gates = x[number].astype(numpy.float64) @ weight_ih.T + h @ weight_hh.T + (bias_ih + bias_hh)
        i, f, g, o = numpy.split(gates, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * numpy.tanh(g)
        h = sigmoid(o) * numpy.tanh(c)
        y[number] = h
    return y


def make(request: dict) -> dict:
    batch, inputs, hidden, steps = request["shape"]
    weights = arrays.random_cell(inputs, hidden, seed=hidden)
    x = numpy.random.default_rng(batch + steps).uniform(-1, 1, (steps, batch, inputs)).astype("f4")
    arrays.write_safetensors(request["weights"], weights)
    numpy.save(request["x"], x)
    numpy.save(request["reference"], evaluate(weights, x))
    return {}


def difference(mine: numpy.ndarray, other: numpy.ndarray) -> float:
    if mine.size != other.size or not (numpy.isfinite(mine).all() and numpy.isfinite(other).all()):
        return float("inf")
    return float(numpy.abs(mine.reshape(other.shape).astype(numpy.float64) - other).max())


def compare(request: dict) -> dict:
    mine = numpy.load(request["y"])
    return {"differences": [difference(mine, numpy.load(name)) for name in request["against"]]}


def main() -> int:
    print(json.dumps({"version": numpy.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            print(json.dumps((make if request["do"] == "make" else compare)(request)), flush=True)
        except Exception as problem:
            print(json.dumps({"error": arrays.first_line(problem)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
