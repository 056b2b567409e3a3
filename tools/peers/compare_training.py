#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same training in torch and in oclstm: a character model on a text, from the same weights, over the same data in the same order.

  tools/bench-peers --install --peers torch.nn.LSTM
  build/peers-venv/bin/python tools/peers/compare_training.py --text tinyshakespeare.txt

Embedding, LSTM, linear; AdamW, clipping, truncated back-propagation, the state carried on: the loop of most tutorials. oclstm's side is
`oclstm train --text`, whose data torch's loop cuts likewise. Then torch loads what oclstm trained, with load_state_dict(strict=True), and
measures its validation loss, too. Writes training-loss.csv and training-loss.svg in the folder of --out.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys
import time

sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

import numpy
import torch

from peers import arrays, environments, tables

EMBED, HIDDEN, BATCH, BPTT = 64, 256, 32, 64
RATE, CLIP, SHARE, EVERY = 2e-3, 1.0, 0.1, 100
SAME = 0.01


class Model(torch.nn.Module):
    def __init__(self, vocabulary: int):
        super().__init__()
        self.embed = torch.nn.Embedding(vocabulary, EMBED)
        self.lstm = torch.nn.LSTM(EMBED, HIDDEN)
        self.linear = torch.nn.Linear(HIDDEN, vocabulary)

    def forward(self, tokens, state=None):
        y, state = self.lstm(self.embed(tokens), state)
        return self.linear(y), state


