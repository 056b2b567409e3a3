// SPDX-License-Identifier: Apache-2.0
// How long a slice may be: counted before anything is made.
#include <inttypes.h>

#include "base/checked.h"
#include "base/error.h"
#include "cell/plan.h"
#include "cl/lstm_shared.h"
#include "device/size_text.h"

// The input product of a slice is the largest buffer of a call. This bounds it, and by it everything a call allocates: long sequences go
// through in slices. A slice of this size already fills any device's matrix product.
size_t plan_slice_bytes = (size_t)32 << 20;

static size_t largest_row(const oclstm_cell *cell) {
    size_t gates = LSTM_GATES * cell->hidden;
    return gates > cell->input ? gates : cell->input;
}

size_t plan_longest_slice(const oclstm_cell *cell, size_t batch, size_t steps) {
    size_t step_elements, step_bytes;
    if (!checked_mul(batch, largest_row(cell), &step_elements) || step_elements > UINT32_MAX ||
        !checked_mul(step_elements, cell->real_bytes, &step_bytes))
        return 0;
    size_t fit = plan_slice_bytes / step_bytes;
    if (fit < 1)
        fit = 1;
    return fit < steps ? fit : steps;
}

// All that a plan with slices of `steps` steps has on the device, and the weights where they are not there yet.
static void count_buffers(device_demand *out, const oclstm_cell *cell, const cell_engine *engine, const plan_call *call,
                          size_t steps) {
    const size_t stored = cell->element_bytes, real = cell->real_bytes, gates = LSTM_GATES * cell->hidden;
    *out = (device_demand){.count = 0};
    if (cell->weight_ih == NULL) {
        demand_add(out, "weight_ih", gates, cell->input, stored);
        demand_add(out, "weight_hh", gates, cell->hidden, stored);
        demand_add(out, "the bias", gates, 1, real);
    }
    engine->demand(out, cell, call->batch, steps);
    if (call->stages_x)
        demand_add(out, "a slice of x", steps * call->batch, cell->input, stored);
    if (call->stages_y)
        demand_add(out, "a slice of y", steps * call->batch, cell->hidden, stored);
    demand_add(out, "h", call->batch, cell->hidden, stored);
    demand_add(out, "c", call->batch, cell->hidden, real);
}

// Bytes of the buffers of all plans kept, which can be given up.
static uint64_t kept_bytes(const oclstm_cell *cell) {
    uint64_t sum = 0;
    for (int i = 0; i < CELL_PLANS && cell->plans[i] != NULL; i++)
        sum += plan_held_bytes(cell->plans[i]);
    return sum;
}

static size_t capacity_with(const oclstm_cell *cell, const cell_engine *engine, const plan_call *call, uint64_t reclaimable_bytes,
                            char *why, size_t capacity) {
    device_demand demand;
    size_t most = plan_longest_slice(cell, call->batch, call->steps), fits = 0;
    if (most == 0) {
        base_append(why, capacity, "batch x the larger of input and 4 x hidden (%zu) may not exceed %u", largest_row(cell),
                    UINT32_MAX);
        return 0;
    }
    count_buffers(&demand, cell, engine, call, most);
    if (demand_fits(&demand, cell->device, reclaimable_bytes, NULL, 0))
        return most;
    // The longest that fits lies in [fits, most).
    while (most - fits > 1) {
        const size_t middle = fits + (most - fits) / 2;
        count_buffers(&demand, cell, engine, call, middle);
        if (demand_fits(&demand, cell->device, reclaimable_bytes, NULL, 0))
            fits = middle;
        else
            most = middle;
    }
    if (fits == 0) {
        count_buffers(&demand, cell, engine, call, 1);
        demand_fits(&demand, cell->device, reclaimable_bytes, why, capacity);
    }
    return fits;
}

size_t plan_capacity(const oclstm_cell *cell, const cell_engine *engine, const plan_call *call, char *why, size_t capacity) {
    return capacity_with(cell, engine, call, kept_bytes(cell), why, capacity);
}

size_t plan_make_room(oclstm_cell *cell, const cell_engine *engine, const plan_call *call) {
    const size_t best = plan_capacity(cell, engine, call, NULL, 0), now = capacity_with(cell, engine, call, 0, NULL, 0);
    if (now < best)
        plan_destroy_all(cell);
    return best;
}

oclstm_status plan_refuse(const oclstm_cell *cell, const cell_engine *engine, const plan_call *call, oclstm_error *error) {
    char why[400] = "";
    if (plan_longest_slice(cell, call->batch, 1) == 0)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "batch %zu is too large for this cell: batch x the larger of input and 4 x hidden (%zu) may not exceed "
                         "%u; split the batch",
                         call->batch, largest_row(cell), UINT32_MAX);
    plan_capacity(cell, engine, call, why, sizeof why);
    size_t fits = 0, most = call->batch;
    plan_call tried = {.steps = 1, .stages_x = call->stages_x, .stages_y = call->stages_y};
    while (most - fits > 1) {
        tried.batch = fits + (most - fits) / 2;
        if (plan_capacity(cell, engine, &tried, NULL, 0) > 0)
            fits = tried.batch;
        else
            most = tried.batch;
    }
    char advice[120] = "";
    if (fits > 0)
        base_append(advice, sizeof advice, "the largest batch that fits is %zu: split the batch", fits);
    else
        base_append(advice, sizeof advice, "no batch fits: use a smaller cell or another device");
    return device_fail_memory(error, cell->device, "a step of batch %zu with the engine '%s' does not fit %s: %s; %s", call->batch,
                              engine->name, device_get_limits(cell->device)->name, why, advice);
}
