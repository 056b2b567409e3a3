// SPDX-License-Identifier: Apache-2.0
// The recurrences as one launch of cl/train_rows.cl each, with weight_hh packed before.
#include "cl/lstm_shared.h"
#include "cl/train_shared.h"
#include "train/train_fused.h"

typedef struct shares {
    size_t items, rows;     // work-items, rows of the batch of each
    size_t panels;          // of the packed weights
    size_t packed_elements; // of the packed weights
} shares;

static size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

// Forward a panel is VW units of all gates and H deep, backward 4 VW columns and 4H deep.
static shares share_out(const train_fused_data *data, const train_recurrence *recurrence, bool is_backward) {
    const size_t panel = LSTM_GATES * data->tile.width, hidden = recurrence->hidden;
    shares out = {.rows = ceil_div(recurrence->batch, data->cores)};
    out.items = ceil_div(recurrence->batch, out.rows);
    out.panels = ceil_div(hidden, is_backward ? panel : data->tile.width);
    out.packed_elements = out.panels * panel * hidden * (is_backward ? LSTM_GATES : 1);
    return out;
}

static size_t scratch_elements(const train_fused_data *data, const shares *of) {
    return of->packed_elements + of->items * data->tile.rows * LSTM_GATES * data->tile.width;
}

size_t train_fused_recurrence_scratch(const train_machine *machine, const train_recurrence *recurrence) {
    const train_fused_data *data = machine->data;
    const shares forward = share_out(data, recurrence, false), backward = share_out(data, recurrence, true);
    const size_t a = scratch_elements(data, &forward), b = scratch_elements(data, &backward);
    return a > b ? a : b;
}

static train_rows_call make_call(const train_fused_data *data, const train_recurrence *recurrence, const shares *of) {
    const size_t split_rows = data->tile.few_registers || data->tile.rows < 2 ? 1 : 2; // SPLIT_ROWS of cl/fused_tile.cl
    return (train_rows_call){.weights = recurrence->weight_hh.offset,
                             .gates = recurrence->gates.offset,
                             .h = recurrence->h.offset,
                             .c = recurrence->c.offset,
                             .dy = recurrence->dy.offset,
                             .dh = recurrence->dh.offset,
                             .dc = recurrence->dc.offset,
                             .sums = of->packed_elements,
                             .hidden = (cl_int)recurrence->hidden,
                             .batch = (cl_int)recurrence->batch,
                             .steps = (cl_int)recurrence->steps,
                             .first = (cl_int)recurrence->first,
                             .rows = (cl_int)of->rows,
                             .split = of->rows <= split_rows,
                             .has_lengths = recurrence->lengths != NULL,
                             .has_dy = recurrence->dy.mem != NULL};
}

static oclstm_status pack(train_machine *machine, const train_recurrence *recurrence, const train_rows_call *call, const shares *of,
                          bool is_backward, cl_mem scratch, oclstm_error *error) {
    const train_fused_data *data = machine->data;
    const cl_int back = is_backward;
    const device_grid grid = {1, {of->panels * LSTM_GATES, 1, 1}, {1, 1, 1}};
    oclstm_status status = device_set_args(machine->device, data->pack, 0, error, DEVICE_ARG(recurrence->weight_hh.mem),
                                           DEVICE_ARG(scratch), DEVICE_ARG(*call), DEVICE_ARG(back), (size_t)0);
    return status == OCLSTM_OK ? device_launch(machine->device, data->pack, &grid, error) : status;
}

oclstm_status train_fused_forward(train_machine *machine, const train_recurrence *recurrence, cl_mem scratch, oclstm_error *error) {
    const train_fused_data *data = machine->data;
    const shares of = share_out(data, recurrence, false);
    const train_rows_call call = make_call(data, recurrence, &of);
    const cl_mem lengths = recurrence->lengths != NULL ? recurrence->lengths : scratch; // not looked at
    const device_grid grid = {1, {of.items, 1, 1}, {1, 1, 1}};
    oclstm_status status = pack(machine, recurrence, &call, &of, false, scratch, error);
    if (status == OCLSTM_OK)
        status = device_set_args(machine->device, data->forward, 0, error, DEVICE_ARG(recurrence->gates.mem),
                                 DEVICE_ARG(recurrence->h.mem), DEVICE_ARG(recurrence->c.mem), DEVICE_ARG(lengths),
                                 DEVICE_ARG(scratch), DEVICE_ARG(call), (size_t)0);
    return status == OCLSTM_OK ? device_launch(machine->device, data->forward, &grid, error) : status;
}

oclstm_status train_fused_backward(train_machine *machine, const train_recurrence *recurrence, cl_mem scratch,
                                   oclstm_error *error) {
    const train_fused_data *data = machine->data;
    const shares of = share_out(data, recurrence, true);
    const train_rows_call call = make_call(data, recurrence, &of);
    const cl_mem lengths = recurrence->lengths != NULL ? recurrence->lengths : scratch; // not looked at, like dy
    const cl_mem dy = recurrence->dy.mem != NULL ? recurrence->dy.mem : recurrence->dh.mem;
    const device_grid grid = {1, {of.items, 1, 1}, {1, 1, 1}};
    oclstm_status status = pack(machine, recurrence, &call, &of, true, scratch, error);
    if (status == OCLSTM_OK)
        status =
            device_set_args(machine->device, data->backward, 0, error, DEVICE_ARG(recurrence->gates.mem),
                            DEVICE_ARG(recurrence->c.mem), DEVICE_ARG(dy), DEVICE_ARG(recurrence->dh.mem),
                            DEVICE_ARG(recurrence->dc.mem), DEVICE_ARG(lengths), DEVICE_ARG(scratch), DEVICE_ARG(call), (size_t)0);
    return status == OCLSTM_OK ? device_launch(machine->device, data->backward, &grid, error) : status;
}
