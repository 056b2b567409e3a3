// SPDX-License-Identifier: Apache-2.0
// Sequences against the reference: shapes around tile edges, time slices, kept plans, two threads on one device.
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "cell/cell_borrow.h"
#include "cell/plan.h"
#include "cell_fixture.h"

static const int64_t sizes[] = {1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129};
static const int64_t batches[] = {1, 2, 3, 4, 5, 8, 16, 17, 33};
static const int64_t lengths[] = {1, 2, 3, 5, 33};
enum {
    SIZES = sizeof sizes / sizeof sizes[0],
    BATCHES = sizeof batches / sizeof batches[0],
    LENGTHS = sizeof lengths / sizeof lengths[0]
};

static void check_tile_edges_of(oclstm_dtype dtype, oclstm_engine engine) {
    for (int h = 0; h < SIZES; h++) {
        for (int k = 0; k < 2; k++) {
            const cell_case shape = {.input = sizes[(h * 5 + k * 7 + 3) % SIZES],
                                     .hidden = sizes[h],
                                     .batch = batches[(h * 2 + k * 5) % BATCHES],
                                     .steps = lengths[(h + k * 3) % LENGTHS],
                                     .dtype = dtype,
                                     .engine = engine,
                                     .batch_first = (h / 2 + k) % 2 == 1,
                                     .no_bias = (h + k) % 5 == 4};
            check_case(&shape);
        }
    }
}

static void check_tile_edges(oclstm_dtype dtype) {
    for (const oclstm_engine *engine = fixture_engines(dtype); *engine != OCLSTM_ENGINE_AUTO; engine++)
        check_tile_edges_of(dtype, *engine);
}

START_TEST(float32_tile_edges) { check_tile_edges(OCLSTM_F32); }
END_TEST

START_TEST(float64_tile_edges) {
    if (fixture_has_fp64())
        check_tile_edges(OCLSTM_F64);
}
END_TEST

// Large arrays are used where they lie; here all count as large. Slices and both orders too.
START_TEST(arrays_used_in_place) {
    const size_t bytes = cell_borrow_bytes, slice = plan_slice_bytes;
    cell_borrow_bytes = 0;
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int i = 0; i < 24; i++) {
            plan_slice_bytes = i % 3 == 0 ? 1 : slice;
            const cell_case shape = {.input = 1 + i % 7,
                                     .hidden = 1 + i * 3 % 23,
                                     .batch = i % 5,
                                     .steps = 1 + i % 4,
                                     .engine = *engine,
                                     .batch_first = i % 2 == 1,
                                     .no_state = i % 3 == 1,
                                     .in_place = i % 3 == 2};
            check_case(&shape);
        }
    }
    cell_borrow_bytes = bytes;
    plan_slice_bytes = slice;
}
END_TEST

// Every length with every small batch, in both orders, without a batch dimension too (where batch_first changes nothing).
START_TEST(lengths_and_orders) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int l = 0; l < LENGTHS; l++) {
            for (int64_t batch = 0; batch < 4; batch++) {
                for (int order = 0; order < 2; order++) {
                    const cell_case shape = {
                        .input = 3, .hidden = 5, .batch = batch, .steps = lengths[l], .engine = *engine, .batch_first = order == 1};
                    check_case(&shape);
                }
            }
        }
    }
}
END_TEST

START_TEST(absent_arrays) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int mask = 0; mask < 32; mask++) {
            const cell_case shape = {.input = 6,
                                     .hidden = 10,
                                     .batch = 3,
                                     .steps = mask & 16 ? 1 : 4,
                                     .engine = *engine,
                                     .without_y = (mask & 1) != 0,
                                     .without_h_out = (mask & 2) != 0,
                                     .without_c_out = (mask & 4) != 0,
                                     .no_state = (mask & 8) != 0};
            check_case(&shape);
        }
    }
}
END_TEST

START_TEST(results_in_the_memory_of_h_and_c) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int64_t steps = 1; steps < 6; steps += 4) {
            const cell_case shape = {.input = 5, .hidden = 17, .batch = 3, .steps = steps, .engine = *engine, .in_place = true};
            check_case(&shape);
        }
    }
}
END_TEST

