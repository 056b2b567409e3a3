// SPDX-License-Identifier: Apache-2.0
// Limits of memory: what does not fit is done in shorter slices, by a less hungry engine, or refused with the numbers before anything is made.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/cell_borrow.h"
#include "cell/plan.h"
#include "cell_fixture.h"
#include "device/device_private.h"

static oclstm_device *device;
static uint64_t allowed_bytes, memory_bytes;

// A device of the tests' own, whose limits can be changed; host arrays are copied.
static void open_device(void) {
    oclstm_error error = {0};
    expect_ok(oclstm_device_open(&device, test_device(), &error), &error);
    allowed_bytes = device->limits.max_allocation_bytes;
    memory_bytes = device->limits.global_memory_bytes;
    cell_borrow_bytes = SIZE_MAX;
}

static void close_device(void) {
    ck_assert_uint_eq(oclstm_device_get_held_bytes(device), 0); // nothing leaks
    oclstm_device_close(&device);
}

static void restore_limits(void) {
    device->limits.max_allocation_bytes = allowed_bytes;
    device->limits.global_memory_bytes = memory_bytes;
}

static uint64_t held(void) { return oclstm_device_get_held_bytes(device); }

// No buffer of the cell's plans is larger than the device allows.
static void expect_small_buffers(const oclstm_cell *cell) {
    for (int i = 0; i < CELL_PLANS && cell->plans[i] != NULL; i++) {
        const cell_plan *plan = cell->plans[i];
        const cl_mem buffers[] = {plan->x, plan->y, plan->h, plan->c, plan->gx, plan->workspace};
        for (int b = 0; b < 6; b++)
            ck_assert_uint_le(device_buffer_bytes(buffers[b]), device->limits.max_allocation_bytes);
    }
}

START_TEST(nothing_is_held_of_a_cell_refused) {
    const oclstm_cell_params params = {.input_size = 100, .hidden_size = 50};
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    device->limits.max_allocation_bytes = 4 * 50 * 100 * 4 - 1;
    expect_failure(oclstm_cell_create(&cell, device, &params, &error), &error, OCLSTM_OUT_OF_DEVICE_MEMORY,
                   "weight_ih, 200 x 100 of 4 bytes, takes 78.1 KiB", "largest allocation is 78.1 KiB",
                   "CL_DEVICE_MAX_MEM_ALLOC_SIZE", "another device");
    ck_assert_str_eq(error.device, device->limits.name);
    restore_limits();
    // Weights and one packed copy: 2 x 4 x 50 x 150 x 4 bytes and a little more.
    device->limits.global_memory_bytes = 2 * 4 * 50 * 150 * 4;
    expect_failure(oclstm_cell_create(&cell, device, &params, &error), &error, OCLSTM_OUT_OF_DEVICE_MEMORY, "together",
                   "the device's memory of 234.4 KiB", "holds 0 bytes");
    ck_assert_uint_eq(held(), 0);
    ck_assert_ptr_null(cell);
    device->limits.global_memory_bytes += 4096;
    expect_ok(oclstm_cell_create(&cell, device, &params, &error), &error);
    ck_assert_uint_eq(held(), 4 * 50 * 151 * 4);
    oclstm_cell_destroy(&cell);
    restore_limits();
}
END_TEST

// Slices shrink to what one allocation holds, down to a single step.
START_TEST(slices_fit_the_allocation_limit) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        const cell_case shape = {.input = 40, .hidden = 8, .batch = 16, .steps = 50, .engine = *engine};
        cell_problem *problem = problem_create(&shape);
        problem_solve(problem);
        for (uint64_t limit = 40 * 16 * 4; limit < 40 * 16 * 4 * 70; limit *= 3) {
            oclstm_cell *cell = problem_cell(problem, device);
            const uint64_t before = held();
            device->limits.max_allocation_bytes = limit > 16 * 4 * 40 * 4 ? limit : 16 * 4 * 40 * 4; // the widest packed weights
            if (*engine == OCLSTM_ENGINE_CLBLAST)
                device->limits.max_allocation_bytes += (uint64_t)3 * 160 * 160 * 4;
            problem_run(problem, cell);
            problem_compare(problem, cell);
            expect_small_buffers(cell);
            ck_assert_uint_gt(held(), before);
            restore_limits();
            oclstm_cell_destroy(&cell);
        }
        problem_destroy(&problem);
    }
}
END_TEST

