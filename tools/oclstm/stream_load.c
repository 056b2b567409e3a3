// SPDX-License-Identifier: Apache-2.0
// Everything slow, before the first frame is read.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choose_device.h"
#include "network_job.h"
#include "report.h"
#include "run_job.h"
#include "stream_job.h"

enum { NUMBER_CHARACTERS = 25 }; // "-1.2345678901234567e-308 "

static int fail(const oclstm_error *error) {
    report_error(error);
    return exit_code_of(error->status);
}

// A cell as a list of layers: its own name, or that of the torch.nn.LSTM whose only layer it is.
static int list_cell(stream_job *job, const char *name) {
    oclstm_cell_entry entry;
    oclstm_error error;
    if (oclstm_tensors_find_cell(job->model, name, &entry, &error) != OCLSTM_OK)
        return fail(&error);
    char ending[32] = "";
    if (entry.layer >= 0)
        snprintf(ending, sizeof ending, "l%d%s", entry.layer, entry.reverse ? "_reverse" : "");
    size_t length = strlen(entry.name) - strlen(ending);
    if (entry.layer >= 0 && length > 0)
        length--; // "_"
    snprintf(job->cell, sizeof job->cell, "%.*s", (int)length, length ? entry.name : ".");
    if (!length)
        strcpy(job->cell, ".");
    job->list = job->cell;
    return EXIT_DONE;
}

int stream_choose_layers(stream_job *job) {
    const cli_options *options = job->options;
    oclstm_error error;
    int code = EXIT_DONE;
    job->list = options->layers;
    if (!options->layers && options->cell)
        code = list_cell(job, options->cell);
    if (code != EXIT_DONE)
        return code;
    oclstm_network_params params = {.layers = job->list};
    oclstm_status status = oclstm_network_find(&job->layers, &job->count, job->model, &params, &error);
    // As `run`: a file with one cell among other things is that cell.
    if (status != OCLSTM_OK && !job->list && !oclstm_tensors_metadata(job->model, "oclstm.layers") &&
        oclstm_tensors_cells(job->model, NULL, 0) == 1) {
        code = list_cell(job, NULL);
        params.layers = job->list;
        if (code == EXIT_DONE)
            status = oclstm_network_find(&job->layers, &job->count, job->model, &params, &error);
    }
    if (code != EXIT_DONE)
        return code;
    if (status != OCLSTM_OK)
        return fail(&error);
    if (options->cell && !options->layers && job->layers[0].num_layers * job->layers[0].directions > 1) {
        report("stream: the cell '%s' is one of several of '%s'; stream all of them with --layers %s", options->cell, job->list,
               job->list);
        return EXIT_FAILED;
    }
    job->tokens = job->layers[0].kind == OCLSTM_LAYER_EMBEDDING;
    job->inputs = job->tokens ? 1 : job->layers[0].inputs;
    job->outputs = job->layers[job->count - 1].outputs;
    job->batch = options->batch ? options->batch : 1;
    return EXIT_DONE;
}

// The one that suits single steps of the widest recurrent layer, unless one is named.
static int open_device(stream_job *job) {
    const oclstm_layer *widest = &job->layers[0];
    for (size_t i = 1; i < job->count; i++)
        widest = job->layers[i].hidden_size > widest->hidden_size ? &job->layers[i] : widest;
    if (widest->hidden_size < 1)
        return choose_device(&job->device, job->options);
    return choose_device_for(&job->device, job->options, &(cli_shape){job->batch, widest->inputs, widest->hidden_size, 1});
}

static int load_network(stream_job *job) {
    const cli_options *options = job->options;
    oclstm_error error;
    oclstm_network_params params = {
        .layers = job->list, .engine = options->engine, .dtype_given = options->dtype_given, .dtype = options->dtype};
    if (options->npy && !options->dtype_given && !job->tokens) {
        params.dtype_given = true; // as `run` goes by x
        params.dtype = job->header.dtype;
    }
    if (oclstm_network_load(&job->network, job->device, job->model, &params, &error) != OCLSTM_OK ||
        oclstm_stream_create(&job->stream, job->network, job->batch, &error) != OCLSTM_OK)
        return fail(&error);
    job->dtype = oclstm_network_dtype(job->network);
    job->frame_dtype = options->npy ? job->header.dtype : job->tokens ? OCLSTM_I32 : job->dtype;
    return EXIT_DONE;
}

