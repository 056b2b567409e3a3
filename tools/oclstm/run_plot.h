// SPDX-License-Identifier: Apache-2.0
// `oclstm run --plot`: the outputs over time. However long the sequence is, as much of it is kept as the picture has columns.
#ifndef OCLSTM_TOOL_RUN_PLOT_H
#define OCLSTM_TOOL_RUN_PLOT_H

#include <oclstm/oclstm.h>

#include "options.h"

typedef struct run_plot run_plot;

enum { RUN_PLOT_ROWS = 8 }; // more rows of one output are not drawn: row 0 is

// What is drawn: the outputs of row 0 of y, or the only output of each row.
typedef struct run_plot_series {
    int64_t steps, batch, outputs;
    int64_t future; // the last of the steps, which are drawn dotted
    bool batch_first;
    bool rows;          // a line is a row of the batch, of one output
    oclstm_dtype dtype; // of y: F32, F64 or F16
    const char *title;  // copied
    const char *label;  // what an output is: "h", "sigmoid"; copied
    bool probability;   // 0 to 1
} run_plot_series;

// Is --plot's name one that can be drawn? EXIT_DONE also without --plot.
int run_plot_check(const cli_options *options);

// Finds gnuplot and opens the picture. Each of these returns an exit code and has said on standard error why it is not EXIT_DONE; *out is NULL without
// --plot, which the others accept.
int run_plot_begin(run_plot **out, const cli_options *options, const run_plot_series *series);
// Takes steps [first, first + count), from y of these steps: [count][batch][outputs] or [batch][count][outputs].
void run_plot_take(run_plot *plot, const void *y, int64_t first, int64_t count);
int run_plot_draw(run_plot *plot);
int run_plot_commit(run_plot *plot); // it appears
void run_plot_end(run_plot **plot);

#endif
