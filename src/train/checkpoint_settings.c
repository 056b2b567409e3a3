// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint_settings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/name_text.h"

enum { LAYER_TEXT = 512, OTHER_TEXT = 2048, NUMBER_TEXT = 40 };

// --- written ------------------------------------------------------------------------------------------------------------

// A layer in the language of oclstm_trainer_params.description.
static void layer_to_text(char text[LAYER_TEXT], const oclstm_layer *layer) {
    static const char *const words[] = {"embed", "lstm", "lstmcell", "linear", "relu", "sigmoid", "softmax"};
    const bool is_lstm = layer->kind == OCLSTM_LAYER_LSTM;
    const bool has_bias = is_lstm || layer->kind == OCLSTM_LAYER_LSTM_CELL || layer->kind == OCLSTM_LAYER_LINEAR;
    snprintf(text, LAYER_TEXT, "%s", words[layer->kind]);
    if (has_bias || layer->kind == OCLSTM_LAYER_EMBEDDING)
        snprintf(text, LAYER_TEXT, "%s: %s %" PRId64 " %" PRId64, layer->name[0] != '\0' ? layer->name : ".", words[layer->kind],
                 layer->inputs, layer->hidden_size > 0 ? layer->hidden_size : layer->outputs);
    if (is_lstm && layer->num_layers != 1)
        base_append(text, LAYER_TEXT, " layers %d", layer->num_layers);
    if (layer->directions == 2)
        base_append(text, LAYER_TEXT, " bidirectional");
    if (layer->reverse)
        base_append(text, LAYER_TEXT, " reverse");
    if (layer->proj_size > 0)
        base_append(text, LAYER_TEXT, " proj %" PRId64, layer->proj_size);
    if (has_bias && !layer->bias)
        base_append(text, LAYER_TEXT, " nobias");
}

// The fewest digits that give the number again, with a point in every locale.
static void number_to_text(char text[NUMBER_TEXT], double number) {
    char local[NUMBER_TEXT];
    size_t at = 0;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(local, sizeof local, "%.*g", digits, number);
        if (strtod(local, NULL) == number)
            break;
    }
    for (const char *from = local; *from != '\0';) {
        const size_t plain = strspn(from, "+-0123456789einfa");
        memcpy(text + at, from, plain);
        at += plain;
        from += plain;
        if (*from != '\0')
            text[at++] = '.';
        from += strcspn(from, "+-0123456789einfa");
    }
    text[at] = '\0';
}

typedef struct line_writer {
    char *text;
    size_t at, capacity;
} line_writer;

static void put_line(line_writer *to, const char *format, ...) BASE_PRINTF(2, 3);

static void put_line(line_writer *to, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(to->text + to->at, to->capacity - to->at, format, args);
    va_end(args);
    if (length > 0 && to->at + (size_t)length + 1 < to->capacity)
        to->at += (size_t)length;
    to->text[to->at++] = '\n';
    to->text[to->at] = '\0';
}

static void put_number(line_writer *to, const char *key, double number) {
    char text[NUMBER_TEXT];
    number_to_text(text, number);
    put_line(to, "%s %s", key, text);
}

// What a run must have in common with the one that goes on. The kinds before their settings.
static void put_settings(line_writer *to, const checkpoint_run *run) {
    const oclstm_trainer_params *params = run->params;
    const oclstm_optimizer_params *optimizer = &params->optimizer;
    for (size_t i = 0; i < run->count; i++) {
        char text[LAYER_TEXT];
        layer_to_text(text, &run->layers[i]);
        put_line(to, "layer %s", text);
    }
    put_line(to, "dtype %s", oclstm_dtype_name(run->dtype));
    put_line(to, "seed %" PRIu64, params->seed);
    put_number(to, "dropout", params->dropout);
    put_line(to, "loss %s", oclstm_loss_name(params->loss));
    if (params->loss == OCLSTM_LOSS_CROSS_ENTROPY && params->has_ignore_index)
        put_line(to, "ignore_index %" PRId64, params->ignore_index);
    else if (params->loss == OCLSTM_LOSS_CROSS_ENTROPY)
        put_line(to, "ignore_index none");
    put_line(to, "optimizer %s", oclstm_optimizer_name(optimizer->kind));
    if (optimizer->kind == OCLSTM_OPTIMIZER_SGD) {
        put_number(to, "momentum", optimizer->momentum);
        put_number(to, "dampening", optimizer->dampening);
        put_line(to, "nesterov %s", optimizer->nesterov ? "yes" : "no");
    } else {
        put_number(to, "beta1", optimizer->beta1);
        put_number(to, "beta2", optimizer->beta2);
        put_number(to, "eps", optimizer->eps);
    }
    put_number(to, "weight_decay", optimizer->weight_decay);
    put_number(to, "clip_norm", optimizer->clip_norm);
}

