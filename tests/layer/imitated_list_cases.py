#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is listed, what it is called, and what is chosen: imitated_list_cases.py OCLSTM LAYER DEVICE"""

import re
import sys

from imitated import POCL, Imitated, main, run_arguments, same_numbers


def chosen(imitated):
    marked = [device for device in imitated.listed() if device["chosen_by_auto"]]
    assert len(marked) == 1 and marked[0]["usable"], marked
    return marked[0]["index"]


# --- rule 1: every type on every platform -----------------------------------------------------------------------------


def case_custom_is_asked_for_apart(program):
    imitated = Imitated(program, {"type": "custom", "name": "Own Kernels"}, {})
    listed = imitated.listed()
    assert [device["kind"] for device in listed] == ["cpu", "npu"], listed
    assert listed[1]["name"] == "Own Kernels" and listed[1]["device_index"] == 1
    imitated.run(*run_arguments(program), "-d", "npu", "-v", err="device 1, npu: Own Kernels")


def case_custom_in_all_is_listed_once(program):
    listed = Imitated(program, {"type": "custom", "custom_in_all": 1}, {}).listed()
    assert [device["kind"] for device in listed] == ["npu", "cpu"], listed


def case_custom_alone_runs_kernels_where_it_can(program):
    same_numbers(Imitated(program, {"type": "custom"}), ["auto", "portable"])


def case_custom_with_built_in_kernels_only_is_unusable(program):
    assert Imitated(program, {"type": "custom", "compiler": 0}).is_unusable("no compiler")["kind"] == "npu"


def case_custom_bits_are_a_field(program):
    imitated = Imitated(program, {"type": "gpu+default"}, {"type": "accelerator+cpu"}, {"type": "custom+accelerator"}, {"type": "default"})
    assert [device["kind"] for device in imitated.listed()] == ["gpu", "npu", "npu", "other"]


def case_platform_fails_and_the_next_is_used(program):
    for code, words in ((-30, r"CL_INVALID_VALUE \(-30\)"), (-1, "shows no device"), (-6, "CL_OUT_OF_HOST_MEMORY")):
        imitated = Imitated(program, {"platform_fails": code, "twin": "The Other"})
        broken, good = imitated.listed()
        assert broken["device_index"] == -1 and broken["platform"] == POCL and re.search(words, broken["reason"]), broken
        assert good["usable"] and good["chosen_by_auto"] and (good["platform_index"], good["device_index"]) == (1, 0), good
    imitated.run(*run_arguments(program), "-v", err="device 1, cpu: .*The Other")
    imitated.run(*run_arguments(program), "-d", "0", code=3, err="CL_OUT_OF_HOST_MEMORY")


def case_platform_fails_and_there_is_no_other(program):
    imitated = Imitated(program, {"platform_fails": -30})
    device = imitated.only(code=3)
    assert not device["usable"] and "CL_INVALID_VALUE (-30)" in device["reason"], device
    imitated.run("devices", code=3, out=r"\(no device\).*not usable", err="none of the 1 OpenCL devices found is usable")
    imitated.run(*run_arguments(program), code=3, err="none of the 1 OpenCL devices")


def case_platform_fails_after_a_good_one(program):
    imitated = Imitated(program, {"twin": "Broken", "twin_fails": -30})
    good, broken = imitated.listed()
    assert good["chosen_by_auto"] and broken["platform"] == "Broken" and broken["index"] == 1, (good, broken)


def case_platform_twins_show_the_same_device_twice(program):
    imitated = Imitated(program, {"twin": "Second Driver"})
    first, second = imitated.listed()
    assert first["name"] == second["name"] and second["platform"] == "Second Driver" and second["usable"], (first, second)
    run = run_arguments(program)
    for selector in ("1", "1:0", "second driver"):
        imitated.run(*run, "-d", selector, "-v", err="device 1, .*Second Driver")


# --- rule 2: usable, or listed with the reason ------------------------------------------------------------------------


