// SPDX-License-Identifier: Apache-2.0
// Everything slow for a shape, before its first call. Some drivers compile at a kernel's first launch, so the kernels are launched, on buffers of
// the plan and on no state of the caller's.
#include "base/error.h"
#include "cell/cell_borrow.h"
#include "device/device_fork.h"

// Steps and calls of the trial together are even: the fused engine reads the packed weights forward and backward in turn, and the next call is to
// begin as if there had been none.
enum { TRIAL_STEPS = 2 };

// What a call from host arrays stages on the device. One that uses them where they lie gets scratch for the trial only.
typedef struct trial {
    cl_mem x, y; // scratch; NULL where the plan's own serve
    cell_execution call;
} trial;

static oclstm_status make_scratch(trial *out, const oclstm_cell *cell, const cell_plan *plan, size_t steps, oclstm_error *error) {
    const size_t rows = plan->batch * steps * cell->element_bytes;
    oclstm_status status =
        device_buffer_create(&out->x, cell->device, CL_MEM_READ_WRITE, rows * cell->input, "the trial's x", error);
    if (status == OCLSTM_OK)
        status = device_buffer_create(&out->y, cell->device, CL_MEM_READ_WRITE, rows * cell->hidden, "the trial's y", error);
    out->call.x_dev.mem = out->x;
    out->call.y_dev.mem = out->y;
    return status;
}

static oclstm_status make_staging(trial *out, const oclstm_cell *cell, cell_plan *plan, oclstm_error *error) {
    const size_t rows = plan->batch * plan->capacity_steps;
    oclstm_status status = plan_need(&plan->x, plan, rows * cell->input, "a slice of x", error);
    if (status == OCLSTM_OK)
        status = plan_need(&plan->y, plan, rows * cell->hidden, "a slice of y", error);
    out->call.x_dev.mem = plan->x;
    out->call.y_dev.mem = plan->y;
    return status;
}

static oclstm_status run_trial(oclstm_cell *cell, cell_plan *plan, size_t steps, oclstm_error *error) {
    const size_t trial_steps = plan->capacity_steps < TRIAL_STEPS ? plan->capacity_steps : TRIAL_STEPS;
    trial made = {.call = {.batch = plan->batch, .steps = trial_steps, .host_dtype = cell->params.dtype}};
    oclstm_status status = cell_borrows(cell, plan->batch, steps) ? make_scratch(&made, cell, plan, trial_steps, error)
                                                                  : make_staging(&made, cell, plan, error);
    if (status == OCLSTM_OK)
        status = device_fill_zero(cell->device, made.call.x_dev.mem, 0,
                                  plan->batch * trial_steps * cell->input * cell->element_bytes, error);
    for (size_t done = 0; done < TRIAL_STEPS && status == OCLSTM_OK; done += trial_steps)
        status = cell_execute(cell, &made.call, error);
    // Also after a failure: what was enqueued may use the scratch.
    const oclstm_status finished = device_finish(cell->device, status == OCLSTM_OK ? error : NULL);
    device_buffer_release(cell->device, &made.x);
    device_buffer_release(cell->device, &made.y);
    return status == OCLSTM_OK ? finished : status;
}

oclstm_status oclstm_cell_prepare(oclstm_cell *cell, int64_t batch, int64_t steps, oclstm_error *error) {
    if (cell == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_cell_prepare: cell is NULL");
    if (batch < 1 || steps < 1)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_cell_prepare: batch and steps must be at least 1");
    const oclstm_engine last_engine = cell->last_engine;
    cell_plan *plan = NULL;
    const bool stages = !cell_borrows(cell, (size_t)batch, (size_t)steps);
    const plan_call wanted = {(size_t)batch, (size_t)steps, stages, stages};
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK)
        status = plan_get(&plan, cell, &wanted, error);
    if (status == OCLSTM_OK)
        status = run_trial(cell, plan, (size_t)steps, error);
    cell->last_engine = last_engine; // of a call, which this is not
    return status;
}
