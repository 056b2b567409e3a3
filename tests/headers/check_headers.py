#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each public header alone, as C and as C++, every warning an error: check_headers.py INCLUDE_DIR C_COMPILER -- CXX_COMPILER..."""

import pathlib
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wundef", "-Wcast-qual", "-Werror"]
C_ONLY = ["-Wstrict-prototypes", "-Wmissing-prototypes", "-Wold-style-definition"]
CXX_ONLY = ["-Wold-style-cast", "-Wnon-virtual-dtor"]


def main() -> int:
    include, *rest = sys.argv[1:]
    split = rest.index("--")
    languages = [("c", "c11", rest[:split], C_ONLY)]
    if rest[split + 1 :]:
        languages += [("c++", standard, rest[split + 1 :], CXX_ONLY) for standard in ("c++11", "c++20")]
    headers = sorted(path.name for path in (pathlib.Path(include) / "oclstm").glob("*.h"))
    print(f"1..{len(headers) * len(languages)}")
    number = failed = 0
    for name in headers:
        # Twice: the include guard is part of the test.
        source = f"#include <oclstm/{name}>\n#include <oclstm/{name}>\nint oclstm_unused(void);\n"
        for language, standard, compiler, warnings in languages:
            command = [*compiler, "-x", language, f"-std={standard}", *WARNINGS, *warnings, "-fsyntax-only", "-I", include, "-"]
            done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
            number += 1
            print("not ok" if done.returncode else "ok", number, "-", name, "as", standard)
            if done.returncode:
                failed += 1
                print("\n".join("# " + line for line in done.stderr.splitlines()))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