def case_not_available_says_so(program):
    Imitated(program, {"available": 0}).is_unusable("not available", "CL_DEVICE_AVAILABLE")


def case_not_available_is_passed_over(program):
    imitated = Imitated(program, {"type": "gpu", "available": 0}, {})
    assert chosen(imitated) == 1
    imitated.run(*run_arguments(program), "-d", "gpu", code=3, err='kind "gpu".*not available')


def case_big_endian_says_so(program):
    Imitated(program, {"little_endian": 0}).is_unusable("big-endian", "CL_DEVICE_ENDIAN_LITTLE")


def case_no_kernels_says_so(program):
    Imitated(program, {"executes": 0}).is_unusable("does not execute OpenCL kernels")


def case_queries_fail_that_are_needed(program):
    for query in ("NAME", "MAX_WORK_GROUP_SIZE", "MAX_WORK_ITEM_SIZES", "MAX_MEM_ALLOC_SIZE", "AVAILABLE", "TYPE", "PROFILE"):
        device = Imitated(program, {"fails": query}).only(code=3)
        assert f"CL_DEVICE_{query} failed with CL_OUT_OF_RESOURCES" in device["reason"], device


def case_queries_fail_that_are_not(program):
    keys = {"fails": "VENDOR+EXTENSIONS+MAX_COMPUTE_UNITS+MAX_CLOCK_FREQUENCY+LOCAL_MEM_SIZE+LOCAL_MEM_TYPE+HOST_UNIFIED_MEMORY"
                     "+ADDRESS_BITS+NATIVE_VECTOR_WIDTH_FLOAT+DRIVER_VERSION"}
    imitated = Imitated(program, keys)
    device = imitated.only()
    assert device["usable"] and device["vendor"] == "" and not device["limits"]["float64"], device
    assert device["limits"]["compute_units"] == 0 and device["limits"]["local_memory_bytes"] == 0
    same_numbers(imitated, ["auto", "portable"])


# --- rule 10: auto ----------------------------------------------------------------------------------------------------


def case_auto_order_takes_gpu_then_npu_then_cpu(program):
    cpu, npu, gpu = {"type": "cpu", "units": 64, "clock": 5000}, {"type": "accelerator", "units": 2, "clock": 500}, {"type": "gpu", "units": 1, "clock": 1}
    assert chosen(Imitated(program, cpu, npu, gpu)) == 2
    assert chosen(Imitated(program, gpu, npu, cpu)) == 0
    assert chosen(Imitated(program, cpu, npu)) == 1
    assert chosen(Imitated(program, cpu, {**npu, "type": "custom"})) == 1
    assert chosen(Imitated(program, cpu, {**gpu, "type": "default"})) == 0


def case_auto_order_within_a_kind(program):
    gpu = lambda units, clock: {"type": "gpu", "units": units, "clock": clock}
    imitated = Imitated(program, gpu(10, 100), gpu(4, 300), gpu(1, 1100))
    assert chosen(imitated) == 1
    assert chosen(Imitated(program, gpu(7, 3), gpu(3, 7))) == 0  # the first of equals
    assert chosen(Imitated(program, gpu(0, 900), gpu(1, 0))) == 1
    run = run_arguments(program)
    imitated.run(*run, "-v", err=r"device 1, gpu: .*as auto chooses")
    imitated.run(*run, "-v", "-d", "gpu", err="device 1, gpu: ")
    text = imitated.run("devices").out.decode()
    assert re.findall(r"^\* (\d+)", text, re.MULTILINE) == ["1"], text


def case_auto_order_without_units_still_works(program):
    imitated = Imitated(program, {"units": 0, "clock": 0})
    assert imitated.only()["usable"]
    same_numbers(imitated, ["auto"])


# --- names ------------------------------------------------------------------------------------------------------------


