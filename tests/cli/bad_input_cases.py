#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm run` on input that is wrong: a message that names the thing, exit code 1 or 2, no file. bad_input_cases.py OCLSTM [CASE...]"""

import json
import os
import struct
import subprocess
import sys

from cli_case import Skip, run_cases
from cli_files import Cell, npy_bytes, randoms, raw_safetensors, safetensors_bytes, write_npy, write_safetensors, write_sparse_npy


def prepare(program):
    """m.safetensors (input 3, hidden 4), x.npy [5][2][3], h.npy and c.npy [2][4]."""
    cell = Cell(3, 4)
    write_safetensors(program.path_of("m.safetensors"), cell.tensors("enc."))
    for name, shape in (("x", (5, 2, 3)), ("h", (2, 4)), ("c", (2, 4))):
        write_npy(program.path_of(name + ".npy"), shape, randoms(shape, name))
    return cell


def refuse(program, message, *more, model="m.safetensors", x="x.npy", code=1, **options):
    arguments = ["run", model, "-i", x, "-o", "y.npy", "--hn", "hn.npy", *more]
    return program.run(*arguments, code=code, out="^$", err=message, **options)


def case_missing_files(program):
    prepare(program)
    refuse(program, "nothere.safetensors.*No such file", model="nothere.safetensors")
    refuse(program, "nothere.npy.*No such file", x="nothere.npy")
    refuse(program, "nothere:x.*No such file", x="nothere:x")
    refuse(program, "nothere.npy.*No such file", "--h0", "nothere.npy", "--c0", "c.npy")
    program.run("info", "nothere", code=1, err="nothere.*No such file")


def case_directories_empty_files_and_pipes(program):
    prepare(program)
    program.path_of("folder").mkdir()
    program.path_of("empty").write_bytes(b"")
    os.mkfifo(program.path_of("pipe"))
    for name, message in (("folder", "is a directory"), ("empty", "is empty"), ("pipe", "is a pipe")):
        refuse(program, message, model=name)
        refuse(program, message, x=name)
        program.run("info", name, code=1, err=message)


def case_unreadable_file(program):
    prepare(program)
    os.chmod(program.path_of("m.safetensors"), 0)
    if os.geteuid() == 0:
        raise Skip("root reads everything")
    refuse(program, "m.safetensors.*Permission denied")


def case_a_file_that_is_something_else(program):
    prepare(program)
    for name, data in (("text", b"hello, this is no model file at all"), ("noise", bytes(range(256)))):
        program.path_of(name).write_bytes(data)
        refuse(program, f"{name}.*safetensors", model=name)
        refuse(program, f"{name}.*npy", x=name)
    program.path_of("zip.pt").write_bytes(b"PK\x03\x04" + bytes(64))
    refuse(program, "zip.pt.*zip archive that is truncated or damaged", model="zip.pt")
    refuse(program, "zip.pt.*zip archive that is truncated or damaged", x="zip.pt")


def case_safetensors_headers(program):
    prepare(program)
    entry = lambda dtype="F32", shape=(2,), offsets=(0, 8): {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}
    whole = safetensors_bytes(Cell(3, 4).tensors())
    bad = {
        "truncated data": whole[:-1],
        "truncated header": whole[:40],
        "only a length": whole[:8],
        "header longer than the file": struct.pack("<Q", 1 << 40) + whole[8:],
        "length of all ones": b"\xff" * 8 + whole[8:],
        "trailing bytes": whole + b"more",
        "no JSON": raw_safetensors("{nonsense"),
        "JSON of another kind": raw_safetensors("[1, 2]"),
        "no offsets": raw_safetensors({"a": {"dtype": "F32", "shape": [2]}}, bytes(8)),
        "unknown dtype": raw_safetensors({"a": entry("F33")}, bytes(8)),
        "shape that is a string": raw_safetensors({"a": {**entry(), "shape": "2"}}, bytes(8)),
        "negative extent": raw_safetensors({"a": entry(shape=(-2,))}, bytes(8)),
        "extents that overflow": raw_safetensors({"a": entry(shape=(1 << 62, 1 << 62))}, bytes(8)),
        "extents of two to the 63": raw_safetensors('{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}}', bytes(8)),
        "offsets the wrong way round": raw_safetensors({"a": entry(offsets=(8, 0))}, bytes(8)),
        "offsets beyond the file": raw_safetensors({"a": entry(offsets=(0, 16), shape=(4,))}, bytes(8)),
        "offsets that lie about the shape": raw_safetensors({"a": entry(shape=(3,))}, bytes(8)),
        "overlap": raw_safetensors({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)),
        "hole": raw_safetensors({"a": entry(), "b": entry(offsets=(12, 20))}, bytes(20)),
        "duplicate name": raw_safetensors('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
                                          '"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', bytes(8)),
        "misaligned": raw_safetensors({"a": entry("U8", (1,), (0, 1)), "b": entry(offsets=(1, 9))}, bytes(9)),
        "too many dimensions": raw_safetensors({"a": entry(shape=(1,) * 9, offsets=(0, 4))}, bytes(4)),
        "deeply nested": raw_safetensors("[" * 100000),
        "metadata that is no object": raw_safetensors({"__metadata__": 3, "a": entry()}, bytes(8)),
    }
    for name, data in bad.items():
        program.path_of("bad.safetensors").write_bytes(data)
        try:
            refuse(program, "^oclstm: .*bad.safetensors", model="bad.safetensors")
            program.run("info", "bad.safetensors", code=1, out="^$", err="bad.safetensors")
        except AssertionError as fault:
            raise AssertionError(f"{name}: {fault}") from None


