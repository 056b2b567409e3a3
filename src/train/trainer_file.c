// SPDX-License-Identifier: Apache-2.0
#include "train/trainer_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/name_text.h"

enum {
    NAME = 340,  // a parameter's name and a suffix
    FLATS = 3,   // weights, first and second moments
    STATES = 4,  // h and c of training and of evaluation
    ENTRIES = 3, // layers, checkpoint, checksum
    LAYER_ENTRIES = 2
};

// Memory that lives as long as the file; NULL, and the error, where there is none.
static void *own_block(trainer_file *file, size_t count, size_t element_bytes, oclstm_error *error) {
    void *block = base_alloc(count, element_bytes);
    if (block == NULL)
        base_fail_memory(error, count * element_bytes, "what a trainer writes");
    else
        file->blocks[file->block_count++] = block;
    return block;
}

// --- layers -------------------------------------------------------------------------------------------------------------

static bool is_activation(const oclstm_layer *layer) {
    return layer->kind == OCLSTM_LAYER_RELU || layer->kind == OCLSTM_LAYER_SIGMOID || layer->kind == OCLSTM_LAYER_SOFTMAX;
}

// Would a list of layers lead back to it?
static bool can_be_listed(const oclstm_layer *layer) {
    const char *name = layer->name;
    if (is_activation(layer) || name[0] == '\0')
        return true;
    return strpbrk(name, ",\n") == NULL && name[0] != ' ' && name[strlen(name) - 1] != ' ' && strcmp(name, ".") != 0 &&
           strcmp(name, "relu") != 0 && strcmp(name, "sigmoid") != 0 && strcmp(name, "softmax") != 0;
}

// "embed,lstm,head", as oclstm_network_params.layers.
static oclstm_status add_list(trainer_file *file, const oclstm_layer *layers, size_t count, bool softmax, oclstm_error *error) {
    static const char end[] = ",softmax";
    size_t capacity = sizeof end;
    for (size_t i = 0; i < count; i++)
        capacity += strlen(layers[i].name) + 2;
    char *list = own_block(file, capacity, 1, error);
    if (list == NULL)
        return OCLSTM_OUT_OF_MEMORY;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (!can_be_listed(&layers[i]))
            return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                             "layer %zu is called '%s': a file cannot say so in its list of layers; expected a name without commas "
                             "that is no activation's",
                             i + 1, name_to_text(layers[i].name).text);
        at +=
            (size_t)snprintf(list + at, capacity - at, "%s%s", i > 0 ? "," : "", layers[i].name[0] != '\0' ? layers[i].name : ".");
    }
    if (softmax)
        memcpy(list + at, end, sizeof end);
    file->metadata[file->metadata_count++] = (oclstm_metadata){"oclstm.layers", list};
    return OCLSTM_OK;
}

// What torch.nn.LSTM has not: see model/recurrent_traits.h.
static oclstm_status add_trait(trainer_file *file, const oclstm_layer *layer, const char *what, const char *value,
                               oclstm_error *error) {
    char *key = own_block(file, NAME, 1, error);
    if (key == NULL)
        return OCLSTM_OUT_OF_MEMORY;
    snprintf(key, NAME, "%s.%s", layer->name, what);
    file->metadata[file->metadata_count++] = (oclstm_metadata){key, value};
    return OCLSTM_OK;
}

static oclstm_status add_layers(trainer_file *file, const oclstm_trainer *trainer, oclstm_error *error) {
    size_t count;
    const oclstm_layer *layers = train_graph_layers(trainer->graph, &count);
    oclstm_status status = add_list(file, layers, count, trainer->ends_in_softmax, error);
    for (size_t i = 0; i < count && status == OCLSTM_OK; i++) {
        if (layers[i].reverse)
            status = add_trait(file, &layers[i], "direction", "reverse", error);
        if (layers[i].batch_first && status == OCLSTM_OK)
            status = add_trait(file, &layers[i], "layout", "1", error);
    }
    return status;
}

// --- tensors ------------------------------------------------------------------------------------------------------------

// The parameters of a flat buffer, each under its name and the suffix.
static oclstm_status add_flat(trainer_file *file, oclstm_trainer *trainer, cl_mem flat, const char *suffix, oclstm_error *error) {
    size_t count;
    const train_parameter *parameters = train_graph_parameters(trainer->graph, &count);
    const size_t elements = train_graph_flat(trainer->graph), element_bytes = trainer->element_bytes;
    unsigned char *values = own_block(file, elements, element_bytes, error);
    char(*names)[NAME] = values != NULL ? own_block(file, count, sizeof *names, error) : NULL;
    if (names == NULL)
        return OCLSTM_OUT_OF_MEMORY;
    oclstm_status status = device_read(trainer->device, values, flat, 0, elements * element_bytes, "weights to be written", error);
    for (size_t i = 0; i < count && status == OCLSTM_OK; i++) {
        const oclstm_parameter *info = &parameters[i].info;
        snprintf(names[i], sizeof names[i], "%s%s", info->name, suffix);
        oclstm_named_array *array = &file->arrays[file->count++];
        *array = (oclstm_named_array){names[i],
                                      {.data = values + parameters[i].offset * element_bytes,
                                       .dtype = trainer->dtype,
                                       .rank = info->rank,
                                       .shape = {info->shape[0], info->shape[1]}}};
    }
    return status;
}

