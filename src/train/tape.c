// SPDX-License-Identifier: Apache-2.0
// Gradients of a cell: a graph of one layer with a copy of the cell's weights.
#include <oclstm/backward.h>

#include "base/error.h"
#include "base/memory.h"
#include "cell/array_check.h"
#include "cell/call_check.h"
#include "cell/cell_private.h"
#include "cl/lstm_shared.h"
#include "device/device_fork.h"
#include "device/device_transfer.h"
#include "train/host_call.h"

enum { PARAMETER_IH, PARAMETER_HH, PARAMETER_BIAS_IH, PARAMETER_BIAS_HH };

struct oclstm_tape {
    oclstm_device *device; // held
    train_graph *graph;
    oclstm_dtype dtype;
    size_t input, hidden, element_bytes;
    bool has_bias, state_required;
    // Of the last forward pass, until the way back:
    bool is_forward, batched, batch_first;
    size_t steps, batch;
};

// --- making -------------------------------------------------------------------------------------------------------------

static oclstm_status copy_weights(oclstm_tape *tape, const oclstm_cell *cell, oclstm_error *error) {
    size_t count;
    const train_parameter *parameters = train_graph_parameters(tape->graph, &count);
    const cl_mem weights = train_graph_weights(tape->graph), sources[2] = {cell->weight_ih, cell->weight_hh};
    oclstm_status status = OCLSTM_OK;
    for (int i = PARAMETER_IH; i <= PARAMETER_HH && status == OCLSTM_OK; i++) {
        const device_rows rows = {.count = 1,
                                  .row_bytes = parameters[i].count * tape->element_bytes,
                                  .device_offset = parameters[i].offset * tape->element_bytes};
        status = device_enqueue_copy(tape->device, weights, sources[i], &rows, error);
    }
    const size_t bias_bytes = LSTM_GATES * tape->hidden * tape->element_bytes;
    for (int i = PARAMETER_BIAS_IH; i <= PARAMETER_BIAS_HH && tape->has_bias && status == OCLSTM_OK; i++)
        status = device_write(tape->device, weights, parameters[i].offset * tape->element_bytes,
                              (const char *)cell->bias_host + (size_t)(i - PARAMETER_BIAS_IH) * bias_bytes, bias_bytes,
                              "the biases", error);
    return status == OCLSTM_OK ? device_finish(tape->device, error) : status;
}

static oclstm_status fill(oclstm_tape *tape, const oclstm_cell *cell, const oclstm_tape_params *params, oclstm_error *error) {
    const oclstm_layer layer = {.kind = OCLSTM_LAYER_LSTM_CELL,
                                .inputs = (int64_t)cell->input,
                                .outputs = (int64_t)cell->hidden,
                                .hidden_size = (int64_t)cell->hidden,
                                .num_layers = 1,
                                .bias = tape->has_bias};
    const train_graph_params graph_params = {.dtype = tape->dtype,
                                             .engine = params != NULL ? params->engine : OCLSTM_ENGINE_AUTO,
                                             .recompute = params != NULL && params->recompute};
    oclstm_status status = train_graph_create(&tape->graph, tape->device, &layer, 1, &graph_params, error);
    return status == OCLSTM_OK ? copy_weights(tape, cell, error) : status;
}

