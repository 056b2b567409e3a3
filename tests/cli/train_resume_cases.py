#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm train`: checkpoints, and going on from them: train_resume_cases.py OCLSTM [CASE...]"""

import json
import os
import re
import resource
import shlex
import signal
import struct
import subprocess
import sys
import time

from cli_case import run_cases
from cli_files import randoms, write_npy
from train_case import WAVES, fails, log_of, start, tensors_of, waves

CHECKPOINT = "out.checkpoint.safetensors"
# Everything that must be kept: momentum, dropout, a schedule, a state carried from chunk to chunk, an order.
LONG = ["train", "--new", "lstm 1 6 layers 2, linear 1", "-x", "x.npy", "-t", "t.npy", "-o", "out.safetensors", "--batch", "4", "--bptt", "5", "--steps", "120",
        "--optimizer", "adamw", "--schedule", "cosine", "--warmup", "20", "--dropout", "0.2", "--clip", "0.5", "--seed", "3", "--validation", "0.2",
        "--log", "log.csv", "--evaluate-every", "17"]


def whole(program):
    """A run without interruption, in a folder of its own: its weights and its log."""
    waves(program)
    program.run(*LONG)
    found = tensors_of(program.path_of("out.safetensors"))[0], log_of(program.path_of("log.csv"))
    for name in ("out.safetensors", CHECKPOINT, "log.csv"):
        program.path_of(name).unlink()
    return found


def same(program, expected):
    assert tensors_of(program.path_of("out.safetensors"))[0] == expected[0], "other weights than without the interruption"
    assert log_of(program.path_of("log.csv")) == expected[1], "another log than without the interruption"


def wait_for_lines(program, child, count):
    path, until = program.path_of("log.csv"), time.monotonic() + 60
    while child.poll() is None and time.monotonic() < until:
        if path.exists() and path.read_bytes().count(b"\n") > count:
            return
        time.sleep(0.001)
    raise AssertionError(f"the training ended before its step {count}: {child.communicate()}")


def case_killed_at_any_moment(program):
    expected = whole(program)
    for every, moments in (("7", (1, 40)), ("1", (3, 70)), ("1h", (60,))):
        arguments = [*LONG, "--checkpoint-every", every]
        for lines in moments:
            child = start(program, *arguments, "--resume")
            wait_for_lines(program, child, lines)
            child.kill()
            child.communicate()
            assert child.returncode == -signal.SIGKILL and not program.path_of("out.safetensors").exists()
            for path in program.folder.glob("*.partial-*"):  # killed while it wrote
                path.unlink()
        program.run(*arguments, "--resume", err="going on from out.checkpoint.safetensors: [0-9]+ of 120 steps are done")
        same(program, expected)
        for name in ("out.safetensors", CHECKPOINT, "log.csv"):
            program.path_of(name).unlink()


def case_stopped_by_a_signal(program):
    expected = whole(program)
    for number, lines in ((signal.SIGINT, 30), (signal.SIGTERM, 70)):
        child = start(program, *LONG, *(["--resume"] if lines > 30 else []))
        wait_for_lines(program, child, lines)
        child.send_signal(number)
        said = child.communicate(timeout=60)[1].decode()
        assert child.returncode == 128 + number, said
        steps = int(re.search(r"stopped by a signal after step (\d+) of 120; it is in out.checkpoint", said).group(1))
        assert steps >= lines and len(log_of(program.path_of("log.csv"))) == steps
        command = re.search(r"to go on: (oclstm train .*)$", said, re.MULTILINE).group(1)
    words = shlex.split(command)
    assert words[0] == "oclstm" and words[-1] == "--resume", command
    program.run(*words[1:], err="going on")
    same(program, expected)


def case_longer_than_at_first(program):
    waves(program)
    program.run(*WAVES, "--steps", "300")
    text = program.run("info", CHECKPOINT, out=r"train.losses: .*\.\.\. \(\d+ bytes\)\n").out.decode()
    assert max(map(len, text.splitlines())) < 700
    program.run(*WAVES, "--steps", "12")
    expected = tensors_of(program.path_of("out.safetensors"))[0]
    program.run(*WAVES, "--steps", "5", "--restart")
    program.run(*WAVES, "--steps", "12", "--resume", err="5 of 12 steps are done")
    assert tensors_of(program.path_of("out.safetensors"))[0] == expected
    # What is done already is only written.
    program.path_of("out.safetensors").unlink()
    program.run(*WAVES, "--steps", "12", "--resume", err="0 steps")
    assert tensors_of(program.path_of("out.safetensors"))[0] == expected


def case_a_resumed_start(program):
    waves(program)
    program.run(*WAVES, "--steps", "3", "--resume", err="out.checkpoint.safetensors is not there: the training begins at its start")


