// SPDX-License-Identifier: Apache-2.0
// States that stay on the device: streaming, reading and writing them, their life, and that a failed call leaves them alone.
#include <stdlib.h>
#include <string.h>

#include "cell/plan.h"
#include "cell_fixture.h"
#include "device/device_private.h"

static oclstm_state *make_state(oclstm_cell *cell, int64_t batch) {
    oclstm_state *state = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_state_create(&state, cell, batch, &error), &error);
    ck_assert_ptr_nonnull(state);
    return state;
}

// The arrays of a problem that have the shape of the state.
static oclstm_const_array state_in(const cell_problem *problem, const cell_values *values) {
    const cell_case *shape = &problem->shape;
    return shape->batch > 0 ? oclstm_in_2d(values->data, shape->dtype, shape->batch, shape->hidden)
                            : oclstm_in_1d(values->data, shape->dtype, shape->hidden);
}

static oclstm_array state_out(const cell_problem *problem, cell_values *values) {
    const cell_case *shape = &problem->shape;
    return shape->batch > 0 ? oclstm_out_2d(values->data, shape->dtype, shape->batch, shape->hidden)
                            : oclstm_out_1d(values->data, shape->dtype, shape->hidden);
}

static void set_state(const cell_problem *problem, oclstm_state *state) {
    const oclstm_const_array h = state_in(problem, &problem->h), c = state_in(problem, &problem->c);
    oclstm_error error = {0};
    expect_ok(oclstm_state_set(state, &h, &c, &error), &error);
}

// Reads (h, c) to where the results of the problem are compared.
static void get_state(cell_problem *problem, oclstm_state *state) {
    const oclstm_array h = state_out(problem, &problem->h_out), c = state_out(problem, &problem->c_out);
    oclstm_error error = {0};
    expect_ok(oclstm_state_get(state, &h, &c, &error), &error);
}

// Steps [first, first + count) of the problem's time-major sequence, by a sequence or, where count is 0, by one step.
static void run_piece(cell_problem *problem, oclstm_cell *cell, oclstm_state *state, int64_t first, int64_t count) {
    const cell_case *shape = &problem->shape;
    const size_t size = oclstm_dtype_size_bytes(shape->dtype), rows = (size_t)(shape->batch > 0 ? shape->batch : 1);
    cell_case piece = *shape;
    piece.steps = count;
    cell_problem part = *problem;
    part.shape = piece;
    part.shape.no_state = part.shape.without_h_out = part.shape.without_c_out = true;
    part.x.data = (char *)problem->x.data + (size_t)first * rows * (size_t)shape->input * size;
    part.y.data = (char *)problem->y.data + (size_t)first * rows * (size_t)shape->hidden * size;
    oclstm_error error = {0};
    if (count > 0) {
        oclstm_sequence call = problem_call(&part);
        call.state = state;
        expect_ok(oclstm_cell_sequence(cell, &call, &error), &error);
        return;
    }
    part.shape.without_h_out = false;
    part.h_out.data = part.y.data; // h' of the step is its row of y
    oclstm_step call = problem_step(&part);
    call.state = state;
    expect_ok(oclstm_cell_step(cell, &call, &error), &error);
}

// Ten steps in one sequence, then in pieces with the state on the device. The portable engine computes each row by itself, so not
// a bit may differ; the others pick their kernels by the number of rows, which round otherwise.
static void check_streaming(const cell_case *shape) {
    cell_problem *problem = problem_create(shape);
    const size_t y_bytes = (size_t)problem->y.count * oclstm_dtype_size_bytes(shape->dtype);
    const size_t state_bytes = (size_t)problem->h.count * oclstm_dtype_size_bytes(shape->dtype);
    const bool same_bits = shape->engine == OCLSTM_ENGINE_PORTABLE;
    void *const whole[3] = {fixture_alloc(1, y_bytes), fixture_alloc(1, state_bytes), fixture_alloc(1, state_bytes)};
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    oclstm_state *state = make_state(cell, shape->batch);
    problem_solve(problem);
    problem_run(problem, cell);
    problem_compare(problem, cell);
    memcpy(whole[0], problem->y.data, y_bytes);
    memcpy(whole[1], problem->h_out.data, state_bytes);
    memcpy(whole[2], problem->c_out.data, state_bytes);
    memset(problem->y.data, 0, y_bytes);
    set_state(problem, state);
    run_piece(problem, cell, state, 0, 3);
    run_piece(problem, cell, state, 3, 0);
    run_piece(problem, cell, state, 4, 1);
    run_piece(problem, cell, state, 5, 0);
    run_piece(problem, cell, state, 6, 4);
    get_state(problem, state);
    problem_compare(problem, cell);
    ck_assert_int_eq(oclstm_cell_last_engine(cell), shape->engine);
    if (same_bits) {
        ck_assert_mem_eq(whole[0], problem->y.data, y_bytes);
        ck_assert_mem_eq(whole[1], problem->h_out.data, state_bytes);
        ck_assert_mem_eq(whole[2], problem->c_out.data, state_bytes);
    }
    for (int i = 0; i < 3; i++)
        free(whole[i]);
    oclstm_state_destroy(&state);
    ck_assert_ptr_null(state);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}

