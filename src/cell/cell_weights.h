// SPDX-License-Identifier: Apache-2.0
// A cell's weights on their way between the caller's arrays and the device.
#ifndef OCLSTM_CELL_CELL_WEIGHTS_H
#define OCLSTM_CELL_CELL_WEIGHTS_H

#include "cell/cell_private.h"

// Checks the arrays of params and settles the sizes left at 0. OK or INVALID_ARGUMENT.
oclstm_status cell_weights_check(oclstm_cell_params *params, oclstm_error *error);

// Allocates cell->weight_ih, weight_hh and bias and fills them: from params, or fresh from the seed. Waits.
oclstm_status cell_weights_upload(oclstm_cell *cell, const oclstm_cell_params *params, oclstm_error *error);

#endif
