#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Several devices at once, and parts of a device: group_cases.py OCLSTM [CASE...]"""

import json
import re
import sys

from cli_case import Skip, close, run_cases
from cli_files import Cell, randoms, read_npy, write_npy, write_safetensors
from device_cases import devices, two_devices

BATCH, STEPS, INPUT, HIDDEN = 14, 9, 7, 19


def keep_kernels(program, env=None):
    """A kernel cache for all runs of a case: Intel's compiler takes seconds for each."""
    return {"OCLSTM_CACHE_DIR": str(program.path_of("cache")), **(env or {})}


def pair(program):
    """The environment with two equal devices, and their indices."""
    env, listed = two_devices(program)
    return keep_kernels(program, env), [str(device["index"]) for device in listed]


def two_parts(program):
    """Selectors of the two halves of a device."""
    write_inputs(program)
    for device in devices(program):
        halves = f"{device['index']}/0/2,{device['index']}/1/2"
        if not device["usable"] or device["limits"]["compute_units"] < 2:
            continue
        try:
            program.run("run", "m.safetensors", "-i", "x.npy", "-o", "probe.npy", "-d", halves, env=keep_kernels(program))
        except AssertionError:
            continue
        return device["index"], halves
    raise Skip("no device that can be split")


def write_inputs(program):
    write_safetensors(program.path_of("m.safetensors"), Cell(INPUT, HIDDEN).tensors())
    write_npy(program.path_of("x.npy"), (STEPS, BATCH, INPUT), randoms((STEPS, BATCH, INPUT), 1))
    write_npy(program.path_of("flat.npy"), (STEPS, INPUT), randoms((STEPS, INPUT), 2))
    for seed, name in enumerate(("h0", "c0")):
        write_npy(program.path_of(f"{name}.npy"), (BATCH, HIDDEN), randoms((BATCH, HIDDEN), 5 + seed))


def results(program, selector, *options, env=None, x="x.npy"):
    """The bytes of y, hn and cn."""
    names = ("y.npy", "hn.npy", "cn.npy")
    program.run("run", "m.safetensors", "-i", x, "-o", names[0], "--hn", names[1], "--cn", names[2], "-d", selector, *options, env=env)
    return [program.path_of(name).read_bytes() for name in names]


def compare(program, one, several, env=None):
    state = ("--h0", "h0.npy", "--c0", "c0.npy")
    for options in ((), state, (*state, "--engine", "portable")):
        assert results(program, one, *options, env=env) == results(program, several, *options, env=env), (one, several, options)
    # Batch and steps exchanged; then one row, which one device does.
    write_npy(program.path_of("first.npy"), (BATCH, STEPS, INPUT), randoms((STEPS, BATCH, INPUT), 1))
    for options, x in ((("--batch-first",), "first.npy"), ((), "flat.npy")):
        assert results(program, one, *options, env=env, x=x) == results(program, several, *options, env=env, x=x), (one, several, options)


def case_two_devices_give_what_one_gives(program):
    env, places = pair(program)
    write_inputs(program)
    compare(program, places[0], ",".join(places), env)


def case_two_parts_give_what_one_gives(program):
    _, halves = two_parts(program)
    compare(program, halves.split(",")[0], halves, keep_kernels(program))


def case_run_says_what_each_did(program):
    env, places = pair(program)
    write_inputs(program)
    said = program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "-v", "-d", ",".join(places), env=env).err
    rows = [int(row) for row in re.findall(rf"device [01] .*: (\d+) of {BATCH} rows", said)]
    assert len(rows) == 2 and sum(rows) == BATCH, said
    assert re.search(r" \+ .*, 9 steps x batch 14 in", said), said


def case_a_part_is_shown_as_one(program):
    index, _ = two_parts(program)
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "-v", "-d", f"{index}/1/2", env=keep_kernels(program), err=r"\(part 1 of 2\)")


def case_check_and_bench_on_two(program):
    env, places = pair(program)
    for name in ("torch_cell_tile_edges", "torch_lstm_h96_b16", "torch_cell_unbatched", "torch_lstm_l1"):
        program.run("check", program.data / "cells" / f"{name}.safetensors", "-d", ",".join(places), env=env, err=r"1 ok, 0 failed, 0 skipped on .* \+ ")
    for options in (("--shape", "20,8,8,3"), ("--shape", "20,8,8,1", "--single")):
        line = json.loads(program.run("bench", *options, "--repeat", "3", "--json", "-d", ",".join(places), env=env).out)
        assert sum(share["rows"] for share in line["shares"]) == 20 and len(line["shares"]) == 2, line
    program.run("bench", "--shape", "20,8,8,3", "--repeat", "2", "-d", ",".join(places), env=env, out="device 0 of 2: .*device 1 of 2: ")


def case_two_platforms_in_one_process(program):
    usable = {}
    for device in devices(program):
        if device["usable"] and device["kind"] == "cpu":
            usable.setdefault(device["platform_index"], device["index"])
    if len(usable) < 2:
        raise Skip("only one platform is installed")
    write_inputs(program)
    first, second = list(usable.values())[:2]
    env = keep_kernels(program)
    alone = results(program, str(first), env=env)
    for several in (f"{first},{second}", f"{second},{first}"):
        for found, expected in zip(results(program, several, env=env), alone):
            close(read_npy(found)[2], read_npy(expected)[2])


def case_lists_that_are_refused(program):
    write_inputs(program)
    run = ("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "-d")
    program.run(*run, "auto,", code=2, err="names no device in place 2")
    program.run(*run, "auto,99", code=2, err='"99".*choices are')
    program.run(*run, "auto,auto", code=2, err="twice")
    program.run(*run, "auto/0/99999", code=2, err="compute unit")
    program.run(*run, "auto/x", code=2, err="DEVICE/K/P")
    for command in (("tune",), ("selftest",), ("bench", "--gemm", "4,4,4")):
        program.run(*command, "-d", "0,1", code=2, err="name one here")
    program.run("bench", "--plot", "p.svg", "-d", "0,1", code=2, err="name one")
    unusable = [device for device in devices(program) if not device["usable"]]
    if unusable:
        program.run(*run, f"auto,{unusable[0]['index']}", code=3, err="not usable")


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