static oclstm_status begin_text(line_writer *out, const checkpoint_run *run, oclstm_error *error) {
    *out = (line_writer){.capacity = run->count * LAYER_TEXT + OTHER_TEXT};
    out->text = base_alloc(out->capacity, 1);
    return out->text != NULL ? OCLSTM_OK : base_fail_memory(error, out->capacity, "a checkpoint's settings");
}

oclstm_status checkpoint_settings_write(char **text, const checkpoint_run *run, oclstm_error *error) {
    const oclstm_optimizer_params *optimizer = &run->params->optimizer;
    line_writer to;
    oclstm_status status = begin_text(&to, run, error);
    *text = to.text;
    if (status != OCLSTM_OK)
        return status;
    put_line(&to, "version %d", CHECKPOINT_VERSION);
    put_line(&to, "steps %" PRId64, run->steps);
    put_line(&to, "training_batch %zu", run->training_batch);
    put_line(&to, "evaluation_batch %zu", run->evaluation_batch);
    put_settings(&to, run);
    put_number(&to, "lr", optimizer->lr);
    put_line(&to, "schedule %s", oclstm_schedule_name(optimizer->schedule));
    put_line(&to, "schedule_steps %" PRId64, optimizer->schedule_steps);
    put_number(&to, "gamma", optimizer->gamma);
    put_number(&to, "min_lr", optimizer->min_lr);
    put_line(&to, "warmup_steps %" PRId64, optimizer->warmup_steps);
    return OCLSTM_OK;
}

// --- read ---------------------------------------------------------------------------------------------------------------

// A line of a text: "KEY VALUE".
typedef struct text_line {
    const char *key, *value; // not closed by a zero byte
    size_t key_length, value_length;
} text_line;

// The line that begins at *at, which goes on to the next one; false at the end.
static bool next_line(const char **at, text_line *line) {
    if (**at == '\0')
        return false;
    const size_t length = strcspn(*at, "\n"), key_length = strcspn(*at, " \n");
    line->key = *at;
    line->key_length = key_length;
    line->value = *at + (key_length < length ? key_length + 1 : length);
    line->value_length = (size_t)(*at + length - line->value);
    *at += (*at)[length] == '\n' ? length + 1 : length;
    return true;
}

// The line of a key; of several the one with this number, from 0.
static bool find_line(const char *text, const char *key, size_t key_length, size_t number, text_line *line) {
    while (next_line(&text, line)) {
        if (line->key_length == key_length && memcmp(line->key, key, key_length) == 0 && number-- == 0)
            return true;
    }
    return false;
}

// A line's value in a message.
static name_text show(const text_line *line) {
    char text[256];
    snprintf(text, sizeof text, "%.*s", line->value_length < 200 ? (int)line->value_length : 200, line->value);
    return name_to_text(text);
}

static oclstm_status fail_damaged(const oclstm_tensors *file, const char *what, oclstm_error *error) {
    return base_fail(error, OCLSTM_FORMAT,
                     "the checkpoint '%s' is damaged: its metadata entry " CHECKPOINT_KEY
                     " has no line '%s' that can be understood",
                     oclstm_tensors_path(file), what);
}

static bool read_number(const char *text, const char *key, int64_t most, int64_t *number) {
    text_line line;
    int64_t value = 0;
    if (!find_line(text, key, strlen(key), 0, &line) || line.value_length == 0)
        return false;
    for (size_t i = 0; i < line.value_length; i++) {
        const char digit = line.value[i];
        if (digit < '0' || digit > '9' || value > (most - (digit - '0')) / 10)
            return false;
        value = value * 10 + (digit - '0');
    }
    *number = value;
    return true;
}