START_TEST(short_slices_are_taken_where_memory_is_short) {
    const cell_case shape = {.input = 40, .hidden = 8, .batch = 16, .steps = 50, .engine = OCLSTM_ENGINE_PORTABLE};
    cell_problem *problem = problem_create(&shape);
    problem_solve(problem);
    oclstm_cell *cell = problem_cell(problem, device);
    device->limits.max_allocation_bytes = 5 * 16 * 40 * 4; // x of five steps
    problem_run(problem, cell);
    problem_compare(problem, cell);
    ck_assert_uint_eq(cell->plans[0]->capacity_steps, 5);
    const cell_plan *const plan = cell->plans[0];
    problem_run(problem, cell);
    ck_assert_ptr_eq(cell->plans[0], plan); // and kept
    restore_limits();
    problem_run(problem, cell);
    ck_assert_ptr_eq(cell->plans[0], plan);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

static oclstm_cell *make_cell(int64_t input, int64_t hidden, oclstm_engine engine) {
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_cell_create(&cell, device, OCLSTM_CELL(.input_size = input, .hidden_size = hidden, .engine = engine), &error),
              &error);
    return cell;
}

static oclstm_status step_with(oclstm_cell *cell, int64_t batch, oclstm_error *error) {
    const int64_t input = oclstm_cell_get_params(cell).input_size;
    float *x = fixture_alloc((size_t)(batch * input), sizeof *x);
    const oclstm_step step = {.x = oclstm_in_2d(x, OCLSTM_F32, batch, input)};
    const oclstm_status status = oclstm_cell_step(cell, &step, error);
    free(x);
    return status;
}

// A step too large is refused with the largest batch that fits, and that is what fits.
START_TEST(the_largest_batch_is_named) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        oclstm_cell *cell = make_cell(64, 32, *engine);
        oclstm_error error = {0};
        expect_ok(step_with(cell, 1, &error), &error);
        const uint64_t before = held();
        device->limits.max_allocation_bytes = 100000;
        if (*engine == OCLSTM_ENGINE_CLBLAST)
            device->limits.max_allocation_bytes = 500000;
        expect_failure(step_with(cell, 5000, &error), &error, OCLSTM_OUT_OF_DEVICE_MEMORY, "batch 5000",
                       oclstm_engine_name(*engine), "the largest batch that fits is ", device->limits.name);
        ck_assert_uint_eq(held(), before);
        const int64_t largest = strtoll(strstr(error.message, "that fits is ") + strlen("that fits is "), NULL, 10);
        ck_assert_int_gt(largest, 1);
        expect_ok(step_with(cell, largest, &error), &error);
        expect_small_buffers(cell);
        expect_failure(step_with(cell, largest + 1, &error), &error, OCLSTM_OUT_OF_DEVICE_MEMORY,
                       "the largest batch that fits is ");
        restore_limits();
        oclstm_cell_destroy(&cell);
    }
}
END_TEST

