# SPDX-License-Identifier: Apache-2.0
"""Where the peers live: virtual environments that this tool makes, which has which peer, and Intel's CPU runtime in them."""

import os
import pathlib
import subprocess
import sys

from peers.peer_list import INTEL, TOOLS, Peer
from peers.processes import Child, Failed

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# How many threads a library that reads the environment may have.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POCL_MAX_PTHREAD_COUNT", "POCL_CPU_MAX_CU_COUNT",
                    "DPCPP_CPU_NUM_CUS")
# What would point OpenCL, oclstm or Python elsewhere.
REMOVED_VARIABLES = ("LD_LIBRARY_PATH", "OCL_ICD_VENDORS", "OCL_ICD_FILENAMES", "POCL_DEVICES", "OCLSTM_DEVICE", "PYTHONPATH",
                     "PYTHONHOME")
SYSTEM_DRIVERS = pathlib.Path("/etc/OpenCL/vendors")


def default_folder() -> pathlib.Path:
    return pathlib.Path(os.environ.get("OCLSTM_PEERS_ENV") or ROOT / "build" / "peers-venv")


def python_of(folder: pathlib.Path) -> pathlib.Path:
    return folder / "bin" / "python"


def folder_of(peer: Peer, folder: pathlib.Path) -> pathlib.Path:
    """Where --install puts it: the environment, or one beside it."""
    return folder.with_name(f"{folder.name}-{peer.packages[0]}") if peer.apart else folder


def pip_install(folder: pathlib.Path, packages: tuple[str, ...]) -> bool:
    """Installs in an environment, which is made first where there is none."""
    print(f"bench-peers: installing {' '.join(packages)}", file=sys.stderr, flush=True)
    if not python_of(folder).exists() and subprocess.run([sys.executable, "-m", "venv", str(folder)], check=False).returncode != 0:
        return False
    pip = [str(python_of(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return subprocess.run([*pip, *packages], check=False).returncode == 0


def install(folder: pathlib.Path, peers: list[Peer], intel: bool) -> list[str]:
    """Installs what measuring needs and each peer. What pip cannot install is named in the answer and is a gap later."""
    wanted = [(folder, TOOLS)] + [(folder_of(peer, folder), peer.packages) for peer in peers] + ([(folder, INTEL)] if intel else [])
    return [" ".join(packages) for home, packages in dict.fromkeys(wanted) if not pip_install(home, packages)]


def version_of(package: str, folder: pathlib.Path) -> str:
    """Which version pip installed there, or nothing; by its folder, since importing takes seconds."""
    stem = package.split("<")[0].replace("-", "_")
    found = next(folder.glob(f"lib/python3*/site-packages/{stem}-*.dist-info"), None)
    return found.name.removesuffix(".dist-info").removeprefix(f"{stem}-") if found else ""


def has(folder: pathlib.Path, package: str) -> bool:
    return bool(version_of(package, folder))


def home_of(peer: Peer, folders: list[pathlib.Path]) -> pathlib.Path | None:
    """The first environment with all that the peer needs."""
    candidates = [folder_of(peer, folder) for folder in folders]
    return next((folder for folder in candidates if all(has(folder, package) for package in (*peer.packages, "numpy"))), None)


def tool_home(package: str, folders: list[pathlib.Path]) -> pathlib.Path | None:
    return next((folder for folder in folders if has(folder, package)), None)


def intel_runtime(folders: list[pathlib.Path]) -> pathlib.Path | None:
    """Intel's CPU driver, where --intel put it."""
    return next((file for folder in folders for file in folder.glob("lib/libintelocl.so*")), None)


def driver_folder(scratch: pathlib.Path, name: str, lines: list[str]) -> pathlib.Path:
    """A folder for OCL_ICD_VENDORS that names only these drivers."""
    folder = scratch / f"drivers-{name}"
    folder.mkdir(exist_ok=True)
    for number, line in enumerate(lines):
        (folder / f"{name}{number}.icd").write_text(line.strip() + "\n")
    return folder


def pocl_drivers() -> list[str]:
    """PoCL's lines among the system's drivers."""
    files = sorted(SYSTEM_DRIVERS.glob("*.icd")) if SYSTEM_DRIVERS.is_dir() else []
    return [file.read_text() for file in files if "pocl" in file.name.lower()]


def environment(threads: int, changes: dict[str, str] | None = None) -> dict[str, str]:
    """This process's environment without REMOVED_VARIABLES, plus the number of threads and the changes."""
    kept = {name: value for name, value in os.environ.items() if name not in REMOVED_VARIABLES}
    return kept | {name: str(threads) for name in THREAD_VARIABLES} | (changes or {})


def start_peer(peer: Peer, folders: list[pathlib.Path], threads: int, drivers: dict[str, str], logs: pathlib.Path) -> Child:
    """A worker; Failed where the peer is not installed or does not start."""
    home = home_of(peer, folders)
    if not home:
        raise Failed("not installed")
    log = logs / (peer.name.replace(" ", "-") + ".log")
    command = [str(python_of(home)), str(HERE / "worker.py"), peer.name, str(threads)]
    return Child(command, environment(threads, drivers if peer.opencl else None), log)


def start_judge(folders: list[pathlib.Path], threads: int, logs: pathlib.Path) -> Child | None:
    """The process that makes inputs and compares, or None without numpy."""
    home = tool_home("numpy", folders)
    if not home:
        return None
    return Child([str(python_of(home)), str(HERE / "judge.py")], environment(threads), logs / "judge.log")
