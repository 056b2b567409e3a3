// SPDX-License-Identifier: Apache-2.0
// The fused engine where a work-item runs at a time with explicit vectors, CPUs: a slice is one launch of cl/fused_units.cl or cl/fused_rows.cl;
// the weights are packed into blocks of vector width.
#include "base/error.h"
#include "base/memory.h"
#include "cell/fused_plan.h"
#include "cl/lstm_shared.h"
#include "device/device_aside.h"
#include "device/device_facts.h"
#include "device/device_transfer.h"

// Weights, as float32, from which on 16 bits are worth unpacking: beyond a core's second-level cache.
size_t fused_short_weights_bytes = (size_t)1 << 20;

static size_t blocks_of(const oclstm_cell *cell, const fused_settings *settings) {
    return (cell->hidden + settings->vector_width - 1) / settings->vector_width;
}

// Elements of a packed matrix of K columns.
static size_t packed_count(const oclstm_cell *cell, const fused_settings *settings, size_t columns) {
    return blocks_of(cell, settings) * columns * LSTM_GATES * settings->vector_width;
}

static int stored_as(const oclstm_cell *cell) {
    if (cell_dtype_is_short(cell->params.dtype))
        return cell->params.dtype == OCLSTM_F16 ? STORED_HALF : STORED_BFLOAT;
    const size_t weights_bytes = LSTM_GATES * cell->hidden * (cell->input + cell->hidden) * cell->element_bytes;
    if (cell->params.dtype != OCLSTM_F32 || weights_bytes < fused_short_weights_bytes)
        return STORED_REAL;
    return cell->weights_dtype == OCLSTM_F16 ? STORED_HALF : cell->weights_dtype == OCLSTM_BF16 ? STORED_BFLOAT : STORED_REAL;
}

// The program of a form. The packing kernel is part of it: a program of its own would cost a cold start another run of the compiler.
static void describe_program(engine_program *out, const oclstm_cell *cell, const fused_settings *settings) {
    *out = (engine_program){.files = ""};
    base_append(out->files, sizeof out->files, "fused_math.cl fused_tile.cl fused_pack.cl %s",
                settings->form == FUSED_ROWS ? "fused_rows.cl" : "fused_units.cl");
    base_append(out->options, sizeof out->options, "%s -D VW=%zu -D RM=%zu -D WEIGHTS_STORED=%d%s%s",
                device_dtype_options(cell->device, cell->params.dtype), settings->vector_width, settings->tile_rows,
                settings->stored, settings->few_registers ? " -D FEW_REGISTERS" : "",
                device_has_prefetch_builtin(device_get_limits(cell->device)) ? " -D PREFETCH_BUILTIN" : "");
}

size_t fused_blocks_programs(engine_program *out, const oclstm_cell *cell, const fused_settings *settings) {
    fused_settings stored = *settings;
    stored.stored = stored_as(cell);
    describe_program(out, cell, &stored);
    return 1;
}

static oclstm_status get_program(cl_program *out, const oclstm_cell *cell, const fused_settings *settings, oclstm_error *error) {
    engine_program program;
    describe_program(&program, cell, settings);
    return device_program_get(out, cell->device, program.files, program.options, error);
}

// One matrix or the bias, by "fused_pack" or "fused_pack_16".
typedef struct pack_part {
    const char *kernel, *what;
    cl_mem source;
    size_t columns, element_bytes;
} pack_part;

static oclstm_status pack_one(cl_mem *out, oclstm_cell *cell, const fused_settings *settings, cl_program program,
                              const pack_part *part, oclstm_error *error) {
    size_t bytes = packed_count(cell, settings, part->columns) * part->element_bytes, max_group = 0;
    cl_int hidden = (cl_int)cell->hidden, columns = (cl_int)part->columns;
    cl_kernel kernel = NULL;
    oclstm_status status = device_kernel_create(&kernel, cell->device, program, part->kernel, &max_group, error);
    if (status == OCLSTM_OK)
        status = device_buffer_create(out, cell->device, CL_MEM_READ_WRITE, bytes, part->what, error);
    if (status == OCLSTM_OK)
        status = device_set_args(cell->device, kernel, 0, error, DEVICE_ARG(part->source), DEVICE_ARG(*out), DEVICE_ARG(hidden),
                                 DEVICE_ARG(columns), (size_t)0);
    device_grid grid = device_grid_make(cell->device, max_group, 1, part->columns, blocks_of(cell, settings), 1);
    if (status == OCLSTM_OK)
        status = device_launch(cell->device, kernel, &grid, error);
    device_kernel_release(&kernel);
    return status;
}

