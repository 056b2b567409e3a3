# SPDX-License-Identifier: Apache-2.0
"""What the device jobs have in common: finding drivers, and the checks that each job makes with the program."""

import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

from cli_case import ROOT, Program, Skip
from cli_files import read_npy, write_npy

POCL = "Portable Computing Language"
INTEL = "Intel(R) OpenCL"
OCLGRIND_DRIVER = "/usr/lib/oclgrind/liboclgrind-rt-icd.so"
ENGINES = ("portable", "fused", "clblast")


class Missing(Exception):
    """A part that the job needs is not installed; the argument says which."""


def vendor_file(word):
    """The text of the vendor file that names a driver, or None."""
    folder = pathlib.Path(os.environ.get("OCL_ICD_VENDORS") or "/etc/OpenCL/vendors")
    for path in sorted(folder.glob("*.icd")) if folder.is_dir() else []:
        text = path.read_text(errors="replace")
        if word in text:
            return text
    return None


def pocl_driver():
    text = vendor_file("pocl")
    if not text:
        raise Missing("PoCL is not installed: no vendor file of the OpenCL loader names it")
    return text


def oclgrind_driver():
    if not pathlib.Path(OCLGRIND_DRIVER).exists():
        raise Missing(f"Oclgrind is not installed: no {OCLGRIND_DRIVER}")
    return OCLGRIND_DRIVER + "\n"


def intel_folder():
    """Where tests/devices/install_intel has put Intel's runtime."""
    folder = pathlib.Path(os.environ.get("OCLSTM_INTEL_RUNTIME") or ROOT / "build" / "intel")
    if not (folder / "lib" / "libintelocl.so").exists():
        reason = folder / "reason"
        why = reason.read_text(errors="replace").strip() if reason.exists() else "tools/setup --ci fetches it"
        raise Missing(f"Intel's OpenCL runtime is not installed: {why}")
    return folder


class Job:
    """One configuration of drivers and environment, and the program in it. `skips` names what the matrix may skip: (engine, dtype,
    what the reason says), as regular expressions."""

    def __init__(self, name, path, results, drivers, env=None, skips=()):
        self.name, self.skips = name, skips
        self.results = pathlib.Path(results) / f"{name}.json"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="oclstm-device-job-"))
        (self.folder / "work").mkdir()
        vendors = self.folder / "vendors"
        vendors.mkdir()
        for place, text in enumerate(drivers):
            (vendors / f"{place}.icd").write_text(text)
        self.program = Program(os.path.abspath(path), self.folder / "work")
        # What is compiled here is kept for the next run; PoCL keeps its own.
        cache = pathlib.Path(results) / "cache"
        self.env = {"OCL_ICD_VENDORS": str(vendors), "OCLSTM_CACHE_DIR": str(cache), **(env or {})}

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *arguments, **options):
        # A compiler without a cache of its own, or a simulator, on a busy machine; meson has the last word.
        return self.program.run(*arguments, env=self.env, timeout=1500, **options)

    def devices(self):
        return json.loads(self.run("devices", "--json").out)["devices"]

    def index_of(self, platform):
        """The selector of the device that `auto` would take of a platform: the one with the most compute units."""
        found = [device for device in self.devices() if device["platform"] == platform and device["usable"]]
        assert found, f"no usable device of {platform}"
        return str(max(found, key=lambda device: device["limits"]["compute_units"])["index"])

    # --- checks ---

    def may_skip(self, group):
        return any(re.fullmatch(engine, group["engine"]) and re.fullmatch(dtype, group["dtype"]) and re.search(reason, group["reason"])
                   for engine, dtype, reason in self.skips)

    def matrix(self, *arguments, devices=None):
        """Every engine, dtype and form of call on each device: nothing fails, and nothing is skipped but what the job expects."""
        self.results.unlink(missing_ok=True)
        out = self.run("selftest", "--all", "--quick", "--json", *arguments).out
        document = json.loads(out)
        used = [device for device in document["devices"] if device["result"] != "unusable"]
        assert document["pass"] and document["passed"] and not document["failed"], document
        assert used and (devices is None or len(used) == devices), [device["name"] for device in document["devices"]]
        for device in used:
            assert device["result"] == "pass", device
            for group in device["groups"]:
                good = group["result"] == "pass" or (group["result"] == "skipped" and self.may_skip(group))
                assert good, f"{device['name']}: {group}"
                assert group["engine"] != "portable" or group["passed"] or group["dtype"] == "float64", group
        self.results.parent.mkdir(parents=True, exist_ok=True)
        self.results.write_bytes(out)

    def reference_files(self, *arguments, pattern="*_cell_*.safetensors"):
        """What PyTorch and MindSpore computed."""
        files = sorted((self.program.data / "cells").glob(pattern))
        document = json.loads(self.run("check", "--json", *arguments, *files).out)
        assert document["ok"] + document["skip"] == len(files) and document["ok"] > 0 and not document["fail"], document
        for entry in document["files"]:
            assert entry["result"] == "ok" or "float64" in json.dumps(entry), entry

    def recording(self, *arguments):
        """A minute of speech through the cell of Silero VAD."""
        folder = self.program.data / "silero"
        self.run("run", folder / "silero_vad_16k.safetensors", "--cell", "lstm_cell", "-i", folder / "features.npy", "-o", "y.npy", *arguments)
        found, expected = read_npy(self.folder / "work" / "y.npy"), read_npy(folder / "hidden.npy")
        assert found[:2] == expected[:2], found[:2]
        worst = max(abs(a - b) for a, b in zip(found[2], expected[2]))
        assert worst <= 2e-5, worst

    def batch(self, *selectors, tolerance=0.0):
        """The same recording as a batch of 125 rows: each selector gives what the first does."""
        folder = self.program.data / "silero"
        descr, _, values = read_npy(folder / "features.npy")
        write_npy(self.folder / "work" / "x.npy", (15, 125, 128), values, descr=descr)
        results = []
        for selector in selectors:
            self.run("run", folder / "silero_vad_16k.safetensors", "--cell", "lstm_cell", "-i", "x.npy", "-o", "y.npy", "-d", selector)
            results.append(read_npy(self.folder / "work" / "y.npy")[2])
        for selector, result in zip(selectors[1:], results[1:]):
            worst = max(abs(a - b) for a, b in zip(result, results[0]))
            assert worst <= tolerance, f"{selector} differs from {selectors[0]} by {worst}"


__all__ = ["ENGINES", "INTEL", "Job", "Missing", "OCLGRIND_DRIVER", "POCL", "ROOT", "Skip", "intel_folder", "oclgrind_driver", "pocl_driver"]
