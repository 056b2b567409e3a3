// SPDX-License-Identifier: Apache-2.0
// Optimizers on the device, over flat buffers. See include/oclstm/train.h for the formulas.
#ifndef OCLSTM_TRAIN_OPTIMIZER_H
#define OCLSTM_TRAIN_OPTIMIZER_H

#include <oclstm/train.h>

#include "train/train_engine.h"

typedef struct train_optimizer train_optimizer;

// OK, or INVALID_ARGUMENT naming the setting, what is allowed and what was found.
oclstm_status train_optimizer_check(const oclstm_optimizer_params *params, oclstm_error *error);

// Buffers of `flat` elements as the kind needs them (SGD with momentum: first; Adam: first, second), zero; waits. flat is a multiple of 64.
oclstm_status train_optimizer_create(train_optimizer **out, oclstm_device *device, oclstm_dtype dtype, oclstm_optimizer kind,
                                     bool has_momentum, size_t flat, oclstm_error *error);
void train_optimizer_destroy(train_optimizer **optimizer);

// Bytes on the device of such an optimizer, its scratch included.
uint64_t train_optimizer_bytes(oclstm_dtype dtype, oclstm_optimizer kind, bool has_momentum, size_t flat);

// The moments: NULL where the kind has none. For checkpoints.
cl_mem train_optimizer_first(const train_optimizer *optimizer);
cl_mem train_optimizer_second(const train_optimizer *optimizer);

// Enqueues: the norm of all gradients into norm (one element), then the weights' step number `step` (from 1), clipped as params say. Where *loss (absent: not
// looked at) or the norm is not finite nothing changes but norm.
oclstm_status train_optimizer_enqueue(train_optimizer *optimizer, const oclstm_optimizer_params *params, int64_t step,
                                      cl_mem weights, cl_mem gradients, train_matrix loss, train_matrix norm, oclstm_error *error);

#endif
