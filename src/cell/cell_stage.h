// SPDX-License-Identifier: Apache-2.0
// Host arrays of another dtype than the device's, for cells of 16 bits: float32 arrays of x, h and y, and 16-bit arrays of c, which is float32 on
// the device. They are converted a slice at a time, in host memory of the plan's own.
#ifndef OCLSTM_CELL_CELL_STAGE_H
#define OCLSTM_CELL_CELL_STAGE_H

#include "cell/plan.h"

// Rows of elements on the host: `count` rows of `width`, their starts `pitch` apart, the first at `offset`.
typedef struct stage_rows {
    size_t count, width, offset, pitch;
} stage_rows;

// The plan's host memory for one of the arrays (PLAN_STAGE_X ...): room for `element_count` of element_bytes, made when it is first needed.
oclstm_status stage_need(void **out, cell_plan *plan, int which, size_t element_count, size_t element_bytes, oclstm_error *error);

// Into the stage, without gaps, and out of it.
void stage_fill(void *stage, oclstm_dtype stage_dtype, const void *host, oclstm_dtype host_dtype, const stage_rows *rows);
void stage_empty(void *host, oclstm_dtype host_dtype, const void *stage, oclstm_dtype stage_dtype, const stage_rows *rows);

// A whole buffer of `count` elements from or to a host array of any dtype; converted in small pieces. Waits.
oclstm_status stage_write(oclstm_device *device, cl_mem dst, oclstm_dtype dtype, const void *host, oclstm_dtype host_dtype,
                          size_t count, const char *what, oclstm_error *error);
oclstm_status stage_read(oclstm_device *device, void *host, oclstm_dtype host_dtype, cl_mem src, oclstm_dtype dtype, size_t count,
                         const char *what, oclstm_error *error);

#endif
