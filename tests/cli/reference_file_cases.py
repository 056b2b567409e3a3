#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm check`, `selftest` and `info`: reference_file_cases.py OCLSTM [CASE...]"""

import json
import sys

from cli_case import Skip, run_cases
from cli_files import Cell, randoms, swap_axes, write_npy, write_safetensors

ENGINES = ["portable", "fused", "clblast"]


def reference(cell, steps=None, batch=2, dtype="F32", **changes):
    """The tensors of a reference file; steps None: a cell's, else a sequence's."""
    length = steps or 1
    x, h, c = randoms((length, batch, cell.inputs), "x"), randoms((batch, cell.hidden), "h"), randoms((batch, cell.hidden), "c")
    y, hn, cn = cell.sequence(x, length, batch, h, c)
    state, lead = (batch, cell.hidden), (1,) if steps else ()
    tensors = cell.tensors(suffix="_l0" if steps else "", dtype=dtype)
    tensors.update({"x": (dtype, ((steps,) if steps else ()) + (batch, cell.inputs), x), "h0": (dtype, lead + state, h), "c0": (dtype, lead + state, c)})
    tensors.update({"hn" if steps else "h1": (dtype, lead + state, hn), "cn" if steps else "c1": (dtype, lead + state, cn)})
    if steps:
        tensors["y"] = (dtype, (steps, batch, cell.hidden), y)
    tensors.update(changes)
    return {name: value for name, value in tensors.items() if value}


def write(program, tensors, name="r.safetensors", **metadata):
    write_safetensors(program.path_of(name), tensors, metadata)


def case_every_reference_file_with_every_engine(program):
    files = sorted((program.data / "cells").glob("*.safetensors"))
    files += [path for path in sorted((program.data / "models").iterdir()) if not path.name.startswith("refuse_")]
    assert len(files) > 80, files
    for engine in ENGINES:
        document = json.loads(program.run("check", "--json", "-e", engine, *files).out)
        assert document["fail"] == 0 and document["ok"] + document["skip"] == len(files) and document["ok"] >= 70, document
        for entry in document["files"]:
            if entry["result"] == "skip":
                assert "float64" in entry["reason"], entry
                continue
            assert entry["result"] == "ok" and entry["error"] <= entry["tolerance"] and entry["engine"] == engine, entry
            assert entry["misplaced"] == 0, entry
            gradients = entry["gradients"]
            if "/cells/" in entry["file"] and not entry["file"].endswith("torch_cell_nonfinite.safetensors"):
                assert gradients["error"] <= gradients["tolerance"] and gradients["misplaced"] == 0, entry
            # Not worse than the tolerance against the exact value either, where that is computed.
            assert entry["error_from_exact"] is None or entry["error_from_exact"] <= entry["tolerance"], entry


def case_files_that_could_run_code_are_refused(program):
    for name, asked in (("refuse_pickle_command", "posix.system"), ("refuse_whole_module", "torch.nn.modules.rnn.LSTMCell")):
        program.run("check", program.data / "models" / f"{name}.pt", code=1, out=f"^fail .*is refused.*'{asked}'.*nothing was executed")
    assert not program.path_of("PWNED").exists()


def case_a_cell_and_a_sequence(program):
    cell = Cell(3, 4)
    write(program, reference(cell), kind="cell", tolerance_forward="5e-6", own_error_forward="1.5e-7", framework="torch 9")
    program.run("check", "r.safetensors", out=r"^ok   r.safetensors  worst \S+ \([hc]1\) tolerance 5.0e-06  from exact \S+ \(torch 9 1.5e-07\)  float32 batch 2 input 3 hidden 4  engine",
                err="1 ok, 0 failed, 0 skipped")
    write(program, reference(cell, steps=5), kind="sequence")
    program.run("check", "r.safetensors", out=r"^ok .*tolerance 2.0e-05 .* steps 5 batch 2 ")
    program.run("check", "-q", "r.safetensors", out="^$", err="^$")


