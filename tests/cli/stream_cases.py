#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm stream` on real pipes: stream_cases.py OCLSTM [CASE...]"""

import array
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import threading
import time

from cli_case import close, run_cases
from cli_files import Cell, npy_bytes, randoms, read_npy, write_npy, write_safetensors

SUMMARY = (r"frames? x batch \d+ in [\d.]+ [mu]?s, \d+ frames/s, busy [\d.]+ % of the time\n"
           r"oclstm: latency: median [\d.]+ [mu]?s, 90 % .* 99 % .* 99.9 % .* maximum [\d.]+ [mu]?s, from a frame's last byte read")


def floats(values, code="f"):
    return array.array(code, values).tobytes()


def numbers(data, code="f"):
    return list(array.array(code, data))


def model(program, dtype="F32", inputs=3, hidden=4):
    """A cell and a head; x of 6 frames."""
    cell = Cell(inputs, hidden)
    head = {"head.weight": (dtype, (2, hidden), randoms((2, hidden), "w")), "head.bias": (dtype, (2,), randoms((2,), "b"))}
    write_safetensors(program.path_of("m.safetensors"), {**cell.tensors("cell.", dtype=dtype), **head})
    return cell, randoms((6, inputs), "x")


def stream(program, data, *options, code=0, err=None, **more):
    """Standard output of a stream fed with these bytes, which end."""
    command = [program.path, "stream", *map(str, options)]
    done = subprocess.run(command, cwd=program.folder, env=program.environment(None), input=data, capture_output=True, check=False, timeout=120, **more)
    said = done.stderr.decode()
    assert done.returncode == code, f"{command}: exit code {done.returncode}, expected {code}\n{said}"
    assert err is None or re.search(err, said, re.DOTALL), f"{command}: expected {err}\n{said}"
    return done.stdout


def start(program, *options, **more):
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.Popen([program.path, "stream", *options], cwd=program.folder, env=program.environment(None), bufsize=0, **streams)


def read_exactly(file, count):
    """That many bytes within a minute."""
    data, until = b"", time.monotonic() + 60
    while len(data) < count:
        ready = select.select([file], [], [], max(0.0, until - time.monotonic()))[0]
        part = os.read(file.fileno(), count - len(data)) if ready else b""
        assert part, f"{len(data)} of {count} bytes came"
        data += part
    return data


def finish(child, code):
    """Standard error of a child that ends by itself, within a minute."""
    watch = threading.Timer(60, child.kill)
    watch.start()
    said = child.stderr.read().decode()
    watch.cancel()
    assert child.wait(timeout=60) == code, f"exit code {child.returncode}, expected {code}\n{said}"
    return said


def from_run(program, x, shape, *options, descr="<f4"):
    write_npy(program.path_of("x.npy"), shape, x, descr=descr)
    program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", *options)
    return read_npy(program.path_of("y.npy"))


def case_each_result_comes_before_the_next_frame(program):
    cell, x = model(program)
    y = cell.sequence(x, 6, 1)[0]
    child = start(program, "m.safetensors", "--cell", "cell")
    for t in range(6):
        frame = floats(x[3 * t:3 * t + 3])
        child.stdin.write(frame[:5])
        assert not select.select([child.stdout], [], [], 0.02)[0]  # half a frame has no result
        child.stdin.write(frame[5:])
        close(numbers(read_exactly(child.stdout, 16)), y[4 * t:4 * t + 4])
    child.stdin.close()
    assert re.search("6 " + SUMMARY, finish(child, 0))


def case_many_frames_before_a_result_is_read(program):
    cell, _ = model(program)
    x = randoms((2000, 3), "long")
    child = start(program, "m.safetensors", "--layers", "cell", "-q")
    sent = floats(x)
    got = b""
    while sent or len(got) < 2000 * 16:
        readable, writable, _ = select.select([child.stdout], [child.stdin] if sent else [], [], 60)
        assert readable or writable, f"stuck with {len(got)} bytes of results"
        if writable:
            sent = sent[os.write(child.stdin.fileno(), sent[:4096]):]
            if not sent:
                child.stdin.close()
        if readable:
            got += os.read(child.stdout.fileno(), 100)
    assert finish(child, 0) == ""
    close(numbers(got), cell.sequence(x, 2000, 1)[0], 1e-4)


