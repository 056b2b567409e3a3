// SPDX-License-Identifier: Apache-2.0
// A graph's forward pass: enqueued, never waited for.
#include "device/device_transfer.h"
#include "train/graph_private.h"

// Elements of a buffer to another: `from` and `to` in elements.
static oclstm_status copy(train_graph *graph, cl_mem dst, size_t to, cl_mem src, size_t from, size_t count, oclstm_error *error) {
    const device_rows rows = {.count = 1,
                              .row_bytes = count * graph->element_bytes,
                              .device_offset = to * graph->element_bytes,
                              .other_offset = from * graph->element_bytes};
    return device_enqueue_copy(graph->device, dst, src, &rows, error);
}

static oclstm_status run_steps(train_graph *graph, const train_unit *unit, train_matrix x, oclstm_error *error) {
    const size_t batch = graph->batch, h = batch * unit->width, c = batch * unit->hidden;
    const train_buffers *b = &graph->buffers;
    oclstm_status status = copy(graph, unit->h, 0, b->h0, unit->h_before * batch, h, error);
    if (status == OCLSTM_OK)
        status = copy(graph, unit->c, 0, b->c0, unit->c_before * batch, c, error);
    for (size_t first = 0, count; first < graph->steps && status == OCLSTM_OK; first += count) {
        count = graph->steps - first < graph->chunk ? graph->steps - first : graph->chunk;
        status = graph_run_unit(graph, unit, x, first, count, error);
    }
    if (status == OCLSTM_OK)
        status = copy(graph, b->hn, unit->h_before * batch, unit->h, graph->steps * h, h, error);
    return status == OCLSTM_OK ? copy(graph, b->cn, unit->c_before * batch, unit->c, graph->steps * c, c, error) : status;
}

static oclstm_status run_unit(train_graph *graph, train_node *node, int at, train_matrix x, oclstm_error *error) {
    const train_unit *unit = &node->units[at];
    oclstm_status status = OCLSTM_OK;
    if (unit->reversed) {
        const train_turning turning = {.src = x,
                                       .dst = {graph->turned, 0},
                                       .src_features = unit->input,
                                       .dst_features = unit->input,
                                       .lengths = graph->has_lengths ? graph->buffers.lengths : NULL,
                                       .reversed = true,
                                       .steps = graph->steps,
                                       .batch = graph->batch,
                                       .features = unit->input};
        status = train_turn(&graph->kernels, &turning, error);
        x = turning.dst;
    }
    if (status == OCLSTM_OK)
        status = run_steps(graph, unit, x, error);
    const train_matrix h = {unit->h, graph->batch * unit->width}; // without the state before
    if (!graph_node_is_placed(node, graph->has_lengths)) {
        node->out = h;
        return status;
    }
    const train_turning placing = {.src = h,
                                   .dst = {node->y, 0},
                                   .src_features = unit->width,
                                   .dst_features = node->outputs,
                                   .dst_column = (size_t)at * unit->width,
                                   .lengths = graph->has_lengths ? graph->buffers.lengths : NULL,
                                   .reversed = unit->reversed,
                                   .steps = graph->steps,
                                   .batch = graph->batch,
                                   .features = unit->width};
    node->out = placing.dst;
    return status == OCLSTM_OK ? train_turn(&graph->kernels, &placing, error) : status;
}

static oclstm_status run_linear(train_graph *graph, train_node *node, train_matrix x, oclstm_error *error) {
    train_product product = graph_linear_product(node, LINEAR_FORWARD, graph->steps * graph->batch);
    product.a = x;
    product.b = (train_matrix){graph->weights, node->weight};
    product.c = node->out = (train_matrix){node->y, 0};
    if (node->bias != TRAIN_NONE)
        product.init = (train_matrix){graph->weights, node->bias};
    return graph->machine.engine->product(&graph->machine, &product, graph->scratch, error);
}

static oclstm_status run_node(train_graph *graph, train_node *node, train_matrix x, oclstm_error *error) {
    const size_t rows = graph->steps * graph->batch;
    oclstm_status status = OCLSTM_OK;
    node->out = (train_matrix){node->y, 0};
    switch (node->kind) {
    case NODE_EMBED:
        return train_embed(&graph->kernels, graph->buffers.tokens, (train_matrix){graph->weights, node->weight}, node->y, rows,
                           node->outputs, error);
    case NODE_LSTM:
        for (int at = 0; at < node->unit_count && status == OCLSTM_OK; at++)
            status = run_unit(graph, node, at, x, error);
        return status;
    case NODE_LINEAR:
        return run_linear(graph, node, x, error);
    case NODE_ACTIVATE:
        return train_activate(&graph->kernels, x, node->y, rows * node->outputs, node->sigmoid, error);
    case NODE_DROPOUT:
        if (graph->dropped)
            return train_dropout_enqueue(graph->dropout, x, node->out, rows * node->outputs, node->dropout_layer,
                                         graph->dropout_step, error);
        node->out = x;
        return OCLSTM_OK;
    }
    return OCLSTM_OK;
}

// What lies behind a sequence's end may be anything, NaN too, and must not meet a gradient of zero.
static oclstm_status clear_padding(train_graph *graph, oclstm_error *error) {
    const size_t features = train_graph_inputs(graph);
    const train_matrix x = {graph->buffers.x, 0};
    const train_turning clearing = {.src = x,
                                    .dst = x,
                                    .src_features = features,
                                    .dst_features = features,
                                    .lengths = graph->buffers.lengths,
                                    .steps = graph->steps,
                                    .batch = graph->batch,
                                    .features = features};
    return graph->has_lengths && x.mem != NULL ? train_turn(&graph->kernels, &clearing, error) : OCLSTM_OK;
}

oclstm_status train_graph_forward(train_graph *graph, uint64_t dropout_step, oclstm_error *error) {
    graph->dropped = dropout_step > 0 && graph->dropout != NULL;
    graph->dropout_step = dropout_step;
    oclstm_status status = clear_padding(graph, error);
    train_matrix at = {graph->buffers.x, 0};
    for (size_t i = 0; i < graph->node_count && status == OCLSTM_OK; i++) {
        status = run_node(graph, &graph->nodes[i], at, error);
        at = graph->nodes[i].out;
    }
    graph->buffers.y = at;
    return status;
}