def case_a_difference_is_found(program):
    cell = Cell(3, 4)
    for steps in (None, 5):
        good = reference(cell, steps)
        for name in ("y", "hn", "cn") if steps else ("h1", "c1"):
            dtype, shape, values = good[name]
            place = len(values) // 2
            wrong = list(values)
            wrong[place] += 1e-3
            write(program, {**good, name: (dtype, shape, wrong)})
            program.run("check", "r.safetensors", code=1, out=rf"^fail r.safetensors  worst .* \({name}\).*{name}\[{place}\]: got \S+, expected")
            program.run("check", "r.safetensors", "--tol", "1e-2", out="^ok ")
            document = json.loads(program.run("check", "--json", "-q", "r.safetensors", code=1).out)
            entry = document["files"][0]
            assert (entry["result"], entry["array"], entry["index"]) == ("fail", name, place), entry
            assert 1e-4 < entry["error"] < 1e-3, entry
    program.run("check", "r.safetensors", "--tol", "0", code=1, out="^fail ")


def case_a_difference_in_any_file_fails(program):
    cell = Cell(3, 4)
    good = reference(cell)
    write(program, good, "good.safetensors")
    write(program, {**good, "h1": ("F32", (2, 4), [0.0] * 8)}, "bad.safetensors")
    program.run("check", "good.safetensors", "bad.safetensors", "good.safetensors", code=1, out="^ok .*\nfail .*\nok ", err="2 ok, 1 failed")


def case_nan_must_stand_at_the_same_place(program):
    cell, nan = Cell(3, 4), float("nan")
    good = reference(cell)
    write(program, {**good, "h1": ("F32", (2, 4), [nan] + good["h1"][2][1:])})
    program.run("check", "r.safetensors", "--tol", "1e9", code=1, out=r"1 NaN or infinity misplaced.*h1\[0\]: got .*expected -?nan")
    entry = json.loads(program.run("check", "--json", "r.safetensors", code=1).out)["files"][0]
    assert entry["misplaced"] == 1 and entry["error"] is None and entry["expected"] is None, entry
    x = good["x"][2]
    write(program, {**good, "x": ("F32", (2, 3), [nan] + x[1:]), "h1": ("F32", (2, 4), [nan] * 4 + good["h1"][2][4:]),
                    "c1": ("F32", (2, 4), [nan] * 4 + good["c1"][2][4:])})
    program.run("check", "r.safetensors", out="^ok ")


def case_networks_that_lack_something(program):
    cell = Cell(3, 4)
    tensors = reference(cell, steps=5)
    write(program, {**tensors, "lengths": ("I64", (2,), [5, 6])}, "lengths.safetensors")
    backward = cell.tensors(suffix="_l0_reverse")
    write(program, {**tensors, "weight_ih_l0_reverse": backward["weight_ih_l0_reverse"]}, "backward.safetensors")
    write(program, {**tensors, **Cell(5, 4).tensors(suffix="_l1")}, "layers.safetensors")
    write(program, {**tensors, **Cell(4, 4).tensors(suffix="_l2")}, "gap.safetensors")
    for name, reason in (("lengths", "the length of row 1 is 6; expected 1 to the 5 steps"), ("backward", "backward, lacks the tensor 'weight_hh_l0_reverse'"),
                         ("layers", r"'weight_ih_l1' is \[16\]\[5\].*expected \[16\]\[4\]"), ("gap", "layer 1, lacks the tensor 'weight_ih_l1'")):
        program.run("check", f"{name}.safetensors", code=1, out=f"^fail {name}.safetensors: .*{reason}", err="0 ok, 1 failed")


def case_weights_in_a_file_of_their_own(program):
    cell = Cell(3, 4)
    answers = {name: value for name, value in reference(cell).items() if name not in cell.arrays}
    write(program, answers, "net.io.safetensors")
    program.run("check", "net.io.safetensors", code=1, out="^fail net.io.safetensors: .*net.safetensors, .pt, .ckpt or .onnx, is missing")
    for dtype in ("F32", "F16", "BF16"):
        write(program, cell.tensors("any.", dtype=dtype), "net.safetensors")
        program.run("check", "net.io.safetensors", out="^ok ")


