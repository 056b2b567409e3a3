#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm run` on input that is right: every form of input, state, output and dtype. sequence_cases.py OCLSTM [CASE...]"""

import os
import pty
import re
import resource
import select
import signal
import struct
import subprocess
import sys
import time

from cli_case import Skip, close, run_cases
from cli_files import Cell, randoms, read_npy, swap_axes, write_npy, write_safetensors, write_sparse_npy

ENGINES = ["portable", "fused", "clblast"]


def small(program, inputs=3, hidden=4, steps=5, batch=2, bias=True):
    """A model, x and what comes out; x.npy is [steps][batch][input]."""
    cell = Cell(inputs, hidden, bias)
    x = randoms((steps, batch, inputs), "x")
    write_safetensors(program.path_of("m.safetensors"), cell.tensors("enc."))
    write_npy(program.path_of("x.npy"), (steps, batch, inputs), x)
    return cell, x


def expect(program, name, shape, values, descr="<f4", tolerance=1e-5):
    found = read_npy(program.path_of(name))
    assert found[:2] == (descr, tuple(shape)), f"{name}: {found[:2]}, expected {descr} {shape}"
    close(found[2], values, tolerance)


def case_sequence_with_every_engine(program):
    for bias in (True, False):
        cell, x = small(program, bias=bias)
        y, hn, cn = cell.sequence(x, 5, 2)
        for engine in ENGINES:
            program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "--hn", "h.npy", "--cn", "c.npy", "-e", engine,
                        out="^$", err=rf"^oclstm: .* \(.*\), engine {engine}, 5 steps x batch 2 in [\d.]+ [mu]?s, .*/step, \d+ steps/s\n$")
            expect(program, "y.npy", (5, 2, 4), y)
            expect(program, "h.npy", (2, 4), hn)
            expect(program, "c.npy", (2, 4), cn)


def case_initial_state(program):
    cell, x = small(program)
    h, c = randoms((2, 4), "h"), randoms((2, 4), "c")
    y, hn, cn = cell.sequence(x, 5, 2, h, c)
    # Both frameworks' form of a cell, then that of torch.nn.LSTM, then one file for all.
    write_npy(program.path_of("h0.npy"), (2, 4), h)
    write_npy(program.path_of("c0.npy"), (1, 2, 4), c)
    write_safetensors(program.path_of("s.safetensors"), {"x": ("F32", (5, 2, 3), x), "h": ("F32", (1, 2, 4), h), "c": ("F32", (2, 4), c)})
    for x_name, h_name, c_name in (("x.npy", "h0.npy", "c0.npy"), ("s.safetensors:x", "s.safetensors:h", "s.safetensors:c")):
        program.run("run", "m.safetensors", "-i", x_name, "--h0", h_name, "--c0", c_name, "-o", "y.npy", "--hn", "h.npy", "--cn", "c.npy")
        expect(program, "y.npy", (5, 2, 4), y)
        expect(program, "h.npy", (2, 4), hn)
        expect(program, "c.npy", (2, 4), cn)


def case_state_carried_by_files_equals_one_run(program):
    cell, x = small(program)
    y = cell.sequence(x, 5, 2)[0]
    write_npy(program.path_of("a.npy"), (2, 2, 3), x[:12])
    write_npy(program.path_of("b.npy"), (3, 2, 3), x[12:])
    program.run("run", "m.safetensors", "-i", "a.npy", "-o", "ya.npy", "--hn", "h.npy", "--cn", "c.npy")
    program.run("run", "m.safetensors", "-i", "b.npy", "-o", "yb.npy", "--h0", "h.npy", "--c0", "c.npy")
    expect(program, "ya.npy", (2, 2, 4), y[:16])
    expect(program, "yb.npy", (3, 2, 4), y[16:])