def case_equal_to_run_bit_by_bit(program):
    _, x = model(program)
    for layers in ("cell", "cell,relu,head,sigmoid"):
        options = ["--layers", layers, "-e", "portable"]
        y = from_run(program, x, (6, 3), *options)[2]
        assert numbers(stream(program, floats(x), "m.safetensors", *options)) == y


def case_a_cell_is_chosen_as_run_does(program):
    cell, x = model(program)
    y = cell.sequence(x, 6, 1)[0]
    close(numbers(stream(program, floats(x), "m.safetensors", "--cell", "cell", err=SUMMARY)), y)
    write_safetensors(program.path_of("plain.safetensors"), cell.tensors())
    close(numbers(stream(program, floats(x), "plain.safetensors")), y)
    close(numbers(stream(program, floats(x), "plain.safetensors", "--cell", "")), y)
    write_safetensors(program.path_of("lstm.safetensors"), cell.tensors("enc.", "_l0"))
    close(numbers(stream(program, floats(x), "lstm.safetensors")), y)
    close(numbers(stream(program, floats(x), "lstm.safetensors", "--cell", "enc_l0")), y)
    stream(program, b"", "m.safetensors", "--cell", "none", code=1, err="no cell 'none'")
    stream(program, b"", "m.safetensors", "--layers", "none", code=1, err="no tensor belongs to a layer 'none'")
    stream(program, b"", "m.safetensors", "--layers", "cell", "--cell", "cell", code=2, err="give one of them")


def case_one_of_several_cells_of_a_stack(program):
    first, second = Cell(3, 4, seed=1), Cell(4, 4, seed=2)
    write_safetensors(program.path_of("s.safetensors"), {**first.tensors("lstm.", "_l0"), **second.tensors("lstm.", "_l1")})
    x = randoms((6, 3), "x")
    close(numbers(stream(program, floats(x), "s.safetensors")), second.sequence(first.sequence(x, 6, 1)[0], 6, 1)[0])
    stream(program, b"", "s.safetensors", "--cell", "lstm_l0", code=1, err="is one of several of 'lstm'; stream all of them with --layers lstm")


def case_every_row_of_a_batch_has_its_state(program):
    cell, _ = model(program)
    x = randoms((5, 3, 3), "b")
    y = numbers(stream(program, floats(x), "m.safetensors", "--cell", "cell", "--batch", "3", err="a frame is 9 float32 .36 bytes., its result 12 float32.*5 frames x batch 3"))
    close(y, cell.sequence(x, 5, 3)[0])


def case_text(program):
    cell, x = model(program)
    lines = stream(program, floats(x), "m.safetensors", "--cell", "cell", "--text").decode().splitlines()
    assert len(lines) == 6
    bare = numbers(stream(program, floats(x), "m.safetensors", "--cell", "cell"))
    assert [float(word) for line in lines for word in line.split(" ")] == [float(f"{v:.9g}") for v in bare]
    assert floats([float(word) for line in lines for word in line.split(" ")]) == floats(bare)  # nine digits are enough
    close(bare, cell.sequence(x, 6, 1)[0])


def case_float64(program):
    _, x = model(program, "F64")
    y = from_run(program, x, (6, 3), "--layers", "cell,head", "-e", "portable", descr="<f8")
    assert y[0] == "<f8"
    out = stream(program, floats(x, "d"), "m.safetensors", "--layers", "cell,head", "-e", "portable", err="a frame is 3 float64 .24 bytes., its result 2 float64")
    assert numbers(out, "d") == y[2]
    text = stream(program, floats(x, "d"), "m.safetensors", "--layers", "cell,head", "-e", "portable", "--text")
    assert [float(word) for word in text.split()] == y[2]
    close(numbers(stream(program, floats(x), "m.safetensors", "--layers", "cell,head", "--dtype", "float32")), y[2])


