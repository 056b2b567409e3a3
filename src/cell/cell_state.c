// SPDX-License-Identifier: Apache-2.0
// A state that stays on the device between calls.
#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cell/array_check.h"
#include "cell/cell_private.h"
#include "cell/cell_stage.h"
#include "device/device_fork.h"
#include "device/device_transfer.h"

// Elements of h and of c.
static size_t part_count(const oclstm_state *state) { return state->batch * state->hidden; }

void oclstm_state_destroy(oclstm_state **state) {
    if (state == NULL || *state == NULL)
        return;
    oclstm_state *old = *state;
    *state = NULL;
    for (int i = 0; i < 2; i++) {
        device_buffer_release(old->device, &old->h[i]);
        device_buffer_release(old->device, &old->c[i]);
    }
    oclstm_device_close(&old->device);
    free(old);
}

oclstm_status oclstm_state_create(oclstm_state **out, oclstm_cell *cell, int64_t batch, oclstm_error *error) {
    if (out == NULL || cell == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_state_create: %s is NULL", out == NULL ? "out" : "cell");
    *out = NULL;
    size_t bytes;
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    if (batch < 0)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "the batch of a state is %lld; it must be at least 1, or 0 for no batch dimension", (long long)batch);
    if (!checked_mul(batch > 0 ? (size_t)batch : 1, cell->hidden * cell->real_bytes, &bytes))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the batch of a state is %lld: its size does not fit in memory",
                         (long long)batch);
    oclstm_state *made = base_alloc(1, sizeof *made);
    if (made == NULL)
        return base_fail_memory(error, sizeof *made, "the state");
    made->device = device_retain(cell->device);
    made->dtype = cell->params.dtype;
    made->hidden = cell->hidden;
    made->batch = batch > 0 ? (size_t)batch : 1;
    made->unbatched = batch == 0;
    cl_mem *const parts[] = {&made->h[0], &made->c[0], &made->h[1], &made->c[1]};
    device_demand demand = {.count = 0};
    char why[400] = "";
    const size_t element_bytes[] = {cell->element_bytes, cell->real_bytes};
    for (int i = 0; i < 4; i++)
        demand_add(&demand, "a state", made->batch, made->hidden, element_bytes[i % 2]);
    if (!demand_fits(&demand, made->device, 0, why, sizeof why))
        status = device_fail_memory(error, made->device, "a state of batch %zu does not fit %s: %s; use a smaller batch",
                                    made->batch, device_get_limits(made->device)->name, why);
    for (int i = 0; i < 4 && status == OCLSTM_OK; i++)
        status = device_buffer_create(parts[i], made->device, CL_MEM_READ_WRITE, part_count(made) * element_bytes[i % 2], "a state",
                                      error);
    if (status == OCLSTM_OK)
        status = oclstm_state_set(made, NULL, NULL, error);
    if (status == OCLSTM_OK)
        *out = made;
    else
        oclstm_state_destroy(&made);
    return status;
}

static oclstm_status check_part(const oclstm_state *state, const oclstm_const_array *array, const char *name, oclstm_error *error) {
    array_expectation expected = {.name = name,
                                  .dtype = cell_dtype_takes(state->dtype, array->dtype) ? array->dtype : state->dtype,
                                  .dtype_of = "the state",
                                  .rank = 2,
                                  .shape = {(int64_t)state->batch, (int64_t)state->hidden},
                                  .axes = {"batch", "hidden"}};
    if (state->unbatched) {
        expected.rank = 1;
        expected.shape[0] = (int64_t)state->hidden;
        expected.axes[0] = "hidden";
    }
    return array_check(array, &expected, error);
}

oclstm_status oclstm_state_set(oclstm_state *state, const oclstm_const_array *h, const oclstm_const_array *c, oclstm_error *error) {
    if (state == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_state_set: state is NULL");
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    bool has_h = h != NULL && h->data != NULL, has_c = c != NULL && c->data != NULL;
    if (has_h != has_c)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is given without %s: a state is the pair (h, c), both or neither",
                         has_h ? "h" : "c", has_h ? "c" : "h");
    // Beside what is there: a failure half-way leaves that as it was.
    const int other = 1 - state->current;
    const oclstm_dtype c_dtype = cell_real_dtype(state->dtype);
    const size_t count = part_count(state);
    if (!has_h) {
        status = device_fill_zero(state->device, state->h[other], 0, count * oclstm_dtype_size_bytes(state->dtype), error);
        if (status == OCLSTM_OK)
            status = device_fill_zero(state->device, state->c[other], 0, count * oclstm_dtype_size_bytes(c_dtype), error);
        if (status == OCLSTM_OK)
            status = device_finish(state->device, error);
    } else {
        status = check_part(state, h, "h", error);
        if (status == OCLSTM_OK)
            status = check_part(state, c, "c", error);
        if (status == OCLSTM_OK)
            status = stage_write(state->device, state->h[other], state->dtype, h->data, h->dtype, count, "h", error);
        if (status == OCLSTM_OK)
            status = stage_write(state->device, state->c[other], c_dtype, c->data, c->dtype, count, "c", error);
    }
    if (status == OCLSTM_OK)
        state->current = other;
    return status;
}

oclstm_status oclstm_state_get(oclstm_state *state, const oclstm_array *h, const oclstm_array *c, oclstm_error *error) {
    if (state == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_state_get: state is NULL");
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    const oclstm_array *const wanted[] = {h, c};
    const cl_mem parts[] = {state->h[state->current], state->c[state->current]};
    const oclstm_dtype dtypes[] = {state->dtype, cell_real_dtype(state->dtype)};
    static const char *const names[] = {"h", "c"};
    for (int i = 0; i < 2 && status == OCLSTM_OK; i++) {
        if (wanted[i] == NULL || wanted[i]->data == NULL)
            continue;
        const oclstm_const_array view = array_as_const(wanted[i]);
        status = check_part(state, &view, names[i], error);
        if (status == OCLSTM_OK)
            status = stage_read(state->device, wanted[i]->data, wanted[i]->dtype, parts[i], dtypes[i], part_count(state), names[i],
                                error);
    }
    return status;
}
