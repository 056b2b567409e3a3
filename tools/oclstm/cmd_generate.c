// SPDX-License-Identifier: Apache-2.0
// `oclstm generate`: a character model writes on, one character at a time.
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choose_device.h"
#include "commands.h"
#include "network_job.h"
#include "picture_file.h"
#include "report.h"
#include "run_job.h"
#include "splitmix.h"
#include "vocabulary.h"

enum { DEFAULT_LENGTH = 500 };

typedef struct generate_job {
    const cli_options *options;
    oclstm_tensors *model;
    vocabulary words;
    int32_t *prompt;
    int64_t prompt_count;
    oclstm_device *device;
    oclstm_network *network;
    oclstm_stream *stream;
    bool probabilities; // the network ends with a softmax
    oclstm_dtype dtype;
    void *outputs; // [prompt_count][1][characters]
    double *weights;
    splitmix generator;
    picture_file file; // of -o
    FILE *out;
    int64_t done;
} generate_job;

static int fail(const oclstm_error *error) {
    report_error(error);
    return exit_code_of(error->status);
}

static int read_prompt(generate_job *job) {
    const cli_options *options = job->options;
    const char *path = options->operands[0], *prompt = options->training.prompt;
    int code = vocabulary_of_file(&job->words, job->model);
    if (code != EXIT_DONE)
        return code;
    if (job->words.count == 0) {
        report("generate: %s is no character model: it has no vocabulary, which `oclstm train --text` keeps as '" VOCABULARY_KEY
               "' in the metadata",
               path);
        return EXIT_FAILED;
    }
    if (prompt && *prompt)
        return vocabulary_tokens(&job->words, &job->prompt, &job->prompt_count, prompt, strlen(prompt), "--prompt");
    job->prompt = calloc(1, sizeof *job->prompt); // a new line, or else the first character
    if (!job->prompt)
        return EXIT_FAILED;
    job->prompt_count = 1;
    for (size_t i = 0; i < job->words.count; i++)
        if (job->words.characters[i] == '\n')
            job->prompt[0] = (int32_t)i;
    return EXIT_DONE;
}

static int check_layers(generate_job *job) {
    size_t count;
    const oclstm_layer *layers = oclstm_network_layers(job->network, &count);
    const int64_t needed = (int64_t)job->words.count;
    if (layers[0].kind == OCLSTM_LAYER_EMBEDDING && layers[0].inputs == needed && layers[count - 1].outputs == needed) {
        job->probabilities = layers[count - 1].kind == OCLSTM_LAYER_SOFTMAX;
        return EXIT_DONE;
    }
    report("generate: %s has a vocabulary of %" PRId64 " characters, but begins with '%s' of %" PRId64 " and has %" PRId64
           " outputs: name its layers with --layers",
           job->options->operands[0], needed, oclstm_layer_kind_name(layers[0].kind), layers[0].inputs, layers[count - 1].outputs);
    return EXIT_FAILED;
}

static int load(generate_job *job) {
    const cli_options *options = job->options;
    const oclstm_network_params params = {.layers = options->layers, .engine = options->engine};
    oclstm_layer *layers = NULL;
    size_t count, widest = 0;
    oclstm_error error;
    if (oclstm_network_find(&layers, &count, job->model, &params, &error) != OCLSTM_OK)
        return fail(&error);
    for (size_t i = 1; i < count; i++)
        widest = layers[i].hidden_size > layers[widest].hidden_size ? i : widest;
    const cli_shape shape = {1, layers[widest].inputs, layers[widest].hidden_size, 1};
    const int code = shape.hidden > 0 ? choose_device_for(&job->device, options, &shape) : choose_device(&job->device, options);
    oclstm_network_layers_free(&layers);
    if (code != EXIT_DONE)
        return code;
    if (oclstm_network_load(&job->network, job->device, job->model, &params, &error) != OCLSTM_OK ||
        oclstm_stream_create(&job->stream, job->network, 1, &error) != OCLSTM_OK)
        return fail(&error);
    job->dtype = oclstm_network_dtype(job->network);
    if (options->verbose)
        network_say_engines(job->network, 1, 1);
    return check_layers(job);
}

static int begin(generate_job *job) {
    const char *path = job->options->output;
    const size_t bytes = (size_t)job->prompt_count * job->words.count * oclstm_dtype_size_bytes(job->dtype);
    job->outputs = malloc(bytes);
    job->weights = calloc(job->words.count, sizeof *job->weights);
    if (!job->outputs || !job->weights) {
        report("generate: no memory for %zu bytes", bytes);
        return EXIT_FAILED;
    }
    job->generator.state = job->options->seed;
    job->out = stdout;
    if (!path || strcmp(path, "-") == 0)
        return EXIT_DONE;
    const int code = picture_open(&job->file, path, strlen(path), "");
    if (code != EXIT_DONE)
        return code;
    job->out = fdopen(job->file.fd, "w");
    if (job->out)
        return EXIT_DONE;
    report("cannot write %s: %s", path, strerror(errno));
    return EXIT_FAILED;
}

