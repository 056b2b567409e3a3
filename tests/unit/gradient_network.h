// SPDX-License-Identifier: Apache-2.0
// A whole network forward and back in plain C and double precision, over the layers that training knows: embedding, lstm with stacks, both directions,
// projection and lengths, lstm cells, linear, relu, sigmoid; and the losses. Steps behind a sequence's end are not looked at and give no gradient.
#ifndef OCLSTM_TESTS_GRADIENT_NETWORK_H
#define OCLSTM_TESTS_GRADIENT_NETWORK_H

#include <oclstm/train.h>

#include "gradient_reference.h"

// A weight and where its gradient goes: to be zero before.
typedef struct reference_parameter {
    const char *name; // "lstm.weight_ih_l0"
    size_t count;
    double *value, *gradient;
} reference_parameter;

// Time-major arrays. Units' states lie one after the other, [units][batch][features] where the units have one width. NULL = absent.
typedef struct reference_network {
    const oclstm_layer *layers;
    size_t layer_count;
    const reference_parameter *parameters;
    size_t parameter_count;
    size_t steps, batch;
    const int *lengths; // [batch]
    const int *tokens;  // [steps][batch], or x
    const double *x;
    const double *h0, *c0;
    double *y, *hn, *cn;          // out
    const double *dy, *dhn, *dcn; // gradients of the results; all absent: forward only
    double *dx, *dh0, *dc0;       // out
} reference_network;

// Forward, and back where a gradient is given. Never fails.
void reference_network_run(const reference_network *network);

// The loss of train.h over the rows that count, and its gradient dz where that is not NULL. target: as z, or for cross-entropy classes [steps][batch] with
// those below 0 not counting.
double reference_loss(oclstm_loss kind, const double *z, const double *target, const int *classes, const int *lengths, size_t steps,
                      size_t batch, size_t outputs, double *dz);

#endif