def npy_with_header(text, data=b"", version=1):
    text = text.encode("latin1") + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def case_npy_headers(program):
    prepare(program)
    good = npy_bytes((5, 2, 3), randoms((5, 2, 3), "x"))
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }"
    bad = {
        "truncated data": good[:-1],
        "trailing bytes": good + b"more",
        "truncated header": good[:20],
        "only the magic": good[:6],
        "version 9": good[:6] + b"\x09" + good[7:],
        "no dictionary": npy_with_header("hello"),
        "no shape": npy_with_header("{'descr': '<f4', 'fortran_order': False, }"),
        "unknown key": npy_with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'what': 1, }", bytes(4)),
        "negative extent": npy_with_header(head % "(-1, 3)", bytes(12)),
        "extents that overflow": npy_with_header(head % "(4611686018427387904, 4611686018427387904)"),
        "extent of 30 digits": npy_with_header(head % "(100000000000000000000000000000,)"),
        "shape without a tuple": npy_with_header(head % "3", bytes(12)),
        "code in the header": npy_with_header(head % "(__import__('os').getpid(),)", bytes(4)),
        "structured dtype": npy_with_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", bytes(4)),
        "objects": npy_with_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", bytes(8)),
        "complex": npy_with_header("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", bytes(8)),
        "strings": npy_with_header("{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }", bytes(4)),
        "too many dimensions": npy_with_header(head % ("(" + "1, " * 9 + ")"), bytes(4)),
        "header longer than the file": good[:8] + b"\xff\xff" + good[10:60],
    }
    for name, data in bad.items():
        program.path_of("bad.npy").write_bytes(data)
        try:
            refuse(program, "^oclstm: .*bad.npy", x="bad.npy")
        except AssertionError as fault:
            raise AssertionError(f"{name}: {fault}") from None


def case_shapes_of_x(program):
    prepare(program)
    for shape, message in (((), "x is a scalar; expected"), ((1, 5, 2, 3), r"x is \[1\]\[5\]\[2\]\[3\]; expected \[steps\]"),
                           ((5, 2, 7), "input size, 3, but is 7"), ((5, 7), "input size, 3, but is 7"), ((7,), "input size, 3, but is 7"),
                           ((0, 2, 3), "at least one|zero|empty"), ((5, 0, 3), "at least one|zero|empty"), ((5, 2, 0), "zero|empty|but is 0")):
        write_npy(program.path_of("bad.npy"), shape, randoms(shape, "bad"))
        refuse(program, f"bad.npy.*({message})", x="bad.npy")
    write_npy(program.path_of("bad.npy"), (1, 5, 2, 3), randoms((5, 2, 3), "bad"))
    refuse(program, r"expected \[batch\]\[steps\]\[input\]", "--batch-first", x="bad.npy")


def case_shapes_of_the_state(program):
    prepare(program)
    for shape, message in (((3, 4), "batch must be that of x, 2, but is 3"), ((2, 5), "hidden size, 4, but is 5"), ((4,), "x has a batch dimension"),
                           ((2, 2, 4), r"\[batch\]\[hidden\] is expected"), ((), "a scalar")):
        write_npy(program.path_of("bad.npy"), shape, randoms(shape, "bad"))
        refuse(program, f"bad.npy: h0 is .*{message}", "--h0", "bad.npy", "--c0", "c.npy")
        refuse(program, f"bad.npy: c0 is .*{message}", "--h0", "h.npy", "--c0", "bad.npy")
    write_npy(program.path_of("u.npy"), (5, 3), randoms((5, 3), "u"))
    refuse(program, "h.npy: h0 is .*x has no batch dimension", "--h0", "h.npy", "--c0", "c.npy", x="u.npy")


