// SPDX-License-Identifier: Apache-2.0
// What a graph holds for a batch and a number of steps: counted, refused or made.
#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cl/lstm_shared.h"
#include "device/size_text.h"
#include "train/graph_private.h"

size_t train_chunk_bytes = (size_t)32 << 20;

// Receives each buffer of a shape: where it stands, its elements (saturated) and their size.
typedef struct buffer_visitor {
    train_graph *graph;
    size_t steps, batch, chunk;
    bool has_lengths;
    bool (*visit)(struct buffer_visitor *visitor, cl_mem *buffer, size_t elements, size_t element_bytes, const char *what);
    // counting:
    uint64_t total, largest;
    bool fits;
    // making:
    oclstm_status status;
    oclstm_error *error;
} buffer_visitor;

static size_t product_of(size_t a, size_t b) {
    size_t product;
    return checked_mul(a, b, &product) ? product : SIZE_MAX;
}

static bool visit_real(buffer_visitor *v, cl_mem *buffer, size_t rows, size_t features, const char *what) {
    return features == 0 || v->visit(v, buffer, product_of(rows, features), v->graph->element_bytes, what);
}

static bool visit_int(buffer_visitor *v, cl_mem *buffer, size_t count, const char *what) {
    return v->visit(v, buffer, count, sizeof(cl_int), what);
}

// The scratch memory of a node over some rows: `rows` of a chunk, `all` of everything.
static size_t node_scratch(train_graph *graph, const train_node *node, size_t count, size_t batch, size_t all_rows) {
    size_t most = 0;
    for (int i = 0; i < LINEAR_PRODUCTS && node->kind == NODE_LINEAR; i++) {
        const train_product product = graph_linear_product(node, i, all_rows);
        most = graph_larger(most, graph->machine.engine->product_scratch(&graph->machine, &product));
    }
    for (int u = 0; u < node->unit_count; u++) {
        const train_unit *unit = &node->units[u];
        for (int i = 0; i < UNIT_PRODUCTS; i++) {
            const train_product product = graph_unit_product(unit, i, count * batch);
            if (i != UNIT_WEIGHT_HR || unit->proj > 0)
                most = graph_larger(most, graph->machine.engine->product_scratch(&graph->machine, &product));
        }
        const train_machine *machine = graph_machine_of(graph, unit);
        const train_recurrence recurrence = {.steps = count, .batch = batch, .hidden = unit->hidden, .proj = unit->proj};
        most = graph_larger(most, machine->engine->recurrence_scratch(machine, &recurrence));
    }
    return most;
}

static size_t scratch_elements(train_graph *graph, size_t steps, size_t batch, size_t chunk) {
    size_t most = 1;
    for (size_t i = 0; i < graph->node_count; i++) {
        most = graph_larger(most, node_scratch(graph, &graph->nodes[i], chunk, batch, steps * batch));
        if (steps % chunk != 0)
            most = graph_larger(most, node_scratch(graph, &graph->nodes[i], steps % chunk, batch, steps * batch));
    }
    return most;
}

// The widest of what the nodes share.
typedef struct shared_widths {
    size_t any, turned, part, hidden, proj;
} shared_widths;

static shared_widths find_widths(const train_graph *graph, bool has_lengths) {
    shared_widths w = {0};
    for (size_t i = 0; i < graph->node_count; i++) {
        const train_node *node = &graph->nodes[i];
        const bool is_placed = graph_node_is_placed(node, has_lengths);
        w.any = graph_larger(w.any, graph_larger(node->kind == NODE_EMBED ? 0 : node->inputs, node->outputs));
        for (int u = 0; u < node->unit_count; u++) {
            const train_unit *unit = &node->units[u];
            w.turned = graph_larger(w.turned, unit->reversed || u > 0 ? unit->input : 0);
            w.part = graph_larger(w.part, is_placed ? unit->width : 0);
            w.hidden = graph_larger(w.hidden, unit->hidden);
            w.proj = graph_larger(w.proj, unit->proj);
        }
    }
    return w;
}

