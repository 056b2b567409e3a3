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

static bool time_tile(tune_search *tuner, const void *subject, const void *candidate, double *seconds) {
    const tuned_fused *tile = candidate;
    double each[2];
    (void)subject;
    *tuner->trial = *tuner->best;
    tuner->trial->shape_count = 0;
    if (tile != NULL)
        tuner->trial->fused[tuner->params->dtype == OCLSTM_F64] = *tile;
    for (int i = 0; i < 2; i++) {
        if (!trial_sequence(tuner, &tile_shapes[i], tuner->trial, "fused", &each[i]))
            return false;
    }
    *seconds = sqrt(each[0] * each[1]);
    return true;
}

// Is this the tile that is used without it?
static bool is_kept_tile(const tune_search *tuner, const tuned_fused *tile) {
    const oclstm_tune_shape *shape = &tile_shapes[1];
    const fused_settings kept =
        fused_settings_choose(device_get_limits(tuner->device), tuner->best, tuner->params->dtype, (size_t)shape->input_size,
                              (size_t)shape->hidden_size, (size_t)shape->batch, false);
    return kept.vector_width == tile->width && kept.tile_rows == tile->tile;
}

oclstm_status tune_tile(tune_search *tuner, oclstm_error *error) {
    const uint64_t count = tune_tile_count(tuner);
    tune_contest contest = {.time = time_tile, .repeatable = true};
    oclstm_status status = OCLSTM_OK;
    tuner_stage(tuner, "fused tile %s", oclstm_dtype_name(tuner->params->dtype));
    for (uint64_t i = 0; i < count && status == OCLSTM_OK && !tuner->stopped; i++) {
        if (!tuner_next(tuner) || is_kept_tile(tuner, &tiles[i]) || !tuner_contest(tuner, &contest, &tiles[i]))
            continue;
        tuner->best->fused[tuner->params->dtype == OCLSTM_F64] = tiles[i];
        status = tuner_found(tuner, tuner_speedup(&contest), error, "width %zu, %zu rows", tiles[i].width, tiles[i].tile);
    }
    tuner_stage_end(tuner);
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
    {"fused", "rows", -1, 0},  {"fused", "rows", -1, 4},  {"fused", "step", 1, 0},   {"fused", "group", 1, 0},
    {"clblast", "", 1, 0},     {"portable", "", 1, 0},
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
    const bool is_rows = strcmp(candidate->form, "rows") == 0, is_units = strcmp(candidate->form, "units") == 0;
    if (limits->kind != OCLSTM_DEVICE_CPU || !(is_rows || is_units))
        return limits->kind != OCLSTM_DEVICE_CPU && !is_rows && !is_units;
    if (is_rows)
        return shape->batch > 1 && (candidate->groups == 0 || limits->compute_units > 1);
    return candidate->groups == 1 || device_groups_may_meet(limits);
}

static bool time_shape(tune_search *tuner, const void *subject, const void *candidate, double *seconds) {
    const tuned_shape *entry = candidate;
    *tuner->trial = *tuner->best;
    if (entry != NULL)
        put_entry(tuner->trial, entry);
    return trial_sequence(tuner, subject, tuner->trial, entry != NULL ? entry->engine : "auto", seconds);
}

static oclstm_status keep_entry(tune_search *tuner, tuned_shape *entry, int64_t steps, const tune_contest *contest,
                                oclstm_error *error) {
    char words[96] = "";
    entry->nanoseconds = (uint64_t)(1e9 * contest->best / (double)steps);
    put_entry(tuner->best, entry);
    if (entry->form[0] != '\0')
        base_append(words, sizeof words, " by %s, %zu group%s, chunk %zu", entry->form, entry->groups,
                    entry->groups == 1 ? "" : "s", entry->chunk);
    return tuner_found(tuner, tuner_speedup(contest), error, "%s%s: %.3g us a step", entry->engine, words,
                       1e-3 * (double)entry->nanoseconds);
}

static oclstm_status tune_shape(tune_search *tuner, const oclstm_tune_shape *shape, oclstm_error *error) {
    tune_contest contest = {.time = time_shape, .subject = shape, .repeatable = true};
    oclstm_status status = OCLSTM_OK;
    tuner_stage(tuner, "shape %" PRId64 ",%" PRId64 ",%" PRId64 " %s", shape->batch, shape->input_size, shape->hidden_size,
                oclstm_dtype_name(tuner->params->dtype));
    for (int i = 0; i < CANDIDATES && status == OCLSTM_OK && !tuner->stopped; i++) {
        if (!tuner_next(tuner) || !is_worth_trying(tuner, shape, &candidates[i]))
            continue;
        tuned_shape entry = make_entry(tuner, shape, &candidates[i]);
        if (tuner_contest(tuner, &contest, &entry))
            status = keep_entry(tuner, &entry, shape->steps, &contest, error);
    }
    tuner_stage_end(tuner);
    return status;
}

oclstm_status tune_shapes(tune_search *tuner, oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < tuner->shape_count && status == OCLSTM_OK && !tuner->stopped; i++)
        status = tune_shape(tuner, &tuner->shapes[i], error);
    return status;
}
