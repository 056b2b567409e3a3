// SPDX-License-Identifier: Apache-2.0
// What a group tells: shares, warnings, the error when no device is left.
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "group/group_private.h"

size_t group_count_left(const oclstm_group *group) {
    size_t left = 0;
    for (size_t i = 0; i < group->count; i++)
        left += !group->workers[i].is_out;
    return left;
}

static const char *name_of(const group_worker *worker) { return device_get_limits(worker->device)->name; }

void report_failure(oclstm_group *group, size_t index) {
    group_worker *worker = &group->workers[index];
    worker->is_out = true;
    base_copy_string(worker->reason, sizeof worker->reason, worker->job.error.message);
    worker->warning[0] = '\0';
    base_append(worker->warning, sizeof worker->warning, "device %zu of the group (%s) failed and is left out from now on: %s",
                index, name_of(worker), worker->reason);
}

void report_successor(oclstm_group *group, size_t failed, size_t index, size_t rows) {
    group_worker *worker = &group->workers[failed];
    base_append(worker->warning, sizeof worker->warning, "; %zu of its rows were done by device %zu", rows, index);
}

oclstm_status report_none_left(const oclstm_group *group, oclstm_status status, oclstm_error *error) {
    if (error == NULL)
        return status;
    // What the first one met stands for all in the record's codes.
    const oclstm_error *first = &group->workers[0].job.error;
    base_fail(error, status, "no device of the group is left");
    for (size_t i = 0; i < group->count; i++)
        base_append(error->message, sizeof error->message, "%s device %zu (%.60s): %.*s", i == 0 ? ":" : ";", i,
                    name_of(&group->workers[i]), (int)(700 / group->count), group->workers[i].reason);
    error->opencl_code = first->opencl_code;
    base_copy_string(error->opencl_name, sizeof error->opencl_name, first->opencl_name);
    base_copy_string(error->call, sizeof error->call, first->call);
    base_copy_string(error->device, sizeof error->device, first->device);
    if (status == OCLSTM_BUILD_FAILED)
        base_copy_string(error->build_log, sizeof error->build_log, first->build_log);
    return status;
}

oclstm_status oclstm_group_get_share(const oclstm_group *group, size_t index, oclstm_share *out, oclstm_error *error) {
    if (group == NULL || out == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_group_get_share: %s is NULL", group == NULL ? "group" : "out");
    if (index >= group->count)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_group_get_share: there is no device %zu; the group has %zu", index,
                         group->count);
    const group_worker *worker = &group->workers[index];
    *out = (oclstm_share){.device = oclstm_device_get_info(worker->device),
                          .rows = (int64_t)worker->rows,
                          .seconds = worker->seconds,
                          .rows_per_second = worker->is_out ? 0.0 : worker->speed,
                          .engine = oclstm_cell_last_engine(worker->cell),
                          .is_out = worker->is_out};
    base_copy_string(out->reason, sizeof out->reason, worker->reason);
    return OCLSTM_OK;
}

bool oclstm_group_next_warning(oclstm_group *group, char *text, size_t capacity) {
    for (size_t i = 0; group != NULL && text != NULL && capacity > 0 && i < group->count; i++) {
        if (group->workers[i].warning[0] == '\0')
            continue;
        base_copy_string(text, capacity, group->workers[i].warning);
        group->workers[i].warning[0] = '\0';
        return true;
    }
    return false;
}

oclstm_status oclstm_group_explain(oclstm_group *group, size_t index, int64_t batch, int64_t steps, char *text, size_t capacity,
                                   oclstm_error *error) {
    if (group == NULL || index >= group->count)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_group_explain: %s",
                         group == NULL ? "group is NULL" : "there is no such device in the group");
    return oclstm_cell_explain(group->workers[index].cell, batch, steps, text, capacity, error);
}