// A hidden size of 1 is padded to a vector by the fused engine: the portable one needs less.
START_TEST(auto_takes_a_less_hungry_engine) {
    char words[1024];
    oclstm_error error = {0};
    oclstm_cell *cell = make_cell(1000, 1, OCLSTM_ENGINE_AUTO);
    const oclstm_device_info *limits = oclstm_device_get_info(device);
    if (limits->kind != OCLSTM_DEVICE_CPU && limits->max_work_group_size < 32)
        goto done; // auto is portable here
    device->limits.max_allocation_bytes = 1000 * 4 * 4 * 3;
    expect_ok(oclstm_cell_explain(cell, 2, 1, words, sizeof words, &error), &error);
    ck_assert_msg(strstr(words, "engine portable") != NULL, "%s", words);
    ck_assert_msg(strstr(words, "not fused: the packed weight_ih, 1000 x ") != NULL, "%s", words);
    expect_ok(step_with(cell, 2, &error), &error);
    ck_assert_int_eq(error.status, OCLSTM_OK);
    ck_assert_int_eq(oclstm_cell_last_engine(cell), OCLSTM_ENGINE_PORTABLE);
    restore_limits();
    expect_ok(step_with(cell, 2, &error), &error);
    ck_assert_int_eq(oclstm_cell_last_engine(cell), OCLSTM_ENGINE_FUSED); // it was memory alone
    oclstm_cell_destroy(&cell);
    device->limits.max_allocation_bytes = 1000 * 4 * 4 * 3;
    expect_failure(
        oclstm_cell_create(&cell, device, OCLSTM_CELL(.input_size = 1000, .hidden_size = 1, .engine = OCLSTM_ENGINE_FUSED), &error),
        &error, OCLSTM_OUT_OF_DEVICE_MEMORY, "'fused'", "the packed weight_ih");
done:
    restore_limits();
    oclstm_cell_destroy(&cell);
}
END_TEST

// Plans kept for other batches are given up before a call is refused.
START_TEST(kept_plans_make_room) {
    oclstm_cell *cell = make_cell(64, 32, OCLSTM_ENGINE_PORTABLE);
    oclstm_error error = {0};
    expect_ok(step_with(cell, 1000, &error), &error);
    const uint64_t with_one = held();
    expect_ok(step_with(cell, 1001, &error), &error);
    const uint64_t with_two = held();
    device->limits.global_memory_bytes = with_two + 1000;
    expect_ok(step_with(cell, 1002, &error), &error);
    ck_assert_uint_le(held(), with_one + 2000 * 4);
    ck_assert_ptr_null(cell->plans[1]);
    ck_assert_uint_eq(cell->plans[0]->batch, 1002);
    expect_failure(step_with(cell, 5000, &error), &error, OCLSTM_OUT_OF_DEVICE_MEMORY, "together", "the largest batch");
    ck_assert_uint_eq(cell->plans[0]->batch, 1002); // a refusal costs nothing
    restore_limits();
    oclstm_cell_destroy(&cell);
}
END_TEST

// What is counted is what is made. The counters of groups that meet are the one thing not counted; CLBlast may ask for less than the most.
START_TEST(the_count_is_right) {
    static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64, OCLSTM_F16, OCLSTM_BF16};
    for (int i = 0; i < 12; i++) {
        const oclstm_dtype dtype = dtypes[i % 4];
        if (dtype == OCLSTM_F64 && !fixture_has_fp64())
            continue;
        for (const oclstm_engine *engine = fixture_engines(dtype); *engine != OCLSTM_ENGINE_AUTO; engine++) {
            const cell_case shape = {
                .input = 1 + i * 7, .hidden = 1 + i * 5, .batch = 1 + i * 3, .steps = 1 + i % 4, .dtype = dtype, .engine = *engine};
            cell_problem *problem = problem_create(&shape);
            oclstm_cell *cell = problem_cell(problem, device);
            device_demand demand = {.count = 0};
            const uint64_t before = held();
            engine_get(*engine)->demand(&demand, cell, (size_t)shape.batch, (size_t)shape.steps);
            const size_t element = oclstm_dtype_size_bytes(dtype), rows = (size_t)(shape.batch * shape.steps);
            demand_add(&demand, "x, y", rows, (size_t)(shape.input + shape.hidden), element);
            demand_add(&demand, "h", (size_t)shape.batch, (size_t)shape.hidden, element);
            demand_add(&demand, "c", (size_t)shape.batch, (size_t)shape.hidden, cell->real_bytes);
            problem_solve(problem);
            problem_run(problem, cell);
            problem_compare(problem, cell);
            const uint64_t made = held() - before, counted = demand_total_bytes(&demand);
            ck_assert_msg(made <= counted + 65536 / 8, "%s: %zu bytes made, %zu counted", oclstm_engine_name(*engine), (size_t)made,
                          (size_t)counted);
            if (*engine == OCLSTM_ENGINE_PORTABLE)
                ck_assert_uint_eq(made, counted);
            demand = (device_demand){.count = 0};
            engine_get(*engine)->demand(&demand, cell, (size_t)shape.batch, (size_t)shape.steps);
            for (size_t b = 0; b < demand.count; b++)
                ck_assert_msg(strstr(demand.buffers[b].what, "packed") == NULL, "%s is counted twice", demand.buffers[b].what);
            oclstm_cell_destroy(&cell);
            problem_destroy(&problem);
        }
    }
}
END_TEST

