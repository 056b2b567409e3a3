// SPDX-License-Identifier: Apache-2.0
// Making cells: from arrays of every dtype and from a seed. Weights are read back and compared.
#include <math.h>
#include <stdlib.h>

#include "cell_fixture.h"

// --- weights in, weights out ------------------------------------------------------------------------------------------------

// Reads all four arrays back and compares their bytes with the problem's.
static void check_read_back(const cell_problem *problem, oclstm_cell *cell) {
    const cell_case *shape = &problem->shape;
    const int64_t gates = 4 * shape->hidden;
    oclstm_array arrays[4];
    oclstm_error error = {0};
    for (int i = 0; i < 4; i++) {
        void *data = fixture_alloc((size_t)problem->weights[i].count, oclstm_dtype_size_bytes(shape->dtype));
        arrays[i] = i < 2 ? oclstm_out_2d(data, shape->dtype, gates, i == 0 ? shape->input : shape->hidden)
                          : oclstm_out_1d(data, shape->dtype, gates);
    }
    const oclstm_array *const bias_ih = shape->no_bias ? NULL : &arrays[2], *const bias_hh = shape->no_bias ? NULL : &arrays[3];
    expect_ok(oclstm_cell_read_weights(cell, &arrays[0], &arrays[1], bias_ih, bias_hh, &error), &error);
    for (int i = 0; i < 4; i++) {
        if (i < 2 || !shape->no_bias)
            ck_assert_mem_eq(arrays[i].data, problem->weights[i].data,
                             (size_t)problem->weights[i].count * oclstm_dtype_size_bytes(shape->dtype));
        free(arrays[i].data);
    }
}

START_TEST(weights_come_back) {
    for (int dtype = OCLSTM_F32; dtype <= (fixture_has_fp64() ? OCLSTM_F64 : OCLSTM_F32); dtype++) {
        for (int no_bias = 0; no_bias < 2; no_bias++) {
            const cell_case shape = {
                .input = 300, .hidden = 70, .batch = 2, .dtype = (oclstm_dtype)dtype, .no_bias = no_bias == 1}; // several chunks
            cell_problem *problem = problem_create(&shape);
            oclstm_cell *cell = problem_cell(problem, fixture_device());
            check_read_back(problem, cell);
            problem_run(problem, cell); // packing leaves them alone
            check_read_back(problem, cell);
            oclstm_cell_destroy(&cell);
            problem_destroy(&problem);
        }
    }
}
END_TEST

START_TEST(params_are_resolved) {
    const cell_case shape = {.input = 5, .hidden = 3};
    cell_problem *problem = problem_create(&shape);
    oclstm_cell_params given = {.state_required = true, .engine = OCLSTM_ENGINE_PORTABLE, .seed = 9};
    given.weight_ih = oclstm_in_2d(problem->weights[0].data, OCLSTM_F32, 12, 5);
    given.weight_hh = oclstm_in_2d(problem->weights[1].data, OCLSTM_F32, 12, 3);
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_cell_create(&cell, fixture_device(), &given, &error), &error);
    const oclstm_cell_params got = oclstm_cell_get_params(cell);
    ck_assert_int_eq(got.input_size, 5);
    ck_assert_int_eq(got.hidden_size, 3);
    ck_assert_int_eq(got.dtype, OCLSTM_F32);
    ck_assert(got.no_bias && got.state_required && got.engine == OCLSTM_ENGINE_PORTABLE && got.seed == 9);
    ck_assert_ptr_null(got.weight_ih.data);
    ck_assert_ptr_null(got.weight_hh.data);
    ck_assert_ptr_null(got.bias_ih.data);
    ck_assert_ptr_null(got.bias_hh.data);
    oclstm_cell_destroy(&cell);
    given.input_size = 5, given.hidden_size = 3; // given and right
    expect_ok(oclstm_cell_create(&cell, fixture_device(), &given, &error), &error);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
    ck_assert_int_eq(oclstm_cell_get_params(NULL).hidden_size, 0);
}
END_TEST

// --- conversion ---------------------------------------------------------------------------------------------------------------

