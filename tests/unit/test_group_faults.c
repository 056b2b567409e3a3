// SPDX-License-Identifier: Apache-2.0
// Devices that fail in the middle of a call: their rows are done by the others; where none is left the state is untouched. The calls of the
// group's cells go through a linker wrap that fails for chosen devices.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cell/cell_private.h"
#include "group_fixture.h"

// Per device: how many more calls succeed before they fail; negative = all.
static struct {
    oclstm_device *device;
    atomic_int good;
} faulty[3];

static oclstm_status fault_of(const oclstm_cell *cell, oclstm_error *error) {
    for (int i = 0; i < 3; i++) {
        if (faulty[i].device != cell->device || atomic_load(&faulty[i].good) < 0)
            continue;
        if (atomic_fetch_sub(&faulty[i].good, 1) > 0)
            return OCLSTM_OK;
        atomic_store(&faulty[i].good, 0);
        base_fail(error, OCLSTM_OPENCL, "the device went away in place %d", i);
        error->opencl_code = -5;
        return OCLSTM_OPENCL;
    }
    return OCLSTM_OK;
}

oclstm_status __real_oclstm_cell_sequence(oclstm_cell *cell, const oclstm_sequence *sequence, oclstm_error *error);
oclstm_status __wrap_oclstm_cell_sequence(oclstm_cell *cell, const oclstm_sequence *sequence, oclstm_error *error);
oclstm_status __wrap_oclstm_cell_sequence(oclstm_cell *cell, const oclstm_sequence *sequence, oclstm_error *error) {
    const oclstm_status status = fault_of(cell, error);
    return status == OCLSTM_OK ? __real_oclstm_cell_sequence(cell, sequence, error) : status;
}

oclstm_status __real_oclstm_cell_step(oclstm_cell *cell, const oclstm_step *step, oclstm_error *error);
oclstm_status __wrap_oclstm_cell_step(oclstm_cell *cell, const oclstm_step *step, oclstm_error *error);
oclstm_status __wrap_oclstm_cell_step(oclstm_cell *cell, const oclstm_step *step, oclstm_error *error) {
    const oclstm_status status = fault_of(cell, error);
    return status == OCLSTM_OK ? __real_oclstm_cell_step(cell, step, error) : status;
}

static oclstm_device *devices[3];

// Three devices of the same hardware, none faulty.
static void open_all(void) {
    char selector[32];
    oclstm_error error = {0};
    snprintf(selector, sizeof selector, "%d", oclstm_device_get_info(fixture_device())->index);
    for (int i = 0; i < 3; i++) {
        expect_ok(oclstm_device_open(&devices[i], selector, &error), &error);
        faulty[i].device = devices[i];
        atomic_store(&faulty[i].good, -1);
    }
}

static void close_all(void) {
    for (int i = 0; i < 3; i++) {
        faulty[i].device = NULL;
        oclstm_device_close(&devices[i]);
    }
}

static const cell_case shapes[] = {{.input = 5, .hidden = 18, .batch = 23},
                                   {.input = 5, .hidden = 18, .batch = 23, .steps = 6},
                                   {.input = 5, .hidden = 18, .batch = 23, .steps = 6, .batch_first = true},
                                   {.input = 300, .hidden = 5, .batch = 50, .steps = 500}}; // several slices a share
static const double equal[] = {1, 1, 1};

static group_results solve_alone(cell_problem *problem) {
    oclstm_cell *cell = problem_cell(problem, devices[0]);
    results_clear(problem);
    problem_run(problem, cell);
    const group_results alone = results_keep(problem);
    oclstm_cell_destroy(&cell);
    return alone;
}

// The devices of `failing` (bits) fail after `good` calls; the result is that of one device, and each warning names its device.
static void check_taken_over(const cell_case *shape, unsigned failing, int good) {
    open_all();
    cell_problem *problem = problem_create(shape);
    group_results alone = solve_alone(problem);
    oclstm_group *group = group_of(problem, devices, 3, equal);
    oclstm_error error = {0};
    for (int i = 0; i < 3; i++)
        atomic_store(&faulty[i].good, failing & (1u << i) ? good : -1);
    results_clear(problem);
    expect_ok(group_run(problem, group, &error), &error);
    results_expect(&alone, problem, "taken over");
    int64_t rows = 0;
    for (size_t i = 0; i < 3; i++) {
        oclstm_share share;
        expect_ok(oclstm_group_get_share(group, i, &share, &error), &error);
        const bool fails = failing & (1u << i);
        ck_assert_int_eq(share.is_out, fails);
        ck_assert(fails == (strstr(share.reason, "went away") != NULL));
        ck_assert(!fails || share.rows == 0);
        rows += share.rows;
    }
    ck_assert_int_eq(rows, shape->batch);
    char text[2048], name[64];
    for (int i = 0; i < 3; i++) {
        if (!(failing & (1u << i)))
            continue;
        ck_assert(oclstm_group_next_warning(group, text, sizeof text));
        snprintf(name, sizeof name, "device %d of the group", i);
        ck_assert_msg(strstr(text, name) != NULL && strstr(text, "went away") != NULL &&
                          strstr(text, "rows were done by device") != NULL,
                      "%s", text);
    }
    ck_assert(!oclstm_group_next_warning(group, text, sizeof text));
    // For good: the next call has the same answer, and no warning.
    results_clear(problem);
    expect_ok(group_run(problem, group, &error), &error);
    results_expect(&alone, problem, "after a failure");
    ck_assert(!oclstm_group_next_warning(group, text, sizeof text));
    oclstm_group_destroy(&group);
    results_free(&alone);
    problem_destroy(&problem);
    close_all();
}

