// SPDX-License-Identifier: Apache-2.0
// Shapes in messages: "[3][10]".
#ifndef OCLSTM_BASE_SHAPE_H
#define OCLSTM_BASE_SHAPE_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

typedef struct shape_text {
    char text[192];
} shape_text;

static inline shape_text shape_to_text(const int64_t *shape, int rank) {
    shape_text out = {"[]"};
    if (rank > 0)
        out.text[0] = '\0';
    for (int axis = 0; axis < rank; axis++)
        base_append(out.text, sizeof out.text, "[%" PRId64 "]", shape[axis]);
    return out;
}

#endif
