// SPDX-License-Identifier: Apache-2.0
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR_WIDTH = 30, SHORT_WIDTH = 10 }; // the short one beside a note

void progress_begin(progress *bar, bool quiet, double now) {
    *bar = (progress){.unit = "steps", .enabled = !quiet && isatty(STDERR_FILENO), .started = now, .last = now};
}

static int terminal_columns(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void progress_update(progress *bar, int64_t done, int64_t total, double now) {
    const double elapsed = now - bar->started;
    if (!bar->enabled || elapsed < 2.0 || done <= bar->before || (bar->shown && now - bar->last < 0.1))
        return;
    char cells[BAR_WIDTH + 1], line[512];
    const double part = (double)done / (double)total;
    double left = elapsed * (double)(total - done) / (double)(done - bar->before);
    if (bar->ends > 0.0 && left > bar->ends - now)
        left = bar->ends > now ? bar->ends - now : 0.0;
    const size_t width = bar->note ? SHORT_WIDTH : BAR_WIDTH;
    memset(cells, '.', width);
    memset(cells, '#', (size_t)(part * (double)width));
    cells[width] = '\0';
    snprintf(line, sizeof line, "[%s] %3d%%  %" PRId64 "/%" PRId64 " %s  %.0f s left%s%s", cells, (int)(part * 100.0), done, total,
             bar->unit, left, bar->note ? " " : "", bar->note ? bar->note : "");
    // A line that wraps could not be taken off again.
    fprintf(stderr, "\r%.*s\033[K", terminal_columns() - 1, line);
    fflush(stderr);
    bar->shown = true;
    bar->last = now;
}

void progress_end(progress *bar) {
    if (bar->shown)
        fputs("\r\033[K", stderr);
    bar->shown = false;
}
