#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for an environment's Python: run with worker.py or judge.py it speaks their protocol, as the file `behaviour.json` in
the environment says: {peer: "right SECONDS" | "wrong" | "dies" | "no JSON" | "error" | "will not start"}. An answer's file holds
one number, how far off it is."""

import json
import pathlib
import sys


def answer(**fields) -> None:
    print(json.dumps(fields), flush=True)


def judge(request: dict) -> None:
    if request["do"] == "make":
        pathlib.Path(request["reference"]).write_text("0")
        pathlib.Path(request["x"]).write_text("x")
        answer()
        return
    mine = float(pathlib.Path(request["y"]).read_text())
    answer(differences=[abs(mine - float(pathlib.Path(name).read_text())) for name in request["against"]])


def worker(request: dict, behaviour: str) -> None:
    if behaviour == "dies":
        sys.exit(3)
    if behaviour == "no JSON":
        print("hello", flush=True)
        return
    if behaviour == "error":
        answer(error="RuntimeError: no memory")
        return
    if request["y"]:
        pathlib.Path(request["y"]).write_text("1" if behaviour == "wrong" else "0.00001")
    seconds = 1e-9 if behaviour == "wrong" else float(behaviour.split()[1])
    answer(seconds_min=seconds, seconds_median=2 * seconds, seconds_p99=3 * seconds, calls=9)


def main() -> None:
    is_judge = pathlib.Path(sys.argv[1]).name == "judge.py"
    behaviour = ""
    if not is_judge:
        folder = pathlib.Path(sys.argv[0]).parents[1]
        behaviour = json.loads((folder / "behaviour.json").read_text())[sys.argv[2]]
        if behaviour == "will not start":
            answer(error="ImportError: no such library")
            sys.exit(1)
    answer(version="1.2.3")
    for line in sys.stdin:
        if is_judge:
            judge(json.loads(line))
        else:
            worker(json.loads(line), behaviour)


main()
