// SPDX-License-Identifier: Apache-2.0
#include "cell/cell_execute.h"

#include "cell/cell_borrow.h"
#include "cell/cell_stage.h"
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

// The same rectangle of elements, for a conversion.
static stage_rows staged_rows(const cell_execution *call, time_slice slice, size_t features) {
    const device_rows rows = transfer_rows(call, slice, 0, features);
    return (stage_rows){rows.count, rows.row_bytes, rows.other_offset, rows.other_pitch};
}

static bool is_converted(const cell_plan *plan, const cell_execution *call) { return call->host_dtype != plan->cell->params.dtype; }

// x of the host in another dtype: into the plan's host memory, and from there to the device.
static oclstm_status bring_converted_x(cell_plan *plan, const cell_execution *call, time_slice slice, oclstm_error *error) {
    const oclstm_cell *cell = plan->cell;
    void *stage;
    oclstm_status status =
        stage_need(&stage, plan, PLAN_STAGE_X, plan->capacity_steps * plan->batch * cell->input, cell->element_bytes, error);
    if (status != OCLSTM_OK)
        return status;
    const stage_rows rows = staged_rows(call, slice, cell->input);
    stage_fill(stage, cell->params.dtype, call->x_host, call->host_dtype, &rows);
    const device_rows whole = {.count = 1, .row_bytes = rows.count * rows.width * cell->element_bytes};
    return device_enqueue_write(cell->device, plan->x, stage, &whole, "x", error);
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
    if (call->x_host != NULL && is_converted(plan, call))
        return bring_converted_x(plan, call, slice, error);
    if (call->x_host != NULL)
        return device_enqueue_write(cell->device, plan->x, call->x_host, &rows, "x", error);
    return device_enqueue_copy(cell->device, plan->x, call->x_dev.mem, &rows, error);
}

// A part of the state: h in the cell's dtype, c in its real_dtype.
typedef struct state_part {
    const char *name, *name_after;
    cl_mem *own; // the plan's
    oclstm_dtype dtype;
    int stage;
} state_part;

static state_part part_h(cell_plan *plan) { return (state_part){"h", "h'", &plan->h, plan->cell->params.dtype, PLAN_STAGE_H}; }

static state_part part_c(cell_plan *plan) { return (state_part){"c", "c'", &plan->c, plan->cell->real_dtype, PLAN_STAGE_C}; }

static oclstm_status need_part(cell_plan *plan, const state_part *part, oclstm_error *error) {
    const size_t elements = plan->batch * plan->cell->hidden;
    return part->stage == PLAN_STAGE_H ? plan_need(part->own, plan, elements, part->name, error)
                                       : plan_need_real(part->own, plan, elements, part->name, error);
}

