#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for oclstm: `bench` says 1 us a step, `run` is as far off as STAND_IN_ERROR says; STAND_IN_BENCH=fails: bench fails."""

import json
import os
import pathlib
import sys

if sys.argv[1:] == ["--version"]:
    print("oclstm 9.9.9")
elif sys.argv[1] == "bench":
    if os.environ.get("STAND_IN_BENCH") == "fails":
        sys.exit("oclstm: no such device")
    batch, inputs, hidden, steps = map(int, sys.argv[sys.argv.index("--shape") + 1].split(","))
    seconds = 1e-6 * steps
    print(json.dumps({"batch": batch, "input": inputs, "hidden": hidden, "steps": steps, "engine": "fused", "device": "stand-in",
                      "seconds_min": seconds, "seconds_median": seconds, "seconds_p99": seconds, "gflops": 1.0}))
elif sys.argv[1] == "run":
    pathlib.Path(sys.argv[sys.argv.index("-o") + 1]).write_text(os.environ.get("STAND_IN_ERROR", "0"))
