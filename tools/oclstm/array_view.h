// SPDX-License-Identifier: Apache-2.0
// An array that is written in one call and read in another.
#ifndef OCLSTM_TOOL_ARRAY_VIEW_H
#define OCLSTM_TOOL_ARRAY_VIEW_H

#include <string.h>

#include <oclstm/array.h>

static inline oclstm_const_array array_read_only(oclstm_array array) {
    oclstm_const_array out = {.data = array.data, .dtype = array.dtype, .rank = array.rank};
    memcpy(out.shape, array.shape, sizeof out.shape);
    return out;
}

#endif
