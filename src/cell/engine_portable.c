// SPDX-License-Identifier: Apache-2.0
// The portable engine: cl/portable.cl. One launch for the input product of the slice, one launch a step.
#include "base/error.h"
#include "cell/plan.h"
#include "cl/lstm_shared.h"

enum { INPUT_PRODUCT, STEP };
enum { WEIGHT_IH_T, WEIGHT_HH_T };

// Work-items of a group along the units: enough for a GPU's memory lanes and a CPU's vectors; the kernels are right with any.
static const size_t wanted_local = 64;

static const engine_needs nothing = {.dtypes = CELL_DTYPES};

static const engine_needs *needs(const device_limits *limits) {
    (void)limits;
    return &nothing;
}

static oclstm_status transpose(cl_mem *out, oclstm_cell *cell, cl_kernel kernel, size_t max_group, cl_mem weights, size_t columns,
                               const char *what, oclstm_error *error) {
    cl_uint rows_arg = (cl_uint)(LSTM_GATES * cell->hidden), columns_arg = (cl_uint)columns;
    oclstm_status status =
        device_buffer_create(out, cell->device, CL_MEM_READ_WRITE, rows_arg * columns * cell->element_bytes, what, error);
    if (status == OCLSTM_OK)
        status = device_set_args(cell->device, kernel, 0, error, DEVICE_ARG(weights), DEVICE_ARG(*out), DEVICE_ARG(rows_arg),
                                 DEVICE_ARG(columns_arg), (size_t)0);
    if (status != OCLSTM_OK)
        return status;
    device_grid grid = device_grid_make(cell->device, max_group, wanted_local, columns, rows_arg, 1);
    return device_launch(cell->device, kernel, &grid, error);
}

// Packs once per cell: both matrices transposed.
static oclstm_status pack(oclstm_cell *cell, cl_program program, oclstm_error *error) {
    engine_weights *packed = &cell->packed[PACKED_PORTABLE];
    if (packed->buffers[WEIGHT_IH_T] != NULL)
        return OCLSTM_OK;
    cl_kernel kernel = NULL;
    size_t max_group = 0;
    oclstm_status status = device_kernel_create(&kernel, cell->device, program, "lstm_transpose", &max_group, error);
    if (status == OCLSTM_OK)
        status = transpose(&packed->buffers[WEIGHT_IH_T], cell, kernel, max_group, cell->weight_ih, cell->input,
                           "the packed weight_ih", error);
    if (status == OCLSTM_OK)
        status = transpose(&packed->buffers[WEIGHT_HH_T], cell, kernel, max_group, cell->weight_hh, cell->hidden,
                           "the packed weight_hh", error);
    device_kernel_release(&kernel);
    if (status != OCLSTM_OK) {
        device_buffer_release(cell->device, &packed->buffers[WEIGHT_IH_T]);
        device_buffer_release(cell->device, &packed->buffers[WEIGHT_HH_T]);
    }
    return status;
}

static void demand(device_demand *out, const oclstm_cell *cell, size_t batch, size_t steps) {
    const size_t gates = LSTM_GATES * cell->hidden;
    if (cell->packed[PACKED_PORTABLE].buffers[WEIGHT_IH_T] == NULL) {
        demand_add(out, "the packed weight_ih", cell->input, gates, cell->element_bytes);
        demand_add(out, "the packed weight_hh", cell->hidden, gates, cell->element_bytes);
    }
    demand_add(out, "the input product", steps * batch, gates, cell->real_bytes);
}

static size_t programs(engine_program *out, const oclstm_cell *cell, size_t batch) {
    (void)batch;
    *out = (engine_program){.files = "portable.cl"};
    base_append(out->options, sizeof out->options, "%s", device_dtype_options(cell->device, cell->params.dtype));
    return 1;
}

static oclstm_status prepare(cell_plan *plan, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    cl_program program = NULL;
    engine_program asked;
    programs(&asked, cell, plan->batch);
    oclstm_status status = device_program_get(&program, cell->device, asked.files, asked.options, error);
    if (status == OCLSTM_OK)
        status = pack(cell, program, error);
    if (status == OCLSTM_OK)
        status = device_kernel_create(&plan->kernels[INPUT_PRODUCT], cell->device, program, "lstm_input_product",
                                      &plan->kernel_max_group[INPUT_PRODUCT], error);
    if (status == OCLSTM_OK)
        status = device_kernel_create(&plan->kernels[STEP], cell->device, program, "lstm_portable_step",
                                      &plan->kernel_max_group[STEP], error);
    if (status == OCLSTM_OK)
        status = plan_need_real(&plan->gx, plan, plan->capacity_steps * plan->batch * LSTM_GATES * cell->hidden,
                                "the input product", error);
    return status;
}

