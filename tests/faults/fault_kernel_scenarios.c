// SPDX-License-Identifier: Apache-2.0
// Kernels: made ready before the first call, kept on disk, taken from there; on a part of a device.
#include <stdio.h>
#include <stdlib.h>

#include <oclstm/kernels.h>

#include "device/device_split.h"
#include "fault_run.h"

static oclstm_status prepare_and_run(fault_scene *scene) {
    oclstm_cell *cell = NULL;
    oclstm_status status = fault_make_cell(&cell, scene->device, scene);
    if (status == OCLSTM_OK)
        status = oclstm_cell_prepare(cell, FAULT_BATCH, FAULT_STEPS, &scene->error);
    if (status == OCLSTM_OK)
        status = fault_run_sequence(scene, cell, NULL);
    scene->closing_from = scene->control->count();
    oclstm_cell_destroy(&cell);
    return status;
}

// A cell that has been run: prepare() may not disturb it.
static oclstm_status prepare_again(fault_scene *scene) {
    oclstm_status status = oclstm_cell_prepare(scene->cell, FAULT_BATCH + 1, FAULT_STEPS, &scene->error);
    return status == OCLSTM_OK ? fault_run_sequence(scene, scene->cell, NULL) : status;
}

static oclstm_status run_on(fault_scene *scene, const char *selector) {
    oclstm_device *device = NULL;
    oclstm_cell *cell = NULL;
    oclstm_status status = oclstm_device_open(&device, selector, &scene->error);
    if (status == OCLSTM_OK)
        status = fault_make_cell(&cell, device, scene);
    if (status == OCLSTM_OK)
        status = fault_run_sequence(scene, cell, NULL);
    scene->closing_from = scene->control->count();
    oclstm_cell_destroy(&cell);
    oclstm_device_close(&device);
    return status;
}

static oclstm_status run_on_device(fault_scene *scene) { return run_on(scene, fault_device()); }

static const char *part(void) {
    static char selector[64];
    snprintf(selector, sizeof selector, "%.40s/0", fault_device() != NULL ? fault_device() : "cpu");
    return selector;
}

static oclstm_status run_on_part(fault_scene *scene) { return run_on(scene, part()); }

static oclstm_status open_part(fault_scene *scene) {
    oclstm_device *device = NULL;
    const oclstm_status status = oclstm_device_open(&device, part(), &scene->error);
    scene->closing_from = scene->control->count();
    oclstm_device_close(&device);
    return status;
}

// So that each attempt splits the device again.
static bool forget_parts(fault_scene *scene, oclstm_status status) {
    (void)scene, (void)status;
    device_split_forget();
    return true;
}

// --- the disk cache ---------------------------------------------------------------------------------------------------

static oclstm_status begin_cache(fault_scene *scene) {
    (void)scene;
    return setenv("OCLSTM_KERNEL_CACHE", "1", 1) == 0 && fault_cache_begin() ? OCLSTM_OK : OCLSTM_IO;
}

static void clear_cache(fault_scene *scene) {
    (void)scene;
    oclstm_kernels_clear(NULL, NULL, NULL);
}

static void end_cache(fault_scene *scene) {
    (void)scene;
    fault_cache_end();
    unsetenv("OCLSTM_KERNEL_CACHE");
}

#define ON_CELL   .begin = fault_begin_cell, .end = fault_end
#define ON_DEVICE .begin = fault_begin_device, .end = fault_end
#define PORTABLE  .engine = OCLSTM_ENGINE_PORTABLE
#define FUSED     .engine = OCLSTM_ENGINE_FUSED
#define CLBLAST   .engine = OCLSTM_ENGINE_CLBLAST

const fault_scenario fault_kernel_scenarios[] = {
    {.name = "prepare portable", .run = prepare_and_run, ON_DEVICE, PORTABLE},
    {.name = "prepare fused", .run = prepare_and_run, ON_DEVICE, FUSED},
    {.name = "prepare clblast", .run = prepare_and_run, ON_DEVICE, CLBLAST, .allowed = FAULT_IS_SLOW},
    {.name = "prepare again", .run = prepare_again, ON_CELL},
    {.name = "keep kernels on disk",
     .run = run_on_device,
     .begin = begin_cache,
     .before = clear_cache,
     .end = end_cache,
     PORTABLE,
     .allowed = FAULT_FINDS_DEVICES | FAULT_KEEPS_KERNELS | FAULT_IS_SLOW},
    {.name = "take kernels from disk",
     .run = run_on_device,
     .begin = begin_cache,
     .end = end_cache,
     PORTABLE,
     .allowed = FAULT_FINDS_DEVICES | FAULT_KEEPS_KERNELS | FAULT_TAKES_KERNELS},
    {.name = "open a part of a device",
     .run = open_part,
     .after = forget_parts,
     .allowed = FAULT_FINDS_DEVICES | FAULT_HAS_NO_NUMBERS},
    {.name = "run on a part of a device", .run = run_on_part, FUSED, .allowed = FAULT_FINDS_DEVICES | FAULT_KEEPS_PARTS},
    {0},
};