static void check_streaming_everywhere(void) {
    for (int dtype = OCLSTM_F32; dtype <= (fixture_has_fp64() ? OCLSTM_F64 : OCLSTM_F32); dtype++) {
        for (const oclstm_engine *engine = fixture_engines((oclstm_dtype)dtype); *engine != OCLSTM_ENGINE_AUTO; engine++) {
            static const int64_t batches[] = {0, 1, 3, 17};
            for (int b = 0; b < 4; b++) {
                const cell_case shape = {
                    .input = 20, .hidden = 33, .batch = batches[b], .steps = 10, .dtype = (oclstm_dtype)dtype, .engine = *engine};
                check_streaming(&shape);
            }
        }
    }
}

START_TEST(streaming) { check_streaming_everywhere(); }
END_TEST

START_TEST(streaming_through_slices) {
    const size_t kept = plan_slice_bytes;
    plan_slice_bytes = 2 * 3 * 4 * 33 * sizeof(float);
    check_streaming_everywhere();
    plan_slice_bytes = kept;
}
END_TEST

START_TEST(batch_first_with_a_state) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        const cell_case shape = {.input = 6, .hidden = 9, .batch = 3, .steps = 5, .engine = *engine, .batch_first = true};
        cell_problem *problem = problem_create(&shape);
        oclstm_cell *cell = problem_cell(problem, fixture_device());
        oclstm_state *state = make_state(cell, 3);
        oclstm_error error = {0};
        problem_solve(problem);
        set_state(problem, state);
        oclstm_sequence call = problem_call(problem); // results are asked for as well
        call.h.data = call.c.data = NULL;
        call.state = state;
        expect_ok(oclstm_cell_sequence(cell, &call, &error), &error);
        problem_compare(problem, cell);
        get_state(problem, state);
        problem_compare(problem, cell);
        oclstm_state_destroy(&state);
        oclstm_cell_destroy(&cell);
        problem_destroy(&problem);
    }
}
END_TEST

// --- set and get ----------------------------------------------------------------------------------------------------------------

START_TEST(set_and_get) {
    for (int dtype = OCLSTM_F32; dtype <= (fixture_has_fp64() ? OCLSTM_F64 : OCLSTM_F32); dtype++) {
        for (int64_t batch = 0; batch < 8; batch += 7) {
            const cell_case shape = {.input = 1, .hidden = 13, .batch = batch, .dtype = (oclstm_dtype)dtype};
            cell_problem *problem = problem_create(&shape);
            oclstm_cell *cell = problem_cell(problem, fixture_device());
            oclstm_state *state = make_state(cell, batch);
            const size_t bytes = (size_t)problem->h.count * oclstm_dtype_size_bytes(shape.dtype);
            oclstm_error error = {0};
            get_state(problem, state);
            for (int64_t i = 0; i < problem->h.count; i++) // it begins at zero
                ck_assert(cell_values_get(&problem->h_out, i) == 0.0 && cell_values_get(&problem->c_out, i) == 0.0);
            set_state(problem, state);
            get_state(problem, state);
            ck_assert_mem_eq(problem->h_out.data, problem->h.data, bytes);
            ck_assert_mem_eq(problem->c_out.data, problem->c.data, bytes);
            // One of them, or none.
            memset(problem->c_out.data, 0, bytes);
            const oclstm_array c = state_out(problem, &problem->c_out), absent = {0};
            expect_ok(oclstm_state_get(state, &absent, &c, &error), &error);
            ck_assert_mem_eq(problem->c_out.data, problem->c.data, bytes);
            expect_ok(oclstm_state_get(state, NULL, NULL, &error), &error);
            // Back to zero, by NULL and by absent arrays.
            const oclstm_const_array none = {0};
            expect_ok(oclstm_state_set(state, NULL, &none, &error), &error);
            get_state(problem, state);
            for (int64_t i = 0; i < problem->h.count; i++)
                ck_assert(cell_values_get(&problem->h_out, i) == 0.0 && cell_values_get(&problem->c_out, i) == 0.0);
            oclstm_state_destroy(&state);
            oclstm_cell_destroy(&cell);
            problem_destroy(&problem);
        }
    }
}
END_TEST

