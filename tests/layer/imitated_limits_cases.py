#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a device cannot do, and the same numbers all the same: imitated_limits_cases.py OCLSTM LAYER DEVICE"""

import json
import re
import struct
import sys

from imitated import SMALL, Imitated, golden, main, run_arguments, same_numbers
from cli_files import Cell, count, write_npy, write_safetensors, write_sparse_npy

# Everything that such devices lack, at once.
LEAST = {"type": "accelerator", "profile": "embedded", "max_group": 1, "fp64": 0, "local_memory": 1024, "max_allocation": 16 << 20,
         "units": 8, "clock": 700, "name": "Tiny NPU", "vendor": "Nobody"}


def cannot_be_forced(imitated, engine, *words):
    """Forcing the engine is an error that names what is missing, and launches nothing."""
    found = imitated.run(*run_arguments(imitated.program), "--engine", engine, code=1, err=f"the engine '{engine}' cannot run on ")
    for word in words:
        assert word in found.err, found
    assert imitated.counts()["launches"] == 0
    return found


def selftest(imitated, engine, dtypes=("float32", "float64")):
    """Every case of the engine passes; a dtype that the device lacks is named."""
    found = imitated.json("selftest", "--engine", engine)
    assert found["pass"], found
    for group in found["engines"]:
        if group["dtype"] in dtypes:
            assert group["result"] == "pass" and group["failed"] == 0 and group["passed"] > 10, group
        elif group["dtype"] == "float64":
            assert group["result"] == "skipped" and "float64" in group["reason"], group
        else:  # stored in 16 bits, on every device
            assert group["result"] == "pass", group
    counts = imitated.counts()
    # Asking an old platform for custom devices, or an old device for what came later, is refused and does no harm.
    allowed = counts["queries_of_later_versions"] + ("version=1.1" in imitated.env["OCLSTM_IMITATE"])
    assert counts["refused"] == allowed and counts["launches_without_local_size"] == 0, counts
    assert counts["calls_of_later_versions"] == 0, counts
    return counts


# --- everything at once -----------------------------------------------------------------------------------------------


def case_accelerator_embedded_is_found(program):
    imitated = Imitated(program, {}, LEAST)
    listed = imitated.listed()
    device, limits = listed[1], listed[1]["limits"]
    assert device["kind"] == "npu" and device["usable"] and device["chosen_by_auto"] and device["name"] == "Tiny NPU", device
    assert not limits["full_profile"] and not limits["float64"] and limits["max_work_group_size"] == 1, limits
    assert limits["max_work_item_sizes"] == [1, 1, 1] and limits["local_memory_bytes"] == 1024
    assert limits["max_allocation_bytes"] == 16 << 20 and (limits["compute_units"], limits["clock_mhz"]) == (8, 700)
    imitated.run("devices", "-v", out=r"npu +Tiny NPU .*8 compute units, .*float64 no.*embedded profile.*up to 1 work-items \(1 x 1 x 1\)")
    for selector in ("npu", "NPU", "tiny", "1", "0:1", "auto"):
        imitated.run(*run_arguments(program), "-d", selector, "-v", err="device 1, npu: Tiny NPU")


def case_accelerator_embedded_gives_the_same_numbers(program):
    imitated = Imitated(program, LEAST)
    used = same_numbers(imitated, ["auto", "portable"], names=SMALL)
    assert used["auto"] == {"portable"}, used
    counts = imitated.counts()
    assert counts["largest_group"] == 1 and counts["refused"] == 0, counts


def case_accelerator_embedded_runs_networks(program):
    imitated = Imitated(program, LEAST)
    found = imitated.json("check", *golden(program, "torch_lstm_proj_bidir_l2", "torch_lstm_lengths_bidir_l2"))
    assert found["ok"] == 2 and found["fail"] == found["skip"] == 0, found
    counts = imitated.counts()
    assert counts["largest_group"] == 1 and counts["refused"] == 0 and counts["launches_without_local_size"] == 0, counts


def case_accelerator_embedded_passes_the_selftest(program):
    counts = selftest(Imitated(program, LEAST), "portable", dtypes=["float32"])
    assert counts["largest_group"] == 1, counts


def case_accelerator_embedded_refuses_the_other_engines(program):
    imitated = Imitated(program, LEAST)
    cannot_be_forced(imitated, "clblast", "CL_DEVICE_MAX_WORK_GROUP_SIZE")
    cannot_be_forced(imitated, "fused", "this device")


def case_bare_needs_nothing_but_the_core(program):
    """No barrier, no local memory, no atomic, no 64-bit integer, no image, no double: `portable` builds and is right."""
    imitated = Imitated(program, {**LEAST, "bare": 1, "local_memory": 0, "version": "1.1"})
    used = same_numbers(imitated, ["auto", "portable"])
    assert used["auto"] == {"portable"}, used
    selftest(imitated, "portable", dtypes=["float32"])


def case_bare_is_what_the_layer_says(program):
    """The compiler does refuse what is not there: else the case above says nothing."""
    imitated = Imitated(program, {"type": "gpu", "bare": 1})
    imitated.run(*run_arguments(program), "--engine", "fused", code=1, err="clBuildProgram.*this_device_has_no_")