def case_without_a_batch(program):
    cell, _ = small(program)
    x, h, c = randoms((6, 3), "u"), randoms((4,), "h"), randoms((4,), "c")
    write_npy(program.path_of("u.npy"), (6, 3), x)
    write_npy(program.path_of("h0.npy"), (4,), h)
    write_npy(program.path_of("c0.npy"), (1, 4), c)
    y, hn, _ = cell.sequence(x, 6, 1, h, c)
    for more in ([], ["--batch-first"]):
        program.run("run", "m.safetensors", "-i", "u.npy", "--h0", "h0.npy", "--c0", "c0.npy", "-o", "y.npy", "--hn", "h.npy", *more,
                    err="6 steps x batch 1 ")
        expect(program, "y.npy", (6, 4), y)
        expect(program, "h.npy", (4,), hn)


def case_a_single_step(program):
    cell, _ = small(program)
    x = randoms((3,), "one")
    write_npy(program.path_of("one.npy"), (3,), x)
    y, _, cn = cell.sequence(x, 1, 1)
    program.run("run", "m.safetensors", "-i", "one.npy", "-o", "y.npy", "--cn", "c.npy", err="1 steps x batch 1 ")
    expect(program, "y.npy", (4,), y)
    expect(program, "c.npy", (4,), cn)


def case_batch_first_equals_time_major_transposed(program):
    cell, x = small(program, steps=7, batch=3)
    y, hn, _ = cell.sequence(x, 7, 3)
    write_npy(program.path_of("bf.npy"), (3, 7, 3), swap_axes(x, 7, 3, 3))
    for engine in ENGINES:
        program.run("run", "m.safetensors", "-i", "bf.npy", "--batch-first", "-o", "y.npy", "--hn", "h.npy", "-e", engine)
        expect(program, "y.npy", (3, 7, 4), swap_axes(y, 7, 3, 4))
        expect(program, "h.npy", (3, 4), hn)


def case_npy_versions_orders_and_byte_orders(program):
    cell, x = small(program)
    y = cell.sequence(x, 5, 2)[0]
    for version in (1, 2, 3):
        for fortran in (False, True):
            for descr in ("<f4", ">f4", "<f8", ">f8"):
                write_npy(program.path_of("v.npy"), (5, 2, 3), x, version=version, fortran=fortran, descr=descr)
                program.run("run", "m.safetensors", "-i", "v.npy", "-o", "y.npy", "--dtype", "float32", "-q", err="^$")
                expect(program, "y.npy", (5, 2, 4), y)


def case_result_is_input_of_the_next(program):
    cell, x = small(program, inputs=4)
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy")
    program.run("run", "m.safetensors", "-i", "y.npy", "-o", "y.npy")
    expect(program, "y.npy", (5, 2, 4), cell.sequence(cell.sequence(x, 5, 2)[0], 5, 2)[0])


def case_standard_output(program):
    cell, x = small(program)
    y = cell.sequence(x, 5, 2)[0]
    for more in ([], ["-o", "-"], ["-o", "/dev/stdout"]):
        result = program.run("run", "m.safetensors", "-i", "x.npy", *more)
        close(read_npy(result.out)[2], y)
    with open(program.path_of("redirected.npy"), "wb") as file:
        program.run("run", "m.safetensors", "-i", "x.npy", stdout=file)
    expect(program, "redirected.npy", (5, 2, 4), y)


def case_a_terminal_gets_no_binary_data(program):
    small(program)
    master, slave = pty.openpty()
    program.run("run", "m.safetensors", "-i", "x.npy", stdout=slave, err="5 steps")
    os.close(slave)
    try:
        assert os.read(master, 100) == b""
    except OSError:
        pass  # nothing was written before the other side closed
    os.close(master)


def case_float64(program):
    cell, x = small(program)
    y = cell.sequence(x, 5, 2)[0]
    write_safetensors(program.path_of("m64.safetensors"), cell.tensors(dtype="F64"))
    write_npy(program.path_of("x64.npy"), (5, 2, 3), x, descr="<f8")
    if '"float64": true' not in program.run("devices", "--json").out.decode():
        raise Skip("no device with float64")
    for engine in ENGINES:
        program.run("run", "m64.safetensors", "-i", "x64.npy", "-o", "y.npy", "-e", engine)
        expect(program, "y.npy", (5, 2, 4), y, "<f8", 1e-13)
    # float64 weights follow a float32 x; --dtype says otherwise.
    program.run("run", "m64.safetensors", "-i", "x.npy", "-o", "y.npy")
    expect(program, "y.npy", (5, 2, 4), y, "<f4")
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "--dtype", "float64")
    expect(program, "y.npy", (5, 2, 4), y, "<f8", 1e-13)
    program.run("run", "m.safetensors", "-i", "x64.npy", "-o", "y.npy", "--dtype", "float32")
    expect(program, "y.npy", (5, 2, 4), y, "<f4")


