// SPDX-License-Identifier: Apache-2.0
#include "run_plot.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gnuplot.h"
#include "picture_file.h"
#include "report.h"
#include "run_chart.h"

struct run_plot {
    run_chart chart;
    picture_file picture;
    const char *terminal;
};

int run_plot_check(const cli_options *options) {
    const char *terminal;
    if (options->plot && !picture_ending(options->plot, &terminal))
        report("run: --plot '%.200s' is not valid: expected a name that ends in .svg or .png", options->plot);
    else if (!options->plot && options->step_seconds > 0.0)
        report("run: --step-seconds without --plot: it labels the plot's axis");
    else
        return EXIT_DONE;
    fputs("Try 'oclstm run --help'.\n", stderr);
    return EXIT_MISUSE;
}

int run_plot_begin(run_plot **out, const cli_options *options, const run_plot_series *series) {
    *out = NULL;
    if (!options->plot)
        return EXIT_DONE;
    int code = gnuplot_check();
    if (code != EXIT_DONE)
        return code;
    run_plot *plot = calloc(1, sizeof *plot);
    run_chart *chart = plot ? &plot->chart : NULL;
    if (plot) {
        *out = plot;
        plot->picture.fd = -1;
        chart->series = *series;
        chart->series.outputs = series->rows ? series->batch : series->outputs;
        chart->series.title = chart->title;
        chart->series.label = chart->label;
        snprintf(chart->title, sizeof chart->title, "%s", series->title);
        snprintf(chart->label, sizeof chart->label, "%s", series->label);
        chart->step_seconds = options->step_seconds;
        const int64_t most = chart->series.outputs <= CHART_LINES ? CHART_LINE_COLUMNS : CHART_COLUMNS;
        chart->columns = series->steps < most ? series->steps : most;
        chart->rows = chart->series.outputs < CHART_ROWS ? chart->series.outputs : CHART_ROWS;
        chart->cells = calloc((size_t)(chart->columns * chart->rows), sizeof *chart->cells);
    }
    if (!plot || !chart->cells) {
        report("run: no host memory for the plot");
        return EXIT_FAILED;
    }
    const char *ending = picture_ending(options->plot, &plot->terminal);
    return picture_open(&plot->picture, options->plot, (size_t)(ending - options->plot), "");
}

static double half_value(uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double size = exponent == 31  ? (double)(fraction ? NAN : INFINITY)
                        : exponent == 0 ? ldexp(fraction, -24)
                                        : ldexp(fraction + 1024, exponent - 25);
    return bits >> 15 ? -size : size;
}

static double value_at(const run_plot_series *series, const void *y, int64_t at) {
    switch (series->dtype) {
    case OCLSTM_F64:
        return ((const double *)y)[at];
    case OCLSTM_F16:
        return half_value(((const uint16_t *)y)[at]);
    default:
        return ((const float *)y)[at];
    }
}

int64_t chart_first_step(const run_chart *chart, int64_t column) {
    const int64_t whole = chart->series.steps / chart->columns, rest = chart->series.steps % chart->columns;
    return column * whole + column * rest / chart->columns;
}

static void take(chart_cell *cell, double value) {
    if (!isfinite(value))
        return;
    const float bounded = (float)value;
    cell->low = cell->count == 0 || bounded < cell->low ? bounded : cell->low;
    cell->high = cell->count == 0 || bounded > cell->high ? bounded : cell->high;
    cell->sum += value;
    cell->count++;
}

void run_plot_take(run_plot *plot, const void *y, int64_t first, int64_t count) {
    if (!plot)
        return;
    const run_chart *chart = &plot->chart;
    const run_plot_series *series = &chart->series;
    const int64_t features = series->rows ? 1 : series->outputs;
    const int64_t stride = features * (series->batch_first ? 1 : series->batch);
    const int64_t apart = series->rows && series->batch_first ? count : 1; // from line to line
    // Near the column that the step is in, and never behind it.
    int64_t column = (int64_t)((double)first / (double)series->steps * (double)chart->columns) - 1;
    column = column < 0 ? 0 : column;
    for (int64_t t = 0; t < count; t++) {
        while (column + 1 < chart->columns && chart_first_step(chart, column + 1) <= first + t)
            column++;
        for (int64_t u = 0; u < series->outputs; u++) {
            const int64_t row =
                chart->rows == series->outputs ? u : (int64_t)((double)u / (double)series->outputs * (double)chart->rows);
            take(&chart->cells[row * chart->columns + column], value_at(series, y, t * stride + u * apart));
        }
    }
}

int run_plot_draw(run_plot *plot) {
    if (!plot)
        return EXIT_DONE;
    FILE *script = tmpfile();
    if (!script) {
        report("no temporary file for gnuplot's script: %s", strerror(errno));
        return EXIT_FAILED;
    }
    fprintf(script, "set terminal %s\n", plot->terminal);
    if (plot->chart.series.outputs <= CHART_LINES)
        run_chart_lines(script, &plot->chart);
    else
        run_chart_map(script, &plot->chart);
    const int code = gnuplot_draw(script, plot->picture.fd);
    fclose(script);
    return code;
}

int run_plot_commit(run_plot *plot) { return plot ? picture_commit(&plot->picture) : EXIT_DONE; }

void run_plot_end(run_plot **plot) {
    if (!*plot)
        return;
    picture_discard(&(*plot)->picture);
    free((*plot)->chart.cells);
    free(*plot);
    *plot = NULL;
}
