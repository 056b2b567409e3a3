// SPDX-License-Identifier: Apache-2.0
// A search under way: what the stages share. Each stage goes through a fixed list of candidates and asks before each one.
#ifndef OCLSTM_TUNE_TUNER_H
#define OCLSTM_TUNE_TUNER_H

#include <oclstm/tune.h>

#include "device/tuned.h"

typedef struct tune_search {
    oclstm_device *device;
    const oclstm_tune_params *params;
    const oclstm_tune_shape *shapes;
    size_t shape_count;
    double start_seconds, budget_seconds, saved_seconds;
    char path[1024];       // "" where nothing can be kept
    tuned_settings *best;  // what is kept
    tuned_settings *trial; // what a candidate runs with
    char key[17];          // of this search: shapes and dtype
    uint64_t resume_at;    // candidates that an interrupted search has tried
    uint64_t tried, total;
    bool stopped;
    char stage[96], best_words[256];
    double best_speedup;
    uint64_t passed; // candidates that ran and agreed
    oclstm_error last_error;
} tune_search;

// Begins a stage: its name in words.
void tuner_stage(tune_search *tuner, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Reports the stage's result, unless the search was stopped: then it has been. Every stage ends with it.
void tuner_stage_end(tune_search *tuner);

// Asks for the next candidate. False: leave it out; either an earlier search has tried it, or the search has to end (tuner->stopped).
bool tuner_next(tune_search *tuner);

// Keeps tuner->best, and the number of candidates tried, in the file. Without a file it does nothing.
oclstm_status tuner_save(tune_search *tuner, oclstm_error *error);

// Notes a better one, in words, and saves.
oclstm_status tuner_found(tune_search *tuner, double speedup, oclstm_error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// --- comparing ----------------------------------------------------------------------------------------------------------

// Times what is kept (candidate == NULL) or a candidate. False where it cannot run or disagrees with the reference.
typedef bool (*tuner_timer)(tune_search *tuner, const void *subject, const void *candidate, double *seconds);

// A stage's comparison: all candidates are held to the same thing.
typedef struct tune_contest {
    tuner_timer time;
    const void *subject; // what is timed, handed to time()
    bool repeatable;     // what is kept can be timed again
    bool begun;
    double base; // seconds before the stage; infinity where that cannot run
    double best; // seconds of the best so far
} tune_contest;

// Does the candidate win? Machines are noisy: one that seems to is timed in turn with the best before it, and must stay ahead by
// enough. The first call times what is kept. On success contest->best is the candidate's time.
bool tuner_contest(tune_search *tuner, tune_contest *contest, const void *candidate);

// How much faster the best is than what was there before the stage; 1 where nothing could run before.
double tuner_speedup(const tune_contest *contest);

// --- stages: each returns OK when it ended or was stopped; an error only where going on makes no sense --------------------

oclstm_status tune_tile(tune_search *tuner, oclstm_error *error);
oclstm_status tune_shapes(tune_search *tuner, oclstm_error *error);
oclstm_status tune_clblast(tune_search *tuner, oclstm_error *error);
uint64_t tune_tile_count(const tune_search *tuner);
uint64_t tune_shapes_count(const tune_search *tuner);
uint64_t tune_clblast_count(const tune_search *tuner);

// --- trials -------------------------------------------------------------------------------------------------------------

// Runs a sequence of this shape with an engine and the settings and times it: seconds of the fastest of some calls. False when it cannot run here,
// fails, or disagrees with the reference: tuner->last_error says why.
bool trial_sequence(tune_search *tuner, const oclstm_tune_shape *shape, const tuned_settings *settings, const char *engine,
                    double *seconds);

#endif
