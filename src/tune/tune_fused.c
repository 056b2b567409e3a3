// SPDX-License-Identifier: Apache-2.0
// The fused engine's tile, then the engine and its parameters shape by shape.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cell/fused.h"
#include "device/device_facts.h"
#include "tune/tuner.h"

// --- the tile -------------------------------------------------------------------------------------------------------------

static const tuned_fused tiles[] = {{16, 6}, {16, 4}, {16, 3}, {16, 2}, {16, 8}, {8, 2},
                                    {8, 3},  {8, 4},  {8, 6},  {4, 2},  {4, 3},  {4, 6}};
enum { TILES = sizeof tiles / sizeof tiles[0] };

// One shape by units and one by rows, small enough to be quick and large enough to feel the tile.
static const oclstm_tune_shape tile_shapes[] = {{1, 128, 128, 50}, {32, 256, 256, 8}};

uint64_t tune_tile_count(const tune_search *tuner) {
    return device_get_limits(tuner->device)->kind == OCLSTM_DEVICE_CPU ? TILES : 0;
}

static bool time_tile(tune_search *tuner, double *score) {
    double seconds[2];
    *score = INFINITY;
    for (int i = 0; i < 2; i++) {
        if (!trial_sequence(tuner, &tile_shapes[i], "fused", &seconds[i]))
            return false;
    }
    *score = sqrt(seconds[0] * seconds[1]);
    return true;
}

oclstm_status tune_tile(tune_search *tuner, oclstm_error *error) {
    const bool is_double = tuner->params->dtype == OCLSTM_F64;
    const uint64_t count = tune_tile_count(tuner);
    double base = INFINITY, best = INFINITY, score;
    tuner_stage(tuner, "fused tile %s", oclstm_dtype_name(tuner->params->dtype));
    if (count > 0 && tuner->resume_at < count) {
        *tuner->trial = *tuner->best;
        time_tile(tuner, &base);
        best = base;
    }
    oclstm_status status = OCLSTM_OK;
    for (uint64_t i = 0; i < count && status == OCLSTM_OK && !tuner->stopped; i++) {
        if (!tuner_next(tuner))
            continue;
        *tuner->trial = *tuner->best;
        tuner->trial->shape_count = 0;
        tuner->trial->fused[is_double] = tiles[i];
        if (!time_tile(tuner, &score) || !(score < 0.97 * best)) // less is noise
            continue;
        best = score;
        tuner->best->fused[is_double] = tiles[i];
        status = tuner_found(tuner, base / best, error, "width %zu, %zu rows", tiles[i].width, tiles[i].tile);
    }
    return status;
}

// --- shapes ---------------------------------------------------------------------------------------------------------------

typedef struct shape_candidate {
    const char *engine;
    const char *form; // of fused
    int groups;       // of fused: 0 = one a core, -1 = two a core
    size_t chunk;
} shape_candidate;

static const shape_candidate candidates[] = {
    {"fused", "units", 1, 96}, {"fused", "units", 1, 16}, {"fused", "units", 0, 96}, {"fused", "units", 0, 16},
    {"fused", "units", 0, 1},  {"fused", "rows", 0, 0},   {"fused", "rows", 0, 4},   {"fused", "rows", 0, 16},
    {"fused", "rows", -1, 0},  {"fused", "rows", -1, 4},  {"clblast", "", 1, 0},     {"portable", "", 1, 0},
};
enum { CANDIDATES = sizeof candidates / sizeof candidates[0] };

uint64_t tune_shapes_count(const tune_search *tuner) { return CANDIDATES * (uint64_t)tuner->shape_count; }

