// SPDX-License-Identifier: Apache-2.0
// One unit's recurrence. Forward, a step: the sums += h W_hh^T in place, the gates' kernel, with a projection h' = raw W_hr^T. Back, a step: with a projection
// the whole dh and draw = dh W_hr, the gates' kernel, which leaves zero in dh where the row goes on, and dh += da W_hh.
#include "base/checked.h"
#include "base/error.h"
#include "cl/lstm_shared.h"
#include "train/train_clblast.h"

static size_t width_of(const train_recurrence *r) { return r->proj > 0 ? r->proj : r->hidden; }

static train_matrix at_row(train_matrix matrix, size_t row, size_t width) {
    matrix.offset += row * width;
    return matrix;
}

static matmul_operand operand(train_matrix matrix) { return (matmul_operand){matrix.mem, matrix.offset}; }

// --- products of a step -----------------------------------------------------------------------------------------------

typedef enum step_product { STEP_GATES, STEP_PROJECT, STEP_BACK_PROJECT, STEP_BACK } step_product;

static matmul_shape shape_of(const train_machine *machine, const train_recurrence *r, step_product which) {
    const size_t gates = LSTM_GATES * r->hidden, width = width_of(r), hidden = r->hidden;
    matmul_shape shape = {.dtype = machine->dtype, .m = r->batch, .n = gates, .k = width};
    if (which == STEP_PROJECT)
        shape.n = width, shape.k = hidden;
    if (which == STEP_BACK_PROJECT)
        shape.n = hidden, shape.k = width;
    if (which == STEP_BACK)
        shape.n = width, shape.k = gates;
    shape.form = which == STEP_GATES || which == STEP_PROJECT ? MATMUL_NT : MATMUL_NN;
    shape.overwrite = which == STEP_PROJECT || which == STEP_BACK_PROJECT;
    shape.lda = shape.k;
    shape.ldb = shape.form == MATMUL_NT ? shape.k : shape.n;
    shape.ldc = shape.n;
    return shape;
}

static oclstm_status multiply(train_machine *machine, const train_recurrence *r, step_product which, train_matrix a, train_matrix c,
                              cl_mem scratch, oclstm_error *error) {
    const matmul_shape shape = shape_of(machine, r, which);
    const bool of_hidden = which == STEP_GATES || which == STEP_BACK;
    return matmul_enqueue(machine->device, &shape, operand(a), operand(of_hidden ? r->weight_hh : r->weight_hr), operand(c),
                          scratch, error);
}

static size_t temporary(const train_machine *machine, const train_recurrence *r) {
    size_t most = 0;
    for (step_product which = STEP_GATES; which <= STEP_BACK; which++) {
        const bool is_used = r->proj > 0 || which == STEP_GATES || which == STEP_BACK;
        const size_t elements = is_used ? train_clblast_temporary(machine, shape_of(machine, r, which)) : 0;
        most = elements > most ? elements : most;
    }
    return most;
}

size_t train_clblast_recurrence_scratch(const train_machine *machine, const train_recurrence *r) {
    size_t own = 0, sum;
    if (r->proj > 0 && !checked_mul(r->batch, r->hidden, &own))
        return SIZE_MAX;
    return checked_add(temporary(machine, r), own, &sum) ? sum : SIZE_MAX;
}

// The kernels count in uint, CLBlast in int.
static oclstm_status check_sizes(const train_recurrence *r, oclstm_error *error) {
    const size_t wide = LSTM_GATES * r->hidden > width_of(r) ? LSTM_GATES * r->hidden : width_of(r);
    const train_matrix all[] = {r->gates, r->h, r->c, r->raw, r->dy, r->dprojected};
    size_t elements, end;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].mem != NULL &&
            (!checked_mul(r->steps + 1, r->batch, &elements) || !checked_mul(elements, wide, &elements) ||
             !checked_add(elements, all[i].offset, &end) || end > MATMUL_MAX_ELEMENTS || r->first + r->steps > INT32_MAX))
            return base_fail(error, OCLSTM_UNSUPPORTED,
                             "%zu steps of batch %zu with %zu hidden units reach beyond element %zu of a buffer, the last that "
                             "CLBlast's kernels can address; use a smaller batch, fewer steps at a time, or the portable engine",
                             r->steps, r->batch, r->hidden, MATMUL_MAX_ELEMENTS);
    }
    return OCLSTM_OK;
}

// --- forward ----------------------------------------------------------------------------------------------------------

