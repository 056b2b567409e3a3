// SPDX-License-Identifier: Apache-2.0
// Checked sizes: every size computed from a file or a caller goes through these. They return false on overflow and leave
// *result untouched.
#ifndef OCLSTM_BASE_CHECKED_H
#define OCLSTM_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool checked_mul(size_t a, size_t b, size_t *result) {
    size_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *result = product;
    return true;
}

static inline bool checked_add(size_t a, size_t b, size_t *result) {
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *result = sum;
    return true;
}

// The product of `rank` extents times element_bytes; false as well when an extent is negative.
static inline bool checked_array_bytes(const int64_t *shape, int rank, size_t element_bytes, size_t *result) {
    size_t bytes = element_bytes;
    for (int axis = 0; axis < rank; axis++) {
        if (shape[axis] < 0 || (uint64_t)shape[axis] > SIZE_MAX || !checked_mul(bytes, (size_t)shape[axis], &bytes))
            return false;
    }
    *result = bytes;
    return true;
}

#endif