def case_dtypes(program):
    cell = prepare(program)
    write_npy(program.path_of("i.npy"), (5, 2, 3), list(range(30)), descr="<i4")
    refuse(program, "i.npy: x is int32.*float32 or float64", x="i.npy")
    refuse(program, "i.npy: x is int32", "--dtype", "float32", x="i.npy")
    write_npy(program.path_of("d.npy"), (5, 2, 3), randoms((5, 2, 3), "x"), descr="<f8")
    refuse(program, "d.npy: x is float64, the weights of the cell are float32.*--dtype", x="d.npy")
    write_npy(program.path_of("hd.npy"), (2, 4), randoms((2, 4), "h"), descr="<f8")
    refuse(program, "hd.npy: h0 is float64, x is float32", "--h0", "hd.npy", "--c0", "c.npy")
    refuse(program, "hd.npy: c0 is float64, x is float32", "--h0", "h.npy", "--c0", "hd.npy")
    refuse(program, "hd.npy: h0 is float64, x is float32", "--h0", "hd.npy", "--c0", "c.npy", "--dtype", "float64")
    tensors = {name: ("I32", shape, [1] * len(values)) for name, (_, shape, values) in cell.tensors().items()}
    write_safetensors(program.path_of("i.safetensors"), tensors)
    refuse(program, "i.safetensors.*(int32|no cell)", model="i.safetensors")


def case_cells_that_do_not_fit(program):
    cell = prepare(program)
    good = cell.tensors("enc.")

    def model(message, changes, remove=()):
        tensors = {name: value for name, value in {**good, **changes}.items() if name not in remove}
        write_safetensors(program.path_of("bad.safetensors"), tensors)
        refuse(program, f"bad.safetensors.*{message}|{message}.*bad.safetensors", "--cell", "enc", model="bad.safetensors")

    model("bias_hh", {}, remove=["enc.bias_hh"])
    model("bias_ih", {}, remove=["enc.bias_ih"])
    model("weight_hh", {}, remove=["enc.weight_hh"])
    model("weight_ih", {}, remove=["enc.weight_ih"])
    model("weight_hh", {"enc.weight_hh": ("F32", (16, 5), [0.0] * 80)})
    model("weight_hh.*expected 12", {"enc.weight_ih": ("F32", (12, 3), [0.0] * 36)})
    model("weight_ih", {"enc.weight_ih": ("F32", (48,), [0.0] * 48)})
    model("bias_ih", {"enc.bias_ih": ("F32", (4,), [0.0] * 4)})
    model("bias_hh", {"enc.bias_hh": ("F32", (16, 1), [0.0] * 16)})
    model("weight", {"enc.weight_ih": ("F32", (16, 0), []), "enc.weight_hh": ("F32", (16, 4), [0.0] * 64)})
    model("weight", {"enc.weight_ih": ("F32", (0, 3), []), "enc.weight_hh": ("F32", (0, 0), [])})


def case_cell_names(program):
    cell = prepare(program)
    refuse(program, "has no cell 'dec'; its cells are 'enc'", "--cell", "dec")
    write_safetensors(program.path_of("two.safetensors"), {**cell.tensors("a."), **cell.tensors("b.")})
    refuse(program, r"two.safetensors.*\ba\b.*\bb\b", model="two.safetensors")
    write_safetensors(program.path_of("none.safetensors"), {"w": ("F32", (2,), [1.0, 2.0])})
    refuse(program, "none.safetensors.*no LSTM", model="none.safetensors")
    refuse(program, "x.npy.*no LSTM", model="x.npy")


def case_tensor_names(program):
    prepare(program)
    write_safetensors(program.path_of("s.safetensors"), {"x": ("F32", (2, 3), [0.0] * 6), "other": ("F32", (2, 3), [0.0] * 6)})
    refuse(program, "2 tensors; name one as s.safetensors:TENSOR, of: x, other", x="s.safetensors")
    refuse(program, "no tensor 'y'; there is: x, other", x="s.safetensors:y")
    refuse(program, "no tensor ''", x="s.safetensors:")