// Uploads, zeroes or names one part of the state before the first step.
static oclstm_status bring_state(cell_plan *plan, const state_part *part, const void *host, oclstm_dtype host_dtype,
                                 execute_place device, engine_rows *out, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    const size_t elements = plan->batch * cell->hidden, element = oclstm_dtype_size_bytes(part->dtype), bytes = elements * element;
    if (device.mem != NULL) {
        *out = (engine_rows){device.mem, device.offset, 0, cell->hidden};
        return OCLSTM_OK;
    }
    oclstm_status status = need_part(plan, part, error);
    if (status != OCLSTM_OK)
        return status;
    *out = (engine_rows){*part->own, 0, 0, cell->hidden};
    if (host == NULL)
        return device_fill_zero(cell->device, *part->own, 0, bytes, error);
    if (host_dtype != part->dtype) {
        void *stage;
        status = stage_need(&stage, plan, part->stage, elements, element, error);
        if (status != OCLSTM_OK)
            return status;
        stage_fill(stage, part->dtype, host, host_dtype, &(stage_rows){1, elements, 0, elements});
        host = stage;
    }
    device_rows rows = {.count = 1, .row_bytes = bytes};
    return device_enqueue_write(cell->device, *part->own, host, &rows, part->name, error);
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

// y of a slice to the host; where it is converted it comes into the plan's host memory first, see finish_y().
static oclstm_status read_y(cell_plan *plan, const cell_execution *call, time_slice slice, const engine_rows *y,
                            oclstm_error *error) {
    const oclstm_cell *cell = plan->cell;
    device_rows rows = transfer_rows(call, slice, 0, cell->hidden * cell->element_bytes);
    if (!is_converted(plan, call))
        return device_enqueue_read(cell->device, call->y_host, y->mem, &rows, "y", error);
    void *stage;
    oclstm_status status =
        stage_need(&stage, plan, PLAN_STAGE_Y, plan->capacity_steps * plan->batch * cell->hidden, cell->element_bytes, error);
    rows = (device_rows){.count = 1, .row_bytes = rows.count * rows.row_bytes};
    return status == OCLSTM_OK ? device_enqueue_read(cell->device, stage, y->mem, &rows, "y", error) : status;
}

// Waits until the slice is through, so that the plan's host memory can serve the next one; converts its y.
static oclstm_status finish_y(cell_plan *plan, const cell_execution *call, time_slice slice, oclstm_error *error) {
    if (!is_converted(plan, call) || slice.count == 0 || (call->x_host == NULL && call->y_host == NULL))
        return OCLSTM_OK;
    const oclstm_status status = device_finish(plan->cell->device, error);
    if (status != OCLSTM_OK || call->y_host == NULL)
        return status;
    const stage_rows rows = staged_rows(call, slice, plan->cell->hidden);
    stage_empty(call->y_host, call->host_dtype, plan->stages[PLAN_STAGE_Y], plan->cell->params.dtype, &rows);
    return OCLSTM_OK;
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
    if (status == OCLSTM_OK && call->y_host != NULL)
        status = read_y(plan, call, slice, &run->y, error);
    if (status == OCLSTM_OK && !direct && !plan->writes_h_out)
        status = keep_last_h(plan, run, h_out, error);
    run->h_in = *h_out;
    run->c_in = run->c_out;
    return status;
}

static oclstm_status read_state(cell_plan *plan, const state_part *part, void *host, oclstm_dtype host_dtype,
                                const engine_rows *rows, oclstm_error *error) {
    if (host == NULL)
        return OCLSTM_OK;
    const size_t elements = plan->batch * plan->cell->hidden, element = oclstm_dtype_size_bytes(part->dtype);
    const device_rows bytes = {.count = 1, .row_bytes = elements * element, .device_offset = rows->offset * element};
    if (host_dtype == part->dtype)
        return device_enqueue_read(plan->cell->device, host, rows->mem, &bytes, part->name_after, error);
    void *stage;
    oclstm_status status = stage_need(&stage, plan, part->stage, elements, element, error);
    if (status == OCLSTM_OK)
        status = device_enqueue_read(plan->cell->device, stage, rows->mem, &bytes, part->name_after, error);
    if (status == OCLSTM_OK)
        status = device_finish(plan->cell->device, error);
    if (status == OCLSTM_OK)
        stage_empty(host, host_dtype, stage, part->dtype, &(stage_rows){1, elements, 0, elements});
    return status;
}

static oclstm_status enqueue_all(cell_plan *plan, const cell_execution *call, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    const state_part h = part_h(plan), c = part_c(plan);
    engine_run run = {.batch = call->batch};
    oclstm_status status = bring_state(plan, &h, call->h_host, call->host_dtype, call->h_dev, &run.h_in, error);
    if (status == OCLSTM_OK)
        status = bring_state(plan, &c, call->c_host, call->host_dtype, call->c_dev, &run.c_in, error);
    // Where the state is kept: the place asked for, or the plan's own, never the caller's input unless it is also the output.
    execute_place h_place = call->h_out_dev, c_place = call->c_out_dev;
    if (status == OCLSTM_OK && h_place.mem == NULL) {
        status = need_part(plan, &h, error);
        h_place.mem = plan->h;
    }
    if (status == OCLSTM_OK && c_place.mem == NULL) {
        status = need_part(plan, &c, error);
        c_place.mem = plan->c;
    }
    const engine_rows h_out = {h_place.mem, h_place.offset, 0, cell->hidden};
    run.c_out = (engine_rows){c_place.mem, c_place.offset, 0, cell->hidden};
    time_slice slice = {0, 0};
    for (size_t first = 0; first < call->steps && status == OCLSTM_OK; first += slice.count) {
        const size_t left = call->steps - first;
        status = finish_y(plan, call, slice, error); // of the slice before
        slice = (time_slice){first, left < plan->capacity_steps ? left : plan->capacity_steps};
        if (status == OCLSTM_OK)
            status = run_slice(plan, call, slice, &run, &h_out, error);
    }
    if (status == OCLSTM_OK)
        status = read_state(plan, &h, call->h_out_host, call->host_dtype, &h_out, error);
    if (status == OCLSTM_OK)
        status = read_state(plan, &c, call->c_out_host, call->host_dtype, &run.c_out, error);
    return status == OCLSTM_OK ? finish_y(plan, call, slice, error) : status;
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
