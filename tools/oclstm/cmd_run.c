// SPDX-License-Identifier: Apache-2.0
// `oclstm run`: files, then device, then the work, then the results; nothing is kept of a run that fails.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "choose_device.h"
#include "commands.h"
#include "duration_text.h"
#include "kernels_report.h"
#include "network_job.h"
#include "report.h"
#include "run_group.h"
#include "run_job.h"

static int misuse(const char *text) {
    report("run: %s", text);
    fputs("Try 'oclstm run --help'.\n", stderr);
    return EXIT_MISUSE;
}

static bool same_file(const char *a, const char *b) { return a && b && strcmp(a, b) == 0; }

static int check_options(const cli_options *options) {
    if (!options->input)
        return misuse("-i X is missing: the input to run the cell on");
    if (!options->h0 != !options->c0)
        return misuse(options->h0 ? "--h0 without --c0: give both, or neither for zero"
                                  : "--c0 without --h0: give both, or neither for zero");
    if (same_file(options->output, options->hn) || same_file(options->output, options->cn) || same_file(options->hn, options->cn))
        return misuse("-o, --hn and --cn must name different files");
    return run_plot_check(options);
}

static int fail(const oclstm_error *error) {
    report_error(error);
    return exit_code_of(error->status);
}

static int open_files(run_job *job) {
    const cli_options *options = job->options;
    oclstm_error error;
    if (oclstm_tensors_find_cell(job->model, options->cell, &job->entry, &error) != OCLSTM_OK)
        return fail(&error);
    int code = run_source_open(&job->x, options->input);
    if (code == EXIT_DONE)
        code = run_source_open(&job->h0, options->h0);
    if (code == EXIT_DONE)
        code = run_source_open(&job->c0, options->c0);
    return code;
}

static int load_cell(run_job *job) {
    oclstm_error error;
    const double begin = run_clock();
    const run_shape *shape = &job->shape;
    if (names_devices(job->options))
        return run_group_load(job);
    const int code =
        choose_device_for(&job->device, job->options, &(cli_shape){shape->batch, shape->input, shape->hidden, shape->steps});
    if (code != EXIT_DONE)
        return code;
    const double opened = run_clock();
    if (oclstm_cell_load(&job->cell, job->device, job->model, job->options->cell,
                         OCLSTM_CELL(.dtype = job->shape.dtype, .engine = job->options->engine), &error) != OCLSTM_OK)
        return fail(&error);
    job->weights_bytes = oclstm_device_get_held_bytes(job->device);
    job->times.device = opened - begin;
    job->times.cell = run_clock() - opened;
    if (!job->options->verbose)
        return EXIT_DONE;
    char why[1024];
    if (oclstm_cell_explain(job->cell, shape->batch, shape->steps, why, sizeof why, &error) != OCLSTM_OK)
        return fail(&error);
    const bool is_short = shape->dtype == OCLSTM_F16 || shape->dtype == OCLSTM_BF16;
    report("cell '%s': input %" PRId64 ", hidden %" PRId64 ", %s, weights %s, %s in %s%s", job->entry.name, shape->input,
           shape->hidden, job->entry.bias ? "bias" : "no bias", oclstm_dtype_name(job->entry.dtype),
           is_short ? "stored" : "computed", oclstm_dtype_name(shape->dtype), is_short ? ", sums and c in float32" : "");
    report("engine: %s", why);
    return EXIT_DONE;
}

// At -v.
static void summarise_devices(const run_job *job) {
    if (job->group) {
        run_group_summarise(job);
        return;
    }
    const uint64_t held = oclstm_device_get_held_bytes(job->device);
    report("memory: %.1f MiB held on the device: %" PRIu64 " bytes, of which the weights before packing %" PRIu64,
           (double)held / (1024.0 * 1024.0), held, job->weights_bytes);
    report_kernels(job->device, job->options);
}

