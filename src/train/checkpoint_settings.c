// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint_settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/name_text.h"

enum { LAYER_TEXT = 512, DIGITS = 17, SHOWN = 200 };

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

static json_t *make_layers(const checkpoint_run *run) {
    json_t *list = json_array();
    for (size_t i = 0; i < run->count; i++) {
        char text[LAYER_TEXT];
        layer_to_text(text, &run->layers[i]);
        if (json_array_append_new(list, json_string(text)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

// Takes over the value; false when it is NULL.
static bool set(json_t *object, const char *key, json_t *value) { return json_object_set_new(object, key, value) == 0; }

// The optimizer's settings that count for its kind.
static bool set_optimizer(json_t *object, const oclstm_optimizer_params *params) {
    bool done = set(object, "optimizer", json_string(oclstm_optimizer_name(params->kind)));
    if (params->kind == OCLSTM_OPTIMIZER_SGD)
        done = done && set(object, "momentum", json_real(params->momentum)) &&
               set(object, "dampening", json_real(params->dampening)) && set(object, "nesterov", json_boolean(params->nesterov));
    else
        done = done && set(object, "beta1", json_real(params->beta1)) && set(object, "beta2", json_real(params->beta2)) &&
               set(object, "eps", json_real(params->eps));
    return done && set(object, "weight_decay", json_real(params->weight_decay)) &&
           set(object, "clip_norm", json_real(params->clip_norm));
}

static json_t *make_settings(const checkpoint_run *run) {
    const oclstm_trainer_params *params = run->params;
    char seed[32];
    snprintf(seed, sizeof seed, "%" PRIu64, params->seed); // as a text: JSON's numbers have no 64 bits everywhere
    json_t *object = json_object();
    bool done = set(object, "dtype", json_string(oclstm_dtype_name(run->dtype))) && set(object, "seed", json_string(seed)) &&
                set(object, "dropout", json_real(params->dropout)) &&
                set(object, "loss", json_string(oclstm_loss_name(params->loss)));
    if (params->loss == OCLSTM_LOSS_CROSS_ENTROPY)
        done = done &&
               set(object, "ignore_index", params->has_ignore_index ? json_integer(params->ignore_index) : json_string("none"));
    if (!done || !set_optimizer(object, &params->optimizer)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *make_rate(const oclstm_optimizer_params *params) {
    return json_pack("{s:f, s:s, s:I, s:f, s:f, s:I}", "lr", params->lr, "schedule", oclstm_schedule_name(params->schedule),
                     "schedule_steps", (json_int_t)params->schedule_steps, "gamma", params->gamma, "min_lr", params->min_lr,
                     "warmup_steps", (json_int_t)params->warmup_steps);
}

// A JSON value as text in memory of our own: json_dumps() loses a key without a word when its buffer cannot grow.
static char *to_text(const json_t *value) {
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(DIGITS);
    const size_t length = json_dumpb(value, NULL, 0, flags);
    char *text = length > 0 ? base_alloc(length + 1, 1) : NULL;
    if (text != NULL && json_dumpb(value, text, length, flags) != length) {
        free(text);
        return NULL;
    }
    return text;
}

oclstm_status checkpoint_settings_write(char **text, const checkpoint_run *run, oclstm_error *error) {
    json_t *object = json_object();
    const bool done = set(object, "version", json_integer(CHECKPOINT_VERSION)) && set(object, "steps", json_integer(run->steps)) &&
                      set(object, "training_batch", json_integer((json_int_t)run->training_batch)) &&
                      set(object, "evaluation_batch", json_integer((json_int_t)run->evaluation_batch)) &&
                      set(object, "layers", make_layers(run)) && set(object, "settings", make_settings(run)) &&
                      set(object, "rate", make_rate(&run->params->optimizer));
    *text = done ? to_text(object) : NULL;
    json_decref(object);
    return *text != NULL ? OCLSTM_OK : base_fail_memory(error, run->count * LAYER_TEXT, "a checkpoint's settings");
}

// --- read ---------------------------------------------------------------------------------------------------------------

static oclstm_status fail_damaged(const oclstm_tensors *file, const char *what, oclstm_error *error) {
    return base_fail(error, OCLSTM_FORMAT, "the checkpoint '%s' is damaged: its metadata entry " CHECKPOINT_KEY " has no %s",
                     oclstm_tensors_path(file), what);
}

// NULL with the error's status: the file's object.
static json_t *load_object(const oclstm_tensors *file, oclstm_status *status, oclstm_error *error) {
    json_error_t fault;
    const char *text = oclstm_tensors_metadata(file, CHECKPOINT_KEY);
    if (text == NULL) {
        *status = base_fail(error, OCLSTM_FORMAT,
                            "'%s' is no checkpoint: it has no metadata entry " CHECKPOINT_KEY
                            "; expected a file that a trainer saved to go on from",
                            oclstm_tensors_path(file));
        return NULL;
    }
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &fault);
    if (object == NULL && json_error_code(&fault) == json_error_out_of_memory)
        *status = base_fail_memory(error, strlen(text), "a checkpoint's settings");
    else if (!json_is_object(object))
        *status = fail_damaged(file, "JSON object", error);
    else
        return object;
    json_decref(object);
    return NULL;
}

oclstm_status checkpoint_settings_check_version(const oclstm_tensors *file, oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    json_t *object = load_object(file, &status, error);
    if (object == NULL)
        return status;
    const json_t *version = json_object_get(object, "version");
    if (!json_is_integer(version))
        status = fail_damaged(file, "version", error);
    else if (json_integer_value(version) != CHECKPOINT_VERSION)
        status = base_fail(error, OCLSTM_FORMAT, "the checkpoint '%s' is of version %" JSON_INTEGER_FORMAT ", expected version %d",
                           oclstm_tensors_path(file), json_integer_value(version), CHECKPOINT_VERSION);
    json_decref(object);
    return status;
}

static oclstm_status compare_layers(const oclstm_tensors *file, const json_t *found, const checkpoint_run *run,
                                    oclstm_error *error) {
    for (size_t i = 0; i < run->count || i < json_array_size(found); i++) {
        char own[LAYER_TEXT] = "not there";
        const char *other = json_string_value(json_array_get(found, i));
        if (i < json_array_size(found) && other == NULL)
            return fail_damaged(file, "text for a layer", error);
        if (i < run->count)
            layer_to_text(own, &run->layers[i]);
        if (other == NULL || strcmp(other, own) != 0)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                             "the checkpoint '%s' is of another model: its layer %zu is %s%s%s, the trainer's is %s%s%s",
                             oclstm_tensors_path(file), i + 1, other != NULL ? "'" : "",
                             name_to_text(other != NULL ? other : "not there").text, other != NULL ? "'" : "",
                             i < run->count ? "'" : "", name_to_text(own).text, i < run->count ? "'" : "");
    }
    return OCLSTM_OK;
}

static oclstm_status compare_settings(const oclstm_tensors *file, json_t *found, json_t *own, oclstm_error *error) {
    const char *key;
    json_t *value;
    // The kind first: with another optimizer its settings differ as well.
    static const char *const first[] = {"loss", "optimizer"};
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        const char *other = json_string_value(json_object_get(found, first[i]));
        if (other == NULL)
            return fail_damaged(file, first[i], error);
        const char *mine = json_string_value(json_object_get(own, first[i]));
        if (strcmp(other, mine) != 0)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the checkpoint '%s' has %s %s, the trainer has %s",
                             oclstm_tensors_path(file), first[i], name_to_text(other).text, mine);
    }
    json_object_foreach(own, key, value) {
        const json_t *other = json_object_get(found, key);
        if (other == NULL)
            return fail_damaged(file, key, error);
        if (json_equal(other, value))
            continue;
        char *texts[2] = {to_text(other), to_text(value)};
        oclstm_status status =
            texts[0] == NULL || texts[1] == NULL
                ? base_fail_memory(error, SHOWN, "a message")
                : base_fail(error, OCLSTM_INVALID_ARGUMENT, "the checkpoint '%s' has %s %s, the trainer has %s",
                            oclstm_tensors_path(file), key, name_to_text(texts[0]).text, name_to_text(texts[1]).text);
        free(texts[0]);
        free(texts[1]);
        return status;
    }
    return OCLSTM_OK;
}

static bool read_number(const json_t *object, const char *key, int64_t most, int64_t *number) {
    const json_t *value = json_object_get(object, key);
    *number = json_integer_value(value);
    return json_is_integer(value) && *number >= 0 && *number <= most;
}

oclstm_status checkpoint_settings_read(checkpoint_run *run, const oclstm_tensors *file, oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    json_t *object = load_object(file, &status, error), *own = NULL;
    int64_t training = 0, evaluation = 0;
    if (object == NULL)
        return status;
    json_t *layers = json_object_get(object, "layers"), *settings = json_object_get(object, "settings");
    if (!json_is_array(layers))
        status = fail_damaged(file, "layers", error);
    else if (!json_is_object(settings))
        status = fail_damaged(file, "settings", error);
    else if (!read_number(object, "steps", INT64_MAX, &run->steps))
        status = fail_damaged(file, "steps", error);
    else if (!read_number(object, "training_batch", INT32_MAX, &training) ||
             !read_number(object, "evaluation_batch", INT32_MAX, &evaluation))
        status = fail_damaged(file, "batch of a carried state", error);
    else
        status = compare_layers(file, layers, run, error);
    if (status != OCLSTM_OK)
        goto done;
    own = make_settings(run);
    status = own != NULL ? compare_settings(file, settings, own, error)
                         : base_fail_memory(error, sizeof *run, "a checkpoint's settings");
    run->training_batch = (size_t)training;
    run->evaluation_batch = (size_t)evaluation;
done:
    json_decref(own);
    json_decref(object);
    return status;
}
