#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole runs of tools/bench-peers with stand-ins for the frameworks and for oclstm."""

import csv
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from peer_cases import TOOLS, expect, run_cases

from peers.peer_list import PEERS

HERE = pathlib.Path(__file__).resolve().parent
SHAPE = "1,16,16,100"


def make_environment(folder: pathlib.Path, behaviours: dict[str, str]) -> None:
    """An environment that has these peers."""
    (folder / "bin").mkdir(parents=True)
    shutil.copy(HERE / "stand_in_python.py", folder / "bin" / "python")
    (folder / "bin" / "python").chmod(0o755)
    (folder / "behaviour.json").write_text(json.dumps(behaviours))
    for package in {package for peer in PEERS if peer.name in behaviours for package in peer.packages} | {"numpy"}:
        (folder / "lib" / "python3.0" / "site-packages" / f"{package}-1.2.3.dist-info").mkdir(parents=True)


def bench_peers(*options: str, behaviours: dict[str, str] | None = None, code: int = 0) -> tuple[str, dict[str, str]]:
    """What it printed and the files it wrote; without behaviours nothing is installed."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        program = folder / "oclstm"
        shutil.copy(HERE / "stand_in_oclstm.py", program)
        program.chmod(0o755)
        if behaviours is not None:
            make_environment(folder / "env", behaviours)
        command = [sys.executable, str(TOOLS / "bench-peers"), "--env", str(folder / "env"), "--oclstm", str(program), "--out",
                   str(folder / "out"), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        output = done.stdout + done.stderr
        if done.returncode != code:
            raise AssertionError(f"{options}: expected exit code {code}, found {done.returncode}:\n{output}")
        assert "Traceback" not in output, output
        files = [file for file in (folder / "out").glob("*") if file.is_file()]
        return output, {file.name: file.read_text() for file in files}


def measurements(files: dict[str, str]) -> list[dict[str, str]]:
    return list(csv.DictReader(files["peers.csv"].splitlines()))


def case_nothing_installed_is_all_gaps():
    output, files = bench_peers("--shapes", SHAPE, "--rounds", "1", "--devices", "pocl")
    rows = measurements(files)
    expect(sum(row["problem"] == "not installed" for row in rows), len(PEERS))
    expect([round(float(row["seconds_min"]), 9) for row in rows if row["peer"] == "0"], [0.0001])
    assert "torch.nn.LSTM: not installed" in output and "no peers.svg: matplotlib is not installed" in output, output
    assert "| B1 H16 | 100 |" + " - |" * len(PEERS) + " 1.00 | - | 1.00 | - |" in files["peers.md"], files["peers.md"]


def case_the_ratio_is_to_the_best_right_peer():
    behaviours = {"torch.nn.LSTM": "right 0.0003", "torch.nn.LSTMCell": "right 0.002", "OpenVINO": "right 0.0002",
                  "ONNX Runtime": "wrong"}
    output, files = bench_peers("--shapes", SHAPE, "--rounds", "3", "--devices", "pocl", behaviours=behaviours)
    row = next(line for line in files["peers.md"].splitlines() if line.startswith("| B1 H16 |"))
    expect([cell.strip() for cell in row.split("|")[1:-1]],
           ["B1 H16", "100", "3.00", "20.0", "WRONG", "**2.00**", "-", "-", "-", "1.00", "2.00", "1.00", "2.00"])
    assert "ONNX Runtime" in output and "1.0e+00" in output, output
    assert "oclstm 9.9.9" in files["peers.md"] and "torch 1.2.3" in files["peers.md"]
    rows = measurements(files)
    expect(sum(row["participant"] == "OpenVINO" for row in rows), 3, "rounds of OpenVINO")
    expect(sum(row["participant"] == "torch.nn.LSTMCell" for row in rows), 3, "rounds of one within ten times the best")


def case_a_hopeless_peer_sits_out():
    behaviours = {"torch.nn.LSTM": "right 0.0003", "torch.nn.LSTMCell": "right 0.1"}
    _, files = bench_peers("--shapes", SHAPE, "--rounds", "4", "--devices", "pocl", behaviours=behaviours)
    expect(sum(row["participant"] == "torch.nn.LSTMCell" for row in measurements(files)), 2)


def case_a_broken_peer_is_a_gap():
    behaviours = {"torch.nn.LSTM": "dies", "torch.nn.LSTMCell": "no JSON", "ONNX Runtime": "error", "OpenVINO": "will not start"}
    output, files = bench_peers("--shapes", SHAPE, "2,8,8,10", "--rounds", "1", "--devices", "pocl", behaviours=behaviours)
    for words in ("torch.nn.LSTM: ended with code 3", "torch.nn.LSTMCell: answered with no JSON",
                  "ONNX Runtime: RuntimeError: no memory", "OpenVINO: ImportError: no such library"):
        assert words in output, f"{words}\n{output}"
    expect([row for row in measurements(files) if row["peer"] == "1" and row["seconds_min"]], [])


def case_a_wrong_or_failing_oclstm_does_not_count():
    behaviours = {"torch.nn.LSTM": "right 0.0003"}
    output, files = bench_peers("--shapes", SHAPE, "--rounds", "1", "--devices", "off;STAND_IN_ERROR=0.5,bad;STAND_IN_BENCH=fails",
                                behaviours=behaviours)
    row = next(line for line in files["peers.md"].splitlines() if line.startswith("| B1 H16 |"))
    expect([cell.strip() for cell in row.split("|")[-5:-1]], ["-"] * 4)
    assert "bad: bench ended with code 1: oclstm: no such device" in output, output
    assert "WRONG" in files["peers.md"]


def case_single_steps_growth_and_start_up():
    behaviours = {"torch.nn.LSTMCell": "right 0.000015", "ONNX Runtime": "right 0.000007", "torch.nn.LSTM": "right 1"}
    output, files = bench_peers("--single", "--scaling", "--startup", "--rounds", "1", "--devices", "pocl", behaviours=behaviours)
    assert "14.0 / 21.0" in output and "1.00 / 1.00" in output and "torch.nn.LSTM " not in output, output
    rows = list(csv.DictReader(files["single.csv"].splitlines()))
    expect([row["hidden"] for row in rows if row["participant"] == "oclstm pocl"], ["16", "64", "128", "256"])
    expect(sum(bool(row["seconds_min"]) for row in csv.DictReader(files["growth.csv"].splitlines())), 12)
    assert "Fresh process" in files["peers.md"] and "peers.csv" not in files


def case_training_is_beside_who_can_train():
    behaviours = {"torch.nn.LSTM": "right 0.00032", "ONNX Runtime": "right 0.000007"}
    output, files = bench_peers("--training", "--rounds", "2", "--devices", "pocl,bad;STAND_IN_BENCH=fails", behaviours=behaviours)
    row = next(line for line in files["peers.md"].splitlines() if line.startswith("| B16 I32 H128 T64 |"))
    expect([cell.strip() for cell in row.split("|")[1:-1]],
           ["B16 I32 H128 T64", "0.32 / 0.64", "0.064 / 0.064 fused", "-", "5.00", "5.00"])
    assert "bad: bench ended with code 1" in output and "ONNX" not in files["training.csv"], output
    rows = list(csv.DictReader(files["training.csv"].splitlines()))
    expect(len(rows), 2 * 3 * 3)
    expect(sum(row["participant"] == "torch.nn.LSTM" and row["peer"] == "1" for row in rows), 6)


def case_misuse_is_said():
    for options, words in (
        (["--shapes", "1,2,3"], "four positive integers"),
        (["--rounds", "0"], "positive integer"),
        (["--peers", "jax"], "expected a part of one of"),
        (["--devices", "gpu"], "expected one of pocl, pthread, basic"),
        (["--oclstm", "nowhere/oclstm"], "no program"),
        (["--seconds", "-1"], "positive"),
    ):
        output, files = bench_peers(*options, code=2)
        assert words in output, f"{options}: expected '{words}' in:\n{output}"
        expect(files, {})


if __name__ == "__main__":
    sys.exit(run_cases(globals()))
