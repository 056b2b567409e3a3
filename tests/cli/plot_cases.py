#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm run --plot`: plot_cases.py OCLSTM [CASE...]"""

import os
import re
import shutil
import subprocess
import sys

from cli_case import Skip, run_cases
from cli_files import Cell, randoms, read_npy, write_npy, write_safetensors

RECORDER = """#!/bin/sh
[ "$1" = --version ] && exit 0
cat > "$RECORD"
echo picture
"""


def need_gnuplot():
    if not shutil.which("gnuplot"):
        raise Skip("gnuplot is not installed")


def model(program, hidden=3, steps=5, shape=None, outputs=2):
    cell = Cell(3, hidden)
    head = {"head.weight": ("F32", (outputs, hidden), randoms((outputs, hidden), "w")), "head.bias": ("F32", (outputs,), randoms((outputs,), "b"))}
    write_safetensors(program.path_of("m.safetensors"), {**cell.tensors("enc."), **head})
    shape = shape or (steps, 3)
    x = randoms(shape, "x")
    write_npy(program.path_of("x.npy"), shape, x)
    return cell, x


def stand_in(program, text):
    """An environment whose gnuplot is this script."""
    folder = program.path_of("bin")
    folder.mkdir(exist_ok=True)
    (folder / "gnuplot").write_text(text)
    (folder / "gnuplot").chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "RECORD": str(program.path_of("script"))}


def script_of(program, *arguments):
    """What gnuplot is told."""
    env = stand_in(program, RECORDER)
    program.run("run", "m.safetensors", "-i", "x.npy", "--plot", "p.svg", *arguments, env=env)
    assert program.path_of("p.svg").read_text() == "picture\n"
    return program.path_of("script").read_text()


def points(script, name):
    """The numbers of a data block; an empty list for a gap."""
    block = re.search(rf"^\${name} << EOD\n(.*?)^EOD$", script, re.DOTALL | re.MULTILINE).group(1)
    return [[float(word) for word in line.split()] for line in block.splitlines()]