// --- time slices --------------------------------------------------------------------------------------------------------

// Runs the case with slices of `slice_steps` steps.
static void check_sliced(const cell_case *shape, size_t slice_steps) {
    const size_t kept = plan_slice_bytes;
    const size_t gates = 4 * (size_t)shape->hidden, row = gates > (size_t)shape->input ? gates : (size_t)shape->input;
    const size_t batch = shape->batch > 0 ? (size_t)shape->batch : 1;
    cell_problem *problem = problem_create(shape);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    problem_solve(problem);
    plan_slice_bytes = slice_steps * batch * row * oclstm_dtype_size_bytes(shape->dtype);
    problem_run(problem, cell);
    plan_slice_bytes = kept;
    ck_assert_uint_eq(cell->plans[0]->capacity_steps, slice_steps); // the case does reach what it is about
    problem_compare(problem, cell);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}

// 7 steps in slices of 1 to 6: a last slice that is shorter, or not.
START_TEST(slices) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int order = 0; order < 2; order++) {
            for (size_t slice_steps = 1; slice_steps < 7; slice_steps++) {
                for (int64_t batch = 0; batch < 4; batch++) {
                    const cell_case shape = {.input = batch == 2 ? 50 : 3, // 50: x is the largest row
                                             .hidden = 6,
                                             .batch = batch,
                                             .steps = 7,
                                             .engine = *engine,
                                             .batch_first = order == 1,
                                             .in_place = batch == 3};
                    check_sliced(&shape, slice_steps);
                }
            }
        }
    }
}
END_TEST

START_TEST(slices_with_absent_arrays) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int mask = 0; mask < 16; mask++) {
            const cell_case shape = {.input = 4,
                                     .hidden = 9,
                                     .batch = 2,
                                     .steps = 5,
                                     .engine = *engine,
                                     .batch_first = mask % 3 == 0,
                                     .without_y = (mask & 1) != 0,
                                     .without_h_out = (mask & 2) != 0,
                                     .without_c_out = (mask & 4) != 0,
                                     .no_state = (mask & 8) != 0};
            check_sliced(&shape, 2);
        }
    }
}
END_TEST

START_TEST(slices_in_float64) {
    if (!fixture_has_fp64())
        return;
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        const cell_case shape = {
            .input = 33, .hidden = 17, .batch = 5, .steps = 11, .engine = *engine, .batch_first = true, .dtype = OCLSTM_F64};
        check_sliced(&shape, 3);
    }
}
END_TEST

// A slice holds at least a step, however small the bound.
START_TEST(slice_bound_below_one_step) {
    const cell_case shape = {.input = 4, .hidden = 9, .batch = 2, .steps = 3};
    const size_t kept = plan_slice_bytes;
    plan_slice_bytes = 1;
    check_case(&shape);
    plan_slice_bytes = kept;
}
END_TEST

// The rounding does not depend on the slices: portable computes each row by itself.
START_TEST(slices_give_the_same_bits) {
    const cell_case shape = {.input = 20, .hidden = 24, .batch = 3, .steps = 9, .engine = OCLSTM_ENGINE_PORTABLE};
    const size_t kept = plan_slice_bytes;
    cell_problem *problem = problem_create(&shape);
    const size_t y_bytes = (size_t)problem->y.count * sizeof(float);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    void *whole = fixture_alloc(1, y_bytes);
    plan_slice_bytes = 2 * 3 * 96 * sizeof(float);
    problem_run(problem, cell);
    memcpy(whole, problem->y.data, y_bytes);
    plan_slice_bytes = kept;
    memset(problem->y.data, 0, y_bytes);
    problem_run(problem, cell);
    ck_assert_mem_eq(whole, problem->y.data, y_bytes);
    free(whole);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

// --- values ---------------------------------------------------------------------------------------------------------------

// NaN and infinity in the middle of x, and in h and c: from there on in that batch row, and nowhere else.
START_TEST(nan_and_infinity) {
    static const double values[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int part = 0; part < 3; part++) {
            for (int v = 0; v < 3; v++) {
                const cell_case shape = {.input = 5, .hidden = 35, .batch = 3, .steps = 6, .engine = *engine};
                cell_problem *problem = problem_create(&shape);
                cell_values *const parts[] = {&problem->x, &problem->h, &problem->c};
                cell_values_set(parts[part], parts[part]->count / 2 + 1, values[v]);
                oclstm_cell *cell = problem_cell(problem, fixture_device());
                problem_solve(problem);
                problem_run(problem, cell);
                problem_compare(problem, cell);
                oclstm_cell_destroy(&cell);
                problem_destroy(&problem);
            }
        }
    }
}
END_TEST

