// SPDX-License-Identifier: Apache-2.0
// The fused engine where many work-items run in step, GPUs: work-items along the units, one launch a step (cl/fused_step.cl) or the whole slice in
// one launch with h in local memory (cl/fused_group.cl).
#include "base/error.h"
#include "cell/fused_plan.h"
#include "cl/lstm_shared.h"

static size_t padded_of(const oclstm_cell *cell) { return (cell->hidden + FUSED_LANES - 1) / FUSED_LANES * FUSED_LANES; }

size_t fused_lanes_programs(engine_program *out, const oclstm_cell *cell, const fused_settings *settings) {
    *out = (engine_program){.files = ""};
    base_append(out->files, sizeof out->files, "fused_lanes.cl %s",
                settings->form == FUSED_STEP ? "fused_step.cl" : "fused_group.cl");
    base_append(out->options, sizeof out->options, "%s -D LU=%d -D LK=%zu -D ROWS=%zu",
                device_dtype_options(cell->device, cell->params.dtype), FUSED_LANES, settings->lanes_k, settings->lanes_rows);
    return 1;
}

static oclstm_status get_program(cl_program *out, const oclstm_cell *cell, const fused_settings *settings, oclstm_error *error) {
    engine_program program;
    fused_lanes_programs(&program, cell, settings);
    return device_program_get(out, cell->device, program.files, program.options, error);
}

static oclstm_status pack_one(cl_mem *out, oclstm_cell *cell, cl_kernel kernel, size_t max_group, cl_mem source, size_t columns,
                              const char *what, oclstm_error *error) {
    cl_int hidden = (cl_int)cell->hidden, columns_arg = (cl_int)columns, padded = (cl_int)padded_of(cell);
    oclstm_status status = device_buffer_create(out, cell->device, CL_MEM_READ_WRITE,
                                                padded_of(cell) * columns * LSTM_GATES * cell->element_bytes, what, error);
    if (status == OCLSTM_OK)
        status = device_set_args(cell->device, kernel, 0, error, DEVICE_ARG(source), DEVICE_ARG(*out), DEVICE_ARG(hidden),
                                 DEVICE_ARG(columns_arg), DEVICE_ARG(padded), (size_t)0);
    if (status != OCLSTM_OK)
        return status;
    device_grid grid = device_grid_make(cell->device, max_group, FUSED_LANES, padded_of(cell), columns, 1);
    return device_launch(cell->device, kernel, &grid, error);
}

static oclstm_status pack_bias(cl_mem *out, oclstm_cell *cell, cl_program program, oclstm_error *error) {
    cl_int hidden = (cl_int)cell->hidden, padded = (cl_int)padded_of(cell);
    cl_kernel kernel = NULL;
    size_t max_group = 0;
    oclstm_status status = device_kernel_create(&kernel, cell->device, program, "fused_pack_lanes_bias", &max_group, error);
    if (status == OCLSTM_OK)
        status = device_buffer_create(out, cell->device, CL_MEM_READ_WRITE, padded_of(cell) * LSTM_GATES * cell->real_bytes,
                                      "the packed bias", error);
    if (status == OCLSTM_OK)
        status = device_set_args(cell->device, kernel, 0, error, DEVICE_ARG(cell->bias), DEVICE_ARG(*out), DEVICE_ARG(hidden),
                                 DEVICE_ARG(padded), (size_t)0);
    device_grid grid = device_grid_make(cell->device, max_group, FUSED_LANES, padded_of(cell), 1, 1);
    if (status == OCLSTM_OK)
        status = device_launch(cell->device, kernel, &grid, error);
    device_kernel_release(&kernel);
    return status;
}

static oclstm_status pack(oclstm_cell *cell, cl_program program, oclstm_error *error) {
    engine_weights *packed = &cell->packed[PACKED_LANES];
    if (packed->layout != 0)
        return OCLSTM_OK;
    cl_kernel kernel = NULL;
    size_t max_group = 0;
    const struct {
        cl_mem source;
        size_t columns;
        const char *what;
    } parts[] = {{cell->weight_ih, cell->input, "the packed weight_ih"}, {cell->weight_hh, cell->hidden, "the packed weight_hh"}};
    oclstm_status status = device_kernel_create(&kernel, cell->device, program, "fused_pack_lanes", &max_group, error);
    for (int i = 0; i < 2 && status == OCLSTM_OK; i++)
        status = pack_one(&packed->buffers[i], cell, kernel, max_group, parts[i].source, parts[i].columns, parts[i].what, error);
    device_kernel_release(&kernel);
    if (status == OCLSTM_OK)
        status = pack_bias(&packed->buffers[PACKED_BIAS], cell, program, error);
    for (int i = 0; i < 3 && status != OCLSTM_OK; i++)
        device_buffer_release(cell->device, &packed->buffers[i]);
    if (status == OCLSTM_OK)
        packed->layout = FUSED_LANES;
    return status;
}

void fused_lanes_demand(device_demand *out, const oclstm_cell *cell) {
    if (cell->packed[PACKED_LANES].layout != 0)
        return;
    const size_t gates = LSTM_GATES * padded_of(cell);
    demand_add(out, "the packed weight_ih", cell->input, gates, cell->element_bytes);
    demand_add(out, "the packed weight_hh", cell->hidden, gates, cell->element_bytes);
    demand_add(out, "the packed bias", 1, gates, cell->real_bytes);
}

