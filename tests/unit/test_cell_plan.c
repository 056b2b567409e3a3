// SPDX-License-Identifier: Apache-2.0
// Which engine a call gets, in words and in fact, and the plans a cell keeps.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/plan.h"
#include "cell_fixture.h"

// A cell with fresh weights.
static oclstm_cell *make_cell(int64_t input, int64_t hidden, oclstm_engine engine) {
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_cell_create(&cell, fixture_device(), OCLSTM_CELL(.input_size = input, .hidden_size = hidden, .engine = engine),
                                 &error),
              &error);
    return cell;
}

// One step with the batch; its results are thrown away.
static void step_once(oclstm_cell *cell, int64_t batch) {
    const oclstm_cell_params params = oclstm_cell_get_params(cell);
    float *x = fixture_alloc((size_t)(batch * params.input_size), sizeof *x);
    oclstm_error error = {0};
    const oclstm_step step = {.x = oclstm_in_2d(x, OCLSTM_F32, batch, params.input_size)};
    expect_ok(oclstm_cell_step(cell, &step, &error), &error);
    free(x);
}

static int count_plans(const oclstm_cell *cell) {
    int count = 0;
    while (count < CELL_PLANS && cell->plans[count] != NULL)
        count++;
    for (int i = count; i < CELL_PLANS; i++)
        ck_assert_ptr_null(cell->plans[i]); // no gaps
    return count;
}

// More batches in turn than plans are kept: each result right, the plans bounded and in the order of their use.
START_TEST(more_batches_than_plans) {
    const cell_case shape = {.input = 5, .hidden = 7, .batch = 8, .steps = 3};
    cell_problem *problem = problem_create(&shape);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    for (int turn = 0; turn < 20; turn++) {
        problem->shape.batch = 1 + (turn * 5) % 8;
        problem->y.count = problem->shape.batch * 3 * 7;
        problem->h_out.count = problem->c_out.count = problem->shape.batch * 7;
        problem->shape.without_y = true; // smaller results leave no guard behind them
        problem_solve(problem);
        for (int64_t i = problem->h_out.count; i < 8 * 7 + 16; i++) {
            cell_values_set(&problem->h_out, i, 776.0);
            cell_values_set(&problem->c_out, i, 776.0);
        }
        problem_run(problem, cell);
        problem_compare(problem, cell);
        ck_assert_int_eq(count_plans(cell), turn + 1 < CELL_PLANS ? turn + 1 : CELL_PLANS);
        ck_assert_uint_eq(cell->plans[0]->batch, (size_t)problem->shape.batch);
    }
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

START_TEST(a_kept_plan_is_used_again) {
    oclstm_cell *cell = make_cell(3, 4, OCLSTM_ENGINE_AUTO);
    for (int64_t batch = 1; batch <= CELL_PLANS; batch++)
        step_once(cell, batch);
    const cell_plan *const first = cell->plans[CELL_PLANS - 1];
    ck_assert_uint_eq(first->batch, 1);
    step_once(cell, 1);
    ck_assert_ptr_eq(cell->plans[0], first);
    ck_assert_int_eq(count_plans(cell), CELL_PLANS);
    step_once(cell, 100); // takes the place of the longest unused one, batch 2
    ck_assert_ptr_eq(cell->plans[1], first);
    for (int i = 0; i < CELL_PLANS; i++)
        ck_assert_uint_ne(cell->plans[i]->batch, 2);
    oclstm_cell_destroy(&cell);
}
END_TEST

// A longer sequence needs a larger plan, a shorter one fits the one there is.
START_TEST(plans_grow_with_the_steps) {
    static const int64_t steps[] = {1, 2, 9, 3, 20, 1, 20, 21};
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        const cell_case shape = {.input = 5, .hidden = 7, .batch = 2, .steps = 21, .engine = *engine};
        cell_problem *problem = problem_create(&shape);
        oclstm_cell *cell = problem_cell(problem, fixture_device());
        size_t longest = 0;
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            problem->shape.steps = steps[i];
            problem->shape.without_y = steps[i] < 21;
            problem_solve(problem);
            problem_run(problem, cell);
            problem_compare(problem, cell);
            longest = (size_t)steps[i] > longest ? (size_t)steps[i] : longest;
            ck_assert_int_eq(count_plans(cell), 1);
            ck_assert_uint_eq(cell->plans[0]->capacity_steps, longest);
        }
        oclstm_cell_destroy(&cell);
        problem_destroy(&problem);
    }
}
END_TEST

// --- explain and last_engine ------------------------------------------------------------------------------------------------

