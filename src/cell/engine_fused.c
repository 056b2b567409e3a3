// SPDX-License-Identifier: Apache-2.0
// The fused engine: own kernels that keep the recurrence in one launch, or in one launch a step. Which kernels is a matter of the device:
// fused_blocks.c for CPUs, fused_lanes.c for everything whose work-items lie along the units.
#include "base/error.h"
#include "base/memory.h"
#include "cell/fused_plan.h"
#include "cl/lstm_shared.h"
#include "device/device_facts.h"

// 64-bit integers: packed weights are indexed in long. Arguments: see fused_blocks.c and fused_lanes.c, with 8 bytes a buffer.
static const engine_needs blocks_needs = {
    .dtypes = CELL_DTYPES,
    .parameter_bytes = 12 * 8 + sizeof(lstm_fused_call),
    .int64 = true,
};
static const engine_needs lanes_needs = {
    .dtypes = CELL_DTYPES,
    .group_items = FUSED_LANES,
    .group_sizes = {FUSED_LANES, 1},
    .parameter_bytes = 9 * 8 + 13 * 4,
    .int64 = true,
};

// On a CPU the kernels are right at work-groups of 1; elsewhere the work-items of a group lie along the units.
static const engine_needs *needs(const device_limits *limits) {
    return limits->kind == OCLSTM_DEVICE_CPU ? &blocks_needs : &lanes_needs;
}

static bool is_by_lanes(fused_form form) { return form == FUSED_STEP || form == FUSED_GROUP; }

static fused_settings choose(const oclstm_cell *cell, size_t batch, size_t whole_batch, unsigned whole_units, bool can_meet) {
    const device_limits *limits = device_get_limits(cell->device);
    const bool is_share = whole_batch > 0;
    return fused_settings_choose_share(limits, device_get_tuned(cell->device), cell->params.dtype, cell->input, cell->hidden, batch,
                                       is_share ? whole_batch : batch, is_share ? whole_units : limits->compute_units, can_meet);
}

fused_settings fused_plan_settings(const cell_plan *plan, bool can_meet) {
    return choose(plan->cell, plan->batch, plan->whole_batch, plan->whole_units, can_meet);
}

static void demand(device_demand *out, const oclstm_cell *cell, size_t batch, size_t steps) {
    const bool can_meet = device_groups_may_meet(device_get_limits(cell->device));
    const fused_settings settings = choose(cell, batch, cell->whole_batch, cell->whole_units, can_meet);
    if (is_by_lanes(settings.form))
        fused_lanes_demand(out, cell);
    else
        fused_blocks_demand(out, cell, &settings, batch, steps);
}

// Two where the groups may meet: a plan whose groups did not takes the other settings.
static size_t programs(engine_program *out, const oclstm_cell *cell, size_t batch) {
    const device_limits *limits = device_get_limits(cell->device);
    size_t count = 0;
    for (int can_meet = device_groups_may_meet(limits); can_meet >= 0; can_meet--) {
        const fused_settings settings = fused_settings_choose(limits, device_get_tuned(cell->device), cell->params.dtype,
                                                              cell->input, cell->hidden, batch, can_meet == 1);
        count += is_by_lanes(settings.form) ? fused_lanes_programs(&out[count], cell, &settings)
                                            : fused_blocks_programs(&out[count], cell, &settings);
    }
    return count;
}

static oclstm_status prepare(cell_plan *plan, oclstm_error *error) {
    oclstm_cell *cell = plan->cell;
    fused_data *data = base_alloc(1, sizeof *data);
    if (data == NULL)
        return base_fail_memory(error, sizeof *data, "the plan's settings");
    plan->engine_data = data;
    data->settings = fused_plan_settings(plan, device_groups_may_meet(device_get_limits(cell->device)));
    return is_by_lanes(data->settings.form) ? fused_lanes_prepare(plan, error) : fused_blocks_prepare(plan, error);
}

static oclstm_status run(cell_plan *plan, const engine_run *run, oclstm_error *error) {
    const fused_data *data = plan->engine_data;
    return is_by_lanes(data->settings.form) ? fused_lanes_run(plan, run, error) : fused_blocks_run(plan, run, error);
}

static void release(cell_plan *plan) {
    fused_data *data = plan->engine_data;
    if (data == NULL)
        return;
    if (data->meet != NULL)
        device_finish(plan->cell->device, NULL); // a read into data may be under way
    device_kernel_release(&data->probe);
    device_buffer_release(plan->cell->device, &data->meet);
    free(data);
    plan->engine_data = NULL;
}

const cell_engine engine_fused = {OCLSTM_ENGINE_FUSED, "fused", needs, demand, prepare, run, release, programs};
