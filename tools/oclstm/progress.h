// SPDX-License-Identifier: Apache-2.0
// A progress bar on standard error, for work that takes longer than two seconds on a terminal.
#ifndef OCLSTM_TOOL_PROGRESS_H
#define OCLSTM_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress {
    bool enabled; // standard error is a terminal, and words are wanted
    bool shown;
    const char *unit; // of the counts; progress_begin() sets "steps"
    const char *note; // what else there is to say, cut off at the terminal's edge; NULL = nothing
    int64_t before;   // counts that were done before it began
    double ends;      // the work ends then at the latest; 0 = not known
    double started;   // seconds
    double last;
} progress;

// `now` is a time in seconds of any clock that only runs forward, the same one in all calls.
void progress_begin(progress *bar, bool quiet, double now);
void progress_update(progress *bar, int64_t done, int64_t total, double now);

// Takes the bar off the screen, before anything else is said.
void progress_end(progress *bar);

#endif
