#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A device without a compiler that runs what was compiled elsewhere: imitated_offline_cases.py OCLSTM LAYER DEVICE [CASE...]"""

import re
import shutil

from imitated import SMALL, Imitated, golden, main, run_arguments, same_numbers

NO_COMPILER = {"type": "accelerator", "compiler": 0}
EXPORT = "oclstm kernels --export"


def compiled(program, keys, *arguments):
    """Kernels for such a device, compiled by one that differs in nothing but its compiler."""
    Imitated(program, {**keys, "compiler": 1}).run("kernels", "--export", "bin", "--binaries", *arguments)
    return {"OCLSTM_KERNEL_BINARY": str(program.path_of("bin"))}


def case_offline_names_the_export(program):
    Imitated(program, NO_COMPILER).is_unusable("no compiler", EXPORT, "--kernel-binary")
    # A folder without kernels is none.
    program.path_of("empty").mkdir()
    Imitated(program, NO_COMPILER).run("devices", "--kernel-binary", "empty", code=3, out="no compiler")


def case_offline_exports_without_a_compiler(program):
    """The same programs as with one, but for those of the engine that compiles kernels of its own."""
    imitated = Imitated(program, NO_COMPILER)
    for arguments in ([], ["-d", "0"], ["-d", "npu"], ["-d", "0:0"]):
        shutil.rmtree(program.path_of("sources"), ignore_errors=True)
        imitated.run("kernels", "--export", "sources", *arguments, err="for device 0, .* which has no compiler")
    assert imitated.counts()["builds"] == imitated.counts()["contexts"] == 0, imitated.counts()
    Imitated(program, {**NO_COMPILER, "compiler": 1}).run("kernels", "--export", "all")
    found, wanted = ({file.name: file.read_bytes() for file in program.path_of(name).glob("*.cl")} for name in ("sources", "all"))
    assert found == {name: text for name, text in wanted.items() if not name.startswith("clblast_")} and len(found) >= 2, found.keys()


def case_offline_gives_the_same_numbers(program):
    for keys in (NO_COMPILER, {"compiler": 0}):
        env = compiled(program, keys)
        imitated = Imitated(program, keys)
        imitated.env.update(env)
        assert imitated.only()["usable"]
        used = same_numbers(imitated, ["auto", "portable", "fused"])
        assert "clblast" not in used["auto"], used
        shutil.rmtree(program.path_of("bin"))


def case_offline_gives_the_same_bits(program):
    run = run_arguments(program)
    env = compiled(program, NO_COMPILER, "m.safetensors")
    for engine in ("auto", "portable", "fused"):
        Imitated(program, {**NO_COMPILER, "compiler": 1}).run(*run, "-e", engine)
        plain = program.path_of("y.npy").read_bytes()
        Imitated(program, NO_COMPILER).run(*run, "-e", engine, "-v", env=env, err=r"kernels: 0 programs built from source.* [1-9]\d* compiled offline")
        assert program.path_of("y.npy").read_bytes() == plain


def case_offline_refuses_clblast(program):
    run = run_arguments(program)
    env = compiled(program, NO_COMPILER, "m.safetensors")
    Imitated(program, NO_COMPILER).run(*run, "-e", "clblast", env=env, code=1, err="clblast.*no compiler")


def case_offline_says_what_is_missing(program):
    run = run_arguments(program)
    env = compiled(program, NO_COMPILER, "m.safetensors")
    (binary,) = program.path_of("bin").glob("portable-*.bin")
    kept = binary.read_bytes()
    missing = [rf"has no compiler, and \"{re.escape(env['OCLSTM_KERNEL_BINARY'])}\" holds no kernels for the program \"{binary.stem}\"", r"portable\.cl, options \"-cl-std=",
               re.escape(EXPORT) + " DIR", re.escape(f"{binary.stem}.cl with the options of {binary.stem}.options")]
    binary.unlink()
    Imitated(program, NO_COMPILER).run(*run, "-e", "portable", env=env, code=1, err=".*".join(missing))
    # SPIR-V on a device that lists none; a binary of another driver.
    spirv = binary.with_suffix(".spv")
    spirv.write_bytes(b"\x03\x02\x23\x07")
    Imitated(program, NO_COMPILER).run(*run, "-e", "portable", env=env, code=1, err="the device lists no SPIR-V")
    spirv.unlink()
    binary.write_bytes(b"of another driver")
    Imitated(program, NO_COMPILER).run(*run, "-e", "portable", env=env, code=1, err=r"\.bin\" is not used: clCreateProgramWithBinary gives CL_")
    binary.write_bytes(kept)
    Imitated(program, NO_COMPILER).run(*run, "-e", "portable", env=env)


def case_offline_works_from_every_command(program):
    env = compiled(program, NO_COMPILER)
    imitated = Imitated(program, NO_COMPILER)
    folder = ["--kernel-binary", env["OCLSTM_KERNEL_BINARY"]]
    imitated.run("devices", *folder, out=r"\* 0 ")
    imitated.run("check", *golden(program, *SMALL[:1]), *folder)
    imitated.run("selftest", "--quick", "-e", "portable", *folder)
    imitated.run("bench", "--shape", "1,8,8,3", "--repeat", "3", "--no-roofs", *folder)
    run_arguments(program)
    imitated.run("kernels", "--warm", "m.safetensors", *folder)


if __name__ == "__main__":
    raise SystemExit(main(dict(globals())))
