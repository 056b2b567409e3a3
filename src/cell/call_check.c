// SPDX-License-Identifier: Apache-2.0
#include "cell/call_check.h"

#include "base/checked.h"
#include "base/shape.h"
#include "cell/array_check.h"
#include "model/dtype_convert.h"

static bool is_present(const oclstm_const_array *array) { return array->data != NULL; }

// The axes of x or y, in order; returns the rank.
static int sequence_axes(bool is_step, bool batched, bool batch_first, const char *features, const char **axes) {
    int rank = 0;
    if (batched && batch_first && !is_step)
        axes[rank++] = "batch";
    if (!is_step)
        axes[rank++] = "steps";
    if (batched && (is_step || !batch_first))
        axes[rank++] = "batch";
    axes[rank++] = features;
    return rank;
}

static oclstm_status check_x_type(const oclstm_cell *cell, const oclstm_const_array *x, bool is_step, oclstm_error *error) {
    if (!is_present(x))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "x is missing: its data pointer is NULL");
    if (x->rank < 0 || x->rank > OCLSTM_MAX_RANK)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "x has rank %d; a rank is 0 to %d", x->rank, OCLSTM_MAX_RANK);
    if (!model_dtype_is_float(x->dtype))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "x is %s; a cell takes floating-point input: convert x to %s",
                         oclstm_dtype_name(x->dtype), oclstm_dtype_name(cell->params.dtype));
    if (!cell_dtype_takes(cell->params.dtype, x->dtype))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "x is %s, but the cell's dtype is %s: convert x%s, or make the cell with dtype %s",
                         oclstm_dtype_name(x->dtype), oclstm_dtype_name(cell->params.dtype),
                         cell_dtype_is_short(cell->params.dtype) ? " to that or to float32" : "", oclstm_dtype_name(x->dtype));
    int least = is_step ? 1 : 2;
    if (x->rank == least || x->rank == least + 1)
        return OCLSTM_OK;
    const shape_text shape = shape_to_text(x->shape, x->rank);
    if (is_step)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "x of a step has 1 or 2 dimensions, [input] or [batch][input]; found %d: %s%s", x->rank, shape.text,
                         x->rank == 3 ? "; for a sequence call oclstm_cell_sequence()" : "");
    return base_fail(
        error, OCLSTM_INVALID_ARGUMENT,
        "x of a sequence has 2 or 3 dimensions, [steps][input] or [steps][batch][input] ([batch][steps][input] with batch_first); "
        "found %d: %s",
        x->rank, shape.text);
}

static oclstm_status check_x(const oclstm_cell *cell, const oclstm_sequence *call, bool is_step, bool *batched, cell_execution *out,
                             oclstm_error *error) {
    oclstm_status status = check_x_type(cell, &call->x, is_step, error);
    if (status != OCLSTM_OK)
        return status;
    const oclstm_const_array *x = &call->x;
    *batched = x->rank == (is_step ? 2 : 3);
    const char *axes[3];
    int rank = sequence_axes(is_step, *batched, call->batch_first, "input", axes);
    const shape_text shape = shape_to_text(x->shape, rank);
    if (x->shape[rank - 1] != (int64_t)cell->input)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "x is %s: its last dimension (input) is %" PRId64 ", but the cell's input_size is %zu", shape.text,
                         x->shape[rank - 1], cell->input);
    for (int axis = 0; axis < rank; axis++) {
        if (x->shape[axis] < 1)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "x is %s: its dimension %d (%s) is %" PRId64 "; it must be at least 1",
                             shape.text, axis, axes[axis], x->shape[axis]);
    }
    size_t x_bytes, y_bytes;
    int64_t y_shape[3] = {x->shape[0], rank > 1 ? x->shape[1] : 1, rank > 2 ? x->shape[2] : 1};
    y_shape[rank - 1] = (int64_t)cell->hidden;
    const size_t element_bytes = oclstm_dtype_size_bytes(x->dtype);
    if (!checked_array_bytes(x->shape, rank, element_bytes, &x_bytes) ||
        !checked_array_bytes(y_shape, rank, element_bytes, &y_bytes))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "x is %s: the size of x or of the result does not fit in memory",
                         shape.text);
    out->batch_first = *batched && call->batch_first && !is_step;
    out->steps = is_step ? 1 : (size_t)x->shape[out->batch_first ? 1 : 0];
    out->batch = !*batched ? 1 : (size_t)x->shape[is_step || out->batch_first ? 0 : 1];
    out->x_host = x->data;
    out->host_dtype = x->dtype;
    return OCLSTM_OK;
}