def case_tokens(program):
    layers = "embed,lstm,head"
    write_safetensors(program.path_of("t.safetensors"), {
        "embed.weight": ("F32", (5, 3), randoms((5, 3), "e")), **Cell(3, 4).tensors("lstm.", "_l0"),
        "head.weight": ("F32", (2, 4), randoms((2, 4), "w")), "head.bias": ("F32", (2,), randoms((2,), "b"))})
    tokens = [0, 4, 2, 2, 1]
    write_npy(program.path_of("t.npy"), (5,), tokens, descr="<i4")
    program.run("run", "t.safetensors", "-i", "t.npy", "-o", "y.npy", "-e", "portable", "--layers", layers)
    expected = read_npy(program.path_of("y.npy"))[2]
    out = stream(program, floats(tokens, "i"), "t.safetensors", "-e", "portable", err="a frame is 1 int32 .4 bytes., its result 2 float32")
    assert numbers(out) == expected
    out = stream(program, program.path_of("t.npy").read_bytes(), "t.safetensors", "-e", "portable", "--format", "npy")
    assert read_npy(out) == ("<f4", (5, 2), expected)
    bad = stream(program, floats([1, 5, 1], "i"), "t.safetensors", code=1, err=r"frame 1 \(from 0\) has no result.*is 5; the embedding 'embed' has the tokens 0 to 4")
    assert len(bad) == 8  # that of frame 0


def case_npy(program):
    cell, x = model(program)
    y = from_run(program, x, (6, 3), "--layers", "cell", "-e", "portable")
    options = ["m.safetensors", "--cell", "cell", "-e", "portable", "--format", "npy"]
    assert read_npy(stream(program, npy_bytes((6, 3), x), *options)) == y
    assert read_npy(stream(program, npy_bytes((6, 3), x, version=2), *options)) == y
    assert read_npy(stream(program, npy_bytes((3, 2, 3), x), *options))[1] == (3, 2, 4)
    wide = read_npy(stream(program, npy_bytes((6, 3), x, "<f8"), *options))
    assert wide[0] == "<f8"
    close(wide[2], y[2])
    assert read_npy(stream(program, npy_bytes((6, 3), x, "<f8"), *options, "--dtype", "float32")) == y
    wide = read_npy(stream(program, npy_bytes((6, 3), x), *options, "--dtype", "float64"))
    assert wide[0] == "<f8"
    close(wide[2], cell.sequence(x, 6, 1)[0])
    assert stream(program, npy_bytes((6, 3), x), *options, "--text").count(b"\n") == 6
    assert read_npy(stream(program, npy_bytes((0, 3), []), *options))[:2] == ("<f4", (0, 4))
    assert read_npy(stream(program, npy_bytes((6, 3), x) + b"more", *options)) == y  # what is behind the array is not the stream's


