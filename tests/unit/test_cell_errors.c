// SPDX-License-Identifier: Apache-2.0
// Every reason to refuse a step or a sequence, and the words in which it is said.
#include <stdlib.h>
#include <string.h>

#include "cell_fixture.h"

// Room for every array of the calls here; what is in it does not matter.
static double numbers[256];

enum { INPUT = 3, HIDDEN = 2, BATCH = 4, STEPS = 5 };

static oclstm_cell *make_cell(bool state_required) {
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_cell_create(&cell, fixture_device(),
                                 OCLSTM_CELL(.input_size = INPUT, .hidden_size = HIDDEN, .state_required = state_required), &error),
              &error);
    return cell;
}

// Calls that are right; a test changes what it is about.
static oclstm_step good_step(void) {
    return (oclstm_step){.x = oclstm_in_2d(numbers, OCLSTM_F32, BATCH, INPUT),
                         .h = oclstm_in_2d(numbers, OCLSTM_F32, BATCH, HIDDEN),
                         .c = oclstm_in_2d(numbers, OCLSTM_F32, BATCH, HIDDEN)};
}

static oclstm_sequence good_sequence(void) {
    return (oclstm_sequence){.x = oclstm_in_3d(numbers, OCLSTM_F32, STEPS, BATCH, INPUT)};
}

static void refuse_step(int line, oclstm_cell *cell, const oclstm_step *step, const char *const *texts) {
    oclstm_error error = {0};
    expect_failure_at(line, oclstm_cell_step(cell, step, &error), &error, OCLSTM_INVALID_ARGUMENT, texts);
    ck_assert_int_eq(oclstm_cell_step(cell, step, NULL), OCLSTM_INVALID_ARGUMENT);
}