// AUTO included.
static oclstm_engine random_engine(void) {
    const oclstm_engine *engines = fixture_engines(OCLSTM_F32);
    size_t count = 1;
    while (engines[count - 1] != OCLSTM_ENGINE_AUTO)
        count++;
    return engines[fixture_random() % count];
}

START_TEST(random_shapes) {
    for (int i = 0; i < 40; i++) {
        const cell_case shape = {.input = 1 + (int64_t)(fixture_random() % 140),
                                 .hidden = 1 + (int64_t)(fixture_random() % 140),
                                 .batch = (int64_t)(fixture_random() % 20),
                                 .steps = 1 + (int64_t)(fixture_random() % 12),
                                 .dtype = fixture_has_fp64() && fixture_random() % 3 == 0 ? OCLSTM_F64 : OCLSTM_F32,
                                 .engine = random_engine(),
                                 .batch_first = fixture_random() % 2 == 0,
                                 .no_bias = fixture_random() % 4 == 0,
                                 .no_state = fixture_random() % 4 == 0};
        const size_t slice_steps = 1 + (size_t)(fixture_random() % (uint64_t)shape.steps);
        check_sliced(&shape, slice_steps);
    }
}
END_TEST

// Two cells, each in its own thread, on one device. Check's assertions belong to the main thread, so results are compared there.
typedef struct worker {
    oclstm_cell *cell;
    oclstm_sequence call;
    oclstm_status status;
    oclstm_error error;
} worker;

static void *work(void *argument) {
    worker *own = argument;
    for (int i = 0; i < 25 && own->status == OCLSTM_OK; i++)
        own->status = oclstm_cell_sequence(own->cell, &own->call, &own->error);
    return NULL;
}

START_TEST(two_threads_on_one_device) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        const cell_case shapes[2] = {{.input = 20, .hidden = 33, .batch = 3, .steps = 9, .engine = *engine},
                                     {.input = 7, .hidden = 65, .batch = 5, .steps = 6, .engine = *engine, .batch_first = true}};
        cell_problem *problems[2];
        worker workers[2] = {{0}, {0}};
        pthread_t threads[2];
        for (int i = 0; i < 2; i++) {
            problems[i] = problem_create(&shapes[i]);
            problem_solve(problems[i]);
            workers[i].cell = problem_cell(problems[i], fixture_device());
            workers[i].call = problem_call(problems[i]);
        }
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        for (int i = 0; i < 2; i++) {
            expect_ok(workers[i].status, &workers[i].error);
            problem_compare(problems[i], workers[i].cell);
            oclstm_cell_destroy(&workers[i].cell);
            problem_destroy(&problems[i]);
        }
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {float32_tile_edges,
                                  float64_tile_edges,
                                  arrays_used_in_place,
                                  lengths_and_orders,
                                  absent_arrays,
                                  results_in_the_memory_of_h_and_c,
                                  slices,
                                  slices_with_absent_arrays,
                                  slices_in_float64,
                                  slice_bound_below_one_step,
                                  slices_give_the_same_bits,
                                  nan_and_infinity,
                                  random_shapes,
                                  two_threads_on_one_device};
    return run_suite(fixture_suite("cell_sequence", tests, sizeof tests / sizeof tests[0]), true);
}