static oclstm_status add_state(trainer_file *file, oclstm_trainer *trainer, cl_mem state, size_t features, size_t batch,
                               const char *name, oclstm_error *error) {
    size_t bytes;
    if (!checked_mul(features, batch, &bytes) || !checked_mul(bytes, trainer->element_bytes, &bytes))
        return base_fail_memory(error, SIZE_MAX, "a carried state");
    void *values = own_block(file, bytes, 1, error);
    if (values == NULL)
        return OCLSTM_OUT_OF_MEMORY;
    oclstm_status status = device_read(trainer->device, values, state, 0, bytes, "a carried state", error);
    file->arrays[file->count++] = (oclstm_named_array){
        name, {.data = values, .dtype = trainer->dtype, .rank = 2, .shape = {(int64_t)features, (int64_t)batch}}};
    return status;
}

oclstm_status trainer_file_add_progress(trainer_file *file, oclstm_trainer *trainer, oclstm_error *error) {
    const size_t h = train_graph_h(trainer->graph), c = train_graph_c(trainer->graph);
    const cl_mem first = train_optimizer_first(trainer->optimizer), second = train_optimizer_second(trainer->optimizer);
    const carried_state *training = &trainer->training, *evaluation = &trainer->evaluation;
    oclstm_status status = OCLSTM_OK;
    if (first != NULL)
        status = add_flat(file, trainer, first, FIRST_SUFFIX, error);
    if (second != NULL && status == OCLSTM_OK)
        status = add_flat(file, trainer, second, SECOND_SUFFIX, error);
    if (training->batch > 0 && status == OCLSTM_OK)
        status = add_state(file, trainer, training->h, h, training->batch, TRAINING_STATE ".h", error);
    if (training->batch > 0 && status == OCLSTM_OK)
        status = add_state(file, trainer, training->c, c, training->batch, TRAINING_STATE ".c", error);
    if (evaluation->batch > 0 && status == OCLSTM_OK)
        status = add_state(file, trainer, evaluation->h, h, evaluation->batch, EVALUATION_STATE ".h", error);
    if (evaluation->batch > 0 && status == OCLSTM_OK)
        status = add_state(file, trainer, evaluation->c, c, evaluation->batch, EVALUATION_STATE ".c", error);
    return status;
}

oclstm_status trainer_file_add_entry(trainer_file *file, const char *key, char *text, oclstm_error *error) {
    if (text == NULL)
        return base_fail_memory(error, NAME, "an entry of the metadata");
    file->blocks[file->block_count++] = text;
    file->metadata[file->metadata_count++] = (oclstm_metadata){key, text};
    return OCLSTM_OK;
}

// --- all ----------------------------------------------------------------------------------------------------------------

oclstm_status trainer_file_begin(trainer_file *out, oclstm_trainer *trainer, const oclstm_metadata *metadata, size_t entries,
                                 oclstm_error *error) {
    size_t layer_count, parameter_count;
    train_graph_layers(trainer->graph, &layer_count);
    train_graph_parameters(trainer->graph, &parameter_count);
    const size_t arrays = FLATS * parameter_count + STATES, texts = entries + LAYER_ENTRIES * layer_count + ENTRIES;
    *out = (trainer_file){.arrays = base_alloc(arrays, sizeof *out->arrays),
                          .metadata = base_alloc(texts, sizeof *out->metadata),
                          .blocks = base_alloc(2 * FLATS + STATES + texts, sizeof *out->blocks)};
    oclstm_status status = OCLSTM_OK;
    if (out->arrays == NULL || out->metadata == NULL || out->blocks == NULL)
        status = base_fail_memory(error, arrays * sizeof *out->arrays, "what a trainer writes");
    if (status == OCLSTM_OK)
        status = add_layers(out, trainer, error);
    if (status == OCLSTM_OK)
        status = add_flat(out, trainer, train_graph_weights(trainer->graph), "", error);
    for (size_t i = 0; i < entries && status == OCLSTM_OK; i++)
        out->metadata[out->metadata_count++] = metadata[i];
    if (status != OCLSTM_OK)
        trainer_file_end(out);
    return status;
}

void trainer_file_end(trainer_file *file) {
    for (size_t i = 0; i < file->block_count; i++)
        free(file->blocks[i]);
    free(file->blocks);
    free(file->arrays);
    free(file->metadata);
    *file = (trainer_file){0};
}
