// SPDX-License-Identifier: Apache-2.0
// Losses on the device: the loss and the gradient of the outputs in one go. See include/oclstm/train.h for the formulas.
#ifndef OCLSTM_TRAIN_LOSS_H
#define OCLSTM_TRAIN_LOSS_H

#include <oclstm/train.h>

#include "train/train_engine.h"

typedef struct train_losses train_losses; // kernels and the partial sums

oclstm_status train_losses_create(train_losses **out, oclstm_device *device, oclstm_dtype dtype, oclstm_error *error);
void train_losses_destroy(train_losses **losses);

typedef struct train_loss_call {
    oclstm_loss kind;
    size_t steps, batch, outputs;
    train_matrix z;    // [steps][batch][outputs]
    train_matrix dz;   // out, likewise; absent: the loss alone
    cl_mem target;     // as z; for cross-entropy int [steps][batch], negative = does not count
    cl_mem lengths;    // [batch] int, or NULL; rows (t, b) with t >= lengths[b] do not count
    size_t counted;    // n of the formulas, at least 1; known to the host
    train_matrix loss; // out, one element: the mean
} train_loss_call;

// Elements of scratch memory.
size_t train_loss_scratch(const train_losses *losses, size_t rows, size_t outputs);

// Enqueues; sums in an order that depends on the shape alone.
oclstm_status train_loss_enqueue(train_losses *losses, const train_loss_call *call, cl_mem scratch, oclstm_error *error);

#endif
