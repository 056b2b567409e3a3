// SPDX-License-Identifier: Apache-2.0
// The two files of --plot NAME.svg: NAME-roofline.svg and NAME-bars.svg. Each is drawn into a temporary file beside it and renamed.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_chart.h"
#include "gnuplot.h"
#include "report.h"

enum { CHARTS = 2 };

typedef struct picture {
    char *path;
    char *partial; // NULL once it is renamed
    int fd;        // -1: not open
} picture;

struct bench_plot {
    picture pictures[CHARTS];
    const char *terminal; // gnuplot's word for the format and its size
};

static const struct {
    const char *suffix;
    void (*put)(FILE *script, const bench_result *results, size_t count);
} charts[CHARTS] = {{"-roofline", bench_chart_roofline}, {"-bars", bench_chart_bars}};

// gnuplot's terminal for a file name; NULL for an ending that is none of the two.
static const char *terminal_for(const char *ending) {
    if (strcmp(ending, ".svg") == 0)
        return "svg size 960,600 dynamic background rgb 'white' font 'sans,14' noenhanced";
    if (strcmp(ending, ".png") == 0)
        return "pngcairo size 1440,900 background rgb 'white' font 'sans,15' noenhanced";
    return NULL;
}

static int picture_open(picture *out, const char *file, size_t stem, const char *suffix) {
    const size_t room = strlen(file) + strlen(suffix) + 64;
    out->path = malloc(room);
    out->partial = malloc(room);
    if (!out->path || !out->partial) {
        report("bench: no host memory for the name of a plot");
        return EXIT_FAILED;
    }
    snprintf(out->path, room, "%.*s%s%s", (int)stem, file, suffix, file + stem);
    snprintf(out->partial, room, "%s.partial-%" PRIdMAX, out->path, (intmax_t)getpid());
    out->fd = open(out->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (out->fd >= 0)
        return EXIT_DONE;
    report("cannot write %s: %s", out->path, strerror(errno));
    free(out->partial);
    out->partial = NULL;
    return EXIT_FAILED;
}

int bench_plot_begin(bench_plot **out, const char *file) {
    const char *ending = strrchr(file, '.'), *folder = strrchr(file, '/');
    const char *terminal = ending && strlen(file) < 4096 ? terminal_for(ending) : NULL;
    if (!terminal || ending == file || (folder && ending == folder + 1)) {
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
    for (int i = 0; i < CHARTS && code == EXIT_DONE; i++) {
        picture *done = &plot->pictures[i];
        if (rename(done->partial, done->path) != 0) {
            report("cannot write %s: %s", done->path, strerror(errno));
            code = EXIT_FAILED;
        } else {
            free(done->partial);
            done->partial = NULL;
        }
    }
    return code;
}

void bench_plot_end(bench_plot **plot) {
    if (!plot || !*plot)
        return;
    for (int i = 0; i < CHARTS; i++) {
        picture *each = &(*plot)->pictures[i];
        if (each->partial)
            unlink(each->partial);
        if (each->fd >= 0)
            close(each->fd);
        free(each->path);
        free(each->partial);
    }
    free(*plot);
    *plot = NULL;
}
