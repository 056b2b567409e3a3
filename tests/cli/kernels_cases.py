#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm kernels`, kernels kept on disk and compiled offline, seen from outside: kernels_cases.py OCLSTM [CASE...]"""

import json
import re
import shutil
import subprocess

from cli_case import Skip, close, run_cases
from cli_files import Cell, randoms, read_npy, write_npy, write_safetensors

SPIRV_TOOLS = (("clang-14", "clang"), ("llvm-spirv-14", "llvm-spirv"))


def model(program, inputs=6, hidden=9):
    write_safetensors(program.path_of("m.safetensors"), Cell(inputs, hidden).tensors("enc."))
    write_npy(program.path_of("x.npy"), (5, 2, inputs), randoms((5, 2, inputs), "x"))
    return ["run", "m.safetensors", "-i", "x.npy", "-o", "y.npy"]


def kept(program, **more):
    """The cache in the case's folder, on for every driver."""
    return {"OCLSTM_CACHE_DIR": str(program.path_of("cache")), "OCLSTM_KERNEL_CACHE": "1", **more}


def counts(result):
    found = re.search(r"^oclstm: kernels: (\d+) programs? built from source, (\d+) of them kept, (\d+) from the disk cache, (\d+) compiled offline",
                      result.err, re.MULTILINE)
    assert found, result
    return tuple(map(int, found.groups()))


def device(program):
    """The selector of the device that auto picks: a shape alone would go to another device of the CPU."""
    return ["-d", str(next(entry["index"] for entry in json.loads(program.run("devices", "--json").out)["devices"] if entry["chosen_by_auto"]))]


def case_the_second_process_builds_nothing(program):
    run = [*model(program), *device(program), "-v"]
    built, saved, cached, offline = counts(program.run(*run, env=kept(program)))
    assert built == saved >= 1 and (cached, offline) == (0, 0)
    first = program.path_of("y.npy").read_bytes()
    assert counts(program.run(*run, env=kept(program))) == (0, 0, built, 0)
    assert program.path_of("y.npy").read_bytes() == first
    # Not even with a folder of kernels that do not compile: its text is another key, so there it fails.
    broken = program.path_of("broken")
    shutil.copytree(program.kernels, broken)
    for file in broken.glob("*.cl"):
        file.write_text("#error broken\n")
    program.run(*run[:-1], "-o", "z.npy", code=1, env=kept(program, OCLSTM_KERNEL_DIR=str(broken)), err="clBuildProgram")
    # A damaged cache is no error.
    for file in program.path_of("cache").glob("kernels/*.clbin"):
        file.write_bytes(file.read_bytes()[:100])
    assert counts(program.run(*run, env=kept(program), err="is not used: it is cut off")) == (built, saved, 0, 0)
    assert program.path_of("y.npy").read_bytes() == first


def case_a_driver_without_a_cache_of_its_own(program):
    """Nothing has to be asked for; and nobody else can read what is kept."""
    run = [*model(program), *spirv_device(program), "-v"]
    here = {"OCLSTM_CACHE_DIR": str(program.path_of("cache"))}
    built, saved, cached, _ = counts(program.run(*run, env=here))
    assert built == saved >= 1 and cached == 0
    first = program.path_of("y.npy").read_bytes()
    assert counts(program.run(*run, env=here)) == (0, 0, built, 0)
    assert program.path_of("y.npy").read_bytes() == first
    folder = program.path_of("cache") / "kernels"
    assert folder.stat().st_mode & 0o777 == 0o700 and all(file.stat().st_mode & 0o777 == 0o600 for file in folder.iterdir())


def case_a_list_and_an_end(program):
    folder = str(program.path_of("cache") / "kernels")
    empty = {"folder": folder, "kernels": []}
    assert json.loads(program.run("kernels", "--list", "--json", env=kept(program)).out) == empty
    program.run("kernels", "--list", env=kept(program), out="^0 programs, 0 KiB, in .*/cache/kernels\n$")
    program.run(*model(program), *device(program), env=kept(program))
    listed = json.loads(program.run("kernels", "--list", "--json", env=kept(program)).out)["kernels"]
    assert listed and all(entry["usable"] and entry["reason"] is None and entry["size_bytes"] > 0 for entry in listed), listed
    assert any(".cl" in entry["files"] and "-D REAL=float" in entry["options"] for entry in listed), listed
    program.run("kernels", "--list", "-v", env=kept(program), out=r"\.clbin .* KiB  \d{4}-\d\d-\d\d \d\d:\d\d  .*\n    driver .*options -cl-std")
    program.run("kernels", "--clear", env=kept(program), out=rf"^{len(listed)} files? removed, \d+ KiB\n$")
    assert json.loads(program.run("kernels", "--list", "--json", env=kept(program)).out) == empty
    program.run("kernels", "--list", env={"OCLSTM_CACHE_DIR": ""}, out="in no folder: OCLSTM_CACHE_DIR is empty")
    program.run("kernels", "--clear", env={"OCLSTM_CACHE_DIR": ""}, out="^0 files removed")


def case_warmed_up(program):
    run = [*model(program), "-v"]
    where = device(program)
    program.run("kernels", "--warm", "m.safetensors", "--batch", "2", *where, env=kept(program), err="cell 'enc' is ready for batch 2 in float32 on ")
    built, _, cached, _ = counts(program.run(*run, *where, env=kept(program)))
    assert built == 0 and cached >= 1
    program.run("kernels", "--warm", "m.safetensors", "--cell", "none", code=1, err="none")
    program.run("kernels", "--warm", "absent.safetensors", code=1, err="absent.safetensors")
    program.run("kernels", "--warm", "m.safetensors", "--batch", "0", code=2, err="--batch '0' is not valid: expected a whole number, 1 or greater")


