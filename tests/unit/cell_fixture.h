// SPDX-License-Identifier: Apache-2.0
// What the tests of src/cell share: random cells and calls, the reference's answers to them, and comparisons whose failure says
// all that is needed to see it again.
#ifndef OCLSTM_TESTS_CELL_FIXTURE_H
#define OCLSTM_TESTS_CELL_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <oclstm/oclstm.h>

#include "runner.h"

// A call: the sizes of the cell, the shape of x, what is given and what is asked for.
typedef struct cell_case {
    int64_t input;
    int64_t hidden;
    int64_t batch; // 0: no batch dimension
    int64_t steps; // 0: a step, else a sequence
    oclstm_dtype dtype;
    oclstm_dtype short_cell; // F16 or BF16: the cell's dtype, with float32 arrays (dtype) whose values it has exactly; else F32
    oclstm_engine engine;
    bool no_bias;
    bool no_state; // h and c absent
    bool batch_first;
    bool without_y, without_h_out, without_c_out;
    bool in_place; // h_out and c_out are the memory of h and c
} cell_case;

// An array in the case's dtype, and the same values in double precision.
typedef struct cell_values {
    int64_t count;
    oclstm_dtype dtype;
    void *data;
    double *wide;
} cell_values;

// A case with its data. Weights in the order weight_ih, weight_hh, bias_ih, bias_hh.
typedef struct cell_problem {
    cell_case shape;
    cell_values weights[4];
    cell_values x, h, c;
    cell_values y, h_out, c_out; // data: the library's results; wide: the reference's
} cell_problem;

// The device of the binary: opened by the first call, closed by fixture_close(), which goes into an unchecked teardown.
oclstm_device *fixture_device(void);
void fixture_close(void);

// The seed of everything random in the binary: OCLSTM_TEST_SEED, or the time. Printed at its first use.
uint64_t fixture_seed(void);

// The next random number; a number in [low, high).
uint64_t fixture_random(void);
double fixture_uniform(double low, double high);
int64_t fixture_pick(const int64_t *values, size_t count);

bool fixture_has_fp64(void);

// The engines that this device can run, ended by AUTO. The list is valid until the next call.
const oclstm_engine *fixture_engines(oclstm_dtype dtype);

// A case's random data. Nothing is computed yet, so that values can be changed by cell_values_set().
cell_problem *problem_create(const cell_case *shape);
void problem_destroy(cell_problem **problem);
void cell_values_set(cell_values *values, int64_t index, double value);
double cell_values_get(const cell_values *values, int64_t index);

// The problem's cell; never NULL.
oclstm_cell *problem_cell(const cell_problem *problem, oclstm_device *device);

// The call as the library takes it. The results' memory is filled with a value that is no result, and guarded behind its end.
oclstm_sequence problem_call(cell_problem *problem);
oclstm_step problem_step(cell_problem *problem);

// Runs the call; it must succeed.
void problem_run(cell_problem *problem, oclstm_cell *cell);

// Computes the reference's answer, and compares with it each result that is there.
void problem_solve(cell_problem *problem);
void problem_compare(const cell_problem *problem, const oclstm_cell *cell);

// All of it: makes the problem and the cell, runs, compares.
void check_case(const cell_case *shape);

// What results are compared within: |a - b| / (1 + |b|).
double fixture_tolerance(oclstm_dtype dtype);

// The call must have failed with this status, and its message must contain each of the texts.
#define expect_failure(got, error, wanted, ...)                                                                                    \
    expect_failure_at(__LINE__, got, error, wanted, (const char *const[]){__VA_ARGS__, NULL})
void expect_failure_at(int line, oclstm_status got, const oclstm_error *error, oclstm_status wanted, const char *const *texts);

// The call must have succeeded.
#define expect_ok(got, error) ck_assert_msg((got) == OCLSTM_OK, "%s: %s", oclstm_status_name((error)->status), (error)->message)

// calloc that fails the test instead of returning NULL.
void *fixture_alloc(size_t count, size_t size_bytes);

// The main() of a suite of device tests: one test case of these functions.
Suite *fixture_suite(const char *name, const TTest *const *tests, size_t count);

#endif
