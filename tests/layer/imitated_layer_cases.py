#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The layer itself: imitated_layer_cases.py OCLSTM LAYER TEST_IMITATE"""

import os
import subprocess
import sys

from imitated import Imitated, main

UNIT_TEST = os.path.abspath(sys.argv.pop(3))
sys.argv.insert(3, "layer")
LEAST = {"name": "Least", "type": "accelerator", "profile": "embedded", "max_group": 1, "fp64": 0, "local_memory": 1024,
         "max_allocation": 65536, "units": 8, "address_bits": 32}


def case_layer_refuses_what_it_denies(program):
    """Its own unit test, by OpenCL's calls."""
    disguised = Imitated(program, LEAST, {"name": "Old", "version": "1.1", "compiler": 0}, {"kernel_group": 8})
    found = subprocess.run([UNIT_TEST], env={**os.environ, **disguised.env}, stdout=subprocess.PIPE, text=True, check=False)
    print("".join(f"# {line}\n" for line in found.stdout.splitlines()), end="")
    assert found.returncode == 0, found.stdout


def case_layer_stops_at_what_it_does_not_know(program):
    wrong = [{"typo": 1}, {"fp64": 2}, {"max_group": "x"}, {"type": "npu"}, {"version": "1.3"}, {"fails": "NAMES"}]
    for keys in wrong:
        found = subprocess.run([program.path, "devices"], env={**os.environ, **Imitated(program, keys).env}, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, check=False)
        assert found.returncode == 70 and found.stderr.startswith("oclstm_imitate: "), (keys, found)


def case_layer_is_seen_by_nobody_without_keys(program):
    plain = Imitated(program, {})
    bare = dict(plain.env, OPENCL_LAYERS="")
    assert plain.run("devices", "--json").out == program.run("devices", "--json", env=bare).out


if __name__ == "__main__":
    sys.exit(main(globals()))
