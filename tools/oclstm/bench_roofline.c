// SPDX-License-Identifier: Apache-2.0
// The roofline chart.
#include <math.h>
#include <stdlib.h>

#include "bench_chart.h"
#include "gnuplot.h"

// A shape's label, beside its fastest result.
typedef struct point_label {
    double x, y, label_y;
    const cli_shape *shape;
} point_label;

typedef struct chart_range {
    double left, right, bottom, top;
} chart_range;

static double intensity(const bench_result *result) {
    return bench_operations(&result->shape, false) / bench_bytes(&result->shape, result->dtype);
}

static chart_range find_range(const bench_result *results, size_t count) {
    chart_range range = {INFINITY, 0, INFINITY, 0};
    for (size_t i = 0; i < count; i++) {
        const double x = intensity(&results[i]), y = bench_gflops(&results[i]);
        range.left = fmin(range.left, x / 2.5);
        range.right = fmax(range.right, x * 4.0);
        range.bottom = fmin(range.bottom, y / 1.5);
        range.top = fmax(range.top, 1.6 * fmax(y, results[i].roofs.flops_per_second * 1e-9));
    }
    return range;
}

static int by_height(const void *a, const void *b) {
    const point_label *left = a, *right = b;
    return (left->y < right->y) - (left->y > right->y);
}

// Moves labels of points that stand above each other apart: each at least `gap` times below the one before it.
static void spread(point_label *labels, size_t count, double gap) {
    const double nearby = 2.0;
    qsort(labels, count, sizeof *labels, by_height);
    for (size_t i = 0; i < count; i++) {
        labels[i].label_y = labels[i].y;
        for (size_t above = 0; above < i; above++) {
            const double ratio = labels[i].x / labels[above].x;
            if (ratio < nearby && ratio > 1.0 / nearby && labels[i].label_y > labels[above].label_y / gap)
                labels[i].label_y = labels[above].label_y / gap;
        }
    }
}

static void put_labels(FILE *script, const bench_result *results, size_t count, double gap) {
    point_label *labels = calloc(count, sizeof *labels);
    size_t used = 0;
    for (size_t i = 0; labels && i < count; i++) {
        size_t at = 0;
        while (at < used && !bench_same_shape(labels[at].shape, &results[i].shape))
            at++;
        if (at == used)
            labels[used++] = (point_label){intensity(&results[i]), bench_gflops(&results[i]), 0, &results[i].shape};
        else
            labels[at].y = fmax(labels[at].y, bench_gflops(&results[i]));
    }
    if (labels)
        spread(labels, used, gap);
    fprintf(script, "$labels << EOD\n");
    for (size_t i = 0; i < used; i++) {
        char text[96];
        fprintf(script, "%.9g %.9g \"%s\"\n", labels[i].x * 1.07, labels[i].label_y, bench_shape_label(text, labels[i].shape));
    }
    fprintf(script, "EOD\n");
    free(labels);
}

static void put_roofs(FILE *script, const bench_result *results, size_t count) {
    size_t dash = 1;
    for (size_t i = 0; i < count; i++) {
        const double peak = results[i].roofs.flops_per_second * 1e-9, copy = results[i].roofs.bytes_per_second * 1e-9;
        if (peak <= 0.0 || !bench_first_on_device(results, i))
            continue;
        char title[256];
        snprintf(title, sizeof title, "device %d, %s: %.0f GFLOP/s, %.1f GB/s", results[i].device->index, results[i].device->name,
                 peak, copy);
        fprintf(script, "(%.9g * x < %.9g ? %.9g * x : %.9g) with lines linewidth 2 dashtype %zu linecolor '#808080' title ", copy,
                peak, copy, peak, dash++);
        gnuplot_put_string(script, title);
        fprintf(script, ", \\\n");
    }
}

// 1, 2 and 5 of each power of ten within the range.
static void put_tics(FILE *script, char axis, double low, double high) {
    static const double steps[] = {1, 2, 5};
    fprintf(script, "set %ctics (", axis);
    for (double power = pow(10.0, floor(log10(low))); power <= high; power *= 10.0)
        for (int i = 0; i < 3; i++)
            fprintf(script, "'%g' %.9g%s", steps[i] * power, steps[i] * power, i < 2 || power * 10.0 <= high ? ", " : ")\n");
}

void bench_chart_roofline(FILE *script, const bench_result *results, size_t count) {
    size_t found = 0;
    bench_series *list = bench_series_list(&found, results, count);
    const chart_range range = find_range(results, count);
    bench_chart_put_style(script, results, "LSTM cells under the roofs of their devices");
    fprintf(script, "set logscale xy\nset xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\nset samples 400\n", range.left, range.right,
            range.bottom, range.top);
    fprintf(script,
            "set xlabel 'operations a byte of weights (once a step), x and y; above the slope the weights stay in a cache'\n"
            "set ylabel 'GFLOP/s'\n");
    put_tics(script, 'x', range.left, range.right);
    put_tics(script, 'y', range.bottom, range.top);
    for (size_t s = 0; s < found; s++) {
        fprintf(script, "$series%zu << EOD\n", s);
        for (size_t i = 0; i < count; i++)
            if (bench_series_has(&list[s], &results[i]))
                fprintf(script, "%.9g %.9g\n", intensity(&results[i]), bench_gflops(&results[i]));
        fprintf(script, "EOD\n");
    }
    put_labels(script, results, count, pow(range.top / range.bottom, 0.04));
    fprintf(script, "plot ");
    put_roofs(script, results, count);
    for (size_t s = 0; s < found; s++) {
        fprintf(script, "$series%zu with points pointtype 7 pointsize 0.9 linecolor '%s' title ", s, list[s].colour);
        bench_series_put_title(script, &list[s]);
        fprintf(script, ", \\\n");
    }
    fprintf(script, "$labels using 1:2:3 with labels left font ',11' textcolor '#303030' notitle\n");
    free(list);
}
