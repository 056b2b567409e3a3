#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm bench`: what it prints, how it chooses a device, how it stops. Never how fast: bench_cases.py OCLSTM [CASE...]"""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time

from cli_case import Skip, run_cases

SHAPE = ["--shape", "2,5,7,3"]
QUICK = [*SHAPE, "--repeat", "3", "--no-roofs"]
ROW = r"^ +2 +5 +7 +3 \w+ +\d+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +\S+ +[\d.]+ +\S+$"


def objects(program, *arguments, **options):
    """What --json prints: one object a line."""
    return [json.loads(line) for line in program.run("bench", "--json", *arguments, **options).out.decode().splitlines()]


def devices(program, env=None):
    return json.loads(program.run("devices", "--json", env=env).out)["devices"]


def pocl(program):
    """PoCL's two devices, which the program lets it show."""
    names = {device["name"].split("-")[0]: device for device in devices(program) if device["platform"] == "Portable Computing Language"}
    others = [device for device in devices(program) if device["platform"] != "Portable Computing Language"]
    if not {"basic", "pthread"} <= set(names) or others or os.environ.get("POCL_DEVICES"):
        raise Skip("not PoCL alone with its two devices")
    return names["basic"], names["pthread"]


def case_one_object_a_shape(program):
    first, second = objects(program, *QUICK, "--shape", "1,4,4,2", err="^$")
    assert [first[key] for key in ("batch", "input", "hidden", "steps", "calls")] == [2, 5, 7, 3, 3], first
    assert [second[key] for key in ("batch", "input", "hidden", "steps")] == [1, 4, 4, 2], second
    assert first["engine"] in ("portable", "fused", "clblast") and first["device"] and first["dtype"] == "float32" and not first["single"]
    assert 0 < first["seconds_min"] <= first["seconds_median"] <= first["seconds_p99"] <= first["seconds_max"]
    operations, moved = 8 * 7 * (5 + 7) * 2 * 3, 4 * 3 * (4 * 7 * (5 + 7) + 2 * (5 + 7))
    assert abs(first["gflops"] * first["seconds_min"] * 1e9 / operations - 1) < 1e-9, first
    assert abs(first["gbytes_per_second"] * first["seconds_min"] * 1e9 / moved - 1) < 1e-9, first
    assert abs(first["microseconds_per_step"] * 3e-6 / first["seconds_min"] - 1) < 1e-9, first
    assert first["peak_gflops"] is None and first["copy_gbytes_per_second"] is None


def case_the_roofs(program):
    (found,) = objects(program, *SHAPE, "--repeat", "1")
    assert found["peak_gflops"] > 0 and found["copy_gbytes_per_second"] > 0, found
    text = program.run("bench", *SHAPE, "--repeat", "1").out.decode()
    assert re.search(r"^device \d+: .*, float32: peak [\d.]+ GFLOP/s, copy [\d.]+ GB/s$", text, re.MULTILINE), text


def case_the_table(program):
    text = program.run("bench", *QUICK, err="^$").out.decode()
    assert re.search(ROW, text, re.MULTILINE) and "us/step" in text and text.startswith("device "), text
    text = program.run("bench", *QUICK, "-q", err="^$").out.decode()
    assert re.fullmatch(ROW, text.rstrip("\n")), text
    program.run("bench", *QUICK, "-v", err=r"shape 2,5,7,3: device \d+.*, engine ")


def case_float64(program):
    if not any(device["chosen_by_auto"] and device["limits"]["float64"] for device in devices(program)):
        raise Skip("no float64")
    (found,) = objects(program, *QUICK, "--dtype", "float64", "-d", "auto")
    assert found["dtype"] == "float64"


def case_one_engine(program):
    for engine in ("portable", "fused", "clblast"):
        (found,) = objects(program, *QUICK, "--engine", engine, "-d", "auto")
        assert found["engine"] == engine, found


def case_every_engine(program):
    found = objects(program, *QUICK, "--engine", "all")
    assert [entry["engine"] for entry in found][:1] == ["portable"] and len({entry["engine"] for entry in found}) == len(found), found


