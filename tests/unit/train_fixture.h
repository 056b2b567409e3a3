// SPDX-License-Identifier: Apache-2.0
// An engine of training against the reference in double precision: products and recurrences of any shape on random numbers, each run twice, which must give
// the same bits; guards behind the results.
#ifndef OCLSTM_TESTS_TRAIN_FIXTURE_H
#define OCLSTM_TESTS_TRAIN_FIXTURE_H

#include "gradient_reference.h"
#include "kernel_fixture.h"

// An engine on the tests' device.
typedef struct train_bench {
    kernel_bench bench;
    train_machine machine;
    double tolerance; // in max |a - b| / max |b| of an array
} train_bench;

// False when the device lacks the dtype or what else the engine needs.
bool train_bench_open(train_bench *bench, const train_engine *engine, oclstm_dtype dtype);
void train_bench_close(train_bench *bench);

// Makes CLBlast use its padded and transposed copies, which by its defaults it keeps for large products, for all of them: in this process from now on.
void train_bench_make_copies(const train_bench *bench);

// C holds NaN before, unless it is accumulated on.
typedef struct product_case {
    train_form form;
    size_t m, n, k;
    size_t gap;    // by which each leading dimension exceeds the row
    size_t offset; // at which each matrix begins
    bool init, accumulate;
} product_case;
void check_product(train_bench *bench, const product_case *shape);

typedef struct recurrence_case {
    size_t steps, batch, hidden, proj;
    const int *lengths; // [batch]; NULL: all steps. What stands in rows behind a length is NaN
    size_t first, offset;
    bool without_dy;
} recurrence_case;
void check_recurrence(train_bench *bench, const recurrence_case *shape);

#endif
