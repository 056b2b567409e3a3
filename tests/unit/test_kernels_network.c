// SPDX-License-Identifier: Apache-2.0
// Each kernel of cl/network.cl against plain C in double precision: odd sizes, sizes around every block edge (sums of 32, groups of 64), work-group
// sizes 1, 7 and 64, with offsets; NaN and infinity where they matter.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../tools/oclstm/reference.h"
#include "kernel_fixture.h"
#include "runner.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64};
static const size_t locals[] = {1, 7, 64};

static double *alloc_values(size_t count) {
    double *values = calloc(count > 0 ? count : 1, sizeof *values);
    ck_assert_ptr_nonnull(values);
    return values;
}

static cl_mem int_buffer(const kernel_bench *bench, const cl_int *values, size_t count) {
    cl_mem buffer = NULL;
    ck_assert(device_buffer_create(&buffer, bench->device, CL_MEM_READ_WRITE, count * sizeof *values, "integers", NULL) ==
              OCLSTM_OK);
    ck_assert(device_write(bench->device, buffer, 0, values, count * sizeof *values, "integers", NULL) == OCLSTM_OK);
    return buffer;
}

static void release(const kernel_bench *bench, cl_kernel kernel, cl_mem *const *buffers, size_t count) {
    device_kernel_release(&kernel);
    for (size_t i = 0; i < count; i++)
        device_buffer_release(bench->device, buffers[i]);
}
#define RELEASE(bench, kernel, ...) release(bench, kernel, (cl_mem *const[]){__VA_ARGS__}, COUNT(((cl_mem *const[]){__VA_ARGS__})))

// As kernel_expect(), where a NaN that is expected must be one.
static void expect_special(const kernel_bench *bench, cl_mem buffer, const double *expected, size_t count, const char *what) {
    const size_t element = oclstm_dtype_size_bytes(bench->dtype);
    char *host = calloc(count, element);
    ck_assert_ptr_nonnull(host);
    ck_assert(device_read(bench->device, host, buffer, 0, count * element, "test data", NULL) == OCLSTM_OK);
    for (size_t i = 0; i < count; i++) {
        double got;
        reference_widen(&got, host + i * element, bench->dtype, 1);
        const bool right = isnan(expected[i])   ? isnan(got)
                           : isinf(expected[i]) ? got == expected[i]
                                                : fabs(got - expected[i]) <= bench->tolerance * (1 + fabs(expected[i]));
        if (!right)
            free(host);
        ck_assert_msg(right, "%s: element %zu is %.17g, expected %.17g; %s", what, i, got, expected[i],
                      oclstm_dtype_name(bench->dtype));
    }
    free(host);
}

// --- embed ------------------------------------------------------------------------------------------------------------

static void check_embed(const kernel_bench *bench, size_t local, cl_uint rows, cl_uint features) {
    enum { VOCABULARY = 5 };
    const size_t count = (size_t)rows * features;
    double *weight = alloc_values((size_t)VOCABULARY * features), *expected = alloc_values(count);
    cl_int *tokens = calloc(rows, sizeof *tokens);
    ck_assert_ptr_nonnull(tokens);
    uint64_t seed = count;
    kernel_random(bench, weight, (size_t)VOCABULARY * features, &seed);
    for (size_t row = 0; row < rows; row++) {
        tokens[row] = (cl_int)((row * 3 + 4) % VOCABULARY);
        for (size_t j = 0; j < features; j++)
            expected[row * features + j] = weight[(size_t)tokens[row] * features + j];
    }
    cl_mem token = int_buffer(bench, tokens, rows), w = kernel_buffer(bench, weight, (size_t)VOCABULARY * features),
           y = kernel_buffer(bench, NULL, count);
    cl_kernel kernel = kernel_make(bench, "network_embed");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(token), DEVICE_ARG(w), DEVICE_ARG(y), DEVICE_ARG(rows),
                              DEVICE_ARG(features), (size_t)0) == OCLSTM_OK);
    kernel_run(bench, kernel, local, features, rows);
    char what[96];
    snprintf(what, sizeof what, "network_embed rows %u features %u, local %zu", rows, features, local);
    kernel_expect(bench, y, expected, count, what);
    RELEASE(bench, kernel, &token, &w, &y);
    free(weight);
    free(expected);
    free(tokens);
}