oclstm_status oclstm_tape_create(oclstm_tape **out, oclstm_cell *cell, const oclstm_tape_params *params, oclstm_error *error) {
    if (out != NULL)
        *out = NULL;
    if (out == NULL || cell == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tape_create: %s is NULL", out == NULL ? "out" : "cell");
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    if (cell_dtype_is_short(cell->params.dtype))
        return base_fail(error, OCLSTM_UNSUPPORTED,
                         "the cell is of %s; gradients are in float32 or float64: make the cell in float32",
                         oclstm_dtype_name(cell->params.dtype));
    oclstm_tape *made = base_alloc(1, sizeof *made);
    if (made == NULL)
        return base_fail_memory(error, sizeof *made, "a tape");
    made->device = device_retain(cell->device);
    made->dtype = cell->params.dtype;
    made->input = cell->input;
    made->hidden = cell->hidden;
    made->element_bytes = cell->element_bytes;
    made->has_bias = cell->bias_host != NULL;
    made->state_required = cell->params.state_required;
    status = fill(made, cell, params, error);
    if (status == OCLSTM_OK)
        *out = made;
    else
        oclstm_tape_destroy(&made);
    return status;
}

void oclstm_tape_destroy(oclstm_tape **tape) {
    if (tape == NULL || *tape == NULL)
        return;
    oclstm_tape *old = *tape;
    *tape = NULL;
    if (!device_lost_by_fork())
        device_finish(old->device, NULL);
    train_graph_destroy(&old->graph);
    oclstm_device_close(&old->device);
    free(old);
}

uint64_t oclstm_tape_bytes(const oclstm_tape *tape, int64_t batch, int64_t steps) {
    if (tape == NULL || batch < 1 || steps < 1)
        return 0;
    return train_graph_bytes(tape->graph, (size_t)steps, (size_t)batch, false);
}

oclstm_engine oclstm_tape_engine(const oclstm_tape *tape) {
    return tape != NULL ? train_graph_machine(tape->graph)->engine->id : OCLSTM_ENGINE_AUTO;
}

// --- forward ------------------------------------------------------------------------------------------------------------

// A cell of the tape's sizes, as far as the checks of a call look at it.
static oclstm_cell cell_on_paper(const oclstm_tape *tape) {
    return (oclstm_cell){.device = tape->device,
                         .params = {.input_size = (int64_t)tape->input,
                                    .hidden_size = (int64_t)tape->hidden,
                                    .dtype = tape->dtype,
                                    .state_required = tape->state_required},
                         .input = tape->input,
                         .hidden = tape->hidden,
                         .element_bytes = tape->element_bytes,
                         .real_dtype = tape->dtype,
                         .real_bytes = tape->element_bytes};
}

static host_rows rows_of(const oclstm_tape *tape) {
    return (host_rows){tape->device, tape->steps, tape->batch, tape->element_bytes, tape->batch_first};
}

static oclstm_status run_forward(oclstm_tape *tape, const cell_execution *call, oclstm_error *error) {
    const host_rows rows = rows_of(tape);
    const size_t state = tape->batch * tape->hidden;
    oclstm_status status = train_graph_prepare(tape->graph, tape->steps, tape->batch, false, error);
    const train_buffers *b = train_graph_buffers(tape->graph);
    if (status == OCLSTM_OK)
        status = host_rows_write(&rows, (train_matrix){b->x, 0}, call->x_host, tape->input, "x", error);
    if (status == OCLSTM_OK)
        status = host_block_write(&rows, (train_matrix){b->h0, 0}, call->h_host, state, "h", error);
    if (status == OCLSTM_OK)
        status = host_block_write(&rows, (train_matrix){b->c0, 0}, call->c_host, state, "c", error);
    if (status == OCLSTM_OK)
        status = train_graph_forward(tape->graph, 0, error);
    if (status == OCLSTM_OK)
        status = host_rows_read(&rows, b->y, call->y_host, tape->hidden, "y", error);
    if (status == OCLSTM_OK)
        status = host_block_read(&rows, (train_matrix){b->hn, 0}, call->h_out_host, state, "h'", error);
    if (status == OCLSTM_OK)
        status = host_block_read(&rows, (train_matrix){b->cn, 0}, call->c_out_host, state, "c'", error);
    const oclstm_status ended = device_finish(tape->device, status == OCLSTM_OK ? error : NULL);
    return status == OCLSTM_OK ? ended : status;
}

oclstm_status oclstm_tape_forward(oclstm_tape *tape, const oclstm_sequence *sequence, oclstm_error *error) {
    if (tape == NULL || sequence == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tape_forward: %s is NULL", tape == NULL ? "tape" : "sequence");
    if (sequence->state != NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tape_forward: state is given; a tape takes h and c as arrays");
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    const oclstm_cell cell = cell_on_paper(tape);
    cell_execution call;
    status = call_check(&cell, sequence, false, &call, error);
    if (status != OCLSTM_OK)
        return status;
    tape->is_forward = false;
    tape->steps = call.steps;
    tape->batch = call.batch;
    tape->batched = sequence->x.rank == 3;
    tape->batch_first = tape->batched && sequence->batch_first;
    status = run_forward(tape, &call, error);
    tape->is_forward = status == OCLSTM_OK;
    return status;
}

// --- backward -----------------------------------------------------------------------------------------------------------

// A gradient of the shape of x or y, of a state, or of a weight.
static oclstm_status check_one(const oclstm_tape *tape, const oclstm_const_array *array, const char *name, int rank,
                               const int64_t shape[3], const char *const axes[3], oclstm_error *error) {
    array_expectation expected = {.name = name, .dtype = tape->dtype, .dtype_of = "the cell", .rank = rank};
    for (int axis = 0; axis < rank; axis++) {
        expected.shape[axis] = shape[axis];
        expected.axes[axis] = axes[axis];
    }
    return array->data != NULL ? array_check(array, &expected, error) : OCLSTM_OK;
}

static oclstm_status check_rows(const oclstm_tape *tape, const oclstm_const_array *array, const char *name, size_t features,
                                const char *axis, oclstm_error *error) {
    const int64_t steps = (int64_t)tape->steps, batch = (int64_t)tape->batch;
    const int64_t shape[3] = {tape->batch_first ? batch : steps,
                              tape->batched ? (tape->batch_first ? steps : batch) : (int64_t)features, (int64_t)features};
    const char *const axes[3] = {tape->batch_first ? "batch" : "steps",
                                 tape->batched ? (tape->batch_first ? "steps" : "batch") : axis, axis};
    return check_one(tape, array, name, tape->batched ? 3 : 2, shape, axes, error);
}

static oclstm_status check_state(const oclstm_tape *tape, const oclstm_const_array *array, const char *name, oclstm_error *error) {
    const int64_t shape[3] = {tape->batched ? (int64_t)tape->batch : (int64_t)tape->hidden, (int64_t)tape->hidden};
    const char *const axes[3] = {tape->batched ? "batch" : "hidden", "hidden"};
    return check_one(tape, array, name, tape->batched ? 2 : 1, shape, axes, error);
}

static oclstm_status check_weights(const oclstm_tape *tape, const oclstm_cell_gradients *g, oclstm_error *error) {
    const int64_t gates = (int64_t)(LSTM_GATES * tape->hidden);
    const int64_t ih[3] = {gates, (int64_t)tape->input}, hh[3] = {gates, (int64_t)tape->hidden};
    static const char *const ih_axes[3] = {"4*hidden", "input"}, *const hh_axes[3] = {"4*hidden", "hidden"};
    const oclstm_const_array views[4] = {array_as_const(&g->weight_ih), array_as_const(&g->weight_hh), array_as_const(&g->bias_ih),
                                         array_as_const(&g->bias_hh)};
    static const char *const names[4] = {"the gradient of weight_ih", "the gradient of weight_hh", "the gradient of bias_ih",
                                         "the gradient of bias_hh"};
    oclstm_status status = check_one(tape, &views[0], names[0], 2, ih, ih_axes, error);
    if (status == OCLSTM_OK)
        status = check_one(tape, &views[1], names[1], 2, hh, hh_axes, error);
    for (int i = PARAMETER_BIAS_IH; i <= PARAMETER_BIAS_HH && status == OCLSTM_OK; i++) {
        if (views[i].data != NULL && !tape->has_bias)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is asked for, but the cell has no bias", names[i]);
        status = check_one(tape, &views[i], names[i], 1, ih, ih_axes, error);
    }
    return status;
}

static oclstm_status check_gradients(const oclstm_tape *tape, const oclstm_cell_gradients *g, oclstm_error *error) {
    const oclstm_const_array x = array_as_const(&g->x), h0 = array_as_const(&g->h0), c0 = array_as_const(&g->c0);
    oclstm_status status = check_rows(tape, &g->y, "the gradient of y", tape->hidden, "hidden", error);
    if (status == OCLSTM_OK)
        status = check_rows(tape, &x, "the gradient of x", tape->input, "input", error);
    const oclstm_const_array *const states[4] = {&g->h, &g->c, &h0, &c0};
    static const char *const names[4] = {"the gradient of h", "the gradient of c", "the gradient of h0", "the gradient of c0"};
    for (int i = 0; i < 4 && status == OCLSTM_OK; i++)
        status = check_state(tape, states[i], names[i], error);
    return status == OCLSTM_OK ? check_weights(tape, g, error) : status;
}

static oclstm_status read_gradients(oclstm_tape *tape, const oclstm_cell_gradients *g, oclstm_error *error) {
    const host_rows rows = rows_of(tape);
    const train_buffers *b = train_graph_buffers(tape->graph);
    const size_t state = tape->batch * tape->hidden;
    size_t count;
    const train_parameter *parameters = train_graph_parameters(tape->graph, &count);
    void *const weights[4] = {g->weight_ih.data, g->weight_hh.data, g->bias_ih.data, g->bias_hh.data};
    oclstm_status status = host_rows_read(&rows, b->dx, g->x.data, tape->input, "the gradient of x", error);
    if (status == OCLSTM_OK)
        status = host_block_read(&rows, (train_matrix){b->dhn, 0}, g->h0.data, state, "the gradient of h0", error);
    if (status == OCLSTM_OK)
        status = host_block_read(&rows, (train_matrix){b->dcn, 0}, g->c0.data, state, "the gradient of c0", error);
    for (size_t i = 0; i < count && status == OCLSTM_OK; i++)
        status = host_block_read(&rows, (train_matrix){train_graph_gradients(tape->graph), parameters[i].offset}, weights[i],
                                 parameters[i].count, "a weight's gradient", error);
    return status;
}

oclstm_status oclstm_tape_backward(oclstm_tape *tape, const oclstm_cell_gradients *gradients, oclstm_error *error) {
    if (tape == NULL || gradients == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tape_backward: %s is NULL", tape == NULL ? "tape" : "gradients");
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK && !tape->is_forward)
        status =
            base_fail(error, OCLSTM_INVALID_ARGUMENT,
                      "oclstm_tape_backward: there is no forward pass to go back over; call oclstm_tape_forward() before each");
    if (status == OCLSTM_OK)
        status = check_gradients(tape, gradients, error);
    if (status != OCLSTM_OK)
        return status;
    tape->is_forward = false;
    const host_rows rows = rows_of(tape);
    const train_buffers *b = train_graph_buffers(tape->graph);
    const size_t state = tape->batch * tape->hidden;
    status = host_rows_write(&rows, b->dy, gradients->y.data, tape->hidden, "the gradient of y", error);
    if (status == OCLSTM_OK)
        status = host_block_write(&rows, (train_matrix){b->dhn, 0}, gradients->h.data, state, "the gradient of h", error);
    if (status == OCLSTM_OK)
        status = host_block_write(&rows, (train_matrix){b->dcn, 0}, gradients->c.data, state, "the gradient of c", error);
    if (status == OCLSTM_OK)
        status = train_graph_backward(tape->graph, gradients->accumulate, gradients->x.data != NULL, error);
    if (status == OCLSTM_OK)
        status = read_gradients(tape, gradients, error);
    const oclstm_status ended = device_finish(tape->device, status == OCLSTM_OK ? error : NULL);
    return status == OCLSTM_OK ? ended : status;
}
