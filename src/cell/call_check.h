// SPDX-License-Identifier: Apache-2.0
// From a caller's step or sequence to an execution: every array checked, every size known.
#ifndef OCLSTM_CELL_CALL_CHECK_H
#define OCLSTM_CELL_CALL_CHECK_H

#include "cell/cell_execute.h"

// Checks a step or a sequence (is_step: x has no steps axis) and fills the execution, states included.
oclstm_status call_check(const oclstm_cell *cell, const oclstm_sequence *call, bool is_step, cell_execution *out,
                         oclstm_error *error);

#endif