static void refuse_sequence(int line, oclstm_cell *cell, const oclstm_sequence *sequence, const char *const *texts) {
    oclstm_error error = {0};
    expect_failure_at(line, oclstm_cell_sequence(cell, sequence, &error), &error, OCLSTM_INVALID_ARGUMENT, texts);
}
#define REFUSE_STEP(cell, step, ...)         refuse_step(__LINE__, cell, step, (const char *const[]){__VA_ARGS__, NULL})
#define REFUSE_SEQUENCE(cell, sequence, ...) refuse_sequence(__LINE__, cell, sequence, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(the_good_calls_are_good) {
    oclstm_cell *cell = make_cell(true);
    oclstm_error error = {0};
    oclstm_step step = good_step();
    expect_ok(oclstm_cell_step(cell, &step, &error), &error);
    oclstm_cell_destroy(&cell);
    cell = make_cell(false);
    oclstm_sequence sequence = good_sequence();
    expect_ok(oclstm_cell_sequence(cell, &sequence, &error), &error);
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(null) {
    oclstm_cell *cell = make_cell(false);
    const oclstm_step step = good_step();
    const oclstm_sequence sequence = good_sequence();
    REFUSE_STEP(NULL, &step, "cell is NULL");
    REFUSE_STEP(cell, NULL, "step is NULL");
    REFUSE_SEQUENCE(NULL, &sequence, "cell is NULL");
    REFUSE_SEQUENCE(cell, NULL, "sequence is NULL");
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(x_of_a_step) {
    oclstm_cell *cell = make_cell(false);
    oclstm_step step = good_step();
    step.x.data = NULL;
    REFUSE_STEP(cell, &step, "x is missing");
    step = good_step();
    step.x = oclstm_in_3d(numbers, OCLSTM_F32, 1, BATCH, INPUT);
    REFUSE_STEP(cell, &step, "1 or 2 dimensions", "found 3", "[1][4][3]", "oclstm_cell_sequence()");
    step.x.rank = 0;
    REFUSE_STEP(cell, &step, "1 or 2 dimensions", "found 0");
    step.x.rank = 9;
    REFUSE_STEP(cell, &step, "x has rank 9");
    step.x.rank = -1;
    REFUSE_STEP(cell, &step, "x has rank -1");
    step.x = oclstm_in_2d(numbers, OCLSTM_F32, BATCH, INPUT + 1);
    REFUSE_STEP(cell, &step, "x is [4][4]", "last dimension (input) is 4", "input_size is 3");
    step.x = oclstm_in_2d(numbers, OCLSTM_F32, 0, INPUT);
    REFUSE_STEP(cell, &step, "x is [0][3]", "dimension 0 (batch) is 0", "at least 1");
    step.x = oclstm_in_2d(numbers, OCLSTM_F32, -4, INPUT);
    REFUSE_STEP(cell, &step, "x is [-4][3]", "dimension 0 (batch) is -4");
    step.x = oclstm_in_2d(numbers, OCLSTM_F32, INT64_MAX, INPUT);
    REFUSE_STEP(cell, &step, "x is [9223372036854775807][3]", "does not fit in memory");
    step = (oclstm_step){.x = oclstm_in_2d(numbers, OCLSTM_F32, INT64_C(1) << 32, INPUT)};
    REFUSE_STEP(cell, &step, "batch 4294967296 is too large", "split the batch");
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(dtype_of_x) {
    oclstm_cell *cell = make_cell(false);
    static const oclstm_dtype integers[] = {OCLSTM_I8, OCLSTM_I16, OCLSTM_I32, OCLSTM_I64, OCLSTM_U8, OCLSTM_BOOL};
    oclstm_step step = good_step();
    for (int i = 0; i < 6; i++) {
        step.x.dtype = integers[i];
        REFUSE_STEP(cell, &step, "x is ", oclstm_dtype_name(integers[i]), "floating-point", "convert x to float32");
    }
    step.x.dtype = OCLSTM_F16;
    REFUSE_STEP(cell, &step, "x is float16, but the cell's dtype is float32", "dtype float16");
    step.x.dtype = OCLSTM_F64;
    REFUSE_STEP(cell, &step, "x is float64, but the cell's dtype is float32", "dtype float64");
    step.x.dtype = (oclstm_dtype)-3;
    REFUSE_STEP(cell, &step, "x is unknown");
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(h_and_c) {
    oclstm_cell *cell = make_cell(false);
    oclstm_step step = good_step();
    step.c.data = NULL;
    REFUSE_STEP(cell, &step, "h is given without c", "both or neither");
    step = good_step();
    step.h.data = NULL;
    REFUSE_STEP(cell, &step, "c is given without h");
    step = good_step();
    step.h.dtype = OCLSTM_F64;
    REFUSE_STEP(cell, &step, "h is float64, but x is float32", "convert it to float32");
    step = good_step();
    step.c.dtype = OCLSTM_I64;
    REFUSE_STEP(cell, &step, "c is int64, but x is float32");
    step = good_step();
    step.h = oclstm_in_1d(numbers, OCLSTM_F32, HIDDEN);
    REFUSE_STEP(cell, &step, "h has 1 dimension, [2]", "expected 2: [batch][hidden]");
    step = good_step();
    step.c = oclstm_in_3d(numbers, OCLSTM_F32, 1, BATCH, HIDDEN);
    REFUSE_STEP(cell, &step, "c has 3 dimensions, [1][4][2]", "expected 2: [batch][hidden]");
    step.c.rank = 9;
    REFUSE_STEP(cell, &step, "c has rank 9");
    step = good_step();
    step.h.shape[0] = BATCH + 1;
    REFUSE_STEP(cell, &step, "h is [5][2]", "dimension 0 (batch) is 5", "expected 4", "[batch][hidden] = [4][2]");
    step = good_step();
    step.c.shape[1] = HIDDEN + 5;
    REFUSE_STEP(cell, &step, "c is [4][7]", "dimension 1 (hidden) is 7", "expected 2");
    // Without a batch dimension.
    step = good_step();
    step.x = oclstm_in_1d(numbers, OCLSTM_F32, INPUT);
    REFUSE_STEP(cell, &step, "h has 2 dimensions, [4][2]", "expected 1: [hidden]");
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(results_of_a_step) {
    oclstm_cell *cell = make_cell(false);
    oclstm_step step = good_step();
    step.h_out = oclstm_out_2d(numbers, OCLSTM_F32, BATCH - 1, HIDDEN);
    REFUSE_STEP(cell, &step, "h_out is [3][2]", "dimension 0 (batch) is 3", "expected 4");
    step = good_step();
    step.c_out = oclstm_out_2d(numbers, OCLSTM_F64, BATCH, HIDDEN);
    REFUSE_STEP(cell, &step, "c_out is float64, but x is float32");
    step.c_out = oclstm_out_1d(numbers, OCLSTM_F32, HIDDEN);
    REFUSE_STEP(cell, &step, "c_out has 1 dimension, [2]", "[batch][hidden]");
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(a_state_is_required) {
    oclstm_cell *cell = make_cell(true);
    oclstm_step step = good_step();
    step.h.data = step.c.data = NULL;
    REFUSE_STEP(cell, &step, "h and c are missing", "state_required");
    const oclstm_sequence sequence = good_sequence();
    REFUSE_SEQUENCE(cell, &sequence, "h and c are missing", "state_required");
    // A state on the device is one.
    oclstm_error error = {0};
    expect_ok(oclstm_state_create(&step.state, cell, BATCH, &error), &error);
    expect_ok(oclstm_cell_step(cell, &step, &error), &error);
    oclstm_state_destroy(&step.state);
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(x_of_a_sequence) {
    oclstm_cell *cell = make_cell(false);
    oclstm_sequence sequence = good_sequence();
    sequence.x = oclstm_in_1d(numbers, OCLSTM_F32, INPUT);
    REFUSE_SEQUENCE(cell, &sequence, "2 or 3 dimensions", "found 1: [3]");
    sequence.x.rank = 4;
    REFUSE_SEQUENCE(cell, &sequence, "2 or 3 dimensions", "found 4");
    sequence = good_sequence();
    sequence.x.shape[0] = 0;
    REFUSE_SEQUENCE(cell, &sequence, "x is [0][4][3]", "dimension 0 (steps) is 0");
    sequence.batch_first = true;
    REFUSE_SEQUENCE(cell, &sequence, "dimension 0 (batch) is 0");
    sequence.x.shape[0] = STEPS, sequence.x.shape[1] = 0;
    REFUSE_SEQUENCE(cell, &sequence, "x is [5][0][3]", "dimension 1 (steps) is 0");
    sequence.batch_first = false;
    REFUSE_SEQUENCE(cell, &sequence, "dimension 1 (batch) is 0");
    sequence = good_sequence();
    sequence.x.shape[2] = 1;
    REFUSE_SEQUENCE(cell, &sequence, "x is [5][4][1]", "last dimension (input) is 1", "input_size is 3");
    sequence = good_sequence();
    sequence.x.shape[0] = sequence.x.shape[1] = INT64_C(1) << 31;
    REFUSE_SEQUENCE(cell, &sequence, "does not fit in memory");
    sequence = good_sequence();
    sequence.x.dtype = OCLSTM_I64;
    REFUSE_SEQUENCE(cell, &sequence, "x is int64");
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(arrays_of_a_sequence) {
    oclstm_cell *cell = make_cell(false);
    oclstm_sequence sequence = good_sequence();
    sequence.y = oclstm_out_3d(numbers, OCLSTM_F32, STEPS, BATCH, INPUT);
    REFUSE_SEQUENCE(cell, &sequence, "y is [5][4][3]", "dimension 2 (hidden) is 3", "expected 2",
                    "[steps][batch][hidden] = [5][4][2]");
    sequence.y = oclstm_out_3d(numbers, OCLSTM_F32, BATCH, STEPS, HIDDEN);
    REFUSE_SEQUENCE(cell, &sequence, "y is [4][5][2]", "dimension 0 (steps) is 4", "expected 5");
    sequence.batch_first = true;
    REFUSE_SEQUENCE(cell, &sequence, "y is [4][5][2]", "dimension 0 (batch) is 4", "expected 5", "[batch][steps][hidden]");
    sequence.y = oclstm_out_2d(numbers, OCLSTM_F32, STEPS, HIDDEN);
    REFUSE_SEQUENCE(cell, &sequence, "y has 2 dimensions", "expected 3");
    sequence = good_sequence();
    sequence.y = oclstm_out_3d(numbers, OCLSTM_F64, STEPS, BATCH, HIDDEN);
    REFUSE_SEQUENCE(cell, &sequence, "y is float64, but x is float32");
    // The state has no steps: [batch][hidden], in both orders of x.
    sequence = good_sequence();
    sequence.h = sequence.c = oclstm_in_2d(numbers, OCLSTM_F32, STEPS, HIDDEN);
    REFUSE_SEQUENCE(cell, &sequence, "h is [5][2]", "dimension 0 (batch) is 5", "expected 4");
    sequence = good_sequence();
    sequence.batch_first = true;
    sequence.c_out = oclstm_out_2d(numbers, OCLSTM_F32, BATCH, HIDDEN);
    REFUSE_SEQUENCE(cell, &sequence, "c_out is [4][2]", "dimension 0 (batch) is 4", "expected 5");
    sequence.x = oclstm_in_2d(numbers, OCLSTM_F32, STEPS, INPUT);
    REFUSE_SEQUENCE(cell, &sequence, "c_out has 2 dimensions", "expected 1: [hidden]");
    sequence = good_sequence();
    sequence.h = oclstm_in_2d(numbers, OCLSTM_F32, BATCH, HIDDEN);
    REFUSE_SEQUENCE(cell, &sequence, "h is given without c");
    oclstm_cell_destroy(&cell);
}
END_TEST

// --- states -------------------------------------------------------------------------------------------------------------------

// A cell whose state cannot serve `cell`.
static oclstm_state *make_state(oclstm_device *device, int64_t hidden, oclstm_dtype dtype, int64_t batch) {
    oclstm_cell *other = NULL;
    oclstm_state *state = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_cell_create(&other, device, OCLSTM_CELL(.input_size = 1, .hidden_size = hidden, .dtype = dtype), &error),
              &error);
    expect_ok(oclstm_state_create(&state, other, batch, &error), &error);
    oclstm_cell_destroy(&other);
    return state;
}

START_TEST(states_that_do_not_fit) {
    oclstm_cell *cell = make_cell(false);
    oclstm_error error = {0};
    oclstm_device *second = NULL;
    oclstm_step step = good_step();
    step.h.data = step.c.data = NULL;
    step.state = make_state(fixture_device(), HIDDEN + 1, OCLSTM_F32, BATCH);
    REFUSE_STEP(cell, &step, "the state is of hidden 3", "the cell of hidden 2");
    oclstm_state_destroy(&step.state);
    if (fixture_has_fp64()) {
        step.state = make_state(fixture_device(), HIDDEN, OCLSTM_F64, BATCH);
        REFUSE_STEP(cell, &step, "the state is of hidden 2 in float64", "the cell of hidden 2 in float32");
        oclstm_state_destroy(&step.state);
    }
    step.state = make_state(fixture_device(), HIDDEN, OCLSTM_F32, BATCH + 1);
    REFUSE_STEP(cell, &step, "batch 5", "x has batch 4");
    oclstm_state_destroy(&step.state);
    expect_ok(oclstm_device_open(&second, test_device(), &error), &error);
    step.state = make_state(second, HIDDEN, OCLSTM_F32, BATCH);
    REFUSE_STEP(cell, &step, "another device");
    oclstm_state_destroy(&step.state);
    oclstm_device_close(&second);
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(batch_of_one_is_not_no_batch) {
    oclstm_cell *cell = make_cell(false);
    oclstm_step step = {.x = oclstm_in_2d(numbers, OCLSTM_F32, 1, INPUT)};
    step.state = make_state(fixture_device(), HIDDEN, OCLSTM_F32, 0);
    REFUSE_STEP(cell, &step, "batch 1 without a batch dimension, but x has batch 1");
    oclstm_state_destroy(&step.state);
    step.x = oclstm_in_1d(numbers, OCLSTM_F32, INPUT);
    step.state = make_state(fixture_device(), HIDDEN, OCLSTM_F32, 1);
    REFUSE_STEP(cell, &step, "batch 1, but x has batch 1 without a batch dimension");
    oclstm_state_destroy(&step.state);
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(a_state_and_arrays_together) {
    oclstm_cell *cell = make_cell(false);
    oclstm_step step = good_step();
    step.state = make_state(fixture_device(), HIDDEN, OCLSTM_F32, BATCH);
    REFUSE_STEP(cell, &step, "both a state on the device and h or c", "oclstm_state_set()");
    oclstm_sequence sequence = good_sequence();
    sequence.state = step.state;
    sequence.h = step.h, sequence.c = step.c;
    REFUSE_SEQUENCE(cell, &sequence, "both a state on the device and h or c");
    oclstm_state_destroy(&step.state);
    oclstm_cell_destroy(&cell);
}
END_TEST

// A refused call leaves the cell as it was.
START_TEST(the_cell_works_after_a_refusal) {
    const cell_case shape = {.input = INPUT, .hidden = HIDDEN, .batch = BATCH, .steps = STEPS};
    cell_problem *problem = problem_create(&shape);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    const oclstm_step bad = {0};
    REFUSE_STEP(cell, &bad, "x is missing");
    ck_assert_int_eq(oclstm_cell_last_engine(cell), OCLSTM_ENGINE_AUTO);
    problem_solve(problem);
    problem_run(problem, cell);
    REFUSE_STEP(cell, &bad, "x is missing");
    problem_compare(problem, cell);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {the_good_calls_are_good,
                                  null,
                                  x_of_a_step,
                                  dtype_of_x,
                                  h_and_c,
                                  results_of_a_step,
                                  a_state_is_required,
                                  x_of_a_sequence,
                                  arrays_of_a_sequence,
                                  states_that_do_not_fit,
                                  batch_of_one_is_not_no_batch,
                                  a_state_and_arrays_together,
                                  the_cell_works_after_a_refusal};
    return run_suite(fixture_suite("cell_errors", tests, sizeof tests / sizeof tests[0]), true);
}
