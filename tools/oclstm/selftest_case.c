// SPDX-License-Identifier: Apache-2.0
#include "selftest_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "array_view.h"

// The arrays of a case, in the order in which the seed fills them.
enum { X, H0, C0, WEIGHT_IH, WEIGHT_HH, BIAS_IH, BIAS_HH, INPUTS };
enum { Y, HN, CN, RESULTS };
static const char *const result_names[RESULTS] = {"y", "hn", "cn"};

typedef struct case_data {
    const selftest_case *test;
    oclstm_dtype dtype;
    int64_t input_counts[INPUTS];
    int64_t result_counts[RESULTS];
    void *inputs[INPUTS];         // in dtype
    double *exact_inputs[INPUTS]; // the same values
    void *results[RESULTS];
    double *wide_results[RESULTS];
    double *expected[RESULTS];
} case_data;

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

static void narrow(void *dst, const double *src, oclstm_dtype dtype, int64_t count) {
    float *single = dst;
    if (dtype == OCLSTM_F64)
        memcpy(dst, src, (size_t)count * sizeof *src);
    else
        for (int64_t k = 0; k < count; k++)
            single[k] = (float)src[k];
}

// Four rows of a batch get one of NaN, +inf and -inf each, in x, h0 or c0. The rows between stay clean: what leaks into
// them shows.
static void spoil(case_data *data) {
    const double values[] = {(double)NAN, (double)INFINITY, (double)-INFINITY, (double)NAN};
    const int arrays[] = {X, X, C0, H0};
    for (int i = 0; i < 4; i++) {
        const int64_t width = arrays[i] == X ? data->test->input : data->test->hidden;
        const int64_t row = 2 * i % data->test->batch;
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
    *data = (case_data){.test = test, .dtype = dtype};
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
    for (int i = 0; i < INPUTS; i++)
        narrow(data->inputs[i], data->exact_inputs[i], dtype, inputs[i]);
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
    const selftest_case *test = data->test;
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

// --- the call ---------------------------------------------------------------------------------------------------------

static oclstm_array describe(const selftest_case *test, oclstm_dtype dtype, void *data, int64_t steps, int64_t width) {
    if (test->form & UNBATCHED)
        return oclstm_out_2d(data, dtype, steps, width);
    if (test->form & BATCH_FIRST)
        return oclstm_out_3d(data, dtype, test->batch, steps, width);
    return oclstm_out_3d(data, dtype, steps, test->batch, width);
}

static oclstm_array describe_state(const selftest_case *test, oclstm_dtype dtype, void *data) {
    if (test->form & UNBATCHED)
        return oclstm_out_1d(data, dtype, test->hidden);
    return oclstm_out_2d(data, dtype, test->batch, test->hidden);
}

// Steps first to first + steps, time-major unless they are all.
static oclstm_sequence part(const case_data *data, int64_t first, int64_t steps) {
    const selftest_case *test = data->test;
    const size_t row = (size_t)(first * test->batch) * oclstm_dtype_size_bytes(data->dtype);
    char *x = (char *)data->inputs[X] + row * (size_t)test->input, *y = (char *)data->results[Y] + row * (size_t)test->hidden;
    return (oclstm_sequence){.x = array_read_only(describe(test, data->dtype, x, steps, test->input)),
                             .y = describe(test, data->dtype, y, steps, test->hidden),
                             .batch_first = (test->form & BATCH_FIRST) != 0};
}

static oclstm_status call_whole(const case_data *data, oclstm_cell *cell, oclstm_error *error) {
    const selftest_case *test = data->test;
    oclstm_sequence sequence = part(data, 0, test->steps);
    if (test->form & FROM_STATE) {
        sequence.h = array_read_only(describe_state(test, data->dtype, data->inputs[H0]));
        sequence.c = array_read_only(describe_state(test, data->dtype, data->inputs[C0]));
    }
    sequence.h_out = describe_state(test, data->dtype, data->results[HN]);
    sequence.c_out = describe_state(test, data->dtype, data->results[CN]);
    return oclstm_cell_sequence(cell, &sequence, error);
}

static oclstm_status call_streamed(const case_data *data, oclstm_cell *cell, oclstm_error *error) {
    const selftest_case *test = data->test;
    const int64_t half = test->steps / 2;
    const oclstm_const_array h = array_read_only(describe_state(test, data->dtype, data->inputs[H0]));
    const oclstm_const_array c = array_read_only(describe_state(test, data->dtype, data->inputs[C0]));
    const oclstm_array hn = describe_state(test, data->dtype, data->results[HN]);
    const oclstm_array cn = describe_state(test, data->dtype, data->results[CN]);
    oclstm_state *state = NULL;
    oclstm_status status = oclstm_state_create(&state, cell, test->form & UNBATCHED ? 0 : test->batch, error);
    if (status == OCLSTM_OK && (test->form & FROM_STATE))
        status = oclstm_state_set(state, &h, &c, error);
    for (int i = 0; i < 2 && status == OCLSTM_OK; i++) {
        oclstm_sequence sequence = part(data, i * half, i ? test->steps - half : half);
        sequence.state = state;
        status = oclstm_cell_sequence(cell, &sequence, error);
    }
    if (status == OCLSTM_OK)
        status = oclstm_state_get(state, &hn, &cn, error);
    oclstm_state_destroy(&state);
    return status;
}

static oclstm_status call(const case_data *data, oclstm_device *device, oclstm_engine engine, oclstm_error *error) {
    const selftest_case *test = data->test;
    const int64_t rows = 4 * test->hidden;
    void *const *in = data->inputs;
    oclstm_cell_params params = {.input_size = test->input,
                                 .hidden_size = test->hidden,
                                 .dtype = data->dtype,
                                 .engine = engine,
                                 .no_bias = (test->form & WITHOUT_BIAS) != 0,
                                 .weight_ih = oclstm_in_2d(in[WEIGHT_IH], data->dtype, rows, test->input),
                                 .weight_hh = oclstm_in_2d(in[WEIGHT_HH], data->dtype, rows, test->hidden)};
    if (!params.no_bias) {
        params.bias_ih = oclstm_in_1d(in[BIAS_IH], data->dtype, rows);
        params.bias_hh = oclstm_in_1d(in[BIAS_HH], data->dtype, rows);
    }
    oclstm_cell *cell = NULL;
    oclstm_status status = oclstm_cell_create(&cell, device, &params, error);
    if (status == OCLSTM_OK)
        status = test->form & STREAMED ? call_streamed(data, cell, error) : call_whole(data, cell, error);
    oclstm_cell_destroy(&cell);
    return status;
}

oclstm_status selftest_case_run(const selftest_case *test, oclstm_device *device, oclstm_engine engine, oclstm_dtype dtype,
                                uint64_t seed, comparison *worst, oclstm_error *error) {
    case_data data;
    *worst = (comparison){0};
    oclstm_status status = OCLSTM_OUT_OF_MEMORY;
    *error = (oclstm_error){.status = status, .message = "no memory for a case of the self-test"};
    if (case_make(&data, test, dtype, seed) && make_expected(&data))
        status = call(&data, device, engine, error);
    for (int i = 0; i < RESULTS && status == OCLSTM_OK; i++) {
        reference_widen(data.wide_results[i], data.results[i], dtype, data.result_counts[i]);
        compare_add(worst, result_names[i], data.wide_results[i], data.expected[i], data.result_counts[i]);
    }
    case_free(&data);
    return status;
}
