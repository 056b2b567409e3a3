# SPDX-License-Identifier: Apache-2.0
"""The peers: what each is called, which class in this folder runs it, and what pip installs for it."""

import typing


class Peer(typing.NamedTuple):
    name: str
    module: str
    class_name: str
    packages: tuple[str, ...]
    # It can also be stepped with its state handed back.
    steps: bool = False
    # It can go back over a sequence for the gradients.
    trains: bool = False
    # Big, or of use on few machines: installed only when named.
    optional: bool = False
    # Its packages cannot live with the others': an environment of its own.
    apart: bool = False
    # It runs on an OpenCL device, so it needs the drivers' environment.
    opencl: bool = False


PEERS = [
    Peer("torch.nn.LSTM", "torch_peer", "Sequence", ("torch",), trains=True),
    Peer("torch.nn.LSTMCell", "torch_peer", "Cell", ("torch",), steps=True),
    Peer("ONNX Runtime", "onnxruntime_peer", "Sequence", ("onnxruntime", "onnx"), steps=True),
    Peer("OpenVINO", "openvino_peer", "Sequence", ("openvino", "onnx")),
    Peer("MindSpore LSTM", "mindspore_peer", "Sequence", ("mindspore", "numpy<2"), optional=True, apart=True),
    Peer("MindSpore LSTMCell", "mindspore_peer", "Cell", ("mindspore", "numpy<2"), optional=True, apart=True),
    Peer("tinygrad LSTMCell", "tinygrad_peer", "Cell", ("tinygrad",), steps=True, optional=True, opencl=True),
]
# What the reference, the checks and the plots need.
TOOLS = ("numpy", "matplotlib")
INTEL = ("intel-opencl-rt", "intel-cmplr-lib-rt")


def named(text: str) -> list[Peer]:
    """The peers that one of the comma-separated words names in full or in part, whatever the case; "all" is all of them."""
    if text == "all":
        return list(PEERS)
    names = {peer.name.lower().replace(" ", ""): peer for peer in PEERS}
    chosen = set()
    for part in text.split(","):
        word = part.lower().replace(" ", "")
        found = [word] if word in names else [name for name in names if word and word in name]
        if not found:
            raise ValueError(f"peer '{part}': expected a part of one of {', '.join(peer.name for peer in PEERS)}")
        chosen.update(found)
    return [peer for name, peer in names.items() if name in chosen]