def case_pictures_of_a_cell_and_of_layers(program):
    need_gnuplot()
    for hidden, layers in ((3, []), (3, ["--layers", "enc,head,sigmoid"]), (40, []), (40, ["--layers", "enc"])):
        model(program, hidden)
        for name, begin, end in (("p.svg", b"<?xml", b"</svg>"), ("it's a \"$(plot)\" `x`.png", b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82")):
            result = program.run("run", "m.safetensors", "-i", "x.npy", *([] if layers else ["--cell", "enc"]), *layers, "--plot", name, "-q", err="^$")
            picture = program.path_of(name).read_bytes()
            assert picture.lstrip().startswith(begin) and picture.rstrip().endswith(end), picture[:200]
            assert not result.out, "a plot may be all that is wanted"
    assert b"m.safetensors: enc" in program.path_of("p.svg").read_bytes()


def case_what_is_drawn_of_a_cell(program):
    cell, x = model(program)
    y = cell.sequence(x, 5, 1)[0]
    script = script_of(program, "--cell", "enc", "-o", "y.npy")
    for unit in range(3):
        for step, (place, value) in enumerate(points(script, f"output{unit}")):
            assert place == step and abs(value - y[3 * step + unit]) < 1e-5
        assert f"title 'h {unit}'" in script
    assert "set xlabel 'step'" in script and "m.safetensors: cell enc'" in script
    assert read_npy(program.path_of("y.npy"))[1] == (5, 3)


def case_seconds_and_probabilities(program):
    model(program)
    script = script_of(program, "--layers", "enc,head,sigmoid", "--step-seconds", "0.032")
    assert [place for place, _ in points(script, "output1")] == [0.0, 0.032, 0.064, 0.096, 0.128]
    assert "set xlabel 'time in s'" in script and "m.safetensors: enc, head, sigmoid'" in script and "set yrange [-0.02:1.02]" in script


def case_row_0_of_a_batch(program):
    cell, x = model(program, shape=(4, 2, 3))
    y = cell.sequence(x, 4, 2)[0]
    for options in (["--cell", "enc"], ["--layers", "enc"]):
        script = script_of(program, *options)
        found = [value for _, value in points(script, "output1")]
        assert all(abs(a - y[(2 * t) * 3 + 1]) < 1e-5 for t, a in enumerate(found)) and "row 0 of the batch" in script
    # The same numbers as [batch][steps].
    first = cell.sequence(x[:12], 4, 1)[0]
    write_npy(program.path_of("x.npy"), (2, 4, 3), x)
    for options in (["--cell", "enc"], ["--layers", "enc"]):
        found = [value for _, value in points(script_of(program, *options, "--batch-first"), "output1")]
        assert all(abs(a - first[3 * t + 1]) < 1e-5 for t, a in enumerate(found))


def case_the_only_output_of_rows_and_what_follows(program):
    cell, _ = model(program, outputs=1)
    head = {"head.weight": ("F32", (3, 3), randoms((3, 3), "w")), "head.bias": ("F32", (3,), randoms((3,), "b"))}
    write_npy(program.path_of("x.npy"), (5, 2, 3), randoms((5, 2, 3), "x"))
    for more in ([], ["--batch-first"]):
        if more:
            write_npy(program.path_of("x.npy"), (2, 5, 3), randoms((2, 5, 3), "x"))
        script = script_of(program, "--layers", "enc,head", "-o", "y.npy", *more)
        shape, y = read_npy(program.path_of("y.npy"))[1:]
        for row in range(2):
            expected = [y[row * 5 + t] if more else y[t * 2 + row] for t in range(5)]
            assert all(abs(a - b[1]) < 1e-6 for a, b in zip(expected, points(script, f"output{row}"))), f"row {row} of {shape}"
            assert f"title 'row {row}'" in script
        assert "row 0 of the batch" not in script
    write_safetensors(program.path_of("m.safetensors"), {**cell.tensors("enc."), **head})
    write_npy(program.path_of("x.npy"), (5, 3), randoms((5, 3), "x"))
    script = script_of(program, "--layers", "enc,head", "--future", "4")
    assert len(points(script, "output0")) == 9
    assert "using 1:($1 <= 4 ? $2 : NaN)" in script and "using 1:($1 >= 4 ? $2 : NaN) with lines dashtype '.'" in script


def case_a_long_sequence_is_thinned_to_ranges(program):
    cell, x = model(program, steps=6000)
    y = cell.sequence(x, 6000, 1)[0][0::3]
    found = points(script_of(program, "--cell", "enc"), "output0")
    assert len(found) <= 4800
    values = [value for _, value in found]
    assert abs(min(values) - min(y)) < 1e-4 and abs(max(values) - max(y)) < 1e-4
    assert all(a[0] <= b[0] for a, b in zip(found, found[1:]))


def case_many_outputs_are_a_map(program):
    cell, x = model(program, hidden=9, steps=6)
    y = cell.sequence(x, 6, 1)[0]
    script = script_of(program, "--cell", "enc")
    rows = points(script, "values")
    assert len(rows) == 9 and all(len(row) == 6 for row in rows)
    assert all(abs(rows[unit][step] - y[9 * step + unit]) < 1e-5 for unit in range(9) for step in range(6))
    assert "with image" in script and "set cblabel 'h'" in script
    model(program, hidden=500, steps=1300)
    rows = points(script_of(program, "--cell", "enc"), "values")
    assert len(rows) == 400 and all(len(row) == 1200 for row in rows)


def case_gaps_where_nothing_is_finite(program):
    model(program)
    write_npy(program.path_of("x.npy"), (5, 3), [0.5] * 6 + [float("nan")] * 9)
    found = points(script_of(program, "--cell", "enc"), "output0")
    assert [len(point) for point in found] == [2, 2, 0, 0, 0]
    if shutil.which("gnuplot"):
        write_npy(program.path_of("x.npy"), (5, 3), [float("nan")] * 15)
        program.run("run", "m.safetensors", "-i", "x.npy", "--cell", "enc", "--plot", "n.png")


def case_a_single_step(program):
    need_gnuplot()
    model(program)
    write_npy(program.path_of("x.npy"), (3,), [0.5, 1.0, -1.0])
    program.run("run", "m.safetensors", "-i", "x.npy", "--cell", "enc", "--plot", "p.svg")
    model(program, hidden=20, steps=1)
    program.run("run", "m.safetensors", "-i", "x.npy", "--cell", "enc", "--plot", "p.svg")


def case_float16_and_float64(program):
    cell, x = model(program)
    y = cell.sequence(x, 5, 1)[0]
    for descr, dtype, tolerance in (("<f2", "float16", 5e-3), ("<f8", "float64", 1e-8)):
        write_npy(program.path_of("x.npy"), (5, 3), x, descr=descr)
        script = script_of(program, "--cell", "enc", "--dtype", dtype)
        assert all(abs(value - y[3 * step + 1]) < tolerance for step, (_, value) in enumerate(points(script, "output1")))


def case_nothing_is_left_of_a_run_that_fails(program):
    model(program)
    run = ["run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "--plot"]
    for options in (["--cell", "enc"], ["--layers", "enc,head"]):
        program.run(*run, "p.svg", *options, code=1, err="apt install gnuplot", env={"PATH": str(program.folder)})
        env = stand_in(program, "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho 'no such terminal' >&2\nexit 3\n")
        program.run(*run, "p.svg", *options, code=1, err="gnuplot ended with exit code 3: no such terminal", env=env)
        program.run(*run, "no/such/folder/p.svg", *options, code=1, err="cannot write no/such/folder/p.svg", env=stand_in(program, RECORDER))


def case_names_that_are_no_picture(program):
    model(program)
    for name in ("plot", "plot.pdf", ".svg", "folder/.png", "plot.svg.gz", ""):
        program.run("run", "m.safetensors", "-i", "x.npy", "--cell", "enc", f"--plot={name}", code=2, err="--plot .* is not valid")
    for value in ("0", "-1", "x", "", "nan"):
        program.run("run", "m.safetensors", "-i", "x.npy", "--plot", "p.svg", f"--step-seconds={value}", code=2, err="--step-seconds .*seconds above 0")
    program.run("run", "m.safetensors", "-i", "x.npy", "--step-seconds", "1", code=2, err="--step-seconds without --plot")


def case_a_network_with_both_directions(program):
    need_gnuplot()
    models = program.data / "models"
    program.run("run", models / "torch_tagger.pt", "-i", f"{models / 'torch_tagger.io.safetensors'}:tokens", "--plot", "p.png", "-o", "y.npy")
    done = subprocess.run(["gnuplot", "--version"], capture_output=True, check=True)
    assert done.stdout and program.path_of("p.png").stat().st_size > 5000


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