def case_batch_first_is_said_by_the_metadata(program):
    cell = Cell(3, 4)
    tensors = reference(cell, steps=5)
    for name in ("x", "y"):
        dtype, (first, second, width), values = tensors[name]
        tensors[name] = (dtype, (second, first, width), swap_axes(values, first, second, width))
    write(program, tensors, batch_first="true")
    program.run("check", "r.safetensors", out="^ok .* steps 5 batch 2 ")


def case_files_that_are_no_reference(program):
    cell = Cell(3, 4)
    good = reference(cell)
    cases = {
        "'x' is missing": {**good, "x": None}, "'c0' is missing beside 'h0'": {**good, "c0": None},
        "no answers: tensors h1, c1": {**good, "h1": None, "c1": None},
        "does not have the 8 values": {**good, "h1": ("F32", (2, 3), [0.0] * 6)},
        "'h0' has 6 values": {**good, "h0": ("F32", (2, 3), [0.0] * 6)},
        "input size": {**good, "x": ("F32", (2, 5), [0.0] * 10)},
        "'x' has rank 4": {**good, "x": ("F32", (1, 1, 2, 3), [0.0] * 6)},
        "'x' is int32": {**good, "x": ("I32", (2, 3), [0] * 6)},
        "no cell": {"x": good["x"]},
    }
    for message, tensors in cases.items():
        write(program, {name: value for name, value in tensors.items() if value})
        program.run("check", "r.safetensors", code=1, out=f"^fail r.safetensors: .*{message}", err="1 failed")
    program.run("check", "nothere", code=1, out="^fail nothere: .*No such file")
    program.path_of("empty").write_bytes(b"")
    program.run("check", "empty", code=1, out="^fail empty: .*empty")


def case_selftest_passes(program):
    program.run("selftest", out="portable  float32   pass", err="selftest: .* 0 failed")
    document = json.loads(program.run("selftest", "--json", "-q", "--seed", "7", err="^$").out)
    assert document["pass"] and document["seed"] == 7 and {entry["engine"] for entry in document["engines"]} == set(ENGINES), document
    assert {entry["dtype"] for entry in document["engines"]} == {"float32", "float64", "float16", "bfloat16"}
    for entry in document["engines"]:
        assert entry["result"] in ("pass", "skipped"), entry
        assert entry["result"] == "skipped" or entry["worst"]["error"] <= entry["worst"]["tolerance"], entry
    for engine in ENGINES:
        entries = json.loads(program.run("selftest", "--json", "-e", engine).out)["engines"]
        assert {entry["engine"] for entry in entries} == {engine}


def case_selftest_sees_a_broken_kernel(program):
    folder = program.path_of("kernels")
    folder.mkdir()
    broken = False
    for path in program.kernels.iterdir():
        if path.suffix not in (".cl", ".h"):
            continue
        text = path.read_text(encoding="utf-8")
        changed = text.replace("tanh(", "-tanh(")
        broken = broken or changed != text
        (folder / path.name).write_text(changed, encoding="utf-8")
    assert broken
    env = {"OCLSTM_KERNEL_DIR": str(folder)}
    program.run("selftest", "-e", "portable", code=1, env=env, out="FAIL.*got .*expected .*seed", err="failed on")
    write(program, reference(Cell(3, 4)))
    program.run("check", "r.safetensors", "-e", "portable", code=1, env=env, out="^fail ")


def matrix(program, *arguments, env=None, code=0):
    return json.loads(program.run("selftest", "--all", "--quick", "--json", *arguments, env=env, code=code).out)


