#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm convert`: every model file into what is written, and back. convert_cases.py OCLSTM [CASE...]"""

import json
import os
import shutil
import struct
import sys
import zipfile

from cli_case import Skip, run_cases
from cli_files import npy_bytes, randoms, read_npy, write_npy, write_safetensors


def models(program):
    """Every model file, without the inputs and answers beside them and without those that are refused."""
    files = sorted((program.data / "models").iterdir())
    files = [path for path in files if ".io." not in path.name and not path.name.startswith("refuse_")]
    assert len(files) >= 20, files
    return files


def tensors_of(path):
    """({name: (dtype, shape, bytes)}, metadata) of a safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    body = data[8 + length:]
    return {name: (entry["dtype"], entry["shape"], body[slice(*entry["data_offsets"])]) for name, entry in header.items()}, metadata


def case_every_model_there_and_back(program):
    for model in models(program):
        program.run("convert", model, "a.safetensors", err=rf"{model.name} \((torch|mindspore|onnx|safetensors)\): \d+ tensors to a.safetensors")
        first, metadata = tensors_of(program.path_of("a.safetensors"))
        assert first, model
        if model.suffix == ".safetensors":
            assert first == tensors_of(model)[0], model
        program.run("convert", "a.safetensors", "b.safetensors")
        assert tensors_of(program.path_of("b.safetensors")) == (first, metadata), model
        if any(dtype == "BF16" for dtype, _, _ in first.values()):
            program.run("convert", model, "a.npz", code=1, err="is bfloat16, which NumPy has not: write .safetensors")
            continue
        program.run("convert", model, "a.npz")
        program.run("convert", "a.npz", "c.safetensors", err=r"a.npz \(npz\): ")
        assert tensors_of(program.path_of("c.safetensors"))[0] == first, model
        os.unlink(program.path_of("a.npz"))


def judged(program, path):
    document = json.loads(program.run("check", "--json", path).out)
    (entry,) = document["files"]
    assert entry["result"] in ("ok", "skip"), entry
    return entry


def case_a_converted_file_gives_the_same_numbers(program):
    compared = 0
    for model in models(program):
        answers = model.with_name(model.stem + ".io.safetensors")
        if not answers.exists():
            continue
        before = judged(program, model)
        # Without metadata an .npz file does not say which activations an ONNX node has.
        for ending in ["safetensors", "npz"] if model.suffix in (".pt", ".ckpt") and "bf16" not in model.name else ["safetensors"]:
            name = f"{model.stem}.{ending}"
            shutil.copy(answers, program.path_of(answers.name))
            program.run("convert", model, name)
            after = judged(program, name)
            assert (after["result"], after.get("error")) == (before["result"], before.get("error")), (before, after)
            compared += after["result"] == "ok"
            os.unlink(program.path_of(name))
    assert compared >= 20, compared


def case_run_gives_the_same_bytes(program):
    model = program.data / "models" / "torch_lstm_proj.pt"
    answers, _ = tensors_of(program.data / "models" / "torch_lstm_proj.io.safetensors")
    _, shape, data = answers["x"]
    write_npy(program.path_of("x.npy"), shape, struct.unpack(f"<{len(data) // 4}f", data))
    program.run("convert", model, "m.safetensors")
    program.run("convert", "m.safetensors", "m.npz")
    for name, path in (("a", model), ("b", "m.safetensors"), ("c", "m.npz")):
        program.run("run", path, "-i", "x.npy", "-o", name + ".npy", "--hn", name + "h.npy")
    for end in (".npy", "h.npy"):
        first = program.path_of("a" + end).read_bytes()
        assert first == program.path_of("b" + end).read_bytes() == program.path_of("c" + end).read_bytes()


def case_metadata_and_layers_are_kept(program):
    model = program.data / "models" / "onnx_clip.onnx"
    program.run("convert", model, "a.safetensors")
    _, metadata = tensors_of(program.path_of("a.safetensors"))
    assert any(key.endswith(".clip") for key in metadata), metadata
    tagger = program.data / "models" / "torch_tagger.safetensors"
    program.run("convert", tagger, "t.safetensors")
    found = [layer["name"] for layer in json.loads(program.run("info", "--json", "t.safetensors").out)["layers"]]
    program.run("convert", tagger, "u.safetensors", "--layers", ",".join(found))
    tensors, metadata = tensors_of(program.path_of("u.safetensors"))
    assert metadata == {**tensors_of(tagger)[1], "oclstm.layers": ",".join(found)}, metadata
    assert tensors == tensors_of(tagger)[0]
    program.run("convert", "u.safetensors", "v.safetensors")
    assert tensors_of(program.path_of("v.safetensors"))[1]["oclstm.layers"] == ",".join(found)
    program.run("convert", "u.safetensors", "w.safetensors", "--layers", ",".join(found[:2]))
    assert tensors_of(program.path_of("w.safetensors"))[1]["oclstm.layers"] == ",".join(found[:2])
    program.run("convert", "u.safetensors", "u.npz", err="an .npz file has no place for the metadata")
    program.run("convert", tagger, "x.safetensors", "--layers", "nothere", code=1, err="nothere")


def case_arrays(program):
    values = randoms((2, 3), "x")
    for options in ({}, {"fortran": True}, {"descr": ">f4"}, {"descr": "<f8"}):
        write_npy(program.path_of("x.npy"), (2, 3), values, **options)
        program.run("convert", "x.npy", "x.safetensors", err="1 tensor to x.safetensors$")
        dtype, shape, data = tensors_of(program.path_of("x.safetensors"))[0]["array"]
        assert shape == [2, 3] and struct.unpack(f"<6{'f' if dtype == 'F32' else 'd'}", data) == tuple(values)
    with zipfile.ZipFile(program.path_of("y.npz"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", npy_bytes((3, 2), values, fortran=True))
    program.run("convert", "y.npz", "z.npz")
    with zipfile.ZipFile(program.path_of("z.npz")) as archive:
        assert archive.testzip() is None and archive.namelist() == ["w.npy"]
        assert read_npy(archive.read("w.npy")) == ("<f4", (3, 2), values)


def case_numpy_reads_what_is_written(program):
    try:
        import numpy
    except ImportError:
        raise Skip("NumPy is not installed") from None
    program.run("convert", program.data / "models" / "torch_tagger.pt", "t.npz")
    first, _ = tensors_of(program.data / "models" / "torch_tagger.safetensors")
    with numpy.load(program.path_of("t.npz"), allow_pickle=False) as found:
        assert sorted(found) == sorted(first)
        for name in found:
            assert found[name].tobytes() == first[name][2] and list(found[name].shape) == first[name][1]


def case_torch_reads_what_is_written(program):
    try:
        from safetensors.numpy import load_file
    except ImportError:
        raise Skip("safetensors is not installed") from None
    program.run("convert", program.data / "models" / "torch_tagger.pt", "t.safetensors")
    first, _ = tensors_of(program.data / "models" / "torch_tagger.safetensors")
    found = load_file(str(program.path_of("t.safetensors")))
    assert {name: array.tobytes() for name, array in found.items()} == {name: entry[2] for name, entry in first.items()}


def case_endings(program):
    model = program.data / "models" / "torch_tagger.safetensors"
    for name in ("out.pt", "out.npy", "out.onnx", "out.SAFETENSORS", "out", "safetensors", "npz/out"):
        program.run("convert", model, name, code=2, err="ends in no format that is written; expected NAME.safetensors or NAME.npz")
    program.run("convert", model, code=2)
    program.run("convert", code=2)
    program.run("convert", model, "a.npz", "b.npz", code=2)


def case_files_that_cannot_be_read(program):
    program.path_of("noise").write_bytes(bytes(range(256)))
    program.path_of("cut.pt").write_bytes((program.data / "models" / "torch_tagger.pt").read_bytes()[:-100])
    for name, words in (("nothere.pt", "No such file"), ("noise", "is no safetensors file"), ("cut.pt", "truncated or damaged"), (".", "is a directory")):
        program.run("convert", name, "out.safetensors", code=1, err=words)
    for name, asked in (("refuse_pickle_command.pt", "posix.system"), ("refuse_whole_module.pt", "torch.nn.modules.rnn.LSTMCell")):
        for out in ("out.safetensors", "out.npz"):
            program.run("convert", program.data / "models" / name, out, code=1, err=f"'{asked}'.*nothing was executed")
    assert not program.path_of("PWNED").exists()


def case_files_that_cannot_be_written(program):
    model = program.data / "models" / "torch_tagger.pt"
    program.path_of("kept.npz").write_bytes(b"as it was")
    program.run("convert", model, "folder/out.npz", code=1, err="folder must exist")
    program.run("convert", program.data / "models" / "torch_cell_bf16.pt", "kept.npz", code=1, err="is bfloat16")
    assert program.path_of("kept.npz").read_bytes() == b"as it was"
    os.mkdir(program.path_of("dir.npz"))
    program.run("convert", model, "dir.npz", code=1, err="it is a directory")
    os.symlink("/dev/full", program.path_of("full.npz"))
    program.run("convert", model, "full.npz", code=1, err="No space left")
    # A path as a tensor's name would lead outside the archive.
    write_safetensors(program.path_of("up.safetensors"), {"../w": ("F32", (1,), [1.0])})
    program.run("convert", "up.safetensors", "up.npz", code=1, err="'../w' cannot be a file of a zip archive")
    with zipfile.ZipFile(program.path_of("meta.npz"), "w") as archive:
        archive.writestr("__metadata__.npy", npy_bytes((1,), [1.0]))
    program.run("convert", "meta.npz", "meta.safetensors", code=1, err="no tensor may have the name __metadata__")


def case_over_itself_and_quietly(program):
    model = program.data / "models" / "torch_tagger.safetensors"
    shutil.copy(model, program.path_of("m.safetensors"))
    program.run("convert", "-q", "m.safetensors", "m.safetensors", out="^$", err="^$")
    assert tensors_of(program.path_of("m.safetensors")) == tensors_of(model)
    assert program.files() == {"m.safetensors"}


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
