// SPDX-License-Identifier: Apache-2.0
// A run of a network: files, device, work, results; nothing is kept of a run that fails.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choose_device.h"
#include "network_job.h"
#include "report.h"

static int fail(const oclstm_error *error) {
    report_error(error);
    return exit_code_of(error->status);
}

static int open_sources(network_job *job) {
    int code = run_source_open(&job->x, job->options->input);
    if (code == EXIT_DONE)
        code = run_source_open(&job->h0, job->options->h0);
    if (code == EXIT_DONE)
        code = run_source_open(&job->c0, job->options->c0);
    if (code == EXIT_DONE)
        code = run_source_open(&job->lengths, job->options->lengths);
    return code;
}

// What the device is chosen by where none is named.
static int64_t widest_input(const network_job *job) {
    int64_t widest = 1;
    for (size_t i = 0; i < job->count; i++)
        widest = job->layers[i].hidden_size > 0 && job->layers[i].inputs > widest ? job->layers[i].inputs : widest;
    return widest;
}

static int64_t widest_hidden(const network_job *job) {
    int64_t widest = 1;
    for (size_t i = 0; i < job->count; i++)
        widest = job->layers[i].hidden_size > widest ? job->layers[i].hidden_size : widest;
    return widest;
}

int network_load(network_job *job) {
    const cli_options *options = job->options;
    network_sizes *sizes = &job->sizes;
    oclstm_error error;
    const double begin = run_clock();
    const int code =
        choose_device_for(&job->device, options, &(cli_shape){sizes->batch, widest_input(job), widest_hidden(job), sizes->steps});
    if (code != EXIT_DONE)
        return code;
    oclstm_network_params params = {
        .layers = options->layers, .engine = options->engine, .dtype_given = options->dtype_given, .dtype = options->dtype};
    if (!options->dtype_given && !sizes->tokens) {
        params.dtype_given = true;
        params.dtype = job->x.tensor->dtype == OCLSTM_F64 ? OCLSTM_F64 : OCLSTM_F32;
    }
    if (oclstm_network_load(&job->network, job->device, job->model, &params, &error) != OCLSTM_OK)
        return fail(&error);
    sizes->dtype = oclstm_network_dtype(job->network);
    if (oclstm_network_state_shape(job->network, sizes->batched ? sizes->batch : 0, &sizes->state_rank, sizes->h_shape,
                                   sizes->c_shape, &error) != OCLSTM_OK) {
        sizes->state_rank = 0;
        if (options->h0 || options->hn || options->cn)
            return fail(&error);
    }
    job->load_seconds = run_clock() - begin;
    return EXIT_DONE;
}

static int create_outputs(network_job *job) {
    const cli_options *options = job->options;
    const network_sizes *sizes = &job->sizes;
    const int64_t steps = sizes->steps + sizes->future;
    int64_t shape[3] = {sizes->batch_first ? sizes->batch : steps, sizes->batch_first ? steps : sizes->batch, sizes->outputs};
    if (!sizes->batched)
        shape[1] = sizes->outputs;
    int code = run_output_create(&job->outputs.y, run_y_path(options), sizes->dtype, sizes->batched ? 3 : 2, shape);
    if (code == EXIT_DONE)
        code = run_output_create(&job->outputs.hn, options->hn, sizes->dtype, sizes->state_rank, sizes->h_shape);
    if (code == EXIT_DONE)
        code = run_output_create(&job->outputs.cn, options->cn, sizes->dtype, sizes->state_rank, sizes->c_shape);
    return code;
}

static void summarise(const network_job *job) {
    char text[1024];
    const oclstm_device_info *info = oclstm_device_get_info(job->device);
    const double steps = (double)(job->sizes.steps + job->sizes.future),
                 seconds = job->run_seconds > 1e-9 ? job->run_seconds : 1e-9;
    if (job->options->quiet)
        return;
    network_text(text, sizeof text, job->layers, job->count);
    if (job->options->verbose) {
        report("layers: %s", text);
        network_say_engines(job->network, job->sizes.batch, job->sizes.steps);
        report("set-up: device, network and first step %.1f ms", job->load_seconds * 1e3);
        report("memory: %.1f MiB held on the device", (double)oclstm_device_get_held_bytes(job->device) / (1024.0 * 1024.0));
    }
    report("%s (%s), %zu layer%s, %" PRId64 " steps x batch %" PRId64 " in %.1f ms, %.1f us/step, %.0f steps/s", info->name,
           info->platform_name, job->count, job->count == 1 ? "" : "s", job->sizes.steps + job->sizes.future, job->sizes.batch,
           seconds * 1e3, seconds / steps * 1e6, steps / seconds);
}

static int begin_plot(network_job *job) {
    const network_sizes *sizes = &job->sizes;
    const oclstm_layer *last = &job->layers[job->count - 1];
    const char *folder = strrchr(job->options->operands[0], '/');
    char title[512];
    size_t used = (size_t)snprintf(title, sizeof title, "%s:", folder ? folder + 1 : job->options->operands[0]);
    for (size_t i = 0; i < job->count && used < sizeof title; i++)
        used += (size_t)snprintf(title + used, sizeof title - used, "%s %s", i > 0 ? "," : "",
                                 job->layers[i].name[0] ? job->layers[i].name : oclstm_layer_kind_name(job->layers[i].kind));
    const bool rows = sizes->outputs == 1 && sizes->batch > 1 && sizes->batch <= RUN_PLOT_ROWS;
    if (sizes->batch > 1 && !rows && used < sizeof title)
        snprintf(title + used, sizeof title - used, "; row 0 of the batch");
    return run_plot_begin(
        &job->plot, job->options,
        &(run_plot_series){.steps = sizes->steps + sizes->future,
                           .future = sizes->future,
                           .rows = rows,
                           .batch = sizes->batch,
                           .outputs = sizes->outputs,
                           .batch_first = sizes->batch_first,
                           .dtype = sizes->dtype,
                           .title = title,
                           .label = last->name[0] ? last->name : oclstm_layer_kind_name(last->kind),
                           .probability = last->kind == OCLSTM_LAYER_SIGMOID || last->kind == OCLSTM_LAYER_SOFTMAX});
}

static int run_in_order(network_job *job) {
    int code = open_sources(job);
    if (code == EXIT_DONE)
        code = network_sizes_decide(job);
    if (code == EXIT_DONE)
        code = network_load(job);
    if (code == EXIT_DONE)
        code = network_state_begin(job);
    if (code == EXIT_DONE)
        code = begin_plot(job);
    if (code == EXIT_DONE)
        code = create_outputs(job);
    if (code == EXIT_DONE)
        code = network_slices(job);
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

int network_run(const cli_options *options, const oclstm_tensors *model, const oclstm_layer *layers, size_t count) {
    network_job job = {.options = options, .model = model, .layers = layers, .count = count};
    const int code = run_in_order(&job);
    run_plot_end(&job.plot);
    run_outputs_discard(&job.outputs);
    oclstm_stream_destroy(&job.stream);
    oclstm_network_destroy(&job.network);
    oclstm_device_close(&job.device);
    free(job.h);
    free(job.c);
    run_source_close(&job.x);
    run_source_close(&job.h0);
    run_source_close(&job.c0);
    run_source_close(&job.lengths);
    return code;
}
