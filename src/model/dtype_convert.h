// SPDX-License-Identifier: Apache-2.0
// Elements from one floating-point type to another: exact, or rounded once, to nearest even. Beyond 65504 float16 is infinite, a NaN stays one.
#ifndef OCLSTM_MODEL_DTYPE_CONVERT_H
#define OCLSTM_MODEL_DTYPE_CONVERT_H

#include <stdbool.h>
#include <stddef.h>

#include <oclstm/array.h>

// F32, F64, F16 and BF16 can be converted, each to each.
bool model_dtype_is_float(oclstm_dtype dtype);

// Converts `count` elements that lie without gaps; `swapped`: src is in the other byte order. dst and src need no alignment.
void model_convert(void *dst, oclstm_dtype dst_dtype, const void *src, oclstm_dtype src_dtype, bool swapped, size_t count);

#endif
