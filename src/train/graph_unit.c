// SPDX-License-Identifier: Apache-2.0
// One unit of a graph: its products and its recurrence.
#include "cl/lstm_shared.h"
#include "train/graph_private.h"

train_product graph_unit_product(const train_unit *unit, int which, size_t rows) {
    const size_t gates = LSTM_GATES * unit->hidden;
    switch (which) {
    case UNIT_FORWARD:
        return (train_product){
            .form = TRAIN_NT, .m = rows, .n = gates, .k = unit->input, .lda = unit->input, .ldb = unit->input, .ldc = gates};
    case UNIT_BACK:
        return (train_product){
            .form = TRAIN_NN, .m = rows, .n = unit->input, .k = gates, .lda = gates, .ldb = unit->input, .ldc = unit->input};
    case UNIT_WEIGHT_IH:
        return (train_product){
            .form = TRAIN_TN, .m = gates, .n = unit->input, .k = rows, .lda = gates, .ldb = unit->input, .ldc = unit->input};
    case UNIT_WEIGHT_HH:
        return (train_product){
            .form = TRAIN_TN, .m = gates, .n = unit->width, .k = rows, .lda = gates, .ldb = unit->width, .ldc = unit->width};
    default:
        return (train_product){.form = TRAIN_TN,
                               .m = unit->proj,
                               .n = unit->hidden,
                               .k = rows,
                               .lda = unit->proj,
                               .ldb = unit->hidden,
                               .ldc = unit->hidden};
    }
}

train_product graph_linear_product(const train_node *node, int which, size_t rows) {
    const size_t in = node->inputs, out = node->outputs;
    switch (which) {
    case LINEAR_FORWARD:
        return (train_product){.form = TRAIN_NT, .m = rows, .n = out, .k = in, .lda = in, .ldb = in, .ldc = out};
    case LINEAR_BACK:
        return (train_product){.form = TRAIN_NN, .m = rows, .n = in, .k = out, .lda = out, .ldb = in, .ldc = in};
    default:
        return (train_product){.form = TRAIN_TN, .m = out, .n = in, .k = rows, .lda = out, .ldb = in, .ldc = in};
    }
}

train_recurrence graph_recurrence(const train_graph *graph, const train_unit *unit, size_t first, size_t count) {
    const size_t batch = graph->batch;
    const bool kept = unit->gates != NULL;
    train_recurrence r = {.steps = count,
                          .batch = batch,
                          .hidden = unit->hidden,
                          .proj = unit->proj,
                          .first = first,
                          .weight_hh = {graph->weights, unit->weight_hh},
                          .lengths = graph->has_lengths ? graph->buffers.lengths : NULL,
                          .gates = {kept ? unit->gates : graph->gates, kept ? first * batch * LSTM_GATES * unit->hidden : 0},
                          .h = {unit->h, first * batch * unit->width},
                          .c = {unit->c, first * batch * unit->hidden}};
    if (unit->proj > 0) {
        r.weight_hr = (train_matrix){graph->weights, unit->weight_hr};
        r.raw = (train_matrix){kept ? unit->raw : graph->raw, kept ? first * batch * unit->hidden : 0};
        r.dprojected = (train_matrix){graph->dprojected, 0};
    }
    return r;
}

oclstm_status graph_run_unit(train_graph *graph, const train_unit *unit, train_matrix x, size_t first, size_t count,
                             oclstm_error *error) {
    const train_recurrence recurrence = graph_recurrence(graph, unit, first, count);
    train_product product = graph_unit_product(unit, UNIT_FORWARD, count * graph->batch);
    product.a = (train_matrix){x.mem, x.offset + first * graph->batch * unit->input};
    product.b = (train_matrix){graph->weights, unit->weight_ih};
    product.c = recurrence.gates;
    oclstm_status status = OCLSTM_OK;
    if (unit->bias_ih != TRAIN_NONE) {
        product.init = (train_matrix){graph->bias, 0};
        status = train_add_rows(&graph->kernels, graph->weights, unit->bias_ih, unit->bias_hh, graph->bias,
                                LSTM_GATES * unit->hidden, error);
    }
    if (status == OCLSTM_OK)
        status = graph->machine.engine->product(&graph->machine, &product, graph->scratch, error);
    train_machine *machine = graph_machine_of(graph, unit);
    return status == OCLSTM_OK ? machine->engine->forward(machine, &recurrence, graph->scratch, error) : status;
}