START_TEST(embed) {
    static const cl_uint rows[] = {1, 3, 65}, features[] = {1, 7, 64, 65};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, "network.cl", dtypes[_i % 2]))
        return;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t j = 0; j < COUNT(features); j++)
            check_embed(&bench, locals[_i / 2], rows[i], features[j]);
    }
    kernel_bench_close(&bench);
}
END_TEST

// --- linear -----------------------------------------------------------------------------------------------------------

static void check_linear(const kernel_bench *bench, size_t local, cl_uint rows, cl_uint inputs, cl_uint outputs, cl_uint x_offset,
                         cl_uint y_offset) {
    const size_t x_count = x_offset + (size_t)rows * inputs, w_count = (size_t)inputs * outputs,
                 y_count = y_offset + (size_t)rows * outputs;
    double *x = alloc_values(x_count), *wt = alloc_values(w_count), *bias = alloc_values(outputs),
           *expected = alloc_values(y_count);
    uint64_t seed = y_count + inputs;
    kernel_random(bench, x, x_count, &seed);
    kernel_random(bench, wt, w_count, &seed);
    kernel_random(bench, bias, outputs, &seed);
    for (size_t i = 0; i < y_offset; i++)
        expected[i] = NAN; // not to be written
    for (size_t row = 0; row < rows; row++) {
        for (size_t r = 0; r < outputs; r++) {
            double sum = bias[r];
            for (size_t k = 0; k < inputs; k++)
                sum += x[x_offset + row * inputs + k] * wt[k * outputs + r];
            expected[y_offset + row * outputs + r] = sum;
        }
    }
    cl_mem x_dev = kernel_buffer(bench, x, x_count), w_dev = kernel_buffer(bench, wt, w_count),
           bias_dev = kernel_buffer(bench, bias, outputs), y = kernel_buffer(bench, NULL, y_count);
    cl_kernel kernel = kernel_make(bench, "network_linear");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(x_dev), DEVICE_ARG(x_offset), DEVICE_ARG(w_dev),
                              DEVICE_ARG(bias_dev), DEVICE_ARG(y), DEVICE_ARG(y_offset), DEVICE_ARG(rows), DEVICE_ARG(inputs),
                              DEVICE_ARG(outputs), (size_t)0) == OCLSTM_OK);
    kernel_run(bench, kernel, local, outputs, rows);
    char what[128];
    snprintf(what, sizeof what, "network_linear rows %u inputs %u outputs %u offsets %u %u, local %zu", rows, inputs, outputs,
             x_offset, y_offset, local);
    kernel_expect(bench, y, expected, y_count, what);
    RELEASE(bench, kernel, &x_dev, &w_dev, &bias_dev, &y);
    double *const arrays[] = {x, wt, bias, expected};
    for (size_t i = 0; i < COUNT(arrays); i++)
        free(arrays[i]);
}

START_TEST(linear) {
    static const cl_uint rows[] = {1, 5}, inputs[] = {1, 31, 32, 33, 65}, outputs[] = {1, 64, 65};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, "network.cl", dtypes[_i % 2]))
        return;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t j = 0; j < COUNT(inputs); j++) {
            for (size_t k = 0; k < COUNT(outputs); k++)
                check_linear(&bench, locals[_i / 2], rows[i], inputs[j], outputs[k], (cl_uint)(i * j), (cl_uint)(2 * k));
        }
    }
    kernel_bench_close(&bench);
}
END_TEST

// --- activations ------------------------------------------------------------------------------------------------------

