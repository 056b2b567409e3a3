// SPDX-License-Identifier: Apache-2.0
// The two charts of run --plot as gnuplot scripts, data included: lines, or a map of many outputs.
#ifndef OCLSTM_TOOL_RUN_CHART_H
#define OCLSTM_TOOL_RUN_CHART_H

#include <stdio.h>

#include "run_plot.h"

// More outputs than lines are a map; what has more than these is thinned. Lines have more columns than the picture has pixels, or there were gaps.
enum { CHART_LINES = 8, CHART_LINE_COLUMNS = 2400, CHART_COLUMNS = 1200, CHART_ROWS = 400 };

// One place of the picture: a line's range within a column, or the sum over the steps and outputs of a map's field.
typedef struct chart_cell {
    float low, high;
    double sum;
    int64_t count; // of finite values
} chart_cell;

typedef struct run_chart {
    run_plot_series series;
    char title[512], label[128];
    double step_seconds; // 0: steps are shown
    int64_t columns, rows;
    chart_cell *cells; // [rows][columns]
} run_chart;

// The first step of a column.
int64_t chart_first_step(const run_chart *chart, int64_t column);

void run_chart_lines(FILE *script, const run_chart *chart);
void run_chart_map(FILE *script, const run_chart *chart);

#endif
