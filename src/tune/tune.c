// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "tune/tuner.h"

// From single rows to large batches, small cells to large ones.
static const oclstm_tune_shape default_shapes[] = {
    {1, 16, 16, 100},  {1, 64, 64, 100},   {1, 128, 128, 100}, {1, 256, 256, 50},   {1, 512, 512, 20},    {1, 1024, 1024, 10},
    {4, 256, 256, 20}, {16, 256, 256, 20}, {64, 512, 512, 10}, {64, 1024, 1024, 5}, {256, 1024, 1024, 3}, {256, 64, 64, 20},
};
static const double default_budget_seconds = 300;

double tuner_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void tuner_stage(tune_search *tuner, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(tuner->stage, sizeof tuner->stage, format, arguments);
    va_end(arguments);
    tuner->best_words[0] = '\0';
    tuner->best_speedup = 1;
}

bool tuner_next(tune_search *tuner) {
    if (tuner->stopped)
        return false;
    const oclstm_tune_progress progress = {.elapsed_seconds = tuner_now() - tuner->start_seconds,
                                           .budget_seconds = tuner->budget_seconds,
                                           .tried = (size_t)tuner->tried,
                                           .total = (size_t)tuner->total,
                                           .stage = tuner->stage,
                                           .best = tuner->best_words,
                                           .best_speedup = tuner->best_speedup};
    if (progress.elapsed_seconds >= tuner->budget_seconds ||
        (tuner->params->report != NULL && !tuner->params->report(&progress, tuner->params->user))) {
        tuner->stopped = true;
        return false;
    }
    return ++tuner->tried > tuner->resume_at;
}

oclstm_status tuner_save(tune_search *tuner, oclstm_error *error) {
    if (tuner->path[0] == '\0')
        return OCLSTM_OK;
    base_copy_string(tuner->best->tried_key, sizeof tuner->best->tried_key, tuner->key);
    // The candidate asked for last, when the search was stopped, has not been tried.
    tuner->best->tried = tuner->tried;
    return tuned_save(tuner->best, device_get_limits(tuner->device), tuner->path, error);
}

oclstm_status tuner_found(tune_search *tuner, double speedup, oclstm_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(tuner->best_words, sizeof tuner->best_words, format, arguments);
    va_end(arguments);
    tuner->best_speedup = speedup;
    return tuner_save(tuner, error);
}

// --- the call -----------------------------------------------------------------------------------------------------------

static oclstm_status check_params(const oclstm_device *device, const oclstm_tune_params *params, oclstm_error *error) {
    if (device == NULL || params == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tune: %s is NULL", device == NULL ? "device" : "params");
    if (params->dtype != OCLSTM_F32 && params->dtype != OCLSTM_F64)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "settings are tuned for float32 or float64, not for %s",
                         oclstm_dtype_name(params->dtype));
    if (params->dtype == OCLSTM_F64 && !device_get_limits(device)->has_fp64)
        return base_fail(error, OCLSTM_UNSUPPORTED, "%s has no float64 arithmetic (cl_khr_fp64)", device_get_limits(device)->name);
    if (!(params->budget_seconds >= 0) || isinf(params->budget_seconds))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "the budget is %g seconds; it must be a number above 0, or 0 for the default of %g",
                         params->budget_seconds, default_budget_seconds);
    for (size_t i = 0; params->shapes != NULL && i < params->shape_count; i++) {
        const oclstm_tune_shape *shape = &params->shapes[i];
        const int64_t sizes[] = {shape->batch, shape->input_size, shape->hidden_size, shape->steps};
        double elements = 4;
        for (int k = 0; k < 4; k++) {
            if (sizes[k] < 1)
                return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                                 "shape %zu is %lld,%lld,%lld,%lld (batch, input, hidden, steps); each must be at least 1", i,
                                 (long long)sizes[0], (long long)sizes[1], (long long)sizes[2], (long long)sizes[3]);
            elements *= (double)sizes[k];
        }
        // Work of one sequence; beyond this no search ends in a lifetime, and sizes begin to overflow.
        if (elements > 1e13)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "shape %zu is %lld,%lld,%lld,%lld: too large to be tried", i,
                             (long long)sizes[0], (long long)sizes[1], (long long)sizes[2], (long long)sizes[3]);
    }
    return OCLSTM_OK;
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
    if (tuner->params->restart)
        memset(tuner->best, 0, sizeof *tuner->best);
    else
        *tuner->best = *device_get_tuned(tuner->device);
    tuner->total = tune_tile_count(tuner) + tune_shapes_count(tuner) + tune_clblast_count(tuner);
    if (strcmp(tuner->best->tried_key, tuner->key) == 0 && tuner->best->tried < tuner->total)
        tuner->resume_at = tuner->best->tried;
}

static oclstm_status search(tune_search *tuner, oclstm_error *error) {
    oclstm_status status = tune_tile(tuner, error);
    if (status == OCLSTM_OK)
        status = tune_clblast(tuner, error);
    if (status == OCLSTM_OK)
        status = tune_shapes(tuner, error);
    device_set_tuned(tuner->device, tuner->best);
    if (status == OCLSTM_OK)
        status = tuner_save(tuner, error);
    if (status == OCLSTM_OK && tuner->passed == 0 && tuner->tried > tuner->resume_at && !tuner->stopped) {
        if (error != NULL)
            *error = tuner->last_error;
        return tuner->last_error.status != OCLSTM_OK ? tuner->last_error.status : OCLSTM_OPENCL;
    }
    if (status == OCLSTM_OK && tuner->path[0] == '\0')
        return oclstm_tune_path(tuner->device, tuner->path, sizeof tuner->path, error);
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
    tuner->start_seconds = tuner_now();
    if (!tuned_path(device_get_limits(device), tuner->path, sizeof tuner->path))
        tuner->path[0] = '\0';
    make_key(tuner);
    take_up(tuner);
    status = search(tuner, error);
    free(settings);
    free(tuner);
    return status;
}