static void check_activate(const kernel_bench *bench, size_t local, cl_int kind, cl_uint count) {
    static const double special[] = {0.0, -0.0, NAN, INFINITY, -INFINITY, 100, -100, 1e30, -1e30, 1e-30, -1e-30};
    double *values = alloc_values(count), *expected = alloc_values(count);
    uint64_t seed = count;
    kernel_random(bench, values, count, &seed);
    for (size_t i = 0; i < count; i++) {
        if (i < COUNT(special))
            values[i] = special[i];
        const double v = values[i];
        expected[i] = isnan(v) ? (double)NAN : kind == 0 ? (v > 0 ? v : 0) : 1 / (1 + exp(-v));
    }
    cl_mem y = kernel_buffer(bench, values, count);
    cl_kernel kernel = kernel_make(bench, "network_activate");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(y), DEVICE_ARG(count), DEVICE_ARG(kind), (size_t)0) ==
              OCLSTM_OK);
    kernel_run(bench, kernel, local, count, 1);
    char what[96];
    snprintf(what, sizeof what, "network_activate kind %d count %u, local %zu", kind, count, local);
    expect_special(bench, y, expected, count, what);
    RELEASE(bench, kernel, &y);
    free(values);
    free(expected);
}

// The guard behind the end stays: a count less than the buffer's.
static void check_activate_end(const kernel_bench *bench, size_t local, cl_int kind) {
    const double values[] = {-0.5, -0.25, -2, -3}, expected[] = {kind == 0 ? 0 : 1 / (1 + exp(0.5)), -0.25, -2, -3};
    const cl_uint count = 1;
    cl_mem y = kernel_buffer(bench, values, 4);
    cl_kernel kernel = kernel_make(bench, "network_activate");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(y), DEVICE_ARG(count), DEVICE_ARG(kind), (size_t)0) ==
              OCLSTM_OK);
    kernel_run(bench, kernel, local, 4, 1);
    kernel_expect(bench, y, expected, 4, "network_activate of one element");
    RELEASE(bench, kernel, &y);
}

START_TEST(activate) {
    static const cl_uint counts[] = {1, 11, 64, 129};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, "network.cl", dtypes[_i % 2]))
        return;
    for (cl_int kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < COUNT(counts); i++)
            check_activate(&bench, locals[_i / 2], kind, counts[i]);
        check_activate_end(&bench, locals[_i / 2], kind);
    }
    kernel_bench_close(&bench);
}
END_TEST

static void check_softmax(const kernel_bench *bench, size_t local, cl_uint rows, cl_uint features) {
    const size_t count = (size_t)rows * features;
    double *values = alloc_values(count), *expected = alloc_values(count);
    uint64_t seed = count;
    kernel_random(bench, values, count, &seed);
    for (size_t row = 0; row < rows; row++) {
        double *v = values + row * features;
        // Rows in turn: as they are; large; one infinity below; NaN; an infinity; all infinitely low.
        for (size_t j = 0; j < features && row % 6 == 1; j++)
            v[j] = (j % 2 == 0 ? 1e4 : -1e4) + (double)(j % 3);
        if (row % 6 == 2 && features > 1)
            v[features - 1] = -INFINITY;
        if (row % 6 == 3)
            v[features / 2] = NAN;
        if (row % 6 == 4)
            v[features - 1] = INFINITY;
        for (size_t j = 0; j < features && row % 6 == 5; j++)
            v[j] = -INFINITY;
        double most = v[0], sum = 0;
        for (size_t j = 0; j < features; j++)
            most = v[j] > most ? v[j] : most;
        for (size_t j = 0; j < features; j++)
            sum += exp(v[j] - most);
        for (size_t j = 0; j < features; j++)
            expected[row * features + j] = exp(v[j] - most) / sum;
    }
    cl_mem y = kernel_buffer(bench, values, count);
    cl_kernel kernel = kernel_make(bench, "network_softmax");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(y), DEVICE_ARG(rows), DEVICE_ARG(features), (size_t)0) ==
              OCLSTM_OK);
    kernel_run(bench, kernel, local, rows + 1, 1);
    char what[96];
    snprintf(what, sizeof what, "network_softmax rows %u features %u, local %zu", rows, features, local);
    expect_special(bench, y, expected, count, what);
    RELEASE(bench, kernel, &y);
    free(values);
    free(expected);
}

