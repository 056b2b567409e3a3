// SPDX-License-Identifier: Apache-2.0
// The way back through a cell in plain C, in double precision, to be read beside the formulas of oclstm/backward.h.
#ifndef OCLSTM_TOOL_REFERENCE_BACK_H
#define OCLSTM_TOOL_REFERENCE_BACK_H

#include "reference.h"

// In: gradients of y, shaped as y, and of the last h and c; NULL = zero. Out, shaped as what they are of; bias: of each of the two. All must be there.
typedef struct reference_gradients {
    const double *y, *h, *c;
    double *x, *h0, *c0, *weight_ih, *weight_hh, *bias;
} reference_gradients;

// Forward as reference_sequence(), and back. False when there is no memory.
bool reference_sequence_back(const reference_cell *cell, int64_t steps, int64_t batch, bool batch_first, const double *x,
                             const double *h, const double *c, const reference_gradients *gradients);

#endif