def case_an_engine_that_cannot_run(program):
    env = {"POCL_MAX_WORK_GROUP_SIZE": "1"}  # too small for CLBlast
    if not all(device["limits"]["max_work_group_size"] == 1 for device in devices(program, env)):
        raise Skip("no PoCL alone")
    program.run("bench", *QUICK, "--engine", "clblast", env=env, code=1, err="clblast")
    found = objects(program, *QUICK, "--engine", "all", env=env, err="without engine clblast: .*work-groups of")
    assert "clblast" not in [entry["engine"] for entry in found] and found
    objects(program, *QUICK, "--engine", "all", "-q", env=env, err="^$")


def case_single_steps(program):
    (found,) = objects(program, "--single", "--repeat", "20", "--shape", "1,16,16,1")
    assert found["single"] and found["steps"] == 1 and found["calls"] == 20 and found["peak_gflops"] is None, found
    assert found["seconds_min"] <= found["seconds_median"] <= found["seconds_p99"] <= found["seconds_max"]
    found = objects(program, "--single", "--repeat", "2")
    assert [entry["hidden"] for entry in found] == [16, 64, 128, 256] and all(entry["batch"] == 1 for entry in found)
    (found,) = objects(program, "--single", "--time", "0.001", "--shape", "3,4,5,1")
    assert found["calls"] >= 2000 and found["batch"] == 3
    program.run("bench", "--single", "--repeat", "2", "--shape", "1,16,16,1", out=r"99%.*\n +1 +16 +16 \w+ ")


def case_training(program):
    for engine in ("portable", "fused", "auto"):
        (found,) = objects(program, "--train", "--repeat", "3", "--shape", "2,3,5,4", "--engine", engine, "--no-roofs")
        assert found["train"] and not found["single"] and found["calls"] == 3 and found["gbytes_per_second"] is None, found
        assert found["engine"] == engine or engine == "auto" and found["engine"] in ("portable", "fused", "clblast"), found
    found = objects(program, "--train", "--repeat", "1", "--no-roofs")
    expected = [(16, 32, 128, 64), (32, 256, 256, 50), (64, 512, 512, 20)]
    assert [tuple(entry[name] for name in ("batch", "input", "hidden", "steps")) for entry in found] == expected
    program.run("bench", "--train", "--repeat", "2", "--shape", "2,3,5,4", out=r"forward and back.*\n +2 +3 +5 +4 \w+ ")
    program.run("bench", "--train", "--shape", "2,3,5,4", "--dtype", "float16", code=1, err="float16")


def case_a_time(program):
    begin = time.monotonic()
    (found,) = objects(program, *SHAPE, "--time", "0.3", "--no-roofs")
    assert found["calls"] >= 3 and time.monotonic() - begin >= 0.3


def case_the_shape_chooses_the_device(program):
    basic, pthread = pocl(program)
    small, large = ["--shape", "1,16,16,100"], ["--shape", "8,512,512,3"]
    rest = ["--repeat", "1", "--no-roofs"]
    assert [entry["device"] for entry in objects(program, *small, *large, *small, *rest)] == [basic["name"], pthread["name"], basic["name"]]
    program.run("bench", *small, *rest, "-v", err="chosen by the shape")
    program.run("bench", *large, *rest, "-v", err=r"device \d+, engine")
    for named in (["-d", "auto"], ["-d", "pthread"]):
        assert {entry["device"] for entry in objects(program, *small, *large, *rest, *named)} == {pthread["name"]}
    for selector in ("cpu", ""):
        assert {entry["device"] for entry in objects(program, *small, *rest, env={"OCLSTM_DEVICE": selector})} == {pthread["name"]}
    # What the user says of PoCL's devices stands.
    assert {entry["device"] for entry in objects(program, *small, *rest, env={"POCL_DEVICES": "pthread"})} == {pthread["name"]}