// Of many equal values each is 1 / features: a sum of that many terms must not lose digits.
static void check_flat_softmax(const kernel_bench *bench, size_t local) {
    enum { FEATURES = 20000 };
    double *values = alloc_values(FEATURES), *expected = alloc_values(FEATURES);
    for (size_t j = 0; j < FEATURES; j++) {
        values[j] = j % 2 == 0 ? 0.0 : -1.0;
        expected[j] = exp(values[j]) / (FEATURES / 2 * (1 + exp(-1)));
    }
    const cl_uint rows = 1, features = FEATURES;
    cl_mem y = kernel_buffer(bench, values, FEATURES);
    cl_kernel kernel = kernel_make(bench, "network_softmax");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(y), DEVICE_ARG(rows), DEVICE_ARG(features), (size_t)0) ==
              OCLSTM_OK);
    kernel_run(bench, kernel, local, rows, 1);
    kernel_bench close = *bench;
    close.tolerance = bench->dtype == OCLSTM_F64 ? 1e-18 : 1e-9; // of elements of 1e-4
    kernel_expect(&close, y, expected, FEATURES, "network_softmax of 20000 features");
    RELEASE(bench, kernel, &y);
    free(values);
    free(expected);
}

START_TEST(softmax) {
    static const cl_uint rows[] = {1, 6, 65}, features[] = {1, 2, 31, 33};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, "network.cl", dtypes[_i % 2]))
        return;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t j = 0; j < COUNT(features); j++)
            check_softmax(&bench, locals[_i / 2], rows[i], features[j]);
    }
    check_flat_softmax(&bench, locals[_i / 2]);
    kernel_bench_close(&bench);
}
END_TEST

// --- place and keep ---------------------------------------------------------------------------------------------------

static void check_place(const kernel_bench *bench, size_t local, cl_uint steps, cl_uint batch, cl_uint features,
                        cl_uint dst_features, cl_uint column, cl_int reversed) {
    const size_t src_count = (size_t)steps * batch * features, dst_count = (size_t)steps * batch * dst_features;
    double *src = alloc_values(src_count), *expected = alloc_values(dst_count);
    cl_int *lengths = calloc(batch, sizeof *lengths);
    ck_assert_ptr_nonnull(lengths);
    uint64_t seed = src_count;
    kernel_random(bench, src, src_count, &seed);
    for (size_t b = 0; b < batch; b++)
        lengths[b] = (cl_int)((steps + 2 * b) % (steps + 1)); // all, then others, among them none
    for (size_t i = 0; i < dst_count; i++)
        expected[i] = NAN; // other columns are not to be written
    for (size_t t = 0; t < steps; t++) {
        for (size_t b = 0; b < batch; b++) {
            for (size_t j = 0; j < features; j++) {
                const size_t length = (size_t)lengths[b], from = reversed ? length - 1 - t : t;
                expected[(t * batch + b) * dst_features + column + j] = t < length ? src[(from * batch + b) * features + j] : 0;
            }
        }
    }
    cl_mem src_dev = kernel_buffer(bench, src, src_count), dst = kernel_buffer(bench, NULL, dst_count),
           length = int_buffer(bench, lengths, batch);
    cl_kernel kernel = kernel_make(bench, "network_place");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(src_dev), DEVICE_ARG(dst), DEVICE_ARG(length),
                              DEVICE_ARG(steps), DEVICE_ARG(batch), DEVICE_ARG(features), DEVICE_ARG(dst_features),
                              DEVICE_ARG(column), DEVICE_ARG(reversed), (size_t)0) == OCLSTM_OK);
    kernel_run(bench, kernel, local, features, (size_t)steps * batch);
    char what[160];
    snprintf(what, sizeof what, "network_place steps %u batch %u features %u of %u from %u%s, local %zu", steps, batch, features,
             dst_features, column, reversed ? " reversed" : "", local);
    kernel_expect(bench, dst, expected, dst_count, what);
    RELEASE(bench, kernel, &src_dev, &dst, &length);
    free(src);
    free(expected);
    free(lengths);
}

