// SPDX-License-Identifier: Apache-2.0
// The portable engine of training: the launches of cl/train_portable.cl.
#include "base/error.h"
#include "base/memory.h"
#include "cl/lstm_shared.h"
#include "train/train_engine.h"

enum { PRODUCT, TRANSPOSE, STEP, PROJECT, STEP_BACK, PROJECT_BACK, STATE_BACK, PORTABLE_KERNELS };

// Work-items of a group; the kernels are right with any.
static const size_t wanted_local = 64;

typedef struct portable_data {
    cl_kernel kernels[PORTABLE_KERNELS];
    size_t max_group[PORTABLE_KERNELS];
} portable_data;

static const device_needs *needs(const device_limits *limits) {
    static const device_needs nothing = {.dtypes = DEVICE_DTYPE(OCLSTM_F32) | DEVICE_DTYPE(OCLSTM_F64),
                                         .no_other_dtypes = "training computes in float32 or float64"};
    (void)limits;
    return &nothing;
}

static void destroy(train_machine *machine) {
    portable_data *data = machine->data;
    if (data == NULL)
        return;
    for (int i = 0; i < PORTABLE_KERNELS; i++)
        device_kernel_release(&data->kernels[i]);
    free(data);
    machine->data = NULL;
}

static oclstm_status create(train_machine *machine, oclstm_error *error) {
    static const char *const names[PORTABLE_KERNELS] = {"train_product",   "train_transpose",    "train_step",      "train_project",
                                                        "train_step_back", "train_project_back", "train_state_back"};
    portable_data *data = base_alloc(1, sizeof *data);
    if (data == NULL)
        return base_fail_memory(error, sizeof *data, "the portable engine");
    machine->data = data;
    cl_program program = NULL;
    oclstm_status status = device_program_get(&program, machine->device, "train_portable.cl",
                                              device_dtype_options(machine->device, machine->dtype), error);
    for (int i = 0; i < PORTABLE_KERNELS && status == OCLSTM_OK; i++)
        status = device_kernel_create(&data->kernels[i], machine->device, program, names[i], &data->max_group[i], error);
    return status;
}

static oclstm_status launch(const train_machine *machine, int which, size_t count0, size_t count1, oclstm_error *error) {
    const portable_data *data = machine->data;
    const device_grid grid = device_grid_make(machine->device, data->max_group[which], wanted_local, count0, count1, 1);
    return device_launch(machine->device, data->kernels[which], &grid, error);
}

static cl_kernel kernel_of(const train_machine *machine, int which) {
    return ((const portable_data *)machine->data)->kernels[which];
}

// --- products -----------------------------------------------------------------------------------------------------------

static size_t product_scratch(const train_machine *machine, const train_product *product) {
    (void)machine;
    (void)product;
    return 0;
}

static oclstm_status product(train_machine *machine, const train_product *p, cl_mem scratch, oclstm_error *error) {
    (void)scratch;
    const bool a_turned = p->form == TRAIN_TN, b_turned = p->form == TRAIN_NT;
    const cl_uint a_offset = (cl_uint)p->a.offset, a_row = a_turned ? 1 : (cl_uint)p->lda,
                  a_column = a_turned ? (cl_uint)p->lda : 1, b_offset = (cl_uint)p->b.offset,
                  b_row = b_turned ? 1 : (cl_uint)p->ldb, b_column = b_turned ? (cl_uint)p->ldb : 1,
                  c_offset = (cl_uint)p->c.offset, c_row = (cl_uint)p->ldc, init_offset = (cl_uint)p->init.offset,
                  rows = (cl_uint)p->m, columns = (cl_uint)p->n, terms = (cl_uint)p->k;
    const cl_int start = p->accumulate ? 1 : p->init.mem != NULL ? 2 : 0;
    const cl_mem init = p->init.mem != NULL ? p->init.mem : p->a.mem;
    oclstm_status status = device_set_args(machine->device, kernel_of(machine, PRODUCT), 0, error, DEVICE_ARG(p->a.mem),
                                           DEVICE_ARG(a_offset), DEVICE_ARG(a_row), DEVICE_ARG(a_column), DEVICE_ARG(p->b.mem),
                                           DEVICE_ARG(b_offset), DEVICE_ARG(b_row), DEVICE_ARG(b_column), DEVICE_ARG(p->c.mem),
                                           DEVICE_ARG(c_offset), DEVICE_ARG(c_row), DEVICE_ARG(init), DEVICE_ARG(init_offset),
                                           DEVICE_ARG(start), DEVICE_ARG(rows), DEVICE_ARG(columns), DEVICE_ARG(terms), (size_t)0);
    return status == OCLSTM_OK ? launch(machine, PRODUCT, p->n, (p->m + 3) / 4, error) : status;
}

// --- recurrence ---------------------------------------------------------------------------------------------------------

