// SPDX-License-Identifier: Apache-2.0
// What src/group asks of a cell beyond its public functions: a cell as one of several that share the rows of a batch.
#ifndef OCLSTM_CELL_CELL_SHARE_H
#define OCLSTM_CELL_CELL_SHARE_H

#include <oclstm/cell.h>

// The calls from now on are given some rows of a batch of `whole_batch`, which a device of `whole_units` compute units would compute: engine and
// order of sums are those of that call, so that a row's result does not depend on how the rows are shared. 0, 0: back to calls of their own.
void cell_set_share(oclstm_cell *cell, size_t whole_batch, unsigned whole_units);

// A call as oclstm_cell_step() (is_step) or oclstm_cell_sequence() checks it, and its sizes; nothing is computed.
typedef struct cell_call_size {
    size_t batch, steps; // batch 1 without a batch dimension
    bool batched;
    bool batch_first;
} cell_call_size;

oclstm_status cell_check_call(const oclstm_cell *cell, const oclstm_sequence *call, bool is_step, cell_call_size *out,
                              oclstm_error *error);

#endif
