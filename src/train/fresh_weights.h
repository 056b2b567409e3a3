// SPDX-License-Identifier: Apache-2.0
// Weights to start from: torch's distributions, from a counter-based generator, so that a seed gives the same weights on every device.
//
// Element e of parameter p is made of Philox4x32-10, key = seed, counter = (e / 4 low, p, e / 4 high, 2^31), word e % 4. The last word sets it apart from
// dropout, where the upper half of a step's number stands there.
#ifndef OCLSTM_TRAIN_FRESH_WEIGHTS_H
#define OCLSTM_TRAIN_FRESH_WEIGHTS_H

#include "train/graph.h"

// Elements first to first + count of a parameter. fan: see train_parameter.
void train_fresh_values(double *values, uint64_t seed, uint32_t parameter, size_t fan, size_t first, size_t count);

// Writes `count` parameters into a flat buffer; what lies between them stays as it is. Waits.
oclstm_status train_fresh_write(oclstm_device *device, oclstm_dtype dtype, cl_mem weights, const train_parameter *parameters,
                                size_t count, uint64_t seed, oclstm_error *error);

// All weights of a graph. Waits.
oclstm_status train_fresh_weights(train_graph *graph, uint64_t seed, oclstm_error *error);

#endif