static oclstm_status run_input_product(cell_plan *plan, const engine_run *run, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    const engine_weights *packed = &cell->packed[PACKED_PORTABLE];
    size_t rows = run->steps * run->batch, gates_hidden = LSTM_GATES * cell->hidden;
    cl_uint x_offset = (cl_uint)run->x.offset, rows_arg = (cl_uint)rows, input = (cl_uint)cell->input;
    cl_uint gates_hidden_arg = (cl_uint)gates_hidden;
    cl_kernel kernel = plan->kernels[INPUT_PRODUCT];
    oclstm_status status = device_set_args(cell->device, kernel, 0, error, DEVICE_ARG(run->x.mem), DEVICE_ARG(x_offset),
                                           DEVICE_ARG(packed->buffers[WEIGHT_IH_T]), DEVICE_ARG(cell->bias), DEVICE_ARG(plan->gx),
                                           DEVICE_ARG(rows_arg), DEVICE_ARG(input), DEVICE_ARG(gates_hidden_arg), (size_t)0);
    if (status != OCLSTM_OK)
        return status;
    device_grid grid =
        device_grid_make(cell->device, plan->kernel_max_group[INPUT_PRODUCT], wanted_local, gates_hidden, (rows + 3) / 4, 1);
    return device_launch(cell->device, kernel, &grid, error);
}

static oclstm_status run(cell_plan *plan, const engine_run *run, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    oclstm_status status = run_input_product(plan, run, error);
    // gx has a row for each row of x, in x's order.
    size_t gates = LSTM_GATES * cell->hidden;
    size_t gx_step = run->x.step_stride / cell->input * gates, gx_batch = run->x.batch_stride / cell->input * gates;
    device_grid grid = device_grid_make(cell->device, plan->kernel_max_group[STEP], wanted_local, cell->hidden, run->batch, 1);
    cl_uint batch = (cl_uint)run->batch, hidden = (cl_uint)cell->hidden;
    for (size_t t = 0; t < run->steps && status == OCLSTM_OK; t++) {
        const engine_rows *h_prev = t == 0 ? &run->h_in : &run->y, *c_prev = t == 0 ? &run->c_in : &run->c_out;
        cl_uint gx_offset = (cl_uint)(t * gx_step), gx_stride = (cl_uint)gx_batch;
        cl_uint h_prev_offset = (cl_uint)(h_prev->offset + (t == 0 ? 0 : (t - 1) * run->y.step_stride));
        cl_uint h_prev_stride = (cl_uint)h_prev->batch_stride, c_prev_offset = (cl_uint)c_prev->offset;
        cl_uint h_next_offset = (cl_uint)(run->y.offset + t * run->y.step_stride), h_next_stride = (cl_uint)run->y.batch_stride;
        cl_uint c_next_offset = (cl_uint)run->c_out.offset;
        status = device_set_args(cell->device, plan->kernels[STEP], 0, error, DEVICE_ARG(plan->gx), DEVICE_ARG(gx_offset),
                                 DEVICE_ARG(gx_stride), DEVICE_ARG(cell->packed[PACKED_PORTABLE].buffers[WEIGHT_HH_T]),
                                 DEVICE_ARG(h_prev->mem), DEVICE_ARG(h_prev_offset), DEVICE_ARG(h_prev_stride),
                                 DEVICE_ARG(c_prev->mem), DEVICE_ARG(c_prev_offset), DEVICE_ARG(run->y.mem),
                                 DEVICE_ARG(h_next_offset), DEVICE_ARG(h_next_stride), DEVICE_ARG(run->c_out.mem),
                                 DEVICE_ARG(c_next_offset), DEVICE_ARG(batch), DEVICE_ARG(hidden), (size_t)0);
        if (status == OCLSTM_OK)
            status = device_launch(cell->device, plan->kernels[STEP], &grid, error);
    }
    return status;
}

static void release(cell_plan *plan) { (void)plan; } // all it made lies in the plan, which frees it

const cell_engine engine_portable = {OCLSTM_ENGINE_PORTABLE, "portable", needs, demand, prepare, run, release, programs};