# --- rule 3: groups ---------------------------------------------------------------------------------------------------


def case_group_1_gives_the_same_numbers(program):
    for kind in ("cpu", "gpu"):
        imitated = Imitated(program, {"max_group": 1, "type": kind})
        used = same_numbers(imitated, ["auto", "portable"])
        assert used["auto"] == ({"fused"} if kind == "cpu" else {"portable"}), used
        assert imitated.counts()["largest_group"] == 1


def case_group_1_passes_the_selftest(program):
    for engine in ("portable", "fused"):
        counts = selftest(Imitated(program, {"max_group": 1}), engine)
        assert counts["largest_group"] == 1, counts


def case_group_1_is_too_small_for_some_engines(program):
    cannot_be_forced(Imitated(program, {"max_group": 1}), "clblast", "this device allows 1", "CL_DEVICE_MAX_WORK_GROUP_SIZE")
    cannot_be_forced(Imitated(program, {"max_group": 1, "type": "gpu"}), "fused", "this device allows 1")


def case_item_sizes_are_respected(program):
    """Groups of 4096, but along one dimension alone, or of few along each."""
    for items, fits_fused in (((64, 1, 1), True), ((16, 16, 16), False), ((4, 1, 1), False)):
        keys = {"type": "gpu", **dict(zip(("items_x", "items_y", "items_z"), items))}
        imitated = Imitated(program, keys)
        assert imitated.only()["limits"]["max_work_item_sizes"] == list(items)
        used = same_numbers(imitated, ["auto", "portable"])
        assert used["auto"] == ({"fused"} if fits_fused else {"portable"}), (items, used)
        assert imitated.counts()["refused"] == 0
        cannot_be_forced(imitated, "clblast", "CL_DEVICE_MAX_WORK_ITEM_SIZES")


def case_kernel_group_is_respected(program):
    """The device allows 4096, each kernel once built only 8."""
    for kind in ("cpu", "accelerator"):
        imitated = Imitated(program, {"kernel_group": 8, "type": kind})
        same_numbers(imitated, ["portable"])
        counts = imitated.counts()
        assert 1 <= counts["largest_group"] <= 8 and counts["refused"] == 0, counts
        same_numbers(imitated, ["auto"], names=SMALL)


# --- rule 5: local memory ---------------------------------------------------------------------------------------------


def case_local_1k_gives_the_same_numbers(program):
    for keys in ({"local_memory": 1024}, {"local_memory": 1024, "type": "gpu"}, {"local_memory": 0, "type": "accelerator"}):
        imitated = Imitated(program, keys)
        same_numbers(imitated, ["auto", "portable"])
        assert imitated.counts()["refused"] == 0


def case_local_1k_is_too_little_for_clblast(program):
    imitated = Imitated(program, {"local_memory": 1024})
    cannot_be_forced(imitated, "clblast", "bytes of local memory, this device has 1024", "CL_DEVICE_LOCAL_MEM_SIZE")


def case_local_1k_passes_the_selftest(program):
    selftest(Imitated(program, {"local_memory": 1024, "type": "gpu"}), "fused")


# --- rule 7: arithmetic -----------------------------------------------------------------------------------------------


def case_no_float64_gives_the_same_numbers(program):
    imitated = Imitated(program, {"fp64": 0})
    assert not imitated.only()["limits"]["float64"]
    same_numbers(imitated, ["auto", "portable", "fused"])
    selftest(imitated, "portable", dtypes=["float32"])


def case_no_float64_is_an_error_where_it_is_asked_for(program):
    imitated = Imitated(program, {"fp64": 0})
    run = run_arguments(program)
    write_safetensors(program.path_of("m.safetensors"), Cell(3, 4).tensors(dtype="F64"))
    write_npy(program.path_of("x.npy"), (2, 3), [0.5] * 6, descr="<f8")
    for engine in ("auto", "portable", "fused"):
        imitated.run(*run, "--engine", engine, code=1, err="float64.*cl_khr_fp64")
        assert imitated.counts()["builds"] == 0
    found = imitated.json("check", *golden(program, "torch_cell_odd_f64"), code=1)
    assert found["skip"] == 1 and "float64" in found["files"][0]["reason"], found
    imitated.run("selftest", "--engine", "portable", out="float64 +skipped: .*cl_khr_fp64")


# --- rule 2 and 8: no compiler ----------------------------------------------------------------------------------------


def case_no_compiler_says_so(program):
    imitated = Imitated(program, {"type": "accelerator", "compiler": 0})
    imitated.is_unusable("no compiler", "CL_DEVICE_COMPILER_AVAILABLE")


def case_no_compiler_is_passed_over(program):
    imitated = Imitated(program, {"type": "gpu", "compiler": 0}, {})
    assert [device["chosen_by_auto"] for device in imitated.listed()] == [False, True]


# --- rule 6: OpenCL 1.1, buffers --------------------------------------------------------------------------------------


