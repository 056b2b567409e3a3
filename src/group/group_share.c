// SPDX-License-Identifier: Apache-2.0
// One device's rows of a call: the arrays of the share, a slice of steps at a time where they have to be copied together.
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "group/group_private.h"

// The most of x, or of y, that is copied at a time. A single step may exceed it.
static const size_t copied_bytes = (size_t)4 << 20;

// A trial: how long one is to take, repeats at most, and the steps that it begins with.
static const double trial_seconds = 0.004;
enum { MOST_REPEATS = 64, FIRST_STEPS = 2 };

bool scratch_need(group_scratch *scratch, size_t bytes) {
    if (scratch->bytes >= bytes && scratch->data != NULL)
        return true;
    free(scratch->data);
    scratch->data = base_alloc(bytes, 1);
    scratch->bytes = scratch->data != NULL ? bytes : 0;
    return scratch->data != NULL;
}

// Steps of the call that a slice has.
typedef struct step_range {
    size_t first, count;
} step_range;

// Do the rows of the share lie in one piece in x and y?
static bool is_in_place(const group_job *job) {
    const cell_call_size *size = &job->call->size;
    if (size->steps == 1)
        return true;
    return size->batch_first ? job->steps == size->steps : job->rows == size->batch;
}

// Copies the share's rows of some steps between an array of the whole batch and a dense one.
static void copy_rows(const group_job *job, char *whole, char *dense, size_t features, step_range steps, bool to_dense) {
    const group_call *call = job->call;
    const size_t row = features * call->element_bytes, batch = call->size.batch, all = call->size.steps;
    const bool by_batch = call->size.batch_first;
    const size_t pieces = by_batch ? job->rows : steps.count, bytes = by_batch ? steps.count * row : job->rows * row;
    for (size_t i = 0; i < pieces; i++) {
        char *const at = whole + (by_batch ? (job->first + i) * all + steps.first : (steps.first + i) * batch + job->first) * row;
        memcpy(to_dense ? dense + i * bytes : at, to_dense ? at : dense + i * bytes, bytes);
    }
}

// The shape of x or y with the share's rows and these steps.
static void set_shape(int64_t *shape, const group_job *job, size_t steps) {
    const cell_call_size *size = &job->call->size;
    int axis = 0;
    if (job->call->is_step) {
        shape[0] = size->batched ? (int64_t)job->rows : shape[0];
        return;
    }
    if (size->batched && size->batch_first)
        shape[axis++] = (int64_t)job->rows;
    shape[axis++] = (int64_t)steps;
    if (size->batched && !size->batch_first)
        shape[axis] = (int64_t)job->rows;
}

// h or c before the first step: the share's rows of the caller's.
static oclstm_const_array state_in(const group_job *job, const oclstm_const_array *whole) {
    oclstm_const_array part = *whole;
    if (part.data == NULL || !job->call->size.batched)
        return part;
    part.data = (const char *)part.data + job->first * job->call->hidden * job->call->element_bytes;
    part.shape[0] = (int64_t)job->rows;
    return part;
}

// The share's rows of a state being put together, or the worker's own.
static oclstm_array state_out(const group_job *job, char *data) {
    const group_call *call = job->call;
    if (data == NULL)
        return (oclstm_array){0};
    oclstm_array out = {.data = data, .dtype = call->arrays->x.dtype, .rank = call->size.batched ? 2 : 1};
    int axis = 0;
    if (call->size.batched)
        out.shape[axis++] = (int64_t)job->rows;
    out.shape[axis] = (int64_t)call->hidden;
    return out;
}

static oclstm_const_array read_only(const oclstm_array *array) {
    oclstm_const_array out = {.data = array->data, .dtype = array->dtype, .rank = array->rank};
    memcpy(out.shape, array->shape, sizeof out.shape);
    return out;
}

// A trial's results go to the worker's own memory, a call's to where all shares meet.
static char *place_of(const group_worker *worker, int scratch, char *whole) {
    const group_job *job = &worker->job;
    if (job->kind != JOB_CALL || whole == NULL)
        return worker->scratch[scratch].data;
    return whole + job->first * job->call->hidden * job->call->element_bytes;
}

// Rows that lie in one piece: the caller's arrays, no copies but the device's own.
static oclstm_status run_in_place(group_worker *worker) {
    group_job *job = &worker->job;
    const group_call *call = job->call;
    oclstm_sequence part = *call->arrays;
    const size_t element = call->element_bytes, offset = job->first * call->size.steps;
    part.x.data = (const char *)part.x.data + offset * call->input * element;
    set_shape(part.x.shape, job, job->steps);
    if (part.y.data != NULL) {
        part.y.data =
            job->kind != JOB_CALL ? (void *)worker->scratch[SCRATCH_Y].data : (char *)part.y.data + offset * call->hidden * element;
        set_shape(part.y.shape, job, job->steps);
    }
    part.h = state_in(job, &part.h);
    part.c = state_in(job, &part.c);
    part.h_out = state_out(job, call->h_out != NULL ? place_of(worker, SCRATCH_H, call->h_out) : NULL);
    part.c_out = state_out(job, call->c_out != NULL ? place_of(worker, SCRATCH_C, call->c_out) : NULL);
    if (!call->is_step)
        return oclstm_cell_sequence(worker->cell, &part, &job->error);
    const oclstm_step step = {.x = part.x, .h = part.h, .c = part.c, .h_out = part.h_out, .c_out = part.c_out};
    return oclstm_cell_step(worker->cell, &step, &job->error);
}