// The value of a half-precision pattern by the definition of its format.
static double decode(unsigned bits, int exponent_bits, int mantissa_bits) {
    const int bias = (1 << (exponent_bits - 1)) - 1, top = (1 << exponent_bits) - 1;
    const int exponent = (int)(bits >> mantissa_bits) & top, mantissa = (int)bits & ((1 << mantissa_bits) - 1);
    const double sign = bits & 0x8000U ? -1.0 : 1.0;
    if (exponent == top)
        return mantissa != 0 ? (double)NAN : sign * (double)INFINITY;
    if (exponent == 0)
        return sign * ldexp(mantissa, 1 - bias - mantissa_bits);
    return sign * ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
}

static bool same_value(double a, double b) { return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b)); }

// All 65536 patterns, subnormals, infinities and NaN among them, and some of them again, so that the conversion goes through more
// than one chunk; exact in either dtype.
static void check_half(oclstm_dtype stored, int exponent_bits, int mantissa_bits) {
    enum { HIDDEN = 64, GATES = 4 * HIDDEN, INPUT = 300, COUNT = GATES * INPUT };
    uint16_t *patterns = fixture_alloc(COUNT, sizeof *patterns);
    for (unsigned i = 0; i < COUNT; i++)
        patterns[i] = (uint16_t)i;
    for (int dtype = OCLSTM_F32; dtype <= (fixture_has_fp64() ? OCLSTM_F64 : OCLSTM_F32); dtype++) {
        oclstm_cell_params params = {.dtype = (oclstm_dtype)dtype};
        params.weight_ih = oclstm_in_2d(patterns, stored, GATES, INPUT);
        params.weight_hh = oclstm_in_2d(patterns, stored, GATES, HIDDEN);
        params.bias_ih = params.bias_hh = oclstm_in_1d(patterns, stored, GATES);
        oclstm_cell *cell = NULL;
        oclstm_error error = {0};
        expect_ok(oclstm_cell_create(&cell, fixture_device(), &params, &error), &error);
        cell_values got = {.dtype = (oclstm_dtype)dtype, .data = fixture_alloc(COUNT, sizeof(double))};
        double bias[GATES];
        const oclstm_array weight_ih = oclstm_out_2d(got.data, got.dtype, GATES, INPUT);
        const oclstm_array bias_hh = oclstm_out_1d(bias, got.dtype, GATES);
        expect_ok(oclstm_cell_read_weights(cell, &weight_ih, NULL, NULL, &bias_hh, &error), &error);
        for (int i = 0; i < COUNT; i++) {
            const double expected = decode(patterns[i], exponent_bits, mantissa_bits);
            ck_assert_msg(same_value(cell_values_get(&got, i), expected), "%s %#x at %d is read as %.17g, expected %.17g",
                          oclstm_dtype_name(stored), patterns[i], i, cell_values_get(&got, i), expected);
        }
        const cell_values biases = {.dtype = got.dtype, .data = bias};
        for (int i = 0; i < GATES; i++)
            ck_assert(same_value(cell_values_get(&biases, i), decode(patterns[i], exponent_bits, mantissa_bits)));
        free(got.data);
        oclstm_cell_destroy(&cell);
    }
    free(patterns);
}

START_TEST(every_float16_weight) { check_half(OCLSTM_F16, 5, 10); }
END_TEST

START_TEST(every_bfloat16_weight) { check_half(OCLSTM_BF16, 8, 7); }
END_TEST

// Wide into narrow rounds to nearest, narrow into wide is exact; each array may have its own dtype.
START_TEST(mixed_float32_and_float64_weights) {
    if (!fixture_has_fp64())
        return;
    double wide[4] = {0.1, -1.0 / 3.0, 1e-42, 3.5e38};
    float narrow[4] = {0.1F, -2.5F, 1e-42F, 3e38F}, as_float[4];
    double as_double[4];
    oclstm_error error = {0};
    oclstm_cell_params params = {.weight_ih = oclstm_in_2d(wide, OCLSTM_F64, 4, 1),
                                 .weight_hh = oclstm_in_2d(narrow, OCLSTM_F32, 4, 1)};
    oclstm_cell *cell = NULL;
    expect_ok(oclstm_cell_create(&cell, fixture_device(), &params, &error), &error);
    const oclstm_array narrow_out = oclstm_out_2d(as_float, OCLSTM_F32, 4, 1);
    expect_ok(oclstm_cell_read_weights(cell, &narrow_out, NULL, NULL, NULL, &error), &error);
    ck_assert(as_float[0] == 0.1F && as_float[1] == (float)(-1.0 / 3.0) && as_float[2] == 1e-42F && isinf(as_float[3]));
    oclstm_cell_destroy(&cell);
    params.dtype = OCLSTM_F64;
    expect_ok(oclstm_cell_create(&cell, fixture_device(), &params, &error), &error);
    const oclstm_array wide_out = oclstm_out_2d(as_double, OCLSTM_F64, 4, 1);
    expect_ok(oclstm_cell_read_weights(cell, NULL, &wide_out, NULL, NULL, &error), &error);
    for (int i = 0; i < 4; i++)
        ck_assert(as_double[i] == (double)narrow[i]);
    oclstm_cell_destroy(&cell);
}
END_TEST