def unfinished(program, *arguments):
    """A checkpoint of a training that is not done."""
    waves(program)
    program.run(*WAVES, *arguments, "--steps", "4")
    path = program.path_of(CHECKPOINT)
    path.write_bytes(path.read_bytes().replace(b'"train.finished":"yes"', b'"train.finished":"no" '))


def case_a_checkpoint_is_not_lost_by_mistake(program):
    waves(program)
    child = start(program, *WAVES, "--steps", "100000", "--log", "log.csv")
    wait_for_lines(program, child, 5)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    kept = program.path_of(CHECKPOINT).read_bytes()
    fails(program, *WAVES, "--steps", "8", err=r"out.checkpoint.safetensors is of a training that is not finished, with \d+ steps done: go on with "
                                               "--resume, or begin anew with --restart")
    assert program.path_of(CHECKPOINT).read_bytes() == kept
    program.run(*WAVES, "--steps", "8", "--restart")
    # Nor is what is no checkpoint.
    program.path_of(CHECKPOINT).write_bytes(program.path_of("out.safetensors").read_bytes())
    fails(program, *WAVES, err="is there and no checkpoint of a training")
    program.path_of(CHECKPOINT).write_text("something else")
    fails(program, *WAVES, err="it stands where this training's checkpoint goes")
    fails(program, *WAVES, "--resume", err=CHECKPOINT)


def case_checkpoints_of_other_trainings(program):
    waves(program)
    program.run(*WAVES, "--steps", "4")
    resume = [*WAVES, "--steps", "9", "--resume"]
    kept = program.path_of(CHECKPOINT).read_bytes()
    for arguments, words in ((["--batch", "3"], "--batch of its training is 4, of this one 3"), (["--bptt", "5"], "--bptt of its training is 12, of this one 5"),
                             (["--seed", "1"], "--seed of its training is 0, of this one 1"), (["--no-shuffle"], "the order of the data of its training is shuffled"),
                             (["--validation", "0.2"], "--validation of its training is 0"), (["--new", "lstm 1 9, linear 1"], CHECKPOINT),
                             (["--optimizer", "sgd"], "adam"), (["--precision", "f64"], "float")):
        fails(program, *resume, *arguments, err=words)
    write_npy(program.path_of("t.npy"), (12, 6, 1), randoms((12, 6, 1), "other"))
    fails(program, *resume, err="the data's checksum of its training is [0-9a-f]{16}")
    assert program.path_of(CHECKPOINT).read_bytes() == kept


