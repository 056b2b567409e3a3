#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`oclstm generate`: generate_cases.py OCLSTM [CASE...]"""

import math
import os
import signal
import subprocess
import sys

from cli_case import run_cases
from cli_files import Cell, write_safetensors
from train_case import Characters, mix, start


def expected(model, prompt, length, seed, temperature):
    """What the manual says, in plain Python."""
    text, state = prompt, seed
    for _ in range(length):
        z = list(model.outputs(text))[-1]
        if temperature == 0:
            text += model.alphabet[z.index(max(z))]
            continue
        weights = [math.exp((v - max(z)) / temperature) for v in z]
        drawn, state = mix(state)
        left = (drawn >> 11) * 2.0 ** -53 * sum(weights)
        for character, weight in zip(model.alphabet, weights):
            left -= weight
            if left < 0:
                break
        text += character
    return text


def case_characters_are_drawn_by_their_probability(program):
    model = Characters(program)
    for seed, temperature in ((0, 1.0), (5, 1.0), (5, 0.3), (7, 4.0), (0, 0)):
        found = program.run("generate", "c.safetensors", "--prompt", "aé", "--length", "40", "--seed", seed, "--temperature", temperature, err="^$").out.decode()
        assert found == expected(model, "aé", 40, seed, temperature), f"seed {seed}, temperature {temperature}: {found!r}"


def case_without_a_prompt(program):
    model = Characters(program)
    found = program.run("generate", "c.safetensors", "--length", "30").out.decode()
    assert found == expected(model, "\n", 30, 0, 1.0)[1:]
    assert len(program.run("generate", "c.safetensors", "--prompt", "").out.decode()) == 500


def case_into_a_file(program):
    Characters(program)
    text = program.run("generate", "c.safetensors", "--prompt", "ab").out
    program.run("generate", "c.safetensors", "--prompt", "ab", "-o", "text", out="^$", err="^$")
    assert program.path_of("text").read_bytes() == text
    program.run("generate", "c.safetensors", "-o", "no/text", code=1, err="cannot write no/text")
    program.run("generate", "c.safetensors", "-v", "--length", "9", err="9 characters in .* a second")


def case_the_end_may_be_a_softmax(program):
    model = Characters(program)
    found = program.run("generate", "c.safetensors", "--layers", "embed,cell,head,softmax", "--prompt", "a", "--length", "20").out.decode()
    assert found == expected(model, "a", 20, 0, 1.0)


def case_models_and_prompts_that_do_not_fit(program):
    Characters(program)
    program.run("generate", "c.safetensors", "--prompt", "abß", code=1, err=r"--prompt: the character 'ß' \(U\+00DF\), at byte 2, is none of the model's 6")
    program.run("generate", "c.safetensors", "--prompt", os.fsdecode(b"a\xff"), code=1, err="--prompt: byte 1 is no UTF-8")
    program.run("generate", "c.safetensors", "--layers", "embed,cell", code=1, err="has a vocabulary of 6 characters, but .* has 4 outputs")
    write_safetensors(program.path_of("m.safetensors"), Cell(2, 3).tensors())
    program.run("generate", "m.safetensors", code=1, err="m.safetensors is no character model: it has no vocabulary")
    write_safetensors(program.path_of("m.safetensors"), Cell(2, 3).tensors(), {"oclstm.vocabulary": "aba"})
    program.run("generate", "m.safetensors", code=1, err=r"has the character 'a' \(U\+0061\) twice")
    program.run("generate", "none.safetensors", code=1, err="none.safetensors")
    for arguments in (["--length", "0"], ["--temperature", "-1"], ["--temperature", "nan"], ["--seed", "x"]):
        program.run("generate", "c.safetensors", *arguments, code=2, err="is not valid: expected")


def case_a_reader_who_goes_away_and_a_full_disk(program):
    Characters(program)
    done = subprocess.run(["sh", "-c", f'"{program.path}" generate c.safetensors --length 1000000 | head -c 20; exit "${{PIPESTATUS:-0}}"'], cwd=program.folder,
                          env=program.environment(None), capture_output=True, check=False, timeout=60)
    assert len(done.stdout) == 20 and not done.stderr, done
    if os.path.exists("/dev/full"):
        with open("/dev/full", "wb") as full:
            program.run("generate", "c.safetensors", code=1, err="the text could not be written: No space left", stdout=full)


def case_a_signal(program):
    Characters(program)
    child = start(program, "generate", "c.safetensors", "--length", "100000000")
    assert child.stdout.read(1)  # each character as it comes
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode == 130, child.returncode


if __name__ == "__main__":
    sys.exit(run_cases(globals(), needs_device=True))
