// SPDX-License-Identifier: Apache-2.0
// Making and unmaking a group: a cell and a thread for each device.
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_fork.h"
#include "group/group_private.h"

void oclstm_group_destroy(oclstm_group **group) {
    if (group == NULL || *group == NULL)
        return;
    oclstm_group *old = *group;
    *group = NULL;
    for (size_t i = 0; i < old->count && old->workers != NULL; i++) {
        group_worker *worker = &old->workers[i];
        if (!device_lost_by_fork()) // the thread stayed in the parent
            worker_end(worker);
        oclstm_cell_destroy(&worker->cell);
        oclstm_device_close(&worker->device);
        for (int s = 0; s < SCRATCH_COUNT; s++)
            free(worker->scratch[s].data);
    }
    free(old->workers);
    free(old->h_out.data);
    free(old->c_out.data);
    free(old);
}

// What a group is made from: a file, or params alone.
typedef struct cell_origin {
    const oclstm_tensors *file;
    const char *name;
    const oclstm_cell_params *params;
} cell_origin;

// A device like the first one adds sums in the order in which that does.
static unsigned whole_units(const oclstm_device *device, const oclstm_device *first) {
    const device_limits *limits = device_get_limits(device), *reference = device_get_limits(first);
    const bool is_alike = limits->kind == reference->kind && strcmp(limits->platform_name, reference->platform_name) == 0 &&
                          strcmp(limits->driver_version, reference->driver_version) == 0;
    return is_alike ? reference->compute_units : limits->compute_units;
}

static oclstm_status make_worker(group_worker *worker, oclstm_device *device, oclstm_device *first, const cell_origin *origin,
                                 oclstm_error *error) {
    const oclstm_status status = origin->file != NULL
                                     ? oclstm_cell_load(&worker->cell, device, origin->file, origin->name, origin->params, error)
                                     : oclstm_cell_create(&worker->cell, device, origin->params, error);
    if (status != OCLSTM_OK)
        return status;
    worker->device = device_retain(device);
    worker->whole_units = whole_units(device, first);
    return worker_start(worker, error);
}

static oclstm_status make_group(oclstm_group **out, oclstm_device *const *devices, size_t count, const cell_origin *origin,
                                const char *call, oclstm_error *error) {
    *out = NULL;
    if (count < 1 || count > OCLSTM_GROUP_MOST)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s: count is %zu; a group has 1 to %d devices", call, count,
                         OCLSTM_GROUP_MOST);
    for (size_t i = 0; i < count; i++) {
        if (devices[i] == NULL)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s: devices[%zu] is NULL", call, i);
    }
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    oclstm_group *made = base_alloc(1, sizeof *made);
    if (made == NULL)
        return base_fail_memory(error, sizeof *made, "the group");
    made->workers = base_alloc(count, sizeof *made->workers);
    if (made->workers == NULL)
        status = base_fail_memory(error, count * sizeof *made->workers, "the devices of a group");
    for (; made->count < count && status == OCLSTM_OK; made->count++)
        status = make_worker(&made->workers[made->count], devices[made->count], devices[0], origin, error);
    if (status == OCLSTM_OK)
        *out = made;
    else
        oclstm_group_destroy(&made);
    return status;
}

oclstm_status oclstm_group_create(oclstm_group **out, oclstm_device *const *devices, size_t count, const oclstm_cell_params *params,
                                  oclstm_error *error) {
    if (out == NULL || devices == NULL || params == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_group_create: %s is NULL",
                         out == NULL       ? "out"
                         : devices == NULL ? "devices"
                                           : "params");
    const cell_origin origin = {NULL, NULL, params};
    return make_group(out, devices, count, &origin, "oclstm_group_create", error);
}

oclstm_status oclstm_group_load(oclstm_group **out, oclstm_device *const *devices, size_t count, const oclstm_tensors *file,
                                const char *name, const oclstm_cell_params *params, oclstm_error *error) {
    if (out == NULL || devices == NULL || file == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_group_load: %s is NULL",
                         out == NULL       ? "out"
                         : devices == NULL ? "devices"
                                           : "file");
    const cell_origin origin = {file, name, params};
    return make_group(out, devices, count, &origin, "oclstm_group_load", error);
}

oclstm_cell_params oclstm_group_get_params(const oclstm_group *group) {
    return oclstm_cell_get_params(group != NULL ? group->workers[0].cell : NULL);
}
