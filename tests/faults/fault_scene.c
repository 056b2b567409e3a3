// SPDX-License-Identifier: Apache-2.0
// What the scenarios have in common: a device, a cell, a state, and calls with the same numbers each time.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <oclstm/kernels.h>

#include "cell/cell_borrow.h"
#include "cell/plan.h"
#include "fault_run.h"

enum { MOST = 64 * 128 };

static int64_t steps_of(const fault_scenario *s) { return s->steps > 0 ? s->steps : FAULT_STEPS; }
static int64_t batch_of(const fault_scenario *s) { return s->batch > 0 ? s->batch : FAULT_BATCH; }
static int64_t input_of(const fault_scenario *s) { return s->input > 0 ? s->input : FAULT_INPUT; }
static int64_t hidden_of(const fault_scenario *s) { return s->hidden > 0 ? s->hidden : FAULT_HIDDEN; }

const char *fault_device(void) { return getenv("OCLSTM_DEVICE"); }

void fault_keep_results(fault_scene *scene, const void *values, oclstm_dtype dtype, size_t count) {
    for (size_t i = 0; i < count && scene->result_count < FAULT_RESULTS; i++)
        scene->results[scene->result_count++] =
            dtype == OCLSTM_F64 ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

// --- kept objects -----------------------------------------------------------------------------------------------------

oclstm_status fault_begin_device(fault_scene *scene) {
    if (scene->scenario->slice_bytes > 0)
        plan_slice_bytes = scene->scenario->slice_bytes;
    if (scene->scenario->borrow_bytes > 0)
        cell_borrow_bytes = scene->scenario->borrow_bytes;
    return oclstm_device_open(&scene->device, fault_device(), &scene->error);
}

oclstm_status fault_begin_cell(fault_scene *scene) {
    oclstm_status status = fault_begin_device(scene);
    return status == OCLSTM_OK ? fault_make_cell(&scene->cell, scene->device, scene) : status;
}

oclstm_status fault_begin_state(fault_scene *scene) {
    oclstm_status status = fault_begin_cell(scene);
    return status == OCLSTM_OK ? oclstm_state_create(&scene->state, scene->cell, batch_of(scene->scenario), &scene->error) : status;
}

void fault_end(fault_scene *scene) {
    static size_t slice_bytes, borrow_bytes;
    if (slice_bytes == 0) {
        slice_bytes = (size_t)32 << 20;
        borrow_bytes = (size_t)1 << 20;
    }
    oclstm_state_destroy(&scene->state);
    oclstm_cell_destroy(&scene->cell);
    oclstm_device_close(&scene->device);
    plan_slice_bytes = slice_bytes;
    cell_borrow_bytes = borrow_bytes;
}

oclstm_cell_params fault_cell_params(const fault_scenario *s) {
    return (oclstm_cell_params){.input_size = input_of(s),
                                .hidden_size = hidden_of(s),
                                .dtype = s->cell_dtype != OCLSTM_F32 ? s->cell_dtype : s->dtype,
                                .engine = s->engine,
                                .seed = 1};
}

oclstm_status fault_make_cell(oclstm_cell **cell, oclstm_device *device, fault_scene *scene) {
    const oclstm_cell_params params = fault_cell_params(scene->scenario);
    return oclstm_cell_create(cell, device, &params, &scene->error);
}

// --- a cache folder of the scenario's own ------------------------------------------------------------------------------

static char cache_path[256];

bool fault_cache_begin(void) {
    const char *base = getenv("TMPDIR");
    snprintf(cache_path, sizeof cache_path, "%.200s/oclstm-faults-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
    return mkdtemp(cache_path) != NULL && setenv("OCLSTM_CACHE_DIR", cache_path, 1) == 0;
}

void fault_cache_end(void) {
    char folder[1100];
    oclstm_kernels_clear(NULL, NULL, NULL);
    if (oclstm_kernels_folder(folder, sizeof folder, NULL) == OCLSTM_OK)
        rmdir(folder);
    rmdir(cache_path);
    setenv("OCLSTM_CACHE_DIR", "", 1);
}

// --- calls ------------------------------------------------------------------------------------------------------------

typedef union numbers {
    float f32[MOST];
    double f64[MOST];
} numbers;

static numbers x, y, h, c, h_out, c_out;

static void fill(numbers *dst, oclstm_dtype dtype, double scale) {
    for (int i = 0; i < MOST; i++) {
        const double value = ((double)(i * 7 % 23) / 11 - 1) * scale;
        if (dtype == OCLSTM_F64)
            dst->f64[i] = value;
        else
            dst->f32[i] = (float)value;
    }
}

static void fill_all(const fault_scenario *s) {
    fill(&x, s->dtype, 1);
    fill(&h, s->dtype, 0.5);
    fill(&c, s->dtype, -0.7);
    memset(&y, 0xAA, sizeof y);
    memset(&h_out, 0xAA, sizeof h_out);
    memset(&c_out, 0xAA, sizeof c_out);
}

static void keep(fault_scene *scene, size_t y_count, bool has_state) {
    const fault_scenario *s = scene->scenario;
    const size_t state_count = (size_t)(batch_of(s) * hidden_of(s));
    fault_keep_results(scene, &y, s->dtype, y_count);
    if (has_state)
        return;
    fault_keep_results(scene, &h_out, s->dtype, state_count);
    fault_keep_results(scene, &c_out, s->dtype, state_count);
}

oclstm_sequence fault_make_sequence(const fault_scene *scene, oclstm_state *state) {
    const fault_scenario *s = scene->scenario;
    const int64_t steps = steps_of(s), batch = batch_of(s), input = input_of(s), hidden = hidden_of(s);
    const int64_t outer = s->batch_first ? batch : steps, inner = s->batch_first ? steps : batch;
    fill_all(s);
    oclstm_sequence call = {.x = oclstm_in_3d(&x, s->dtype, outer, inner, input),
                            .y = oclstm_out_3d(&y, s->dtype, outer, inner, hidden),
                            .batch_first = s->batch_first,
                            .state = state};
    if (state == NULL) {
        call.h = oclstm_in_2d(&h, s->dtype, batch, hidden);
        call.c = oclstm_in_2d(&c, s->dtype, batch, hidden);
        call.h_out = oclstm_out_2d(&h_out, s->dtype, batch, hidden);
        call.c_out = oclstm_out_2d(&c_out, s->dtype, batch, hidden);
    }
    return call;
}

void fault_keep_sequence(fault_scene *scene, const oclstm_sequence *call) {
    const fault_scenario *s = scene->scenario;
    keep(scene, (size_t)(steps_of(s) * batch_of(s) * hidden_of(s)), call->state != NULL);
}

oclstm_status fault_run_sequence(fault_scene *scene, oclstm_cell *cell, oclstm_state *state) {
    const oclstm_sequence call = fault_make_sequence(scene, state);
    const oclstm_status status = oclstm_cell_sequence(cell, &call, &scene->error);
    if (status == OCLSTM_OK)
        fault_keep_sequence(scene, &call);
    return status;
}

oclstm_status fault_run_step(fault_scene *scene, oclstm_cell *cell, oclstm_state *state) {
    const fault_scenario *s = scene->scenario;
    const int64_t batch = batch_of(s), input = input_of(s), hidden = hidden_of(s);
    fill_all(s);
    oclstm_step call = {.x = oclstm_in_2d(&x, s->dtype, batch, input), .state = state};
    if (state == NULL) {
        call.h = oclstm_in_2d(&h, s->dtype, batch, hidden);
        call.c = oclstm_in_2d(&c, s->dtype, batch, hidden);
        call.h_out = oclstm_out_2d(&h_out, s->dtype, batch, hidden);
        call.c_out = oclstm_out_2d(&c_out, s->dtype, batch, hidden);
    }
    const oclstm_status status = oclstm_cell_step(cell, &call, &scene->error);
    if (status == OCLSTM_OK)
        keep(scene, 0, state != NULL);
    return status;
}