// After an odd number of calls the state lies in the other of its two buffers; set and get must follow.
START_TEST(set_and_get_after_a_step) {
    const cell_case shape = {.input = 2, .hidden = 5, .batch = 3, .steps = 1};
    cell_problem *problem = problem_create(&shape);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    oclstm_state *state = make_state(cell, 3);
    problem_solve(problem);
    for (int turn = 0; turn < 3; turn++) {
        set_state(problem, state);
        run_piece(problem, cell, state, 0, 1);
        get_state(problem, state);
        problem_compare(problem, cell);
    }
    oclstm_state_destroy(&state);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

START_TEST(refusals) {
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    static float numbers[64];
    expect_ok(oclstm_cell_create(&cell, fixture_device(), OCLSTM_CELL(.input_size = 2, .hidden_size = 5), &error), &error);
    oclstm_state *none = (oclstm_state *)(void *)numbers;
    expect_failure(oclstm_state_create(&none, cell, -1, &error), &error, OCLSTM_INVALID_ARGUMENT, "-1", "at least 1", "0");
    ck_assert_ptr_null(none);
    expect_failure(oclstm_state_create(&none, cell, INT64_MAX, &error), &error, OCLSTM_INVALID_ARGUMENT, "9223372036854775807",
                   "does not fit");
    expect_failure(oclstm_state_create(&none, cell, INT64_C(1) << 50, &error), &error, OCLSTM_OUT_OF_DEVICE_MEMORY, "a state");
    ck_assert_ptr_null(none);
    expect_failure(oclstm_state_create(NULL, cell, 1, &error), &error, OCLSTM_INVALID_ARGUMENT, "out is NULL");
    expect_failure(oclstm_state_create(&none, NULL, 1, &error), &error, OCLSTM_INVALID_ARGUMENT, "cell is NULL");
    expect_failure(oclstm_state_set(NULL, NULL, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "state is NULL");
    expect_failure(oclstm_state_get(NULL, NULL, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "state is NULL");
    oclstm_state *state = make_state(cell, 4), *unbatched = make_state(cell, 0);
    const oclstm_const_array good = oclstm_in_2d(numbers, OCLSTM_F32, 4, 5), narrow = oclstm_in_2d(numbers, OCLSTM_F32, 4, 4);
    const oclstm_const_array wide = oclstm_in_2d(numbers, OCLSTM_F64, 4, 5), flat = oclstm_in_1d(numbers, OCLSTM_F32, 5);
    expect_failure(oclstm_state_set(state, &good, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "h is given without c");
    expect_failure(oclstm_state_set(state, NULL, &good, &error), &error, OCLSTM_INVALID_ARGUMENT, "c is given without h");
    expect_failure(oclstm_state_set(state, &good, &narrow, &error), &error, OCLSTM_INVALID_ARGUMENT, "c is [4][4]",
                   "dimension 1 (hidden) is 4", "expected 5");
    expect_failure(oclstm_state_set(state, &wide, &good, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "h is float64, but the state is float32");
    expect_failure(oclstm_state_set(state, &flat, &flat, &error), &error, OCLSTM_INVALID_ARGUMENT, "h has 1 dimension",
                   "[batch][hidden]");
    expect_failure(oclstm_state_set(unbatched, &good, &good, &error), &error, OCLSTM_INVALID_ARGUMENT, "h has 2 dimensions",
                   "[hidden]");
    const oclstm_array wrong = oclstm_out_2d(numbers, OCLSTM_F32, 3, 5);
    expect_failure(oclstm_state_get(state, &wrong, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "h is [3][5]", "expected 4");
    expect_failure(oclstm_state_get(state, NULL, &wrong, &error), &error, OCLSTM_INVALID_ARGUMENT, "c is [3][5]", "expected 4");
    oclstm_state_destroy(&state);
    oclstm_state_destroy(&unbatched);
    oclstm_state_destroy(&state);
    oclstm_state_destroy(NULL);
    oclstm_cell_destroy(&cell);
}
END_TEST

// --- life -----------------------------------------------------------------------------------------------------------------------

START_TEST(a_state_outlives_its_cell_and_device) {
    const cell_case shape = {.input = 3, .hidden = 4, .batch = 2, .steps = 3};
    cell_problem *problem = problem_create(&shape);
    oclstm_device *device = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_device_open(&device, test_device(), &error), &error);
    oclstm_cell *cell = problem_cell(problem, device);
    oclstm_state *state = make_state(cell, 2);
    problem_solve(problem);
    set_state(problem, state);
    run_piece(problem, cell, state, 0, 3);
    oclstm_cell_destroy(&cell);
    oclstm_device_close(&device);
    get_state(problem, state);
    problem_compare(problem, NULL);
    oclstm_state_destroy(&state);
    problem_destroy(&problem);
}
END_TEST

// A state fits every cell of its hidden size: here one of another input size takes over.
START_TEST(a_state_serves_two_cells) {
    const cell_case shapes[2] = {{.input = 3, .hidden = 4, .batch = 2, .steps = 2},
                                 {.input = 6, .hidden = 4, .batch = 2, .steps = 3}};
    cell_problem *problems[2];
    oclstm_cell *cells[2];
    for (int i = 0; i < 2; i++) {
        problems[i] = problem_create(&shapes[i]);
        cells[i] = problem_cell(problems[i], fixture_device());
    }
    oclstm_state *state = make_state(cells[0], 2);
    set_state(problems[0], state);
    problem_solve(problems[0]);
    run_piece(problems[0], cells[0], state, 0, 2);
    for (int64_t i = 0; i < problems[0]->h.count; i++) { // the second starts where the first should be
        problems[1]->h.wide[i] = problems[0]->h_out.wide[i];
        problems[1]->c.wide[i] = problems[0]->c_out.wide[i];
    }
    problem_solve(problems[1]);
    run_piece(problems[1], cells[1], state, 0, 3);
    get_state(problems[1], state);
    problem_compare(problems[1], cells[1]);
    oclstm_state_destroy(&state);
    for (int i = 0; i < 2; i++) {
        oclstm_cell_destroy(&cells[i]);
        problem_destroy(&problems[i]);
    }
}
END_TEST

// --- failures -------------------------------------------------------------------------------------------------------------------

static void expect_unchanged(cell_problem *problem, oclstm_state *state) {
    const size_t bytes = (size_t)problem->h.count * oclstm_dtype_size_bytes(problem->shape.dtype);
    get_state(problem, state);
    ck_assert_mem_eq(problem->h_out.data, problem->h.data, bytes);
    ck_assert_mem_eq(problem->c_out.data, problem->c.data, bytes);
}

START_TEST(a_failed_call_leaves_the_state_alone) {
    const cell_case shape = {.input = 3, .hidden = 4, .batch = 2, .steps = 3};
    cell_problem *problem = problem_create(&shape);
    oclstm_device *device = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_device_open(&device, test_device(), &error), &error);
    oclstm_cell *cell = problem_cell(problem, device);
    oclstm_state *state = make_state(cell, 2);
    set_state(problem, state);
    oclstm_sequence call = problem_call(problem);
    call.h.data = call.c.data = NULL;
    call.state = state;
    call.y.shape[0] = 4;
    expect_failure(oclstm_cell_sequence(cell, &call, &error), &error, OCLSTM_INVALID_ARGUMENT, "y is [4][2][4]");
    expect_unchanged(problem, state);
    call.y.shape[0] = 3;
    const uint64_t allowed = device->limits.max_allocation_bytes; // the first call's buffers do not fit
    device->limits.max_allocation_bytes = 1;
    expect_failure(oclstm_cell_sequence(cell, &call, &error), &error, OCLSTM_OUT_OF_DEVICE_MEMORY, "does not fit");
    expect_unchanged(problem, state);
    device->limits.max_allocation_bytes = allowed;
    problem_solve(problem);
    expect_ok(oclstm_cell_sequence(cell, &call, &error), &error);
    problem_compare(problem, cell);
    oclstm_state_destroy(&state);
    oclstm_cell_destroy(&cell);
    oclstm_device_close(&device);
    problem_destroy(&problem);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {streaming,
                                  streaming_through_slices,
                                  batch_first_with_a_state,
                                  set_and_get,
                                  set_and_get_after_a_step,
                                  refusals,
                                  a_state_outlives_its_cell_and_device,
                                  a_state_serves_two_cells,
                                  a_failed_call_leaves_the_state_alone};
    return run_suite(fixture_suite("cell_state", tests, sizeof tests / sizeof tests[0]), true);
}
