// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "device/device_fork.h"
#include "tune/tuner.h"

// From single rows to large batches, small cells to large ones.
static const oclstm_tune_shape default_shapes[] = {
    {1, 16, 16, 100},  {1, 64, 64, 100},   {1, 128, 128, 100}, {1, 256, 256, 50},   {1, 512, 512, 20},    {1, 1024, 1024, 10},
    {4, 256, 256, 20}, {16, 256, 256, 20}, {64, 512, 512, 10}, {64, 1024, 1024, 5}, {256, 1024, 1024, 3}, {256, 64, 64, 20},
};
static const double default_budget_seconds = 300;

// --- the call -----------------------------------------------------------------------------------------------------------

// Elements of the largest array that a shape may need: beyond this no search ends in a lifetime, and sizes would begin to overflow.
static const double most_elements = 0x1p31;

static oclstm_status check_shape(const oclstm_tune_shape *shape, size_t place, oclstm_error *error) {
    const int64_t sizes[] = {shape->batch, shape->input_size, shape->hidden_size, shape->steps};
    const double widest = (double)shape->input_size + (double)shape->hidden_size;
    const char *fault = NULL;
    for (int k = 0; k < 4 && fault == NULL; k++) {
        if (sizes[k] < 1)
            fault = "each must be at least 1";
    }
    if (fault == NULL && (4 * (double)shape->hidden_size * widest > most_elements ||
                          (double)shape->batch * (double)shape->steps * widest > most_elements ||
                          4 * (double)shape->hidden_size * (double)shape->batch > most_elements))
        fault = "too large to be tried; weights, x and y may have 2^31 elements each";
    if (fault == NULL)
        return OCLSTM_OK;
    return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                     "shape %zu is %" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 " (batch, input, hidden, steps): %s", place,
                     sizes[0], sizes[1], sizes[2], sizes[3], fault);
}

static oclstm_status check_params(const oclstm_device *device, const oclstm_tune_params *params, oclstm_error *error) {
    if (device == NULL || params == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tune: %s is NULL", device == NULL ? "device" : "params");
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    if (params->dtype != OCLSTM_F32 && params->dtype != OCLSTM_F64)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "settings are tuned for float32 or float64, not for %s",
                         oclstm_dtype_name(params->dtype));
    if (params->dtype == OCLSTM_F64 && !device_get_limits(device)->has_fp64)
        return base_fail(error, OCLSTM_UNSUPPORTED, "%s has no float64 arithmetic (cl_khr_fp64)", device_get_limits(device)->name);
    if (!(params->budget_seconds >= 0) || isinf(params->budget_seconds))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "the budget is %g seconds; it must be a number above 0, or 0 for the default of %g",
                         params->budget_seconds, default_budget_seconds);
    if (params->shapes == NULL && params->shape_count > 0)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tune: shapes is NULL, but shape_count is %zu",
                         params->shape_count);
    for (size_t i = 0; i < params->shape_count && status == OCLSTM_OK; i++)
        status = check_shape(&params->shapes[i], i, error);
    return status;
}

// FNV-1a over what the list of candidates follows from.
static void make_key(tune_search *tuner) {
    uint64_t hash = 0xCBF29CE484222325u ^ (uint64_t)tuner->params->dtype;
    for (size_t i = 0; i < tuner->shape_count; i++) {
        const int64_t sizes[] = {tuner->shapes[i].batch, tuner->shapes[i].input_size, tuner->shapes[i].hidden_size,
                                 tuner->shapes[i].steps};
        for (int k = 0; k < 4; k++)
            hash = (hash ^ (uint64_t)sizes[k]) * 0x100000001B3u;
    }
    snprintf(tuner->key, sizeof tuner->key, "%016llx", (unsigned long long)hash);
}