static oclstm_status pack(oclstm_cell *cell, const fused_settings *settings, oclstm_error *error) {
    engine_weights *packed = &cell->packed[PACKED_BLOCKS];
    if (packed->layout != 0)
        return OCLSTM_OK;
    const bool is_short = settings->stored != STORED_REAL;
    const char *kernel = is_short ? "fused_pack_16" : "fused_pack";
    const size_t bytes = is_short ? 2 : cell->real_bytes;
    const pack_part parts[] = {{kernel, "the packed weight_ih", cell->weight_ih, cell->input, bytes},
                               {kernel, "the packed weight_hh", cell->weight_hh, cell->hidden, bytes},
                               {"fused_pack", "the packed bias", cell->bias, 1, cell->real_bytes}};
    cl_program program = NULL;
    oclstm_status status = get_program(&program, cell, settings, error);
    for (int i = 0; i < 3 && status == OCLSTM_OK; i++)
        status = pack_one(&packed->buffers[i], cell, settings, program, &parts[i], error);
    for (int i = 0; i < 3 && status != OCLSTM_OK; i++)
        device_buffer_release(cell->device, &packed->buffers[i]);
    if (status == OCLSTM_OK)
        packed->layout = settings->vector_width;
    return status;
}

// In ints, as in cl/fused_units.cl.
enum { MEET_STRIDE = 32 };

// Looks at another group's counter before giving up: about 40 ms, far beyond any delay between threads that do run side
// by side, and short enough that a user notices a lost meeting at most as a hiccup. A probe meets often, and may lose quickly.
cl_int fused_patience = 20000000;
static const cl_int probe_patience = 20000000, probe_rounds = 64;
enum { PROBE_LAUNCHES = 8 };

// Lost meetings after which a plan does without.
enum { LOST_MEETINGS = 3 };

// Lets the groups meet on a queue of its own; *met says whether they did.
static oclstm_status probe_meetings(oclstm_device *device, fused_data *data, cl_command_queue queue, bool *met,
                                    oclstm_error *error) {
    const size_t groups = data->settings.groups;
    const device_grid grid = {1, {groups, 1, 1}, {1, 1, 1}};
    cl_int gave_up = 0, groups_arg = (cl_int)groups, epoch = 0;
    oclstm_status status = OCLSTM_OK;
    for (int launch = 0; launch < PROBE_LAUNCHES && status == OCLSTM_OK; launch++, epoch += probe_rounds) {
        status = device_set_args(device, data->probe, 0, error, DEVICE_ARG(data->meet), DEVICE_ARG(groups_arg), DEVICE_ARG(epoch),
                                 DEVICE_ARG(probe_rounds), DEVICE_ARG(probe_patience), (size_t)0);
        if (status == OCLSTM_OK)
            status = device_aside_launch(device, queue, data->probe, &grid, error);
    }
    data->epoch = (cl_uint)epoch;
    if (status == OCLSTM_OK)
        status =
            device_aside_read(device, queue, &gave_up, data->meet, groups * MEET_STRIDE * sizeof gave_up, sizeof gave_up, error);
    *met = gave_up == 0;
    return status;
}

// Whether the groups meet on this device, tried out. OK with settings that do without when they do not.
static oclstm_status probe(cell_plan *plan, fused_data *data, cl_program program, oclstm_error *error) {
    oclstm_device *device = plan->cell->device;
    const size_t bytes = (data->settings.groups + 2) * MEET_STRIDE * sizeof(cl_int), width = data->settings.vector_width;
    const int stored = data->settings.stored;
    cl_command_queue queue = NULL;
    bool met = false;
    void *zeros = base_alloc(bytes, 1);
    if (zeros == NULL)
        return base_fail_memory(error, bytes, "the meeting counters");
    oclstm_status status = device_buffer_create(&data->meet, device, CL_MEM_READ_WRITE, bytes, "the meeting counters", error);
    if (status == OCLSTM_OK)
        status = device_kernel_create(&data->probe, device, program, "fused_probe", NULL, error);
    if (status == OCLSTM_OK)
        status = device_aside_open(&queue, device, error);
    if (status == OCLSTM_OK)
        status = device_aside_write(device, queue, data->meet, zeros, bytes, error);
    if (status == OCLSTM_OK)
        status = probe_meetings(device, data, queue, &met, error);
    device_aside_close(&queue, status == OCLSTM_OK);
    device_kernel_release(&data->probe);
    free(zeros);
    if (status == OCLSTM_OK && !met) {
        data->settings = fused_plan_settings(plan, false);
        data->settings.vector_width = width; // the weights are packed
        data->settings.stored = stored;
    }
    return status;
}

