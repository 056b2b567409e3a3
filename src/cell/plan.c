// SPDX-License-Identifier: Apache-2.0
#include "cell/plan.h"

#include "base/error.h"
#include "base/memory.h"

oclstm_status plan_need(cl_mem *buffer, cell_plan *plan, size_t element_count, const char *what, oclstm_error *error) {
    if (*buffer != NULL)
        return OCLSTM_OK;
    return device_buffer_create(buffer, plan->cell->device, CL_MEM_READ_WRITE, element_count * plan->cell->element_bytes, what,
                                error);
}

uint64_t plan_held_bytes(const cell_plan *plan) {
    const cl_mem buffers[] = {plan->x, plan->y, plan->h, plan->c, plan->gx, plan->workspace};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        sum += device_buffer_bytes(buffers[i]);
    return sum;
}

oclstm_status plan_need_real(cl_mem *buffer, cell_plan *plan, size_t element_count, const char *what, oclstm_error *error) {
    if (*buffer != NULL)
        return OCLSTM_OK;
    return device_buffer_create(buffer, plan->cell->device, CL_MEM_READ_WRITE, element_count * plan->cell->real_bytes, what, error);
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
    for (int i = 0; i < PLAN_STAGES; i++)
        free(plan->stages[i]);
    free(plan);
}

void plan_destroy_all(oclstm_cell *cell) {
    for (int i = 0; i < CELL_PLANS; i++) {
        plan_destroy(cell->plans[i]);
        cell->plans[i] = NULL;
    }
}

static oclstm_status plan_create(cell_plan **out, oclstm_cell *cell, const cell_engine *engine, const plan_call *call,
                                 size_t capacity_steps, oclstm_error *error) {
    *out = NULL;
    cell_plan *made = base_alloc(1, sizeof *made);
    if (made == NULL)
        return base_fail_memory(error, sizeof *made, "the plan");
    made->cell = cell;
    made->engine = engine;
    made->batch = call->batch;
    made->whole_batch = cell->whole_batch;
    made->whole_units = cell->whole_units;
    made->capacity_steps = capacity_steps;
    made->asked_steps = call->steps;
    made->stages_x = call->stages_x;
    made->stages_y = call->stages_y;
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

static bool is_of(const cell_plan *plan, const oclstm_cell *cell, const cell_engine *engine, size_t batch) {
    return plan->engine == engine && plan->batch == batch && plan->whole_batch == cell->whole_batch &&
           plan->whole_units == cell->whole_units;
}

// The kept plan for this engine and batch, or the place for a new one.
static int find_place(const oclstm_cell *cell, const cell_engine *engine, size_t batch) {
    int position = 0;
    while (position < CELL_PLANS && cell->plans[position] != NULL && !is_of(cell->plans[position], cell, engine, batch))
        position++;
    return position < CELL_PLANS ? position : CELL_PLANS - 1; // none fits and all places are taken: the longest unused one goes
}

// Is the plan of this engine and batch made for all that the call asks?
static bool is_made_for(const cell_plan *plan, const plan_call *call) {
    return call->steps <= plan->asked_steps && (plan->stages_x || !call->stages_x) && (plan->stages_y || !call->stages_y);
}

// Makes the plan for one engine. The old one at its place goes first, so that its memory can serve the new one, and all of them where that is not
// enough.
static oclstm_status plan_make(oclstm_cell *cell, const cell_engine *engine, const plan_call *asked, oclstm_error *error) {
    const plan_call bounded = {asked->batch, plan_longest_slice(cell, asked->batch, asked->steps), asked->stages_x,
                               asked->stages_y};
    const plan_call *const call = &bounded;
    const int position = find_place(cell, engine, call->batch);
    cell_plan *kept = cell->plans[position];
    const bool grows = kept != NULL && is_of(kept, cell, engine, call->batch);
    if (grows && is_made_for(kept, call)) {
        move_to_front(cell, position);
        return OCLSTM_OK;
    }
    // What the kept one was made for stays: calls of either kind may follow each other.
    const plan_call wanted = {call->batch, grows && kept->asked_steps > call->steps ? kept->asked_steps : call->steps,
                              call->stages_x || (grows && kept->stages_x), call->stages_y || (grows && kept->stages_y)};
    if (plan_capacity(cell, engine, &wanted, NULL, 0) == 0)
        return plan_refuse(cell, engine, asked, error);
    plan_destroy(kept);
    // Keep the places without gaps.
    for (int i = position; i + 1 < CELL_PLANS; i++)
        cell->plans[i] = cell->plans[i + 1];
    cell->plans[CELL_PLANS - 1] = NULL;
    const size_t capacity_steps = plan_make_room(cell, engine, &wanted);
    int end = 0;
    while (cell->plans[end] != NULL)
        end++;
    oclstm_status status = plan_create(&cell->plans[end], cell, engine, &wanted, capacity_steps, error);
    if (status == OCLSTM_OK)
        move_to_front(cell, end);
    return status;
}

oclstm_status plan_get(cell_plan **out, oclstm_cell *cell, const plan_call *call, oclstm_error *error) {
    *out = NULL;
    engine_list list;
    oclstm_error own, *const record = error != NULL ? error : &own;
    oclstm_status status = engine_list_make(&list, cell, cell->whole_batch > 0 ? cell->whole_batch : call->batch, NULL, 0, record);
    if (status != OCLSTM_OK)
        return status;
    for (int i = 0; i < list.count; i++) {
        const cell_engine *engine = list.engines[i];
        status = plan_make(cell, engine, call, record);
        if (status == OCLSTM_OK) {
            if (i > 0 && error != NULL)
                *error = (oclstm_error){0}; // of the engine before
            *out = cell->plans[0];
            cell->last_engine = engine->id;
            return OCLSTM_OK;
        }
        if (status == OCLSTM_UNSUPPORTED || status == OCLSTM_BUILD_FAILED)
            base_copy_string(cell->refused[engine->id], sizeof cell->refused[engine->id], record->message);
        else if (status != OCLSTM_OUT_OF_DEVICE_MEMORY || record->opencl_code != 0) // counted, not what a driver ran out of
            return status;
    }
    return status;
}