static bool visit_unit(buffer_visitor *v, train_unit *unit) {
    const size_t rows = product_of(v->steps, v->batch), more = product_of(v->steps + 1, v->batch);
    return visit_real(v, &unit->h, more, unit->width, "h of every step") &&
           visit_real(v, &unit->c, more, unit->hidden, "c of every step") &&
           (v->graph->params.recompute ||
            (visit_real(v, &unit->gates, rows, LSTM_GATES * unit->hidden, "the gates of every step") &&
             visit_real(v, &unit->raw, rows, unit->proj > 0 ? unit->hidden : 0, "h before its projection")));
}

static bool visit_nodes(buffer_visitor *v) {
    const size_t rows = product_of(v->steps, v->batch);
    for (size_t i = 0; i < v->graph->node_count; i++) {
        train_node *node = &v->graph->nodes[i];
        const bool is_placed = graph_node_is_placed(node, v->has_lengths);
        if ((node->kind != NODE_LSTM || is_placed) && !visit_real(v, &node->y, rows, node->outputs, "a layer's outputs"))
            return false;
        for (int u = 0; u < node->unit_count; u++) {
            if (!visit_unit(v, &node->units[u]))
                return false;
        }
    }
    return true;
}

static bool visit_shared(buffer_visitor *v) {
    train_graph *graph = v->graph;
    train_buffers *b = &graph->buffers;
    const size_t rows = product_of(v->steps, v->batch), chunk_rows = product_of(v->chunk, v->batch);
    const shared_widths w = find_widths(graph, v->has_lengths);
    const bool tokens = train_graph_takes_tokens(graph), recompute = graph->params.recompute;
    const size_t h = graph->h_features, c = graph->c_features;
    return visit_real(v, &b->x, rows, tokens ? 0 : train_graph_inputs(graph), "x") &&
           (!tokens || (visit_int(v, &b->tokens, rows, "the tokens") && visit_int(v, &graph->order, rows, "the tokens' order") &&
                        visit_int(v, &graph->starts, train_graph_inputs(graph) + 1, "the tokens' places"))) &&
           (!v->has_lengths || visit_int(v, &b->lengths, v->batch, "the lengths")) && visit_real(v, &b->h0, v->batch, h, "h0") &&
           visit_real(v, &b->c0, v->batch, c, "c0") && visit_real(v, &b->hn, v->batch, h, "hn") &&
           visit_real(v, &b->cn, v->batch, c, "cn") && visit_real(v, &b->dhn, v->batch, h, "the gradient of h") &&
           visit_real(v, &b->dcn, v->batch, c, "the gradient of c") &&
           visit_real(v, &graph->grad[0], rows, w.any, "a layer's gradient") &&
           visit_real(v, &graph->grad[1], rows, w.any, "a layer's gradient") &&
           visit_real(v, &graph->turned, rows, w.turned, "the input turned round") &&
           visit_real(v, &graph->turned_back, rows, w.turned, "the gradient of the input turned round") &&
           visit_real(v, &graph->part, rows, w.part, "one direction's gradient") &&
           visit_real(v, &graph->gates, chunk_rows, recompute ? LSTM_GATES * w.hidden : 0, "the gates of some steps") &&
           visit_real(v, &graph->raw, chunk_rows, recompute && w.proj > 0 ? w.hidden : 0, "h before its projection") &&
           visit_real(v, &graph->dprojected, chunk_rows, w.proj, "the gradient of the projection") &&
           visit_real(v, &graph->bias, 1, LSTM_GATES * w.hidden, "the biases");
}

static bool visit_all(buffer_visitor *v) { return visit_nodes(v) && visit_shared(v); }

// --- counting -----------------------------------------------------------------------------------------------------------