// h, c, h_out, c_out: all of the shape [batch][hidden], or [hidden] where x has no batch.
static oclstm_status check_state_array(const oclstm_cell *cell, const oclstm_const_array *array, const char *name, bool batched,
                                       const cell_execution *call, oclstm_error *error) {
    if (!is_present(array))
        return OCLSTM_OK;
    array_expectation expected = {.name = name, .dtype = call->host_dtype, .dtype_of = "x", .rank = batched ? 2 : 1};
    int axis = 0;
    if (batched) {
        expected.shape[axis] = (int64_t)call->batch;
        expected.axes[axis++] = "batch";
    }
    expected.shape[axis] = (int64_t)cell->hidden;
    expected.axes[axis] = "hidden";
    return array_check(array, &expected, error);
}

static oclstm_status check_y(const oclstm_cell *cell, const oclstm_sequence *call, bool batched, cell_execution *out,
                             oclstm_error *error) {
    if (call->y.data == NULL)
        return OCLSTM_OK;
    array_expectation expected = {.name = "y", .dtype = out->host_dtype, .dtype_of = "x"};
    expected.rank = sequence_axes(false, batched, call->batch_first, "hidden", expected.axes);
    for (int axis = 0; axis < expected.rank - 1; axis++)
        expected.shape[axis] = call->x.shape[axis];
    expected.shape[expected.rank - 1] = (int64_t)cell->hidden;
    const oclstm_const_array y = array_as_const(&call->y);
    out->y_host = call->y.data;
    return array_check(&y, &expected, error);
}

static oclstm_status use_state(const oclstm_cell *cell, const oclstm_sequence *call, bool batched, cell_execution *out,
                               oclstm_error *error) {
    const oclstm_state *state = call->state;
    if (is_present(&call->h) || is_present(&call->c))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "both a state on the device and h or c are given; set the state with oclstm_state_set()");
    if (state->device != cell->device)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the state lives on another device than the cell");
    if (state->dtype != cell->params.dtype || state->hidden != cell->hidden)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the state is of hidden %zu in %s, the cell of hidden %zu in %s",
                         state->hidden, oclstm_dtype_name(state->dtype), cell->hidden, oclstm_dtype_name(cell->params.dtype));
    if (state->batch != out->batch || state->unbatched == batched)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the state was made for batch %zu%s, but x has batch %zu%s", state->batch,
                         state->unbatched ? " without a batch dimension" : "", out->batch,
                         batched ? "" : " without a batch dimension");
    out->h_dev.mem = state->h[state->current];
    out->h_out_dev.mem = state->h[1 - state->current];
    out->c_dev.mem = state->c[state->current];
    out->c_out_dev.mem = state->c[1 - state->current];
    return OCLSTM_OK;
}

oclstm_status call_check(const oclstm_cell *cell, const oclstm_sequence *call, bool is_step, cell_execution *out,
                         oclstm_error *error) {
    *out = (cell_execution){0};
    bool batched = false;
    oclstm_status status = check_x(cell, call, is_step, &batched, out, error);
    if (status != OCLSTM_OK)
        return status;
    if (is_present(&call->h) != is_present(&call->c))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is given without %s: a state is the pair (h, c), both or neither",
                         is_present(&call->h) ? "h" : "c", is_present(&call->h) ? "c" : "h");
    if (cell->params.state_required && !is_present(&call->h) && call->state == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "h and c are missing: this cell was made with state_required, as mindspore.nn.LSTMCell; give both, zero "
                         "for a fresh start");
    const oclstm_const_array h_out = array_as_const(&call->h_out), c_out = array_as_const(&call->c_out);
    const struct {
        const oclstm_const_array *array;
        const char *name;
    } states[] = {{&call->h, "h"}, {&call->c, "c"}, {&h_out, "h_out"}, {&c_out, "c_out"}};
    for (int i = 0; i < 4 && status == OCLSTM_OK; i++)
        status = check_state_array(cell, states[i].array, states[i].name, batched, out, error);
    if (status == OCLSTM_OK)
        status = check_y(cell, call, batched, out, error);
    if (status == OCLSTM_OK && call->state != NULL)
        status = use_state(cell, call, batched, out, error);
    out->h_host = call->h.data;
    out->c_host = call->c.data;
    out->h_out_host = call->h_out.data;
    out->c_out_host = call->c_out.data;
    return status;
}
