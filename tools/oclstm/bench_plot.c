// SPDX-License-Identifier: Apache-2.0
// The two files of --plot NAME.svg: NAME-roofline.svg and NAME-bars.svg. Each is drawn into a temporary file beside it and renamed.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench_chart.h"
#include "gnuplot.h"
#include "picture_file.h"
#include "report.h"

enum { CHARTS = 2 };

struct bench_plot {
    picture_file pictures[CHARTS];
    const char *terminal; // gnuplot's word for the format and its size
};

static const struct {
    const char *suffix;
    void (*put)(FILE *script, const bench_result *results, size_t count);
} charts[CHARTS] = {{"-roofline", bench_chart_roofline}, {"-bars", bench_chart_bars}};

int bench_plot_begin(bench_plot **out, const char *file) {
    const char *terminal, *ending = picture_ending(file, &terminal);
    if (!ending) {
        report("bench: --plot '%.200s' is not valid: expected a name that ends in .svg or .png", file);
        fputs("Try 'oclstm bench --help'.\n", stderr);
        return EXIT_MISUSE;
    }
    int code = gnuplot_check();
    if (code != EXIT_DONE)
        return code;
    bench_plot *plot = calloc(1, sizeof *plot);
    if (!plot) {
        report("bench: no host memory for the plot");
        return EXIT_FAILED;
    }
    *out = plot;
    plot->terminal = terminal;
    for (int i = 0; i < CHARTS; i++)
        plot->pictures[i].fd = -1;
    for (int i = 0; i < CHARTS && code == EXIT_DONE; i++)
        code = picture_open(&plot->pictures[i], file, (size_t)(ending - file), charts[i].suffix);
    return code;
}

static int draw(const bench_plot *plot, int place, const bench_result *results, size_t count) {
    FILE *script = tmpfile();
    if (!script) {
        report("no temporary file for gnuplot's script: %s", strerror(errno));
        return EXIT_FAILED;
    }
    fprintf(script, "set terminal %s\n", plot->terminal);
    charts[place].put(script, results, count);
    const int code = gnuplot_draw(script, plot->pictures[place].fd);
    fclose(script);
    return code;
}

int bench_plot_draw(bench_plot *plot, const bench_result *results, size_t count) {
    int code = EXIT_DONE;
    for (int i = 0; i < CHARTS && code == EXIT_DONE; i++)
        code = draw(plot, i, results, count);
    for (int i = 0; i < CHARTS && code == EXIT_DONE; i++)
        code = picture_commit(&plot->pictures[i]);
    return code;
}

void bench_plot_end(bench_plot **plot) {
    if (!plot || !*plot)
        return;
    for (int i = 0; i < CHARTS; i++)
        picture_discard(&(*plot)->pictures[i]);
    free(*plot);
    *plot = NULL;
}
