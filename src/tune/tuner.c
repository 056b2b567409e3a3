// SPDX-License-Identifier: Apache-2.0
#include "tune/tuner.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"

// What a search has tried is written down this often, also when it finds nothing, so that one that is killed goes on there.
static const double save_interval_seconds = 2;

// A winner must be ahead by this much, each time that it is timed in turn with the best before it.
static const double needed_gain = 0.97;
enum { CONFIRMATIONS = 3 };

// --- progress -----------------------------------------------------------------------------------------------------------

static void report(tune_search *tuner) {
    const oclstm_tune_progress progress = {.elapsed_seconds = base_clock() - tuner->start_seconds,
                                           .budget_seconds = tuner->budget_seconds,
                                           .tried = (size_t)tuner->tried,
                                           .total = (size_t)tuner->total,
                                           .stage = tuner->stage,
                                           .best = tuner->best_words,
                                           .best_speedup = tuner->best_speedup};
    if (progress.elapsed_seconds >= tuner->budget_seconds)
        tuner->stopped = true;
    if (tuner->params->report != NULL && !tuner->params->report(&progress, tuner->params->user))
        tuner->stopped = true;
}

void tuner_stage(tune_search *tuner, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(tuner->stage, sizeof tuner->stage, format, arguments);
    va_end(arguments);
    tuner->best_words[0] = '\0';
    tuner->best_speedup = 1;
}

void tuner_stage_end(tune_search *tuner) {
    if (tuner->tried > tuner->resume_at && !tuner->stopped)
        report(tuner);
}

bool tuner_next(tune_search *tuner) {
    if (tuner->stopped)
        return false;
    if (tuner->tried >= tuner->resume_at) {
        report(tuner);
        if (tuner->stopped)
            return false;
        if (base_clock() - tuner->saved_seconds >= save_interval_seconds)
            (void)tuner_save(tuner, NULL); // one that fails fails at the end, too
    }
    return ++tuner->tried > tuner->resume_at;
}

oclstm_status tuner_save(tune_search *tuner, oclstm_error *error) {
    tuner->saved_seconds = base_clock();
    if (tuner->path[0] == '\0')
        return OCLSTM_OK;
    base_copy_string(tuner->best->tried_key, sizeof tuner->best->tried_key, tuner->key);
    tuner->best->tried = tuner->tried;
    return tuned_save(tuner->best, device_get_limits(tuner->device), tuner->path, error);
}

oclstm_status tuner_found(tune_search *tuner, double speedup, oclstm_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(tuner->best_words, sizeof tuner->best_words, format, arguments);
    va_end(arguments);
    tuner->best_speedup = speedup;
    return tuner_save(tuner, error);
}

// --- comparing ----------------------------------------------------------------------------------------------------------

static void begin_contest(tune_search *tuner, tune_contest *contest) {
    contest->begun = true;
    contest->base = INFINITY;
    // What cannot be timed again later is timed as often now.
    for (int i = 0; i <= (contest->repeatable ? 0 : CONFIRMATIONS); i++) {
        double seconds;
        if (!contest->time(tuner, contest->subject, NULL, &seconds))
            break;
        contest->base = fmin(contest->base, seconds);
    }
    contest->best = contest->base;
}

bool tuner_contest(tune_search *tuner, tune_contest *contest, const void *candidate) {
    double seconds, again;
    if (!contest->begun)
        begin_contest(tuner, contest);
    if (!contest->time(tuner, contest->subject, candidate, &seconds) || !(seconds < needed_gain * contest->best))
        return false;
    const bool from_base = contest->best >= contest->base;
    for (int i = 0; i < CONFIRMATIONS && isfinite(contest->best); i++) {
        if (contest->repeatable && contest->time(tuner, contest->subject, NULL, &again))
            contest->best = fmin(contest->best, again);
        if (!contest->time(tuner, contest->subject, candidate, &again))
            return false;
        seconds = fmin(seconds, again);
        if (from_base)
            contest->base = contest->best;
        if (!(seconds < needed_gain * contest->best))
            return false;
    }
    contest->best = seconds;
    contest->repeatable = true;
    return true;
}

double tuner_speedup(const tune_contest *contest) { return isfinite(contest->base) ? contest->base / contest->best : 1; }