static bool count_one(buffer_visitor *v, cl_mem *buffer, size_t elements, size_t element_bytes, const char *what) {
    size_t bytes;
    (void)buffer;
    (void)what;
    v->fits = v->fits && elements <= UINT32_MAX && checked_mul(elements, element_bytes, &bytes) && bytes <= SIZE_MAX / 4 - v->total;
    if (!v->fits)
        return false;
    v->total += bytes;
    v->largest = bytes > v->largest ? bytes : v->largest;
    return true;
}

static size_t chunk_steps(const train_graph *graph, size_t steps, size_t batch) {
    size_t widest = 1, step_bytes;
    for (size_t i = 0; i < graph->node_count; i++)
        widest = graph_larger(widest, graph->nodes[i].unit_count > 0 ? graph->nodes[i].units[0].hidden : 0);
    if (!checked_mul(batch, widest * LSTM_GATES * graph->element_bytes, &step_bytes))
        return 1;
    const size_t fit = train_chunk_bytes / step_bytes;
    return fit < 1 ? 1 : fit < steps ? fit : steps;
}

static buffer_visitor count_shape(train_graph *graph, size_t steps, size_t batch, bool has_lengths) {
    buffer_visitor v = {.graph = graph,
                        .steps = steps,
                        .batch = batch,
                        .chunk = chunk_steps(graph, steps, batch),
                        .has_lengths = has_lengths,
                        .visit = count_one,
                        .total = 2 * (uint64_t)graph->flat * graph->element_bytes,
                        .fits = true};
    if (visit_all(&v))
        visit_real(&v, &v.graph->scratch, 1, scratch_elements(v.graph, steps, batch, v.chunk), "scratch memory");
    return v;
}

uint64_t train_graph_bytes(train_graph *graph, size_t steps, size_t batch, bool has_lengths) {
    const buffer_visitor v = count_shape(graph, steps, batch, has_lengths);
    return v.fits ? v.total : 0;
}

static oclstm_status check_room(const buffer_visitor *v, oclstm_error *error) {
    const device_limits *limits = device_get_limits(v->graph->device);
    const char *advice = v->graph->params.recompute ? "" : ", or computing the gates again on the way back (recompute)";
    if (!v->fits)
        return base_fail(
            error, OCLSTM_OUT_OF_DEVICE_MEMORY,
            "training on %zu steps of batch %zu needs more than kernels can index (4294967295 elements a buffer): use a "
            "smaller batch or fewer steps",
            v->steps, v->batch);
    if (v->largest <= limits->max_allocation_bytes && v->total <= limits->global_memory_bytes)
        return OCLSTM_OK;
    return base_fail(
        error, OCLSTM_OUT_OF_DEVICE_MEMORY,
        "training on %zu steps of batch %zu needs %s on the device, the largest buffer %s; %s has %s, in one buffer at most "
        "%s: use a smaller batch or fewer steps%s",
        v->steps, v->batch, size_to_text(v->total).text, size_to_text(v->largest).text, limits->name,
        size_to_text(limits->global_memory_bytes).text, size_to_text(limits->max_allocation_bytes).text, advice);
}

// --- making -------------------------------------------------------------------------------------------------------------

static bool make_one(buffer_visitor *v, cl_mem *buffer, size_t elements, size_t element_bytes, const char *what) {
    v->status = device_buffer_create(buffer, v->graph->device, CL_MEM_READ_WRITE, elements * element_bytes, what, v->error);
    return v->status == OCLSTM_OK;
}

static bool release_one(buffer_visitor *v, cl_mem *buffer, size_t elements, size_t element_bytes, const char *what) {
    (void)elements;
    (void)element_bytes;
    (void)what;
    device_buffer_release(v->graph->device, buffer);
    return true;
}

