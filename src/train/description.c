// SPDX-License-Identifier: Apache-2.0
#include "train/description.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/name_text.h"
#include "train/description_words.h"

// The bounds of network.h: an extent of a tensor fits 31 bits, and a tensor's first extent is four times the hidden size.
#define MOST_EXTENT INT32_MAX
#define MOST_HIDDEN (INT32_MAX / 4)
#define MOST_LAYERS INT16_MAX

typedef struct layer_word {
    const char *word;
    oclstm_layer_kind kind;
    const char *name;    // that a layer without one gets
    const char *options; // that may follow the sizes, for messages
} layer_word;

static const layer_word layer_words[] = {
    {"embed", OCLSTM_LAYER_EMBEDDING, "embed", ""},
    {"lstm", OCLSTM_LAYER_LSTM, "lstm", "'layers N', 'bidirectional', 'proj P', 'nobias', each once, "},
    {"lstmcell", OCLSTM_LAYER_LSTM_CELL, "cell", "'nobias', "},
    {"linear", OCLSTM_LAYER_LINEAR, "linear", "'nobias', "},
    {"relu", OCLSTM_LAYER_RELU, "relu", ""},
    {"sigmoid", OCLSTM_LAYER_SIGMOID, "sigmoid", ""},
};

enum { KINDS = sizeof layer_words / sizeof layer_words[0] };

static bool has_tensors(const oclstm_layer *layer) {
    return layer->kind != OCLSTM_LAYER_RELU && layer->kind != OCLSTM_LAYER_SIGMOID;
}

static bool is_recurrent(const oclstm_layer *layer) {
    return layer->kind == OCLSTM_LAYER_LSTM || layer->kind == OCLSTM_LAYER_LSTM_CELL;
}

static int64_t width_of(const oclstm_layer *layer) { return layer->proj_size > 0 ? layer->proj_size : layer->hidden_size; }

// --- names --------------------------------------------------------------------------------------------------------------

// A name given: the prefix of tensors; "." for none, as in lists of layers.
static oclstm_status take_name(oclstm_layer *layer, const description_words *words, const description_word *name) {
    bool fits = name->kind == WORD_TEXT && name->length < sizeof layer->name;
    for (size_t i = 0; fits && i < name->length; i++)
        fits = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./", name->begin[i]) != NULL;
    const bool bare = description_is(name, ".");
    if (fits && !bare)
        fits = *name->begin != '.' && name->begin[name->length - 1] != '.';
    // In a list of layers these words are layers.
    if (!fits || description_is(name, "relu") || description_is(name, "sigmoid") || description_is(name, "softmax"))
        return description_fail(words, name,
                                "a layer's name: up to %zu letters, digits, '_', '-', '/' and points inside, not the name of an "
                                "activation; or '.' for tensors without a prefix",
                                sizeof layer->name - 1);
    if (!bare)
        snprintf(layer->name, sizeof layer->name, "%.*s", (int)name->length, name->begin);
    return OCLSTM_OK;
}

static int compare_names(const void *a, const void *b) {
    const oclstm_layer *left = *(const oclstm_layer *const *)a, *right = *(const oclstm_layer *const *)b;
    const int names = strcmp(left->name, right->name);
    return names != 0 ? names : (left > right) - (left < right);
}

static oclstm_status check_names(const oclstm_layer *layers, size_t count, oclstm_error *error) {
    const oclstm_layer **order = base_alloc(count, sizeof(const oclstm_layer *));
    if (order == NULL)
        return base_fail_memory(error, count * sizeof(const oclstm_layer *), "the layers' names");
    size_t named = 0;
    for (size_t i = 0; i < count; i++) {
        if (has_tensors(&layers[i]))
            order[named++] = &layers[i];
    }
    qsort(order, named, sizeof(const oclstm_layer *), compare_names);
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 1; i < named && status == OCLSTM_OK; i++) {
        if (strcmp(order[i - 1]->name, order[i]->name) == 0)
            status = base_fail(error, OCLSTM_INVALID_ARGUMENT,
                               "the description of the layers: layers %zu and %zu are both called '%s'; expected a name of its own "
                               "for each, such as 'other: lstm 8'",
                               (size_t)(order[i - 1] - layers) + 1, (size_t)(order[i] - layers) + 1,
                               order[i]->name[0] != '\0' ? name_to_text(order[i]->name).text : ".");
    }
    free(order);
    return status;
}

// --- one layer ----------------------------------------------------------------------------------------------------------

// NULL, and the error, where the word at hand is no kind of layer.
static const layer_word *read_kind(description_words *words) {
    for (size_t i = 0; i < KINDS; i++) {
        if (description_is(&words->word, layer_words[i].word)) {
            description_next(words);
            return &layer_words[i];
        }
    }
    if (description_is(&words->word, "softmax"))
        description_fail(words, &words->word,
                         "a layer that is trained: cross-entropy takes the values before a softmax, so leave it out");
    else
        description_fail(words, &words->word, "embed, lstm, lstmcell, linear, relu or sigmoid");
    return NULL;
}

