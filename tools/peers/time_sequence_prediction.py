#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's example time_sequence_prediction on oclstm: two LSTMCells of 51 in double precision learn sine waves, then go on alone.

  build/peers-venv/bin/python tools/peers/time_sequence_prediction.py

The data are the example's: generate_sine_wave.py with seed 2, 100 waves of 1,000 values, the first three kept for the test. `oclstm train`
fits the next value, `oclstm run --future 1000` predicts, and --plot draws as the example draws. The example minimises with LBFGS; this
with Adam and a cosine. With torch in this Python (--torch) the trained file is loaded into the example's own module, which must
predict the same. Writes time-sequence.safetensors and time-sequence.svg in the folder of --out, and the errors in the example's units.
"""

import argparse
import pathlib
import subprocess
import sys
import time

sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

import numpy

from peers import arrays, environments

PERIOD, LENGTH, WAVES, TEST, FUTURE = 20, 1000, 100, 3, 1000
LAYERS = "lstm1: lstmcell 1 51, lstm2: lstmcell 51, linear: linear 1"


def make_waves(length: int = LENGTH) -> numpy.ndarray:
    """generate_sine_wave.py, [waves][length][1]; a longer length goes on with the same waves."""
    numpy.random.seed(2)
    shifts = numpy.random.randint(-4 * PERIOD, 4 * PERIOD, WAVES).reshape(WAVES, 1)
    return numpy.sin((numpy.arange(length) + shifts) / 1.0 / PERIOD)[:, :, None]


def mean_square(found: numpy.ndarray, wanted: numpy.ndarray) -> float:
    return float(numpy.mean((found - wanted) ** 2))


def call(options: argparse.Namespace, *words: object) -> None:
    command = [str(options.oclstm), *map(str, words)] + (["--device", options.device] if options.device else [])
    subprocess.run(command, cwd=options.out, check=True)


def predict_in_torch(path: pathlib.Path, x: numpy.ndarray) -> numpy.ndarray:
    """The example's module with these weights."""
    import torch

    class Sequence(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm1 = torch.nn.LSTMCell(1, 51)
            self.lstm2 = torch.nn.LSTMCell(51, 51)
            self.linear = torch.nn.Linear(51, 1)

        def forward(self, values, future):
            first = second = None
            outputs = []
            for step in range(values.shape[1] + future):
                first = self.lstm1(values[:, step] if step < values.shape[1] else outputs[-1], first)
                second = self.lstm2(first[0], second)
                outputs.append(self.linear(second[0]))
            return torch.stack(outputs, 1)

    torch.set_default_dtype(torch.float64)
    model = Sequence()
    model.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in arrays.read_safetensors(str(path)).items()}, strict=True)
    with torch.no_grad():
        return model(torch.from_numpy(x), FUTURE).numpy()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oclstm", type=pathlib.Path, default=environments.ROOT / "build/tools/oclstm/oclstm", metavar="PATH")
    parser.add_argument("--device", default="", metavar="DEVICE", help="of oclstm (default: it chooses)")
    parser.add_argument("--steps", type=int, default=8000, metavar="N", help="of the optimizer (default 8000)")
    parser.add_argument("--batch", type=int, default=16, metavar="N", help="waves a step (default 16)")
    parser.add_argument("--bptt", type=int, default=111, metavar="T", help="values a step (default 111)")
    parser.add_argument("--lr", type=float, default=0.01, metavar="RATE", help="at the start of the cosine (default 0.01)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the fresh weights and of the order")
    parser.add_argument("--torch", action="store_true", help="also predict in torch from the trained file")
    parser.add_argument("--out", type=pathlib.Path, default=environments.ROOT / "build" / "time-sequence", metavar="DIR")
    return parser.parse_args()


def main() -> int:
    options = parse_arguments()
    options.oclstm = options.oclstm.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    waves, longer = make_waves(), make_waves(LENGTH + FUTURE)
    for name, part in (("train", waves[TEST:]), ("test", waves[:TEST])):
        numpy.save(options.out / f"{name}_x.npy", part[:, :-1])
        numpy.save(options.out / f"{name}_target.npy", part[:, 1:])
    begin = time.monotonic()
    call(options, "train", "--new", LAYERS, "-x", "train_x.npy", "-t", "train_target.npy", "--batch-first", "--loss", "mse",
         "--optimizer", "adam", "--lr", options.lr, "--schedule", "cosine", "--clip", 1, "--batch", options.batch, "--bptt", options.bptt,
         "--steps", options.steps, "--seed", options.seed, "--log", "time-sequence.csv", "--restart", "-o", "time-sequence.safetensors")
    seconds = time.monotonic() - begin
    call(options, "run", "time-sequence.safetensors", "-i", "test_x.npy", "--batch-first", "--future", FUTURE, "-o", "y.npy",
         "--plot", "time-sequence.svg", "-q")
    y = numpy.load(options.out / "y.npy")
    known = LENGTH - 1
    print(f"{options.steps} steps in {seconds:.0f} s")
    print(f"test loss (the example's figure): {mean_square(y[:, :known], waves[:TEST, 1:]):.3e}")
    print(f"the {FUTURE} values ahead: mean square {mean_square(y[:, known:], longer[:TEST, LENGTH:]):.3e}, "
          f"largest |value| of the last period {numpy.abs(y[:, -126:]).max():.3f}")
    if options.torch:
        difference = numpy.abs(predict_in_torch(options.out / "time-sequence.safetensors", waves[:TEST, :-1]) - y)
        print(f"torch from the same file: |difference| up to {difference[:, :known].max():.1e}, ahead up to {difference.max():.1e}")
        return int(difference[:, :known].max() > 1e-9)
    return 0


if __name__ == "__main__":
    sys.exit(main())