// What every kernel takes.
typedef struct step_args {
    cl_mem lengths; // any buffer where there are none
    cl_uint has_lengths, batch, hidden, width;
    cl_int step;
} step_args;

static step_args args_of(const train_recurrence *r, size_t t) {
    return (step_args){r->lengths ? r->lengths : r->gates.mem,
                       r->lengths != NULL,
                       (cl_uint)r->batch,
                       (cl_uint)r->hidden,
                       (cl_uint)width_of(r),
                       (cl_int)(r->first + t)};
}

static oclstm_status run_forward(train_machine *machine, const train_recurrence *r, size_t t, oclstm_error *error) {
    const train_clblast *data = machine->data;
    const step_args args = args_of(r, t);
    const size_t row = t * r->batch, next = row + r->batch, hidden = r->hidden;
    const train_matrix gates = at_row(r->gates, row, LSTM_GATES * hidden), out = r->proj > 0 ? r->raw : r->h;
    const cl_uint gates_offset = (cl_uint)gates.offset, c_before = (cl_uint)at_row(r->c, row, hidden).offset,
                  c_after = (cl_uint)at_row(r->c, next, hidden).offset, out_before = (cl_uint)at_row(out, row, hidden).offset,
                  out_after = (cl_uint)at_row(out, r->proj > 0 ? row : next, hidden).offset, keeps = r->proj == 0;
    oclstm_status status = device_set_args(machine->device, data->kernels[CLBLAST_FORWARD], 0, error, DEVICE_ARG(gates.mem),
                                           DEVICE_ARG(gates_offset), DEVICE_ARG(r->c.mem), DEVICE_ARG(c_before),
                                           DEVICE_ARG(c_after), DEVICE_ARG(out.mem), DEVICE_ARG(out_before), DEVICE_ARG(out_after),
                                           DEVICE_ARG(keeps), DEVICE_ARG(args.lengths), DEVICE_ARG(args.has_lengths),
                                           DEVICE_ARG(args.step), DEVICE_ARG(args.batch), DEVICE_ARG(args.hidden), (size_t)0);
    return status == OCLSTM_OK ? train_clblast_launch(machine, CLBLAST_FORWARD, hidden, r->batch, error) : status;
}

static oclstm_status run_keep(train_machine *machine, const train_recurrence *r, size_t t, oclstm_error *error) {
    const train_clblast *data = machine->data;
    const step_args args = args_of(r, t);
    const size_t width = width_of(r);
    const cl_uint before = (cl_uint)at_row(r->h, t * r->batch, width).offset,
                  after = (cl_uint)at_row(r->h, (t + 1) * r->batch, width).offset;
    oclstm_status status = device_set_args(machine->device, data->kernels[CLBLAST_KEEP], 0, error, DEVICE_ARG(r->h.mem),
                                           DEVICE_ARG(before), DEVICE_ARG(after), DEVICE_ARG(args.lengths), DEVICE_ARG(args.step),
                                           DEVICE_ARG(args.batch), DEVICE_ARG(args.width), (size_t)0);
    return status == OCLSTM_OK ? train_clblast_launch(machine, CLBLAST_KEEP, width, r->batch, error) : status;
}

oclstm_status train_clblast_forward(train_machine *machine, const train_recurrence *r, cl_mem scratch, oclstm_error *error) {
    oclstm_status status = check_sizes(r, error);
    for (size_t t = 0; t < r->steps && status == OCLSTM_OK; t++) {
        const size_t row = t * r->batch, next = row + r->batch, width = width_of(r);
        status = multiply(machine, r, STEP_GATES, at_row(r->h, row, width), at_row(r->gates, row, LSTM_GATES * r->hidden), scratch,
                          error);
        if (status == OCLSTM_OK)
            status = run_forward(machine, r, t, error);
        if (status == OCLSTM_OK && r->proj > 0)
            status = multiply(machine, r, STEP_PROJECT, at_row(r->raw, row, r->hidden), at_row(r->h, next, width), scratch, error);
        if (status == OCLSTM_OK && r->proj > 0 && r->lengths != NULL)
            status = run_keep(machine, r, t, error);
    }
    return status;
}

// --- backward -----------------------------------------------------------------------------------------------------------

