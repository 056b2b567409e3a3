#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs into an empty folder and builds README's example there with pkg-config: check_installed.py ROOT BUILD COMPILER... [-fsanitize=...]"""

import json
import pathlib
import subprocess
import sys
import tempfile

from outside_build import Report


def main() -> None:
    root, build, compiler = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    options = json.loads((build / "meson-info" / "intro-buildoptions.json").read_text(encoding="utf-8"))
    prefix = next(option["value"] for option in options if option["name"] == "prefix")
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        destination = pathlib.Path(name) / "destination"
        installed = destination / prefix.lstrip("/")
        report.run("meson install", ["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", destination])

        headers = {path.name for path in (installed / "include" / "oclstm").glob("*.h")}
        expected = {path.name for path in (root / "include" / "oclstm").glob("*.h")}
        report.result(headers == expected, "every header is installed", f"installed {headers}, expected {expected}")

        pc_files = list(installed.rglob("oclstm.pc"))
        if report.result(len(pc_files) == 1, "there is a pkg-config file", str(pc_files)):
            libraries = pc_files[0].parent.parent
            pkg_config = ["pkg-config", f"--define-variable=prefix={installed}", "--cflags", "--libs", pc_files[0]]
            flags = subprocess.run(pkg_config, capture_output=True, text=True, check=False).stdout.split()
            report.result("-loclstm" in flags, "pkg-config names the library", " ".join(flags))
            example = pathlib.Path(name) / "example"
            source = root / "tests" / "example" / "readme_example.c"
            report.run("the example builds", [*compiler, "-std=c11", source, "-o", example, *flags])
            report.run("the example runs", [example], cwd=root, environment={"LD_LIBRARY_PATH": str(libraries)}, needs_device=True)
    report.finish()


if __name__ == "__main__":
    main()
