// SPDX-License-Identifier: Apache-2.0
#include "cell/cell_share.h"

#include "cell/call_check.h"

void cell_set_share(oclstm_cell *cell, size_t whole_batch, unsigned whole_units) {
    cell->whole_batch = whole_batch;
    cell->whole_units = whole_units;
}

oclstm_status cell_check_call(const oclstm_cell *cell, const oclstm_sequence *call, bool is_step, cell_call_size *out,
                              oclstm_error *error) {
    cell_execution execution;
    const oclstm_status status = call_check(cell, call, is_step, &execution, error);
    *out = (cell_call_size){.batch = execution.batch,
                            .steps = execution.steps,
                            .batched = call->x.rank == (is_step ? 2 : 3),
                            .batch_first = execution.batch_first};
    return status;
}