static size_t width_of(const train_recurrence *r) { return r->proj > 0 ? r->proj : r->hidden; }

static size_t recurrence_scratch(const train_machine *machine, const train_recurrence *r) {
    (void)machine;
    return LSTM_GATES * r->hidden * width_of(r); // W_hh transposed
}

// What all launches of a step are told.
typedef struct step_arguments {
    cl_mem lengths;
    cl_int masked, t, projected;
    cl_uint batch, hidden, width, gates_offset, h_offset, c_offset, raw_offset, whr_offset;
    cl_mem raw, whr; // any buffer where there is no projection
} step_arguments;

static step_arguments arguments_of(const train_recurrence *r, size_t step) {
    const size_t width = width_of(r);
    return (step_arguments){.lengths = r->lengths != NULL ? r->lengths : r->c.mem,
                            .masked = r->lengths != NULL,
                            .t = (cl_int)(r->first + step),
                            .projected = r->proj > 0,
                            .batch = (cl_uint)r->batch,
                            .hidden = (cl_uint)r->hidden,
                            .width = (cl_uint)width,
                            .gates_offset = (cl_uint)(r->gates.offset + step * r->batch * LSTM_GATES * r->hidden),
                            .h_offset = (cl_uint)(r->h.offset + step * r->batch * width),
                            .c_offset = (cl_uint)(r->c.offset + step * r->batch * r->hidden),
                            .raw_offset = (cl_uint)(r->proj > 0 ? r->raw.offset + step * r->batch * r->hidden : 0),
                            .whr_offset = (cl_uint)(r->proj > 0 ? r->weight_hr.offset : 0),
                            .raw = r->proj > 0 ? r->raw.mem : r->c.mem,
                            .whr = r->proj > 0 ? r->weight_hr.mem : r->c.mem};
}

static oclstm_status transpose(train_machine *machine, const train_recurrence *r, cl_mem scratch, oclstm_error *error) {
    const cl_uint offset = (cl_uint)r->weight_hh.offset, rows = (cl_uint)(LSTM_GATES * r->hidden), columns = (cl_uint)width_of(r);
    oclstm_status status =
        device_set_args(machine->device, kernel_of(machine, TRANSPOSE), 0, error, DEVICE_ARG(r->weight_hh.mem), DEVICE_ARG(offset),
                        DEVICE_ARG(scratch), DEVICE_ARG(rows), DEVICE_ARG(columns), (size_t)0);
    return status == OCLSTM_OK ? launch(machine, TRANSPOSE, columns, rows, error) : status;
}

static oclstm_status forward(train_machine *machine, const train_recurrence *r, cl_mem scratch, oclstm_error *error) {
    oclstm_status status = transpose(machine, r, scratch, error);
    for (size_t step = 0; step < r->steps && status == OCLSTM_OK; step++) {
        const step_arguments a = arguments_of(r, step);
        status = device_set_args(machine->device, kernel_of(machine, STEP), 0, error, DEVICE_ARG(r->gates.mem),
                                 DEVICE_ARG(a.gates_offset), DEVICE_ARG(scratch), DEVICE_ARG(r->h.mem), DEVICE_ARG(a.h_offset),
                                 DEVICE_ARG(r->c.mem), DEVICE_ARG(a.c_offset), DEVICE_ARG(a.raw), DEVICE_ARG(a.raw_offset),
                                 DEVICE_ARG(a.projected), DEVICE_ARG(a.lengths), DEVICE_ARG(a.masked), DEVICE_ARG(a.t),
                                 DEVICE_ARG(a.batch), DEVICE_ARG(a.hidden), DEVICE_ARG(a.width), (size_t)0);
        if (status == OCLSTM_OK)
            status = launch(machine, STEP, r->hidden, r->batch, error);
        if (status != OCLSTM_OK || r->proj == 0)
            continue;
        status = device_set_args(machine->device, kernel_of(machine, PROJECT), 0, error, DEVICE_ARG(a.raw),
                                 DEVICE_ARG(a.raw_offset), DEVICE_ARG(a.whr), DEVICE_ARG(a.whr_offset), DEVICE_ARG(r->h.mem),
                                 DEVICE_ARG(a.h_offset), DEVICE_ARG(a.lengths), DEVICE_ARG(a.masked), DEVICE_ARG(a.t),
                                 DEVICE_ARG(a.batch), DEVICE_ARG(a.hidden), DEVICE_ARG(a.width), (size_t)0);
        if (status == OCLSTM_OK)
            status = launch(machine, PROJECT, r->proj, r->batch, error);
    }
    return status;
}

