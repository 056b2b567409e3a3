// SPDX-License-Identifier: Apache-2.0
// A cell with what torch.nn.LSTMCell has not: projection, peepholes, clip, other activations. Runs as cl/general.cl does, one or two launches a step.
#ifndef OCLSTM_NETWORK_GENERAL_CELL_H
#define OCLSTM_NETWORK_GENERAL_CELL_H

#include "network/kernels.h"
#include "network/modules.h"

typedef struct general_cell general_cell;

// The input product is made for so many bytes of steps at a time. A variable for tests.
extern size_t general_product_bytes;

oclstm_status general_cell_create(general_cell **out, const network_kernels *kernels, oclstm_dtype dtype,
                                  const oclstm_tensors *file, const network_module *module, int layer, int direction,
                                  oclstm_error *error);
void general_cell_destroy(general_cell **cell);

// steps x batch rows of x [steps][batch][input] to y [steps][batch][width], from the state h [batch][width], c [batch][hidden], which is
// updated in place. Never waits, but for a first call's allocation.
oclstm_status general_cell_run(general_cell *cell, network_matrix x, network_matrix y, network_matrix h, network_matrix c,
                               size_t steps, size_t batch, oclstm_error *error);

#endif