def case_two_of_one_name_are_told_apart_by_index(program):
    same = {"type": "accelerator", "name": "Card X1"}
    imitated = Imitated(program, same, same)
    listed = imitated.listed()
    assert [device["name"] for device in listed] == ["Card X1"] * 2 and [device["index"] for device in listed] == [0, 1]
    run = run_arguments(program)
    found = imitated.run(*run, "-d", "card x1", code=2, err="matches 2 usable devices; name one by its index")
    assert len(re.findall(r"\n  [01]  npu  Card X1 ", found.err)) == 2, found
    for selector, index in (("1", 1), ("0:1", 1), ("0", 0), ("npu", 0)):
        imitated.run(*run, "-d", selector, "-v", err=f"device {index}, npu: Card X1")


def case_two_of_one_name_where_one_is_unusable(program):
    same = {"type": "accelerator", "name": "Card X1"}
    imitated = Imitated(program, {**same, "available": 0}, same)
    imitated.run(*run_arguments(program), "-d", "Card X1", "-v", err="device 1, ")


NAMES = {
    "Foo Bar: NPU 3000": ("bar: npu", "Foo Bar: NPU 3000", "NPU 3"),
    "acme/x1, rev. 2; (beta) \\ 50%s %n": ("acme/x1", "rev. 2", "(beta) \\ 50%s %n"),
    "  padded  name \t": ("padded  name",),
    "Größe-Ω 加速器 🚀": ("größe-", "加速器", "🚀", "Ω 加"),
    "2 x Unit": ("2 x", "x Unit"),
    "gpu-like thing": ("gpu-", "thing"),
}


def case_names_are_selected_by_a_part(program):
    run = run_arguments(program)
    names = list(NAMES)
    imitated = Imitated(program, *({"name": name, "type": "accelerator", "platform": "Platform: ä"} for name in names))
    listed = imitated.listed()
    assert [device["name"] for device in listed] == [name.strip() for name in names], listed
    assert {device["platform"] for device in listed} == {"Platform: ä"}
    text = imitated.run("devices", "-v").out.decode()
    for name in names:
        assert f" {name.strip()} (Platform: ä)\n" in text, text
    for index, parts in enumerate(NAMES.values()):
        for part in parts:
            imitated.run(*run, "-d", part, "-v", err=f"device {index}, npu: ")
    imitated.run(*run, "-d", "Platform: ä", code=2, err="matches 6 usable devices")


def case_names_that_are_too_long_are_cut_between_characters(program):
    for unit in ("n", "ö", "加", "🚀"):
        device = Imitated(program, {"name": "x" + unit * 300, "vendor": unit * 300, "driver": unit * 300}).only()
        assert re.fullmatch(f"x{unit}+", device["name"]) and 120 < len(device["name"].encode()) < 128, device["name"]
        assert re.fullmatch(f"{unit}+", device["vendor"]) and re.fullmatch(f"{unit}+", device["driver_version"])


def case_names_with_control_characters_stay_on_their_line(program):
    bad = b"a\x1b[31mred\x07\nline\ttab\x7f\xc2\x9bC1\xff\xe2\x82end"
    imitated = Imitated(program, {"name": bad, "vendor": bad, "driver": bad, "platform": bad})
    shown = "a?[31mred??line?tab??C1???end"
    device = imitated.only()
    assert device["name"] == device["vendor"] == device["platform"] == shown, device
    for arguments in (["devices"], ["devices", "-v"]):
        text = imitated.run(*arguments).out.decode("utf-8", errors="strict")
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text) and f"{shown} ({shown})\n" in text, repr(text)
    found = imitated.run(*run_arguments(program), "-v", "-d", "red??line", err=re.escape(shown))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", found.err), repr(found.err)


def case_names_that_are_empty(program):
    imitated = Imitated(program, {"name": "   ", "vendor": "", "platform": " "})
    device = imitated.only()
    assert device["usable"] and device["name"] == device["vendor"] == device["platform"] == "", device
    imitated.run("devices", out=r"\(no name\)")
    imitated.run(*run_arguments(program), "-d", "9", code=2, err="0  cpu  no name")
    imitated.run(*run_arguments(program))


if __name__ == "__main__":
    sys.exit(main(globals()))