def case_no_room_is_no_error(program):
    program.path_of("cache").write_text("a file")
    program.run(*model(program), *device(program), "-v", env=kept(program), err="a kernel is not kept: cannot write \".*/cache/kernels/")


def case_exported_for_no_device(program):
    result = program.run("kernels", "--export", "all", "-d", "none", out=r"^\d+ programs in all; README.txt", err="for no device in particular")
    count = int(re.match(rb"\d+", result.out)[0])
    folder = program.path_of("all")
    assert len(list(folder.glob("*.cl"))) == len(list(folder.glob("*.options"))) == count
    assert "No device was named. Assumed: OpenCL 1.2" in (folder / "README.txt").read_text()
    # A machine without any driver gives the same.
    nothing = program.path_of("nothing")
    nothing.mkdir()
    program.run("kernels", "--export", "same", env={"OCL_ICD_VENDORS": str(nothing), "OCL_ICD_FILENAMES": ""}, err="for no device in particular")
    assert {file.name: file.read_bytes() for file in program.path_of("same").iterdir()} == {file.name: file.read_bytes() for file in folder.iterdir()}


def case_exported_with_binaries(program):
    run = [*model(program), *device(program), "-v"]
    program.run("kernels", "--export", "bin", "m.safetensors", "--binaries", *device(program), out="programs? in bin")
    folder = program.path_of("bin")
    names = sorted(file.stem for file in folder.glob("*.cl"))
    assert names and names == sorted(file.stem for file in folder.glob("*.bin"))
    built, *_ = counts(program.run(*run))
    plain = program.path_of("y.npy").read_bytes()
    assert built >= 1 and counts(program.run(*run, "--kernel-binary", "bin"))[::3] == (0, built)
    assert program.path_of("y.npy").read_bytes() == plain
    assert counts(program.run(*run, env={"OCLSTM_KERNEL_BINARY": str(folder)}))[::3] == (0, built)
    # What is missing is built, and said.
    for file in folder.glob("*.bin"):
        file.unlink()
    result = program.run(*run, "--kernel-binary", "bin", err='"bin" holds no [a-z_]+-[0-9a-f]{16}.bin or .spv')
    assert counts(result)[::3] == (built, 0)
    program.run(*run[:-1], "--kernel-binary", "absent", code=1, err='cannot open the folder of kernel binaries "absent"')


def case_what_is_misuse(program):
    program.run("kernels", code=2, err="one of --list, --clear, --warm MODEL and --export DIR is needed")
    program.run("kernels", "--list", "--clear", code=2, err="only one of")
    program.run("kernels", "--list", "m", code=2, err="MODEL as an operand belongs to --export")
    program.run("kernels", "--list", "--binaries", code=2, err="--binaries belongs to --export")
    program.run("kernels", "--clear", "--json", code=2, err="--json belongs to --list")
    program.run("kernels", "--export", "x", "-d", "no such device", code=2, err="no such device")
    program.run("kernels", "--export", "x", "--binaries", "-d", "none", code=3, err="--binaries needs a device with a compiler")
    program.run("tune", "--kernel-binary", "x", code=2, err="unknown")
    program.run("kernels", "--export", "/proc/none", "-d", "none", code=1, err='cannot write "/proc/none/')


def spirv_device(program):
    """A device that takes SPIR-V; Intel's CPU runtime is one."""
    for entry in json.loads(program.run("devices", "--json").out)["devices"]:
        if entry["platform"] == "Intel(R) OpenCL" and entry["usable"]:
            return ["-d", str(entry["index"])]
    raise Skip("no device that is known to take SPIR-V (Intel's CPU runtime)")


def case_compiled_to_spirv(program):
    where = spirv_device(program)
    tools = [next((tool for tool in names if shutil.which(tool)), None) for names in SPIRV_TOOLS]
    if None in tools:
        raise Skip(f"no {' or '.join(SPIRV_TOOLS[tools.index(None)])}")
    run = [*model(program, 20, 40), *where, "-v"]
    for engine in ("portable", "fused"):
        folder = program.path_of(engine)
        program.run("kernels", "--export", engine, "m.safetensors", "-e", engine, *where)
        built, *_ = counts(program.run(*run, "-e", engine))
        plain = read_npy(program.path_of("y.npy"))
        for source in folder.glob("*.cl"):
            options = source.with_suffix(".options").read_text().split()
            bitcode = source.with_suffix(".bc")
            subprocess.run([tools[0], "-target", "spir64", "-x", "cl", *options, "-U", "PREFETCH_BUILTIN", "-Xclang", "-finclude-default-header",
                            "-O2", "-Xclang", "-disable-llvm-passes", "-emit-llvm", "-c", source, "-o", bitcode], check=True, capture_output=True)
            subprocess.run([tools[1], bitcode, "-o", source.with_suffix(".spv")], check=True, capture_output=True)
        result = program.run(*run, "-e", engine, "--kernel-binary", engine)
        assert counts(result) == (0, 0, 0, built), result
        found = read_npy(program.path_of("y.npy"))
        assert found[:2] == plain[:2]
        close(found[2], plain[2], 1e-6)


if __name__ == "__main__":
    raise SystemExit(run_cases(dict(globals()), needs_device=True))