// Steps whose rows of x and y are copied at a time.
static size_t slice_steps(const group_job *job) {
    const group_call *call = job->call;
    // On the device c is float32, which arrays of 16 bits would round between two slices.
    if (call->element_bytes < sizeof(float) && job->kind == JOB_CALL)
        return job->steps;
    const size_t widest = call->input > call->hidden ? call->input : call->hidden;
    const size_t fit = copied_bytes / (job->rows * widest * call->element_bytes);
    return fit < 1 ? 1 : fit < job->steps ? fit : job->steps;
}

static oclstm_status run_copied(group_worker *worker) {
    group_job *job = &worker->job;
    const group_call *call = job->call;
    char *const x = worker->scratch[SCRATCH_X].data, *const y = worker->scratch[SCRATCH_Y].data;
    oclstm_sequence part = *call->arrays;
    oclstm_status status = OCLSTM_OK;
    part.h = state_in(job, &part.h);
    part.c = state_in(job, &part.c);
    part.h_out = state_out(job, place_of(worker, SCRATCH_H, call->h_out));
    part.c_out = state_out(job, place_of(worker, SCRATCH_C, call->c_out));
    step_range slice = {0, slice_steps(job)};
    for (; slice.first < job->steps && status == OCLSTM_OK; slice.first += slice.count) {
        if (slice.count > job->steps - slice.first)
            slice.count = job->steps - slice.first;
        copy_rows(job, (char *)(uintptr_t)call->arrays->x.data, x, call->input, slice, true);
        part.x.data = x;
        set_shape(part.x.shape, job, slice.count);
        if (part.y.data != NULL) {
            part.y.data = y;
            set_shape(part.y.shape, job, slice.count);
        }
        status = oclstm_cell_sequence(worker->cell, &part, &job->error);
        if (status == OCLSTM_OK && part.y.data != NULL && job->kind == JOB_CALL)
            copy_rows(job, call->arrays->y.data, y, call->hidden, slice, false);
        part.h = read_only(&part.h_out);
        part.c = read_only(&part.c_out);
    }
    return status;
}

static bool scratch_all(group_worker *worker) {
    const group_job *job = &worker->job;
    const group_call *call = job->call;
    const bool copies = !is_in_place(job), is_trial = job->kind != JOB_CALL;
    const size_t steps = copies ? slice_steps(job) : job->steps, rows = job->rows * call->element_bytes;
    size_t x_bytes, y_bytes;
    if (!checked_mul(rows * steps, call->input, &x_bytes) || !checked_mul(rows * steps, call->hidden, &y_bytes))
        return false;
    return (!copies || scratch_need(&worker->scratch[SCRATCH_X], x_bytes)) &&
           (!(copies || is_trial) || scratch_need(&worker->scratch[SCRATCH_Y], y_bytes)) &&
           scratch_need(&worker->scratch[SCRATCH_H], rows * call->hidden) &&
           scratch_need(&worker->scratch[SCRATCH_C], rows * call->hidden);
}

static oclstm_status run_once(group_worker *worker) {
    group_job *job = &worker->job;
    if (!scratch_all(worker))
        return base_fail_memory(&job->error, copied_bytes, "a device's share of the rows");
    return is_in_place(job) ? run_in_place(worker) : run_copied(worker);
}

static size_t fewer(size_t a, size_t b) { return a < b ? a : b; }

// Everything slow: what a slice of these rows needs, and one run.
static void run_first(group_worker *worker) {
    group_job *job = &worker->job;
    const size_t steps = is_in_place(job) ? job->steps : slice_steps(job);
    job->status = oclstm_cell_prepare(worker->cell, (int64_t)job->rows, (int64_t)steps, &job->error);
    job->steps = fewer(job->steps, FIRST_STEPS);
    if (job->status == OCLSTM_OK)
        job->status = run_once(worker);
}

// More and more steps until the time can be trusted.
static void run_trial(group_worker *worker) {
    group_job *job = &worker->job;
    const size_t most = slice_steps(job);
    for (job->steps = fewer(most, FIRST_STEPS);; job->steps = fewer(most, 4 * job->steps)) {
        const double begin = base_clock();
        double spent = 0.0;
        size_t runs = 0;
        do {
            job->status = run_once(worker);
            spent = base_clock() - begin;
        } while (++runs < MOST_REPEATS && job->status == OCLSTM_OK && job->steps == most && spent < trial_seconds);
        job->seconds = spent / (double)runs;
        if (job->status != OCLSTM_OK || job->steps == most || spent >= trial_seconds)
            return;
    }
}

void share_run(group_worker *worker) {
    group_job *job = &worker->job;
    const double begin = base_clock();
    cell_set_share(worker->cell, job->call->size.batch, worker->whole_units);
    if (job->kind == JOB_FIRST) {
        run_first(worker);
    } else if (job->kind == JOB_TRIAL) {
        run_trial(worker);
    } else {
        job->status = run_once(worker);
        job->seconds = base_clock() - begin;
    }
    cell_set_share(worker->cell, 0, 0);
}
