// SPDX-License-Identifier: Apache-2.0
// `oclstm bench`: shapes x engines, each timed, shown as it is done.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "choose_device.h"
#include "commands.h"
#include "report.h"
#include "run_job.h"

static const oclstm_engine engines[] = {OCLSTM_ENGINE_PORTABLE, OCLSTM_ENGINE_FUSED, OCLSTM_ENGINE_CLBLAST};
enum { ENGINES = sizeof engines / sizeof engines[0] };

// Without --repeat: more calls than these tell nothing more.
static const size_t most_calls = (size_t)1 << 20;

static int misuse(const char *text) {
    report("bench: %s", text);
    fputs("Try 'oclstm bench --help'.\n", stderr);
    return EXIT_MISUSE;
}

static int check_options(const cli_options *options) {
    if (options->repeat && options->seconds > 0.0)
        return misuse("--repeat and --time: give one of them");
    if (options->single && options->plot)
        return misuse("--plot draws sequence calls: leave out --single");
    if (options->product_count > 0 && (options->shape_count > 0 || options->single || options->plot || options->engine_all ||
                                       options->engine != OCLSTM_ENGINE_AUTO || options->repeat || options->seconds > 0.0))
        return misuse("--gemm measures products: leave out --shape, --single, --plot, --engine, --repeat and --time");
    if (options->product_count > 0 && options->dtype != OCLSTM_F32 && options->dtype != OCLSTM_F64)
        return misuse(
            "--gemm measures products of float32 or float64: CLBlast accumulates float16 in float16, and has no bfloat16");
    if (options->plot && names_devices(options))
        return misuse("--plot shows one device beside what it can reach: name one");
    if (options->train && (options->single || options->plot || options->product_count > 0 || names_devices(options)))
        return misuse(
            "--train measures sequences on one device, forward and back: leave out --single, --plot, --gemm, and name one device");
    for (int at = 0; options->single && at < options->shape_count; at++)
        if (options->shapes[at].steps != 1)
            return misuse("--single runs one step a call: give T = 1 in --shape");
    return EXIT_DONE;
}

static int prepare(bench_job *job) {
    const cli_options *options = job->options;
    job->shape_count = options->shape_count;
    memcpy(job->shapes, options->shapes, sizeof job->shapes);
    if (job->shape_count == 0)
        job->shape_count = bench_default_shapes(job->shapes, options);
    for (int at = 0; at < job->shape_count; at++)
        if (!bench_fits_memory(&job->shapes[at], options->dtype))
            return EXIT_FAILED;
    job->cases = job->shape_count * (options->engine_all ? ENGINES : 1);
    job->sample_capacity = options->repeat ? (size_t)options->repeat : most_calls;
    job->samples = calloc(job->sample_capacity, sizeof *job->samples);
    if (job->samples)
        return EXIT_DONE;
    report("bench: no host memory for the times of %zu calls", job->sample_capacity);
    return EXIT_FAILED;
}

static int show(bench_job *job, const bench_result *result) {
    progress_end(&job->bar);
    if (job->options->json)
        return bench_print_json(result);
    bench_print_result(result);
    return EXIT_DONE;
}

// Every case; results holds job->cases.
static int measure_all(bench_job *job, bench_result *results, size_t *count) {
    const cli_options *options = job->options;
    for (int at = 0; at < job->cases; at++) {
        bool ran = false;
        const oclstm_engine engine = options->engine_all ? engines[at % ENGINES] : options->engine;
        int code = bench_measure(&results[*count], &ran, job, options->engine_all ? at / ENGINES : at, engine);
        job->cases_done++;
        if (code == EXIT_DONE && ran)
            code = show(job, &results[(*count)++]);
        if (code == EXIT_DONE && run_signal())
            code = EXIT_SIGNAL + run_signal();
        if (code != EXIT_DONE)
            return code;
    }
    return EXIT_DONE;
}

static int bench_in_order(bench_job *job, bench_plot **plot) {
    const cli_options *options = job->options;
    bench_result *results = NULL;
    size_t count = 0;
    int code = check_options(options);
    if (code == EXIT_DONE && options->product_count > 0)
        return bench_gemm(options);
    if (code == EXIT_DONE)
        code = prepare(job);
    if (code == EXIT_DONE && options->plot)
        code = bench_plot_begin(plot, options->plot);
    if (code == EXIT_DONE)
        code = bench_open_devices(job);
    if (code != EXIT_DONE)
        return code;
    results = calloc((size_t)job->cases, sizeof *results);
    if (!results) {
        report("bench: no host memory for %d results", job->cases);
        return EXIT_FAILED;
    }
    if (!options->json)
        bench_print_header(job);
    progress_begin(&job->bar, options->quiet, run_clock());
    job->bar.unit = "cases";
    code = measure_all(job, results, &count);
    progress_end(&job->bar);
    if (code == EXIT_DONE && count == 0) {
        report("bench: no engine could run");
        code = EXIT_FAILED;
    }
    if (code == EXIT_DONE && *plot)
        code = bench_plot_draw(*plot, results, count);
    free(results);
    return code;
}

int cmd_bench(const cli_options *options) {
    bench_job job = {.options = options};
    bench_plot *plot = NULL;
    run_catch_signals();
    const int code = bench_in_order(&job, &plot);
    if (code > EXIT_SIGNAL)
        report("bench: stopped by a signal");
    bench_plot_end(&plot);
    bench_close_devices(&job);
    free(job.samples);
    return code;
}
