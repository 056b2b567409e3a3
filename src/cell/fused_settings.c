// SPDX-License-Identifier: Apache-2.0
// The rule, from measurements on PoCL 3.1 and Intel's CPU runtime (two AVX-512 cores). Widths and tiles follow from the registers.
#include "cell/fused.h"

#include <string.h>

#include "cell/cell_private.h"
#include "cl/lstm_shared.h"
#include "device/device_facts.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

// Of what a cell of this dtype computes with.
static size_t real_bytes(oclstm_dtype dtype) { return oclstm_dtype_size_bytes(cell_real_dtype(dtype)); }

const char *fused_form_name(fused_form form) {
    static const char *const names[] = {"units", "rows", "step", "group"};
    return names[form];
}

bool fused_lanes_fit(const device_limits *limits) {
    return limits->max_work_group_size >= FUSED_LANES && limits->max_work_item_sizes[0] >= FUSED_LANES;
}

// Blocks of units a group must have for the meeting to pay.
static const size_t meet_blocks = 4;
// Up to this batch units are split over the cores where they may meet, beyond it rows. Without meeting, units from this many rows a core on are
// better left to FUSED_ROWS.
static const size_t units_batch = 16, alone_rows = 3;
// Up to this batch a step is so short that waiting for the other work-items shows.
static const size_t early_batch = 2;
// Steps whose input product is made at a time, and the bound on what is kept of it.
static const size_t units_chunk = 100, rows_chunk = 8, sums_bytes = (size_t)8 << 20;

static size_t cores_of(const device_limits *limits) { return limits->compute_units > 0 ? limits->compute_units : 1; }

// Vector width and tile. 32 vector registers come with 16 floats a vector (AVX-512), 16 with fewer; a tile keeps 4 sums a row.
static void set_tile(fused_settings *settings, const device_limits *limits, const tuned_fused *tuned, oclstm_dtype dtype) {
    const size_t width = limits->vector_width_float > 0 ? limits->vector_width_float : 4;
    settings->few_registers = width < 16;
    settings->tile_rows = settings->few_registers ? 3 : dtype == OCLSTM_F64 ? 5 : 6;
    settings->vector_width = width >= 16 ? 16 : width >= 8 ? 8 : 4;
    if (dtype == OCLSTM_F64 && settings->vector_width > 4)
        settings->vector_width /= 2;
    if (tuned->width > 0) {
        settings->vector_width = tuned->width;
        settings->tile_rows = tuned->tile;
    }
}

static void set_form_by_rule(fused_settings *settings, size_t cores, size_t blocks, size_t sizes, size_t batch, bool can_meet) {
    const size_t groups = can_meet && batch <= units_batch ? smaller(cores, blocks / meet_blocks) : 1;
    // A lone step has no meeting.
    if (groups > 1 || batch == 1 || (cores == 1 && batch < alone_rows)) {
        settings->form = FUSED_UNITS;
        settings->groups = larger(groups, 1);
        settings->chunk = units_chunk;
    } else {
        settings->form = FUSED_ROWS;
        settings->groups = smaller(cores, batch);
        settings->chunk = sizes > 1024 ? rows_chunk : 0;
    }
}

// Two sets of sums where one or two rows are all that a work-item ever has, see cl/fused_tile.cl.
static bool is_split(const fused_settings *settings, size_t batch) {
    const size_t rows = settings->form == FUSED_ROWS ? (batch + settings->groups - 1) / settings->groups : batch;
    return rows <= (settings->few_registers || settings->tile_rows < 2 ? 1 : 2);
}

// Devices whose work-items lie along the units. Eight of them share a sum where local memory and groups allow it, so that small cells fill
// more of the device; the whole slice in one launch where its state fits local memory and few rows leave nothing to share anyway. Local memory that
// is global memory in disguise saves nothing: it is used only where tuning measured that it pays.
static void set_lanes(fused_settings *settings, const device_limits *limits, oclstm_dtype dtype, size_t hidden, size_t batch,
                      const char *form) {
    const size_t element = oclstm_dtype_size_bytes(dtype), real = real_bytes(dtype);
    settings->lanes_rows = batch >= 4 ? 4 : batch;
    settings->lanes_k = limits->max_work_group_size >= 8 * FUSED_LANES && limits->max_work_item_sizes[1] >= 8 ? 8 : 1;
    if (form == NULL && !limits->has_local_memory) {
        settings->lanes_k = 1;
        settings->form = FUSED_STEP;
        return;
    }
    const size_t sums = settings->lanes_k > 1 ? settings->lanes_k * settings->lanes_rows * LSTM_GATES * FUSED_LANES * real : 0;
    if (sums > limits->local_memory_bytes)
        settings->lanes_k = 1;
    const bool fits = 2 * settings->lanes_rows * hidden * element + sums <= limits->local_memory_bytes;
    const bool by_group = form != NULL ? strcmp(form, fused_form_name(FUSED_GROUP)) == 0 : hidden <= 4 * FUSED_LANES;
    settings->form = fits && by_group ? FUSED_GROUP : FUSED_STEP;
}