// --- fresh weights ------------------------------------------------------------------------------------------------------------

enum { FRESH_INPUT = 300, FRESH_HIDDEN = 100, FRESH_GATES = 400 };
enum {
    FRESH_IH = FRESH_GATES * FRESH_INPUT,
    FRESH_HH = FRESH_GATES * FRESH_HIDDEN,
    FRESH_ALL = FRESH_IH + FRESH_HH + 2 * FRESH_GATES
};

// The four arrays of a fresh cell behind each other, in double precision; free() them.
static double *fresh_weights(uint64_t seed, oclstm_dtype dtype) {
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_cell_create(&cell, fixture_device(),
                                 OCLSTM_CELL(.input_size = FRESH_INPUT, .hidden_size = FRESH_HIDDEN, .seed = seed, .dtype = dtype),
                                 &error),
              &error);
    char *raw = fixture_alloc(FRESH_ALL, sizeof(double));
    const size_t size = oclstm_dtype_size_bytes(dtype);
    const oclstm_array weight_ih = oclstm_out_2d(raw, dtype, FRESH_GATES, FRESH_INPUT);
    const oclstm_array weight_hh = oclstm_out_2d(raw + FRESH_IH * size, dtype, FRESH_GATES, FRESH_HIDDEN);
    const oclstm_array bias_ih = oclstm_out_1d(raw + (FRESH_IH + FRESH_HH) * size, dtype, FRESH_GATES);
    const oclstm_array bias_hh = oclstm_out_1d(raw + (FRESH_IH + FRESH_HH + FRESH_GATES) * size, dtype, FRESH_GATES);
    expect_ok(oclstm_cell_read_weights(cell, &weight_ih, &weight_hh, &bias_ih, &bias_hh, &error), &error);
    oclstm_cell_destroy(&cell);
    const cell_values values = {.dtype = dtype, .data = raw};
    double *out = fixture_alloc(FRESH_ALL, sizeof *out);
    for (int64_t i = 0; i < FRESH_ALL; i++)
        out[i] = cell_values_get(&values, i);
    free(raw);
    return out;
}

// Mean 0 and variance bound^2 / 3 of a uniform distribution, each within five standard deviations of the estimate.
static void check_uniform(const double *values, int count, double bound) {
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < count; i++) {
        ck_assert_msg(fabs(values[i]) <= bound * (1.0 + 1e-7), "weight %d is %g, beyond %g", i, values[i], bound);
        sum += values[i];
        squares += values[i] * values[i];
    }
    const double variance = bound * bound / 3.0;
    ck_assert_double_lt(fabs(sum / count), 5.0 * sqrt(variance / count));
    ck_assert_double_lt(fabs(squares / count - variance), 5.0 * sqrt(4.0 / 45.0 / count) * bound * bound);
}

START_TEST(fresh_weights_are_uniform) {
    double *values = fresh_weights(1, OCLSTM_F32);
    const double bound = 1.0 / sqrt(FRESH_HIDDEN);
    check_uniform(values, FRESH_IH, bound);
    check_uniform(values + FRESH_IH, FRESH_HH, bound);
    check_uniform(values + FRESH_IH + FRESH_HH, FRESH_GATES, bound);
    check_uniform(values + FRESH_IH + FRESH_HH + FRESH_GATES, FRESH_GATES, bound);
    // No stretch of one array is that of another, nor comes again after a chunk.
    const int starts[] = {0, 65536, FRESH_IH, FRESH_IH + FRESH_HH, FRESH_IH + FRESH_HH + FRESH_GATES};
    for (int a = 0; a < 5; a++) {
        for (int b = 0; b < a; b++)
            ck_assert_mem_ne(values + starts[a], values + starts[b], 8 * sizeof *values);
    }
    free(values);
}
END_TEST