def cut(tokens: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Rows one below the other in the text, time-major, in chunks; the target of each character is the next."""
    steps = (len(tokens) - 1) // BATCH
    x, target = (tokens[first:first + BATCH * steps].reshape(BATCH, steps).T for first in (0, 1))
    return [(x[begin:begin + BPTT], target[begin:begin + BPTT]) for begin in range(0, steps, BPTT)]


def read_text(path: pathlib.Path) -> tuple[int, list, list]:
    """The size of the vocabulary, and the parts to learn from and to measure on."""
    text = path.read_text(encoding="utf-8")
    places = {character: token for token, character in enumerate(sorted(set(text)))}
    tokens = torch.tensor([places[character] for character in text])
    learnt = len(tokens) - round(SHARE * len(tokens))
    return len(places), cut(tokens[:learnt]), cut(tokens[learnt:])


def loss_of(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(outputs.flatten(0, 1), target.flatten())


@torch.no_grad()
def evaluate(model: Model, chunks: list) -> float:
    """The mean over all characters, the state carried on."""
    state, total, count = None, 0.0, 0
    for x, target in chunks:
        outputs, state = model(x, state)
        total += loss_of(outputs, target).item() * target.numel()
        count += target.numel()
    return total / count


def train(model: Model, training: list, validation: list, steps: int) -> tuple[list[float], dict[int, float]]:
    """torch's loop: the loss of every step, and that of the validation part now and then."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    losses, measured, begin = [], {}, time.monotonic()
    for step in range(steps):
        x, target = training[step % len(training)]
        if step % len(training) == 0:
            state = None
        optimizer.zero_grad()
        outputs, state = model(x, state)
        state = tuple(part.detach() for part in state)
        loss = loss_of(outputs, target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        losses.append(loss.item())
        if (step + 1) % EVERY == 0 or step + 1 == steps:
            measured[step + 1] = evaluate(model, validation)
            print(f"torch: step {step + 1}, validation {measured[step + 1]:.4f}, {time.monotonic() - begin:.0f} s", flush=True)
    return losses, measured


def numpy_state(model: Model) -> dict[str, numpy.ndarray]:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def torch_run(options: argparse.Namespace, model: Model, training: list, validation: list) -> tuple[list[float], dict[int, float]]:
    """Measured now, or with --reuse the one that an earlier run left."""
    kept = options.out / "torch-run.json"
    if options.reuse and kept.exists():
        found = json.loads(kept.read_text())
        return found["losses"], {int(step): loss for step, loss in found["validation"].items()}
    losses, measured = train(model, training, validation, options.steps)
    kept.write_text(json.dumps({"losses": losses, "validation": measured}))
    return losses, measured


def oclstm_run(options: argparse.Namespace, initial: pathlib.Path, trained: pathlib.Path) -> tuple[list[float], dict[int, float]]:
    """`oclstm train`, and what it logged."""
    log = options.out / "oclstm-run.csv"
    command = [options.oclstm, "train", initial, "--text", options.text, "--optimizer", "adamw", "--lr", RATE, "--clip", CLIP,
               "--batch", BATCH, "--bptt", BPTT, "--validation", SHARE, "--evaluate-every", EVERY, "--steps", options.steps,
               "--log", log, "-o", trained, "--restart", "-q"]
    command += ["--device", options.device] if options.device else []
    if not (options.reuse and log.exists() and trained.exists()):
        begin = time.monotonic()
        subprocess.run([str(word) for word in command], check=True)
        print(f"oclstm: {time.monotonic() - begin:.0f} s", flush=True)
    with log.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    measured = {int(row["step"]): float(row["validation_loss"]) for row in rows if row["validation_loss"]}
    return [float(row["loss"]) for row in rows], measured


def draw(out: pathlib.Path) -> None:
    """Both curves, one over the other; the figure says how far apart they are."""
    script = f"""set terminal svg size 800,420 font "sans,12" background "white"
set output "{out / 'training-loss.svg'}"
set datafile separator ","
set xlabel "step"
set ylabel "cross-entropy, nats a character"
set grid lc rgb "#dddddd"
set key top right
plot "{out / 'training-loss.csv'}" skip 1 using 1:2 with lines lw 4 lc rgb "#f0a050" title "torch, training", \\
     "" skip 1 using 1:3 with lines lw 1 lc rgb "#1f4e9c" title "oclstm, training", \\
     "" skip 1 using 1:4 with points pt 6 ps 1.1 lw 2 lc rgb "#c05000" title "torch, validation", \\
     "" skip 1 using 1:5 with points pt 2 ps 0.8 lw 2 lc rgb "#000000" title "oclstm, validation"
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=pathlib.Path, required=True, metavar="FILE", help="such as tinyshakespeare.txt")
    parser.add_argument("--steps", type=int, default=1000, metavar="N")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="of torch (default 2)")
    parser.add_argument("--oclstm", type=pathlib.Path, default=environments.ROOT / "build/tools/oclstm/oclstm", metavar="PATH")
    parser.add_argument("--device", default="", metavar="DEVICE", help="of oclstm (default: it chooses)")
    parser.add_argument("--out", type=pathlib.Path, default=environments.ROOT / "build" / "training", metavar="DIR")
    parser.add_argument("--reuse", action="store_true", help="take the runs that --out has instead of making them")
    return parser.parse_args()


def main() -> int:
    options = parse_arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    vocabulary, training, validation = read_text(options.text)
    model = Model(vocabulary)
    initial, trained = options.out / "initial.safetensors", options.out / "trained.safetensors"
    arrays.write_safetensors(str(initial), numpy_state(model), {"oclstm.layers": "embed,lstm,linear"})
    losses, measured = torch_run(options, model, training, validation)
    own_losses, own_measured = oclstm_run(options, initial, trained)
    state = {name: torch.from_numpy(tensor) for name, tensor in arrays.read_safetensors(str(trained)).items()}
    model.load_state_dict(state, strict=True)
    by_torch = evaluate(model, validation)
    rows = [[step, loss, own, measured.get(step, ""), own_measured.get(step, "")]
            for step, (loss, own) in enumerate(zip(losses, own_losses, strict=True), 1)]
    tables.write_csv(options.out / "training-loss.csv", ["step", "torch", "oclstm", "torch_validation", "oclstm_validation"], [
        [f"{value:.8g}" if isinstance(value, float) else value for value in row] for row in rows])
    draw(options.out)
    theirs, mine = measured[options.steps], own_measured[options.steps]
    apart = [abs(row[2] / row[1] - 1) for row in rows]
    print(f"Steps 1 to 10: the losses are up to {max(apart[:10]):.1e} apart, relatively; all {options.steps}: {max(apart):.1e}.")
    print(f"Validation loss after {options.steps} steps: torch {theirs:.4f}, oclstm {mine:.4f}, {mine / theirs - 1:+.2%}; "
          f"oclstm's weights evaluated by torch {by_torch:.4f}.")
    good = abs(mine / theirs - 1) <= SAME and abs(by_torch / mine - 1) <= 1e-4
    print("ok" if good else "not ok", f"- within {SAME:.0%}, and the weights give torch what they give oclstm")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