// Arrays of the host that are larger than a buffer may be go through in slices.
START_TEST(borrowing_keeps_to_the_limit) {
    const cell_case shape = {.input = 16, .hidden = 16, .batch = 4, .steps = 64};
    cell_problem *problem = problem_create(&shape);
    oclstm_cell *cell = problem_cell(problem, device);
    problem_solve(problem);
    cell_borrow_bytes = 1;
    for (int i = 0; i < 2; i++) {
        device->limits.max_allocation_bytes = (uint64_t)4 * 64 * 16 * 4 - (uint64_t)(1 - i);
        problem_run(problem, cell);
        problem_compare(problem, cell);
        const bool can_borrow = device->limits.kind == OCLSTM_DEVICE_CPU && device->limits.unified_memory;
        ck_assert_int_eq(cell->plans[0]->x == NULL, i == 1 && can_borrow);
        plan_destroy_all(cell);
    }
    cell_borrow_bytes = SIZE_MAX;
    restore_limits();
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

START_TEST(a_state_is_counted_as_a_whole) {
    oclstm_cell *cell = make_cell(4, 64, OCLSTM_ENGINE_AUTO);
    oclstm_state *state = NULL;
    oclstm_error error = {0};
    const uint64_t before = held();
    device->limits.global_memory_bytes = before + 4 * 100 * 64 * 4 - 1;
    expect_failure(oclstm_state_create(&state, cell, 100, &error), &error, OCLSTM_OUT_OF_DEVICE_MEMORY, "a state", "together",
                   "100.0 KiB");
    ck_assert_uint_eq(held(), before);
    device->limits.global_memory_bytes++;
    expect_ok(oclstm_state_create(&state, cell, 100, &error), &error);
    ck_assert_uint_eq(held(), before + 4 * 100 * 64 * 4);
    oclstm_state_destroy(&state);
    restore_limits();
    oclstm_cell_destroy(&cell);
    ck_assert_uint_eq(oclstm_device_get_held_bytes(NULL), 0);
}
END_TEST

START_TEST(sizes_that_overflow_do_not_fit) {
    char why[300] = "";
    device_demand demand = {.count = 0};
    ck_assert(demand_fits(&demand, device, 0, why, sizeof why));
    demand_add(&demand, "a", 1, 2, 4);
    demand_add(&demand, "b", SIZE_MAX, 2, 4);
    demand_add(&demand, "d", SIZE_MAX / 4, 2, 4);
    ck_assert_uint_eq(demand_total_bytes(&demand), UINT64_MAX);
    ck_assert_str_eq(demand_largest(&demand)->what, "b");
    ck_assert(!demand_fits(&demand, device, 0, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "b, "));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cell_memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 0);
    tcase_add_unchecked_fixture(tests, NULL, fixture_close);
    tcase_add_checked_fixture(tests, open_device, close_device);
    tcase_add_test(tests, nothing_is_held_of_a_cell_refused);
    tcase_add_test(tests, slices_fit_the_allocation_limit);
    tcase_add_test(tests, short_slices_are_taken_where_memory_is_short);
    tcase_add_test(tests, the_largest_batch_is_named);
    tcase_add_test(tests, auto_takes_a_less_hungry_engine);
    tcase_add_test(tests, kept_plans_make_room);
    tcase_add_test(tests, the_count_is_right);
    tcase_add_test(tests, borrowing_keeps_to_the_limit);
    tcase_add_test(tests, a_state_is_counted_as_a_whole);
    tcase_add_test(tests, sizes_that_overflow_do_not_fit);
    suite_add_tcase(suite, tests);
    return run_suite(suite, true);
}
