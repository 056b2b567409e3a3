// SPDX-License-Identifier: Apache-2.0
// The fused engine on CPUs: a slice is one launch of cl/fused_units.cl or cl/fused_rows.cl; the weights are packed into blocks of vector width.
#include <stdio.h>

#include "base/error.h"
#include "base/memory.h"
#include "cell/fused.h"
#include "cell/plan.h"
#include "cl/lstm_shared.h"

enum { PACKED_IH, PACKED_HH, PACKED_BIAS };

static bool supports(const device_limits *limits, oclstm_dtype dtype, char *why, size_t capacity) {
    (void)dtype;
    if (limits->kind == OCLSTM_DEVICE_CPU)
        return true;
    if (capacity > 0)
        why[0] = '\0';
    base_append(why, capacity, "its kernels are for CPUs, this is another kind of device");
    return false;
}

static size_t blocks_of(const oclstm_cell *cell, const fused_settings *settings) {
    return (cell->hidden + settings->vector_width - 1) / settings->vector_width;
}

// Elements of a packed matrix of K columns.
static size_t packed_count(const oclstm_cell *cell, const fused_settings *settings, size_t columns) {
    return blocks_of(cell, settings) * columns * LSTM_GATES * settings->vector_width;
}

static oclstm_status get_program(cl_program *out, oclstm_cell *cell, const fused_settings *settings, const char *files,
                                 oclstm_error *error) {
    char options[160] = "";
    base_append(options, sizeof options, "%s -D VW=%zu -D RM=%zu", device_dtype_options(cell->device, cell->params.dtype),
                settings->vector_width, settings->tile_rows);
    return device_program_get(out, cell->device, files, options, error);
}

static oclstm_status pack_one(cl_mem *out, oclstm_cell *cell, const fused_settings *settings, cl_kernel kernel, size_t max_group,
                              cl_mem source, size_t columns, const char *what, oclstm_error *error) {
    size_t bytes = packed_count(cell, settings, columns) * cell->element_bytes;
    cl_int hidden = (cl_int)cell->hidden, columns_arg = (cl_int)columns;
    oclstm_status status = device_buffer_create(out, cell->device, CL_MEM_READ_WRITE, bytes, what, error);
    if (status == OCLSTM_OK)
        status = device_set_args(cell->device, kernel, 0, error, DEVICE_ARG(source), DEVICE_ARG(*out), DEVICE_ARG(hidden),
                                 DEVICE_ARG(columns_arg), (size_t)0);
    if (status != OCLSTM_OK)
        return status;
    device_grid grid = device_grid_make(cell->device, max_group, 1, columns, blocks_of(cell, settings), 1);
    return device_launch(cell->device, kernel, &grid, error);
}

static oclstm_status pack(oclstm_cell *cell, const fused_settings *settings, oclstm_error *error) {
    cl_mem *packed = cell->packed[OCLSTM_ENGINE_FUSED].buffers;
    if (packed[PACKED_BIAS] != NULL)
        return OCLSTM_OK;
    cl_program program = NULL;
    cl_kernel kernel = NULL;
    size_t max_group = 0;
    oclstm_status status = get_program(&program, cell, settings, "fused_math.cl fused_pack.cl", error);
    if (status == OCLSTM_OK)
        status = device_kernel_create(&kernel, cell->device, program, "fused_pack", &max_group, error);
    if (status == OCLSTM_OK)
        status = pack_one(&packed[PACKED_IH], cell, settings, kernel, max_group, cell->weight_ih, cell->input,
                          "the packed weight_ih", error);
    if (status == OCLSTM_OK)
        status = pack_one(&packed[PACKED_HH], cell, settings, kernel, max_group, cell->weight_hh, cell->hidden,
                          "the packed weight_hh", error);
    if (status == OCLSTM_OK)
        status = pack_one(&packed[PACKED_BIAS], cell, settings, kernel, max_group, cell->bias, 1, "the packed bias", error);
    device_kernel_release(&kernel);
    for (int i = 0; i < 3 && status != OCLSTM_OK; i++)
        device_buffer_release(cell->device, &packed[i]);
    return status;
}

