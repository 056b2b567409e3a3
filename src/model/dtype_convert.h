// SPDX-License-Identifier: Apache-2.0
// Elements as stored -> float32 or float64. Exact, except float64 -> float32, which rounds to nearest.
#ifndef OCLSTM_MODEL_DTYPE_CONVERT_H
#define OCLSTM_MODEL_DTYPE_CONVERT_H

#include <stdbool.h>
#include <stddef.h>

#include <oclstm/array.h>

// F32, F64, F16 and BF16 can be converted; only the first two can be converted to.
bool model_dtype_is_float(oclstm_dtype dtype);

// Converts `count` elements that lie without gaps; `swapped`: src is in the other byte order. dst and src need no alignment.
void model_convert(void *dst, oclstm_dtype dst_dtype, const void *src, oclstm_dtype src_dtype, bool swapped, size_t count);

#endif