static tuned_shape make_entry(const tune_search *tuner, const oclstm_tune_shape *shape, const shape_candidate *candidate) {
    const size_t cores = device_get_limits(tuner->device)->compute_units;
    tuned_shape entry = {.dtype = tuner->params->dtype,
                         .batch = (size_t)shape->batch,
                         .input = (size_t)shape->input_size,
                         .hidden = (size_t)shape->hidden_size,
                         .groups = candidate->groups > 0 ? (size_t)candidate->groups : cores * (candidate->groups == 0 ? 1 : 2),
                         .chunk = candidate->chunk};
    base_copy_string(entry.engine, sizeof entry.engine, candidate->engine);
    base_copy_string(entry.form, sizeof entry.form, candidate->form);
    if (entry.groups < 1)
        entry.groups = 1;
    if (entry.groups > 4096)
        entry.groups = 4096;
    return entry;
}

// Puts an entry in the place of the one for the same shape, or at the end; the oldest goes when there is no room.
static void put_entry(tuned_settings *settings, const tuned_shape *entry) {
    size_t place = 0;
    while (place < settings->shape_count &&
           (settings->shapes[place].dtype != entry->dtype || settings->shapes[place].batch != entry->batch ||
            settings->shapes[place].input != entry->input || settings->shapes[place].hidden != entry->hidden))
        place++;
    if (place == TUNED_SHAPES) {
        memmove(&settings->shapes[0], &settings->shapes[1], (TUNED_SHAPES - 1) * sizeof settings->shapes[0]);
        place--;
    } else if (place == settings->shape_count) {
        settings->shape_count++;
    }
    settings->shapes[place] = *entry;
}

// Worth a try at all? A candidate that equals another here, or that would take minutes, is left out.
static bool is_worth_trying(const tune_search *tuner, const oclstm_tune_shape *shape, const shape_candidate *candidate) {
    const device_limits *limits = device_get_limits(tuner->device);
    const double work = 8.0 * (double)shape->batch * (double)shape->hidden_size * (double)(shape->input_size + shape->hidden_size) *
                        (double)shape->steps;
    if (strcmp(candidate->engine, "fused") != 0)
        return work < 2e9 || strcmp(candidate->engine, "clblast") == 0;
    if (limits->kind != OCLSTM_DEVICE_CPU)
        return candidate == &candidates[0];
    if (strcmp(candidate->form, "rows") == 0)
        return shape->batch > 1 && (candidate->groups == 0 || limits->compute_units > 1);
    return candidate->groups == 1 ? true : device_groups_may_meet(limits);
}

static oclstm_status tune_shape(tune_search *tuner, const oclstm_tune_shape *shape, oclstm_error *error) {
    double base = INFINITY, best = INFINITY, seconds;
    tuner_stage(tuner, "shape %" PRId64 ",%" PRId64 ",%" PRId64 " %s", shape->batch, shape->input_size, shape->hidden_size,
                oclstm_dtype_name(tuner->params->dtype));
    oclstm_status status = OCLSTM_OK;
    bool begun = false;
    for (int i = 0; i < CANDIDATES && status == OCLSTM_OK && !tuner->stopped; i++) {
        if (!tuner_next(tuner))
            continue;
        if (!begun) {
            *tuner->trial = *tuner->best;
            trial_sequence(tuner, shape, "auto", &base);
            best = base;
            begun = true;
        }
        if (!is_worth_trying(tuner, shape, &candidates[i]))
            continue;
        tuned_shape entry = make_entry(tuner, shape, &candidates[i]);
        *tuner->trial = *tuner->best;
        put_entry(tuner->trial, &entry);
        if (!trial_sequence(tuner, shape, entry.engine, &seconds) || !(seconds < 0.97 * best))
            continue;
        best = seconds;
        entry.nanoseconds = (uint64_t)(1e9 * seconds / (double)shape->steps);
        put_entry(tuner->best, &entry);
        status = tuner_found(tuner, base / best, error, "%s %s, %zu groups, chunk %zu: %.3g us a step", entry.engine, entry.form,
                             entry.groups, entry.chunk, 1e-3 * (double)entry.nanoseconds);
    }
    return status;
}

oclstm_status tune_shapes(tune_search *tuner, oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < tuner->shape_count && status == OCLSTM_OK && !tuner->stopped; i++)
        status = tune_shape(tuner, &tuner->shapes[i], error);
    return status;
}