def case_too_large(program):
    program.run("bench", "--shape", "100000,10000,100,1000", code=1, out="^$", err="needs .* GiB of host memory.*smaller shape")
    program.run("bench", "--shape", "1,1,1,1", "--shape", "1,1,1000000,1", code=1, out="^$", err="shape 1,1,1000000,1 needs")
    program.run("bench", "-d", "nothing like it", code=2, err="no device")


def gnuplot_pictures(program, name):
    if not shutil.which("gnuplot"):
        raise Skip("gnuplot is not installed")
    program.run("bench", *SHAPE, "--shape", "1,9,9,2", "--repeat", "2", "--engine", "all", "--plot", name, err="^$")
    stem, ending = os.path.splitext(name)
    assert program.files() == {f"{stem}-roofline{ending}", f"{stem}-bars{ending}"}, program.files()
    return [program.path_of(f"{stem}-{chart}{ending}").read_bytes() for chart in ("roofline", "bars")]


def case_plots_as_svg(program):
    for picture in gnuplot_pictures(program, "it's a \"$(plot)\" `x`.svg"):
        text = picture.decode()
        assert text.lstrip().startswith("<?xml") and text.rstrip().endswith("</svg>")
        assert "B1 H9" in text and "B2 I5 H7" in text and "engine portable on device" in text and "GFLOP/s" in text


def case_plots_as_png(program):
    for picture in gnuplot_pictures(program, "p.png"):
        assert picture.startswith(b"\x89PNG\r\n\x1a\n") and picture.rstrip().endswith(b"IEND\xaeB`\x82")


def case_plots_without_roofs(program):
    if not shutil.which("gnuplot"):
        raise Skip("gnuplot is not installed")
    program.run("bench", *QUICK, "--plot", "p.svg")
    assert "peak" not in program.path_of("p-bars.svg").read_text()


def case_plots_that_cannot_be_written(program):
    if not shutil.which("gnuplot"):
        raise Skip("gnuplot is not installed")
    program.run("bench", *QUICK, "--plot", "no/such/folder/p.svg", code=1, out="^$", err="cannot write no/such/folder/p-roofline.svg")
    program.path_of("p-bars.svg").mkdir()
    program.path_of("p-bars.svg/file").write_text("")
    done = subprocess.run([program.path, "bench", *QUICK, "--plot", "p.svg"], cwd=program.folder, env=program.environment(None),
                          capture_output=True, check=False)
    assert done.returncode == 1 and b"p-bars.svg" in done.stderr, done
    assert not [name for name in program.files() if "partial" in name], program.files()


def case_a_gnuplot_that_fails(program):
    folder = program.path_of("bin")
    folder.mkdir()
    (folder / "gnuplot").write_text("#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho 'no such terminal' >&2\nexit 3\n")
    (folder / "gnuplot").chmod(0o755)
    env = {"PATH": f"{folder}:{os.environ['PATH']}"}
    program.run("bench", *QUICK, "--plot", "p.svg", code=1, err="gnuplot ended with exit code 3: no such terminal", env=env)


def case_interrupted(program):
    for extra in ([], ["--json"], ["--single"]):
        arguments = ["--shape", "1,16,16,1", "--time", "60", "--no-roofs", *extra]
        child = subprocess.Popen([program.path, "bench", *arguments], cwd=program.folder, env=program.environment(None),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(1.0)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        assert child.returncode == 130 and b"stopped by a signal" in err, (child.returncode, out, err)
        assert "--json" not in extra or not out, out
    assert not program.files()


def case_a_progress_bar_on_a_terminal(program):
    master, slave = pty.openpty()
    child = subprocess.Popen([program.path, "bench", *SHAPE, "--shape", "1,2,2,2", "--time", "2.6", "--no-roofs", "--json"],
                             cwd=program.folder, env=program.environment(None), stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    shown = b""
    try:
        while chunk := os.read(master, 4096):
            shown += chunk
    except OSError:
        pass  # the other end is closed
    os.close(master)
    out = child.communicate(timeout=60)[0]
    assert child.returncode == 0 and len(out.splitlines()) == 2
    assert b"1/2 cases" in shown and shown.endswith(b"\r\x1b[K"), shown


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
