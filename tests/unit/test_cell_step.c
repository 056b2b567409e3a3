// SPDX-License-Identifier: Apache-2.0
// One step against the reference: shapes around every tile edge, both engines, both dtypes, and what may be absent.
#include <math.h>

#include "cell_fixture.h"

// Sizes around the edges of work-groups, vectors and sum blocks.
static const int64_t sizes[] = {1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129};
static const int64_t batches[] = {1, 2, 3, 4, 5, 8, 16, 17, 33};
enum { SIZES = sizeof sizes / sizeof sizes[0], BATCHES = sizeof batches / sizeof batches[0] };

// Every hidden size meets `BATCHES / 3` batches and as many input sizes; over all of them every pair of neighbours occurs.
static void check_tile_edges_of(oclstm_dtype dtype, oclstm_engine engine) {
    for (int h = 0; h < SIZES; h++) {
        for (int k = 0; k < 3; k++) {
            const cell_case shape = {.input = sizes[(h * 7 + k * 5) % SIZES],
                                     .hidden = sizes[h],
                                     .batch = batches[(h + k * 4) % BATCHES],
                                     .dtype = dtype,
                                     .engine = engine,
                                     .no_bias = (h + k) % 4 == 3};
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

START_TEST(without_a_batch_dimension) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int h = 0; h < SIZES; h += 4) {
            const cell_case shape = {.input = sizes[SIZES - 1 - h], .hidden = sizes[h], .engine = *engine};
            check_case(&shape);
        }
    }
}
END_TEST

// h and c absent means zero, also right after a call that left other values in the cell's own buffers.
START_TEST(absent_state_is_zero) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int64_t batch = 0; batch < 4; batch += 3) {
            const cell_case with = {.input = 5, .hidden = 9, .batch = batch, .engine = *engine};
            cell_problem *problem = problem_create(&with);
            oclstm_cell *cell = problem_cell(problem, fixture_device());
            problem_run(problem, cell);
            problem->shape.no_state = true;
            problem_solve(problem);
            problem_run(problem, cell);
            problem_compare(problem, cell);
            oclstm_cell_destroy(&cell);
            problem_destroy(&problem);
        }
    }
}
END_TEST

START_TEST(absent_results) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int mask = 0; mask < 8; mask++) {
            const cell_case shape = {.input = 6,
                                     .hidden = 10,
                                     .batch = 3,
                                     .engine = *engine,
                                     .without_h_out = (mask & 1) != 0,
                                     .without_c_out = (mask & 2) != 0,
                                     .no_state = (mask & 4) != 0};
            check_case(&shape);
        }
    }
}
END_TEST

// A result that nobody asked for is not written.
START_TEST(absent_results_stay_untouched) {
    const cell_case shape = {.input = 6, .hidden = 10, .batch = 3, .without_h_out = true, .without_c_out = true};
    cell_problem *problem = problem_create(&shape);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    const double h = cell_values_get(&problem->h, 0), c = cell_values_get(&problem->c, 0);
    const double before = cell_values_get(&problem->h_out, 0);
    problem_run(problem, cell);
    ck_assert(cell_values_get(&problem->h_out, 0) == before && cell_values_get(&problem->c_out, 0) == before);
    ck_assert(cell_values_get(&problem->h, 0) == h && cell_values_get(&problem->c, 0) == c);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

START_TEST(results_in_the_memory_of_h_and_c) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int64_t batch = 0; batch < 18; batch += 17) {
            const cell_case shape = {.input = 5, .hidden = 33, .batch = batch, .engine = *engine, .in_place = true};
            check_case(&shape);
        }
    }
}
END_TEST

// The frameworks' usual loop: h, c = cell(x, (h, c)).
START_TEST(results_fed_back_many_times) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        const cell_case shape = {.input = 4, .hidden = 12, .batch = 2, .engine = *engine, .in_place = true};
        cell_problem *problem = problem_create(&shape);
        oclstm_cell *cell = problem_cell(problem, fixture_device());
        for (int step = 0; step < 20; step++) {
            for (int64_t i = 0; i < problem->h.count; i++) {
                cell_values_set(&problem->h, i, cell_values_get(&problem->h, i));
                cell_values_set(&problem->c, i, cell_values_get(&problem->c, i));
            }
            problem_solve(problem);
            problem_run(problem, cell);
            problem_compare(problem, cell);
        }
        oclstm_cell_destroy(&cell);
        problem_destroy(&problem);
    }
}
END_TEST

// NaN and infinity are data: they must come out exactly where the reference's do. One row each, the other rows untouched.
START_TEST(nan_and_infinity) {
    static const double values[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int part = 0; part < 3; part++) {
            for (int v = 0; v < 3; v++) {
                const cell_case shape = {.input = 37, .hidden = 35, .batch = 5, .engine = *engine, .dtype = OCLSTM_F32};
                cell_problem *problem = problem_create(&shape);
                cell_values *const parts[] = {&problem->x, &problem->h, &problem->c};
                cell_values_set(parts[part], 2 * (parts[part]->count / 5) + 30, values[v]);
                oclstm_cell *cell = problem_cell(problem, fixture_device());
                problem_solve(problem);
                // NaN anywhere, and infinity in c, reach the result; infinity in x and h saturates gates.
                int finite = 0;
                for (int64_t i = 0; i < problem->c_out.count; i++)
                    finite += isfinite(problem->c_out.wide[i]) != 0;
                if (isnan(values[v]) || part == 2)
                    ck_assert_int_lt(finite, (int)problem->c_out.count);
                problem_run(problem, cell);
                problem_compare(problem, cell);
                oclstm_cell_destroy(&cell);
                problem_destroy(&problem);
            }
        }
    }
}
END_TEST

// Finite arguments far outside saturate: no NaN from exp's overflow.
START_TEST(huge_finite_values_saturate) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        const cell_case shape = {.input = 3, .hidden = 8, .batch = 4, .engine = *engine};
        cell_problem *problem = problem_create(&shape);
        for (int64_t i = 0; i < problem->x.count; i++)
            cell_values_set(&problem->x, i, i % 2 ? 1e30 : -1e30);
        oclstm_cell *cell = problem_cell(problem, fixture_device());
        problem_solve(problem);
        problem_run(problem, cell);
        problem_compare(problem, cell);
        oclstm_cell_destroy(&cell);
        problem_destroy(&problem);
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
        const cell_case shape = {.input = 1 + (int64_t)(fixture_random() % 150),
                                 .hidden = 1 + (int64_t)(fixture_random() % 150),
                                 .batch = (int64_t)(fixture_random() % 40),
                                 .dtype = fixture_has_fp64() && fixture_random() % 3 == 0 ? OCLSTM_F64 : OCLSTM_F32,
                                 .engine = random_engine(),
                                 .no_bias = fixture_random() % 4 == 0,
                                 .no_state = fixture_random() % 4 == 0};
        check_case(&shape);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {float32_tile_edges,
                                  float64_tile_edges,
                                  without_a_batch_dimension,
                                  absent_state_is_zero,
                                  absent_results,
                                  absent_results_stay_untouched,
                                  results_in_the_memory_of_h_and_c,
                                  results_fed_back_many_times,
                                  nan_and_infinity,
                                  huge_finite_values_saturate,
                                  random_shapes};
    return run_suite(fixture_suite("cell_step", tests, sizeof tests / sizeof tests[0]), true);
}
