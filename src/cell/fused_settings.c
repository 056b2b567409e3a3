// SPDX-License-Identifier: Apache-2.0
#include "cell/fused.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

fused_settings fused_settings_choose(const device_limits *limits, oclstm_dtype dtype, size_t hidden, size_t batch) {
    (void)hidden;
    size_t width = limits->vector_width_float > 0 ? limits->vector_width_float : 4;
    // Registers: 32 of them come with 16 floats a vector (AVX-512), 16 with fewer. A tile keeps 4 sums a row.
    fused_settings settings = {.form = FUSED_UNITS, .tile_rows = width >= 16 ? 6 : 2, .groups = 1, .chunk = 16};
    settings.vector_width = width >= 16 ? 16 : width >= 8 ? 8 : 4;
    if (dtype == OCLSTM_F64 && settings.vector_width > 4)
        settings.vector_width /= 2;
    size_t units = limits->compute_units > 0 ? limits->compute_units : 1;
    if (batch >= 2 && units > 1) {
        settings.form = FUSED_ROWS;
        settings.groups = smaller(units, batch);
    }
    return settings;
}
