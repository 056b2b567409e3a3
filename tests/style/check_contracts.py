#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every public function and type has its contract directly above it in the header."""

import re

from source_tree import ROOT, report

# What needs a comment: an exported function, a type, a constant for users.
DECLARATION = re.compile(r"^(?:OCLSTM_API\b.*|typedef\b.*|#define OCLSTM_(?!.*_H$)\w+.*)")
EXEMPT = re.compile(r"#define (OCLSTM_API|OCLSTM_VERSION_(MAJOR|MINOR|PATCH)|OCLSTM_\w+_ENUM)\b")
NAME = re.compile(r"\b(oclstm_\w+)\s*\(")


def undocumented(lines: list[str]) -> list[tuple[int, str]]:
    """(line number, text) of declarations without a comment. Declarations that follow a documented one without an empty line share its comment."""
    found = []
    covered = False  # the lines above, up to the last empty one, begin with a comment
    inside = ""      # the closing text of the declaration being read
    for number, line in enumerate(lines, 1):
        if inside:
            if inside in line:
                inside = ""
            continue
        if not line.strip():
            covered = False
        elif line.rstrip().endswith("*/") and not line.startswith(("#", "typedef", "OCLSTM_API")):
            covered = True
        elif DECLARATION.match(line) and not EXEMPT.match(line):
            if not covered:
                found.append((number, line.strip()))
            if line.startswith("#define"):
                inside = "" if not line.rstrip().endswith("\\") else "\n"
            elif "{" in line and "}" not in line:
                inside = "}"
            elif ";" not in line and "{" not in line:
                inside = ";"
        if inside == "\n" and not line.rstrip().endswith("\\"):
            inside = ""
    return found


def main() -> None:
    checks = []
    names: dict[str, str] = {}
    twice = []
    for path in sorted((ROOT / "include" / "oclstm").glob("*.h")):
        text = path.read_text(encoding="utf-8")
        faults = [f"{path.name}:{number}: no contract above: {line}" for number, line in undocumented(text.split("\n"))]
        if "@file " + path.name not in text:
            faults.append(f"{path.name}: no @file comment")
        checks.append((f"{path.name}: every function and type has its contract", faults))
        for line in text.split("\n"):
            declared = NAME.search(line) if line.startswith("OCLSTM_API") else None
            if declared:
                if declared[1] in names:
                    twice.append(f"{declared[1]}: {names[declared[1]]}, {path.name}")
                names[declared[1]] = path.name
    report([*checks, ("no function is declared twice", twice)])


if __name__ == "__main__":
    main()