def case_npy_that_ends_early(program):
    _, x = model(program)
    options = ["m.safetensors", "--cell", "cell", "--format", "npy"]
    data = npy_bytes((6, 3), x)[:-24]
    stream(program, data, *options, code=1, err="ends after 4 frames, its .npy header announces 6")
    with open(program.path_of("y.npy"), "wb") as file:  # a file's header is put right
        done = subprocess.run([program.path, "stream", *options], cwd=program.folder, env=program.environment(None), input=data, stdout=file,
                              stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and read_npy(program.path_of("y.npy"))[1] == (4, 4)
    with open(program.path_of("z.npy"), "ab") as file:  # appended: it cannot be
        subprocess.run([program.path, "stream", *options], cwd=program.folder, env=program.environment(None), input=data, stdout=file,
                       stderr=subprocess.PIPE, check=False)
    assert program.path_of("z.npy").stat().st_size == 128 + 4 * 16


def case_npy_that_does_not_fit(program):
    _, x = model(program)
    options = ["m.safetensors", "--cell", "cell", "--format", "npy"]
    for data, said in ((floats(x), "does not begin as an .npy file"), (b"", "ends within the .npy header"), (npy_bytes((6, 3), x)[:50], "ends within the .npy header"),
                       (npy_bytes((9, 2), x), "has 2 features; the first layer, 'cell', takes 3"), (npy_bytes((18,), x), r"must be \[steps\]\[features\]"),
                       (npy_bytes((6, 3), x, fortran=True), "C order"), (npy_bytes((6, 3), x, ">f4"), "native byte order"), (npy_bytes((6, 3), x, "<f2"), "must say float32"),
                       (npy_bytes((6, 3), [1] * 18, "<i4"), "of int32; the network begins with 'lstm cell' and takes features"),
                       (npy_bytes((1, 2, 3, 3), x), "up to three extents"), (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f", "longer than 65536")):
        assert stream(program, data, *options, code=1, err=said) == b""
    stream(program, npy_bytes((3, 2, 3), x), *options, "--batch", "3", code=1, err="has batch 2; --batch says another")


def case_a_partial_frame(program):
    _, x = model(program)
    out = stream(program, floats(x)[:-5], "m.safetensors", "--cell", "cell", code=1,
                 err=r"ends within frame 5 \(from 0\): expected 12 bytes \(3 float32\), found 7\n.*5 frames")
    assert len(out) == 5 * 16


def case_an_empty_input(program):
    model(program)
    assert stream(program, b"", "m.safetensors", "--cell", "cell", err="no frames") == b""
    assert stream(program, b"", "m.safetensors", "--cell", "cell", "-q", err="^$") == b""


def case_a_reader_that_goes_away(program):
    _, x = model(program)
    child = start(program, "m.safetensors", "--cell", "cell")
    child.stdin.write(floats(x[:3]))
    read_exactly(child.stdout, 16)
    child.stdout.close()  # while it waits for a frame
    said = finish(child, 0)
    assert "1 frame x" in said and "roken pipe" not in said, said
    child = start(program, "m.safetensors", "--cell", "cell", "-q")
    child.stdout.close()  # before it writes
    try:
        child.stdin.write(floats(x))
    except BrokenPipeError:
        pass
    assert finish(child, 0) == ""


def case_signals(program):
    _, x = model(program)
    for number in (signal.SIGINT, signal.SIGTERM):
        child = start(program, "m.safetensors", "--cell", "cell")
        child.stdin.write(floats(x[:6]))
        read_exactly(child.stdout, 32)
        child.stdin.write(floats(x[:2]))  # part of a frame
        child.send_signal(number)
        assert re.search("2 " + SUMMARY, finish(child, 128 + number))
    child = start(program, "m.safetensors", "--cell", "cell", "--format", "npy")
    child.send_signal(signal.SIGINT)  # before the header, or before it is caught
    child.stdin.close()
    assert child.wait(timeout=60) in (1, 130, -signal.SIGINT)


def case_a_signal_completes_the_header(program):
    _, x = model(program)
    with open(program.path_of("y.npy"), "wb") as file:
        child = start(program, "m.safetensors", "--cell", "cell", "--format", "npy", stdout=file)
        child.stdin.write(npy_bytes((6, 3), x)[:-36])
        until = time.monotonic() + 60
        while program.path_of("y.npy").stat().st_size < 128 + 3 * 16 and time.monotonic() < until:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        finish(child, 130)
    assert read_npy(program.path_of("y.npy"))[1] == (3, 4)


def case_a_reader_that_reads_nothing_more(program):
    _, x = model(program)
    child = start(program, "m.safetensors", "--cell", "cell", "-q")
    try:  # until both pipes are full
        os.set_blocking(child.stdin.fileno(), False)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if not select.select([], [child.stdin], [], 2.0)[1]:
                break
            os.write(child.stdin.fileno(), floats(x * 50))
    finally:
        child.send_signal(signal.SIGINT)
    assert child.wait(timeout=60) == 130


def case_percentiles_ascend(program):
    model(program)
    said = subprocess.run([program.path, "stream", "m.safetensors", "--cell", "cell"], cwd=program.folder, env=program.environment(None),
                          input=floats(randoms((3000, 3), "p")), capture_output=True, check=True).stderr.decode()
    units = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
    line = said[said.index("latency: "):]
    found = [float(number) * units[unit] for number, unit in re.findall(r"(?:median|%|maximum) ([\d.]+) ([mu]?s)", line)]
    assert len(found) == 5 and found == sorted(found) and found[0] > 0, said
    whole = re.search(r"3000 frames x batch 1 in ([\d.]+) ([mu]?s), (\d+) frames/s", said)
    assert abs(float(whole.group(1)) * units[whole.group(2)] * int(whole.group(3)) / 3000 - 1) < 0.02, said


def case_streams_that_are_closed_or_full(program):
    model(program)
    frames = floats(randoms((6, 3), "x"))
    for closed, said in (("<&-", "reading standard input"), (">&-", "writing standard output"), (">/dev/full", "writing standard output.*No space left")):
        done = subprocess.run(["sh", "-c", f'"$0" stream m.safetensors --cell cell -q {closed}', program.path], cwd=program.folder, input=frames,
                              env=program.environment(None), capture_output=True, check=False)
        assert done.returncode == 1 and re.search(said, done.stderr.decode()), (closed, done)


def case_terminals(program):
    _, x = model(program)
    master, slave = pty.openpty()
    for streams, said in (({"stdin": slave}, "standard input is a terminal"), ({"stdout": slave}, "standard output is a terminal.*--text")):
        child = start(program, "m.safetensors", "--cell", "cell", **streams)
        assert re.search(said, finish(child, 2))
    child = start(program, "m.safetensors", "--cell", "cell", "--text", "-q", stdout=slave)
    child.stdin.write(floats(x))
    child.stdin.close()
    assert finish(child, 0) == ""
    assert os.read(master, 4096).count(b"\n") >= 1
    os.close(slave)
    os.close(master)


def case_what_cannot_stream(program):
    models = program.data / "models"
    stream(program, b"", models / "mindspore_lstm_l2_bidir.ckpt", code=1, err="goes backward.*cannot stream")
    stream(program, b"", models / "refuse_pickle_command.pt", code=1, err="oclstm: ")
    stream(program, b"", "missing.pt", code=1, err="missing.pt")
    stream(program, b"", models / "torch_sine_f64.pt", "-d", "no such device", code=2, err="no device")


def case_models_as_the_frameworks_write_them(program):
    """Against `run` of the same data: float64 cells with a head, a projection, ONNX's options."""
    models = program.data / "models"
    for name, width, dtype in (("torch_sine_f64.pt", 1, "d"), ("torch_lstm_proj.pt", None, "f"), ("onnx_clip.onnx", None, "f")):
        said = subprocess.run([program.path, "stream", models / name], input=b"", capture_output=True, env=program.environment(None), check=True).stderr.decode()
        features = int(re.search(r"a frame is (\d+) ", said).group(1))
        x = randoms((7, features), name)
        write_npy(program.path_of("x.npy"), (7, features), x, descr="<f8" if dtype == "d" else "<f4")
        program.run("run", models / name, "-i", "x.npy", "-o", "y.npy", "-e", "portable")
        out = numbers(stream(program, floats(x, dtype), models / name, "-e", "portable"), dtype)
        assert out == read_npy(program.path_of("y.npy"))[2], name
        assert width is None or len(out) == 7 * width


def case_verbose_and_quiet(program):
    _, x = model(program)
    stream(program, floats(x), "m.safetensors", "--layers", "cell,relu,head", "-v",
           err=r"device \d+, .*layers: lstm cell cell \(3 -> 4\), relu, linear head \(4 -> 2\).*layer cell: engine .*memory: .*a frame is 3 float32")
    stream(program, floats(x), "m.safetensors", "--layers", "cell,relu,head", "-q", err="^$")


def case_a_frame_of_more_than_a_pipe_holds(program):
    _, _ = model(program)
    batch = 30000
    x = struct.pack("<3f", 1.0, -2.0, 0.5) * batch
    child = start(program, "m.safetensors", "--cell", "cell", "--batch", str(batch), "-q")
    first = child.communicate(x + x, timeout=120)[0]
    assert child.returncode == 0 and len(first) == 2 * batch * 16
    for frame in (first[:batch * 16], first[batch * 16:]):
        assert frame == frame[:16] * batch


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