def case_half_precision_weights_and_input(program):
    cell, x = small(program)
    y = cell.sequence(x, 5, 2)[0]
    write_npy(program.path_of("xh.npy"), (5, 2, 3), x, descr="<f2")
    for dtype in ("F16", "BF16"):
        write_safetensors(program.path_of("mh.safetensors"), cell.tensors(dtype=dtype))
        for name in ("x.npy", "xh.npy"):
            program.run("run", "mh.safetensors", "-i", name, "-o", "y.npy")
            expect(program, "y.npy", (5, 2, 4), y)


def case_cell_names(program):
    first, second, x = Cell(3, 4, seed="a"), Cell(3, 4, seed="b"), randoms((5, 2, 3), "x")
    write_npy(program.path_of("x.npy"), (5, 2, 3), x)
    write_safetensors(program.path_of("two.safetensors"), {**first.tensors("a."), **second.tensors("deep.b.")})
    write_safetensors(program.path_of("bare.safetensors"), first.tensors())
    write_safetensors(program.path_of("lstm.safetensors"), first.tensors("rnn.", "_l0"))
    for model, names, cell in (("two", ["a"], first), ("two", ["deep.b"], second), ("bare", [None, ""], first), ("lstm", [None, "rnn_l0"], first)):
        for name in names:
            program.run("run", f"{model}.safetensors", "-i", "x.npy", "-o", "y.npy", *([] if name is None else ["--cell", name]))
            expect(program, "y.npy", (5, 2, 4), cell.sequence(x, 5, 2)[0])


def case_a_file_name_with_a_colon(program):
    cell, x = small(program)
    os.rename(program.path_of("x.npy"), program.path_of("a:b.npy"))
    write_safetensors(program.path_of("c:d.safetensors"), {"x:1": ("F32", (5, 2, 3), x)})
    for name in ("a:b.npy", "c:d.safetensors", "c:d.safetensors:x:1"):
        program.run("run", "m.safetensors", "-i", name, "-o", "y.npy")
        expect(program, "y.npy", (5, 2, 4), cell.sequence(x, 5, 2)[0])


def case_nan_and_infinity_are_data(program):
    small(program, steps=2, batch=3)
    nan, inf = float("nan"), float("inf")
    write_npy(program.path_of("x.npy"), (2, 3, 3), [0.0, nan, 0.0] + [0.0] * 3 + [inf, 0.0, 0.0] + [0.0] * 9)
    for engine in ENGINES:
        program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "-e", engine)
        y = read_npy(program.path_of("y.npy"))[2]
        rows = [y[place:place + 4] for place in range(0, 24, 4)]
        assert all(v != v for v in rows[0] + rows[3]), "a NaN in x is NaN in h, in this step and the next"
        assert all(v == v for v in rows[1] + rows[4]), "another row of the batch is untouched"


def case_quiet_and_verbose(program):
    small(program)
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "-q", out="^$", err="^$")
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", "-v", out="^$",
                err=r"device 0, .*cell 'enc': input 3, hidden 4, bias, weights float32.*engine: .*set-up: device .*steps/s")


def case_output_replaces_an_older_one(program):
    cell, x = small(program)
    program.path_of("y.npy").write_bytes(b"older")
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy")
    expect(program, "y.npy", (5, 2, 4), cell.sequence(x, 5, 2)[0])