static void expect_explanation(oclstm_cell *cell, int64_t batch, int64_t steps, const char *const *texts) {
    char text[512];
    oclstm_error error = {0};
    expect_ok(oclstm_cell_explain(cell, batch, steps, text, sizeof text, &error), &error);
    for (; *texts != NULL; texts++)
        ck_assert_msg(strstr(text, *texts) != NULL, "'%s' is not in: %s", *texts, text);
}
#define EXPECT_EXPLANATION(cell, batch, steps, ...) expect_explanation(cell, batch, steps, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(explains_a_forced_engine) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        oclstm_cell *cell = make_cell(64, 64, *engine);
        char name[64];
        snprintf(name, sizeof name, "engine %s ", oclstm_engine_name(*engine));
        EXPECT_EXPLANATION(cell, 64, 1, name, "batch 64", "1 step ", "forced");
        EXPECT_EXPLANATION(cell, 1, 12, name, "batch 1,", "12 steps", "forced");
        oclstm_cell_destroy(&cell);
    }
}
END_TEST

// What is said is what is done, on both sides of every edge of the rule.
START_TEST(auto_does_what_it_says) {
    static const int64_t hiddens[] = {1, 63, 64, 200}, batches[] = {1, 2, 15, 16, 40};
    for (int h = 0; h < 4; h++) {
        oclstm_cell *cell = make_cell(8, hiddens[h], OCLSTM_ENGINE_AUTO);
        ck_assert_int_eq(oclstm_cell_last_engine(cell), OCLSTM_ENGINE_AUTO);
        for (int b = 0; b < 5; b++) {
            char text[512], name[64];
            oclstm_error error = {0};
            expect_ok(oclstm_cell_explain(cell, batches[b], 1, text, sizeof text, &error), &error);
            step_once(cell, batches[b]);
            snprintf(name, sizeof name, "engine %s ", oclstm_engine_name(oclstm_cell_last_engine(cell)));
            ck_assert_msg(strstr(text, name) != NULL, "said: %s; done: %s", text, name);
            ck_assert_msg(strstr(text, "auto: ") != NULL, "no reason in: %s", text);
        }
        oclstm_cell_destroy(&cell);
    }
}
END_TEST

START_TEST(explain_cuts_what_does_not_fit) {
    oclstm_cell *cell = make_cell(8, 8, OCLSTM_ENGINE_AUTO);
    oclstm_error error = {0};
    char text[32];
    memset(text, 'x', sizeof text);
    expect_ok(oclstm_cell_explain(cell, 1, 1, text, 10, &error), &error);
    ck_assert_uint_eq(strlen(text), 9);
    ck_assert(strncmp(text, "engine ", 7) == 0);
    ck_assert_int_eq(text[10], 'x');
    expect_ok(oclstm_cell_explain(cell, 1, 1, NULL, 0, &error), &error);
    ck_assert_int_eq(count_plans(cell), 0); // nothing was built
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(explain_refuses) {
    oclstm_cell *cell = make_cell(8, 8, OCLSTM_ENGINE_AUTO);
    oclstm_error error = {0};
    char text[32];
    expect_failure(oclstm_cell_explain(NULL, 1, 1, text, sizeof text, &error), &error, OCLSTM_INVALID_ARGUMENT, "cell", "NULL");
    expect_failure(oclstm_cell_explain(cell, 1, 1, NULL, 10, &error), &error, OCLSTM_INVALID_ARGUMENT, "text", "NULL");
    expect_failure(oclstm_cell_explain(cell, 0, 1, text, sizeof text, &error), &error, OCLSTM_INVALID_ARGUMENT, "batch");
    expect_failure(oclstm_cell_explain(cell, 1, -1, text, sizeof text, &error), &error, OCLSTM_INVALID_ARGUMENT, "steps");
    ck_assert_int_eq(oclstm_cell_last_engine(NULL), OCLSTM_ENGINE_AUTO);
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(engine_names) {
    static const char *const names[] = {"auto", "portable", "clblast"};
    static const oclstm_engine ids[] = {OCLSTM_ENGINE_AUTO, OCLSTM_ENGINE_PORTABLE, OCLSTM_ENGINE_CLBLAST};
    oclstm_error error = {0};
    oclstm_engine engine = OCLSTM_ENGINE_AUTO;
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(oclstm_engine_name(ids[i]), names[i]);
    for (int id = 0; id < ENGINE_COUNT; id++) {
        expect_ok(oclstm_engine_from_name(&engine, oclstm_engine_name((oclstm_engine)id), &error), &error);
        ck_assert_int_eq(engine, id);
    }
    ck_assert_str_eq(oclstm_engine_name((oclstm_engine)99), "unknown");
    expect_failure(oclstm_engine_from_name(&engine, "fast", &error), &error, OCLSTM_INVALID_ARGUMENT, "'fast'", "auto", "portable",
                   "clblast");
    expect_failure(oclstm_engine_from_name(&engine, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "NULL");
    expect_failure(oclstm_engine_from_name(NULL, "auto", &error), &error, OCLSTM_INVALID_ARGUMENT, "NULL");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        more_batches_than_plans, a_kept_plan_is_used_again,      plans_grow_with_the_steps, explains_a_forced_engine,
        auto_does_what_it_says,  explain_cuts_what_does_not_fit, explain_refuses,           engine_names};
    return run_suite(fixture_suite("cell_plan", tests, sizeof tests / sizeof tests[0]), true);
}
