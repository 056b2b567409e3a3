// SPDX-License-Identifier: Apache-2.0
// The rule, from measurements on PoCL 3.1 and Intel's CPU runtime (two AVX-512 cores). Widths and tiles follow from the registers.
#include "cell/fused.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

// Blocks of units a group must have for the meeting to pay.
static const size_t meet_blocks = 4;
// Rows a core that stay together better than units do; unless the weights are far larger than a core's cache.
static const size_t units_batch = 8, large_hidden = 1024, large_rows = 64;

fused_settings fused_settings_choose(const device_limits *limits, oclstm_dtype dtype, size_t input, size_t hidden, size_t batch,
                                     bool can_meet) {
    const size_t width = limits->vector_width_float > 0 ? limits->vector_width_float : 4;
    const size_t cores = limits->compute_units > 0 ? limits->compute_units : 1;
    // 32 vector registers come with 16 floats a vector (AVX-512), 16 with fewer. A tile keeps 4 sums a row.
    fused_settings settings = {.form = FUSED_UNITS, .tile_rows = width >= 16 ? 6 : 2, .groups = 1};
    settings.vector_width = width >= 16 ? 16 : width >= 8 ? 8 : 4;
    if (dtype == OCLSTM_F64 && settings.vector_width > 4)
        settings.vector_width /= 2;
    const size_t blocks = (hidden + settings.vector_width - 1) / settings.vector_width;
    const size_t groups = can_meet ? smaller(cores, blocks / meet_blocks) : 1;
    const bool by_units = batch == 1 || cores == 1 ||
                          (groups > 1 && (batch <= units_batch || (hidden >= large_hidden && batch / cores < large_rows)));
    if (by_units && (batch <= units_batch || groups > 1)) {
        settings.groups = larger(groups, 1);
        settings.chunk = larger(96 / batch, 1);
    } else {
        settings.form = FUSED_ROWS;
        settings.groups = smaller(cores, batch);
        settings.chunk = input + hidden > 1024 ? 4 : 0;
    }
    return settings;
}
