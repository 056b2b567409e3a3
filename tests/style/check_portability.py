#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Vendors are known in one file, and the portable kernels use nothing that a device may lack."""

import re

from source_tree import ROOT, project_files, report

# Names by which code could tell drivers and devices apart.
VENDORS = re.compile(
    r"pocl|portable computing|nvidia|cuda|\bamd\b|advanced micro|rocm|intel|\barm\b|mali|adreno|qualcomm|powervr|imagination|apple|xilinx|altera|"
    r"vivante|verisilicon|\bti\b|texas|huawei|ascend|oclgrind|rusticl|mesa",
    re.IGNORECASE,
)
KNOWING = {"src/device/device_facts.c", "src/device/tuned_presets.c"}
# Words for a person: which package to install. A name of an OpenCL code.
ALLOWED = {"src/device/device_select.c": {"pocl-opencl-icd`, for a GPU or an accelerator its vendor's OpenCL package"},
           "src/device/opencl_names.c": {"CL_INVALID_ACCELERATOR_INTEL"}}

# Comments go, strings stay; a quote inside a comment or // inside a string is told apart by order.
TOKENS = re.compile(r'(?P<string>"(?:\\.|[^"\\])*")|(?P<comment>//[^\n]*|/\*.*?\*/)', re.DOTALL)

# What the floor of portability does without, and why.
LACKING = {
    r"\b(__local|local|CLK_LOCAL_MEM_FENCE)\b": "local memory",
    r"\b(barrier|work_group_barrier|mem_fence)\s*\(": "barriers",
    r"\batom(ic)?_\w+\s*\(": "atomics",
    r"\b(double)\b": "doubles other than REAL",
    r"\b(long|ulong|int64_t|uint64_t)\b": "64-bit integers",
    r"\b(float|int|uint|half|char|uchar|short|ushort|REAL)(2|3|4|8|16)\b|\bv(load|store)(2|3|4|8|16)\b": "vector types",
    r"\bsize_t\b": "size_t",
    r"\bimage\w*_t\b|\bsampler_t\b": "images",
    r"\bsub_group_\w+": "sub-groups",
    r"\bprintf\s*\(": "printf",
    r"\breqd_work_group_size\b": "work-groups of a given size",
    r"^\s*(?:__private\s+)?(?:REAL|float|int|uint)\s+\w+\s*\[": "private arrays",
}
PORTABLE = ["cl/portable.cl", "cl/lstm_shared.h"]


def without_comments(text: str) -> str:
    return TOKENS.sub(lambda match: match["string"] or re.sub(r"[^\n]", " ", match["comment"]), text)


def kernels_part(path: str, text: str) -> str:
    """Of the header that host and kernels share, what kernels see."""
    guard = re.search(r"^#if.*__OPENCL_VERSION__.*$", text, re.MULTILINE) if path.endswith(".h") else None
    return text[guard.end():] if guard else text


def vendor_faults() -> list[str]:
    faults = []
    for path in project_files():
        name = path.as_posix()
        if path.suffix not in {".c", ".h", ".cl"} or path.parts[0] not in {"src", "cl"} or name in KNOWING:
            continue
        for number, line in enumerate(without_comments((ROOT / path).read_text(encoding="utf-8")).split("\n"), 1):
            for allowed in ALLOWED.get(name, ()):
                line = line.replace(allowed, "")
            found = VENDORS.search(line)
            if found:
                faults.append(f"{name}:{number}: '{found[0]}' outside {', '.join(sorted(KNOWING))}: {line.strip()}")
    return faults


def portable_faults() -> list[str]:
    faults = []
    for path in PORTABLE:
        text = without_comments((ROOT / path).read_text(encoding="utf-8"))
        before = text[: len(text) - len(kernels_part(path, text))].count("\n")
        for number, line in enumerate(kernels_part(path, text).split("\n"), before + 1):
            for pattern, what in LACKING.items():
                if re.search(pattern, line):
                    faults.append(f"{path}:{number}: {what}, which a device may lack: {line.strip()}")
    return faults


def argument_faults() -> list[str]:
    """Kernel arguments: buffers and 32-bit numbers alone, in every kernel of the portable program."""
    faults = []
    text = without_comments((ROOT / "cl/portable.cl").read_text(encoding="utf-8"))
    kernels = re.findall(r"__kernel\s+void\s+(\w+)\s*\(([^)]*)\)", text)
    for name, arguments in kernels:
        for argument in arguments.split(","):
            argument = " ".join(argument.split())
            if not re.fullmatch(r"__global (const )?\w+ \*\w+|u?int \w+|float \w+", argument):
                faults.append(f"cl/portable.cl: {name}: the argument '{argument}' is neither a buffer nor a 32-bit number")
    return faults if kernels else ["cl/portable.cl: no kernel found"]


def main() -> None:
    report([
        ("no vendor or platform is named outside the files that know them", vendor_faults()),
        ("the portable kernels use nothing that a device may lack", portable_faults()),
        ("the portable kernels take buffers and 32-bit numbers", argument_faults()),
    ])


if __name__ == "__main__":
    main()
