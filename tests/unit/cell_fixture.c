// SPDX-License-Identifier: Apache-2.0
#include "cell_fixture.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cell/engine.h"
#include "tools/oclstm/compare.h"
#include "tools/oclstm/reference.h"

// Elements behind the end of each result that must stay as they are, and what they and the unwritten results hold.
enum { GUARD = 16 };
static const double poison = 776.0; // a number of every dtype

static oclstm_device *opened_device;

oclstm_device *fixture_device(void) {
    oclstm_error error = {0};
    if (opened_device == NULL)
        expect_ok(oclstm_device_open(&opened_device, test_device(), &error), &error);
    return opened_device;
}

void fixture_close(void) { oclstm_device_close(&opened_device); }

bool fixture_has_fp64(void) { return oclstm_device_get_info(fixture_device())->has_fp64; }

const oclstm_engine *fixture_engines(oclstm_dtype dtype) {
    static oclstm_engine engines[ENGINE_COUNT];
    char why[256];
    int count = 0;
    for (int id = OCLSTM_ENGINE_AUTO + 1; id < ENGINE_COUNT; id++) {
        const cell_engine *engine = engine_get((oclstm_engine)id);
        if (engine_can(engine, oclstm_device_get_info(fixture_device()), dtype, why, sizeof why))
            engines[count++] = engine->id;
    }
    engines[count] = OCLSTM_ENGINE_AUTO;
    ck_assert_int_gt(count, 0);
    return engines;
}

void *fixture_alloc(size_t count, size_t size_bytes) {
    void *memory = calloc(count > 0 ? count : 1, size_bytes);
    ck_assert_ptr_nonnull(memory);
    return memory;
}

uint64_t fixture_seed(void) {
    static uint64_t seed;
    static bool chosen;
    if (!chosen) {
        const char *given = getenv("OCLSTM_TEST_SEED");
        seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
        chosen = true;
        printf("# OCLSTM_TEST_SEED=%" PRIu64 "\n", seed);
    }
    return seed;
}

// xorshift64*; the library's own generator is another one.
uint64_t fixture_random(void) {
    static uint64_t state;
    if (state == 0)
        state = fixture_seed() * 2 + 1;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Du;
}

double fixture_uniform(double low, double high) { return low + (high - low) * ((double)(fixture_random() >> 11) * 0x1p-53); }

int64_t fixture_pick(const int64_t *values, size_t count) { return values[(fixture_random() >> 33) % count]; }

// The one place where tolerances stand, each with its reason.
double fixture_tolerance(oclstm_dtype dtype) {
    static const struct {
        oclstm_dtype dtype;
        double tolerance;
        const char *reason;
    } table[] = {
        {OCLSTM_F32, 5e-6, "the reference files' own: sums of a few hundred products, 6e-8 each, exp and tanh within 5 ulp"},
        {OCLSTM_F64, 1e-13, "the same sums at 1.1e-16 each; the reference itself is float64"},
        {OCLSTM_F16, 2e-3, "4 units of rounding, 2^-11: of the result, and of h in each step before; sums are float32"},
        {OCLSTM_BF16, 1.6e-2, "4 units of rounding, 2^-8, likewise"},
    };
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        if (table[row].dtype == dtype)
            return table[row].tolerance;
    }
    ck_abort_msg("no tolerance for %s", oclstm_dtype_name(dtype));
    return 0.0;
}

void cell_values_set(cell_values *values, int64_t index, double value) {
    const size_t bytes = oclstm_dtype_size_bytes(values->dtype);
    reference_narrow((char *)values->data + (size_t)index * bytes, &value, values->dtype, 1);
    values->wide[index] = cell_values_get(values, index);
}

double cell_values_get(const cell_values *values, int64_t index) {
    const size_t bytes = oclstm_dtype_size_bytes(values->dtype);
    double value;
    reference_widen(&value, (const char *)values->data + (size_t)index * bytes, values->dtype, 1);
    return value;
}

static oclstm_dtype cell_dtype(const cell_case *shape) { return shape->short_cell ? shape->short_cell : shape->dtype; }

static void make_values(cell_values *out, int64_t count, const cell_case *shape, double bound) {
    const oclstm_dtype dtype = shape->dtype;
    *out = (cell_values){.count = count, .dtype = dtype};
    out->data = fixture_alloc((size_t)count + GUARD, oclstm_dtype_size_bytes(dtype));
    out->wide = fixture_alloc((size_t)count + GUARD, sizeof *out->wide);
    for (int64_t i = 0; i < count + GUARD; i++) {
        double value = bound > 0.0 && i < count ? fixture_uniform(-bound, bound) : poison, rounded = 0.0;
        reference_narrow(&rounded, &value, cell_dtype(shape), 1);
        reference_widen(&value, &rounded, cell_dtype(shape), 1);
        cell_values_set(out, i, value);
    }
}

