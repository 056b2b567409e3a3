// SPDX-License-Identifier: Apache-2.0
// Dropout with a counter-based generator: element e of layer l in step s is kept where Philox4x32-10, key = seed, counter = (e / 4, l, s low, s high), word e % 4,
// lies below (1 - p) 2^32; what is kept is divided by 1 - p.
#ifndef OCLSTM_TRAIN_DROPOUT_H
#define OCLSTM_TRAIN_DROPOUT_H

#include "train/train_engine.h"

typedef struct train_dropout train_dropout;

oclstm_status train_dropout_create(train_dropout **out, oclstm_device *device, oclstm_dtype dtype, uint64_t seed, double p,
                                   oclstm_error *error);
void train_dropout_destroy(train_dropout **dropout);

// Enqueues to[e] = kept ? from[e] / (1 - p) : 0 for e < count; to may be from. Its own gradient as well.
oclstm_status train_dropout_enqueue(train_dropout *dropout, train_matrix from, train_matrix to, size_t count, unsigned layer,
                                    uint64_t step, oclstm_error *error);

// The same on the host: for tests, and for fresh weights.
void train_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

#endif
