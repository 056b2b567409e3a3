// SPDX-License-Identifier: Apache-2.0
// A group's results are those of its first device alone: bit by bit, however the rows are divided.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/fused.h"
#include "group_fixture.h"

// Runs the problem on the first device alone and keeps the results.
static group_results solve_alone(cell_problem *problem, oclstm_device *device) {
    oclstm_cell *cell = problem_cell(problem, device);
    problem_solve(problem);
    results_clear(problem);
    problem_run(problem, cell);
    const group_results alone = results_keep(problem);
    oclstm_cell_destroy(&cell);
    return alone;
}

// Any division of the rows gives what one device gives; clblast within its tolerance.
static void check_division(const cell_case *shape, oclstm_device *const *devices, const double *speeds, const char *what) {
    cell_problem *problem = problem_create(shape);
    group_results alone = solve_alone(problem, devices[0]);
    oclstm_group *group = group_of(problem, devices, 2, speeds);
    oclstm_error error = {0};
    char text[256];
    results_clear(problem);
    expect_ok(group_run(problem, group, &error), &error);
    ck_assert_msg(!oclstm_group_next_warning(group, text, sizeof text), "%s", text);
    ck_assert_int_eq(group_rows(group, 0) + group_rows(group, 1), shape->batch > 0 ? shape->batch : 1);
    if (shape->engine == OCLSTM_ENGINE_CLBLAST)
        problem_compare(problem, group->workers[0].cell);
    else
        results_expect(&alone, problem, what);
    oclstm_group_destroy(&group);
    ck_assert_ptr_null(group);
    results_free(&alone);
    problem_destroy(&problem);
}

static void check_batches(oclstm_engine engine, oclstm_dtype dtype) {
    static const double speeds[][2] = {{1, 1}, {3, 1}, {1, 2}};
    static const char *const names[] = {"the same device twice", "two parts"};
    for (group_pair pair = PAIR_SAME; pair < PAIR_COUNT; pair++) {
        oclstm_device *devices[2];
        if (!pair_open(devices, pair)) {
            pair_close(devices);
            continue;
        }
        for (int64_t batch = 1; batch <= 40; batch++) {
            const cell_case shape = {.input = 1 + (batch * 5) % 23,
                                     .hidden = 1 + (batch * 7) % 37,
                                     .batch = batch,
                                     .steps = batch % 4,
                                     .dtype = dtype,
                                     .engine = engine,
                                     .batch_first = batch % 3 == 0,
                                     .no_state = batch % 5 == 0};
            check_division(&shape, devices, speeds[batch % 3], names[pair]);
        }
        pair_close(devices);
    }
}

START_TEST(every_batch_as_one_device) {
    const oclstm_dtype dtype = fixture_has_fp64() ? OCLSTM_F64 : OCLSTM_F32;
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++)
        check_batches(*engine, OCLSTM_F32);
    if (dtype == OCLSTM_F64) {
        oclstm_engine engines[8] = {OCLSTM_ENGINE_AUTO};
        const oclstm_engine *const list = fixture_engines(OCLSTM_F64);
        for (int i = 0; list[i] != OCLSTM_ENGINE_AUTO && i < 7; i++)
            engines[i] = list[i], engines[i + 1] = OCLSTM_ENGINE_AUTO;
        for (const oclstm_engine *engine = engines; *engine != OCLSTM_ENGINE_AUTO; engine++)
            check_batches(*engine, OCLSTM_F64);
    }
}
END_TEST

// Larger cells, whose input product is made ahead, and shapes in which work-items meet where they may.
START_TEST(forms_of_the_whole_batch) {
    const cl_int patience = fused_patience;
    fused_patience = 100000; // meetings of four work-items on two threads are lost
    static const cell_case shapes[] = {{.input = 40, .hidden = 130, .batch = 9, .steps = 3},
                                       {.input = 40, .hidden = 130, .batch = 14, .steps = 101, .batch_first = true},
                                       {.input = 600, .hidden = 520, .batch = 7, .steps = 3},
                                       {.input = 600, .hidden = 520, .batch = 26, .steps = 2, .batch_first = true}};
    for (group_pair pair = PAIR_SAME; pair < PAIR_COUNT; pair++) {
        oclstm_device *devices[2];
        for (size_t i = 0; pair_open(devices, pair) && i < sizeof shapes / sizeof shapes[0]; i++) {
            check_division(&shapes[i], devices, (const double[]){1, 1}, "a larger cell");
            pair_close(devices);
        }
        pair_close(devices);
    }
    fused_patience = patience;
}
END_TEST

