# SPDX-License-Identifier: Apache-2.0
"""The child process of one peer: worker.py PEER THREADS, run by the Python of the environment that has the peer.

Reads one JSON object a line, answers with one: {"do": "time" | "single" | "train"} with the files and the shape. An answer with "error" is a
gap in the table. Standard output carries nothing else: what a framework prints goes to standard error.
"""

import gc
import importlib
import importlib.metadata
import json
import os
import pathlib
import statistics
import sys
import time

TOOLS = str(pathlib.Path(__file__).resolve().parents[1])
sys.path[0] = TOOLS

import numpy

from peers import arrays, peer_list
from peers.scores import percentile

FEWEST_CALLS = 3
# What takes longer than these is not repeated for the sake of FEWEST_CALLS or of warming up.
LONG_SECONDS = 3
WARM_SECONDS = 1


def repeat(call, seconds: float, fewest: int = FEWEST_CALLS) -> list[float]:
    """The time of each call, for at least so many seconds and calls, after one or two that do not count."""
    begin = time.perf_counter()
    call()
    if time.perf_counter() - begin < WARM_SECONDS:
        call()
    times: list[float] = []
    gc.collect()
    gc.disable()
    begin = time.perf_counter()
    passed = 0.0
    while passed < seconds or len(times) < fewest and passed < LONG_SECONDS:
        before = time.perf_counter()
        call()
        after = time.perf_counter()
        times.append(after - before)
        passed = after - begin
    gc.enable()
    return times


class Worker:
    """Answers requests; keeps the sequence of the last shape."""

    def __init__(self, peer: peer_list.Peer, threads: int):
        self.model_class = getattr(importlib.import_module(f"peers.{peer.module}"), peer.class_name)
        self.model_class.prepare(threads)
        self.threads = threads

    def time(self, request: dict) -> dict:
        """A whole sequence from zero states: x and y on the host."""
        weights, x = arrays.read_safetensors(request["weights"]), numpy.load(request["x"])
        model = self.model_class(weights, self.threads)
        call = model.sequence(x)
        if request.get("y"):
            numpy.save(request["y"], numpy.ascontiguousarray(model.host(call()), dtype=numpy.float32).reshape(*x.shape[:2], -1))
        times = repeat(call, request["seconds"])
        return {"seconds_min": min(times), "seconds_median": statistics.median(times), "calls": len(times)}

    def train(self, request: dict) -> dict:
        """A whole sequence forward and back."""
        weights, x = arrays.read_safetensors(request["weights"]), numpy.load(request["x"])
        times = repeat(self.model_class(weights, self.threads).training(x), request["seconds"])
        return {"seconds_min": min(times), "seconds_median": statistics.median(times), "calls": len(times)}

    def single(self, request: dict) -> dict:
        """One step a call, the state handed back in; first as many as the check wants, from zero."""
        weights, x = arrays.read_safetensors(request["weights"]), numpy.load(request["x"])
        model = self.model_class(weights, self.threads)
        step = model.stepper(x.shape[1])
        if request.get("y"):
            numpy.save(request["y"], numpy.stack([numpy.array(step(one)).reshape(x.shape[1], -1) for one in x]))
        one = x[0].copy()
        times = repeat(lambda: step(one), request["seconds"], fewest=200)
        return {
            "seconds_min": min(times), "seconds_median": statistics.median(times), "seconds_p99": percentile(times, 99),
            "calls": len(times),
        }


def main() -> int:
    peer = next(one for one in peer_list.PEERS if one.name == sys.argv[1])
    # The line to the parent is kept apart from what frameworks print.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**fields) -> None:
        answers.write(json.dumps(fields) + "\n")
        answers.flush()

    try:
        worker = Worker(peer, int(sys.argv[2]))
    except Exception as problem:
        answer(error=arrays.first_line(problem))
        return 1
    answer(version=importlib.metadata.version(peer.packages[0]))
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer(**{"time": worker.time, "single": worker.single, "train": worker.train}[request["do"]](request))
        except Exception as problem:
            answer(error=arrays.first_line(problem))
    return 0


if __name__ == "__main__":
    sys.exit(main())
