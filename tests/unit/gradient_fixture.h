// SPDX-License-Identifier: Apache-2.0
// What the tests of gradients share: arrays with their values in double precision, and their comparison with the reference.
#ifndef OCLSTM_TESTS_GRADIENT_FIXTURE_H
#define OCLSTM_TESTS_GRADIENT_FIXTURE_H

#include "cell_fixture.h"

// `count` values of a dtype on the host, with a guard behind them, and the same in double precision.
typedef struct host_values {
    size_t count;
    oclstm_dtype dtype;
    void *data;
    double *wide;
} host_values;

// Random in (-bound, bound); bound 0: a value that is no result.
host_values host_values_make(oclstm_dtype dtype, size_t count, double bound);
void host_values_free(host_values *values);
void host_values_set(host_values *values, size_t index, double value);

// An array over them, of rank extents that are not 0: {5, 0, 3} is [5][3].
oclstm_array host_values_array(const host_values *values, const int64_t extents[3]);
oclstm_const_array array_to_read(oclstm_array array);

// data against expected: max |a - b| / max |b| within the tolerance of gradients, and the guard as it was. NaN in expected: not looked at.
void expect_gradient_values(const host_values *values, const double *expected, const char *name, const char *what);
double gradient_tolerance(oclstm_dtype dtype);

// How the rows of an array lie: [steps][batch], or [batch][steps].
typedef struct row_order {
    size_t steps, batch;
    bool batch_first;
} row_order;

// Rows of `features` values to time-major order, or back from it.
void gradient_turn(row_order order, double *to, const double *from, size_t features, bool to_time_major);

// The engines that train on this device, ended by AUTO. The list is valid until the next call.
const oclstm_engine *gradient_engines(oclstm_dtype dtype);

// Are the bits the same?
bool host_values_same(const host_values *a, const host_values *b);

#endif
