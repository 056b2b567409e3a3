// SPDX-License-Identifier: Apache-2.0
// `oclstm tune`: a search on each device that the shapes run on, watched, and what it found.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choose_device.h"
#include "commands.h"
#include "progress.h"
#include "report.h"
#include "run_job.h"

static const double default_budget = 300.0;

// What one stage of the search found.
typedef struct tune_finding {
    char stage[96];
    char words[256];
    double speedup;
} tune_finding;

enum { MAX_FINDINGS = 128 };

// The shapes of one device.
typedef struct tune_part {
    oclstm_device *device;
    oclstm_tune_shape shapes[MAX_SHAPES];
    size_t shape_count;
} tune_part;

typedef struct tune_job {
    const cli_options *options;
    tune_part *parts;
    int part_count;
    double ends; // the end of the budget
    progress bar;
    tune_finding *findings; // MAX_FINDINGS
    int finding_count;
    char note[384];
    size_t tried, total;
} tune_job;

// --- devices ------------------------------------------------------------------------------------------------------------

static int add_part(tune_job *job, oclstm_device **device, const cli_shape *shape) {
    int at = 0;
    const int index = oclstm_device_get_info(*device)->index;
    while (at < job->part_count && oclstm_device_get_info(job->parts[at].device)->index != index)
        at++;
    tune_part *part = &job->parts[at];
    if (at < job->part_count) {
        oclstm_device_close(device);
    } else {
        job->part_count++;
        part->device = *device;
        *device = NULL;
    }
    if (shape)
        part->shapes[part->shape_count++] = (oclstm_tune_shape){shape->batch, shape->input, shape->hidden, shape->steps};
    return EXIT_DONE;
}

// One device for all shapes where it is named, or where there are none; else each shape's own.
static int open_devices(tune_job *job) {
    const cli_options *options = job->options;
    const int count = options->shape_count > 0 ? options->shape_count : 1;
    int code = EXIT_DONE;
    for (int at = 0; at < count && code == EXIT_DONE; at++) {
        const cli_shape *shape = options->shape_count > 0 ? &options->shapes[at] : NULL;
        oclstm_device *device = NULL;
        code = shape ? choose_device_for(&device, options, shape) : choose_device(&device, options);
        if (code == EXIT_DONE)
            code = add_part(job, &device, shape);
    }
    return code;
}

// --- watching -----------------------------------------------------------------------------------------------------------

// Keeps the best of each stage: the last that it reported.
static void note_finding(tune_job *job, const oclstm_tune_progress *state) {
    if (!*state->best)
        return;
    tune_finding *last = job->finding_count > 0 ? &job->findings[job->finding_count - 1] : NULL;
    if (!last || strcmp(last->stage, state->stage) != 0) {
        if (job->finding_count == MAX_FINDINGS)
            return;
        last = &job->findings[job->finding_count++];
    }
    snprintf(last->stage, sizeof last->stage, "%s", state->stage);
    snprintf(last->words, sizeof last->words, "%s", state->best);
    last->speedup = state->best_speedup;
}

static bool watch(const oclstm_tune_progress *state, void *user) {
    tune_job *job = user;
    note_finding(job, state);
    job->tried = state->tried;
    job->total = state->total;
    if (*state->best)
        snprintf(job->note, sizeof job->note, "%s: x%.2f %s", state->stage, state->best_speedup, state->best);
    else
        snprintf(job->note, sizeof job->note, "%s", state->stage);
    progress_update(&job->bar, (int64_t)state->tried, (int64_t)state->total, run_clock());
    return run_signal() == 0;
}

// --- what was found -----------------------------------------------------------------------------------------------------

static void print_findings(const tune_job *job) {
    for (int at = 0; at < job->finding_count; at++) {
        const tune_finding *found = &job->findings[at];
        printf("%-32s %6.2fx  ", found->stage, found->speedup);
        print_text(stdout, found->words);
        putchar('\n');
    }
    if (job->finding_count == 0)
        puts("nothing faster was found");
}

static void say_end(const tune_job *job, bool whole) {
    if (job->options->quiet)
        return;
    if (run_signal())
        report("tune: stopped by a signal after %zu of %zu candidates; the same command goes on from there", job->tried,
               job->total);
    else if (!whole)
        report("tune: the budget ended after %zu of %zu candidates; the same command goes on from there", job->tried, job->total);
}

static int print_path(const tune_part *part) {
    char path[1024];
    oclstm_error error;
    if (oclstm_tune_path(part->device, path, sizeof path, &error) != OCLSTM_OK) {
        report_error(&error);
        return EXIT_FAILED;
    }
    printf("kept in ");
    print_text(stdout, path);
    putchar('\n');
    return EXIT_DONE;
}

// --- a search -----------------------------------------------------------------------------------------------------------

static int tune_device(tune_job *job, const tune_part *part, double budget) {
    const cli_options *options = job->options;
    const oclstm_device_info *info = oclstm_device_get_info(part->device);
    oclstm_error error;
    const oclstm_tune_params params = {.shapes = part->shape_count > 0 ? part->shapes : NULL,
                                       .shape_count = part->shape_count,
                                       .dtype = options->dtype,
                                       .budget_seconds = budget,
                                       .restart = options->restart,
                                       .report = watch,
                                       .user = job};
    job->finding_count = 0;
    const double begin = run_clock();
    progress_begin(&job->bar, options->quiet, begin);
    job->bar.unit = "candidates";
    job->bar.note = job->note;
    job->bar.ends = begin + budget;
    const oclstm_status status = oclstm_tune(part->device, &params, &error);
    progress_end(&job->bar);
    if (status != OCLSTM_OK) {
        report_error(&error);
        return status == OCLSTM_INVALID_ARGUMENT ? EXIT_MISUSE : exit_code_of(status);
    }
    printf("device %d: ", info->index);
    print_text(stdout, info->name);
    putchar('\n');
    print_findings(job);
    say_end(job, job->tried == job->total && run_clock() < begin + budget);
    return print_path(part);
}

static int tune_in_order(tune_job *job) {
    int code = open_devices(job);
    if (code != EXIT_DONE)
        return code;
    job->ends = run_clock() + (job->options->budget > 0.0 ? job->options->budget : default_budget);
    for (int at = 0; at < job->part_count && code == EXIT_DONE && !run_signal(); at++) {
        const double left = job->ends - run_clock();
        // What is left is shared by the devices to come; where nothing is, the search still says where it stands.
        code = tune_device(job, &job->parts[at], (left > 1e-9 ? left : 1e-9) / (job->part_count - at));
    }
    return code;
}

int cmd_tune(const cli_options *options) {
    tune_job job = {.options = options};
    run_catch_signals();
    if (!options->quiet)
        run_announce_stop("\noclstm: stopping after this candidate; Ctrl-C again ends at once\n");
    job.parts = calloc(MAX_SHAPES, sizeof *job.parts);
    job.findings = calloc(MAX_FINDINGS, sizeof *job.findings);
    int code = EXIT_FAILED;
    if (job.parts && job.findings)
        code = tune_in_order(&job);
    else
        report("tune: no host memory for the search");
    for (int at = 0; at < job.part_count; at++)
        oclstm_device_close(&job.parts[at].device);
    free(job.findings);
    free(job.parts);
    return code;
}
