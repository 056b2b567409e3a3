// SPDX-License-Identifier: Apache-2.0
// Making a graph and unmaking it.
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "train/graph_private.h"

static bool is_recurrent(const oclstm_layer *layer) {
    return layer->kind == OCLSTM_LAYER_LSTM || layer->kind == OCLSTM_LAYER_LSTM_CELL;
}

static oclstm_status add_layers(train_graph *graph, const oclstm_layer *layers, size_t count, oclstm_error *error) {
    size_t last = count;
    for (size_t i = 0; i < count; i++)
        last = is_recurrent(&layers[i]) ? i : last;
    graph->layers = base_alloc(count, sizeof *graph->layers);
    if (graph->layers == NULL)
        return base_fail_memory(error, count * sizeof *graph->layers, "the layers of a trainer");
    memcpy(graph->layers, layers, count * sizeof *layers);
    graph->layer_count = count;
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < count && status == OCLSTM_OK; i++)
        status = graph_add_layer(graph, &layers[i], i == last, error);
    return status;
}

static oclstm_status make_machines(train_graph *graph, oclstm_error *error) {
    const train_graph_params *params = &graph->params;
    graph->machine = (train_machine){.device = graph->device, .dtype = params->dtype, .element_bytes = graph->element_bytes};
    graph->portable = graph->machine;
    oclstm_status status = train_engine_choose(&graph->machine.engine, graph->device, params->dtype, params->engine, error);
    if (status != OCLSTM_OK)
        return status;
    for (size_t i = 0; i < graph->node_count; i++)
        graph->needs_portable = graph->needs_portable || (graph->nodes[i].kind == NODE_LSTM && graph->nodes[i].units[0].proj > 0 &&
                                                          !graph->machine.engine->has_projection);
    status = graph->machine.engine->create(&graph->machine, error);
    if (status == OCLSTM_OK && graph->needs_portable) {
        graph->portable.engine = &train_engine_portable;
        status = train_engine_portable.create(&graph->portable, error);
    }
    return status;
}

static oclstm_status make_flat(cl_mem *out, train_graph *graph, const char *what, oclstm_error *error) {
    size_t bytes;
    if (!checked_mul(graph->flat, graph->element_bytes, &bytes) || graph->flat > UINT32_MAX)
        return base_fail(error, OCLSTM_OUT_OF_DEVICE_MEMORY, "%zu weights are more than kernels can index (4294967295)",
                         graph->flat);
    oclstm_status status = device_buffer_create(out, graph->device, CL_MEM_READ_WRITE, bytes, what, error);
    return status == OCLSTM_OK ? device_fill_zero(graph->device, *out, 0, bytes, error) : status;
}

static oclstm_status fill(train_graph *graph, const oclstm_layer *layers, size_t count, oclstm_error *error) {
    const train_graph_params *params = &graph->params;
    oclstm_status status = add_layers(graph, layers, count, error);
    if (status == OCLSTM_OK)
        status = make_machines(graph, error);
    if (status == OCLSTM_OK)
        status = train_layer_kernels_make(&graph->kernels, graph->device, params->dtype, error);
    if (status == OCLSTM_OK && params->dropout > 0)
        status = train_dropout_create(&graph->dropout, graph->device, params->dtype, params->seed, params->dropout, error);
    if (status == OCLSTM_OK)
        status = make_flat(&graph->weights, graph, "the weights", error);
    if (status == OCLSTM_OK)
        status = make_flat(&graph->gradients, graph, "the weights' gradients", error);
    return status == OCLSTM_OK ? device_finish(graph->device, error) : status;
}

oclstm_status train_graph_create(train_graph **out, oclstm_device *device, const oclstm_layer *layers, size_t count,
                                 const train_graph_params *params, oclstm_error *error) {
    *out = NULL;
    train_graph *made = base_alloc(1, sizeof *made);
    if (made == NULL)
        return base_fail_memory(error, sizeof *made, "a trainer");
    made->device = device;
    made->params = *params;
    made->element_bytes = oclstm_dtype_size_bytes(params->dtype);
    oclstm_status status = fill(made, layers, count, error);
    if (status == OCLSTM_OK)
        *out = made;
    else
        train_graph_destroy(&made);
    return status;
}

void train_graph_destroy(train_graph **graph) {
    if (graph == NULL || *graph == NULL)
        return;
    train_graph *old = *graph;
    *graph = NULL;
    graph_release_shape(old);
    device_buffer_release(old->device, &old->weights);
    device_buffer_release(old->device, &old->gradients);
    train_dropout_destroy(&old->dropout);
    train_layer_kernels_release(&old->kernels);
    if (old->machine.engine != NULL)
        old->machine.engine->destroy(&old->machine);
    if (old->portable.engine != NULL)
        old->portable.engine->destroy(&old->portable);
    free(old->parameters);
    free(old->nodes);
    free(old->layers);
    free(old);
}

const oclstm_layer *train_graph_layers(const train_graph *graph, size_t *count) {
    *count = graph->layer_count;
    return graph->layers;
}

const train_parameter *train_graph_parameters(const train_graph *graph, size_t *count) {
    *count = graph->parameter_count;
    return graph->parameters;
}

train_machine *train_graph_machine(train_graph *graph) { return &graph->machine; }
size_t train_graph_flat(const train_graph *graph) { return graph->flat; }
cl_mem train_graph_weights(const train_graph *graph) { return graph->weights; }
cl_mem train_graph_gradients(const train_graph *graph) { return graph->gradients; }
bool train_graph_takes_tokens(const train_graph *graph) { return graph->nodes[0].kind == NODE_EMBED; }
size_t train_graph_inputs(const train_graph *graph) { return graph->nodes[0].inputs; }
size_t train_graph_outputs(const train_graph *graph) { return graph->nodes[graph->node_count - 1].outputs; }
size_t train_graph_h(const train_graph *graph) { return graph->h_features; }
size_t train_graph_c(const train_graph *graph) { return graph->c_features; }
const train_buffers *train_graph_buffers(const train_graph *graph) { return &graph->buffers; }

size_t train_graph_units(const train_graph *graph, bool *uniform) {
    const train_unit *first = NULL;
    size_t count = 0;
    *uniform = true;
    for (size_t i = 0; i < graph->node_count; i++) {
        for (int u = 0; u < graph->nodes[i].unit_count; u++, count++) {
            const train_unit *unit = &graph->nodes[i].units[u];
            first = first != NULL ? first : unit;
            *uniform = *uniform && unit->width == first->width && unit->hidden == first->hidden;
        }
    }
    return count;
}
