// SPDX-License-Identifier: Apache-2.0
// One layer's tensors, checked against each other.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/shape.h"
#include "model/name_text.h"
#include "network/modules.h"

typedef struct finder {
    const oclstm_tensors *file;
    network_module *module;
    oclstm_error *error;
} finder;

static void compose(char *dst, size_t capacity, const char *prefix, const char *name, int layer, bool reverse) {
    snprintf(dst, capacity, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", name);
    if (layer >= 0)
        base_append(dst, capacity, "_l%d%s", layer, reverse ? "_reverse" : "");
}

static const oclstm_tensor *find(const oclstm_tensors *file, const char *prefix, const char *name, int layer, bool reverse) {
    char full[400];
    compose(full, sizeof full, prefix, name, layer, reverse);
    return oclstm_tensors_find(file, full);
}

static bool is_float(const oclstm_tensor *tensor) {
    return tensor->dtype == OCLSTM_F32 || tensor->dtype == OCLSTM_F64 || tensor->dtype == OCLSTM_F16 ||
           tensor->dtype == OCLSTM_BF16;
}

// Extents below zero may be anything from 1 on.
static oclstm_status check_tensor(const finder *f, const oclstm_tensor *tensor, int rank, int64_t rows, int64_t columns) {
    const int64_t wanted[2] = {rows, columns};
    bool fits = tensor->rank == rank && is_float(tensor);
    for (int axis = 0; fits && axis < rank; axis++)
        fits = tensor->shape[axis] >= 1 && tensor->shape[axis] <= INT32_MAX &&
               (wanted[axis] < 0 || tensor->shape[axis] == wanted[axis]);
    if (fits)
        return OCLSTM_OK;
    char expected[64] = "";
    for (int axis = 0; axis < rank; axis++) {
        if (wanted[axis] < 0)
            base_append(expected, sizeof expected, "[any]");
        else
            base_append(expected, sizeof expected, "[%" PRId64 "]", wanted[axis]);
    }
    return base_fail(f->error, OCLSTM_FORMAT, "'%s': layer '%s': tensor '%s' is %s of %s, expected %s of a floating-point type",
                     oclstm_tensors_path(f->file), name_to_text(f->module->layer.name).text, name_to_text(tensor->name).text,
                     shape_to_text(tensor->shape, tensor->rank).text, oclstm_dtype_name(tensor->dtype), expected);
}

static oclstm_status fail_missing(const finder *f, const char *name, int layer, bool reverse) {
    char full[400], where[64] = "";
    compose(full, sizeof full, f->module->layer.name, name, layer, reverse);
    if (layer >= 0)
        snprintf(where, sizeof where, ", layer %d%s,", layer, reverse ? " backward" : "");
    return base_fail(f->error, OCLSTM_FORMAT, "'%s': '%s'%s lacks the tensor '%s'", oclstm_tensors_path(f->file),
                     name_to_text(f->module->layer.name).text, where, name_to_text(full).text);
}

// --- recurrent ----------------------------------------------------------------------------------------------------------

lstm_weights network_lstm_weights(const oclstm_tensors *file, const network_module *module, int layer, int direction) {
    const char *prefix = module->layer.name;
    const int at = module->layer.kind == OCLSTM_LAYER_LSTM_CELL ? -1 : layer;
    const bool reverse = direction == 1;
    return (lstm_weights){.ih = find(file, prefix, "weight_ih", at, reverse),
                          .hh = find(file, prefix, "weight_hh", at, reverse),
                          .bias_ih = find(file, prefix, "bias_ih", at, reverse),
                          .bias_hh = find(file, prefix, "bias_hh", at, reverse),
                          .hr = at < 0 ? NULL : find(file, prefix, "weight_hr", at, reverse),
                          .peephole = at < 0 ? NULL : find(file, prefix, "peephole", at, reverse)};
}

static oclstm_status check_weights(const finder *f, int layer, int direction, int64_t inputs) {
    const oclstm_layer *found = &f->module->layer;
    const lstm_weights w = network_lstm_weights(f->file, f->module, layer, direction);
    const int at = found->kind == OCLSTM_LAYER_LSTM_CELL ? -1 : layer;
    const bool reverse = direction == 1;
    const int64_t hidden = found->hidden_size, width = network_width(found);
    if (w.ih == NULL || w.hh == NULL)
        return fail_missing(f, w.ih == NULL ? "weight_ih" : "weight_hh", at, reverse);
    if (found->bias && (w.bias_ih == NULL || w.bias_hh == NULL))
        return fail_missing(f, w.bias_ih == NULL ? "bias_ih" : "bias_hh", at, reverse);
    if (!found->bias && (w.bias_ih != NULL || w.bias_hh != NULL))
        return fail_missing(f, "bias_ih", 0, false); // what a later layer has, the first has too
    if (found->proj_size > 0 && w.hr == NULL)
        return fail_missing(f, "weight_hr", at, reverse);
    if (found->proj_size == 0 && w.hr != NULL)
        return fail_missing(f, "weight_hr", 0, false);
    oclstm_status status = check_tensor(f, w.ih, 2, 4 * hidden, inputs);
    if (status == OCLSTM_OK)
        status = check_tensor(f, w.hh, 2, 4 * hidden, width);
    if (status == OCLSTM_OK && found->bias)
        status = check_tensor(f, w.bias_ih, 1, 4 * hidden, 0);
    if (status == OCLSTM_OK && found->bias)
        status = check_tensor(f, w.bias_hh, 1, 4 * hidden, 0);
    if (status == OCLSTM_OK && w.hr != NULL)
        status = check_tensor(f, w.hr, 2, width, hidden);
    if (status == OCLSTM_OK && w.peephole != NULL)
        status = check_tensor(f, w.peephole, 1, 3 * hidden, 0);
    return status;
}

static void count_parameters(const finder *f) {
    oclstm_layer *layer = &f->module->layer;
    for (int at = 0; at < layer->num_layers; at++) {
        for (int direction = 0; direction < (layer->directions > 0 ? layer->directions : 1); direction++) {
            const lstm_weights w = network_lstm_weights(f->file, f->module, at, direction);
            const oclstm_tensor *const all[] = {w.ih, w.hh, w.bias_ih, w.bias_hh, w.hr, w.peephole};
            for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
                layer->parameters += all[i] != NULL ? all[i]->size_bytes / oclstm_dtype_size_bytes(all[i]->dtype) : 0;
        }
    }
}

// Is there anything of a layer and direction? One weight without the other is a layer that lacks it.
static bool has_weights(const finder *f, int layer, bool reverse) {
    return find(f->file, f->module->layer.name, "weight_ih", layer, reverse) != NULL ||
           find(f->file, f->module->layer.name, "weight_hh", layer, reverse) != NULL;
}

// A layer's number beyond the last one means that one between is missing.
static oclstm_status check_no_gap(const finder *f) {
    const oclstm_layer *layer = &f->module->layer;
    for (int at = layer->num_layers + 1; at <= layer->num_layers + 8; at++) {
        if (has_weights(f, at, false) || has_weights(f, at, true))
            return fail_missing(f, "weight_ih", layer->num_layers, false);
    }
    return OCLSTM_OK;
}

static oclstm_status read_sizes(const finder *f, int at) {
    oclstm_layer *layer = &f->module->layer;
    const lstm_weights w = network_lstm_weights(f->file, f->module, 0, 0);
    if (w.ih == NULL || w.hh == NULL)
        return fail_missing(f, w.ih == NULL ? "weight_ih" : "weight_hh", at, false);
    oclstm_status status = check_tensor(f, w.ih, 2, -1, -1);
    if (status == OCLSTM_OK)
        status = check_tensor(f, w.hh, 2, -1, -1);
    if (status == OCLSTM_OK && w.hr != NULL)
        status = check_tensor(f, w.hr, 2, -1, -1);
    if (status != OCLSTM_OK)
        return status;
    layer->inputs = w.ih->shape[1];
    layer->hidden_size = w.hh->shape[0] / 4;
    layer->proj_size = w.hr != NULL ? w.hh->shape[1] : 0;
    layer->bias = w.bias_ih != NULL || w.bias_hh != NULL;
    return OCLSTM_OK;
}

static oclstm_status find_cell(const finder *f) {
    oclstm_layer *layer = &f->module->layer;
    layer->kind = OCLSTM_LAYER_LSTM_CELL;
    layer->num_layers = 1;
    oclstm_status status = read_sizes(f, -1);
    if (status == OCLSTM_OK)
        status = check_weights(f, 0, 0, layer->inputs);
    layer->outputs = layer->hidden_size;
    if (status == OCLSTM_OK)
        count_parameters(f);
    return status;
}

// The metadata's direction against the tensors'.
static oclstm_status check_direction(const finder *f) {
    const oclstm_layer *layer = &f->module->layer;
    const recurrent_traits *traits = &f->module->traits;
    if (traits->both && layer->directions == 1)
        return fail_missing(f, "weight_ih", 0, true);
    if (traits->reverse && layer->directions == 2)
        return base_fail(f->error, OCLSTM_FORMAT,
                         "'%s': the metadata entry '%s.direction' is 'reverse', but the layer has tensors of both directions",
                         oclstm_tensors_path(f->file), name_to_text(layer->name).text);
    return OCLSTM_OK;
}

static oclstm_status find_lstm(const finder *f) {
    oclstm_layer *layer = &f->module->layer;
    layer->kind = OCLSTM_LAYER_LSTM;
    oclstm_status status = read_sizes(f, 0);
    if (status == OCLSTM_OK)
        status = recurrent_traits_read(&f->module->traits, f->file, layer->name, f->error);
    if (status != OCLSTM_OK)
        return status;
    layer->reverse = f->module->traits.reverse;
    layer->batch_first = f->module->traits.layout == 1;
    layer->general = !recurrent_traits_are_plain(&f->module->traits, 0) || !recurrent_traits_are_plain(&f->module->traits, 1) ||
                     find(f->file, layer->name, "peephole", 0, false) != NULL;
    layer->directions = has_weights(f, 0, true) ? 2 : 1;
    status = check_direction(f);
    while (layer->num_layers < INT16_MAX && (has_weights(f, layer->num_layers, false) || has_weights(f, layer->num_layers, true)))
        layer->num_layers++;
    layer->outputs = layer->directions * network_width(layer);
    for (int at = 0; at < layer->num_layers && status == OCLSTM_OK; at++) {
        for (int direction = 0; direction < layer->directions && status == OCLSTM_OK; direction++)
            status = check_weights(f, at, direction, at == 0 ? layer->inputs : layer->outputs);
        if (status == OCLSTM_OK && layer->directions == 1 && has_weights(f, at, true))
            status = fail_missing(f, "weight_ih", 0, true);
    }
    if (status == OCLSTM_OK)
        status = check_no_gap(f);
    // In other files h0 and c0 beside the weights are somebody's data.
    char key[300];
    snprintf(key, sizeof key, "%s.initial_state", layer->name);
    if (oclstm_tensors_metadata(f->file, key) != NULL) {
        layer->general = true;
        f->module->h0 = find(f->file, layer->name, "h0", -1, false);
        f->module->c0 = find(f->file, layer->name, "c0", -1, false);
    }
    if (status == OCLSTM_OK)
        count_parameters(f);
    return status;
}

// --- the others ---------------------------------------------------------------------------------------------------------

// A weight [outputs][inputs], or [outputs][inputs][1 ...] of a convolution with one tap, which is the same.
static bool is_matrix(const oclstm_tensor *weight) {
    for (int axis = 2; axis < weight->rank; axis++) {
        if (weight->shape[axis] != 1)
            return false;
    }
    return weight->rank >= 2 && weight->shape[0] >= 1 && weight->shape[0] <= INT32_MAX && weight->shape[1] >= 1 &&
           weight->shape[1] <= INT32_MAX && is_float(weight);
}

// Whether a weight without bias is an embedding, only the order of the layers can tell: network_modules_order() does.
static oclstm_status find_linear(const finder *f, const oclstm_tensor *weight) {
    oclstm_layer *layer = &f->module->layer;
    layer->kind = OCLSTM_LAYER_LINEAR;
    f->module->weight = weight;
    f->module->bias = find(f->file, layer->name, "bias", -1, false);
    if (!is_matrix(weight))
        return base_fail(f->error, OCLSTM_FORMAT,
                         "'%s': layer '%s': tensor '%s' is %s of %s, expected a matrix of a floating-point type",
                         oclstm_tensors_path(f->file), name_to_text(layer->name).text, name_to_text(weight->name).text,
                         shape_to_text(weight->shape, weight->rank).text, oclstm_dtype_name(weight->dtype));
    layer->outputs = weight->shape[0];
    layer->inputs = weight->shape[1];
    layer->bias = f->module->bias != NULL;
    layer->parameters = (uint64_t)(layer->outputs * layer->inputs + (layer->bias ? layer->outputs : 0));
    return f->module->bias == NULL ? OCLSTM_OK : check_tensor(f, f->module->bias, 1, layer->outputs, 0);
}

oclstm_status network_module_find(network_module *out, const oclstm_tensors *file, const char *prefix, oclstm_error *error) {
    *out = (network_module){.traits = recurrent_traits_plain()};
    base_copy_string(out->layer.name, sizeof out->layer.name, prefix);
    const finder f = {file, out, error};
    if (find(file, prefix, "weight_ih", 0, false) != NULL || find(file, prefix, "weight_hh", 0, false) != NULL)
        return find_lstm(&f);
    if (find(file, prefix, "weight_ih", -1, false) != NULL || find(file, prefix, "weight_hh", -1, false) != NULL)
        return find_cell(&f);
    const oclstm_tensor *weight = find(file, prefix, "weight", -1, false);
    if (weight != NULL)
        return find_linear(&f, weight);
    return base_fail(error, OCLSTM_NOT_FOUND,
                     "'%s': no tensor belongs to a layer '%s' (looked for '%s%sweight', 'weight_ih', 'weight_ih_l0')",
                     oclstm_tensors_path(file), name_to_text(prefix).text, name_to_text(prefix).text, prefix[0] != '\0' ? "." : "");
}