def case_silero_on_real_speech(program):
    folder = program.data / "silero"
    expected = read_npy(folder / "hidden.npy")
    final_c = read_npy(folder / "cell.npy")[2][-128:]
    for engine in ENGINES:
        program.run("run", folder / "silero_vad_16k.safetensors", "--cell", "lstm_cell", "-i", folder / "features.npy", "-o", "y.npy",
                    "--cn", "c.npy", "-e", engine, err=f"engine {engine}, 1875 steps x batch 1 ")
        found = read_npy(program.path_of("y.npy"))
        assert found[:2] == ("<f4", (1875, 128))
        worst = max(abs(a - b) for a, b in zip(found[2], expected[2]))
        assert worst <= 2e-5, worst
        close(read_npy(program.path_of("c.npy"))[2], final_c, 2e-5)


# --- longer than memory -----------------------------------------------------------------------------------------------


def wide(program, steps):
    """A cell with much input and little work, so that a large x is soon done."""
    inputs = 65536
    write_safetensors(program.path_of("wide.safetensors"), {
        "weight_ih": ("F32", (4, inputs), [(k % 13 - 6) / 16 for k in range(4 * inputs)]), "weight_hh": ("F32", (4, 1), [0.5, -0.5, 0.25, 1.0])})
    return (steps, 1, inputs)


def case_time_slices_join(program):
    # 300 steps of 256 KiB: three slices at the least. Two halves by hand must give the same.
    steps, inputs = 300, 65536
    wide(program, steps)
    x = randoms((steps,), "steps")
    half = steps // 2
    for name, first, last in (("all", 0, steps), ("a", 0, half), ("b", half, steps)):
        write_sparse_npy(program.path_of(name + ".npy"), (last - first, 1, inputs))
        with open(program.path_of(name + ".npy"), "r+b") as file:
            for t in range(first, last):
                file.seek(128 + (t - first) * inputs * 4)
                file.write(struct.pack("<16f", *[x[t]] * 16))
    program.run("run", "wide.safetensors", "-i", "all.npy", "-o", "y.npy", "--cn", "c.npy")
    program.run("run", "wide.safetensors", "-i", "a.npy", "-o", "ya.npy", "--hn", "ha.npy", "--cn", "ca.npy")
    program.run("run", "wide.safetensors", "-i", "b.npy", "-o", "yb.npy", "--h0", "ha.npy", "--c0", "ca.npy", "--cn", "cb.npy")
    y = [read_npy(program.path_of(name))[2] for name in ("y.npy", "ya.npy", "yb.npy")]
    assert len(set(y[0])) > steps // 2, "the steps differ"
    close(y[0], y[1] + y[2], 1e-6)
    close(read_npy(program.path_of("c.npy"))[2], read_npy(program.path_of("cb.npy"))[2], 1e-6)


def case_memory_is_bounded(program):
    shape = wide(program, 5000)  # 1.25 GiB
    write_sparse_npy(program.path_of("big.npy"), shape)
    write_sparse_npy(program.path_of("big-batch-first.npy"), (8, 625, shape[2]))
    for name, more in (("big.npy", []), ("big-batch-first.npy", ["--batch-first"])):
        program.run("run", "wide.safetensors", "-i", name, "-o", "y.npy", *more)
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        assert most < 600 * 1024, f"{name}: {most} KiB resident"


def case_progress_bar_and_interruption(program):
    shape = wide(program, 65536)  # 16 GiB of nothing: long enough to be interrupted
    write_sparse_npy(program.path_of("huge.npy"), shape)
    before = program.files()
    master, slave = pty.openpty()
    child = subprocess.Popen([program.path, "run", "wide.safetensors", "-i", "huge.npy", "-o", "y.npy", "--hn", "h.npy"], cwd=program.folder,
                             stdout=subprocess.DEVNULL, stderr=slave, env=program.environment({}))
    os.close(slave)
    text, deadline = b"", time.monotonic() + 120
    while b"steps  " not in text and child.poll() is None and time.monotonic() < deadline:
        if select.select([master], [], [], 1)[0]:
            try:
                text += os.read(master, 4096)
            except OSError:
                break
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
    code = child.wait(120)
    os.close(master)
    if code == 0:
        raise Skip("the run was over before it could be interrupted")
    assert code == 130, (code, text)
    assert re.search(rb"\r\[[#.]{30}\] +\d+%  \d+/65536 steps", text), text
    assert program.files() == before, program.files() ^ before


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
