// SPDX-License-Identifier: Apache-2.0
// What the charts share.
#include "bench_chart.h"

#include <inttypes.h>
#include <stdlib.h>

#include "gnuplot.h"

// Colours that stay apart for the colour-blind (Okabe & Ito, Color Universal Design, 2008).
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};
enum { COLOURS = sizeof colours / sizeof colours[0] };

bool bench_series_has(const bench_series *series, const bench_result *result) {
    return result->engine == series->engine && result->device->index == series->device->index;
}

bench_series *bench_series_list(size_t *found, const bench_result *results, size_t count) {
    bench_series *list = calloc(count, sizeof *list);
    *found = 0;
    for (size_t i = 0; list && i < count; i++) {
        size_t at = 0;
        while (at < *found && !bench_series_has(&list[at], &results[i]))
            at++;
        if (at == *found)
            list[(*found)++] = (bench_series){results[i].engine, results[i].device, colours[at % COLOURS]};
    }
    return list;
}

void bench_series_put_title(FILE *script, const bench_series *series) {
    char title[192];
    snprintf(title, sizeof title, "engine %s on device %d", oclstm_engine_name(series->engine), series->device->index);
    gnuplot_put_string(script, title);
}

bool bench_first_on_device(const bench_result *results, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (results[i].device->index == results[at].device->index)
            return false;
    return true;
}

bool bench_same_shape(const cli_shape *a, const cli_shape *b) {
    return a->batch == b->batch && a->input == b->input && a->hidden == b->hidden && a->steps == b->steps;
}

const char *bench_shape_label(char text[96], const cli_shape *shape) {
    if (shape->input == shape->hidden)
        snprintf(text, 96, "B%" PRId64 " H%" PRId64, shape->batch, shape->hidden);
    else
        snprintf(text, 96, "B%" PRId64 " I%" PRId64 " H%" PRId64, shape->batch, shape->input, shape->hidden);
    return text;
}

double bench_gflops(const bench_result *result) { return bench_operations(&result->shape, false) / result->seconds_min * 1e-9; }

void bench_chart_put_style(FILE *script, const bench_result *results, const char *title) {
    fprintf(script,
            "set title '%s, %s'\nset border 3 linecolor '#606060'\nset tics nomirror\n"
            "set grid linecolor '#e0e0e0' linetype 1\nset key above left vertical maxcols 1 reverse Left samplen 2\n",
            title, oclstm_dtype_name(results[0].dtype));
}