static oclstm_status step_back(train_machine *machine, const train_recurrence *r, size_t step, oclstm_error *error) {
    const step_arguments a = arguments_of(r, step);
    const size_t width = width_of(r);
    const cl_uint next_offset = a.gates_offset + (cl_uint)(r->batch * LSTM_GATES * r->hidden),
                  whh_offset = (cl_uint)r->weight_hh.offset, dh_offset = (cl_uint)r->dh.offset, dc_offset = (cl_uint)r->dc.offset,
                  dy_offset = (cl_uint)(r->dy.mem != NULL ? r->dy.offset + step * r->batch * width : 0),
                  dprojected_offset = (cl_uint)(r->proj > 0 ? r->dprojected.offset + step * r->batch * width : 0);
    const cl_mem dy = r->dy.mem != NULL ? r->dy.mem : r->dh.mem, dprojected = r->proj > 0 ? r->dprojected.mem : r->dh.mem;
    const cl_int has_dy = r->dy.mem != NULL, is_last = step + 1 == r->steps;
    oclstm_status status = OCLSTM_OK;
    if (r->proj > 0) {
        status = device_set_args(machine->device, kernel_of(machine, PROJECT_BACK), 0, error, DEVICE_ARG(r->gates.mem),
                                 DEVICE_ARG(next_offset), DEVICE_ARG(r->weight_hh.mem), DEVICE_ARG(whh_offset), DEVICE_ARG(dy),
                                 DEVICE_ARG(dy_offset), DEVICE_ARG(has_dy), DEVICE_ARG(r->dh.mem), DEVICE_ARG(dh_offset),
                                 DEVICE_ARG(dprojected), DEVICE_ARG(dprojected_offset), DEVICE_ARG(is_last), DEVICE_ARG(a.lengths),
                                 DEVICE_ARG(a.masked), DEVICE_ARG(a.t), DEVICE_ARG(a.batch), DEVICE_ARG(a.hidden),
                                 DEVICE_ARG(a.width), (size_t)0);
        if (status == OCLSTM_OK)
            status = launch(machine, PROJECT_BACK, r->proj, r->batch, error);
    }
    if (status == OCLSTM_OK)
        status = device_set_args(
            machine->device, kernel_of(machine, STEP_BACK), 0, error, DEVICE_ARG(r->gates.mem), DEVICE_ARG(a.gates_offset),
            DEVICE_ARG(next_offset), DEVICE_ARG(r->weight_hh.mem), DEVICE_ARG(whh_offset), DEVICE_ARG(dy), DEVICE_ARG(dy_offset),
            DEVICE_ARG(has_dy), DEVICE_ARG(r->dh.mem), DEVICE_ARG(dh_offset), DEVICE_ARG(r->dc.mem), DEVICE_ARG(dc_offset),
            DEVICE_ARG(r->c.mem), DEVICE_ARG(a.c_offset), DEVICE_ARG(dprojected), DEVICE_ARG(dprojected_offset), DEVICE_ARG(a.whr),
            DEVICE_ARG(a.whr_offset), DEVICE_ARG(a.projected), DEVICE_ARG(is_last), DEVICE_ARG(a.lengths), DEVICE_ARG(a.masked),
            DEVICE_ARG(a.t), DEVICE_ARG(a.batch), DEVICE_ARG(a.hidden), DEVICE_ARG(a.width), (size_t)0);
    return status == OCLSTM_OK ? launch(machine, STEP_BACK, r->hidden, r->batch, error) : status;
}

static oclstm_status backward(train_machine *machine, const train_recurrence *r, cl_mem scratch, oclstm_error *error) {
    (void)scratch;
    oclstm_status status = OCLSTM_OK;
    for (size_t step = r->steps; step-- > 0 && status == OCLSTM_OK;)
        status = step_back(machine, r, step, error);
    if (status != OCLSTM_OK)
        return status;
    const step_arguments a = arguments_of(r, 0);
    const cl_uint whh_offset = (cl_uint)r->weight_hh.offset, dh_offset = (cl_uint)r->dh.offset;
    status = device_set_args(machine->device, kernel_of(machine, STATE_BACK), 0, error, DEVICE_ARG(r->gates.mem),
                             DEVICE_ARG(a.gates_offset), DEVICE_ARG(r->weight_hh.mem), DEVICE_ARG(whh_offset),
                             DEVICE_ARG(r->dh.mem), DEVICE_ARG(dh_offset), DEVICE_ARG(a.lengths), DEVICE_ARG(a.masked),
                             DEVICE_ARG(a.t), DEVICE_ARG(a.batch), DEVICE_ARG(a.hidden), DEVICE_ARG(a.width), (size_t)0);
    return status == OCLSTM_OK ? launch(machine, STATE_BACK, width_of(r), r->batch, error) : status;
}

const train_engine train_engine_portable = {.id = OCLSTM_ENGINE_PORTABLE,
                                            .name = "portable",
                                            .needs = needs,
                                            .has_projection = true,
                                            .create = create,
                                            .destroy = destroy,
                                            .product_scratch = product_scratch,
                                            .recurrence_scratch = recurrence_scratch,
                                            .product = product,
                                            .forward = forward,
                                            .backward = backward};
