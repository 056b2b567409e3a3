// SPDX-License-Identifier: Apache-2.0
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 30 };

void progress_begin(progress *bar, bool quiet, double now) {
    *bar = (progress){.unit = "steps", .enabled = !quiet && isatty(STDERR_FILENO), .started = now, .last = now};
}

void progress_update(progress *bar, int64_t done, int64_t total, double now) {
    const double elapsed = now - bar->started;
    if (!bar->enabled || elapsed < 2.0 || done <= 0 || (bar->shown && now - bar->last < 0.1))
        return;
    char cells[BAR_WIDTH + 1];
    const double part = (double)done / (double)total;
    memset(cells, '.', BAR_WIDTH);
    memset(cells, '#', (size_t)(part * BAR_WIDTH));
    cells[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %3d%%  %" PRId64 "/%" PRId64 " %s  %.0f s left \033[K", cells, (int)(part * 100.0), done, total,
            bar->unit, elapsed / part - elapsed);
    fflush(stderr);
    bar->shown = true;
    bar->last = now;
}

void progress_end(progress *bar) {
    if (bar->shown)
        fputs("\r\033[K", stderr);
    bar->shown = false;
}