// One or two numbers. Of an embedding both.
static oclstm_status read_sizes(description_words *words, oclstm_layer *layer, const oclstm_layer *before, const layer_word *kind) {
    const bool embeds = layer->kind == OCLSTM_LAYER_EMBEDDING;
    const int64_t most = is_recurrent(layer) ? MOST_HIDDEN : MOST_EXTENT;
    const char *size = is_recurrent(layer) ? "the hidden size" : embeds ? "the number of features" : "the number of outputs";
    const description_word first = words->word;
    oclstm_status status = description_number(words, embeds ? "the size of the vocabulary" : size, MOST_EXTENT, &layer->inputs);
    if (status != OCLSTM_OK)
        return status;
    if (embeds || description_is_numeric(&words->word)) {
        status = description_number(words, size, most, &layer->outputs);
        if (status == OCLSTM_OK && before != NULL && layer->inputs != before->outputs)
            status = description_fail(words, &first, "%" PRId64 ", the outputs of layer %zu: the inputs of %s must be these",
                                      before->outputs, words->layer - 1, kind->word);
        return status;
    }
    if (before == NULL)
        return description_fail(words, &words->word,
                                "a second number: the first layer says its inputs, as in '%s INPUT %" PRId64 "'", kind->word,
                                layer->inputs);
    layer->outputs = layer->inputs;
    layer->inputs = before->outputs;
    return layer->outputs <= most ? OCLSTM_OK
                                  : description_fail(words, &first, "%s, a whole number from 1 to %" PRId64, size, most);
}

static oclstm_status read_option(description_words *words, oclstm_layer *layer, const layer_word *kind) {
    const description_word *word = &words->word;
    const bool lstm = layer->kind == OCLSTM_LAYER_LSTM;
    if (kind->options[0] != '\0' && layer->bias && description_is(word, "nobias")) {
        layer->bias = false;
    } else if (lstm && layer->directions == 1 && description_is(word, "bidirectional")) {
        layer->directions = 2;
    } else if (lstm && layer->num_layers == 0 && description_is(word, "layers")) {
        int64_t number = 0;
        description_next(words);
        oclstm_status status = description_number(words, "the number of layers", MOST_LAYERS, &number);
        layer->num_layers = (int)number;
        return status;
    } else if (lstm && layer->proj_size == 0 && description_is(word, "proj")) {
        description_next(words);
        if (layer->hidden_size == 1)
            return description_fail(words, word, "no projection: its size lies below the hidden size, which is 1");
        return description_number(words, "the projection's size, below the hidden size", layer->hidden_size - 1, &layer->proj_size);
    } else {
        return description_fail(words, word, "%sa comma and the next layer, or the end", kind->options);
    }
    description_next(words);
    return OCLSTM_OK;
}

// Elements of all tensors of a layer; false where they cannot be counted.
static bool count_parameters(oclstm_layer *layer) {
    const size_t inputs = (size_t)layer->inputs, outputs = (size_t)layer->outputs;
    size_t all = 0, part;
    if (!is_recurrent(layer)) {
        if (has_tensors(layer) && (!checked_mul(inputs, outputs, &all) || !checked_add(all, layer->bias ? outputs : 0, &all)))
            return false;
        layer->parameters = all;
        return true;
    }
    const size_t rows = 4 * (size_t)layer->hidden_size, width = (size_t)width_of(layer), hidden = (size_t)layer->hidden_size;
    const size_t units = layer->directions > 0 ? (size_t)layer->directions : 1;
    // One unit behind the first layer, and what the first has in its place.
    if (!checked_mul(rows, outputs + width + (layer->bias ? 2 : 0), &all) ||
        (layer->proj_size > 0 && (!checked_mul(width, hidden, &part) || !checked_add(all, part, &all))) ||
        !checked_mul(all, units * (size_t)(layer->num_layers - 1), &all) ||
        !checked_mul(rows, inputs + width + (layer->bias ? 2 : 0), &part) || !checked_mul(part, units, &part) ||
        !checked_add(all, part, &all) ||
        (layer->proj_size > 0 && (!checked_mul(units * width, hidden, &part) || !checked_add(all, part, &all))))
        return false;
    layer->parameters = all;
    return true;
}

static oclstm_status finish_layer(const description_words *words, oclstm_layer *layer, const description_word *begin) {
    size_t bytes;
    if (is_recurrent(layer)) {
        layer->num_layers = layer->num_layers > 0 ? layer->num_layers : 1;
        layer->outputs = (layer->directions > 0 ? layer->directions : 1) * width_of(layer);
    }
    if (!count_parameters(layer) || !checked_mul((size_t)layer->parameters, sizeof(double), &bytes) || bytes > INT64_MAX)
        return description_fail(words, begin, "a layer whose weights can be counted: these are more than %" PRId64 " bytes",
                                INT64_MAX);
    return OCLSTM_OK;
}

