#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every file: licence line, length, name, whitespace, no notes to self, no path of the machine it was written on."""

import collections
import re

from source_tree import ROOT, project_files, report

MAX_LINES = 500
SOURCE_SUFFIXES = {".c", ".h", ".cl", ".cpp", ".py", ".sh", ".build", ".supp", ".1"}
SOURCE_NAMES = {"meson_options.txt"}
# Names that have a meaning of their own in every folder.
REPEATED_NAMES = {"README.md", "LICENSE", "meson.build", ".gitignore"}
BINARY_SUFFIXES = {".safetensors", ".npy", ".npz", ".pt", ".ckpt", ".onnx", ".svg", ".csv"}  # data, or made by a program
MAX_TREE_BYTES = 40 << 20

# Split so that this file passes its own check.
NOTES = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
# "/home/u" is nobody's: tests may use it.
MACHINE_PATHS = re.compile(r"(?<![\w.$}])/(home/(?!u\b)\w|(root|work|Users)/\w)")


def main() -> None:
    faults: dict[str, list[str]] = collections.defaultdict(list)
    names: dict[tuple[bool, str], list[str]] = collections.defaultdict(list)
    total_bytes = 0
    for path in project_files():
        data = (ROOT / path).read_bytes()
        total_bytes += len(data)
        if path.name not in REPEATED_NAMES:
            # A public header and the private one of the same object may share their name: includes always say the folder.
            names[(path.parts[0] == "include", path.name)].append(str(path))
        if path.suffix in BINARY_SUFFIXES or path.name == "LICENSE" or path.parts[:2] == ("tests", "cli") and path.suffix == ".txt":
            continue
        try:
            lines = data.decode("utf-8").split("\n")
        except UnicodeDecodeError as problem:
            faults["text"].append(f"{path}: not UTF-8: {problem}")
            continue
        is_source = path.suffix in SOURCE_SUFFIXES or path.name in SOURCE_NAMES or data.startswith(b"#!")
        if is_source and not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:2]):
            faults["licence"].append(f"{path}: the first line (after #!) is not the SPDX line")
        if len(lines) - 1 > MAX_LINES:
            faults["length"].append(f"{path}: {len(lines) - 1} lines, at most {MAX_LINES}")
        if data and not data.endswith(b"\n") or data.endswith(b"\n\n"):
            faults["whitespace"].append(f"{path}: must end with one newline")
        for number, line in enumerate(lines, 1):
            where = f"{path}:{number}"
            if line != line.rstrip():
                faults["whitespace"].append(f"{where}: whitespace at the end of the line")
            if "\t" in line:
                faults["whitespace"].append(f"{where}: a tab")
            if NOTES.search(line):
                faults["notes"].append(f"{where}: a note to self: {line.strip()}")
            if MACHINE_PATHS.search(line):
                faults["paths"].append(f"{where}: a path of one machine: {line.strip()}")
    for (_, name), places in names.items():
        if len(places) > 1:
            faults["names"].append(f"{name}: {', '.join(places)}")
    if total_bytes > MAX_TREE_BYTES:
        faults["size"].append(f"the files take {total_bytes} bytes, at most {MAX_TREE_BYTES}")
    report([
        ("every source file has its SPDX line", faults["licence"]),
        (f"no file over {MAX_LINES} lines", faults["length"]),
        ("file names are unique", faults["names"]),
        ("text is UTF-8", faults["text"]),
        ("whitespace", faults["whitespace"]),
        ("no notes to self", faults["notes"]),
        ("no path of one machine", faults["paths"]),
        ("the tree is small enough to clone", faults["size"]),
    ])


if __name__ == "__main__":
    main()
