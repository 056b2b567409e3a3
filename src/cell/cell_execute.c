// SPDX-License-Identifier: Apache-2.0
#include "cell/cell_execute.h"

#include "cell/cell_borrow.h"
#include "device/device_transfer.h"

// A slice: steps [first, first + count) of the call.
typedef struct time_slice {
    size_t first, count;
} time_slice;

static bool same_place(execute_place a, execute_place b) { return a.mem == b.mem && a.offset == b.offset; }

// The matrix of a slice in its own buffer, without gaps. A slice of one step is time-major either way.
static engine_rows slice_rows(cl_mem mem, bool batch_first, size_t batch, size_t count, size_t features) {
    if (batch_first)
        return (engine_rows){mem, 0, features, count * features};
    return (engine_rows){mem, 0, batch * features, features};
}

// The part of the call's whole matrix that belongs to a slice.
static engine_rows call_rows(execute_place place, const cell_execution *call, time_slice slice, size_t features) {
    if (call->batch_first)
        return (engine_rows){place.mem, place.offset + slice.first * features, features, call->steps * features};
    return (engine_rows){place.mem, place.offset + slice.first * call->batch * features, call->batch * features, features};
}

// The rectangle of bytes to move between the call's matrix (the other side) and a slice's buffer (the device side).
static device_rows transfer_rows(const cell_execution *call, time_slice slice, size_t other_offset, size_t row_bytes) {
    if (call->batch_first)
        return (device_rows){.count = call->batch,
                             .row_bytes = slice.count * row_bytes,
                             .device_pitch = slice.count * row_bytes,
                             .other_offset = other_offset + slice.first * row_bytes,
                             .other_pitch = call->steps * row_bytes};
    size_t bytes = slice.count * call->batch * row_bytes;
    return (device_rows){.count = 1,
                         .row_bytes = bytes,
                         .device_pitch = bytes,
                         .other_offset = other_offset + slice.first * call->batch * row_bytes,
                         .other_pitch = bytes};
}

// Brings x of the slice to where the engine reads it. Rows on the caller's buffer are used in place where they lie without gaps.
static oclstm_status bring_x(cell_plan *plan, const cell_execution *call, time_slice slice, engine_rows *x, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    if (call->x_host == NULL && (!call->batch_first || slice.count == call->steps)) {
        *x = call_rows(call->x_dev, call, slice, cell->input);
        return OCLSTM_OK;
    }
    oclstm_status status = plan_need(&plan->x, plan, plan->capacity_steps * plan->batch * cell->input, "a slice of x", error);
    if (status != OCLSTM_OK)
        return status;
    *x = slice_rows(plan->x, call->batch_first, call->batch, slice.count, cell->input);
    device_rows rows = transfer_rows(call, slice, call->x_dev.offset * cell->element_bytes, cell->input * cell->element_bytes);
    if (call->x_host != NULL)
        return device_enqueue_write(cell->device, plan->x, call->x_host, &rows, "x", error);
    return device_enqueue_copy(cell->device, plan->x, call->x_dev.mem, &rows, error);
}

// Uploads, zeroes or names one part of the state before the first step.
static oclstm_status bring_state(cell_plan *plan, cl_mem *own, const void *host, execute_place device, const char *what,
                                 engine_rows *out, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    size_t elements = plan->batch * cell->hidden, bytes = elements * cell->element_bytes;
    if (device.mem != NULL) {
        *out = (engine_rows){device.mem, device.offset, 0, cell->hidden};
        return OCLSTM_OK;
    }
    oclstm_status status = plan_need(own, plan, elements, what, error);
    if (status != OCLSTM_OK)
        return status;
    *out = (engine_rows){*own, 0, 0, cell->hidden};
    if (host == NULL)
        return device_fill_zero(cell->device, *own, 0, bytes, error);
    device_rows rows = {.count = 1, .row_bytes = bytes};
    return device_enqueue_write(cell->device, *own, host, &rows, what, error);
}

// Copies the slice's last row of y, which is h', to where the state lives.
static oclstm_status keep_last_h(cell_plan *plan, const engine_run *run, const engine_rows *h_out, oclstm_error *error) {
    size_t element = plan->cell->element_bytes, row_bytes = plan->cell->hidden * element;
    device_rows rows = {.count = run->batch,
                        .row_bytes = row_bytes,
                        .device_offset = h_out->offset * element,
                        .device_pitch = row_bytes,
                        .other_offset = (run->y.offset + (run->steps - 1) * run->y.step_stride) * element,
                        .other_pitch = run->y.batch_stride * element};
    return device_enqueue_copy(plan->cell->device, h_out->mem, run->y.mem, &rows, error);
}

