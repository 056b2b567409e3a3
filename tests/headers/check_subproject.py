#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A meson project with oclstm as its subproject builds and runs README's example: check_subproject.py ROOT BUILD COMPILER... [-fsanitize=...]"""

import pathlib
import sys
import tempfile

from outside_build import Report

# As README.md shows it.
PROJECT = """project('user', 'c', default_options: ['c_std=c11'])
oclstm_dep = dependency('oclstm', fallback: 'oclstm', default_options: ['tests=false', 'program=false'])
executable('example', 'readme_example.c', dependencies: oclstm_dep)
"""


def main() -> None:
    root, compiler = pathlib.Path(sys.argv[1]), [word for word in sys.argv[3:] if not word.startswith("-fsanitize=")]
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        user = pathlib.Path(name)
        (user / "subprojects").mkdir()
        (user / "subprojects" / "oclstm").symlink_to(root)
        (user / "meson.build").write_text(PROJECT)
        (user / "readme_example.c").write_text((root / "tests" / "example" / "readme_example.c").read_text())
        environment = {"CC": " ".join(compiler), "PKG_CONFIG_PATH": ""}
        setup = ["meson", "setup", "--force-fallback-for=oclstm", user / "build", user]
        if report.run("meson setup", setup, environment=environment) and report.run("meson compile", ["meson", "compile", "-C", user / "build"]):
            report.run("the example runs", [user / "build" / "example"], cwd=root, needs_device=True)
    report.finish()


if __name__ == "__main__":
    main()
