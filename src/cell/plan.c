// SPDX-License-Identifier: Apache-2.0
#include "cell/plan.h"
#include "cl/lstm_shared.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"

// The input product of a slice is the largest buffer of a call. This bounds it, and by it everything a call allocates: long sequences go
// through in slices. A slice of this size already fills any device's matrix product.
size_t plan_slice_bytes = (size_t)32 << 20;

static size_t largest_row(const oclstm_cell *cell) {
    size_t gates = LSTM_GATES * cell->hidden;
    return gates > cell->input ? gates : cell->input;
}

// Steps of a slice; at least one, so that a single step may exceed plan_slice_bytes. 0 when one step exceeds what kernels can index.
static size_t slice_steps(const oclstm_cell *cell, size_t batch, size_t steps) {
    size_t step_elements, step_bytes;
    if (!checked_mul(batch, largest_row(cell), &step_elements) || step_elements > UINT32_MAX ||
        !checked_mul(step_elements, cell->element_bytes, &step_bytes))
        return 0;
    size_t fit = plan_slice_bytes / step_bytes;
    if (fit < 1)
        fit = 1;
    return fit < steps ? fit : steps;
}

oclstm_status plan_need(cl_mem *buffer, cell_plan *plan, size_t element_count, const char *what, oclstm_error *error) {
    if (*buffer != NULL)
        return OCLSTM_OK;
    return device_buffer_create(buffer, plan->cell->device, CL_MEM_READ_WRITE, element_count * plan->cell->element_bytes, what,
                                error);
}

void plan_destroy(cell_plan *plan) {
    if (plan == NULL)
        return;
    oclstm_device *device = plan->cell->device;
    plan->engine->release(plan);
    for (size_t i = 0; i < sizeof plan->kernels / sizeof plan->kernels[0]; i++)
        device_kernel_release(&plan->kernels[i]);
    cl_mem *const buffers[] = {&plan->x, &plan->y, &plan->h, &plan->c, &plan->gx, &plan->workspace};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        device_buffer_release(device, buffers[i]);
    free(plan);
}

void plan_destroy_all(oclstm_cell *cell) {
    for (int i = 0; i < CELL_PLANS; i++) {
        plan_destroy(cell->plans[i]);
        cell->plans[i] = NULL;
    }
}

static oclstm_status plan_create(cell_plan **out, oclstm_cell *cell, const cell_engine *engine, size_t batch, size_t capacity_steps,
                                 oclstm_error *error) {
    *out = NULL;
    cell_plan *made = base_alloc(1, sizeof *made);
    if (made == NULL)
        return base_fail_memory(error, sizeof *made, "the plan");
    made->cell = cell;
    made->engine = engine;
    made->batch = batch;
    made->whole_batch = cell->whole_batch;
    made->whole_units = cell->whole_units;
    made->capacity_steps = capacity_steps;
    oclstm_status status = engine->prepare(made, error);
    if (status != OCLSTM_OK)
        plan_destroy(made);
    else
        *out = made;
    return status;
}

// Moves entry `position` to the front, so that the last one is the longest unused.
static void move_to_front(oclstm_cell *cell, int position) {
    cell_plan *used = cell->plans[position];
    for (int i = position; i > 0; i--)
        cell->plans[i] = cell->plans[i - 1];
    cell->plans[0] = used;
}

static bool plan_fits(const cell_plan *plan, const oclstm_cell *cell, const cell_engine *engine, size_t batch) {
    return plan->engine == engine && plan->batch == batch && plan->whole_batch == cell->whole_batch &&
           plan->whole_units == cell->whole_units;
}

oclstm_status plan_get(cell_plan **out, oclstm_cell *cell, size_t batch, size_t steps, oclstm_error *error) {
    *out = NULL;
    const cell_engine *engine = NULL;
    oclstm_status status = engine_choose(&engine, cell, cell->whole_batch > 0 ? cell->whole_batch : batch, steps, NULL, 0, error);
    if (status != OCLSTM_OK)
        return status;
    size_t capacity_steps = slice_steps(cell, batch, steps);
    if (capacity_steps == 0)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "batch %zu is too large for this cell: batch x the larger of input and 4 x hidden (%zu) may not exceed "
                         "%u; split the batch",
                         batch, largest_row(cell), UINT32_MAX);
    int position = 0;
    while (position < CELL_PLANS && cell->plans[position] != NULL && !plan_fits(cell->plans[position], cell, engine, batch))
        position++;
    if (position == CELL_PLANS)
        position--; // none fits and all places are taken: the longest unused one goes
    cell_plan *kept = cell->plans[position];
    if (kept == NULL || !plan_fits(kept, cell, engine, batch) || kept->capacity_steps < capacity_steps) {
        plan_destroy(kept); // first, so that its memory can serve the new one
        cell->plans[position] = NULL;
        status = plan_create(&cell->plans[position], cell, engine, batch, capacity_steps, error);
        if (status != OCLSTM_OK) {
            // Keep the places without gaps.
            for (int i = position; i + 1 < CELL_PLANS; i++)
                cell->plans[i] = cell->plans[i + 1];
            cell->plans[CELL_PLANS - 1] = NULL;
            return status;
        }
    }
    move_to_front(cell, position);
    *out = cell->plans[0];
    cell->last_engine = engine->id;
    return OCLSTM_OK;
}
