#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm tune`, what it leaves, and what the other commands make of that: tune_cases.py OCLSTM [CASE...]"""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time

from cli_case import Skip, close, run_cases
from cli_files import Cell, randoms, read_npy, write_npy, write_safetensors

SMALL = ["--shape", "1,4,4,3"]
NOTHING = "0.0000001"  # a budget that is gone before the first candidate


def cache(program):
    return {"OCLSTM_CACHE_DIR": str(program.path_of("cache"))}


def device(program):
    """The selector of the device that auto picks: a shape alone would go to another device of the CPU."""
    return ["-d", str(next(entry["index"] for entry in json.loads(program.run("devices", "--json").out)["devices"] if entry["chosen_by_auto"]))]


def tuned_files(program):
    return sorted(program.path_of("cache").glob("tuned-*.txt"))


def tried(program):
    """How far the search stands, from the one file; which has to be whole."""
    (file,) = tuned_files(program)
    text = file.read_text()
    assert text.startswith("oclstm-tuned 1\n") and text.endswith("\nend\n"), text
    found = re.search(r"^tried [0-9a-f]{16} (\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else 0


def start(program, *arguments, **options):
    environment = program.environment(cache(program))
    return subprocess.Popen([program.path, "tune", *arguments], cwd=program.folder, env=environment, stdin=subprocess.DEVNULL, **options)


def wait_until(what, seconds=120):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def case_a_search_and_its_file(program):
    where = device(program)
    result = program.run("tune", *SMALL, *where, "--budget", "2s", env=cache(program), out=r"^device \d+: .*\nkept in .*/cache/tuned-[0-9a-f]{16}\.txt\n$")
    assert re.search(r"^oclstm: tune: the budget ended after \d+ of \d+ candidates; the same command goes on", result.err, re.MULTILINE), result
    assert "nothing faster was found" in result.out.decode() or re.search(r"^\S.* [\d.]+x  \S", result.out.decode(), re.MULTILINE), result
    first = tried(program)
    assert first >= 1
    # It goes on there; another search, or one that is told to, begins at the begin.
    program.run("tune", *SMALL, *where, "--budget", NOTHING, env=cache(program), err=rf"after {first} of ")
    program.run("tune", *SMALL, *where, "--budget", NOTHING, "--restart", env=cache(program), err="after 0 of ")
    program.run("tune", "--shape", "1,4,5", *where, "--budget", NOTHING, env=cache(program), err="after 0 of ")


def case_quiet_and_verbose(program):
    where = device(program)
    program.run("tune", *SMALL, *where, "--budget", NOTHING, "-q", env=cache(program), err="^$", out="kept in ")
    program.run("tune", *SMALL, *where, "--budget", NOTHING, "-v", env=cache(program), err="settings tuned here, from")


def case_shapes_are_tuned_where_they_run(program):
    if len(json.loads(program.run("devices", "--json").out)["devices"]) < 2:
        raise Skip("one device")
    program.run("tune", "--shape", "1,8,8", "--shape", "256,512,512", "--budget", NOTHING, env=cache(program), out="device")
    assert 1 <= len(tuned_files(program)) <= 2


def case_budgets_that_are_none(program):
    for budget in ("0", "0s", "-1", "+5", "soon", "", "5x", "5 m", "1e3", "nan", "inf", "0x10", "5mm", "1.2.3", ".", "25h", "99999999999999999999h", "m"):
        program.run("tune", "--budget", budget, code=2, env=cache(program), err=rf"--budget '{re.escape(budget)}' is not valid: expected a time above 0")
    program.run("tune", "--budget", code=2, err="--budget needs an argument")
    assert not program.path_of("cache").exists()


def case_budgets_that_are_right(program):
    where = device(program)
    for budget in ("0.001", "0.001s", "0.00002m", "0.0000003h"):
        program.run("tune", *SMALL, *where, "--budget", budget, env=cache(program), err="the budget ended")


def case_shapes_that_are_none(program):
    for shape in ("", "1", "1,2", "1,2,", "1,2,3,", "1,2,3,4,5", "0,1,1", "1,0,1", "1,1,0", "1,1,1,0", "-1,1,1", "1, 1,1", "a,b,c", "1,1,1,x", "1.5,1,1",
                  "99999999999999999999,1,1", "9223372036854775807,1,1", "1,9223372036854775807,1", "1,1,9223372036854775807", "1,1,1,9223372036854775807",
                  "4294967296,4294967296,1", "1,1,3037000500"):
        program.run("tune", "--shape", shape, code=2, env=cache(program), err="--shape '.*' is not valid: expected")
    # Within the address space, but nothing that could be tried.
    for shape in ("1,1,65536", "1048576,1024,1024,64", "2147483648,1,1"):
        program.run("tune", "--shape", shape, code=2, env=cache(program), err=r"shape 0 is .*too large to be tried")
    program.run("tune", *["--shape", "1,2,3"] * 65, code=2, env=cache(program), err="at most 64 shapes")
    assert not program.path_of("cache").exists()


def case_options_of_other_commands(program):
    for option in (["-e", "fused"], ["--json"], ["--plot", "x.svg"], ["-i", "x"]):
        program.run("tune", *option, code=2, err="unknown or ambiguous option|unknown option")
    program.run("tune", "file", code=2, err="unexpected argument 'file'")
    program.run("tune", "--dtype", "float16", code=2, err="--dtype 'float16' is not valid")
    program.run("bench", "--budget", "1", code=2, err="unknown or ambiguous option '--budget'")


def case_no_place_for_the_file(program):
    program.run("tune", *SMALL, code=1, env={"OCLSTM_CACHE_DIR": ""}, err="OCLSTM_CACHE_DIR is empty")
    program.path_of("cache").write_text("a file")
    program.run("tune", *SMALL, code=1, env=cache(program), err='cannot write the tuned settings ".*/cache/tuned-')
    program.run("tune", *SMALL, code=1, env={"OCLSTM_CACHE_DIR": "/proc/none"}, err='cannot write the tuned settings "/proc/none/')


def case_killed_at_any_moment(program):
    where = device(program)
    last = 0
    for delay in (0.0, 0.3, 1.0, 2.7):
        running = start(program, *SMALL, *where, "--budget", "60s", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: tuned_files(program) or running.poll() is not None)
            assert running.poll() is None, f"it ended with {running.returncode}"
            time.sleep(delay)
        finally:
            running.kill()
            running.wait()
        assert tried(program) >= last
        last = tried(program)
        # And it can be used.
        program.run("tune", *SMALL, *where, "--budget", NOTHING, "-v", env=cache(program), err="settings tuned here, from")
    if last == 0:  # a slow machine: wait for the first candidate
        running = start(program, *SMALL, *where, "--budget", "60s", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: (tuned_files(program) and tried(program) >= 1) or running.poll() is not None)
        finally:
            running.kill()
            running.wait()
        last = tried(program)
    assert last >= 1, "nothing that was tried was kept"


def case_ctrl_c_keeps_what_it_has(program):
    for number in (signal.SIGINT, signal.SIGTERM):
        running = start(program, *SMALL, *device(program), "--budget", "60s", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until(lambda: tuned_files(program) or running.poll() is not None)
        time.sleep(0.5)
        running.send_signal(number)
        out, err = running.communicate(timeout=120)
        assert running.returncode == 0, err
        assert b"stopping after this candidate" in err and b"stopped by a signal after" in err, err
        assert b"kept in " in out, out
        tried(program)


def case_a_second_ctrl_c_ends_at_once(program):
    running = start(program, *SMALL, *device(program), "--budget", "60s", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: tuned_files(program) or running.poll() is not None)
    running.send_signal(signal.SIGINT)
    time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=120)
    assert running.returncode in (-signal.SIGINT, 0), running.returncode  # 0: the candidate ended in between
    tried(program)


def case_progress_on_a_terminal(program):
    master, slave = pty.openpty()
    running = start(program, *SMALL, *device(program), "--budget", "30s", stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    shown, end = b"", time.monotonic() + 120
    while b"candidates" not in shown and time.monotonic() < end and running.poll() is None:
        if select.select([master], [], [], 0.2)[0]:
            shown += os.read(master, 4096)
    running.send_signal(signal.SIGINT)
    while running.poll() is None:
        if select.select([master], [], [], 0.2)[0]:
            try:
                os.read(master, 4096)
            except OSError:
                break
    running.wait()
    os.close(master)
    assert re.search(rb"\r\[[#.]{10}\] +\d+%  \d+/\d+ candidates  \d+ s left [a-z]", shown), shown
    assert max(map(len, re.split(rb"[\r\n]", shown))) < 80 + len("\033[K"), shown


def case_a_file_that_cannot_be_used(program):
    where = device(program)
    program.run("tune", *SMALL, *where, "--budget", NOTHING, "-q", env=cache(program))
    (file,) = tuned_files(program)
    right = file.read_bytes()
    cell, x = Cell(3, 4), randoms((5, 2, 3), "x")
    write_safetensors(program.path_of("m.safetensors"), cell.tensors())
    write_npy(program.path_of("x.npy"), (5, 2, 3), x)
    run = ["run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", *where]
    hostile = right.replace(b"end\n", b"shape float32 batch=2 input=3 hidden=4 engine=fused form=rows groups=4097 chunk=0 ns=1\nend\n")
    for bad, reason in ((right[:-4], "cut off"), (b"", "cut off"), (b"\0\xff" * 5000, "cut off|does not begin"), (hostile, "not understood"),
                        (re.sub(rb"driver .*", b"driver 0", right), "another library version, platform, device or driver"),
                        (re.sub(rb"library .*", b"library 9.9.9", right), "another library version"), (right + b"\n" * 70000, "more than 65536 bytes")):
        file.write_bytes(bad)
        result = program.run(*run, env=cache(program), err=rf"^oclstm: warning: the tuned settings \".*\" are not used: .*({reason}).*; run oclstm tune again")
        assert result.err.count("warning") == 1, result
        assert not read_npy(program.path_of("y.npy"))[2] == [], result
        close(read_npy(program.path_of("y.npy"))[2], cell.sequence(x, 5, 2)[0])
        program.run(*run, "-q", env=cache(program), err="^$")
    # Once, however many shapes the device has.
    result = program.run("bench", "--shape", "1,4,4,2", "--shape", "2,4,4,2", "--repeat", "1", "--no-roofs", *where, env=cache(program))
    assert result.err.count("warning") == 1, result
    # A search puts it right.
    program.run("tune", *SMALL, *where, "--budget", NOTHING, env=cache(program), err="warning")
    program.run(*run, "-v", env=cache(program), err="settings tuned here, from")


def case_hostile_but_well_formed_settings_change_no_result(program):
    where = device(program)
    program.run("tune", *SMALL, *where, "--budget", NOTHING, "-q", env=cache(program))
    (file,) = tuned_files(program)
    right = file.read_text()
    cell, x = Cell(3, 4), randoms((5, 2, 3), "x")
    write_safetensors(program.path_of("m.safetensors"), cell.tensors())
    write_npy(program.path_of("x.npy"), (5, 2, 3), x)
    for lines in ("shape float32 batch=2 input=3 hidden=4 engine=fused form=rows groups=4096 chunk=4096 ns=1\nfused float32 width=16 tile=8\n",
                  "shape float32 batch=2 input=3 hidden=4 engine=fused form=units groups=4096 chunk=4096 ns=1\nfused float32 width=4 tile=1\n",
                  "shape float32 batch=2 input=3 hidden=4 engine=fused form=group groups=4096 chunk=0 ns=1\n",
                  "shape float32 batch=2 input=3 hidden=4 engine=warp form=speed groups=1 chunk=0 ns=1\n",
                  "shape float32 batch=2 input=3 hidden=4 engine=clblast ns=1\nclblast float32 Xgemm MWG=1024 NWG=1024\n"
                  "clblast float32 XgemmDirect KWID=1024\nclblast float32 Nonsense A=1\n"):
        lines = "\n".join(line for line in right.splitlines() if not line.startswith(("shape", "fused", "clblast", "end"))) + "\n" + lines + "end\n"
        file.write_text(lines)
        program.run("run", "m.safetensors", "-i", "x.npy", "-o", "y.npy", *where, "-v", env=cache(program), err="settings tuned here, from")
        close(read_npy(program.path_of("y.npy"))[2], cell.sequence(x, 5, 2)[0])


def case_products(program):
    where = device(program)
    result = program.run("bench", "--gemm", "3,5,7", "--gemm", "1,20,30", *where, "--json", env=cache(program))
    entries = [json.loads(line) for line in result.out.decode().splitlines()]
    assert [(entry["m"], entry["n"], entry["k"]) for entry in entries] == [(3, 5, 7), (1, 20, 30)], entries
    for entry in entries:
        assert entry["seconds_own"] > 0 and entry["seconds_tuned"] > 0
        assert abs(entry["ratio"] * entry["seconds_tuned"] / entry["seconds_own"] - 1) < 1e-3, entry
    program.run("bench", "--gemm", "3,5,7", *where, env=cache(program), out=r"own +tuned +ratio.*\n +3 +5 +7 +[\d.]+ +[\d.]+ +[\d.]+")
    for product in ("", "1,2", "0,1,1", "1,1,1,1", "1,1,x", "99999999999999999999,1,1"):
        program.run("bench", "--gemm", product, code=2, err="--gemm '.*' is not valid: expected M,N,K")
    program.run("bench", "--gemm", "9223372036854775807,9223372036854775807,9223372036854775807", *where, code=1, err="oclstm: ")
    program.run("bench", "--gemm", "1,1,1", "--shape", "1,1,1,1", code=2, err="--gemm measures products")
    program.run("bench", *["--gemm", "1,1,1"] * 17, code=2, err="at most 16 products")


if __name__ == "__main__":
    raise SystemExit(run_cases(globals(), needs_device=True))
