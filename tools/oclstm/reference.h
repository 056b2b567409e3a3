// SPDX-License-Identifier: Apache-2.0
// The LSTM cell in plain C, in double precision: what every engine is compared with. Written to be read beside the
// formula in oclstm/cell.h; no OpenCL, nothing clever.
#ifndef OCLSTM_TOOL_REFERENCE_H
#define OCLSTM_TOOL_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include <oclstm/array.h>

// Weights in double precision, in the shapes and the gate order (i, f, g, o) of oclstm/cell.h.
typedef struct reference_cell {
    int64_t input_size;
    int64_t hidden_size;
    const double *weight_ih; // [4*hidden][input]
    const double *weight_hh; // [4*hidden][hidden]
    const double *bias_ih;   // [4*hidden], NULL without bias
    const double *bias_hh;
} reference_cell;

// Safe for any number; NaN passes through.
double reference_sigmoid(double v);

// Copies `count` values of a floating-point dtype to double, exactly.
void reference_widen(double *dst, const void *src, oclstm_dtype dtype, int64_t count);

// The other way, rounded to nearest even; beyond the largest finite number of float16 and bfloat16 lies infinity.
void reference_narrow(void *dst, const double *src, oclstm_dtype dtype, int64_t count);

// One step of one row. x [input], h and c [hidden]; gates is room for 4*hidden values. h_out and c_out may be h and c.
void reference_row(const reference_cell *cell, const double *x, const double *h, const double *c, double *h_out, double *c_out,
                   double *gates);

// One step: x [batch][input], h and c [batch][hidden] or both NULL (zero), h_out and c_out [batch][hidden].
// False when there is no memory.
bool reference_step(const reference_cell *cell, int64_t batch, const double *x, const double *h, const double *c, double *h_out,
                    double *c_out);

// A sequence: x [steps][batch][input] or [batch][steps][input]; h and c as above; y, shaped as x, may be NULL.
bool reference_sequence(const reference_cell *cell, int64_t steps, int64_t batch, bool batch_first, const double *x,
                        const double *h, const double *c, double *y, double *h_out, double *c_out);

#endif