// h in local memory: of the step before and of this one.
static size_t group_local_bytes(const oclstm_cell *cell, const fused_settings *settings) {
    return 2 * settings->lanes_rows * cell->hidden * cell->element_bytes;
}

// Makes the kernel of these settings. *fits: may it run in its groups, and with its local memory, as the compiler made it?
static oclstm_status make_kernel(bool *fits, cell_plan *plan, const fused_settings *settings, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    cl_program program = NULL;
    uint64_t local_bytes = 0;
    oclstm_status status = get_program(&program, cell, settings, error);
    if (status == OCLSTM_OK)
        status = pack(cell, program, error);
    if (status == OCLSTM_OK)
        status =
            device_kernel_create(&plan->kernels[0], cell->device, program,
                                 settings->form == FUSED_STEP ? "fused_step" : "fused_group", &plan->kernel_max_group[0], error);
    if (status == OCLSTM_OK)
        status = device_kernel_local_bytes(&local_bytes, cell->device, plan->kernels[0], error);
    if (settings->form == FUSED_GROUP)
        local_bytes += group_local_bytes(cell, settings);
    *fits = status == OCLSTM_OK && plan->kernel_max_group[0] >= FUSED_LANES * settings->lanes_k &&
            local_bytes <= device_get_limits(cell->device)->local_memory_bytes;
    return status;
}

oclstm_status fused_lanes_prepare(cell_plan *plan, oclstm_error *error) {
    fused_data *data = plan->engine_data;
    bool fits = false;
    oclstm_status status = make_kernel(&fits, plan, &data->settings, error);
    while (status == OCLSTM_OK && !fits && fused_settings_retreat(&data->settings)) {
        device_kernel_release(&plan->kernels[0]);
        status = make_kernel(&fits, plan, &data->settings, error);
    }
    if (status == OCLSTM_OK && !fits)
        status = base_fail(error, OCLSTM_UNSUPPORTED,
                           "the fused kernel needs work-groups of %d work-items, %s allows it %zu (CL_KERNEL_WORK_GROUP_SIZE); "
                           "use --engine auto or portable",
                           FUSED_LANES, device_get_limits(plan->cell->device)->name, plan->kernel_max_group[0]);
    return status;
}

// The arguments that both kernels share, 0 to SHARED - 1; then t or steps.
enum { SHARED = 20 };

static oclstm_status set_shared(cell_plan *plan, const engine_run *run, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    const cl_mem *packed = cell->packed[PACKED_LANES].buffers;
    cl_uint x[] = {(cl_uint)run->x.offset, (cl_uint)run->x.step_stride, (cl_uint)run->x.batch_stride};
    cl_uint y[] = {(cl_uint)run->y.offset, (cl_uint)run->y.step_stride, (cl_uint)run->y.batch_stride};
    cl_uint h_in = (cl_uint)run->h_in.offset, c_in = (cl_uint)run->c_in.offset, c_out = (cl_uint)run->c_out.offset;
    cl_int input = (cl_int)cell->input, hidden = (cl_int)cell->hidden, batch = (cl_int)run->batch;
    return device_set_args(cell->device, plan->kernels[0], 0, error, DEVICE_ARG(run->x.mem), DEVICE_ARG(x[0]), DEVICE_ARG(x[1]),
                           DEVICE_ARG(x[2]), DEVICE_ARG(packed[PACKED_IH]), DEVICE_ARG(packed[PACKED_HH]),
                           DEVICE_ARG(packed[PACKED_BIAS]), DEVICE_ARG(run->h_in.mem), DEVICE_ARG(h_in), DEVICE_ARG(run->c_in.mem),
                           DEVICE_ARG(c_in), DEVICE_ARG(run->y.mem), DEVICE_ARG(y[0]), DEVICE_ARG(y[1]), DEVICE_ARG(y[2]),
                           DEVICE_ARG(run->c_out.mem), DEVICE_ARG(c_out), DEVICE_ARG(input), DEVICE_ARG(hidden), DEVICE_ARG(batch),
                           (size_t)0);
}

oclstm_status fused_lanes_run(cell_plan *plan, const engine_run *run, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    const fused_data *data = plan->engine_data;
    const size_t rows = data->settings.lanes_rows, lanes_k = data->settings.lanes_k;
    device_grid grid = {3, {padded_of(cell), lanes_k, (run->batch + rows - 1) / rows}, {FUSED_LANES, lanes_k, 1}};
    oclstm_status status = set_shared(plan, run, error);
    if (data->settings.form == FUSED_GROUP) {
        cl_int steps = (cl_int)run->steps;
        grid.global[0] = FUSED_LANES;
        if (status == OCLSTM_OK)
            status = device_set_args(cell->device, plan->kernels[0], SHARED, error, DEVICE_ARG(steps),
                                     group_local_bytes(cell, &data->settings), (const void *)NULL, (size_t)0);
        return status == OCLSTM_OK ? device_launch(cell->device, plan->kernels[0], &grid, error) : status;
    }
    for (size_t step = 0; step < run->steps && status == OCLSTM_OK; step++) {
        cl_int t = (cl_int)step;
        status = device_set_args(cell->device, plan->kernels[0], SHARED, error, DEVICE_ARG(t), (size_t)0);
        if (status == OCLSTM_OK)
            status = device_launch(cell->device, plan->kernels[0], &grid, error);
    }
    return status;
}