static int allocate(stream_job *job) {
    const size_t element = oclstm_dtype_size_bytes(job->dtype), batch = (size_t)job->batch;
    size_t x_bytes, text_bytes = 1;
    if (__builtin_mul_overflow(batch, (size_t)job->inputs * oclstm_dtype_size_bytes(job->frame_dtype), &job->frame_bytes) ||
        __builtin_mul_overflow(batch, (size_t)job->inputs * element, &x_bytes) ||
        __builtin_mul_overflow(batch, (size_t)job->outputs * element, &job->y_bytes) ||
        (job->options->text && __builtin_mul_overflow(batch * (size_t)job->outputs, (size_t)NUMBER_CHARACTERS, &text_bytes))) {
        report("stream: a frame of batch %" PRId64 " is larger than the address space", job->batch);
        return EXIT_FAILED;
    }
    const bool same = job->tokens || job->frame_dtype == job->dtype;
    job->frame = calloc(1, job->frame_bytes);
    job->x = same ? job->frame : calloc(1, x_bytes);
    job->y = calloc(1, job->y_bytes);
    job->text = calloc(1, text_bytes + 1);
    if (job->frame && job->x && job->y && job->text)
        return EXIT_DONE;
    report("stream: no memory for a frame: %zu bytes in, %zu bytes out", job->frame_bytes, job->y_bytes);
    return EXIT_FAILED;
}

// Frames of zeros build the kernels and touch all memory; then the state is zero again.
static int warm_up(stream_job *job) {
    oclstm_error error;
    const oclstm_const_array x = job->tokens ? oclstm_in_2d(job->x, job->frame_dtype, 1, job->batch)
                                             : oclstm_in_3d(job->x, job->dtype, 1, job->batch, job->inputs);
    const oclstm_array y = oclstm_out_3d(job->y, job->dtype, 1, job->batch, job->outputs);
    for (int i = 0; i < 3 && !run_signal(); i++)
        if (oclstm_stream_feed(job->stream, &x, &y, &error) != OCLSTM_OK)
            return fail(&error);
    return oclstm_stream_reset(job->stream, &error) == OCLSTM_OK ? EXIT_DONE : fail(&error);
}

static void say_frame(const stream_job *job) {
    char text[1024];
    if (job->options->verbose) {
        network_text(text, sizeof text, job->layers, job->count);
        report("layers: %s", text);
        network_say_engines(job->network, job->batch, 1);
        report("memory: %.1f MiB held on the device", (double)oclstm_device_get_held_bytes(job->device) / (1024.0 * 1024.0));
    }
    if (!job->options->quiet)
        report("a frame is %" PRId64 " %s (%zu bytes), its result %" PRId64 " %s%s", job->batch * job->inputs,
               oclstm_dtype_name(job->frame_dtype), job->frame_bytes, job->batch * job->outputs, oclstm_dtype_name(job->dtype),
               job->options->text ? " as a line of text" : "");
}

int stream_load(stream_job *job) {
    int code = open_device(job);
    if (code == EXIT_DONE)
        code = load_network(job);
    if (code == EXIT_DONE)
        code = allocate(job);
    if (code == EXIT_DONE)
        code = warm_up(job);
    if (code == EXIT_DONE)
        say_frame(job);
    return code;
}

void stream_unload(stream_job *job) {
    oclstm_stream_destroy(&job->stream);
    oclstm_network_destroy(&job->network);
    oclstm_device_close(&job->device);
    if (job->x != job->frame)
        free(job->x);
    free(job->frame);
    free(job->y);
    free(job->text);
    job->frame = job->x = job->y = job->text = NULL;
}