static oclstm_status prepare_kernel(cell_plan *plan, fused_data *data, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    cl_program program = NULL;
    oclstm_status status = OCLSTM_OK;
    if (data->settings.form == FUSED_UNITS) {
        status = get_program(&program, cell, &data->settings, error);
        if (status == OCLSTM_OK && data->settings.groups > 1)
            status = probe(plan, data, program, error);
        if (status == OCLSTM_OK && data->settings.form == FUSED_UNITS)
            return device_kernel_create(&plan->kernels[0], cell->device, program, "fused_units", NULL, error);
    }
    if (status == OCLSTM_OK)
        status = get_program(&program, cell, &data->settings, error);
    if (status == OCLSTM_OK)
        status = device_kernel_create(&plan->kernels[0], cell->device, program, "fused_rows", NULL, error);
    return status;
}

// Elements of the scratch for the gates' sums, see the kernels.
static size_t sums_count(const oclstm_cell *cell, const fused_settings *settings, size_t batch) {
    size_t blocks = blocks_of(cell, settings), row = LSTM_GATES * settings->vector_width;
    if (settings->form == FUSED_UNITS)
        return settings->chunk * batch * blocks * row;
    size_t rows = (batch + settings->groups - 1) / settings->groups;
    return settings->groups * (settings->chunk > 0 ? settings->chunk * blocks * rows : settings->tile_rows) * row;
}

// Holds the settings to what the cell and its slices are.
static void settle(fused_settings *settings, const oclstm_cell *cell, size_t capacity_steps) {
    // A float32 cell's float16 and bfloat16 weights stay in their 16 bits where reading them is what a step waits for.
    settings->stored = stored_as(cell);
    // A cell keeps the layout it was packed in, whatever the settings have become since.
    if (cell->packed[PACKED_BLOCKS].layout != 0)
        settings->vector_width = cell->packed[PACKED_BLOCKS].layout;
    if (settings->form == FUSED_UNITS && settings->chunk > capacity_steps)
        settings->chunk = capacity_steps;
}

void fused_blocks_demand(device_demand *out, const oclstm_cell *cell, const fused_settings *chosen, size_t batch, size_t steps) {
    fused_settings settings = *chosen;
    settle(&settings, cell, steps);
    const size_t units = blocks_of(cell, &settings) * settings.vector_width, real = cell->real_bytes;
    const size_t stored = settings.stored != STORED_REAL ? 2 : cell->element_bytes;
    if (cell->packed[PACKED_BLOCKS].layout == 0) {
        demand_add(out, "the packed weight_ih", cell->input, LSTM_GATES * units, stored);
        demand_add(out, "the packed weight_hh", cell->hidden, LSTM_GATES * units, stored);
        demand_add(out, "the packed bias", 1, LSTM_GATES * units, real);
    }
    demand_add(out, "the cells' states", batch, units, real);
    demand_add(out, "the gates' sums", 1, sums_count(cell, &settings, batch), real);
}

oclstm_status fused_blocks_prepare(cell_plan *plan, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    fused_data *data = plan->engine_data;
    settle(&data->settings, cell, plan->capacity_steps);
    plan->writes_h_out = true;
    oclstm_status status = pack(cell, &data->settings, error);
    if (status == OCLSTM_OK)
        status = prepare_kernel(plan, data, error);
    const fused_settings *settings = &data->settings;
    if (status == OCLSTM_OK)
        status = plan_need_real(&plan->workspace, plan, plan->batch * blocks_of(cell, settings) * settings->vector_width,
                                "the cells' states", error);
    if (status == OCLSTM_OK)
        status = plan_need_real(&plan->gx, plan, sums_count(cell, settings, plan->batch), "the gates' sums", error);
    return status;
}

// The buffers that both kernels take, arguments 0 to CALL - 1; then the numbers, then fused_units' counters.
enum { CALL = 11 };

static oclstm_status set_buffers(cell_plan *plan, const engine_run *run, fused_data *data, oclstm_error *error) {
    const cl_mem *packed = plan->cell->packed[PACKED_BLOCKS].buffers;
    return device_set_changed_args(plan->cell->device, plan->kernels[0], &data->arguments, 0, error, DEVICE_FRESH_ARG(run->x.mem),
                                   DEVICE_ARG(packed[PACKED_IH]), DEVICE_ARG(packed[PACKED_HH]), DEVICE_ARG(packed[PACKED_BIAS]),
                                   DEVICE_FRESH_ARG(run->h_in.mem), DEVICE_FRESH_ARG(run->c_in.mem), DEVICE_FRESH_ARG(run->y.mem),
                                   DEVICE_FRESH_ARG(run->h_out.mem), DEVICE_FRESH_ARG(run->c_out.mem), DEVICE_ARG(plan->workspace),
                                   DEVICE_ARG(plan->gx), (size_t)0);
}

