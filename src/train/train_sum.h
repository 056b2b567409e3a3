// SPDX-License-Identifier: Apache-2.0
// Sums on the device in an order that depends on the count alone: cl/train_sum.cl. One of these to each program that has the kernel.
#ifndef OCLSTM_TRAIN_TRAIN_SUM_H
#define OCLSTM_TRAIN_TRAIN_SUM_H

#include "train/train_engine.h"

typedef struct train_sum {
    oclstm_device *device; // not held
    oclstm_dtype dtype;
    cl_kernel kernel;
    size_t max_group;
} train_sum;

// A number as a kernel takes it: float or double.
typedef struct train_real {
    size_t size_bytes;
    union {
        float f32;
        double f64;
    } value;
} train_real;
train_real train_real_of(oclstm_dtype dtype, double value);
#define TRAIN_REAL_ARG(real) (real).size_bytes, &(real).value

// Work-items of a group where nothing is to be gained by another number; the kernels are right with any.
enum { TRAIN_LOCAL = 64 };

oclstm_status train_sum_make(train_sum *out, oclstm_device *device, oclstm_dtype dtype, cl_program program, oclstm_error *error);
void train_sum_release(train_sum *sum);

// Elements of scratch memory behind the `count` ones that are summed.
size_t train_sum_scratch(size_t count);

// Enqueues to = sum of scratch[0..count), by `divisor`, or the root of it. Writes scratch[count..count + train_sum_scratch(count)).
oclstm_status train_sum_enqueue(const train_sum *sum, cl_mem scratch, size_t count, double divisor, bool root, train_matrix to,
                                oclstm_error *error);

#endif
