// SPDX-License-Identifier: Apache-2.0
// Checks of the arrays a caller hands in, at the public boundary, once. Every message names the array, the dimension, what was
// expected and what was found.
#ifndef OCLSTM_CELL_ARRAY_CHECK_H
#define OCLSTM_CELL_ARRAY_CHECK_H

#include <stdbool.h>

#include <oclstm/array.h>

// What an array has to be.
typedef struct array_expectation {
    const char *name; // "h"
    oclstm_dtype dtype;
    const char *dtype_of; // whose dtype that is: "x", "the cell"
    int rank;
    int64_t shape[3];
    const char *axes[3]; // "batch", "hidden": what each dimension is
} array_expectation;

// Checks rank, dtype and shape of a present array. OK, or INVALID_ARGUMENT.
oclstm_status array_check(const oclstm_const_array *array, const array_expectation *expected, oclstm_error *error);

static inline oclstm_const_array array_as_const(const oclstm_array *array) {
    oclstm_const_array view = {array->data, array->dtype, array->rank, {0}};
    for (int axis = 0; axis < OCLSTM_MAX_RANK; axis++)
        view.shape[axis] = array->shape[axis];
    return view;
}

#endif
