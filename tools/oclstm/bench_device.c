// SPDX-License-Identifier: Apache-2.0
// The devices of a bench: one for each shape, opened once, with its roofs.
#include "bench.h"
#include "choose_device.h"
#include "report.h"
#include "run_job.h"

// The place of a device among those in use; the same one opened again is closed.
static int keep(bench_job *job, oclstm_device **device) {
    const int index = oclstm_device_get_info(*device)->index;
    for (int at = 0; at < job->device_count; at++) {
        if (oclstm_device_get_info(job->devices[at].device)->index == index) {
            oclstm_device_close(device);
            return at;
        }
    }
    job->devices[job->device_count].device = *device;
    *device = NULL;
    return job->device_count++;
}

// Cells of 16 bits compute in float32, whose peak stands beside them.
static int measure_roofs(bench_device *device, oclstm_dtype cell_dtype) {
    const oclstm_dtype dtype = cell_dtype == OCLSTM_F64 ? OCLSTM_F64 : OCLSTM_F32;
    oclstm_error error;
    if (oclstm_device_measure_roofs(&device->roofs, device->device, dtype, &error) == OCLSTM_OK)
        return EXIT_DONE;
    report_error(&error);
    return EXIT_FAILED;
}

int bench_open_devices(bench_job *job) {
    const cli_options *options = job->options;
    cli_options silent = *options; // which device it is stands in the table, and at -v beside each shape
    silent.verbose = false;
    if (names_devices(options))
        return choose_devices(&job->group, &job->group_count, &silent);
    const bool named = options->device != NULL;
    for (int at = 0; at < job->shape_count; at++) {
        if (at > 0 && named) {
            job->device_of[at] = job->device_of[0];
            continue;
        }
        oclstm_device *device = NULL;
        const int code = choose_device_for(&device, &silent, &job->shapes[at]);
        if (code != EXIT_DONE)
            return code;
        job->device_of[at] = keep(job, &device);
    }
    for (int at = 0; at < job->device_count && !options->single && !options->no_roofs; at++) {
        const int code = measure_roofs(&job->devices[at], options->dtype);
        if (code != EXIT_DONE)
            return code;
        if (run_signal())
            return EXIT_SIGNAL + run_signal();
    }
    return EXIT_DONE;
}

void bench_close_devices(bench_job *job) {
    oclstm_devices_close(&job->group, job->group_count);
    while (job->device_count > 0)
        oclstm_device_close(&job->devices[--job->device_count].device);
}
