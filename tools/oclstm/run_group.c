// SPDX-License-Identifier: Apache-2.0
#include "run_group.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array_view.h"
#include "choose_device.h"
#include "report.h"

int run_group_load(run_job *job) {
    oclstm_error error;
    char why[1024];
    const double begin = run_clock();
    const int code = choose_devices(&job->devices, &job->device_count, job->options);
    if (code != EXIT_DONE)
        return code;
    const double opened = run_clock();
    oclstm_status status = oclstm_group_load(&job->group, job->devices, job->device_count, job->model, job->options->cell,
                                             OCLSTM_CELL(.dtype = job->shape.dtype, .engine = job->options->engine), &error);
    job->times.device = opened - begin;
    job->times.cell = run_clock() - opened;
    for (size_t i = 0; i < job->device_count && status == OCLSTM_OK && job->options->verbose; i++) {
        status = oclstm_group_explain(job->group, i, job->shape.batch, job->shape.steps, why, sizeof why, &error);
        if (status == OCLSTM_OK)
            report("device %zu of %zu: %s", i, job->device_count, why);
    }
    if (status == OCLSTM_OK)
        return EXIT_DONE;
    report_error(&error);
    return exit_code_of(status);
}

void run_group_close(run_job *job) {
    oclstm_group_destroy(&job->group);
    oclstm_devices_close(&job->devices, job->device_count);
    free(job->h_state);
    free(job->c_state);
}

static size_t state_bytes(const run_job *job) {
    return (size_t)job->shape.batch * (size_t)job->shape.hidden * oclstm_dtype_size_bytes(job->shape.io_dtype);
}

oclstm_status run_group_begin(run_job *job, oclstm_error *error) {
    job->h_state = calloc(1, state_bytes(job));
    job->c_state = calloc(1, state_bytes(job));
    if (!job->h_state || !job->c_state) {
        *error = (oclstm_error){.status = OCLSTM_OUT_OF_MEMORY};
        snprintf(error->message, sizeof error->message, "no memory for the state: %zu bytes", state_bytes(job));
        return OCLSTM_OUT_OF_MEMORY;
    }
    return OCLSTM_OK;
}

void run_group_set_state(run_job *job, const oclstm_const_array *h, const oclstm_const_array *c) {
    memcpy(job->h_state, h->data, state_bytes(job));
    memcpy(job->c_state, c->data, state_bytes(job));
}

// At -v: a device that dropped out is no failure of the run.
static void say_warnings(const run_job *job) {
    char text[2048];
    while (oclstm_group_next_warning(job->group, text, sizeof text)) {
        if (job->options->verbose)
            report("warning: %s", text);
    }
}

oclstm_status run_group_sequence(run_job *job, const oclstm_sequence *sequence, oclstm_error *error) {
    oclstm_sequence call = *sequence;
    if (job->h_state) {
        const run_shape *shape = &job->shape;
        const bool batched = shape->x_rank == 3;
        void *const parts[] = {job->h_state, job->c_state};
        oclstm_array *const arrays[] = {&call.h_out, &call.c_out};
        for (int i = 0; i < 2; i++)
            *arrays[i] = batched ? oclstm_out_2d(parts[i], shape->io_dtype, shape->batch, shape->hidden)
                                 : oclstm_out_1d(parts[i], shape->io_dtype, shape->hidden);
        call.h = array_read_only(call.h_out);
        call.c = array_read_only(call.c_out);
    }
    const oclstm_status status = oclstm_group_sequence(job->group, &call, error);
    say_warnings(job);
    return status;
}

oclstm_status run_group_state(const run_job *job, const oclstm_array *h, const oclstm_array *c) {
    if (h)
        memcpy(h->data, job->h_state, state_bytes(job));
    if (c)
        memcpy(c->data, job->c_state, state_bytes(job));
    return OCLSTM_OK;
}

void run_group_summarise(const run_job *job) {
    for (size_t i = 0; i < job->device_count; i++) {
        oclstm_share share;
        if (oclstm_group_get_share(job->group, i, &share, NULL) != OCLSTM_OK)
            continue;
        if (share.is_out)
            report("device %zu (%s): dropped out", i, share.device->name);
        else
            report("device %zu (%s): %" PRId64 " of %" PRId64 " rows in the last slice, engine %s, %.0f rows/s", i,
                   share.device->name, share.rows, job->shape.batch, oclstm_engine_name(share.engine), share.rows_per_second);
    }
}
