// SPDX-License-Identifier: Apache-2.0
// The bar chart.
#include <math.h>
#include <stdlib.h>

#include "bench_chart.h"
#include "gnuplot.h"

// Where the bar of a result stands.
typedef struct bar_place {
    double x, width;
    bool first; // of its shape
    int shape;
} bar_place;

// The end of the results of one shape, which stand next to each other.
static size_t end_of_shape(const bench_result *results, size_t count, size_t first) {
    size_t end = first + 1;
    while (end < count && bench_same_shape(&results[end].shape, &results[first].shape))
        end++;
    return end;
}

// The bars of a shape share 0.8 around a whole number; all bars have one width.
static bar_place *place_bars(int *shapes, const bench_result *results, size_t count) {
    bar_place *places = calloc(count, sizeof *places);
    size_t most = 1;
    *shapes = 0;
    for (size_t first = 0, end = 0; first < count; first = end) {
        end = end_of_shape(results, count, first);
        most = end - first > most ? end - first : most;
    }
    const double width = 0.8 / (double)most;
    for (size_t first = 0, end = 0; places && first < count; first = end) {
        end = end_of_shape(results, count, first);
        for (size_t i = first; i < end; i++)
            places[i] =
                (bar_place){*shapes + width * ((double)(i - first) - 0.5 * (double)(end - first - 1)), width, i == first, *shapes};
        ++*shapes;
    }
    return places;
}

static void put_data(FILE *script, const bench_result *results, const bar_place *places, size_t count, const bench_series *series,
                     size_t number) {
    fprintf(script, "$series%zu << EOD\n", number);
    for (size_t i = 0; i < count; i++)
        if (bench_series_has(series, &results[i]))
            fprintf(script, "%.9g %.9g %.9g\n", places[i].x, bench_gflops(&results[i]), 0.95 * places[i].width);
    fprintf(script, "EOD\n");
}

static void put_axes(FILE *script, const bench_result *results, const bar_place *places, size_t count, int shapes) {
    double top = 0;
    bool first = true;
    for (size_t i = 0; i < count; i++)
        top = fmax(top, fmax(bench_gflops(&results[i]), results[i].roofs.flops_per_second * 1e-9));
    bench_chart_put_style(script, results, "LSTM cells by shape");
    fprintf(script,
            "set grid noxtics\nset xrange [-0.6:%.1f]\nset yrange [0:%.9g]\nset ylabel 'GFLOP/s'\n"
            "set style fill solid 0.85 noborder\nset xtics rotate by -35 scale 0 (",
            shapes - 0.4, top * 1.12);
    for (size_t i = 0; i < count; i++) {
        char text[96];
        if (places[i].first) {
            fprintf(script, "%s'%s' %d", first ? "" : ", ", bench_shape_label(text, &results[i].shape), places[i].shape);
            first = false;
        }
    }
    fprintf(script, ")\n");
}

static void put_peaks(FILE *script, const bench_result *results, size_t count) {
    size_t dash = 1;
    for (size_t i = 0; i < count; i++) {
        const double peak = results[i].roofs.flops_per_second * 1e-9;
        if (peak <= 0.0 || !bench_first_on_device(results, i))
            continue;
        char title[256];
        snprintf(title, sizeof title, "peak of device %d, %s", results[i].device->index, results[i].device->name);
        fprintf(script, "%.9g with lines linewidth 2 dashtype %zu linecolor '#808080' title ", peak, dash++);
        gnuplot_put_string(script, title);
        fprintf(script, ", \\\n");
    }
}

void bench_chart_bars(FILE *script, const bench_result *results, size_t count) {
    size_t found = 0;
    int shapes = 0;
    bench_series *list = bench_series_list(&found, results, count);
    bar_place *places = place_bars(&shapes, results, count);
    if (!list || !places)
        goto done;
    put_axes(script, results, places, count, shapes);
    for (size_t s = 0; s < found; s++)
        put_data(script, results, places, count, &list[s], s);
    fprintf(script, "plot ");
    put_peaks(script, results, count);
    for (size_t s = 0; s < found; s++) {
        fprintf(script, "$series%zu using 1:2:3 with boxes linecolor '%s' title ", s, list[s].colour);
        bench_series_put_title(script, &list[s]);
        fprintf(script, ", \\\n");
    }
    for (size_t s = 0; s < found; s++)
        fprintf(script,
                "$series%zu using 1:2:(sprintf($2 < 9.95 ? '%%.1f' : '%%.0f', $2)) with labels offset 0,0.6 font ',10' "
                "textcolor '#303030' notitle%s",
                s, s + 1 < found ? ", \\\n" : "\n");
done:
    free(list);
    free(places);
}