bool fused_settings_retreat(fused_settings *settings) {
    if (settings->form == FUSED_STEP && settings->lanes_k == 1)
        return false;
    settings->form = FUSED_STEP;
    settings->lanes_k = 1;
    return true;
}

// Whatever was asked for: the kept sums stay within their bound and within one allocation. Rows are rounded up to the work-items' shares.
static void bound_sums(fused_settings *settings, const device_limits *limits, size_t batch, size_t step_bytes) {
    const size_t allowed = limits->max_allocation_bytes < sums_bytes ? (size_t)limits->max_allocation_bytes : sums_bytes;
    settings->chunk = smaller(settings->chunk, larger(allowed / step_bytes, 1));
    const size_t share = (batch + settings->groups - 1) / settings->groups;
    if (settings->form == FUSED_ROWS &&
        settings->chunk * (step_bytes / batch) > limits->max_allocation_bytes / (share * settings->groups))
        settings->chunk = 0; // not kept at all
}

fused_settings fused_settings_choose(const device_limits *limits, const tuned_settings *tuned, oclstm_dtype dtype, size_t input,
                                     size_t hidden, size_t batch, bool can_meet) {
    fused_settings settings = {.form = FUSED_UNITS};
    set_tile(&settings, limits, &tuned->fused[dtype == OCLSTM_F64], dtype);
    const size_t blocks = (hidden + settings.vector_width - 1) / settings.vector_width;
    const tuned_shape *shape = tuned_find_shape(tuned, cell_real_dtype(dtype), batch, input, hidden);
    const char *form = shape != NULL && strcmp(shape->engine, "fused") == 0 ? shape->form : NULL;
    const bool asks_lanes =
        form != NULL && (strcmp(form, fused_form_name(FUSED_STEP)) == 0 || strcmp(form, fused_form_name(FUSED_GROUP)) == 0);
    if (limits->kind != OCLSTM_DEVICE_CPU || (asks_lanes && fused_lanes_fit(limits))) {
        set_lanes(&settings, limits, dtype, hidden, batch, asks_lanes ? form : NULL);
        return settings;
    }
    if (form != NULL && strcmp(form, fused_form_name(FUSED_ROWS)) == 0) {
        settings.form = FUSED_ROWS;
        settings.groups = smaller(shape->groups, batch);
        settings.chunk = shape->chunk;
    } else if (form != NULL && strcmp(form, fused_form_name(FUSED_UNITS)) == 0 && (can_meet || shape->groups == 1)) {
        settings.groups = smaller(shape->groups, smaller(cores_of(limits), blocks));
        settings.chunk = larger(shape->chunk, 1);
    } else {
        set_form_by_rule(&settings, cores_of(limits), blocks, input + hidden, batch, can_meet);
    }
    bound_sums(&settings, limits, batch, batch * blocks * settings.vector_width * LSTM_GATES * real_bytes(dtype));
    settings.split = is_split(&settings, batch);
    settings.early = batch <= early_batch;
    return settings;
}

fused_settings fused_settings_choose_share(const device_limits *limits, const tuned_settings *tuned, oclstm_dtype dtype,
                                           size_t input, size_t hidden, size_t batch, size_t whole, unsigned whole_units,
                                           bool can_meet) {
    device_limits whole_limits = *limits;
    whole_limits.compute_units = whole_units;
    const fused_settings of_whole =
        fused_settings_choose(&whole_limits, tuned, dtype, input, hidden, whole, device_groups_may_meet(&whole_limits));
    if (of_whole.form != FUSED_ROWS && of_whole.form != FUSED_UNITS)
        return of_whole; // ROWS and LK are part of the program; rows past the last are repeated
    fused_settings settings = of_whole;
    if (of_whole.form == FUSED_ROWS)
        settings.groups = smaller(whole_units == limits->compute_units ? of_whole.groups : cores_of(limits), batch);
    else
        settings = fused_settings_choose(limits, tuned, dtype, input, hidden, batch, can_meet);
    settings.split = of_whole.split;
    settings.early = of_whole.early;
    return settings;
}
