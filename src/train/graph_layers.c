// SPDX-License-Identifier: Apache-2.0
// From layers to nodes and parameters. No OpenCL here.
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cl/lstm_shared.h"
#include "model/name_text.h"
#include "train/graph_private.h"

static train_node *add_node(train_graph *graph, train_node_kind kind, size_t inputs, size_t outputs) {
    if (graph->node_count == graph->node_capacity) {
        const size_t capacity = graph->node_capacity > 0 ? 2 * graph->node_capacity : 8;
        train_node *grown = base_alloc(capacity, sizeof *grown);
        if (grown == NULL)
            return NULL;
        if (graph->node_count > 0)
            memcpy(grown, graph->nodes, graph->node_count * sizeof *grown);
        free(graph->nodes);
        graph->nodes = grown;
        graph->node_capacity = capacity;
    }
    train_node *node = &graph->nodes[graph->node_count++];
    *node = (train_node){.kind = kind, .inputs = inputs, .outputs = outputs, .weight = TRAIN_NONE, .bias = TRAIN_NONE};
    return node;
}

bool graph_add_parameter(train_graph *graph, size_t *offset, const char *prefix, const char *name, const char *suffix, size_t rows,
                         size_t columns, size_t fan) {
    if (graph->parameter_count == graph->parameter_capacity) {
        const size_t capacity = graph->parameter_capacity > 0 ? 2 * graph->parameter_capacity : 16;
        train_parameter *grown = base_alloc(capacity, sizeof *grown);
        if (grown == NULL)
            return false;
        if (graph->parameter_count > 0)
            memcpy(grown, graph->parameters, graph->parameter_count * sizeof *grown);
        free(graph->parameters);
        graph->parameters = grown;
        graph->parameter_capacity = capacity;
    }
    train_parameter *parameter = &graph->parameters[graph->parameter_count];
    size_t count, padded;
    if (!checked_mul(rows, columns > 0 ? columns : 1, &count) || !checked_add(count, TRAIN_ALIGNMENT - 1, &padded))
        return false;
    padded -= padded % TRAIN_ALIGNMENT;
    *parameter = (train_parameter){.offset = graph->flat, .count = count, .fan = fan};
    if (!checked_add(graph->flat, padded, &graph->flat))
        return false;
    snprintf(parameter->info.name, sizeof parameter->info.name, "%s%s%s%s", prefix, prefix[0] != '\0' ? "." : "", name, suffix);
    parameter->info.rank = columns > 0 ? 2 : 1;
    parameter->info.shape[0] = (int64_t)rows;
    parameter->info.shape[1] = (int64_t)columns;
    graph->parameter_count++;
    *offset = parameter->offset;
    return true;
}

static bool add_unit(train_graph *graph, const oclstm_layer *layer, train_unit *unit, const char *suffix) {
    const size_t gates = LSTM_GATES * unit->hidden;
    const char *prefix = layer->name;
    unit->width = unit->proj > 0 ? unit->proj : unit->hidden;
    unit->h_before = graph->h_features;
    unit->c_before = graph->c_features;
    graph->h_features += unit->width;
    graph->c_features += unit->hidden;
    unit->bias_ih = unit->bias_hh = unit->weight_hr = TRAIN_NONE;
    bool done = graph_add_parameter(graph, &unit->weight_ih, prefix, "weight_ih", suffix, gates, unit->input, unit->hidden) &&
                graph_add_parameter(graph, &unit->weight_hh, prefix, "weight_hh", suffix, gates, unit->width, unit->hidden);
    if (done && layer->bias)
        done = graph_add_parameter(graph, &unit->bias_ih, prefix, "bias_ih", suffix, gates, 0, unit->hidden) &&
               graph_add_parameter(graph, &unit->bias_hh, prefix, "bias_hh", suffix, gates, 0, unit->hidden);
    if (done && unit->proj > 0)
        done = graph_add_parameter(graph, &unit->weight_hr, prefix, "weight_hr", suffix, unit->proj, unit->hidden, unit->hidden);
    return done;
}

