# SPDX-License-Identifier: Apache-2.0
"""A model of one LSTM operator, as exporters write it: x [steps][batch][input], h0 and c0 in; y, hn and cn out."""

import numpy
import onnx
from onnx import helper, numpy_helper

FLOAT = onnx.TensorProto.FLOAT


def reordered(weights: numpy.ndarray) -> numpy.ndarray:
    """Rows from (i, f, g, o) to ONNX's (i, o, f, c), with the direction in front."""
    i, f, g, o = numpy.split(weights, 4)
    return numpy.concatenate([i, o, f, g])[None]


def build(weights: dict, steps: int, batch: int) -> bytes:
    inputs, hidden = weights["weight_ih"].shape[1], weights["weight_hh"].shape[1]

    def value(name: str, *shape: int):
        return helper.make_tensor_value_info(name, FLOAT, shape)

    state = (1, batch, hidden)
    graph = helper.make_graph(
        [helper.make_node("LSTM", ["x", "W", "R", "B", "", "h0", "c0"], ["y", "hn", "cn"], hidden_size=hidden)],
        "lstm",
        [value("x", steps, batch, inputs), value("h0", *state), value("c0", *state)],
        [value("y", steps, 1, batch, hidden), value("hn", *state), value("cn", *state)],
        [
            numpy_helper.from_array(reordered(weights["weight_ih"]), "W"),
            numpy_helper.from_array(reordered(weights["weight_hh"]), "R"),
            numpy_helper.from_array(numpy.concatenate([reordered(weights["bias_ih"]), reordered(weights["bias_hh"])], axis=1), "B"),
        ],
    )
    # Versions that every runtime of the last years reads.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()
