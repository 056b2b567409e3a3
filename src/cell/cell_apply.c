// SPDX-License-Identifier: Apache-2.0
// A step and a sequence from and to host arrays.
#include "base/error.h"
#include "cell/call_check.h"
#include "device/device_fork.h"

static oclstm_status apply(oclstm_cell *cell, const oclstm_sequence *call, bool is_step, oclstm_error *error) {
    cell_execution execution;
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK)
        status = call_check(cell, call, is_step, &execution, error);
    if (status == OCLSTM_OK)
        status = cell_execute(cell, &execution, error);
    // A state is written beside the old one, so that a failed call leaves it as it was.
    if (status == OCLSTM_OK && call->state != NULL)
        call->state->current = 1 - call->state->current;
    return status;
}

oclstm_status oclstm_cell_step(oclstm_cell *cell, const oclstm_step *step, oclstm_error *error) {
    if (cell == NULL || step == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_cell_step: %s is NULL", cell == NULL ? "cell" : "step");
    const oclstm_sequence call = {
        .x = step->x, .h = step->h, .c = step->c, .h_out = step->h_out, .c_out = step->c_out, .state = step->state};
    return apply(cell, &call, true, error);
}

oclstm_status oclstm_cell_sequence(oclstm_cell *cell, const oclstm_sequence *sequence, oclstm_error *error) {
    if (cell == NULL || sequence == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_cell_sequence: %s is NULL", cell == NULL ? "cell" : "sequence");
    return apply(cell, sequence, false, error);
}

oclstm_status oclstm_cell_explain(oclstm_cell *cell, int64_t batch, int64_t steps, char *text, size_t capacity,
                                  oclstm_error *error) {
    if (cell == NULL || (text == NULL && capacity > 0))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_cell_explain: cell or text is NULL");
    if (batch < 1 || steps < 1)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_cell_explain: batch and steps must be at least 1");
    const cell_engine *chosen = NULL;
    return engine_choose(&chosen, cell, (size_t)batch, (size_t)steps, text, capacity, error);
}

oclstm_engine oclstm_cell_last_engine(const oclstm_cell *cell) { return cell != NULL ? cell->last_engine : OCLSTM_ENGINE_AUTO; }
