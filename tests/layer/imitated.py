# SPDX-License-Identifier: Apache-2.0
"""The program on devices that are not here: PoCL's, seen through the layer that this folder builds. Cases are functions named
case_DEVICE_WHAT; a test runs those of one device: STEM_cases.py OCLSTM LAYER DEVICE [CASE...]"""

import atexit
import json
import os
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

from cli_case import run_cases
from cli_files import Cell, write_npy, write_safetensors

POCL = "Portable Computing Language"
layer = ""  # the shared object's path
# What is no file of a case: the folder of drivers and the layer's log.
OUTSIDE = pathlib.Path(tempfile.mkdtemp(prefix="oclstm-imitated-"))
atexit.register(shutil.rmtree, OUTSIDE, ignore_errors=True)


def pocl_folder():
    """A folder of drivers with PoCL's alone, so that the list is the same on every machine; None without PoCL."""
    folder = OUTSIDE / "vendors"
    if not folder.is_dir():
        vendors = pathlib.Path(os.environ.get("OCL_ICD_VENDORS") or "/etc/OpenCL/vendors")
        files = [path for path in vendors.glob("*.icd") if "pocl" in path.read_text(errors="replace")] if vendors.is_dir() else []
        if not files:
            return None
        folder.mkdir()
        shutil.copy(files[0], folder / "pocl.icd")
    return folder


def escape(value):
    """For OCLSTM_IMITATE; bytes keep what no text can hold."""
    text = os.fsdecode(value) if isinstance(value, bytes) else str(value)
    return "".join("\\" + letter if letter in "\\,;" else letter for letter in text)


class Imitated:
    """The program with PoCL's devices disguised, each as one dict of keys says; one dict alone is one device."""

    def __init__(self, program, *devices, below=None):
        self.program = program
        self.log = OUTSIDE / "log"
        self.env = {
            "OPENCL_LAYERS": layer,
            "OCLSTM_IMITATE": ";".join(",".join(f"{key}={escape(value)}" for key, value in keys.items()) for keys in devices),
            "OCLSTM_IMITATE_LOG": str(self.log),
            "OCL_ICD_VENDORS": str(pocl_folder()),
            "POCL_DEVICES": below or " ".join(["pthread"] * len(devices)),
        }

    def run(self, *arguments, env=None, **options):
        self.log.unlink(missing_ok=True)
        return self.program.run(*arguments, env={**self.env, **(env or {})}, **options)

    def json(self, *arguments, **options):
        return json.loads(self.run(*arguments, "--json", **options).out.decode("utf-8", errors="strict"))

    def counts(self):
        """What the last run called."""
        return {name: int(value) for name, value in (line.split() for line in self.log.read_text().splitlines())}

    def listed(self, code=0):
        return self.json("devices", code=code)["devices"]

    def only(self, code=0):
        devices = self.listed(code=code)
        assert len(devices) == 1, devices
        return devices[0]

    def is_unusable(self, *reason):
        """The one device is listed with the reason, every way to open it says so, and nothing is opened."""
        device = self.only(code=3)
        assert not device["usable"] and not device["chosen_by_auto"], device
        for part in reason:
            assert part in device["reason"], device
        run = run_arguments(self.program)
        for selector in ("auto", "0", device["name"][:6]):
            found = self.run(*run, "-d", selector, code=3, err="not usable: ")
            assert reason[0] in found.err, found
        counts = self.counts()
        assert counts["contexts"] == counts["builds"] == counts["buffers"] == 0, counts
        return device


def run_arguments(program):
    """A small model and its input; the results go to y.npy."""
    write_safetensors(program.path_of("m.safetensors"), Cell(3, 4).tensors())
    write_npy(program.path_of("x.npy"), (2, 3), [0.5] * 6)
    return ["run", "m.safetensors", "-i", "x.npy", "-o", "y.npy"]


def golden(program, *names):
    return [program.data / "cells" / (name + ".safetensors") for name in names]


FEW = ("torch_cell_odd", "torch_lstm_l1")
# One of these is of a shape for which CLBlast is taken where it can run, and its kernels take seconds to compile.
SMALL = ("torch_cell_odd", "mindspore_cell_tile_edges", "torch_cell_unbatched", "torch_lstm_l1")


def same_numbers(imitated, engines, *options, names=FEW):
    """Reference files of the frameworks, within their tolerance, on each engine. The engines that were used, by the name asked for."""
    used = {}
    for engine in engines:
        found = imitated.json("check", "--engine", engine, *options, *golden(imitated.program, *names))
        assert found["ok"] == len(names) and found["fail"] == found["skip"] == 0, found
        used[engine] = {file["engine"] for file in found["files"]}
        assert engine == "auto" or used[engine] == {engine}, found
        counts = imitated.counts()
        assert counts["launches"] > 0 and counts["launches_without_local_size"] == 0, counts
    return used


def main(names):
    global layer
    layer = os.path.abspath(sys.argv.pop(2))
    device = sys.argv.pop(2)
    if pocl_folder() is None:
        if os.environ.get("CI"):
            print("1..1\nnot ok 1 - PoCL, which CI must have")
            return 1
        print("1..0 # SKIP no PoCL to disguise")
        return 0
    cases = {name: case for name, case in names.items() if name.startswith(f"case_{device}_")}
    assert cases, f"no case of {device}"
    return run_cases(cases, needs_device=False)
