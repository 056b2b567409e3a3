// SPDX-License-Identifier: Apache-2.0
// A step and a sequence of a group: divide, let all devices work, let those that are left do the rows of those that failed.
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "device/device_fork.h"
#include "group/group_private.h"
#include "group/group_rows.h"

// Rows that a device failed to do.
typedef struct lost_rows {
    size_t first, count, owner;
} lost_rows;

typedef struct lost_list {
    lost_rows ranges[OCLSTM_GROUP_MOST];
    size_t count;
} lost_list;

// Counts what the jobs did, takes failed devices out and notes their rows. Not OK for a fault of the call itself.
static oclstm_status collect(oclstm_group *group, lost_list *lost, oclstm_error *error) {
    for (size_t i = 0; i < group->count; i++) {
        group_worker *worker = &group->workers[i];
        const group_job *job = &worker->job;
        if (job->rows == 0)
            continue;
        if (job->status == OCLSTM_INVALID_ARGUMENT) {
            if (error != NULL)
                *error = job->error;
            return job->status;
        }
        if (job->status == OCLSTM_OK) {
            worker->rows += job->rows;
            worker->seconds += job->seconds;
            continue;
        }
        lost->ranges[lost->count++] = (lost_rows){job->first, job->rows, i};
        report_failure(group, i);
    }
    return OCLSTM_OK;
}

// Divides lost rows among the devices that are left and lets them work.
static oclstm_status redo(oclstm_group *group, const group_call *call, const group_entry *entry, lost_list *lost,
                          oclstm_error *error) {
    const lost_rows range = lost->ranges[--lost->count];
    size_t rows[OCLSTM_GROUP_MOST];
    double speed[OCLSTM_GROUP_MOST];
    speed_of_left(group, entry, speed);
    group_divide(rows, speed, group->count, range.count, GROUP_LEAST_ROWS);
    workers_set(group, call, rows, range.first, JOB_CALL);
    workers_run(group);
    for (size_t i = 0; i < group->count; i++) {
        if (rows[i] > 0 && group->workers[i].job.status == OCLSTM_OK)
            report_successor(group, range.owner, i, rows[i]);
    }
    return collect(group, lost, error);
}

static oclstm_status run_all(oclstm_group *group, const group_call *call, oclstm_error *error) {
    lost_list lost = {.count = 0};
    for (size_t i = 0; i < group->count; i++) {
        group->workers[i].rows = 0;
        group->workers[i].seconds = 0.0;
    }
    group_entry *entry = speed_divide(group, call);
    if (group_count_left(group) == 0)
        return report_none_left(group, group->workers[0].job.status, error);
    workers_run(group);
    speed_learn(group, entry, call);
    oclstm_status status = collect(group, &lost, error);
    oclstm_status last = lost.count > 0 ? group->workers[lost.ranges[lost.count - 1].owner].job.status : OCLSTM_OK;
    while (status == OCLSTM_OK && lost.count > 0) {
        if (group_count_left(group) == 0)
            return report_none_left(group, last, error);
        status = redo(group, call, entry, &lost, error);
        if (lost.count > 0)
            last = group->workers[lost.ranges[lost.count - 1].owner].job.status;
    }
    return status;
}

// The state after goes to the caller's arrays only when all of it is there: they may be those of the state before.
static void hand_out(const group_call *call, size_t bytes) {
    if (call->h_out != NULL)
        memcpy(call->arrays->h_out.data, call->h_out, bytes);
    if (call->c_out != NULL)
        memcpy(call->arrays->c_out.data, call->c_out, bytes);
}

static oclstm_status apply(oclstm_group *group, const oclstm_sequence *arrays, bool is_step, oclstm_error *error) {
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    if (arrays->state != NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "a state on one device is given to a group of devices: hand the state as h and c, h_out and c_out");
    const oclstm_cell_params params = oclstm_group_get_params(group);
    group_call call = {.arrays = arrays,
                       .is_step = is_step,
                       .element_bytes = oclstm_dtype_size_bytes(arrays->x.dtype),
                       .input = (size_t)params.input_size,
                       .hidden = (size_t)params.hidden_size};
    status = cell_check_call(group->workers[0].cell, arrays, is_step, &call.size, error);
    if (status != OCLSTM_OK)
        return status;
    if (group_count_left(group) == 0)
        return report_none_left(group, OCLSTM_NO_DEVICE, error);
    size_t bytes = 0;
    if (!checked_mul(call.size.batch, call.hidden * call.element_bytes, &bytes) ||
        (arrays->h_out.data != NULL && !scratch_need(&group->h_out, bytes)) ||
        (arrays->c_out.data != NULL && !scratch_need(&group->c_out, bytes)))
        return base_fail_memory(error, bytes, "the state of a group");
    call.h_out = arrays->h_out.data != NULL ? group->h_out.data : NULL;
    call.c_out = arrays->c_out.data != NULL ? group->c_out.data : NULL;
    status = run_all(group, &call, error);
    if (status == OCLSTM_OK)
        hand_out(&call, bytes);
    return status;
}

oclstm_status oclstm_group_step(oclstm_group *group, const oclstm_step *step, oclstm_error *error) {
    if (group == NULL || step == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_group_step: %s is NULL", group == NULL ? "group" : "step");
    const oclstm_sequence arrays = {
        .x = step->x, .h = step->h, .c = step->c, .h_out = step->h_out, .c_out = step->c_out, .state = step->state};
    return apply(group, &arrays, true, error);
}

oclstm_status oclstm_group_sequence(oclstm_group *group, const oclstm_sequence *sequence, oclstm_error *error) {
    if (group == NULL || sequence == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_group_sequence: %s is NULL", group == NULL ? "group" : "sequence");
    return apply(group, sequence, false, error);
}