static oclstm_status prepare(cell_plan *plan, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    fused_settings *settings = base_alloc(1, sizeof *settings);
    if (settings == NULL)
        return base_fail_memory(error, sizeof *settings, "the plan's settings");
    plan->engine_data = settings;
    *settings = fused_settings_choose(device_get_limits(cell->device), cell->params.dtype, cell->hidden, plan->batch);
    const bool by_rows = settings->form == FUSED_ROWS;
    cl_program program = NULL;
    size_t vector_bytes = settings->vector_width * cell->element_bytes, blocks = blocks_of(cell, settings);
    size_t sum_rows = by_rows ? settings->groups * settings->tile_rows : settings->chunk * plan->batch * blocks;
    oclstm_status status = pack(cell, settings, error);
    if (status == OCLSTM_OK)
        status = get_program(&program, cell, settings,
                             by_rows ? "fused_math.cl fused_tile.cl fused_rows.cl" : "fused_math.cl fused_tile.cl fused_units.cl",
                             error);
    if (status == OCLSTM_OK)
        status =
            device_kernel_create(&plan->kernels[0], cell->device, program, by_rows ? "fused_rows" : "fused_units", NULL, error);
    if (status == OCLSTM_OK)
        status = device_buffer_create(&plan->workspace, cell->device, CL_MEM_READ_WRITE, plan->batch * blocks * vector_bytes,
                                      "the cells' states", error);
    if (status == OCLSTM_OK)
        status = device_buffer_create(&plan->gx, cell->device, CL_MEM_READ_WRITE, sum_rows * LSTM_GATES * vector_bytes,
                                      "the gates' sums", error);
    return status;
}

static oclstm_status run(cell_plan *plan, const engine_run *run, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    const fused_settings *settings = plan->engine_data;
    const cl_mem *packed = cell->packed[OCLSTM_ENGINE_FUSED].buffers;
    cl_uint x[] = {(cl_uint)run->x.offset, (cl_uint)run->x.step_stride, (cl_uint)run->x.batch_stride};
    cl_uint y[] = {(cl_uint)run->y.offset, (cl_uint)run->y.step_stride, (cl_uint)run->y.batch_stride};
    cl_uint h_in = (cl_uint)run->h_in.offset, c_in = (cl_uint)run->c_in.offset, h_out = (cl_uint)run->h_out.offset;
    cl_uint c_out = (cl_uint)run->c_out.offset;
    cl_int input = (cl_int)cell->input, hidden = (cl_int)cell->hidden, batch = (cl_int)run->batch, steps = (cl_int)run->steps;
    oclstm_status status = device_set_args(
        cell->device, plan->kernels[0], 0, error, DEVICE_ARG(run->x.mem), DEVICE_ARG(x[0]), DEVICE_ARG(x[1]), DEVICE_ARG(x[2]),
        DEVICE_ARG(packed[PACKED_IH]), DEVICE_ARG(packed[PACKED_HH]), DEVICE_ARG(packed[PACKED_BIAS]), DEVICE_ARG(run->h_in.mem),
        DEVICE_ARG(h_in), DEVICE_ARG(run->c_in.mem), DEVICE_ARG(c_in), DEVICE_ARG(run->y.mem), DEVICE_ARG(y[0]), DEVICE_ARG(y[1]),
        DEVICE_ARG(y[2]), DEVICE_ARG(run->h_out.mem), DEVICE_ARG(h_out), DEVICE_ARG(run->c_out.mem), DEVICE_ARG(c_out),
        DEVICE_ARG(plan->workspace), DEVICE_ARG(plan->gx), DEVICE_ARG(input), DEVICE_ARG(hidden), DEVICE_ARG(batch),
        DEVICE_ARG(steps), (size_t)0);
    if (status != OCLSTM_OK)
        return status;
    device_grid grid = {1, {settings->groups, 1, 1}, {1, 1, 1}};
    enum { AFTER_STEPS = 25 };
    if (settings->form == FUSED_ROWS) {
        cl_int rows = (cl_int)((plan->batch + settings->groups - 1) / settings->groups);
        status = device_set_args(cell->device, plan->kernels[0], AFTER_STEPS, error, DEVICE_ARG(rows), (size_t)0);
    } else {
        cl_int chunk = (cl_int)settings->chunk, zero = 0, groups = 1;
        status =
            device_set_args(cell->device, plan->kernels[0], AFTER_STEPS, error, DEVICE_ARG(plan->workspace), DEVICE_ARG(chunk),
                            DEVICE_ARG(zero), DEVICE_ARG(zero), DEVICE_ARG(groups), DEVICE_ARG(zero), DEVICE_ARG(zero), (size_t)0);
    }
    return status == OCLSTM_OK ? device_launch(cell->device, plan->kernels[0], &grid, error) : status;
}

static void release(cell_plan *plan) {
    free(plan->engine_data);
    plan->engine_data = NULL;
}

const cell_engine engine_fused = {OCLSTM_ENGINE_FUSED, "fused", true, supports, prepare, run, release};
