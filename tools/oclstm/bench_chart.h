// SPDX-License-Identifier: Apache-2.0
// The two charts of a bench as gnuplot scripts, data included, and what they share.
#ifndef OCLSTM_TOOL_BENCH_CHART_H
#define OCLSTM_TOOL_BENCH_CHART_H

#include <stdio.h>

#include "bench.h"

// Operations a second over operations a byte, log by log, under the roofs of the devices (Williams, Waterman & Patterson, 2009).
void bench_chart_roofline(FILE *script, const bench_result *results, size_t count);

// Operations a second of each shape, a bar for each engine, with the devices' peaks as lines.
void bench_chart_bars(FILE *script, const bench_result *results, size_t count);

// --- shared ---------------------------------------------------------------------------------------------------------------

// The results of one engine on one device: one look in the charts.
typedef struct bench_series {
    oclstm_engine engine;
    const oclstm_device_info *device;
    const char *colour;
} bench_series;

// The series in the order of their first result. Allocated; NULL with *found = 0 when there is no memory.
bench_series *bench_series_list(size_t *found, const bench_result *results, size_t count);
bool bench_series_has(const bench_series *series, const bench_result *result);
void bench_series_put_title(FILE *script, const bench_series *series);

// Is this the first result on its device? Each device has its roofs drawn once.
bool bench_first_on_device(const bench_result *results, size_t at);

bool bench_same_shape(const cli_shape *a, const cli_shape *b);
// "B1 H256", with the input where it is another size.
const char *bench_shape_label(char text[96], const cli_shape *shape);
double bench_gflops(const bench_result *result);

// Title, frame, grid and key.
void bench_chart_put_style(FILE *script, const bench_result *results, const char *title);

#endif