def case_opencl_1_1_gives_the_same_numbers(program):
    for kind in ("cpu", "accelerator"):
        imitated = Imitated(program, {"version": "1.1", "type": kind})
        assert imitated.only()["device_version"] == "OpenCL 1.1 imitated"
        same_numbers(imitated, ["auto", "portable", "fused"])
        assert imitated.counts()["calls_of_later_versions"] == 0, imitated.counts()


def case_opencl_1_1_passes_the_selftest(program):
    selftest(Imitated(program, {"version": "1.1"}), "portable")


def case_opencl_1_1_has_no_parts(program):
    imitated = Imitated(program, {"version": "1.1"})
    imitated.run(*run_arguments(program), "-d", "0/0", code=1, err="split|part")
    assert imitated.counts()["calls_of_later_versions"] == 0, imitated.counts()


def case_opencl_1_1_is_the_oldest(program):
    Imitated(program, {"version": "1.0"}).is_unusable('it is of "OpenCL 1.0 imitated"; OpenCL 1.1 or later is needed')


def long_sequence(program, steps, batch, inputs, hidden):
    """A model, an input of zeros that takes no room on the disk, and what a device without limits makes of it."""
    write_safetensors(program.path_of("long.safetensors"), Cell(inputs, hidden).tensors())
    write_sparse_npy(program.path_of("long.npy"), (steps, batch, inputs))
    return ["run", "long.safetensors", "-i", "long.npy", "-o"]


def case_allocation_16m_takes_a_long_sequence_in_slices(program):
    run = long_sequence(program, steps=6000, batch=8, inputs=128, hidden=8)  # 23.4 MiB of input
    Imitated(program, {}).run(*run, "plain.npy")
    plain = program.path_of("plain.npy").read_bytes()
    for engine in ("auto", "portable"):
        imitated = Imitated(program, {"max_allocation": 16 << 20})
        imitated.run(*run, "y.npy", "--engine", engine)
        counts = imitated.counts()
        assert counts["refused"] == 0 and 0 < counts["largest_buffer_bytes"] <= 16 << 20, counts
        if engine == "auto":
            assert program.path_of("y.npy").read_bytes() == plain, "slices change the numbers"


def long_network(program, directions):
    """Two layers over the same sequence, all steps in one call because rows have lengths."""
    tensors = {}
    for layer, inputs in enumerate((128, 8 * directions)):
        for suffix in ("", "_reverse")[:directions]:
            tensors.update(Cell(inputs, 8, seed=layer).tensors(suffix=f"_l{layer}{suffix}"))
    run = long_sequence(program, steps=6000, batch=8, inputs=128, hidden=8)
    write_safetensors(program.path_of("long.safetensors"), tensors)
    write_npy(program.path_of("lengths.npy"), (8,), [6000, 1, 3000, 5999, 2, 4097, 4096, 6000], descr="<i4")
    return [*run, "y.npy", "--lengths", "lengths.npy", "--hn", "hn.npy"]


def case_allocation_16m_takes_a_network_in_slices(program):
    run = long_network(program, directions=1)
    results = []
    for keys in ({}, {"max_allocation": 16 << 20}):
        imitated = Imitated(program, keys)
        imitated.run(*run, "--engine", "portable")
        results.append([program.path_of(name).read_bytes() for name in ("y.npy", "hn.npy")])
    counts = imitated.counts()
    assert counts["refused"] == 0 and 0 < counts["largest_buffer_bytes"] <= 16 << 20, counts
    assert results[0] == results[1], "slices change the numbers"


def case_allocation_16m_refuses_a_backward_direction_that_is_too_long(program):
    """All steps of the widest layer, 6000 x 8 x 128, are 23.4 MiB: said with the numbers."""
    imitated = Imitated(program, {"max_allocation": 16 << 20})
    found = imitated.run(*long_network(program, directions=2), code=1, err=r"23\.4 MiB")
    for part in ("6000 steps of batch 8", "goes backward", "16.0 MiB", "shorter sequences"):
        assert part in found.err, found
    assert imitated.counts()["largest_buffer_bytes"] < 1 << 20, imitated.counts()


def write_empty_model(path, inputs, hidden):
    """A cell of zeros that takes no room on the disk."""
    header, place = {}, 0
    for name, columns in (("weight_ih", inputs), ("weight_hh", hidden)):
        shape = (4 * hidden, columns)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [place, place + 4 * count(shape)]}
        place += 4 * count(shape)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + place)


def case_allocation_16m_refuses_a_matrix_that_is_too_large(program):
    """weight_ih of 4096 x 2048 is 32 MiB: said with the numbers, before anything is allocated."""
    imitated = Imitated(program, {"max_allocation": 16 << 20})
    inputs = 2048
    write_empty_model(program.path_of("wide.safetensors"), inputs, hidden=1024)
    write_npy(program.path_of("x.npy"), (1, inputs), [0.0] * inputs)
    for engine in ("auto", "portable"):
        found = imitated.run("run", "wide.safetensors", "-i", "x.npy", "--engine", engine, code=1, err=r"16(\.0)? MiB")
        assert re.search(r"32(\.0)? MiB", found.err), found
        counts = imitated.counts()
        assert counts["buffers"] == 0 and counts["launches"] == 0, counts


if __name__ == "__main__":
    sys.exit(main(globals()))
