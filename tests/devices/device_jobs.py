#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The device jobs: the program on each kind of device that a machine without accelerators can have.

device_jobs.py JOB OCLSTM RESULTS_DIR [LAYER]

A job is one function named job_JOB below: a configuration of drivers and environment, and what is checked in it. It reports as TAP. What
it needs and the machine lacks is a skip with the reason; PoCL, under CI, must be there. The matrix of the self-test stays in
RESULTS_DIR/JOB.json for tools/matrix.
"""

import os
import sys
import traceback

from device_job import INTEL, POCL, Job, Missing, Skip, intel_folder, oclgrind_driver, pocl_driver

# CLBlast keeps sums of 16-bit products in 16 bits.
NO_CLBLAST_16 = ("clblast", "b?float16", "16|float16")


def pocl(name, arguments, env=None, skips=()):
    return Job(name, *arguments[:2], drivers=[pocl_driver()], env=env, skips=[NO_CLBLAST_16, *skips])


def on_one_device(job):
    """What is run on most devices."""
    return [("every engine and dtype", job.matrix), ("reference files of the frameworks", job.reference_files),
            ("a minute of speech", job.recording)]


def expect_limit(job, name, value):
    """The configuration has had its effect."""
    found = {device["limits"][name] for device in job.devices() if device["usable"]}
    assert found == {value}, f"{name} is {found}, expected {value}"


# --- PoCL -------------------------------------------------------------------------------------------------------------


def job_pocl(arguments):
    job = pocl("pocl", arguments)
    return job, on_one_device(job)


def pocl_group(name, arguments, size):
    job = pocl(name, arguments, {"POCL_MAX_WORK_GROUP_SIZE": str(size)}, skips=[("clblast", ".*", "work-group")])
    return job, [(f"the largest group is {size}", lambda: expect_limit(job, "max_work_group_size", size)), *on_one_device(job)]


def job_pocl_group_16(arguments):
    return pocl_group("pocl_group_16", arguments, 16)


def job_pocl_group_1(arguments):
    return pocl_group("pocl_group_1", arguments, 1)


def job_pocl_single_thread(arguments):
    job = pocl("pocl_single_thread", arguments, {"POCL_DEVICES": "pthread", "POCL_MAX_PTHREAD_COUNT": "1"})
    return job, [("one compute unit", lambda: expect_limit(job, "compute_units", 1)), *on_one_device(job)]


def job_pocl_two_devices(arguments):
    job = pocl("pocl_two_devices", arguments, {"POCL_DEVICES": "pthread pthread"})
    return job, [
        ("every engine and dtype on each and on both", lambda: job.matrix("-d", "0,1", devices=3)),
        ("reference files on the second", lambda: job.reference_files("-d", "1")),
        ("a minute of speech on the second", lambda: job.recording("-d", "0:1")),
        ("a batch on one, on the other, on both", lambda: job.batch("0", "1", "0,1")),
    ]


def job_pocl_sub_device(arguments):
    job = pocl("pocl_sub_device", arguments, {"POCL_DEVICES": "pthread"})
    if job.devices()[0]["limits"]["compute_units"] < 2:
        raise Missing("the CPU has one core: it cannot be split")
    return job, [
        ("every engine and dtype on two parts and on both", lambda: job.matrix("-d", "cpu/0,cpu/1", devices=3)),
        ("reference files on the second part", lambda: job.reference_files("-d", "cpu/1")),
        ("a minute of speech on half of it", lambda: job.recording("-d", "0/0/2")),
        ("a batch on a part, on the other, on both, on the whole", lambda: job.batch("cpu/0", "cpu/1", "cpu/0,cpu/1", "cpu")),
    ]


# --- imitated accelerators: PoCL behind the tests' own layer ------------------------------------------------------------


def imitated(name, arguments, keys, skips=()):
    return pocl(name, arguments, {"OPENCL_LAYERS": os.path.abspath(arguments[2]), "OCLSTM_IMITATE": keys, "POCL_DEVICES": "pthread"}, skips)


def job_imitated_accelerator(arguments):
    job = imitated("imitated_accelerator", arguments, "type=accelerator")
    return job, [("it is found as an NPU", lambda: job.run("devices", out=" npu ")), *on_one_device(job)]


def job_imitated_embedded(arguments):
    keys = "type=accelerator,profile=embedded,version=1.2,max_group=1,local_memory=1024,fp64=0,bare=1"
    job = imitated("imitated_embedded", arguments, keys, skips=[("fused|clblast", ".*", "work-group|local memory|float64"),
                                                               ("portable", "float64", "float64")])
    return job, [("the largest group is 1", lambda: expect_limit(job, "max_work_group_size", 1)),
                 ("every engine and dtype", job.matrix),
                 ("small reference files", lambda: job.reference_files(pattern="*_cell_*dd.safetensors")),
                 ("a minute of speech", lambda: job.recording("-d", "npu"))]


# --- Intel's runtime for CPUs -----------------------------------------------------------------------------------------


def job_intel(arguments):
    folder = intel_folder()
    libraries = f"{folder / 'lib'}:{os.environ.get('LD_LIBRARY_PATH', '')}".rstrip(":")
    job = Job("intel", *arguments[:2], drivers=[pocl_driver(), f"{folder / 'lib' / 'libintelocl.so'}\n"], skips=[NO_CLBLAST_16],
              env={"LD_LIBRARY_PATH": libraries, "POCL_DEVICES": "pthread"})

    def both_platforms():
        platforms = {device["platform"] for device in job.devices() if device["usable"]}
        assert platforms == {POCL, INTEL}, platforms

    def both():
        return f"{job.index_of(POCL)},{job.index_of(INTEL)}"

    return job, [
        ("two platforms in one process", both_platforms),
        ("every engine and dtype on each and on both", lambda: job.matrix("-d", both(), devices=3)),
        ("reference files of the frameworks", lambda: job.reference_files("-d", job.index_of(INTEL))),
        ("a minute of speech", lambda: job.recording("-d", job.index_of(INTEL))),
        ("a batch on one, on the other, on both", lambda: job.batch(job.index_of(POCL), job.index_of(INTEL), both(), tolerance=1e-5)),
    ]


# --- Oclgrind ---------------------------------------------------------------------------------------------------------

# A simulator is slow: small files.
SMALL = "*_cell_[odu]*.safetensors"


def oclgrind(name, arguments, env=None, skips=()):
    job = Job(name, *arguments[:2], drivers=[oclgrind_driver()], skips=[NO_CLBLAST_16, *skips], env=env)
    job.env["OCLGRIND_LOG"] = str(job.folder / "log")
    return job


def clean(job, check, *arguments, **options):
    """The check, and Oclgrind has nothing to say: no access outside a buffer, no race, no call with wrong arguments."""
    log = job.folder / "log"
    log.unlink(missing_ok=True)
    check(*arguments, **options)
    said = log.read_text(errors="replace") if log.exists() else ""
    assert not said.strip(), said[:4000]


def under_oclgrind(job):
    return [("every engine and dtype", lambda: clean(job, job.matrix)),
            ("small reference files", lambda: clean(job, job.reference_files, pattern=SMALL))]


def job_oclgrind(arguments):
    job = oclgrind("oclgrind", arguments, {"OCLGRIND_CHECK_API": "1"})
    return job, under_oclgrind(job)


def job_oclgrind_group_1(arguments):
    job = oclgrind("oclgrind_group_1", arguments, {"OCLGRIND_MAX_WGSIZE": "1"}, skips=[("fused|clblast", ".*", "work-group")])
    return job, [("the largest group is 1", lambda: expect_limit(job, "max_work_group_size", 1)), *under_oclgrind(job)]


def job_oclgrind_local_1024(arguments):
    job = oclgrind("oclgrind_local_1024", arguments, {"OCLGRIND_LOCAL_MEM_SIZE": "1024"}, skips=[("clblast", ".*", "local memory")])
    return job, [("1 KiB of local memory", lambda: expect_limit(job, "local_memory_bytes", 1024)), *under_oclgrind(job)]


def job_oclgrind_data_races(arguments):
    job = oclgrind("oclgrind_data_races", arguments, {"OCLGRIND_DATA_RACES": "1"})
    return job, under_oclgrind(job)


def job_oclgrind_as_cpu(arguments):
    """The fused engine's kernels for CPUs, which it would not take on a simulator that says it is everything at once."""
    job = oclgrind("oclgrind_as_cpu", arguments, {"OCLGRIND_DATA_RACES": "1", "OPENCL_LAYERS": os.path.abspath(arguments[2]),
                                                  "OCLSTM_IMITATE": "type=cpu,units=2"})

    def with_vectors(width):
        job.env["OCLSTM_IMITATE"] = f"type=cpu,units=2,float_vector={width}"
        assert [device["kind"] for device in job.devices()] == ["cpu"]
        clean(job, job.matrix, "-e", "fused")

    return job, [(f"the fused kernels for CPUs with vectors of {width}", lambda width=width: with_vectors(width)) for width in (4, 16)]


# --- running ----------------------------------------------------------------------------------------------------------


def main():
    name, arguments = sys.argv[1], sys.argv[2:]
    try:
        job, checks = globals()[f"job_{name}"](arguments)
    except Missing as reason:
        if os.environ.get("CI") and "PoCL" in str(reason):
            print(f"1..1\nnot ok 1 - {reason}")
            return 1
        print(f"1..0 # SKIP {reason}")
        return 0
    failed = 0
    print(f"1..{len(checks)}")
    try:
        for number, (title, check) in enumerate(checks, 1):
            try:
                check()
                print(f"ok {number} - {title}", flush=True)
            except Skip as reason:
                print(f"ok {number} - {title} # SKIP {reason}", flush=True)
            except Exception:  # whatever went wrong is this check's failure, and the next is made
                failed += 1
                print(f"not ok {number} - {title}")
                print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
    finally:
        job.close()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