def case_damaged_checkpoints(program):
    waves(program)
    program.run(*WAVES, "--steps", "4")
    resume = [*WAVES, "--steps", "9", "--resume"]
    path = program.path_of(CHECKPOINT)
    good = path.read_bytes()
    (length,) = struct.unpack("<Q", good[:8])
    for bad in (good[:len(good) // 2], good[:-1], b"", good[:4], good[:8 + length + 40] + bytes([good[8 + length + 40] ^ 1]) + good[8 + length + 41:],
                good.replace(b'"train.step":"4"', b'"train.step":"5"'), good.replace(b'"train.version":"1"', b'"train.version":"2"')):
        assert bad != good
        path.write_bytes(bad)
        said = fails(program, *resume, err=CHECKPOINT)
        assert path.read_bytes() == bad and "to go on" not in said, said
    path.write_bytes(good)
    program.run(*resume)


def small_disk():
    """No file may be larger than 2 MiB. Python's children would be killed by the signal otherwise."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def case_a_full_disk(program):
    waves(program)
    large = [*WAVES, "--new", "lstm 1 256, linear 1"]  # three times a MiB of weights and moments
    fails(program, *large, "--steps", "2", err="checkpoint", preexec_fn=small_disk)
    program.run(*large, "--steps", "2")
    kept = program.path_of(CHECKPOINT).read_bytes()
    said = fails(program, *large, "--steps", "4", "--resume", "--checkpoint-every", "1", err="checkpoint", preexec_fn=small_disk)
    assert program.path_of(CHECKPOINT).read_bytes() == kept and "to go on: oclstm train" in said, said
    program.run(*large, "--steps", "4", "--resume")
    fails(program, *large, "-o", "no/out.safetensors", err="-o no/out.safetensors cannot be written: no/: No such file")
    fails(program, *large, "--checkpoint", "no/c.safetensors", err="no/c.safetensors")


def case_a_loss_that_is_not_finite(program):
    waves(program)
    said = fails(program, *WAVES, "--optimizer", "sgd", "--lr", "1e30", "--steps", "50", "--log", "log.csv", "--checkpoint-every", "1", leaves=(CHECKPOINT, "log.csv"),
                 err=r"the (loss|gradients' norm) is -?(inf|nan) in step \d+ \(epoch \d+, learning rate 1e\+30\): a smaller --lr, or --clip, may help; stopped, "
                     r"and out.safetensors is not written\n.*the last good checkpoint is out.checkpoint.safetensors, of step \d+")
    step, kept = map(int, re.search(r"in step (\d+) .* of step (\d+)", said, re.DOTALL).groups())
    assert step == kept + 1
    assert len(tensors_of(program.path_of(CHECKPOINT))[0]) > 4
    values = [float("nan")] * 72
    write_npy(program.path_of("x.npy"), (12, 6, 1), values)
    fails(program, *WAVES, "--restart", err="in step 1 .*: X holds numbers that are not finite; stopped")


def case_logs_that_are_not_the_checkpoint_s(program):
    waves(program)
    log = [*WAVES, "--log", "log.csv"]
    program.run(*log, "--steps", "4")
    path = program.path_of("log.csv")
    four = path.read_text().splitlines()
    path.write_text("\n".join([*four, "5,9,9,9,9,9,", "6,1"]))
    program.run(*log, "--steps", "6", "--resume")
    six = path.read_text().splitlines()
    assert six[:5] == four and [line.split(",")[0] for line in six[5:]] == ["5", "6"] and six[5] != "5,9,9,9,9,9,"
    path.write_text("something else\n")
    fails(program, *log, "--steps", "7", "--resume", err="log.csv: it is not the log of a training")
    assert path.read_text() == "something else\n"
    path.unlink()
    program.run(*log, "--steps", "7", "--resume")
    assert [row["step"] for row in log_of(path)] == ["7"]


def case_what_was_left_behind_is_cleared_away(program):
    waves(program)
    stale = [f"{CHECKPOINT}.partial-aB3dE9", "out.safetensors.partial-000000"]
    others = [f"{CHECKPOINT}.partial-aB3dE", f"{CHECKPOINT}.partial-aB3_E9", "other.partial-aB3dE9", f"{CHECKPOINT}.partial-justnow"[:-1]]
    for name in [*stale, *others]:
        program.path_of(name).write_text("part")
        if "justno" not in name:
            os.utime(program.path_of(name), (1e9, 1e9))
    done = subprocess.run([program.path, *WAVES, "--steps", "2", "--resume"], cwd=program.folder, env=program.environment(None), capture_output=True, check=False,
                          timeout=60)
    assert done.returncode == 0 and not program.files() & set(stale) and set(others) <= program.files(), program.files()


def case_a_checkpoint_is_a_model(program):
    waves(program)
    program.run(*WAVES, "--steps", "3")
    program.run("run", "out.safetensors", "-i", "x.npy", "-o", "a.npy", "-q")
    program.run("run", CHECKPOINT, "-i", "x.npy", "-o", "b.npy", "-q")
    assert program.path_of("a.npy").read_bytes() == program.path_of("b.npy").read_bytes()


def case_info_says_what_a_checkpoint_is(program):
    waves(program)
    program.run(*WAVES, "--steps", "3", "--optimizer", "adamw", "--lr", "0.005", "--seed", "18446744073709551615")
    program.run("info", CHECKPOINT, out=r"checkpoint  version 1, steps 3, .*seed 18446744073709551615, .*loss mse, optimizer adamw, beta1 0\.9, .*lr 0\.005, "
                r"schedule constant.*train\.losses: [^\n]{150,180}\.\.\. \(\d+ bytes\).*layers  lstm lstm .*linear linear")
    document = json.loads(program.run("info", "--json", CHECKPOINT).out)
    found = document["checkpoint"]
    assert (found["steps"], found["optimizer"], found["lr"], found["weight_decay"], found["seed"]) == (3, "adamw", 0.005, 0.01, "18446744073709551615"), found
    assert len(document["cells"]) == len(json.loads(program.run("info", "--json", "out.safetensors").out)["cells"])
    assert json.loads(program.run("info", "--json", "out.safetensors").out)["checkpoint"] is None
    assert "\n  checkpoint" not in program.run("info", "out.safetensors").out.decode()
    # An edit that anybody may make.
    path = program.path_of(CHECKPOINT)
    path.write_bytes(path.read_bytes().replace(b"adamw\\nbeta1 0.9", b"adamw\\nbeta1 0.8"))
    program.run(*WAVES, "--steps", "6", "--optimizer", "adamw", "--lr", "0.005", "--seed", "18446744073709551615", "--resume", code=1,
                err="damaged or was edited: its content's checksum is crc32:")


def case_a_second_signal_ends_at_once(program):
    waves(program)
    child = start(program, *WAVES, "--steps", "10000000", "--log", "log.csv")
    wait_for_lines(program, child, 3)
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode in (130, -signal.SIGINT), child.returncode
    program.run("info", CHECKPOINT, out=r"version \d+, steps \d+, .*train.step: \d+\n")
    for path in program.folder.glob("*.partial-*"):
        path.unlink()


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
