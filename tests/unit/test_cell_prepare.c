// SPDX-License-Identifier: Apache-2.0
// The warm-up call: what it makes, and that nothing else changes.
#include <string.h>

#include <oclstm/kernels.h>

#include "cell/plan.h"
#include "cell_fixture.h"

static oclstm_error error;

static size_t programs_built(void) {
    oclstm_kernel_counts counts;
    ck_assert_int_eq(oclstm_kernels_count(&counts, fixture_device(), NULL, 0, &error), OCLSTM_OK);
    return counts.from_source + counts.from_cache + counts.from_folder;
}

static bool same(const cell_values *a, const cell_values *b) {
    return memcmp(a->data, b->data, (size_t)a->count * oclstm_dtype_size_bytes(a->dtype)) == 0;
}

// The same problem run by a prepared cell and by one that was not: the same bits, and nothing left to build.
START_TEST(a_prepared_cell_gives_the_same_numbers) {
    static const cell_case shapes[] = {{.input = 5, .hidden = 7, .batch = 0, .steps = 0},
                                       {.input = 64, .hidden = 96, .batch = 1, .steps = 9},
                                       {.input = 3, .hidden = 70, .batch = 5, .steps = 4},
                                       {.input = 65, .hidden = 130, .batch = 20, .steps = 3},
                                       {.input = 300, .hidden = 300, .batch = 40, .steps = 30}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
            cell_case shape = shapes[i];
            shape.engine = *engine;
            cell_problem *problem = problem_create(&shape);
            oclstm_cell *plain = problem_cell(problem, fixture_device()), *prepared = problem_cell(problem, fixture_device());
            const int64_t batch = shape.batch > 0 ? shape.batch : 1, steps = shape.steps > 0 ? shape.steps : 1;
            expect_ok(oclstm_cell_prepare(prepared, batch, steps, &error), &error);
            ck_assert_int_eq(oclstm_cell_last_engine(prepared), OCLSTM_ENGINE_AUTO);
            const size_t built = programs_built();
            const struct cell_plan *const plan = prepared->plans[0];
            ck_assert_ptr_nonnull(plan);
            problem_run(problem, prepared);
            ck_assert_uint_eq(programs_built(), built);
            ck_assert_ptr_eq(prepared->plans[0], plan);
            problem_solve(problem);
            problem_compare(problem, prepared);
            const size_t bytes = (size_t)problem->h_out.count * sizeof(float);
            void *kept = fixture_alloc(1, bytes);
            memcpy(kept, problem->h_out.data, bytes);
            problem_run(problem, plain);
            ck_assert_msg(memcmp(kept, problem->h_out.data, bytes) == 0, "%s: prepared gives other bits",
                          oclstm_engine_name(*engine));
            free(kept);
            oclstm_cell_destroy(&plain);
            oclstm_cell_destroy(&prepared);
            problem_destroy(&problem);
        }
    }
}
END_TEST

START_TEST(a_state_stays_as_it_was) {
    const cell_case shape = {.input = 6, .hidden = 10, .batch = 3, .steps = 4};
    cell_problem *problem = problem_create(&shape);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    oclstm_state *state = NULL;
    oclstm_sequence call = problem_call(problem);
    expect_ok(oclstm_state_create(&state, cell, 3, &error), &error);
    expect_ok(oclstm_state_set(state, &call.h, &call.c, &error), &error);
    expect_ok(oclstm_cell_prepare(cell, 3, 4, &error), &error);
    memset(problem->h_out.data, 0, (size_t)problem->h_out.count * sizeof(float));
    expect_ok(oclstm_state_get(state, &call.h_out, &call.c_out, &error), &error);
    ck_assert(same(&problem->h_out, &problem->h) && same(&problem->c_out, &problem->c));
    // In the middle of a stream, too.
    expect_ok(oclstm_cell_sequence(cell, &(oclstm_sequence){.x = call.x, .y = call.y, .state = state}, &error), &error);
    expect_ok(oclstm_state_get(state, &call.h_out, NULL, &error), &error);
    expect_ok(oclstm_cell_prepare(cell, 3, 4, &error), &error);
    expect_ok(oclstm_cell_prepare(cell, 1, 1, &error), &error);
    void *kept = fixture_alloc((size_t)problem->h_out.count, sizeof(float));
    memcpy(kept, problem->h_out.data, (size_t)problem->h_out.count * sizeof(float));
    expect_ok(oclstm_state_get(state, &call.h_out, NULL, &error), &error);
    ck_assert_int_eq(memcmp(kept, problem->h_out.data, (size_t)problem->h_out.count * sizeof(float)), 0);
    free(kept);
    ck_assert_int_ne(oclstm_cell_last_engine(cell), OCLSTM_ENGINE_AUTO);
    oclstm_state_destroy(&state);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

START_TEST(in_every_dtype_and_in_slices) {
    static const oclstm_dtype dtypes[] = {OCLSTM_F64, OCLSTM_F16, OCLSTM_BF16};
    const size_t whole = plan_slice_bytes;
    for (int i = fixture_has_fp64() ? 0 : 1; i < 3; i++) {
        const cell_case shape = {.input = 8, .hidden = 33, .batch = 4, .steps = 11, .dtype = dtypes[i]};
        cell_problem *problem = problem_create(&shape);
        oclstm_cell *cell = problem_cell(problem, fixture_device());
        plan_slice_bytes = 1; // a step a slice
        expect_ok(oclstm_cell_prepare(cell, 4, 11, &error), &error);
        problem_run(problem, cell);
        plan_slice_bytes = whole;
        problem_solve(problem);
        problem_compare(problem, cell);
        oclstm_cell_destroy(&cell);
        problem_destroy(&problem);
    }
}
END_TEST

START_TEST(what_is_refused) {
    const cell_case shape = {.input = 4, .hidden = 4, .batch = 1, .steps = 1};
    cell_problem *problem = problem_create(&shape);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    expect_failure(oclstm_cell_prepare(NULL, 1, 1, &error), &error, OCLSTM_INVALID_ARGUMENT, "cell is NULL");
    expect_failure(oclstm_cell_prepare(cell, 0, 1, &error), &error, OCLSTM_INVALID_ARGUMENT, "at least 1");
    expect_failure(oclstm_cell_prepare(cell, 1, -1, &error), &error, OCLSTM_INVALID_ARGUMENT, "at least 1");
    expect_failure(oclstm_cell_prepare(cell, INT64_MAX, 1, &error), &error, OCLSTM_INVALID_ARGUMENT, "too large");
    expect_ok(oclstm_cell_prepare(cell, 1, INT64_MAX, &error), &error); // in slices, however long it is
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

static Suite *make_suite(void) {
    const TTest *const tests[] = {a_prepared_cell_gives_the_same_numbers, a_state_stays_as_it_was, in_every_dtype_and_in_slices,
                                  what_is_refused};
    return fixture_suite("cell_prepare", tests, sizeof tests / sizeof tests[0]);
}

int main(void) { return run_suite(make_suite(), true); }