cell_problem *problem_create(const cell_case *shape) {
    cell_problem *made = fixture_alloc(1, sizeof *made);
    made->shape = *shape;
    const int64_t hidden = shape->hidden, gates = 4 * hidden;
    const int64_t batch = shape->batch > 0 ? shape->batch : 1, steps = shape->steps > 0 ? shape->steps : 1;
    const double bound = 1.0 / sqrt((double)hidden);
    make_values(&made->weights[0], gates * shape->input, shape, bound);
    make_values(&made->weights[1], gates * hidden, shape, bound);
    make_values(&made->weights[2], gates, shape, bound);
    make_values(&made->weights[3], gates, shape, bound);
    make_values(&made->x, steps * batch * shape->input, shape, 2.0);
    make_values(&made->h, batch * hidden, shape, 1.0);
    make_values(&made->c, batch * hidden, shape, 2.0);
    make_values(&made->y, steps * batch * hidden, shape, 0.0);
    make_values(&made->h_out, batch * hidden, shape, 0.0);
    make_values(&made->c_out, batch * hidden, shape, 0.0);
    return made;
}

static void free_values(cell_values *values) {
    free(values->data);
    free(values->wide);
}

void problem_destroy(cell_problem **problem) {
    cell_problem *old = *problem;
    *problem = NULL;
    for (int i = 0; i < 4; i++)
        free_values(&old->weights[i]);
    cell_values *const others[] = {&old->x, &old->h, &old->c, &old->y, &old->h_out, &old->c_out};
    for (int i = 0; i < 6; i++)
        free_values(others[i]);
    free(old);
}

oclstm_cell *problem_cell(const cell_problem *problem, oclstm_device *device) {
    const cell_case *shape = &problem->shape;
    const int64_t gates = 4 * shape->hidden;
    oclstm_cell_params params = {.dtype = cell_dtype(shape), .engine = shape->engine};
    params.weight_ih = oclstm_in_2d(problem->weights[0].data, shape->dtype, gates, shape->input);
    params.weight_hh = oclstm_in_2d(problem->weights[1].data, shape->dtype, gates, shape->hidden);
    if (!shape->no_bias) {
        params.bias_ih = oclstm_in_1d(problem->weights[2].data, shape->dtype, gates);
        params.bias_hh = oclstm_in_1d(problem->weights[3].data, shape->dtype, gates);
    }
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_cell_create(&cell, device, &params, &error), &error);
    ck_assert_ptr_nonnull(cell);
    return cell;
}

// [batch][features], [steps][batch][features] and so on, as the case asks.
static oclstm_array shaped(const cell_case *shape, void *data, bool is_state, int64_t features) {
    oclstm_array out = {.data = data, .dtype = shape->dtype};
    const bool has_steps = shape->steps > 0 && !is_state;
    if (shape->batch > 0 && has_steps && shape->batch_first)
        out.shape[out.rank++] = shape->batch;
    if (has_steps)
        out.shape[out.rank++] = shape->steps;
    if (shape->batch > 0 && !(has_steps && shape->batch_first))
        out.shape[out.rank++] = shape->batch;
    out.shape[out.rank++] = features;
    return out;
}

static oclstm_const_array read_only(oclstm_array array) {
    oclstm_const_array out = {.data = array.data, .dtype = array.dtype, .rank = array.rank};
    memcpy(out.shape, array.shape, sizeof out.shape);
    return out;
}

oclstm_sequence problem_call(cell_problem *problem) {
    const cell_case *shape = &problem->shape;
    oclstm_sequence call = {.batch_first = shape->batch_first};
    call.x = read_only(shaped(shape, problem->x.data, false, shape->input));
    if (!shape->no_state) {
        call.h = read_only(shaped(shape, problem->h.data, true, shape->hidden));
        call.c = read_only(shaped(shape, problem->c.data, true, shape->hidden));
    }
    if (!shape->without_y && shape->steps > 0)
        call.y = shaped(shape, problem->y.data, false, shape->hidden);
    if (!shape->without_h_out)
        call.h_out = shaped(shape, shape->in_place ? problem->h.data : problem->h_out.data, true, shape->hidden);
    if (!shape->without_c_out)
        call.c_out = shaped(shape, shape->in_place ? problem->c.data : problem->c_out.data, true, shape->hidden);
    return call;
}

oclstm_step problem_step(cell_problem *problem) {
    const oclstm_sequence call = problem_call(problem);
    return (oclstm_step){.x = call.x, .h = call.h, .c = call.c, .h_out = call.h_out, .c_out = call.c_out};
}