// "NAME:", or nothing. Leaves the words at what follows it.
static bool skip_name(description_words *words, description_word *name) {
    *name = words->word;
    description_words ahead = *words;
    description_next(&ahead);
    if (name->kind != WORD_TEXT || ahead.word.kind != WORD_COLON)
        return false;
    description_next(&ahead);
    *words = ahead;
    return true;
}

static oclstm_status check_place(const description_words *words, const description_word *at, const oclstm_layer *layer,
                                 const oclstm_layer *before) {
    if (before != NULL && layer->kind == OCLSTM_LAYER_EMBEDDING)
        return description_fail(words, at, "embed as the first layer alone: it takes tokens");
    if (before == NULL && !has_tensors(layer))
        return description_fail(words, at, "embed, lstm, lstmcell or linear as the first layer");
    return OCLSTM_OK;
}

// `made`: how many layers of each kind there are up to here.
static oclstm_status read_layer(description_words *words, oclstm_layer *layer, const oclstm_layer *before, size_t made[KINDS]) {
    description_word name;
    const bool named = skip_name(words, &name);
    const description_word at = words->word;
    const layer_word *kind = read_kind(words);
    oclstm_status status = OCLSTM_OK;
    if (kind == NULL)
        return OCLSTM_INVALID_ARGUMENT;
    layer->kind = kind->kind;
    const size_t number = ++made[kind - layer_words];
    if (named && !has_tensors(layer))
        return description_fail(words, &name, "no name before %s, which has no tensors", kind->word);
    if (named)
        status = take_name(layer, words, &name);
    else if (number == 1 || !has_tensors(layer))
        base_copy_string(layer->name, sizeof layer->name, kind->name);
    else
        snprintf(layer->name, sizeof layer->name, "%s%zu", kind->name, number);
    if (status == OCLSTM_OK)
        status = check_place(words, &at, layer, before);
    if (status == OCLSTM_OK && has_tensors(layer))
        status = read_sizes(words, layer, before, kind);
    else if (status == OCLSTM_OK)
        layer->inputs = layer->outputs = before->outputs;
    layer->bias = has_tensors(layer) && layer->kind != OCLSTM_LAYER_EMBEDDING;
    layer->hidden_size = is_recurrent(layer) ? layer->outputs : 0;
    layer->directions = layer->kind == OCLSTM_LAYER_LSTM ? 1 : 0;
    while (status == OCLSTM_OK && words->word.kind != WORD_COMMA && words->word.kind != WORD_END)
        status = read_option(words, layer, kind);
    return status == OCLSTM_OK ? finish_layer(words, layer, &at) : status;
}

// --- all ----------------------------------------------------------------------------------------------------------------

// A square matrix without bias in front is an embedding to those who read model files: see network.h.
static bool would_be_embedding(const oclstm_layer *first) {
    return first->kind == OCLSTM_LAYER_LINEAR && !first->bias && first->inputs == first->outputs;
}

static oclstm_status check_all(const oclstm_layer *layers, size_t count, oclstm_error *error) {
    bool any = false;
    size_t parameters = 0, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        any = any || is_recurrent(&layers[i]);
        if (!checked_add(parameters, (size_t)layers[i].parameters, &parameters) ||
            !checked_mul(parameters, sizeof(double), &bytes) || bytes > INT64_MAX)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                             "the description of the layers: up to layer %zu the weights are more than %" PRId64
                             " bytes; expected a network that can be counted",
                             i + 1, INT64_MAX);
    }
    if (!any)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "the description of the layers: found no recurrent layer among %zu, expected an lstm or an lstmcell",
                         count);
    if (would_be_embedding(&layers[0]))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "the description of the layers: layer 1: found linear %" PRId64 " %" PRId64
                         " nobias, which would be read from a file as an embedding; expected it with a bias, or another size",
                         layers[0].inputs, layers[0].outputs);
    return check_names(layers, count, error);
}

oclstm_status train_description_parse(oclstm_layer **layers, size_t *count, const char *text, oclstm_error *error) {
    *layers = NULL;
    *count = 0;
    if (text == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the description of the layers is NULL; expected such as \"lstm 3 8\"");
    size_t most = 1, read = 0, made[KINDS] = {0};
    for (const char *at = text; (at = strchr(at, ',')) != NULL; at++)
        most++;
    oclstm_layer *all = base_alloc(most, sizeof *all);
    if (all == NULL)
        return base_fail_memory(error, most * sizeof *all, "the layers");
    oclstm_status status = OCLSTM_OK;
    description_words words = description_begin(text, error);
    for (; status == OCLSTM_OK && read < most; read++, words.layer++) {
        if (read > 0)
            description_next(&words); // the comma
        status = read_layer(&words, &all[read], read > 0 ? &all[read - 1] : NULL, made);
    }
    if (status == OCLSTM_OK)
        status = check_all(all, read, error);
    if (status != OCLSTM_OK) {
        free(all);
        return status;
    }
    *layers = all;
    *count = read;
    return OCLSTM_OK;
}