START_TEST(rows_of_failed_devices_are_done_by_the_others) {
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (unsigned failing = 1; failing < 7; failing++)
            check_taken_over(&shapes[i], failing, i == 3 ? 1 : 0);
    }
}
END_TEST

// The first failure's rows go to a device that then fails too.
START_TEST(a_device_that_fails_with_the_rows_of_another) {
    open_all();
    cell_problem *problem = problem_create(&shapes[0]);
    group_results alone = solve_alone(problem);
    oclstm_group *group = group_of(problem, devices, 3, equal);
    oclstm_error error = {0};
    char text[2048];
    atomic_store(&faulty[0].good, 0);
    atomic_store(&faulty[1].good, 1);
    results_clear(problem);
    expect_ok(group_run(problem, group, &error), &error);
    results_expect(&alone, problem, "two failures, one after the other");
    ck_assert_uint_eq(group_count_left(group), 1);
    ck_assert(oclstm_group_next_warning(group, text, sizeof text) && strstr(text, "device 2") != NULL);
    ck_assert(oclstm_group_next_warning(group, text, sizeof text));
    oclstm_group_destroy(&group);
    results_free(&alone);
    problem_destroy(&problem);
    close_all();
}
END_TEST

static void check_none_left(const cell_case *asked, bool in_place) {
    open_all();
    cell_case shape = *asked;
    shape.in_place = in_place;
    cell_problem *problem = problem_create(&shape);
    oclstm_group *group = group_of(problem, devices, 2, equal);
    oclstm_error error = {0};
    results_clear(problem);
    const size_t bytes = (size_t)problem->h.count * sizeof(float);
    void *const places[] = {problem->h.data, problem->c.data, problem->h_out.data, problem->c_out.data};
    char *before = fixture_alloc(4, bytes);
    for (int i = 0; i < 4; i++)
        memcpy(before + (size_t)i * bytes, places[i], bytes);
    atomic_store(&faulty[0].good, 1); // its own rows succeed, those of the other fail
    atomic_store(&faulty[1].good, 0);
    expect_failure(group_run(problem, group, &error), &error, OCLSTM_OPENCL, "no device of the group is left", "device 0",
                   "device 1", "went away in place 0", "went away in place 1");
    ck_assert_int_eq(error.opencl_code, -5);
    for (int i = 0; i < 4; i++)
        ck_assert_msg(memcmp(before + (size_t)i * bytes, places[i], bytes) == 0, "array %d was written", i);
    atomic_store(&faulty[0].good, -1);
    expect_failure(group_run(problem, group, &error), &error, OCLSTM_NO_DEVICE, "no device of the group is left", "went away");
    free(before);
    oclstm_group_destroy(&group);
    problem_destroy(&problem);
    close_all();
}

START_TEST(no_device_left) {
    for (size_t i = 0; i < 3; i++) {
        check_none_left(&shapes[i], false);
        check_none_left(&shapes[i], true);
    }
}
END_TEST

// Failures while the speeds of a shape are measured.
START_TEST(failures_in_a_trial) {
    for (int fails = 0; fails < 4; fails++) {
        open_all();
        cell_problem *problem = problem_create(&shapes[1]);
        group_results alone = solve_alone(problem);
        oclstm_group *group = group_of(problem, devices, 2, NULL);
        oclstm_error error = {0};
        char text[2048];
        atomic_store(&faulty[fails % 2].good, fails / 2);
        results_clear(problem);
        expect_ok(group_run(problem, group, &error), &error);
        results_expect(&alone, problem, "a failed trial");
        ck_assert_uint_eq(group_count_left(group), 1);
        ck_assert(oclstm_group_next_warning(group, text, sizeof text));
        for (int i = 0; i < 2; i++)
            atomic_store(&faulty[i].good, 0);
        problem->shape.batch = 20; // a new shape, and nobody to do it
        expect_failure(group_run(problem, group, &error), &error, OCLSTM_OPENCL, "no device of the group is left");
        oclstm_group_destroy(&group);
        results_free(&alone);
        problem_destroy(&problem);
        close_all();
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {rows_of_failed_devices_are_done_by_the_others, a_device_that_fails_with_the_rows_of_another,
                                  no_device_left, failures_in_a_trial};
    return run_suite(fixture_suite("group_faults", tests, sizeof tests / sizeof tests[0]), true);
}
