// SPDX-License-Identifier: Apache-2.0
// Measuring and tuning. Whatever fails there, the device runs a cell afterwards.
#include <stdlib.h>
#include <unistd.h>

#include <oclstm/measure.h>
#include <oclstm/tune.h>

#include "fault_run.h"

static bool runs_a_cell(fault_scene *scene, oclstm_status status) {
    scene->result_count = 0;
    return status != OCLSTM_OK || fault_run_sequence(scene, scene->cell, NULL) == OCLSTM_OK;
}

static oclstm_status measure_roofs(fault_scene *scene) {
    oclstm_roofs roofs;
    return oclstm_device_measure_roofs(&roofs, scene->device, OCLSTM_F32, &scene->error);
}

static oclstm_status measure_product(fault_scene *scene) {
    double seconds;
    return oclstm_device_measure_product(&seconds, scene->device, OCLSTM_F32, 5, 6, 7, true, &scene->error);
}

// --- tuning -----------------------------------------------------------------------------------------------------------

static oclstm_status begin_tune(fault_scene *scene) { return fault_cache_begin() ? fault_begin_cell(scene) : OCLSTM_IO; }

static void end_tune(fault_scene *scene) {
    char path[1024];
    if (oclstm_tune_path(scene->device, path, sizeof path, NULL) == OCLSTM_OK)
        unlink(path);
    fault_end(scene);
    fault_cache_end();
}

// The first candidates only.
static bool report(const oclstm_tune_progress *progress, void *user) {
    (void)progress;
    return ++*(int *)user < 3;
}

static oclstm_status tune(fault_scene *scene) {
    static const oclstm_tune_shape shape = {1, 4, 4, 3};
    int reports = 0;
    const oclstm_tune_params params = {
        .shapes = &shape, .shape_count = 1, .budget_seconds = 60, .restart = true, .report = report, .user = &reports};
    return oclstm_tune(scene->device, &params, &scene->error);
}

const fault_scenario fault_search_scenarios[] = {
    {.name = "measure roofs",
     .run = measure_roofs,
     .begin = fault_begin_cell,
     .end = fault_end,
     .after = runs_a_cell,
     .allowed = FAULT_IS_SLOW | FAULT_ASKS_CACHE},
    {.name = "measure a product",
     .run = measure_product,
     .begin = fault_begin_cell,
     .end = fault_end,
     .after = runs_a_cell,
     .allowed = FAULT_IS_SLOW},
    {.name = "tune",
     .run = tune,
     .begin = begin_tune,
     .end = end_tune,
     .after = runs_a_cell,
     .allowed = FAULT_IS_SLOW | FAULT_PASSES_OVER},
    {0},
};
