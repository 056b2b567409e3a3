// SPDX-License-Identifier: Apache-2.0
// Finding, opening, wrapping and closing devices; a run from nothing to the end.
#include <stdlib.h>
#include <string.h>

#include "fault_run.h"

static oclstm_status list_devices(fault_scene *scene) {
    oclstm_device_info *list = NULL;
    size_t count = 0;
    const oclstm_status status = oclstm_device_list(&list, &count, &scene->error);
    if (status != OCLSTM_OK && (list != NULL || count != 0))
        strcpy(scene->error.message, ""); // the out-parameters must be cleared: no message is a fault
    oclstm_device_list_free(&list);
    return status;
}

static oclstm_status close_device(fault_scene *scene, oclstm_device **device, oclstm_status status) {
    scene->closing_from = scene->control->count();
    oclstm_device_close(device);
    return status;
}

static oclstm_status open_auto(fault_scene *scene) {
    oclstm_device *device = NULL;
    return close_device(scene, &device, oclstm_device_open(&device, NULL, &scene->error));
}

static oclstm_status open_by_position(fault_scene *scene) {
    oclstm_device *device = NULL;
    return close_device(scene, &device, oclstm_device_open(&device, "0:0", &scene->error));
}

static oclstm_status open_for_shape(fault_scene *scene) {
    oclstm_device *device = NULL;
    return close_device(scene, &device, oclstm_device_open_for(&device, 8, 8, 1, 10, &scene->error));
}

// --- wrapping: the objects are the caller's ---------------------------------------------------------------------------

typedef struct caller_objects {
    cl_context context;
    cl_device_id id;
    cl_command_queue queue;
} caller_objects;

static oclstm_status begin_wrap(fault_scene *scene) {
    static caller_objects objects;
    oclstm_device *device = NULL;
    const oclstm_status status = oclstm_device_open(&device, fault_device(), &scene->error);
    if (status != OCLSTM_OK)
        return status;
    objects.id = oclstm_device_get_id(device);
    objects.context = clCreateContext(NULL, 1, &objects.id, NULL, NULL, NULL);
    objects.queue = clCreateCommandQueue(objects.context, objects.id, 0, NULL);
    oclstm_device_close(&device);
    scene->own = &objects;
    return objects.queue != NULL ? OCLSTM_OK : OCLSTM_OPENCL;
}

static void end_wrap(fault_scene *scene) {
    const caller_objects *objects = scene->own;
    clReleaseCommandQueue(objects->queue);
    clReleaseContext(objects->context);
}

static oclstm_status wrap_queue(fault_scene *scene) {
    const caller_objects *objects = scene->own;
    oclstm_device *device = NULL;
    return close_device(scene, &device, oclstm_device_wrap(&device, objects->context, objects->id, objects->queue, &scene->error));
}

static oclstm_status wrap_context(fault_scene *scene) {
    const caller_objects *objects = scene->own;
    oclstm_device *device = NULL;
    return close_device(scene, &device, oclstm_device_wrap(&device, objects->context, objects->id, NULL, &scene->error));
}

// --- from nothing -----------------------------------------------------------------------------------------------------

static oclstm_status run_from_nothing(fault_scene *scene) {
    oclstm_device *device = NULL;
    oclstm_cell *cell = NULL;
    oclstm_status status = oclstm_device_open(&device, fault_device(), &scene->error);
    if (status == OCLSTM_OK)
        status = fault_make_cell(&cell, device, scene);
    if (status == OCLSTM_OK)
        status = fault_run_sequence(scene, cell, NULL);
    scene->closing_from = scene->control->count();
    oclstm_cell_destroy(&cell);
    oclstm_device_close(&device);
    return status;
}

enum { FINDING = FAULT_FINDS_DEVICES | FAULT_HAS_NO_DEVICE };

const fault_scenario fault_device_scenarios[] = {
    {.name = "list", .run = list_devices, .allowed = FINDING | FAULT_HAS_NO_NUMBERS},
    {.name = "open auto", .run = open_auto, .allowed = FINDING | FAULT_HAS_NO_NUMBERS},
    {.name = "open by position", .run = open_by_position, .allowed = FINDING | FAULT_HAS_NO_NUMBERS},
    {.name = "open for a shape", .run = open_for_shape, .allowed = FINDING | FAULT_HAS_NO_NUMBERS},
    {.name = "wrap a queue", .run = wrap_queue, .begin = begin_wrap, .end = end_wrap, .allowed = FINDING | FAULT_HAS_NO_NUMBERS},
    {.name = "wrap a context",
     .run = wrap_context,
     .begin = begin_wrap,
     .end = end_wrap,
     .allowed = FINDING | FAULT_HAS_NO_NUMBERS},
    {.name = "from nothing portable", .run = run_from_nothing, .allowed = FINDING, .engine = OCLSTM_ENGINE_PORTABLE},
    {.name = "from nothing auto", .run = run_from_nothing, .allowed = FINDING | FAULT_CHOOSES_ENGINE | FAULT_IS_SLOW},
    {.name = "from nothing clblast", .run = run_from_nothing, .allowed = FINDING | FAULT_IS_SLOW, .engine = OCLSTM_ENGINE_CLBLAST},
    {0},
};
