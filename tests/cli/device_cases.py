#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Listing and choosing devices: device_cases.py OCLSTM [CASE...]"""

import json
import re
import sys

from cli_case import ROOT, Skip, run_cases
from cli_files import Cell, write_npy, write_safetensors


def devices(program, env=None):
    return json.loads(program.run("devices", "--json", env=env, err="^$").out)["devices"]


def two_devices(program):
    """An environment with the same CPU twice, which PoCL can show."""
    env = {"POCL_DEVICES": "pthread pthread"}
    listed = [device for device in devices(program, env) if device["platform"] == "Portable Computing Language"]
    if len(listed) != 2:
        raise Skip("no PoCL that shows two devices")
    return env, listed


def run_arguments(program):
    write_safetensors(program.path_of("m.safetensors"), Cell(3, 4).tensors())
    write_npy(program.path_of("x.npy"), (2, 3), [0.5] * 6)
    return ["run", "m.safetensors", "-i", "x.npy", "-o", "y.npy"]


def case_the_list_and_its_json_agree(program):
    listed = devices(program)
    chosen = [device for device in listed if device["chosen_by_auto"]]
    assert len(chosen) == 1 and chosen[0]["usable"], listed
    text = program.run("devices", err="^$").out.decode()
    assert len(re.findall(r"^\* ", text, re.MULTILINE)) == 1
    for device in listed:
        assert device["kind"] in ("gpu", "npu", "cpu", "other") and device["name"] in text
        assert bool(device["reason"]) != device["usable"]
        assert device["limits"]["compute_units"] > 0 or not device["usable"]
    assert len(program.run("devices", "-v").out) > len(text)


def case_every_limit_is_shown_and_explained(program):
    manual = (ROOT / "tools/oclstm/oclstm-devices.1").read_text(encoding="utf-8").replace("\\-", "-")
    text = program.run("devices", "-v").out.decode()
    for device in devices(program):
        limits = device["limits"]
        names = [*limits, *(name for facts in ("float32_facts", "float64_facts") for name in limits[facts] or ())]
        for name in names:
            stem = re.sub("^float(16|64)_facts$", "float32_facts", name)
            assert re.search(rf"\b{stem}\b", manual) or name in ("extensions", "clock_mhz", "address_bits"), f"{name} is not in the manual"
        assert device["device_version"] in text and limits["c_version"] in text
        assert f"up to {limits['max_work_group_size']} work-items" in text
        assert f"arguments up to {limits['max_parameter_bytes']} bytes" in text
        for word in limits["extensions"]:
            assert word in text, word
        for quirk in device["quirks"]:
            assert all(quirk[key] for key in ("name", "effect", "reason", "seen_on")) and f"{quirk['name']}: {quirk['effect']}" in text
        if device["platform"] == "Portable Computing Language":
            assert "keeps-own-kernels" in [quirk["name"] for quirk in device["quirks"]]


def case_run_says_what_it_holds(program):
    held = re.search(r"memory: ([0-9.]+) MiB held on the device", program.run(*run_arguments(program), "-v", err="held").err)
    assert held and float(held[1]) < 1, held


def case_selectors_that_name_one_device(program):
    run = run_arguments(program)
    chosen = next(device for device in devices(program) if device["chosen_by_auto"])
    place = f"{chosen['platform_index']}:{chosen['device_index']}"
    for selector in ("auto", "", str(chosen["index"]), place, chosen["kind"], chosen["kind"].upper(), "AUTO"):
        program.run(*run, "-d", selector, "-v", err=re.escape(chosen["name"]))
        program.run(*run, "-v", env={"OCLSTM_DEVICE": selector}, err=re.escape(chosen["name"]))
    env, _ = two_devices(program)
    program.run(*run, "-v", "-d", "1", env=env, err="device 1, ")
    program.run(*run, "-v", "-d", "0:1", env=env, err="device 1, ")


def case_part_of_a_name(program):
    run = run_arguments(program)
    listed = devices(program)
    if len(listed) != 1:
        raise Skip("several devices: their names may share every part")
    for part in (listed[0]["name"], listed[0]["name"][2:-2].lower(), listed[0]["platform"].upper()):
        program.run(*run, "-d", part)


def case_unknown_devices(program):
    run = run_arguments(program)
    for selector in ("99", "0:99", "99:0", "-1", "no such device", "gpu ", "1:2:3"):
        program.run(*run, "-d", selector, code=2, err=f"choices are:.*{re.escape(devices(program)[0]['name'])}")
        program.run("selftest", code=2, err="choices are:", env={"OCLSTM_DEVICE": selector})
    program.run("check", "m.safetensors", "-d", "99", code=2, err="choices are:")


def case_a_kind_that_is_not_there(program):
    run = run_arguments(program)
    kinds = {device["kind"] for device in devices(program) if device["usable"]}
    for kind in {"gpu", "npu", "cpu"} - kinds:
        program.run(*run, "-d", kind, code=3, err=f'kind "{kind}"')


def case_an_ambiguous_name_lists_the_devices(program):
    run = run_arguments(program)
    env, listed = two_devices(program)
    part = listed[0]["name"][:7]
    text = program.run(*run, "-d", part, code=2, env=env, err="matches 2 usable devices").err
    assert all(f"\n  {device['index']}  cpu  {device['name']}" in text for device in listed), text


def case_the_flag_wins_over_the_environment(program):
    run = run_arguments(program)
    program.run(*run, "-d", "auto", env={"OCLSTM_DEVICE": "no such device"})
    program.run(*run, code=2, env={"OCLSTM_DEVICE": "no such device"}, err="no such device")


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