static lstm_fused_call make_call(const cell_plan *plan, const engine_run *run, const fused_data *data) {
    return (lstm_fused_call){.x_offset = (cl_uint)run->x.offset,
                             .x_step = (cl_uint)run->x.step_stride,
                             .x_stride = (cl_uint)run->x.batch_stride,
                             .y_offset = (cl_uint)run->y.offset,
                             .y_step = (cl_uint)run->y.step_stride,
                             .y_stride = (cl_uint)run->y.batch_stride,
                             .h0_offset = (cl_uint)run->h_in.offset,
                             .c0_offset = (cl_uint)run->c_in.offset,
                             .hn_offset = (cl_uint)run->h_out.offset,
                             .cn_offset = (cl_uint)run->c_out.offset,
                             .input = (cl_int)plan->cell->input,
                             .hidden = (cl_int)plan->cell->hidden,
                             .batch = (cl_int)run->batch,
                             .steps = (cl_int)run->steps,
                             .chunk = (cl_int)data->settings.chunk,
                             .turn = (cl_int)data->turn,
                             .split = data->settings.split,
                             .early = data->settings.early,
                             .groups = 1,
                             .patience = fused_patience};
}

static oclstm_status run_rows(cell_plan *plan, fused_data *data, lstm_fused_call *call, oclstm_error *error) {
    const size_t groups = data->settings.groups;
    const device_grid grid = {1, {groups, 1, 1}, {1, 1, 1}};
    call->rows = (cl_int)((plan->batch + groups - 1) / groups);
    oclstm_status status = device_set_args(plan->cell->device, plan->kernels[0], CALL, error, DEVICE_ARG(*call), (size_t)0);
    return status == OCLSTM_OK ? device_launch(plan->cell->device, plan->kernels[0], &grid, error) : status;
}

enum { ROLE_RUN, ROLE_FINISH }; // as in cl/fused_units.cl

static oclstm_status launch_units(cell_plan *plan, fused_data *data, const lstm_fused_call *call, oclstm_error *error) {
    const device_grid grid = {1, {call->role == ROLE_RUN ? (size_t)call->groups : 1, 1, 1}, {1, 1, 1}};
    const cl_mem meet = data->meet != NULL ? data->meet : plan->workspace; // with one group it is not touched
    oclstm_status status =
        device_set_args(plan->cell->device, plan->kernels[0], CALL, error, DEVICE_ARG(*call), DEVICE_ARG(meet), (size_t)0);
    return status == OCLSTM_OK ? device_launch(plan->cell->device, plan->kernels[0], &grid, error) : status;
}

static oclstm_status run_units(cell_plan *plan, fused_data *data, lstm_fused_call *call, oclstm_error *error) {
    const size_t groups = data->settings.groups;
    // Groups that often did not meet are not trusted again; a single step has no meeting, but each group would read h while another writes h'.
    if (groups == 1 || call->steps == 1 || data->given_up >= LOST_MEETINGS)
        return launch_units(plan, data, call, error);
    call->groups = (cl_int)groups;
    call->epoch = (cl_int)data->epoch;
    oclstm_status status = launch_units(plan, data, call, error);
    call->role = ROLE_FINISH;
    if (status == OCLSTM_OK)
        status = launch_units(plan, data, call, error);
    data->epoch += (cl_uint)call->steps;
    const device_rows count = {
        .count = 1, .row_bytes = sizeof data->given_up, .device_offset = (groups + 1) * MEET_STRIDE * sizeof(cl_int)};
    return status == OCLSTM_OK ? device_enqueue_read(plan->cell->device, &data->given_up, data->meet, &count, "the meetings", error)
                               : status;
}

oclstm_status fused_blocks_run(cell_plan *plan, const engine_run *run, oclstm_error *error) {
    fused_data *data = plan->engine_data;
    lstm_fused_call call = make_call(plan, run, data);
    oclstm_status status = set_buffers(plan, run, data, error);
    if (status != OCLSTM_OK)
        return status;
    data->turn = (data->turn + run->steps) & 1;
    return data->settings.form == FUSED_ROWS ? run_rows(plan, data, &call, error) : run_units(plan, data, &call, error);
}