START_TEST(place) {
    static const cl_uint steps[] = {1, 2, 7}, batches[] = {1, 4}, features[] = {1, 5, 65};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, "network.cl", dtypes[_i % 2]))
        return;
    for (size_t i = 0; i < COUNT(steps); i++) {
        for (size_t j = 0; j < COUNT(batches); j++) {
            for (size_t k = 0; k < COUNT(features); k++) {
                for (cl_int reversed = 0; reversed < 2; reversed++) {
                    check_place(&bench, locals[_i / 2], steps[i], batches[j], features[k], features[k], 0, reversed);
                    check_place(&bench, locals[_i / 2], steps[i], batches[j], features[k], 2 * features[k] + 1, features[k] + 1,
                                reversed);
                }
            }
        }
    }
    kernel_bench_close(&bench);
}
END_TEST

static void check_keep(const kernel_bench *bench, size_t local, cl_uint batch, cl_uint features, cl_uint offset, cl_int end) {
    const size_t count = offset + (size_t)batch * features;
    double *state = alloc_values(count), *expected = alloc_values(count);
    cl_int *lengths = calloc(batch, sizeof *lengths);
    ck_assert_ptr_nonnull(lengths);
    uint64_t seed = count;
    kernel_random(bench, state, count, &seed);
    for (size_t i = 0; i < count; i++)
        expected[i] = NAN;
    for (size_t b = 0; b < batch; b++) {
        lengths[b] = (cl_int)(b % 3) + 1;
        for (size_t j = 0; j < features && lengths[b] == end; j++)
            expected[offset + b * features + j] = state[offset + b * features + j];
    }
    cl_mem state_dev = kernel_buffer(bench, state, count), kept = kernel_buffer(bench, NULL, count),
           length = int_buffer(bench, lengths, batch);
    cl_kernel kernel = kernel_make(bench, "network_keep");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(state_dev), DEVICE_ARG(kept), DEVICE_ARG(offset),
                              DEVICE_ARG(length), DEVICE_ARG(end), DEVICE_ARG(batch), DEVICE_ARG(features),
                              (size_t)0) == OCLSTM_OK);
    kernel_run(bench, kernel, local, features, batch);
    char what[128];
    snprintf(what, sizeof what, "network_keep batch %u features %u offset %u end %d, local %zu", batch, features, offset, end,
             local);
    kernel_expect(bench, kept, expected, count, what);
    RELEASE(bench, kernel, &state_dev, &kept, &length);
    free(state);
    free(expected);
    free(lengths);
}

START_TEST(keep) {
    static const cl_uint batches[] = {1, 7}, features[] = {1, 31, 65};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, "network.cl", dtypes[_i % 2]))
        return;
    for (size_t i = 0; i < COUNT(batches); i++) {
        for (size_t j = 0; j < COUNT(features); j++) {
            for (cl_int end = 1; end < 5; end++)
                check_keep(&bench, locals[_i / 2], batches[i], features[j], (cl_uint)(3 * i * j), end);
        }
    }
    kernel_bench_close(&bench);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("kernels_network");
    TCase *tests = tcase_create("reference");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, embed, 0, 6);
    tcase_add_loop_test(tests, linear, 0, 6);
    tcase_add_loop_test(tests, activate, 0, 6);
    tcase_add_loop_test(tests, softmax, 0, 6);
    tcase_add_loop_test(tests, place, 0, 6);
    tcase_add_loop_test(tests, keep, 0, 6);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
