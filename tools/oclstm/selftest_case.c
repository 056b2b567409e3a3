// SPDX-License-Identifier: Apache-2.0
#include "selftest_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "selftest_data.h"

const char *selftest_field_name(selftest_form form, int field) {
    static const char *const names[][RESULTS] = {{"h", NULL, "c"}, {"y", "hn", "cn"}};
    return names[form][field];
}

// splitmix64 (Steele, Lea & Flood 2014).
static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

// Uniform in +-bound; every value is one of float32 too, so that both precisions see the same data.
static void fill(double *values, int64_t count, double bound, uint64_t *state) {
    for (int64_t k = 0; k < count; k++)
        values[k] = (double)(float)(bound * (2.0 * (double)(next_random(state) >> 11) * 0x1p-53 - 1.0));
}

// Four rows of a batch get one of NaN, +inf and -inf each, in x, h0 or c0. The rows between stay clean: what leaks into
// them shows.
static void spoil(case_data *data) {
    const double values[] = {(double)NAN, (double)INFINITY, (double)-INFINITY, (double)NAN};
    const int arrays[] = {X, X, C0, H0};
    for (int i = 0; i < 4; i++) {
        const int64_t width = arrays[i] == X ? data->test.input : data->test.hidden;
        const int64_t row = 2 * i % data->test.batch;
        data->exact_inputs[arrays[i]][row * width + (i + 1) % width] = values[i];
    }
}

static void case_free(case_data *data) {
    for (int i = 0; i < INPUTS; i++) {
        free(data->inputs[i]);
        free(data->exact_inputs[i]);
    }
    for (int i = 0; i < RESULTS; i++) {
        free(data->results[i]);
        free(data->wide_results[i]);
        free(data->expected[i]);
    }
}

static bool case_make(case_data *data, const selftest_case *test, oclstm_dtype dtype, uint64_t seed) {
    const int64_t state = test->batch * test->hidden, rows = 4 * test->hidden, items = test->steps * test->batch;
    const int64_t inputs[INPUTS] = {items * test->input, state, state, rows * test->input, rows * test->hidden, rows, rows};
    const int64_t results[RESULTS] = {items * test->hidden, state, state};
    const double bound = 1.0 / sqrt((double)test->hidden);
    *data = (case_data){.test = *test, .dtype = dtype};
    memcpy(data->input_counts, inputs, sizeof inputs);
    memcpy(data->result_counts, results, sizeof results);
    for (int i = 0; i < INPUTS; i++) {
        data->inputs[i] = calloc((size_t)inputs[i], sizeof(double));
        data->exact_inputs[i] = calloc((size_t)inputs[i], sizeof(double));
        if (!data->inputs[i] || !data->exact_inputs[i])
            return false;
        fill(data->exact_inputs[i], inputs[i], i >= WEIGHT_IH ? bound : i == X && (test->form & LARGE) ? 50.0 : 1.0, &seed);
    }
    if (test->form & NONFINITE)
        spoil(data);
    for (int i = 0; i < INPUTS; i++) {
        reference_narrow(data->inputs[i], data->exact_inputs[i], dtype, inputs[i]);
        reference_widen(data->exact_inputs[i], data->inputs[i], dtype, inputs[i]); // float16 and bfloat16 have rounded them
    }
    for (int i = 0; i < RESULTS; i++) {
        data->results[i] = calloc((size_t)results[i], sizeof(double));
        data->wide_results[i] = calloc((size_t)results[i], sizeof(double));
        data->expected[i] = calloc((size_t)results[i], sizeof(double));
        if (!data->results[i] || !data->wide_results[i] || !data->expected[i])
            return false;
    }
    return true;
}

static bool make_expected(case_data *data) {
    const selftest_case *test = &data->test;
    const bool bias = !(test->form & WITHOUT_BIAS), given = test->form & FROM_STATE;
    double *const *in = data->exact_inputs;
    const reference_cell cell = {.input_size = test->input,
                                 .hidden_size = test->hidden,
                                 .weight_ih = in[WEIGHT_IH],
                                 .weight_hh = in[WEIGHT_HH],
                                 .bias_ih = bias ? in[BIAS_IH] : NULL,
                                 .bias_hh = bias ? in[BIAS_HH] : NULL};
    return reference_sequence(&cell, test->steps, test->batch, (test->form & BATCH_FIRST) != 0, in[X], given ? in[H0] : NULL,
                              given ? in[C0] : NULL, data->expected[Y], data->expected[HN], data->expected[CN]);
}

oclstm_status selftest_case_run(const selftest_case *test, selftest_form form, const selftest_target *target, oclstm_engine engine,
                                oclstm_dtype dtype, uint64_t seed, comparison worst[SELFTEST_FIELDS], oclstm_error *error) {
    case_data data;
    selftest_case run = *test;
    if (form == SELFTEST_CELL && run.steps > SELFTEST_STEPS)
        run.steps = SELFTEST_STEPS;
    oclstm_status status = OCLSTM_OUT_OF_MEMORY;
    *error = (oclstm_error){.status = status, .message = "no memory for a case of the self-test"};
    if (case_make(&data, &run, dtype, seed) && make_expected(&data))
        status = selftest_call(&data, target, engine, form, error);
    for (int i = 0; i < RESULTS && status == OCLSTM_OK; i++) {
        const char *name = selftest_field_name(form, i);
        worst[i] = (comparison){0};
        if (!name)
            continue;
        reference_widen(data.wide_results[i], data.results[i], dtype, data.result_counts[i]);
        compare_add(&worst[i], name, data.wide_results[i], data.expected[i], data.result_counts[i]);
    }
    case_free(&data);
    return status;
}