static oclstm_status run_join(train_machine *machine, const train_recurrence *r, size_t t, oclstm_error *error) {
    const train_clblast *data = machine->data;
    const step_args args = args_of(r, t);
    const train_matrix dy = r->dy.mem ? at_row(r->dy, t * r->batch, r->proj) : r->dh,
                       joined = at_row(r->dprojected, t * r->batch, r->proj);
    const cl_uint dh_offset = (cl_uint)r->dh.offset, dy_offset = (cl_uint)dy.offset, joined_offset = (cl_uint)joined.offset,
                  has_dy = r->dy.mem != NULL;
    oclstm_status status = device_set_args(
        machine->device, data->kernels[CLBLAST_JOIN], 0, error, DEVICE_ARG(r->dh.mem), DEVICE_ARG(dh_offset), DEVICE_ARG(dy.mem),
        DEVICE_ARG(dy_offset), DEVICE_ARG(has_dy), DEVICE_ARG(joined.mem), DEVICE_ARG(joined_offset), DEVICE_ARG(args.lengths),
        DEVICE_ARG(args.has_lengths), DEVICE_ARG(args.step), DEVICE_ARG(args.batch), DEVICE_ARG(args.width), (size_t)0);
    return status == OCLSTM_OK ? train_clblast_launch(machine, CLBLAST_JOIN, r->proj, r->batch, error) : status;
}

static oclstm_status run_backward(train_machine *machine, const train_recurrence *r, size_t t, train_matrix dout, train_matrix dy,
                                  oclstm_error *error) {
    const train_clblast *data = machine->data;
    const step_args args = args_of(r, t);
    const size_t row = t * r->batch, hidden = r->hidden;
    const train_matrix gates = at_row(r->gates, row, LSTM_GATES * hidden);
    const cl_mem dy_mem = dy.mem ? dy.mem : dout.mem;
    const cl_uint gates_offset = (cl_uint)gates.offset, c_before = (cl_uint)at_row(r->c, row, hidden).offset,
                  c_after = (cl_uint)at_row(r->c, row + r->batch, hidden).offset, dout_offset = (cl_uint)dout.offset,
                  dy_offset = (cl_uint)at_row(dy, row, hidden).offset, has_dy = dy.mem != NULL, dc_offset = (cl_uint)r->dc.offset;
    oclstm_status status =
        device_set_args(machine->device, data->kernels[CLBLAST_BACKWARD], 0, error, DEVICE_ARG(gates.mem), DEVICE_ARG(gates_offset),
                        DEVICE_ARG(r->c.mem), DEVICE_ARG(c_before), DEVICE_ARG(c_after), DEVICE_ARG(dout.mem),
                        DEVICE_ARG(dout_offset), DEVICE_ARG(dy_mem), DEVICE_ARG(dy_offset), DEVICE_ARG(has_dy),
                        DEVICE_ARG(r->dc.mem), DEVICE_ARG(dc_offset), DEVICE_ARG(args.lengths), DEVICE_ARG(args.has_lengths),
                        DEVICE_ARG(args.step), DEVICE_ARG(args.batch), DEVICE_ARG(args.hidden), (size_t)0);
    return status == OCLSTM_OK ? train_clblast_launch(machine, CLBLAST_BACKWARD, hidden, r->batch, error) : status;
}

// draw of the step, behind CLBlast's part of the scratch memory.
static oclstm_status back_through_projection(train_machine *machine, const train_recurrence *r, size_t t, train_matrix draw,
                                             oclstm_error *error) {
    oclstm_status status = run_join(machine, r, t, error);
    if (status == OCLSTM_OK)
        status = multiply(machine, r, STEP_BACK_PROJECT, at_row(r->dprojected, t * r->batch, r->proj), draw, draw.mem, error);
    return status;
}

oclstm_status train_clblast_backward(train_machine *machine, const train_recurrence *r, cl_mem scratch, oclstm_error *error) {
    const train_matrix none = {NULL, 0}, draw = {scratch, r->proj > 0 ? temporary(machine, r) : 0};
    oclstm_status status = check_sizes(r, error);
    for (size_t t = r->steps; t-- > 0 && status == OCLSTM_OK;) {
        if (r->proj > 0)
            status = back_through_projection(machine, r, t, draw, error);
        if (status == OCLSTM_OK)
            status = run_backward(machine, r, t, r->proj > 0 ? draw : r->dh, r->proj > 0 ? none : r->dy, error);
        if (status == OCLSTM_OK)
            status = multiply(machine, r, STEP_BACK, at_row(r->gates, t * r->batch, LSTM_GATES * r->hidden), r->dh, scratch, error);
    }
    return status;
}
