// SPDX-License-Identifier: Apache-2.0
// A graph's way back: enqueued, never waited for.
#include "cl/lstm_shared.h"
#include "train/graph_private.h"

// What goes back through a node: the gradient of its output in, of its input out.
typedef struct going_back {
    train_graph *graph;
    bool accumulate; // onto the weights' gradients
    train_matrix x;  // the node's input
    train_matrix dy;
    train_matrix dx; // absent: not asked for
    oclstm_error *error;
} going_back;

static oclstm_status multiply(const going_back *g, train_product product, train_matrix a, train_matrix b, train_matrix c,
                              bool accumulate) {
    product.a = a;
    product.b = b;
    product.c = c;
    product.accumulate = accumulate;
    return g->graph->machine.engine->product(&g->graph->machine, &product, g->graph->scratch, g->error);
}

static train_matrix gradient_of(const train_graph *graph, size_t offset) { return (train_matrix){graph->gradients, offset}; }

// The weights' gradients of a chunk, whose gates hold the gradients of their sums.
static oclstm_status weigh_chunk(const going_back *g, const train_unit *unit, const train_recurrence *r, train_matrix x,
                                 bool accumulate) {
    train_graph *graph = g->graph;
    const size_t rows = r->steps * r->batch, gates = LSTM_GATES * unit->hidden;
    const train_matrix x_rows = {x.mem, x.offset + r->first * r->batch * unit->input};
    oclstm_status status = multiply(g, graph_unit_product(unit, UNIT_WEIGHT_IH, rows), r->gates, x_rows,
                                    gradient_of(graph, unit->weight_ih), accumulate);
    if (status == OCLSTM_OK)
        status = multiply(g, graph_unit_product(unit, UNIT_WEIGHT_HH, rows), r->gates, r->h, gradient_of(graph, unit->weight_hh),
                          accumulate);
    if (status == OCLSTM_OK && unit->proj > 0)
        status = multiply(g, graph_unit_product(unit, UNIT_WEIGHT_HR, rows), r->dprojected, r->raw,
                          gradient_of(graph, unit->weight_hr), accumulate);
    if (status == OCLSTM_OK && unit->bias_ih != TRAIN_NONE)
        status = train_column_sums(&graph->kernels, r->gates, gradient_of(graph, unit->bias_ih), unit->bias_hh, accumulate, rows,
                                   gates, g->error);
    return status;
}

// From the last chunk to the first. x, dy and dx are the unit's own: dense, and turned round where it is.
static oclstm_status unit_back(const going_back *g, const train_unit *unit, train_matrix x, train_matrix dy, train_matrix dx) {
    train_graph *graph = g->graph;
    const size_t batch = graph->batch;
    train_machine *machine = graph_machine_of(graph, unit);
    bool accumulate = g->accumulate;
    oclstm_status status = OCLSTM_OK;
    for (size_t end = graph->steps, first; end > 0 && status == OCLSTM_OK; end = first) {
        first = (end - 1) / graph->chunk * graph->chunk; // the chunks of the forward pass
        const size_t count = end - first;
        train_recurrence r = graph_recurrence(graph, unit, first, count);
        r.dy = (train_matrix){dy.mem, dy.offset + first * batch * unit->width};
        r.dh = (train_matrix){graph->buffers.dhn, unit->h_before * batch};
        r.dc = (train_matrix){graph->buffers.dcn, unit->c_before * batch};
        if (graph->params.recompute)
            status = graph_run_unit(graph, unit, x, first, count, g->error);
        if (status == OCLSTM_OK)
            status = machine->engine->backward(machine, &r, graph->scratch, g->error);
        if (status == OCLSTM_OK && dx.mem != NULL)
            status = multiply(g, graph_unit_product(unit, UNIT_BACK, count * batch), r.gates,
                              (train_matrix){graph->weights, unit->weight_ih},
                              (train_matrix){dx.mem, dx.offset + first * batch * unit->input}, false);
        if (status == OCLSTM_OK)
            status = weigh_chunk(g, unit, &r, x, accumulate);
        accumulate = true;
    }
    return status;
}

static train_turning turning_of(const going_back *g, bool reversed) {
    return (train_turning){.lengths = g->graph->has_lengths ? g->graph->buffers.lengths : NULL,
                           .reversed = reversed,
                           .steps = g->graph->steps,
                           .batch = g->graph->batch};
}

static oclstm_status turn(const going_back *g, train_turning turning, train_matrix src, size_t src_features, size_t src_column,
                          train_matrix dst, size_t features, bool accumulate) {
    turning.src = src;
    turning.src_features = src_features;
    turning.src_column = src_column;
    turning.dst = dst;
    turning.dst_features = turning.features = features;
    turning.accumulate = accumulate;
    return train_turn(&g->graph->kernels, &turning, g->error);
}