oclstm_status checkpoint_settings_check_version(const oclstm_tensors *file, oclstm_error *error) {
    const char *text = oclstm_tensors_metadata(file, CHECKPOINT_KEY);
    int64_t version = 0;
    if (text == NULL)
        return base_fail(error, OCLSTM_FORMAT,
                         "'%s' is no checkpoint: it has no metadata entry " CHECKPOINT_KEY
                         "; expected a file that a trainer saved to go on from",
                         oclstm_tensors_path(file));
    if (!read_number(text, "version", INT32_MAX, &version))
        return fail_damaged(file, "version", error);
    if (version != CHECKPOINT_VERSION)
        return base_fail(error, OCLSTM_FORMAT, "the checkpoint '%s' is of version %" PRId64 ", expected version %d",
                         oclstm_tensors_path(file), version, CHECKPOINT_VERSION);
    return OCLSTM_OK;
}

static oclstm_status fail_layer(const oclstm_tensors *file, size_t number, const text_line *found, const text_line *own,
                                oclstm_error *error) {
    return base_fail(
        error, OCLSTM_INVALID_ARGUMENT, "the checkpoint '%s' is of another model: its layer %zu is %s%s%s, the trainer's is %s%s%s",
        oclstm_tensors_path(file), number, found != NULL ? "'" : "", found != NULL ? show(found).text : "not there",
        found != NULL ? "'" : "", own != NULL ? "'" : "", own != NULL ? show(own).text : "not there", own != NULL ? "'" : "");
}

static oclstm_status compare(const oclstm_tensors *file, const char *text, const char *own_text, oclstm_error *error) {
    static const char layer[] = "layer";
    const size_t layer_length = sizeof layer - 1;
    size_t layers = 0;
    text_line own, found;
    while (next_line(&own_text, &own)) {
        const bool is_layer = own.key_length == layer_length && memcmp(own.key, layer, layer_length) == 0;
        if (!is_layer && layers != SIZE_MAX) { // behind the last layer
            if (find_line(text, layer, layer_length, layers, &found))
                return fail_layer(file, layers + 1, &found, NULL, error);
            layers = SIZE_MAX;
        }
        if (!find_line(text, own.key, own.key_length, is_layer ? layers : 0, &found)) {
            char key[NUMBER_TEXT];
            snprintf(key, sizeof key, "%.*s", (int)own.key_length, own.key);
            return is_layer ? fail_layer(file, layers + 1, NULL, &own, error) : fail_damaged(file, key, error);
        }
        layers += is_layer;
        if (found.value_length == own.value_length && memcmp(found.value, own.value, own.value_length) == 0)
            continue;
        return is_layer ? fail_layer(file, layers, &found, &own, error)
                        : base_fail(error, OCLSTM_INVALID_ARGUMENT, "the checkpoint '%s' has %.*s %s, the trainer has %s",
                                    oclstm_tensors_path(file), (int)own.key_length, own.key, show(&found).text, show(&own).text);
    }
    return OCLSTM_OK;
}

oclstm_status checkpoint_settings_read(checkpoint_run *run, const oclstm_tensors *file, oclstm_error *error) {
    const char *text = oclstm_tensors_metadata(file, CHECKPOINT_KEY);
    int64_t training = 0, evaluation = 0;
    line_writer own;
    if (text == NULL || !read_number(text, "steps", INT64_MAX, &run->steps))
        return fail_damaged(file, "steps", error);
    if (!read_number(text, "training_batch", INT32_MAX, &training))
        return fail_damaged(file, "training_batch", error);
    if (!read_number(text, "evaluation_batch", INT32_MAX, &evaluation))
        return fail_damaged(file, "evaluation_batch", error);
    run->training_batch = (size_t)training;
    run->evaluation_batch = (size_t)evaluation;
    oclstm_status status = begin_text(&own, run, error);
    if (status != OCLSTM_OK)
        return status;
    put_settings(&own, run);
    status = compare(file, text, own.text, error);
    free(own.text);
    return status;
}