// An interrupted search of the same shapes goes on; a finished one begins anew, from what it found.
static void take_up(tune_search *tuner) {
    const device_limits *limits = device_get_limits(tuner->device);
    char why[160];
    if (tuner->params->restart) {
        const char *preset = tuned_preset(limits);
        if (preset == NULL || !tuned_parse(tuner->best, preset, NULL, why, sizeof why))
            memset(tuner->best, 0, sizeof *tuner->best);
    }
    tuner->total = tune_tile_count(tuner) + tune_shapes_count(tuner) + tune_clblast_count(tuner);
    if (strcmp(tuner->best->tried_key, tuner->key) == 0 && tuner->best->tried < tuner->total)
        tuner->resume_at = tuner->best->tried;
}

// On a CPU the fused engine is ahead of CLBlast, so the shapes come first; elsewhere what CLBlast can do decides between engines.
static oclstm_status run_stages(tune_search *tuner, oclstm_error *error) {
    const bool is_cpu = device_get_limits(tuner->device)->kind == OCLSTM_DEVICE_CPU;
    oclstm_status status = tune_tile(tuner, error);
    if (status == OCLSTM_OK)
        status = is_cpu ? tune_shapes(tuner, error) : tune_clblast(tuner, error);
    if (status == OCLSTM_OK)
        status = is_cpu ? tune_clblast(tuner, error) : tune_shapes(tuner, error);
    return status;
}

static oclstm_status search(tune_search *tuner, oclstm_error *error) {
    // A folder that cannot be written shows now, not after minutes.
    oclstm_status status = tuned_save(tuner->best, device_get_limits(tuner->device), tuner->path, error);
    if (status != OCLSTM_OK)
        return status;
    take_up(tuner);
    status = run_stages(tuner, error);
    if (status == OCLSTM_OK)
        status = tuner_save(tuner, error);
    device_set_tuned(tuner->device, tuner->best);
    device_note_tuned(tuner->device, tuner->path);
    if (status == OCLSTM_OK && tuner->passed == 0 && tuner->tried > tuner->resume_at && !tuner->stopped) {
        if (error != NULL)
            *error = tuner->last_error;
        return tuner->last_error.status != OCLSTM_OK ? tuner->last_error.status : OCLSTM_OPENCL;
    }
    return status;
}

oclstm_status oclstm_tune_path(const oclstm_device *device, char *path, size_t capacity, oclstm_error *error) {
    if (device == NULL || path == NULL || capacity == 0)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "oclstm_tune_path: device or path is NULL, or there is no room for the path");
    if (tuned_path(device_get_limits(device), path, capacity))
        return OCLSTM_OK;
    path[0] = '\0';
    return base_fail(
        error, OCLSTM_IO,
        "there is no folder to keep tuned settings in: OCLSTM_CACHE_DIR is empty, or neither it, XDG_CACHE_HOME nor HOME is set");
}

oclstm_status oclstm_tune(oclstm_device *device, const oclstm_tune_params *params, oclstm_error *error) {
    oclstm_status status = check_params(device, params, error);
    if (status != OCLSTM_OK)
        return status;
    tune_search *tuner = base_alloc(1, sizeof *tuner);
    tuned_settings *settings = base_alloc(2, sizeof *settings);
    if (tuner == NULL || settings == NULL) {
        free(tuner);
        free(settings);
        return base_fail_memory(error, 2 * sizeof *settings, "the search");
    }
    tuner->device = device;
    tuner->params = params;
    tuner->best = &settings[0];
    tuner->trial = &settings[1];
    tuner->shapes = params->shapes != NULL ? params->shapes : default_shapes;
    tuner->shape_count = params->shapes != NULL ? params->shape_count : sizeof default_shapes / sizeof default_shapes[0];
    tuner->budget_seconds = params->budget_seconds > 0 ? params->budget_seconds : default_budget_seconds;
    tuner->start_seconds = tuner->saved_seconds = base_clock();
    *tuner->best = *device_get_tuned(device);
    make_key(tuner);
    status = oclstm_tune_path(device, tuner->path, sizeof tuner->path, error);
    if (status == OCLSTM_OK)
        status = search(tuner, error);
    free(settings);
    free(tuner);
    return status;
}
