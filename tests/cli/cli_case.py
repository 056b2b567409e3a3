# SPDX-License-Identifier: Apache-2.0
"""Running the program and judging what it did. A case is a function whose name begins with `case_`; its argument is a Program."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import traceback


# Set by meson; a case run by hand finds its own.
ROOT = pathlib.Path(os.environ.get("OCLSTM_TEST_SOURCE_ROOT", pathlib.Path(__file__).resolve().parents[2]))


class Skip(Exception):
    """The case does not apply here; the argument says why."""


class Result:
    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    def __str__(self):
        return (f"oclstm {' '.join(map(str, self.arguments))}\nexit code {self.code}\nstandard output: {self.out[:2000]!r}\n"
                f"standard error:\n{self.err[:4000]}")


class Program:
    """The program, in a folder of its own for each case."""

    def __init__(self, path, folder):
        self.path, self.folder = path, pathlib.Path(folder)
        self.data = pathlib.Path(os.environ.get("OCLSTM_TEST_DATA", ROOT / "tests" / "data"))
        self.kernels = ROOT / "cl"

    def environment(self, changes):
        variables = {name: value for name, value in os.environ.items() if not name.startswith("OCLSTM_")}
        variables["OCLSTM_CACHE_DIR"] = ""  # what the user has tuned is no part of a test
        variables.update(changes or {})
        return variables

    def run(self, *arguments, code=0, out=None, err=None, env=None, **options):
        """Runs it and checks the exit code and, as regular expressions, what it printed. A failure must leave no file behind."""
        before = self.files()
        done = subprocess.run([self.path, *map(str, arguments)], cwd=self.folder, env=self.environment(env), check=False,
                              stdin=subprocess.DEVNULL, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 300, **options})
        result = Result(arguments, done.returncode, done.stdout or b"", (done.stderr or b"").decode(errors="replace"))
        assert done.returncode == code, f"expected exit code {code}:\n{result}"
        if out is not None:
            assert re.search(out, result.out.decode(errors="replace"), re.DOTALL), f"expected on standard output: {out}\n{result}"
        if err is not None:
            assert re.search(err, result.err, re.DOTALL), f"expected on standard error: {err}\n{result}"
        if code != 0:
            assert self.files() == before, f"left behind: {self.files() ^ before}\n{result}"
            # A driver may have printed before it.
            assert re.search("^oclstm: ", result.err, re.MULTILINE) or not result.err, f"expected 'oclstm: MESSAGE'\n{result}"
        assert not [name for name in self.files() if ".partial-" in name], f"a temporary file was left\n{result}"
        return result

    def files(self):
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}

    def path_of(self, name):
        return self.folder / name


def close(found, expected, tolerance=1e-5):
    """The lists agree, in the measure of `oclstm check`."""
    assert len(found) == len(expected), f"{len(found)} values, expected {len(expected)}"
    for place, (a, b) in enumerate(zip(found, expected)):
        same = a == b or (a != a and b != b)
        assert same or abs(a - b) <= tolerance * (1 + abs(b)), f"[{place}] is {a!r}, expected {b!r}"


def has_device(path):
    return subprocess.run([path, "devices"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def run_cases(names, needs_device):
    """Runs every case of a module and reports as TAP. The exit code for the process."""
    path = os.path.abspath(sys.argv[1])
    if needs_device and not has_device(path):
        if os.environ.get("CI"):
            print("1..1\nnot ok 1 - an OpenCL device, which CI must have")
            return 1
        print("1..0 # SKIP no OpenCL device")
        return 0
    cases = [(name, value) for name, value in names.items() if name.startswith("case_")]
    wanted = sys.argv[2:]
    cases = [case for case in cases if not wanted or case[0] in wanted]
    failed = 0
    print(f"1..{len(cases)}")
    for number, (name, case) in enumerate(cases, 1):
        folder = tempfile.mkdtemp(prefix="oclstm-test-")
        title = name[len("case_"):].replace("_", " ")
        try:
            case(Program(path, folder))
            print(f"ok {number} - {title}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {title} # SKIP {reason}", flush=True)
        except Exception:  # whatever went wrong is this case's failure, and the next is run
            failed += 1
            print(f"not ok {number} - {title}")
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return int(failed > 0)