static oclstm_status lstm_back(const going_back *g, const train_node *node) {
    train_graph *graph = g->graph;
    oclstm_status status = OCLSTM_OK;
    for (int at = 0; at < node->unit_count && status == OCLSTM_OK; at++) {
        const train_unit *unit = &node->units[at];
        const train_turning turning = turning_of(g, unit->reversed);
        train_matrix x = g->x, dy = g->dy, dx = g->dx;
        if (graph_node_is_placed(node, graph->has_lengths)) {
            dy = (train_matrix){graph->part, 0};
            status = turn(g, turning, g->dy, node->outputs, (size_t)at * unit->width, dy, unit->width, false);
        }
        if (status == OCLSTM_OK && unit->reversed) {
            x = (train_matrix){graph->turned, 0};
            status = turn(g, turning, g->x, unit->input, 0, x, unit->input, false);
        }
        if (dx.mem != NULL && (unit->reversed || at > 0))
            dx = (train_matrix){graph->turned_back, 0};
        if (status == OCLSTM_OK)
            status = unit_back(g, unit, x, dy, dx);
        // A turn round is its own adjoint. The first direction replaces what lay there, the second is added.
        if (status == OCLSTM_OK && dx.mem != NULL && (unit->reversed || at > 0))
            status = turn(g, turning, dx, unit->input, 0, g->dx, unit->input, at > 0);
    }
    return status;
}

static oclstm_status linear_back(const going_back *g, const train_node *node) {
    train_graph *graph = g->graph;
    const size_t rows = graph->steps * graph->batch;
    oclstm_status status =
        multiply(g, graph_linear_product(node, LINEAR_WEIGHT, rows), g->dy, g->x, gradient_of(graph, node->weight), g->accumulate);
    if (status == OCLSTM_OK && node->bias != TRAIN_NONE)
        status = train_column_sums(&graph->kernels, g->dy, gradient_of(graph, node->bias), node->bias, g->accumulate, rows,
                                   node->outputs, g->error);
    if (status == OCLSTM_OK && g->dx.mem != NULL)
        status = multiply(g, graph_linear_product(node, LINEAR_BACK, rows), g->dy, (train_matrix){graph->weights, node->weight},
                          g->dx, false);
    return status;
}

// Sets g->dy to the gradient of the node's input.
static oclstm_status node_back(going_back *g, const train_node *node) {
    train_graph *graph = g->graph;
    const size_t count = graph->steps * graph->batch * node->outputs;
    oclstm_status status = OCLSTM_OK;
    switch (node->kind) {
    case NODE_EMBED:
        return train_embed_back(&graph->kernels, g->dy, graph->order, graph->starts, gradient_of(graph, node->weight),
                                g->accumulate, node->inputs, node->outputs, g->error);
    case NODE_ACTIVATE:
        return train_activate_back(&graph->kernels, node->y, g->dy, count, node->sigmoid, g->error);
    case NODE_DROPOUT:
        if (!graph->dropped)
            return OCLSTM_OK;
        return train_dropout_enqueue(graph->dropout, g->dy, g->dy, count, node->dropout_layer, graph->dropout_step, g->error);
    case NODE_LSTM:
        status = lstm_back(g, node);
        break;
    case NODE_LINEAR:
        status = linear_back(g, node);
        break;
    }
    if (g->dx.mem != NULL)
        g->dy = g->dx;
    return status;
}

// What lies behind a sequence's end gives no gradient. Recurrences do not look at it; other layers would.
static oclstm_status clear_padding(const going_back *g) {
    const train_graph *graph = g->graph;
    const train_node *last = &graph->nodes[graph->node_count - 1];
    if (!graph->has_lengths || last->kind == NODE_LSTM)
        return OCLSTM_OK;
    return turn(g, turning_of(g, false), g->dy, last->outputs, 0, g->dy, last->outputs, false);
}

oclstm_status train_graph_backward(train_graph *graph, bool accumulate, bool want_dx, oclstm_error *error) {
    going_back g = {.graph = graph, .accumulate = accumulate, .dy = graph->buffers.dy, .error = error};
    oclstm_status status = clear_padding(&g);
    for (size_t i = graph->node_count; i-- > 0 && status == OCLSTM_OK;) {
        const bool wanted = i > 0 || want_dx;
        g.x = i > 0 ? graph->nodes[i - 1].out : (train_matrix){graph->buffers.x, 0};
        g.dx = wanted ? (train_matrix){g.dy.mem == graph->grad[0] ? graph->grad[1] : graph->grad[0], 0} : (train_matrix){NULL, 0};
        status = node_back(&g, &graph->nodes[i]);
    }
    graph->buffers.dx = g.dy;
    return status;
}
