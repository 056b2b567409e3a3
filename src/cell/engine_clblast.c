// SPDX-License-Identifier: Apache-2.0
// The clblast engine: the input product of the slice in one GEMM, h * W_hh^T per step by CLBlast, one gate kernel a step. Both products
// accumulate on the biases; the weights are used as the frameworks lay them out, so there is no packed copy.
#include "base/error.h"
#include "cell/plan.h"
#include "cl/lstm_shared.h"
#include "matmul/matmul.h"

enum { FILL_BIAS, GATES };

static const size_t wanted_local = 64;

static const engine_needs *needs(const device_limits *limits) {
    (void)limits;
    return &matmul_needs;
}

// x * W_ih^T for `rows` rows.
static matmul_shape input_shape(const cell_plan *plan, size_t rows) {
    const oclstm_cell *cell = plan->cell;
    size_t gates = LSTM_GATES * cell->hidden;
    return (matmul_shape){
        .dtype = cell->params.dtype, .m = rows, .n = gates, .k = cell->input, .lda = cell->input, .ldb = cell->input, .ldc = gates};
}

// h * W_hh^T for the rows of one step.
static matmul_shape recurrent_shape(const cell_plan *plan, size_t lda, size_t ldc) {
    const oclstm_cell *cell = plan->cell;
    return (matmul_shape){.dtype = cell->params.dtype,
                          .m = plan->batch,
                          .n = LSTM_GATES * cell->hidden,
                          .k = cell->hidden,
                          .lda = lda,
                          .ldb = cell->hidden,
                          .ldc = ldc};
}

static void demand(device_demand *out, const oclstm_cell *cell, size_t batch, size_t steps) {
    const size_t gates = LSTM_GATES * cell->hidden, element = oclstm_dtype_size_bytes(cell->params.dtype);
    const matmul_shape shape = {.dtype = cell->params.dtype, .m = steps * batch, .n = gates};
    matmul_shape input = shape, recurrent = shape;
    input.k = cell->input;
    recurrent.m = batch;
    recurrent.k = cell->hidden;
    const size_t for_input = matmul_most_temporary(&input), for_recurrent = matmul_most_temporary(&recurrent);
    demand_add(out, "CLBlast's temporary buffer", 1, for_input > for_recurrent ? for_input : for_recurrent, element);
    demand_add(out, "the input product", steps * batch, gates, element);
}

// CLBlast makes its own from source.
static size_t programs(engine_program *out, const oclstm_cell *cell, size_t batch) {
    (void)batch;
    *out = (engine_program){.files = "clblast_gates.cl"};
    base_append(out->options, sizeof out->options, "%s", device_dtype_options(cell->device, cell->params.dtype));
    return 1;
}

static oclstm_status prepare(cell_plan *plan, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    engine_program asked;
    size_t gates = LSTM_GATES * cell->hidden, bytes_input = 0, bytes_recurrent = 0;
    cl_program program = NULL;
    programs(&asked, cell, plan->batch);
    oclstm_status status = device_program_get(&program, cell->device, asked.files, asked.options, error);
    if (status == OCLSTM_OK)
        status = device_kernel_create(&plan->kernels[FILL_BIAS], cell->device, program, "lstm_fill_bias",
                                      &plan->kernel_max_group[FILL_BIAS], error);
    if (status == OCLSTM_OK)
        status =
            device_kernel_create(&plan->kernels[GATES], cell->device, program, "lstm_gates", &plan->kernel_max_group[GATES], error);
    // The workspace is asked for with leading dimensions that fit no tile: with those CLBlast copies every operand, the most it ever needs.
    matmul_shape input = input_shape(plan, plan->capacity_steps * plan->batch);
    input.lda++, input.ldc++;
    matmul_shape recurrent = recurrent_shape(plan, cell->hidden + 1, gates + 1);
    if (status == OCLSTM_OK)
        status = matmul_prepare(cell->device, &input, &bytes_input, error);
    if (status == OCLSTM_OK)
        status = matmul_prepare(cell->device, &recurrent, &bytes_recurrent, error);
    size_t bytes = bytes_input > bytes_recurrent ? bytes_input : bytes_recurrent;
    if (status == OCLSTM_OK && bytes > 0)
        status =
            device_buffer_create(&plan->workspace, cell->device, CL_MEM_READ_WRITE, bytes, "CLBlast's temporary buffer", error);
    if (status == OCLSTM_OK)
        status = plan_need_real(&plan->gx, plan, plan->capacity_steps * plan->batch * gates, "the input product", error);
    return status;
}