void graph_release_shape(train_graph *graph) {
    if (graph->node_count == 0)
        return;
    buffer_visitor v = {.graph = graph, .steps = 1, .batch = 1, .chunk = 1, .has_lengths = true, .visit = release_one};
    visit_all(&v);
    device_buffer_release(graph->device, &graph->scratch);
    graph->steps = graph->batch = 0;
}

// Everything slow that a product of the shape needs.
static oclstm_status prepare_products(train_graph *graph, size_t count, oclstm_error *error) {
    train_machine *machine = &graph->machine;
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < graph->node_count && machine->engine->prepare != NULL; i++) {
        const train_node *node = &graph->nodes[i];
        for (int p = 0; p < LINEAR_PRODUCTS && node->kind == NODE_LINEAR && status == OCLSTM_OK; p++) {
            const train_product product = graph_linear_product(node, p, graph->steps * graph->batch);
            status = machine->engine->prepare(machine, &product, error);
        }
        for (int p = 0; p < UNIT_PRODUCTS && node->unit_count > 0 && status == OCLSTM_OK; p++) {
            const train_product product = graph_unit_product(&node->units[0], p, count * graph->batch);
            if (p != UNIT_WEIGHT_HR || node->units[0].proj > 0)
                status = machine->engine->prepare(machine, &product, error);
        }
    }
    return status;
}

oclstm_status train_graph_prepare(train_graph *graph, size_t steps, size_t batch, bool has_lengths, oclstm_error *error) {
    if (graph->steps == steps && graph->batch == batch && graph->has_lengths == has_lengths)
        return OCLSTM_OK;
    buffer_visitor v = count_shape(graph, steps, batch, has_lengths);
    oclstm_status status = check_room(&v, error);
    if (status != OCLSTM_OK)
        return status;
    graph_release_shape(graph);
    v.visit = make_one;
    v.status = OCLSTM_OK;
    v.error = error;
    if (visit_all(&v))
        visit_real(&v, &graph->scratch, 1, scratch_elements(graph, steps, batch, v.chunk), "scratch memory");
    status = v.status;
    graph->steps = steps;
    graph->batch = batch;
    graph->has_lengths = has_lengths;
    graph->chunk = v.chunk;
    graph->buffers.dy = (train_matrix){graph->grad[0], 0};
    if (status == OCLSTM_OK)
        status = prepare_products(graph, v.chunk, error);
    if (status == OCLSTM_OK && steps % v.chunk != 0)
        status = prepare_products(graph, steps % v.chunk, error);
    if (status != OCLSTM_OK)
        graph_release_shape(graph);
    return status;
}

oclstm_status train_graph_write_tokens(train_graph *graph, const int *tokens, oclstm_error *error) {
    const size_t rows = graph->steps * graph->batch, vocabulary = train_graph_inputs(graph);
    cl_int *order = base_alloc(rows + vocabulary + 1, sizeof *order), *starts = order + rows;
    if (order == NULL)
        return base_fail_memory(error, (rows + vocabulary + 1) * sizeof *order, "the tokens' order");
    for (size_t row = 0; row < rows; row++)
        starts[tokens[row] + 1]++;
    for (size_t v = 0; v < vocabulary; v++)
        starts[v + 1] += starts[v];
    for (size_t row = 0; row < rows; row++)
        order[starts[tokens[row]]++] = (cl_int)row;
    for (size_t v = vocabulary; v > 0; v--) // each start has gone on to the next one's place
        starts[v] = starts[v - 1];
    starts[0] = 0;
    oclstm_status status =
        device_write(graph->device, graph->buffers.tokens, 0, tokens, rows * sizeof(cl_int), "the tokens", error);
    if (status == OCLSTM_OK)
        status = device_write(graph->device, graph->order, 0, order, rows * sizeof(cl_int), "the tokens' order", error);
    if (status == OCLSTM_OK)
        status =
            device_write(graph->device, graph->starts, 0, starts, (vocabulary + 1) * sizeof(cl_int), "the tokens' places", error);
    free(order);
    return status;
}