START_TEST(fresh_weights_follow_the_seed) {
    double *first = fresh_weights(42, OCLSTM_F32), *again = fresh_weights(42, OCLSTM_F32), *other = fresh_weights(43, OCLSTM_F32);
    ck_assert_mem_eq(first, again, FRESH_ALL * sizeof *first);
    int same = 0;
    for (int i = 0; i < FRESH_ALL; i++)
        same += first[i] == other[i];
    ck_assert_int_lt(same, FRESH_ALL / 1000);
    if (fixture_has_fp64()) { // the same numbers, rounded
        double *wide = fresh_weights(42, OCLSTM_F64);
        for (int i = 0; i < FRESH_ALL; i++)
            ck_assert(first[i] == (double)(float)wide[i]);
        free(wide);
    }
    free(first);
    free(again);
    free(other);
}
END_TEST

// The generator is part of the interface: a seed names the same weights in every build.
START_TEST(fresh_weights_stay_what_they_are) {
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    float got[4];
    expect_ok(oclstm_cell_create(&cell, fixture_device(), OCLSTM_CELL(.input_size = 1, .hidden_size = 1, .seed = 0), &error),
              &error);
    const oclstm_array weight_ih = oclstm_out_2d(got, OCLSTM_F32, 4, 1);
    expect_ok(oclstm_cell_read_weights(cell, &weight_ih, NULL, NULL, NULL, &error), &error);
    // SplitMix64's published first outputs for seed 0.
    static const uint64_t published[] = {0xE220A8397B1DCDAFu, 0x6E789E6AA1B965F4u, 0x06C45D188009454Fu, 0xF88BB8A8724C81ECu};
    for (int i = 0; i < 4; i++)
        ck_assert(got[i] == (float)((double)(published[i] >> 11) * 0x1p-52 - 1.0));
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(fresh_weights_without_bias) {
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    float bias[12];
    expect_ok(oclstm_cell_create(&cell, fixture_device(), OCLSTM_CELL(.input_size = 2, .hidden_size = 3, .no_bias = true), &error),
              &error);
    ck_assert(oclstm_cell_get_params(cell).no_bias);
    const oclstm_array array = oclstm_out_1d(bias, OCLSTM_F32, 12);
    expect_failure(oclstm_cell_read_weights(cell, NULL, NULL, NULL, &array, &error), &error, OCLSTM_INVALID_ARGUMENT, "bias_hh",
                   "no bias");
    oclstm_cell_destroy(&cell);
}
END_TEST

// --- life ---------------------------------------------------------------------------------------------------------------------

START_TEST(destroy_accepts_null) {
    oclstm_cell *none = NULL;
    oclstm_cell_destroy(NULL);
    oclstm_cell_destroy(&none);
    ck_assert_ptr_null(none);
}
END_TEST

START_TEST(a_cell_holds_its_device) {
    const cell_case shape = {.input = 4, .hidden = 5, .batch = 2};
    cell_problem *problem = problem_create(&shape);
    oclstm_device *device = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_device_open(&device, test_device(), &error), &error);
    oclstm_cell *cell = problem_cell(problem, device);
    oclstm_device_close(&device);
    problem_solve(problem);
    problem_run(problem, cell);
    problem_compare(problem, cell);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {weights_come_back,
                                  params_are_resolved,
                                  every_float16_weight,
                                  every_bfloat16_weight,
                                  mixed_float32_and_float64_weights,
                                  fresh_weights_are_uniform,
                                  fresh_weights_follow_the_seed,
                                  fresh_weights_stay_what_they_are,
                                  fresh_weights_without_bias,
                                  destroy_accepts_null,
                                  a_cell_holds_its_device};
    return run_suite(fixture_suite("cell_create", tests, sizeof tests / sizeof tests[0]), true);
}
