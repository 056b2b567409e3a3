// SPDX-License-Identifier: Apache-2.0
// The shapes that are measured and what a call of each costs.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "report.h"

int bench_default_shapes(cli_shape shapes[MAX_SHAPES], const cli_options *options) {
    static const cli_shape table[] = {
        {1, 16, 16, 100},   {1, 64, 64, 100},     {1, 128, 128, 100},    {1, 256, 256, 100},
        {1, 512, 512, 40},  {1, 1024, 1024, 20},  {4, 256, 256, 100},    {16, 256, 256, 100},
        {64, 512, 512, 20}, {64, 1024, 1024, 20}, {256, 1024, 1024, 10}, {256, 64, 64, 50},
    };
    static const cli_shape steps[] = {{1, 16, 16, 1}, {1, 64, 64, 1}, {1, 128, 128, 1}, {1, 256, 256, 1}};
    static const cli_shape training[] = {{16, 32, 128, 64}, {32, 256, 256, 50}, {64, 512, 512, 20}};
    const cli_shape *chosen = options->train ? training : options->single ? steps : table;
    const size_t bytes = options->train ? sizeof training : options->single ? sizeof steps : sizeof table;
    memcpy(shapes, chosen, bytes);
    return (int)(bytes / sizeof *chosen);
}

double bench_operations(const cli_shape *shape, bool train) {
    return (train ? 24.0 : 8.0) * (double)shape->hidden * ((double)shape->input + (double)shape->hidden) * (double)shape->batch *
           (double)shape->steps;
}

double bench_bytes(const cli_shape *shape, oclstm_dtype dtype) {
    const double features = (double)shape->input + (double)shape->hidden;
    const double weights = 4.0 * (double)shape->hidden * features, rows = (double)shape->batch * features;
    return (weights + rows) * (double)shape->steps * (double)oclstm_dtype_size_bytes(dtype);
}

const char *bench_shape_text(char text[96], const cli_shape *shape) {
    snprintf(text, 96, "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, shape->batch, shape->input, shape->hidden, shape->steps);
    return text;
}

// Linux hands out more memory than there is and kills who uses it.
bool bench_fits_memory(const cli_shape *shape, oclstm_dtype dtype) {
    const double features = (double)shape->input + (double)shape->hidden, gib = 1024.0 * 1024.0 * 1024.0;
    const double elements = (double)shape->batch * (double)shape->steps * features + 4.0 * (double)shape->hidden * features;
    const double needed = elements * (double)oclstm_dtype_size_bytes(dtype) / gib;
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages < 1 || page < 1)
        return true;
    const double memory = (double)pages * (double)page / gib;
    if (needed < memory)
        return true;
    char text[96];
    report("bench: shape %s needs %.1f GiB of host memory for x, y and the weights, and this machine has %.1f GiB; use a smaller "
           "shape",
           bench_shape_text(text, shape), needed, memory);
    return false;
}