def case_outputs_that_cannot_be_written(program):
    prepare(program)
    program.path_of("folder").mkdir()
    run = ["run", "m.safetensors", "-i", "x.npy"]
    program.run(*run, "-o", "folder", code=1, err="folder.*is a directory")
    program.run(*run, "-o", "no/such/folder.npy", code=1, err="no/such/folder.npy")
    program.run(*run, "-o", "y.npy", "--hn", "no/h.npy", code=1, err="no/h.npy")
    program.run(*run, "-o", "y.npy", "--cn", "folder", code=1, err="folder")
    if os.path.exists("/dev/full"):
        program.run(*run, "-o", "/dev/full", "--hn", "last.npy", code=1, err="/dev/full.*No space left")
        with open("/dev/full", "wb") as full:
            program.run(*run, "--hn", "last.npy", stdout=full, code=1, err="No space left")


def case_folder_without_write_permission(program):
    prepare(program)
    if os.geteuid() == 0:
        raise Skip("root writes everywhere")
    program.path_of("folder").mkdir(mode=0o500)
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "folder/y.npy", code=1, err="folder/y.npy.*Permission denied")


def case_no_room_for_the_output(program):
    # A limit on the size of files stands for a full disk.
    cell = Cell(1, 64)
    write_safetensors(program.path_of("m.safetensors"), cell.tensors())
    write_npy(program.path_of("x.npy"), (4096, 1), [0.0] * 4096)
    before = program.files()
    done = subprocess.run(["sh", "-c", 'ulimit -f 64; trap "" XFSZ; exec "$0" run m.safetensors -i x.npy -o y.npy', program.path], cwd=program.folder,
                          capture_output=True, env=program.environment({}), check=False)
    assert done.returncode == 1 and b"1048" in done.stderr, done
    assert program.files() == before


def case_an_older_output_survives_a_failure(program):
    prepare(program)
    program.path_of("y.npy").write_bytes(b"older")
    refuse(program, "No such file", x="nothere.npy")
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "--hn", "no/h.npy", code=1)
    assert program.path_of("y.npy").read_bytes() == b"older"


def case_control_characters_do_not_reach_the_terminal(program):
    name = "\x1b[31mred\x07"
    write_safetensors(program.path_of("c.safetensors"), {name: ("F32", (1,), [1.0]), "b": ("F32", (1,), [1.0])}, {"note": "\x1b[2J"})
    prepare(program)
    for result in (program.run("info", "c.safetensors"), refuse(program, "red", x="c.safetensors")):
        assert b"\x1b" not in result.out and "\x1b" not in result.err, result
    document = json.loads(program.run("info", "c.safetensors", "--json").out)
    assert name in [tensor["name"] for tensor in document["tensors"]]


def case_a_kernel_that_does_not_build(program):
    prepare(program)
    folder = program.path_of("kernels")
    folder.mkdir()
    for path in program.kernels.iterdir():
        if path.suffix in (".cl", ".h"):
            text = path.read_text(encoding="utf-8")
            (folder / path.name).write_text(text + ("\nthis is no kernel;\n" if path.suffix == ".cl" else ""), encoding="utf-8")
    env = {"OCLSTM_KERNEL_DIR": str(folder)}
    for engine in ("portable", "clblast"):
        refuse(program, "failed call: .*CL_BUILD_PROGRAM_FAILURE.*device: .*build log:.*error", "-e", engine, env=env)
    (folder / "portable.cl").unlink()
    refuse(program, "portable.cl", "-e", "portable", env=env)


def case_more_than_the_device_allows(program):
    devices = json.loads(program.run("devices", "--json").out)["devices"]
    most = next(device for device in devices if device["chosen_by_auto"])["limits"]["max_allocation_bytes"]
    inputs = most // (4 * 1024 * 4) + 4096
    if inputs * 4 * 1024 * 4 > 64 << 30:
        raise Skip("the device takes more than this test writes")
    shape, small = [4096, inputs], 4096 * 1024 * 4
    large = 4096 * inputs * 4
    header = json.dumps({"weight_ih": {"dtype": "F32", "shape": shape, "data_offsets": [0, large]},
                         "weight_hh": {"dtype": "F32", "shape": [4096, 1024], "data_offsets": [large, large + small]}}).encode()
    header += b" " * (-len(header) % 8)
    with open(program.path_of("large.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + large + small)
    write_sparse_npy(program.path_of("x.npy"), (1, inputs))
    for engine in ("portable", "clblast"):
        refuse(program, rf"{large}|{large / 2**30:.1f} GiB|{large >> 20} MiB", "-e", engine, model="large.safetensors")


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