static oclstm_status run_input_product(cell_plan *plan, const engine_run *run, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    size_t rows = run->steps * run->batch, gates = LSTM_GATES * cell->hidden;
    cl_uint rows_arg = (cl_uint)rows, gates_arg = (cl_uint)gates;
    oclstm_status status = device_set_args(cell->device, plan->kernels[FILL_BIAS], 0, error, DEVICE_ARG(cell->bias),
                                           DEVICE_ARG(plan->gx), DEVICE_ARG(rows_arg), DEVICE_ARG(gates_arg), (size_t)0);
    if (status != OCLSTM_OK)
        return status;
    device_grid grid = device_grid_make(cell->device, plan->kernel_max_group[FILL_BIAS], wanted_local, gates, rows, 1);
    status = device_launch(cell->device, plan->kernels[FILL_BIAS], &grid, error);
    if (status != OCLSTM_OK)
        return status;
    matmul_shape shape = input_shape(plan, rows);
    return matmul_enqueue(cell->device, &shape, (matmul_operand){run->x.mem, run->x.offset}, (matmul_operand){cell->weight_ih, 0},
                          (matmul_operand){plan->gx, 0}, plan->workspace, error);
}

static oclstm_status run_gates(cell_plan *plan, const engine_run *run, size_t t, size_t gx_offset, size_t gx_stride,
                               oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    const engine_rows *c_prev = t == 0 ? &run->c_in : &run->c_out;
    cl_uint gx_offset_arg = (cl_uint)gx_offset, gx_stride_arg = (cl_uint)gx_stride, c_prev_offset = (cl_uint)c_prev->offset;
    cl_uint h_next_offset = (cl_uint)(run->y.offset + t * run->y.step_stride), h_next_stride = (cl_uint)run->y.batch_stride;
    cl_uint c_next_offset = (cl_uint)run->c_out.offset, batch = (cl_uint)run->batch, hidden = (cl_uint)cell->hidden;
    oclstm_status status =
        device_set_args(cell->device, plan->kernels[GATES], 0, error, DEVICE_ARG(plan->gx), DEVICE_ARG(gx_offset_arg),
                        DEVICE_ARG(gx_stride_arg), DEVICE_ARG(c_prev->mem), DEVICE_ARG(c_prev_offset), DEVICE_ARG(run->y.mem),
                        DEVICE_ARG(h_next_offset), DEVICE_ARG(h_next_stride), DEVICE_ARG(run->c_out.mem), DEVICE_ARG(c_next_offset),
                        DEVICE_ARG(batch), DEVICE_ARG(hidden), (size_t)0);
    if (status != OCLSTM_OK)
        return status;
    device_grid grid = device_grid_make(cell->device, plan->kernel_max_group[GATES], wanted_local, cell->hidden, run->batch, 1);
    return device_launch(cell->device, plan->kernels[GATES], &grid, error);
}

static oclstm_status run(cell_plan *plan, const engine_run *run, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    oclstm_status status = run_input_product(plan, run, error);
    size_t gates = LSTM_GATES * cell->hidden;
    size_t gx_step = run->x.step_stride / cell->input * gates, gx_batch = run->x.batch_stride / cell->input * gates;
    for (size_t t = 0; t < run->steps && status == OCLSTM_OK; t++) {
        matmul_operand h_prev = t == 0 ? (matmul_operand){run->h_in.mem, run->h_in.offset}
                                       : (matmul_operand){run->y.mem, run->y.offset + (t - 1) * run->y.step_stride};
        matmul_shape shape = recurrent_shape(plan, t == 0 ? cell->hidden : run->y.batch_stride, gx_batch);
        status = matmul_enqueue(cell->device, &shape, h_prev, (matmul_operand){cell->weight_hh, 0},
                                (matmul_operand){plan->gx, t * gx_step}, plan->workspace, error);
        if (status == OCLSTM_OK)
            status = run_gates(plan, run, t, t * gx_step, gx_batch, error);
    }
    return status;
}

static void release(cell_plan *plan) { (void)plan; } // all it made lies in the plan, which frees it

const cell_engine engine_clblast = {OCLSTM_ENGINE_CLBLAST, "clblast", needs, demand, prepare, run, release, programs};