// Dropout behind a recurrent layer; false where host memory is exhausted.
static bool add_dropout(train_graph *graph, size_t features) {
    if (graph->params.dropout == 0)
        return true;
    unsigned before = 0;
    for (size_t i = 0; i < graph->node_count; i++)
        before += graph->nodes[i].kind == NODE_DROPOUT;
    train_node *node = add_node(graph, NODE_DROPOUT, features, features);
    if (node != NULL)
        node->dropout_layer = before;
    return node != NULL;
}

static bool add_recurrent(train_graph *graph, const oclstm_layer *layer, bool is_last_recurrent) {
    const bool is_cell = layer->kind == OCLSTM_LAYER_LSTM_CELL;
    const int directions = is_cell || layer->directions < 1 ? 1 : layer->directions, layers = is_cell ? 1 : layer->num_layers;
    size_t input = (size_t)layer->inputs;
    for (int at = 0; at < layers; at++) {
        const size_t width = (size_t)(layer->proj_size > 0 ? layer->proj_size : layer->hidden_size);
        train_node *node = add_node(graph, NODE_LSTM, input, width * (size_t)directions);
        if (node == NULL)
            return false;
        node->unit_count = directions;
        for (int direction = 0; direction < directions; direction++) {
            char suffix[48] = "";
            if (!is_cell)
                snprintf(suffix, sizeof suffix, "_l%d%s", at, direction == 1 ? "_reverse" : "");
            train_unit *unit = &node->units[direction];
            unit->input = input;
            unit->hidden = (size_t)layer->hidden_size;
            unit->proj = (size_t)layer->proj_size;
            unit->reversed = direction == 1 || layer->reverse;
            if (!add_unit(graph, layer, unit, suffix))
                return false;
        }
        input = node->outputs;
        if (!(is_last_recurrent && at + 1 == layers) && !add_dropout(graph, input))
            return false;
    }
    return true;
}

static bool add_weighted(train_graph *graph, const oclstm_layer *layer) {
    const size_t inputs = (size_t)layer->inputs, outputs = (size_t)layer->outputs;
    const bool is_linear = layer->kind == OCLSTM_LAYER_LINEAR;
    train_node *node = add_node(graph, is_linear ? NODE_LINEAR : NODE_EMBED, inputs, outputs);
    if (node == NULL)
        return false;
    if (!graph_add_parameter(graph, &node->weight, layer->name, "weight", "", is_linear ? outputs : inputs,
                             is_linear ? inputs : outputs, is_linear ? inputs : 0))
        return false;
    return !is_linear || !layer->bias || graph_add_parameter(graph, &node->bias, layer->name, "bias", "", outputs, 0, inputs);
}

oclstm_status graph_add_layer(train_graph *graph, const oclstm_layer *layer, bool is_last_recurrent, oclstm_error *error) {
    bool done = true;
    if (layer->general)
        return base_fail(
            error, OCLSTM_UNSUPPORTED,
            "layer '%s' has peepholes, a clip, coupled gates, other activations or an initial state of its own: such a layer "
            "is run, but not trained",
            name_to_text(layer->name).text);
    switch (layer->kind) {
    case OCLSTM_LAYER_EMBEDDING:
    case OCLSTM_LAYER_LINEAR:
        done = add_weighted(graph, layer);
        break;
    case OCLSTM_LAYER_LSTM:
    case OCLSTM_LAYER_LSTM_CELL:
        done = add_recurrent(graph, layer, is_last_recurrent);
        break;
    case OCLSTM_LAYER_RELU:
    case OCLSTM_LAYER_SIGMOID: {
        train_node *node = add_node(graph, NODE_ACTIVATE, (size_t)layer->outputs, (size_t)layer->outputs);
        done = node != NULL;
        if (done)
            node->sigmoid = layer->kind == OCLSTM_LAYER_SIGMOID;
        break;
    }
    case OCLSTM_LAYER_SOFTMAX:
        return base_fail(error, OCLSTM_UNSUPPORTED,
                         "a softmax is not trained: cross-entropy takes the outputs before it, so leave it out of the layers");
    }
    return done ? OCLSTM_OK : base_fail_memory(error, sizeof(train_node) + sizeof(train_parameter), "the layers of a trainer");
}