def case_selftest_of_every_device(program):
    program.run("selftest", "--all", "--quick", "-v", out=r"\n  portable  float32   cell      pass .* h .* c .*\n  portable  float32   sequence"
                "  pass .* y .* hn .* cn ", err="selftest: .* 0 failed")
    document = matrix(program)
    listed = json.loads(program.run("devices", "--json").out)["devices"]
    assert [device["name"] for device in document["devices"]] == [device["name"] for device in listed]
    assert document["pass"] and document["quick"] and not document["failed"] and document["passed"] > 100
    for device, known in zip(document["devices"], listed):
        assert (device["result"] == "unusable" and device["reason"] == known["reason"]) or known["usable"], device
        groups = device.get("groups", [])
        assert not known["usable"] or {(group["engine"], group["dtype"], group["form"]) for group in groups} >= {
            (engine, dtype, form) for engine in ENGINES for dtype in ("float32", "float64") for form in ("cell", "sequence")}
        for group in groups:
            assert group["result"] == ("pass" if group["passed"] else "skipped") and not group["failed"], group
            fields = set(group.get("largest_error", {}))
            assert fields == ({"h", "c"} if group["form"] == "cell" else {"y", "hn", "cn"}) or not group["passed"], group
    only = matrix(program, "-d", "0", "-e", "portable")
    assert len(only["devices"]) == 1 and only["devices"][0]["name"] == listed[0]["name"]
    assert {group["engine"] for group in only["devices"][0]["groups"]} == {"portable"}
    program.run("selftest", "--all", "-d", "0,0", code=2, out="^$", err="twice")
    program.run("selftest", "--all", "--quick", "-d", "0,no such device", code=2, out="^$", err="choices are:")


def case_selftest_of_several_devices_as_one(program):
    env = {"POCL_DEVICES": "pthread pthread"}
    listed = json.loads(program.run("devices", "--json", env=env).out)["devices"]
    if len(listed) != 2:
        raise Skip("no PoCL that shows two devices")
    both = matrix(program, "-d", "0,1", "-e", "portable", env=env)
    assert [device["selector"] for device in both["devices"]] == ["0", "1", "0,1"]
    assert all(device["result"] == "pass" for device in both["devices"])


def case_selftest_shows_errors_as_such(program):
    folder = program.path_of("kernels")
    folder.mkdir()
    for path in program.kernels.iterdir():
        if path.suffix in (".cl", ".h"):
            text = path.read_text(encoding="utf-8")
            text = "no kernel at all" if path.name == "portable.cl" else text.replace("1.0f + ", "1.5f + ").replace("one + e", "one - e")
            (folder / path.name).write_text(text, encoding="utf-8")
    document = matrix(program, "-d", "auto", env={"OCLSTM_KERNEL_DIR": str(folder)}, code=1)
    assert not document["pass"] and document["failed"] and document["skipped"] == 4, document  # CLBlast has no 16 bits
    for group in document["devices"][0]["groups"]:
        if group["engine"] == "portable":
            assert group["result"] == "error" and group["failed"] and not group["passed"] and "build" in group["reason"], group
        if group["engine"] == "fused":
            assert group["result"] == "fail" and group["worst"]["error"] is None or group["worst"]["error"] > 1e-3, group


def case_info(program):
    cell = Cell(3, 4)
    write_safetensors(program.path_of("m.safetensors"), {**cell.tensors("enc.", dtype="BF16"), **Cell(4, 5, bias=False).tensors("rnn.", "_l0"),
                      "scalar": ("I64", (), [3])}, {"framework": "torch 9"})
    program.run("info", "m.safetensors", out=r"m.safetensors: safetensors, 7 tensors, 325 values.*framework: torch 9.*enc.weight_ih +bfloat16 +96  \[16\]\[3\]"
                r".*scalar +int64 +8  scalar.*enc +cell +3 +4  yes +bfloat16 +144.*rnn_l0 +layer +4 +5  no +float32 +180", err="^$")
    document = json.loads(program.run("info", "m.safetensors", "--json", err="^$").out)
    assert document["metadata"] == {"framework": "torch 9"} and document["format"] == "safetensors"
    assert {entry["name"]: entry["parameters"] for entry in document["cells"]} == {"enc": 144, "rnn_l0": 180}
    assert next(entry for entry in document["tensors"] if entry["name"] == "scalar")["shape"] == []
    write_npy(program.path_of("f.npy"), (2, 3), [0.0] * 6, descr=">f8", fortran=True)
    program.run("info", "f.npy", out=r"npy, 1 tensor.*float64 +48  \[2\]\[3\], Fortran order, other byte order")


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