// A reader who went away has enough: *enough, and no fault.
static int put(generate_job *job, const int32_t *tokens, int64_t count, bool *enough) {
    char bytes[5];
    errno = 0;
    for (int64_t i = 0; i < count; i++)
        fwrite(bytes, 1, utf8_encode(bytes, job->words.characters[tokens[i]]), job->out);
    if (fflush(job->out) == 0 && !ferror(job->out))
        return EXIT_DONE;
    *enough = errno == EPIPE;
    if (*enough)
        clearerr(job->out);
    else
        report("generate: the text could not be written: %s", strerror(errno));
    return *enough ? EXIT_DONE : EXIT_FAILED;
}

static double output_at(const generate_job *job, size_t place) {
    const double value =
        job->dtype == OCLSTM_F64 ? ((const double *)job->outputs)[place] : (double)((const float *)job->outputs)[place];
    return job->probabilities ? log(value) : value;
}

// The next character, from the outputs of row `row`: each with probability exp(z / temperature) / sum. -1 where an output is no number.
static int32_t choose(generate_job *job, int64_t row, double temperature) {
    const size_t count = job->words.count, first = (size_t)row * count;
    size_t best = 0;
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double value = output_at(job, first + i);
        if (!(value <= DBL_MAX))
            return -1;
        job->weights[i] = value;
        best = value > job->weights[best] ? i : best;
    }
    if (temperature <= 0.0)
        return (int32_t)best;
    const double highest = job->weights[best];
    for (size_t i = 0; i < count; i++)
        sum += job->weights[i] = exp((job->weights[i] - highest) / temperature);
    double left = splitmix_unit(&job->generator) * sum;
    for (size_t i = 0; i < count; i++) {
        left -= job->weights[i];
        if (left < 0.0)
            return (int32_t)i;
    }
    return (int32_t)best;
}

static int feed(generate_job *job, const int32_t *tokens, int64_t count) {
    oclstm_error error;
    const oclstm_const_array x = oclstm_in_2d(tokens, OCLSTM_I32, count, 1);
    const oclstm_array y = oclstm_out_3d(job->outputs, job->dtype, count, 1, (int64_t)job->words.count);
    return oclstm_stream_feed(job->stream, &x, &y, &error) == OCLSTM_OK ? EXIT_DONE : fail(&error);
}

static int write_text(generate_job *job) {
    const cli_training *training = &job->options->training;
    const int64_t length = training->length ? training->length : DEFAULT_LENGTH;
    const double temperature = training->temperature.given ? training->temperature.value : 1.0;
    bool enough = false;
    int code = feed(job, job->prompt, job->prompt_count);
    int64_t row = job->prompt_count - 1;
    if (code == EXIT_DONE && training->prompt && *training->prompt)
        code = put(job, job->prompt, job->prompt_count, &enough);
    while (code == EXIT_DONE && job->done < length && !enough && !run_signal()) {
        const int32_t token = choose(job, row, temperature);
        if (token < 0) {
            report("generate: the model's outputs are not finite");
            return EXIT_FAILED;
        }
        code = put(job, &token, 1, &enough);
        if (code == EXIT_DONE && ++job->done < length)
            code = feed(job, &token, 1);
        row = 0;
    }
    if (code == EXIT_DONE && run_signal())
        code = EXIT_SIGNAL + run_signal();
    return code;
}

static int generate_in_order(generate_job *job) {
    oclstm_error error;
    if (oclstm_tensors_open(&job->model, job->options->operands[0], &error) != OCLSTM_OK)
        return fail(&error);
    int code = read_prompt(job);
    if (code == EXIT_DONE)
        code = load(job);
    if (code == EXIT_DONE)
        code = begin(job);
    const double started = run_clock();
    if (code == EXIT_DONE)
        code = write_text(job);
    if (code == EXIT_DONE && job->file.partial)
        code = picture_commit(&job->file);
    if (code == EXIT_DONE && job->options->verbose) {
        const double seconds = fmax(run_clock() - started, 1e-9);
        report("%" PRId64 " characters in %.2f s, %.0f a second", job->done, seconds, (double)job->done / seconds);
    }
    return code;
}

int cmd_generate(const cli_options *options) {
    generate_job job = {.options = options, .file = {.fd = -1}};
    run_catch_signals();
    const int code = generate_in_order(&job);
    if (job.out && job.out != stdout) {
        fclose(job.out);
        job.file.fd = -1; // it was the stream's
    }
    picture_discard(&job.file);
    oclstm_stream_destroy(&job.stream);
    oclstm_network_destroy(&job.network);
    oclstm_device_close(&job.device);
    oclstm_tensors_close(&job.model);
    vocabulary_free(&job.words);
    free(job.prompt);
    free(job.outputs);
    free(job.weights);
    return code;
}
