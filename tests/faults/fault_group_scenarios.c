// SPDX-License-Identifier: Apache-2.0
// Several devices: one that fails hands its rows to the others; where each fails, the call does.
#include <oclstm/group.h>

#include "fault_run.h"

// The device twice, as two opened devices.
static oclstm_status begin_group(fault_scene *scene) {
    static oclstm_device *second;
    second = NULL;
    scene->own = &second;
    oclstm_cell *cell = NULL;
    oclstm_status status = fault_begin_device(scene);
    if (status == OCLSTM_OK)
        status = oclstm_device_open(&second, fault_device(), &scene->error);
    if (status == OCLSTM_OK) // so that it has its programs, whatever its share is
        status = fault_make_cell(&cell, second, scene);
    if (status == OCLSTM_OK)
        status = fault_run_sequence(scene, cell, NULL);
    oclstm_cell_destroy(&cell);
    return status;
}

static void end_group(fault_scene *scene) {
    oclstm_device_close(scene->own);
    fault_end(scene);
}

static oclstm_status run_group(fault_scene *scene) {
    oclstm_device *const devices[] = {scene->device, *(oclstm_device **)scene->own};
    const oclstm_cell_params params = fault_cell_params(scene->scenario);
    const oclstm_sequence call = fault_make_sequence(scene, NULL);
    oclstm_group *group = NULL;
    oclstm_status status = oclstm_group_create(&group, devices, 2, &params, &scene->error);
    if (status == OCLSTM_OK)
        status = oclstm_group_sequence(group, &call, &scene->error);
    if (status == OCLSTM_OK)
        fault_keep_sequence(scene, &call);
    scene->closing_from = scene->control->count();
    oclstm_group_destroy(&group);
    return status;
}

#define ON_GROUP .run = run_group, .begin = begin_group, .end = end_group, .allowed = FAULT_HAS_OTHERS, .batch = 4

const fault_scenario fault_group_scenarios[] = {
    {.name = "group, portable", ON_GROUP, .engine = OCLSTM_ENGINE_PORTABLE},
    {.name = "group, fused, batch first", ON_GROUP, .engine = OCLSTM_ENGINE_FUSED, .batch_first = true},
    {0},
};
