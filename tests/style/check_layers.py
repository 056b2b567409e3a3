#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every #include of src/ and tools/ against src/layers.txt, and the headers that only one layer may know."""

import pathlib
import re

from source_tree import ROOT, project_files, report

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# Headers from outside, and the layers that may know them.
OUTSIDE = {
    "CL/": {"src/device", "src/matmul", "src/cell"},
    "clblast": {"src/matmul"},
    "jansson.h": {"src/model", "tools/oclstm"},
    "protobuf-c/": {"src/model"},
    "zip.h": {"src/model"},
    "zlib.h": {"src/train"},
    "oclstm/opencl.h": {"src/device", "src/cell"},
}


def read_layers() -> dict[str, set[str]]:
    """Folder -> folders it may include from; its own and those listed. A folder may only list those above its line."""
    layers: dict[str, set[str]] = {}
    for line in (ROOT / "src" / "layers.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            folder, _, allowed = line.partition(":")
            unknown = set(allowed.split()) - set(layers)
            if unknown:
                raise SystemExit(f"src/layers.txt: {folder} lists {sorted(unknown)}, which no line above declares")
            layers[folder.strip()] = {folder.strip(), *allowed.split()}
    return layers


def resolve(path: pathlib.Path, layer: str, name: str) -> str | None:
    """The file that a quoted include means, relative to the root. The program's files include each other by bare name."""
    places = [pathlib.Path("src") / name] if layer.startswith("src/") else [path.parent / name]
    places.append(pathlib.Path(name))  # "cl/lstm_shared.h": facts that host and kernels share
    for place in places:
        made_from = place.with_name(place.name.replace(".pb-c.h", ".proto"))  # by protoc-c
        if (ROOT / place).is_file() or (ROOT / made_from).is_file():
            return place.as_posix()
    return None


def check_include(path: pathlib.Path, layer: str, allowed: set[str], quote: str, name: str) -> str | None:
    """What is wrong with one include, or None."""
    for prefix, knowing in OUTSIDE.items():
        if name.startswith(prefix) and layer not in knowing:
            return f"only {', '.join(sorted(knowing))} may include {name}"
    if name.startswith("oclstm/"):
        return None if quote == "<" and (ROOT / "include" / name).is_file() else f"public headers are included as <{name}>"
    if quote == "<":
        return None
    if ".." in pathlib.PurePosixPath(name).parts:
        return f'"{name}" leaves its folder by ..'
    target = resolve(path, layer, name)
    if target is None:
        return f'"{name}" is not found from the root of src/'
    if target.startswith("cl/"):
        return None if layer.startswith("src/") else f"{layer} may not include the kernels' headers"
    folder = "/".join(pathlib.PurePosixPath(target).parts[:2])
    return None if folder in allowed else f"{layer} may not include {target}: src/layers.txt allows {', '.join(sorted(allowed))}"


def main() -> None:
    layers = read_layers()
    faults: dict[str, list[str]] = {layer: [] for layer in layers}
    other: list[str] = []
    for path in project_files():
        if path.suffix not in {".c", ".h", ".cl"} or path.parts[0] not in {"src", "cl", "tools", "include"}:
            continue
        layer = "/".join(path.parts[:2])
        if path.parts[0] == "src" and layer not in layers:
            other.append(f"{path}: {layer} is not in src/layers.txt")
            continue
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            quote, name = found.groups()
            if path.parts[0] == "cl":
                if quote != '"' or not (ROOT / "cl" / name).is_file():
                    other.append(f"{path}:{number}: a kernel file includes only headers of cl/, not {name}")
            elif path.parts[0] == "include":
                if quote == '"':
                    other.append(f'{path}:{number}: public headers include with <>, not "{name}"')
            elif layer in layers:
                fault = check_include(path, layer, layers[layer], quote, name)
                if fault:
                    faults[layer].append(f"{path}:{number}: {fault}")
    checks = [(f"{layer} includes only what it may", found) for layer, found in faults.items()]
    report([*checks, ("kernels and public headers include only their own kind", other)])


if __name__ == "__main__":
    main()
