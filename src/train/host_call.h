// SPDX-License-Identifier: Apache-2.0
// Between a caller's arrays and a graph's buffers, which are time-major. All of these wait.
#ifndef OCLSTM_TRAIN_HOST_CALL_H
#define OCLSTM_TRAIN_HOST_CALL_H

#include "train/graph.h"

// How a caller's matrices of rows lie.
typedef struct host_rows {
    oclstm_device *device;
    size_t steps, batch, element_bytes;
    bool batch_first; // [batch][steps][features] instead of [steps][batch][features]
} host_rows;

// A matrix to the device, at `offset` elements; zeros where host is NULL.
oclstm_status host_rows_write(const host_rows *rows, train_matrix to, const void *host, size_t features, const char *what,
                              oclstm_error *error);
// And back; nothing where host is NULL.
oclstm_status host_rows_read(const host_rows *rows, train_matrix from, void *host, size_t features, const char *what,
                             oclstm_error *error);

// `count` elements without an order of rows: states, weights.
oclstm_status host_block_write(const host_rows *rows, train_matrix to, const void *host, size_t count, const char *what,
                               oclstm_error *error);
oclstm_status host_block_read(const host_rows *rows, train_matrix from, void *host, size_t count, const char *what,
                              oclstm_error *error);

// Integers [steps][batch] (I64 or I32, as they lie in the caller's order) to time-major int, which free() releases; NULL without memory.
int *host_rows_integers(const host_rows *rows, const oclstm_const_array *array);

#endif