// A device with many cores, one row each, adds in another order than one with few; a share follows the device that the whole batch is for.
START_TEST(shares_of_a_device_with_other_cores) {
    static const unsigned units[] = {1, 2, 5, 64};
    for (int i = 0; i < 8; i++) {
        const cell_case shape = {
            .input = i < 4 ? 9 : 600, .hidden = i < 4 ? 21 : 520, .batch = 12, .steps = 3, .batch_first = true};
        cell_problem *problem = problem_create(&shape);
        oclstm_cell *cell = problem_cell(problem, fixture_device());
        group_results first = {{NULL}, {0}};
        for (int64_t cut = 0; cut <= 6; cut++) {
            results_clear(problem);
            for (int64_t from = 0; from < 12;) {
                const int64_t rows = cut == 0 ? 12 : 12 - from < cut ? 12 - from : cut, state = shape.hidden * from;
                cell_problem part = *problem;
                part.shape.batch = rows;
                oclstm_sequence call = problem_call(&part);
                oclstm_error error = {0};
                call.x.data = (const float *)call.x.data + from * shape.steps * shape.input;
                call.y.data = (float *)call.y.data + shape.steps * state;
                call.h.data = (const float *)call.h.data + state, call.c.data = (const float *)call.c.data + state;
                call.h_out.data = (float *)call.h_out.data + state, call.c_out.data = (float *)call.c_out.data + state;
                cell_set_share(cell, 12, units[i % 4]);
                expect_ok(oclstm_cell_sequence(cell, &call, &error), &error);
                from += rows;
            }
            if (cut == 0)
                first = results_keep(problem);
            else {
                char what[64];
                snprintf(what, sizeof what, "shares of %d rows, %u units", (int)cut, units[i % 4]);
                results_expect(&first, problem, what);
            }
        }
        cell_set_share(cell, 0, 0);
        results_free(&first);
        oclstm_cell_destroy(&cell);
        problem_destroy(&problem);
    }
}
END_TEST

// Calls one after the other with the state handed on, in place, while the division changes.
START_TEST(a_state_is_handed_on) {
    const cell_case shape = {.input = 6, .hidden = 17, .batch = 13, .steps = 12};
    cell_problem *problem = problem_create(&shape);
    oclstm_device *devices[2];
    ck_assert(pair_open(devices, PAIR_SAME));
    group_results alone = solve_alone(problem, devices[0]);
    oclstm_group *group = group_of(problem, devices, 2, NULL);
    results_clear(problem);
    for (int64_t first = 0; first < 12; first += 4) {
        const double speeds[] = {(double)(first + 3), 5.0};
        oclstm_error error = {0};
        cell_problem part = *problem;
        part.shape.steps = 4;
        part.shape.in_place = true;
        oclstm_sequence call = problem_call(&part);
        call.x.data = (const float *)call.x.data + first * 13 * 6;
        call.y.data = (float *)call.y.data + first * 13 * 17;
        group_fix_speeds(group, speeds);
        expect_ok(oclstm_group_sequence(group, &call, &error), &error);
        ck_assert_int_gt(group_rows(group, 0), 0);
    }
    memcpy(problem->h_out.data, problem->h.data, alone.bytes[1]);
    memcpy(problem->c_out.data, problem->c.data, alone.bytes[2]);
    results_expect(&alone, problem, "three calls");
    oclstm_group_destroy(&group);
    results_free(&alone);
    pair_close(devices);
    problem_destroy(&problem);
}
END_TEST

// With measured speeds, whatever they are: new shapes, known ones, more shapes than are kept, results that nobody asks for.
START_TEST(measured_divisions) {
    const cell_case shape = {.input = 6, .hidden = 33, .batch = 40, .steps = 30};
    oclstm_device *devices[2];
    ck_assert(pair_open(devices, PAIR_SAME));
    cell_problem *problem = problem_create(&shape);
    oclstm_group *group = group_of(problem, devices, 2, NULL);
    for (int round = 0; round < 30; round++) {
        problem->shape.batch = 40 - round % 12;
        problem->shape.steps = round % 12 == 5 ? 0 : 30 - round % 12;
        problem->shape.batch_first = round % 2;
        problem->shape.without_y = round % 3 == 2;
        problem->shape.without_h_out = round % 4 == 3;
        cell_problem part = *problem;
        group_results alone;
        oclstm_error error = {0};
        oclstm_cell *cell = problem_cell(&part, devices[0]);
        results_clear(problem);
        problem_run(&part, cell);
        alone = results_keep(problem);
        results_clear(problem);
        expect_ok(group_run(&part, group, &error), &error);
        results_expect(&alone, problem, "measured");
        ck_assert_int_eq(group_rows(group, 0) + group_rows(group, 1), part.shape.batch);
        results_free(&alone);
        oclstm_cell_destroy(&cell);
    }
    oclstm_group_destroy(&group);
    pair_close(devices);
    problem_destroy(&problem);
}
END_TEST

// Long calls whose rows are copied in several slices.
START_TEST(copied_slices) {
    const cell_case shape = {.input = 300, .hidden = 5, .batch = 50, .steps = 300};
    oclstm_device *devices[2];
    ck_assert(pair_open(devices, PAIR_SAME));
    check_division(&shape, devices, (const double[]){1, 1}, "several slices");
    pair_close(devices);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {every_batch_as_one_device, forms_of_the_whole_batch, shares_of_a_device_with_other_cores,
                                  a_state_is_handed_on,      measured_divisions,       copied_slices};
    return run_suite(fixture_suite("group", tests, sizeof tests / sizeof tests[0]), true);
}
