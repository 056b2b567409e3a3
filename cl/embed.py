#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the kernels' sources into one C file: `embed.py OUTPUT.c INPUT...`; src/device/kernel_sources.h declares the table."""

import pathlib
import sys


def main() -> None:
    output, inputs = sys.argv[1], [pathlib.Path(p) for p in sys.argv[2:]]
    lines = ['/* Made by cl/embed.py. */', '#include "device/kernel_sources.h"', ""]
    for number, path in enumerate(inputs):
        data = path.read_bytes() + b"\0"
        lines.append(f"static const char source_{number}[] = {{")
        for start in range(0, len(data), 24):
            lines.append("    " + ",".join(str(b) for b in data[start : start + 24]) + ",")
        lines.append("};")
    lines.append("const kernel_source kernel_sources[] = {")
    for number, path in enumerate(inputs):
        lines.append(f'    {{"{path.name}", source_{number}, sizeof source_{number} - 1}},')
    lines.append("    {0, 0, 0},")
    lines.append("};")
    pathlib.Path(output).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