void problem_run(cell_problem *problem, oclstm_cell *cell) {
    oclstm_error error = {0};
    if (problem->shape.steps > 0) {
        const oclstm_sequence call = problem_call(problem);
        expect_ok(oclstm_cell_sequence(cell, &call, &error), &error);
    } else {
        const oclstm_step call = problem_step(problem);
        expect_ok(oclstm_cell_step(cell, &call, &error), &error);
    }
    if (problem->shape.engine != OCLSTM_ENGINE_AUTO)
        ck_assert_int_eq(oclstm_cell_last_engine(cell), problem->shape.engine);
}

void problem_solve(cell_problem *problem) {
    const cell_case *shape = &problem->shape;
    const reference_cell exact = {shape->input,
                                  shape->hidden,
                                  problem->weights[0].wide,
                                  problem->weights[1].wide,
                                  shape->no_bias ? NULL : problem->weights[2].wide,
                                  shape->no_bias ? NULL : problem->weights[3].wide};
    ck_assert(reference_sequence(&exact, shape->steps > 0 ? shape->steps : 1, shape->batch > 0 ? shape->batch : 1,
                                 shape->batch_first && shape->batch > 0, problem->x.wide, shape->no_state ? NULL : problem->h.wide,
                                 shape->no_state ? NULL : problem->c.wide, problem->y.wide, problem->h_out.wide,
                                 problem->c_out.wide));
}

static void compare_values(const cell_problem *problem, const cell_values *values, const void *data, const char *name,
                           const char *engine) {
    const cell_case *shape = &problem->shape;
    const double tolerance = fixture_tolerance(cell_dtype(shape));
    double *got = fixture_alloc((size_t)(values->count + GUARD), sizeof *got);
    comparison worst = {0};
    reference_widen(got, data, shape->dtype, values->count + GUARD);
    compare_add(&worst, name, got, values->wide, values->count);
    bool guarded = true;
    for (int64_t i = values->count; i < values->count + GUARD; i++)
        guarded = guarded && got[i] == poison;
    free(got);
    ck_assert_msg(guarded, "%s was written beyond its end", name);
    ck_assert_msg(compare_within(&worst, tolerance),
                  "%s[%" PRId64 "] is %.17g, expected %.17g: error %.3g, allowed %.3g, %" PRId64 " misplaced; input %" PRId64
                  ", hidden %" PRId64 ", batch %" PRId64 ", steps %" PRId64
                  "%s%s%s%s, %s, engine %s on %s, OCLSTM_TEST_SEED=%" PRIu64,
                  name, worst.index, worst.got, worst.expected, worst.error, tolerance, worst.misplaced, shape->input,
                  shape->hidden, shape->batch, shape->steps, shape->batch_first ? ", batch first" : "",
                  shape->no_bias ? ", no bias" : "", shape->no_state ? ", no state" : "", shape->in_place ? ", in place" : "",
                  oclstm_dtype_name(shape->dtype), engine, oclstm_device_get_info(fixture_device())->name, fixture_seed());
}

void problem_compare(const cell_problem *problem, const oclstm_cell *cell) {
    const cell_case *shape = &problem->shape;
    const char *engine = oclstm_engine_name(oclstm_cell_last_engine(cell));
    if (shape->steps > 0 && !shape->without_y)
        compare_values(problem, &problem->y, problem->y.data, "y", engine);
    if (!shape->without_h_out)
        compare_values(problem, &problem->h_out, shape->in_place ? problem->h.data : problem->h_out.data, "h_out", engine);
    if (!shape->without_c_out)
        compare_values(problem, &problem->c_out, shape->in_place ? problem->c.data : problem->c_out.data, "c_out", engine);
}

void check_case(const cell_case *shape) {
    cell_problem *problem = problem_create(shape);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    problem_solve(problem);
    problem_run(problem, cell);
    problem_compare(problem, cell);
    oclstm_cell_destroy(&cell);
    ck_assert_ptr_null(cell);
    problem_destroy(&problem);
}

void expect_failure_at(int line, oclstm_status got, const oclstm_error *error, oclstm_status wanted, const char *const *texts) {
    ck_assert_msg(got == wanted, "line %d: %s, expected %s; message: %s", line, oclstm_status_name(got), oclstm_status_name(wanted),
                  got == OCLSTM_OK ? "" : error->message);
    ck_assert_msg(error->status == wanted, "line %d: the record says %s", line, oclstm_status_name(error->status));
    for (; *texts != NULL; texts++)
        ck_assert_msg(strstr(error->message, *texts) != NULL, "line %d: '%s' is not in the message: %s", line, *texts,
                      error->message);
}

Suite *fixture_suite(const char *name, const TTest *const *tests, size_t count) {
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    tcase_add_unchecked_fixture(cases, NULL, fixture_close);
    tcase_set_timeout(cases, 0.0);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return suite;
}
