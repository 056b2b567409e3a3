# SPDX-License-Identifier: Apache-2.0
"""The measurement: rounds in which everyone takes every shape in turn. Each round has fresh processes, so that where one
happened to lie in memory decides nothing; the order moves on by one a round, so that nobody always comes first."""

import pathlib
import sys
import time

from peers import environments
from peers.inputs import Inputs, check_all
from peers.oclstm_program import Device, Oclstm
from peers.peer_list import INTEL, Peer
from peers.processes import Child, Failed
from peers.scores import Measurement, Participant, Results
from peers.shapes import Shape

# Threads of the one before may still spin.
PAUSE_SECONDS = 0.05
# A peer that took so many times the best one's time is not measured again after FULL_ROUNDS: it cannot become the best.
HOPELESS = 10
FULL_ROUNDS = 2


class Run:
    """Everything that one run of the tool has."""

    def __init__(self, oclstm: Oclstm, devices: list[Device], peers: list[Peer], folders: list[pathlib.Path], scratch: pathlib.Path,
                 out: pathlib.Path):
        self.oclstm, self.devices, self.peers, self.folders = oclstm, devices, peers, folders
        self.scratch, self.out = scratch, out
        self.logs = out / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        for log in self.logs.glob("*.log"):
            log.unlink()
        intel = {INTEL[0]: environments.version_of(INTEL[0], folder) for folder in folders if environments.has(folder, INTEL[0])}
        self.versions: dict[str, str] = intel if any(not device.on_pocl for device in devices) else {}
        self.judge = environments.start_judge(folders, oclstm.threads, self.logs)
        self.inputs = Inputs(scratch, self.judge) if self.judge else None
        # tinygrad runs on the device that oclstm runs on.
        self.drivers = next((device.variables for device in devices if device.on_pocl and "POCL_DEVICES" in device.variables), {})

    def results(self, shapes: list[Shape]) -> Results:
        own = self.oclstm.participants(self.devices)
        return Results([Participant(peer.name, True) for peer in self.peers] + own, shapes)

    def start(self, peers: list[Peer]) -> dict[str, Child | str]:
        """A worker of each, or why there is none."""
        workers: dict[str, Child | str] = {}
        for peer in peers:
            try:
                workers[peer.name] = environments.start_peer(peer, self.folders, self.oclstm.threads, self.drivers, self.logs)
                self.versions[peer.packages[0]] = workers[peer.name].version
            except Failed as problem:
                workers[peer.name] = str(problem)
        return workers

    def close(self) -> None:
        if self.judge:
            self.judge.stop()


def stop(workers: dict[str, Child | str]) -> None:
    for worker in workers.values():
        if isinstance(worker, Child):
            worker.stop()


def say(words: str) -> None:
    print(f"bench-peers: {words}", file=sys.stderr, flush=True)


def measure_peer(run: Run, shape: Shape, name: str, worker: Child | str, number: int) -> Measurement:
    if isinstance(worker, str):
        return Measurement(shape, name, number, problem=worker)
    try:
        y = None if run.inputs.has_answer(shape, name) else run.inputs.y(shape, name)
        times = worker.ask(do="time", seconds=run.oclstm.seconds, y=y, **run.inputs.files(shape))
    except Failed as problem:
        return Measurement(shape, name, number, problem=str(problem))
    return Measurement(shape, name, number, times["seconds_min"], times["seconds_median"])


def measure_oclstm(run: Run, shape: Shape, device: Device, number: int) -> Measurement:
    try:
        if run.inputs and not run.inputs.has_answer(shape, device.name):
            files = run.inputs.files(shape)
            run.oclstm.run(device, files["weights"], files["x"], run.inputs.y(shape, device.name))
        found = run.oclstm.bench(device, shape)
    except Failed as problem:
        return Measurement(shape, device.name, number, problem=str(problem))
    return Measurement(shape, device.name, number, found["seconds_min"], found.get("seconds_median"),
                       engine=str(found.get("engine", "")), device=str(found.get("device", "")))


def is_hopeless(results: Results, shape: Shape, name: str) -> bool:
    mine, best = results.seconds(shape, name), results.best(shape, results.peers)
    return bool(mine and best and mine > HOPELESS * best[0])


def one_round(run: Run, results: Results, number: int, rounds: int) -> None:
    """Every shape once, everyone at each."""
    workers = run.start(run.peers)
    devices = {device.name: device for device in run.devices}
    try:
        for shape in results.shapes:
            say(f"round {number + 1} of {rounds}, {shape.label} T{shape.steps}")
            names = [one.name for one in results.participants]
            for place in range(len(names)):
                name = names[(place + number) % len(names)]
                if number >= FULL_ROUNDS and name not in devices and is_hopeless(results, shape, name):
                    continue
                time.sleep(PAUSE_SECONDS)
                found = measure_oclstm(run, shape, devices[name], number) if name in devices \
                    else measure_peer(run, shape, name, workers[name], number)
                results.measurements.append(found)
                if found.problem and isinstance(workers.get(name), Child) and workers[name].process.poll() is not None:
                    workers[name] = found.problem
            if number == 0 and run.inputs:
                results.checks.update(check_all(run.inputs, shape, names, list(devices)))
    finally:
        stop(workers)


def measure(run: Run, shapes: list[Shape], rounds: int) -> Results:
    """The whole comparison."""
    results = run.results(shapes)
    results.can_check = run.inputs is not None
    for number in range(rounds):
        one_round(run, results, number, rounds)
    return results