static oclstm_status run_slice(cell_plan *plan, const cell_execution *call, time_slice slice, engine_run *run,
                               const engine_rows *h_out, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    run->steps = slice.count;
    run->h_out = *h_out;
    // A single step whose y nobody asked for writes h' where it is to stay; otherwise y has a place of its own.
    bool direct = call->steps == 1 && call->y_host == NULL && call->y_dev.mem == NULL &&
                  !same_place((execute_place){run->h_in.mem, run->h_in.offset}, (execute_place){h_out->mem, h_out->offset});
    oclstm_status status = OCLSTM_OK;
    if (call->y_dev.mem != NULL) {
        run->y = call_rows(call->y_dev, call, slice, cell->hidden);
    } else if (direct) {
        run->y = (engine_rows){h_out->mem, h_out->offset, 0, cell->hidden};
    } else {
        status = plan_need(&plan->y, plan, plan->capacity_steps * plan->batch * cell->hidden, "a slice of y", error);
        run->y = slice_rows(plan->y, call->batch_first, call->batch, slice.count, cell->hidden);
    }
    if (status == OCLSTM_OK)
        status = bring_x(plan, call, slice, &run->x, error);
    if (status == OCLSTM_OK)
        status = plan->engine->run(plan, run, error);
    if (status == OCLSTM_OK && call->y_host != NULL) {
        device_rows rows = transfer_rows(call, slice, 0, cell->hidden * cell->element_bytes);
        status = device_enqueue_read(cell->device, call->y_host, run->y.mem, &rows, "y", error);
    }
    if (status == OCLSTM_OK && !direct && !plan->writes_h_out)
        status = keep_last_h(plan, run, h_out, error);
    run->h_in = *h_out;
    run->c_in = run->c_out;
    return status;
}

static oclstm_status read_state(cell_plan *plan, void *host, const engine_rows *rows, const char *what, oclstm_error *error) {
    if (host == NULL)
        return OCLSTM_OK;
    size_t element = plan->cell->element_bytes;
    device_rows bytes = {
        .count = 1, .row_bytes = plan->batch * plan->cell->hidden * element, .device_offset = rows->offset * element};
    return device_enqueue_read(plan->cell->device, host, rows->mem, &bytes, what, error);
}

static oclstm_status enqueue_all(cell_plan *plan, const cell_execution *call, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    size_t elements = plan->batch * cell->hidden;
    engine_run run = {.batch = call->batch};
    oclstm_status status = bring_state(plan, &plan->h, call->h_host, call->h_dev, "h", &run.h_in, error);
    if (status == OCLSTM_OK)
        status = bring_state(plan, &plan->c, call->c_host, call->c_dev, "c", &run.c_in, error);
    // Where the state is kept: the place asked for, or the plan's own, never the caller's input unless it is also the output.
    execute_place h_place = call->h_out_dev, c_place = call->c_out_dev;
    if (status == OCLSTM_OK && h_place.mem == NULL) {
        status = plan_need(&plan->h, plan, elements, "h", error);
        h_place.mem = plan->h;
    }
    if (status == OCLSTM_OK && c_place.mem == NULL) {
        status = plan_need(&plan->c, plan, elements, "c", error);
        c_place.mem = plan->c;
    }
    const engine_rows h_out = {h_place.mem, h_place.offset, 0, cell->hidden};
    run.c_out = (engine_rows){c_place.mem, c_place.offset, 0, cell->hidden};
    for (time_slice slice = {0, 0}; slice.first < call->steps && status == OCLSTM_OK; slice.first += slice.count) {
        size_t left = call->steps - slice.first;
        slice.count = left < plan->capacity_steps ? left : plan->capacity_steps;
        status = run_slice(plan, call, slice, &run, &h_out, error);
    }
    if (status == OCLSTM_OK)
        status = read_state(plan, call->h_out_host, &h_out, "h'", error);
    if (status == OCLSTM_OK)
        status = read_state(plan, call->c_out_host, &run.c_out, "c'", error);
    return status;
}

oclstm_status cell_execute(oclstm_cell *cell, const cell_execution *asked, oclstm_error *error) {
    cell_plan *plan = NULL;
    cell_execution call = *asked;
    cell_borrowed borrowed;
    const bool uses_host = call.x_host || call.y_host || call.h_host || call.c_host || call.h_out_host || call.c_out_host;
    cell_borrow(&borrowed, cell, &call);
    const plan_call wanted = {.batch = call.batch,
                              .steps = call.steps,
                              .stages_x = call.x_host != NULL || call.batch_first,
                              .stages_y = call.y_dev.mem == NULL};
    oclstm_status status = plan_get(&plan, cell, &wanted, error);
    if (status != OCLSTM_OK) {
        cell_borrow_drop(&borrowed);
        return status;
    }
    // Only now: making a plan may wait for the queue, and must not wait for the caller's events.
    status = device_enqueue_wait(cell->device, call.wait_count, call.wait_list, error);
    if (status == OCLSTM_OK)
        status = enqueue_all(plan, &call, error);
    if (status != OCLSTM_OK) {
        // What was enqueued may still read or write the caller's memory: let it end. The first error is the one to report.
        if (uses_host)
            device_finish(cell->device, NULL);
        cell_borrow_return(&borrowed, cell, NULL);
        return status;
    }
    status = cell_borrow_return(&borrowed, cell, error);
    if (status != OCLSTM_OK)
        return status;
    return uses_host ? device_finish(cell->device, error) : device_flush(cell->device, error);
}
