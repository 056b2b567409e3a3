// SPDX-License-Identifier: Apache-2.0
// One shape, one engine: warm-up, then calls until there are enough.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array_view.h"
#include "bench.h"
#include "reference.h"
#include "report.h"
#include "run_job.h"

// Single steps: the 99th percentile of fewer is chance.
enum { SINGLE_CALLS = 2000, LEAST_CALLS = 3 };
static const double default_seconds = 0.5;
// Above this a call is not repeated for its own sake: once warm and once timed.
static const double long_call_seconds = 2.0;
// With --engine all a call that takes longer is left out.
static const double longest_of_all_seconds = 5.0;
// The first call builds kernels; caches and branch predictors are warm soon after.
static const double warm_up_seconds = 0.02;

// The arrays of a call.
typedef struct bench_arrays {
    void *x, *y, *h, *c;
    oclstm_cell *cell;
    oclstm_state *state;
    oclstm_group *group;      // in place of both
    bench_training *training; // with --train
} bench_arrays;

static int fail(const oclstm_error *error) {
    report_error(error);
    return exit_code_of(error->status);
}

static void arrays_release(bench_arrays *arrays) {
    bench_training_destroy(&arrays->training);
    oclstm_group_destroy(&arrays->group);
    oclstm_state_destroy(&arrays->state);
    oclstm_cell_destroy(&arrays->cell);
    free(arrays->x);
    free(arrays->y);
    free(arrays->h);
    free(arrays->c);
}

// Uniform in [-1, 1), the same in every run.
static void fill(void *values, size_t count, oclstm_dtype dtype) {
    uint64_t seed = 42;
    for (size_t i = 0; i < count; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const double value = (double)(seed >> 11) * 0x1p-52 - 1.0;
        reference_narrow((char *)values + i * oclstm_dtype_size_bytes(dtype), &value, dtype, 1);
    }
}

static int arrays_create(bench_arrays *out, const cli_shape *shape, oclstm_dtype dtype, const char *text) {
    const size_t element = oclstm_dtype_size_bytes(dtype), rows = (size_t)(shape->batch * shape->steps);
    const size_t state = (size_t)shape->batch * (size_t)shape->hidden;
    out->x = calloc(rows * (size_t)shape->input, element);
    out->y = calloc(rows * (size_t)shape->hidden, element);
    out->h = calloc(state, element);
    out->c = calloc(state, element);
    if (out->x && out->y && out->h && out->c) {
        fill(out->x, rows * (size_t)shape->input, dtype);
        // Written once, so that no call pays for new pages.
        memset(out->y, 0, rows * (size_t)shape->hidden * element);
        return EXIT_DONE;
    }
    report("bench: no host memory for the arrays of shape %s; use a smaller one", text);
    return EXIT_FAILED;
}

static oclstm_status call(const bench_job *job, const bench_arrays *arrays, const cli_shape *shape, oclstm_error *error) {
    const oclstm_dtype dtype = job->options->dtype;
    const oclstm_array h = {arrays->h, dtype, 2, {shape->batch, shape->hidden}};
    const oclstm_array c = {arrays->c, dtype, 2, {shape->batch, shape->hidden}};
    if (job->options->single) {
        oclstm_step step = {.x = {arrays->x, dtype, 2, {shape->batch, shape->input}}, .h_out = h, .state = arrays->state};
        if (!arrays->group)
            return oclstm_cell_step(arrays->cell, &step, error);
        step.c_out = c; // the state is handed on in host memory
        step.h = array_read_only(h);
        step.c = array_read_only(c);
        return oclstm_group_step(arrays->group, &step, error);
    }
    const oclstm_sequence sequence = {.x = {arrays->x, dtype, 3, {shape->steps, shape->batch, shape->input}},
                                      .y = {arrays->y, dtype, 3, {shape->steps, shape->batch, shape->hidden}},
                                      .h_out = h,
                                      .c_out = c};
    if (arrays->training)
        return bench_training_call(arrays->training, &sequence, error);
    return arrays->group ? oclstm_group_sequence(arrays->group, &sequence, error)
                         : oclstm_cell_sequence(arrays->cell, &sequence, error);
}