// The device and the engine, or the devices.
static const char *executed_on(const run_job *job, char *text, size_t capacity) {
    if (job->group)
        return device_names(text, capacity, job->devices, job->device_count);
    const oclstm_device_info *info = oclstm_device_get_info(job->device);
    snprintf(text, capacity, "%s (%s), engine %s", info->name, info->platform_name,
             oclstm_engine_name(oclstm_cell_last_engine(job->cell)));
    return text;
}

static void summarise(const run_job *job) {
    char total[32], each[32], where[1024];
    if (job->options->quiet)
        return;
    if (job->options->verbose) {
        char device[32], cell[32], kernels[32];
        report("set-up: device %s, cell %s, first step with kernels %s", duration_text(device, job->times.device),
               duration_text(cell, job->times.cell), duration_text(kernels, job->times.kernels));
        summarise_devices(job);
    }
    const double steps = (double)job->shape.steps, seconds = job->times.steps > 1e-9 ? job->times.steps : 1e-9;
    report("%s, %" PRId64 " steps x batch %" PRId64 " in %s, %s/step, %.0f steps/s", executed_on(job, where, sizeof where),
           job->shape.steps, job->shape.batch, duration_text(total, seconds), duration_text(each, seconds / steps),
           steps / seconds);
}

static int begin_plot(run_job *job) {
    const run_shape *shape = &job->shape;
    char title[512];
    const char *folder = strrchr(job->options->operands[0], '/');
    snprintf(title, sizeof title, "%s: cell %s%s", folder ? folder + 1 : job->options->operands[0], job->entry.name,
             shape->batch > 1 ? "; row 0 of the batch" : "");
    return run_plot_begin(&job->plot, job->options,
                          &(run_plot_series){.steps = shape->steps,
                                             .batch = shape->batch,
                                             .outputs = shape->hidden,
                                             .batch_first = shape->batch_first,
                                             .dtype = shape->io_dtype,
                                             .title = title,
                                             .label = "h"});
}

static int run_in_order(run_job *job) {
    int code = open_files(job);
    if (code == EXIT_DONE)
        code = run_shape_decide(job);
    if (code == EXIT_DONE)
        code = begin_plot(job);
    if (code == EXIT_DONE)
        code = run_outputs_create(job);
    if (code == EXIT_DONE)
        code = load_cell(job);
    if (code == EXIT_DONE)
        code = run_slices(job);
    if (code == EXIT_DONE && run_signal())
        code = EXIT_SIGNAL + run_signal();
    if (code == EXIT_DONE)
        code = run_plot_draw(job->plot);
    if (code == EXIT_DONE)
        code = run_outputs_commit(&job->outputs);
    if (code == EXIT_DONE)
        code = run_plot_commit(job->plot);
    if (code == EXIT_DONE)
        summarise(job);
    if (code > EXIT_SIGNAL)
        report("run: stopped by a signal; no result was written");
    return code;
}

static int run_cell(run_job *job) {
    const int code = run_in_order(job);
    run_outputs_discard(&job->outputs);
    run_plot_end(&job->plot);
    run_group_close(job);
    oclstm_state_destroy(&job->state);
    oclstm_cell_destroy(&job->cell);
    oclstm_device_close(&job->device);
    run_source_close(&job->x);
    run_source_close(&job->h0);
    run_source_close(&job->c0);
    return code;
}

int cmd_run(const cli_options *options) {
    run_job job = {.options = options};
    oclstm_layer *layers = NULL;
    size_t count = 0;
    oclstm_error error;
    run_catch_signals();
    int code = check_options(options);
    if (code == EXIT_DONE && oclstm_tensors_open(&job.model, options->operands[0], &error) != OCLSTM_OK)
        code = fail(&error);
    if (code == EXIT_DONE)
        code = network_wanted(job.model, options, &layers, &count);
    if (code == EXIT_DONE)
        code = layers != NULL ? network_run(options, job.model, layers, count) : run_cell(&job);
    oclstm_network_layers_free(&layers);
    oclstm_tensors_close(&job.model);
    return code;
}
