// SPDX-License-Identifier: Apache-2.0
// The cell in plain C with double accumulation, for one row: what a candidate's results are held to.
#ifndef OCLSTM_TUNE_TUNE_REFERENCE_H
#define OCLSTM_TUNE_TUNE_REFERENCE_H

#include <stdint.h>

#include <oclstm/array.h>

// Weights in the shapes of oclstm/cell.h, in dtype.
typedef struct tune_reference {
    oclstm_dtype dtype;
    size_t input, hidden;
    const void *weight_ih, *weight_hh, *bias_ih, *bias_hh;
} tune_reference;

// Element of an array of F32 or F64.
double tune_value(const void *array, oclstm_dtype dtype, size_t index);

// Values in [-1, 1) from a seed.
void tune_fill_random(void *dst, oclstm_dtype dtype, size_t count, uint64_t seed);

// One step of one row: x begins at element x_first of its array; h and c [hidden] are replaced; gates is room for 4*hidden.
void tune_reference_step(const tune_reference *cell, const void *x, size_t x_first, double *h, double *c, double *gates);

#endif