static int compare_doubles(const void *a, const void *b) {
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void summarise(bench_result *out, double *samples, size_t count) {
    qsort(samples, count, sizeof *samples, compare_doubles);
    const size_t middle = count / 2, rank = (size_t)ceil((double)count * 0.99);
    out->calls = count;
    out->seconds_min = samples[0];
    out->seconds_median = count % 2 ? samples[middle] : 0.5 * (samples[middle - 1] + samples[middle]);
    out->seconds_p99 = samples[rank - 1]; // the smallest that at least 99 % do not exceed
    out->seconds_max = samples[count - 1];
}

// Calls that are not counted. *last is the time of one when warm.
static int warm_up(double *last, bench_job *job, const bench_arrays *arrays, const cli_shape *shape) {
    oclstm_error error;
    const double begin = run_clock();
    double spent = 0;
    for (int calls = 0; calls < 2 || spent < warm_up_seconds; calls++) {
        const double start = run_clock();
        if (run_signal())
            return EXIT_SIGNAL + run_signal();
        if (calls > 0 && start - begin > 2.0 * long_call_seconds)
            return EXIT_DONE; // a long first call: built and run, how long it takes warm will be seen
        if (call(job, arrays, shape, &error) != OCLSTM_OK)
            return fail(&error);
        *last = run_clock() - start;
        spent = calls > 0 ? run_clock() - begin : 0;
    }
    return EXIT_DONE;
}

// Has `count` calls in `seconds` done what the command line asks for?
static bool is_enough(const cli_options *options, size_t count, double seconds) {
    if (options->repeat)
        return count >= (size_t)options->repeat;
    if (seconds < (options->seconds > 0.0 ? options->seconds : default_seconds))
        return false;
    return count >= (options->single ? SINGLE_CALLS : LEAST_CALLS) || (count > 0 && seconds > 2.0 * long_call_seconds);
}

static int time_calls(bench_result *out, bench_job *job, const bench_arrays *arrays) {
    oclstm_error error;
    double last = 0;
    const int code = warm_up(&last, job, arrays, &out->shape);
    if (code != EXIT_DONE)
        return code;
    const double begin = run_clock();
    double now = begin;
    size_t count = 0;
    for (; count < job->sample_capacity && !is_enough(job->options, count, now - begin); count++) {
        const double start = run_clock();
        if (call(job, arrays, &out->shape, &error) != OCLSTM_OK)
            return fail(&error);
        now = run_clock();
        job->samples[count] = now - start;
        if (run_signal())
            return EXIT_SIGNAL + run_signal();
        progress_update(&job->bar, job->cases_done, job->cases, now);
    }
    summarise(out, job->samples, count);
    return EXIT_DONE;
}

// With --engine all: would one call take so long that nobody waits for it? Judged by one step, so that no long call is begun.
static bool takes_long(const bench_job *job, const bench_arrays *arrays, const cli_shape *shape, oclstm_engine engine,
                       const char *text) {
    cli_shape step = *shape;
    step.steps = 1;
    double seconds = 0;
    for (int calls = 0; calls < 2 && seconds < longest_of_all_seconds; calls++) { // the first builds
        const double start = run_clock();
        if (job->options->single || call(job, arrays, &step, NULL) != OCLSTM_OK)
            return false; // the measurement will say why
        seconds = run_clock() - start;
    }
    seconds *= (double)shape->steps;
    if (seconds < longest_of_all_seconds)
        return false;
    if (!job->options->quiet)
        report("bench: shape %s without engine %s: a call would take about %.0f s; --engine %s measures it alone", text,
               oclstm_engine_name(engine), seconds, oclstm_engine_name(engine));
    return true;
}

// The cell, and for single steps its state; or the group. Writes the engine and why.
static oclstm_status make_cell(bench_arrays *arrays, const bench_job *job, oclstm_device *device, const cli_shape *shape,
                               oclstm_engine engine, char *why, size_t capacity, oclstm_error *error) {
    const oclstm_cell_params *params =
        OCLSTM_CELL(.input_size = shape->input, .hidden_size = shape->hidden, .dtype = job->options->dtype, .engine = engine);
    oclstm_status status;
    if (job->group) {
        status = oclstm_group_create(&arrays->group, job->group, job->group_count, params, error);
        return status == OCLSTM_OK ? oclstm_group_explain(arrays->group, 0, shape->batch, shape->steps, why, capacity, error)
                                   : status;
    }
    status = oclstm_cell_create(&arrays->cell, device, params, error);
    if (status == OCLSTM_OK && job->options->single)
        status = oclstm_state_create(&arrays->state, arrays->cell, shape->batch, error);
    if (status == OCLSTM_OK && job->options->train)
        status = bench_training_create(&arrays->training, arrays->cell, shape, engine, error);
    if (status == OCLSTM_OK && arrays->training)
        snprintf(why, capacity, "engine %s", oclstm_engine_name(bench_training_engine(arrays->training)));
    else if (status == OCLSTM_OK)
        status = oclstm_cell_explain(arrays->cell, shape->batch, shape->steps, why, capacity, error);
    return status;
}

// What each of several devices did in the last call.
static void take_shares(bench_result *out, const bench_job *job, bench_arrays *arrays) {
    char text[2048];
    out->shares = job->group_count;
    for (size_t i = 0; i < job->group_count; i++) {
        oclstm_share share;
        if (oclstm_group_get_share(arrays->group, i, &share, NULL) != OCLSTM_OK)
            continue;
        if (i < MAX_SHARES)
            out->share[i] = share;
        if (share.rows > 0)
            out->engine = share.engine;
        if (job->options->verbose && !share.is_out)
            report("device %zu (%s): %lld of %lld rows, %.0f rows/s", i, share.device->name, (long long)share.rows,
                   (long long)out->shape.batch, share.rows_per_second);
    }
    while (oclstm_group_next_warning(arrays->group, text, sizeof text)) {
        if (!job->options->quiet)
            report("warning: %s", text);
    }
}

int bench_measure(bench_result *out, bool *ran, bench_job *job, int place, oclstm_engine engine) {
    const cli_shape *shape = &job->shapes[place];
    const cli_options *options = job->options;
    const bench_device *device = job->group ? NULL : &job->devices[job->device_of[place]];
    oclstm_device *const first = device ? device->device : job->group[0];
    bench_arrays arrays = {0};
    oclstm_error error;
    char text[96], why[1024];
    const bool named = options->device != NULL;
    *ran = false;
    *out = (bench_result){.shape = *shape, .dtype = options->dtype, .single = options->single, .train = options->train};
    if (device)
        out->roofs = device->roofs;
    out->device = oclstm_device_get_info(first);
    int code = arrays_create(&arrays, shape, options->dtype, bench_shape_text(text, shape));
    if (code != EXIT_DONE)
        goto done;
    const oclstm_status status = make_cell(&arrays, job, first, shape, engine, why, sizeof why, &error);
    if (status == OCLSTM_UNSUPPORTED && options->engine_all) {
        if (!options->quiet)
            report("bench: shape %s without engine %s: %s", text, oclstm_engine_name(engine), error.message);
        goto done;
    }
    if (status != OCLSTM_OK) {
        code = fail(&error);
        goto done;
    }
    if (options->verbose)
        report("shape %s: device %d%s, %s", text, out->device->index,
               named || out->device->chosen_by_auto ? "" : " (chosen by the shape: too small to wake a thread for)", why);
    if (options->engine_all && takes_long(job, &arrays, shape, engine, text))
        goto done;
    code = time_calls(out, job, &arrays);
    out->engine = arrays.training ? bench_training_engine(arrays.training) : oclstm_cell_last_engine(arrays.cell);
    if (job->group)
        take_shares(out, job, &arrays);
    *ran = code == EXIT_DONE;
done:
    arrays_release(&arrays);
    return code;
}
