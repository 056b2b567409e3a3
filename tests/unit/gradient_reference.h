// SPDX-License-Identifier: Apache-2.0
// Products and one unit's recurrence, forward and back, in plain C and double precision: what the engines of training are compared with. Written to be read
// beside src/train/train_engine.h and the formulas of oclstm/backward.h; no OpenCL, nothing clever.
#ifndef OCLSTM_TESTS_GRADIENT_REFERENCE_H
#define OCLSTM_TESTS_GRADIENT_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "train/train_engine.h"

// train_product over arrays; init NULL = absent.
typedef struct reference_product {
    train_form form;
    size_t m, n, k, lda, ldb, ldc;
    const double *a, *b;
    double *c;
    const double *init;
    bool accumulate;
} reference_product;
void reference_multiply(const reference_product *product);

// train_recurrence over arrays, shapes as there; NULL = absent. For rows that stand still: raw is zero out of forward, and so are gates and dprojected out of
// backward; gates out of forward are as they were.
typedef struct reference_recurrence {
    size_t steps, batch, hidden, proj, first;
    const double *weight_hh, *weight_hr;
    const int *lengths;
    double *gates, *h, *c, *raw;
    const double *dy;
    double *dh, *dc, *dprojected;
} reference_recurrence;

// Does row b stand still in step t of the recurrence's own?
bool reference_stands(const reference_recurrence *unit, size_t t, size_t b);
size_t reference_width(const reference_recurrence *unit);

// False when there is no memory.
bool reference_forward(const reference_recurrence *unit);
bool reference_backward(const reference_recurrence *unit);

#endif
