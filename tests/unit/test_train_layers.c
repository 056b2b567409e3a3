// SPDX-License-Identifier: Apache-2.0
// The kernels of cl/train_layers.cl against plain C in double precision, with offsets, leading dimensions and guards.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_fixture.h"
#include "runner.h"
#include "train/layer_kernels.h"

enum { OFFSET = 5, MOST = 8192 };

static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64};

typedef struct layer_bench {
    kernel_bench bench;
    train_layer_kernels kernels;
    uint64_t seed;
} layer_bench;

static bool open_bench(layer_bench *b, oclstm_dtype dtype) {
    oclstm_error error;
    *b = (layer_bench){.seed = 3};
    if (!kernel_bench_open(&b->bench, "train_layers.cl", dtype))
        return false;
    ck_assert_msg(train_layer_kernels_make(&b->kernels, b->bench.device, dtype, &error) == OCLSTM_OK, "%s", error.message);
    return true;
}

static void close_bench(layer_bench *b) {
    train_layer_kernels_release(&b->kernels);
    kernel_bench_close(&b->bench);
}

// Random values behind OFFSET ones that nothing may touch, and a buffer of all.
static cl_mem make(layer_bench *b, double *values, size_t count) {
    ck_assert_uint_le(OFFSET + count, MOST);
    kernel_random(&b->bench, values, OFFSET + count, &b->seed);
    return kernel_buffer(&b->bench, values, OFFSET + count);
}

static cl_mem make_integers(const layer_bench *b, const int *values, size_t count) {
    cl_mem mem = NULL;
    ck_assert(device_buffer_create(&mem, b->bench.device, CL_MEM_READ_WRITE, count * sizeof(int), "integers", NULL) == OCLSTM_OK);
    ck_assert(device_write(b->bench.device, mem, 0, values, count * sizeof(int), "integers", NULL) == OCLSTM_OK);
    return mem;
}

static void finish(const layer_bench *b, oclstm_status status) {
    ck_assert_int_eq(status, OCLSTM_OK);
    ck_assert(device_finish(b->bench.device, NULL) == OCLSTM_OK);
}

static void expect(const layer_bench *b, cl_mem *buffer, const double *expected, size_t count, const char *what) {
    kernel_expect(&b->bench, *buffer, expected, count, what);
    device_buffer_release(b->bench.device, buffer);
}

static train_matrix at_offset(cl_mem mem) { return (train_matrix){mem, OFFSET}; }

static double weights[MOST], gradients[MOST], found[MOST], before[MOST];

START_TEST(test_embedding) {
    enum { VOCABULARY = 5, FEATURES = 7, ROWS = 9 };
    static const int tokens[ROWS] = {4, 0, 4, 2, 2, 4, 0, 2, 2}, order[ROWS] = {1, 6, 3, 4, 7, 8, 0, 2, 5},
                     starts[VOCABULARY + 1] = {0, 2, 2, 6, 6, 9};
    layer_bench b;
    if (!open_bench(&b, dtypes[_i]))
        return;
    cl_mem weight = make(&b, weights, (size_t)VOCABULARY * FEATURES), y = kernel_buffer(&b.bench, NULL, (size_t)ROWS * FEATURES),
           token = make_integers(&b, tokens, ROWS), sorted = make_integers(&b, order, ROWS),
           places = make_integers(&b, starts, VOCABULARY + 1);
    finish(&b, train_embed(&b.kernels, token, at_offset(weight), y, ROWS, FEATURES, NULL));
    for (int row = 0; row < ROWS; row++)
        memcpy(found + row * FEATURES, weights + OFFSET + tokens[row] * FEATURES, FEATURES * sizeof *found);
    expect(&b, &y, found, (size_t)ROWS * FEATURES, "train_embed");
    cl_mem dy = make(&b, gradients, (size_t)ROWS * FEATURES);
    for (int accumulate = 0; accumulate < 2; accumulate++) {
        cl_mem dweight = make(&b, before, (size_t)VOCABULARY * FEATURES);
        finish(&b, train_embed_back(&b.kernels, at_offset(dy), sorted, places, at_offset(dweight), accumulate, VOCABULARY, FEATURES,
                                    NULL));
        for (int i = 0; i < VOCABULARY * FEATURES && !accumulate; i++)
            before[OFFSET + i] = 0;
        for (int i = 0; i < ROWS * FEATURES; i++)
            before[OFFSET + tokens[i / FEATURES] * FEATURES + i % FEATURES] += gradients[OFFSET + i];
        expect(&b, &dweight, before, OFFSET + (size_t)VOCABULARY * FEATURES, "train_embed_back");
    }
    cl_mem *const all[] = {&weight, &token, &sorted, &places, &dy};
    for (int i = 0; i < 5; i++)
        device_buffer_release(b.bench.device, all[i]);
    close_bench(&b);
}
END_TEST

START_TEST(test_activations) {
    enum { COUNT = 100 };
    layer_bench b;
    if (!open_bench(&b, dtypes[_i]))
        return;
    for (int sigmoid = 0; sigmoid < 2; sigmoid++) {
        cl_mem x = make(&b, weights, COUNT), y = kernel_buffer(&b.bench, NULL, COUNT), dy = make(&b, gradients, COUNT);
        finish(&b, train_activate(&b.kernels, at_offset(x), y, COUNT, sigmoid, NULL));
        for (int i = 0; i < COUNT; i++)
            found[i] = sigmoid ? 1 / (1 + exp(-weights[OFFSET + i])) : fmax(weights[OFFSET + i], 0);
        kernel_expect(&b.bench, y, found, COUNT, "train_activate");
        finish(&b, train_activate_back(&b.kernels, y, at_offset(dy), COUNT, sigmoid, NULL));
        for (int i = 0; i < COUNT; i++)
            gradients[OFFSET + i] *= sigmoid ? found[i] * (1 - found[i]) : found[i] > 0;
        expect(&b, &dy, gradients, OFFSET + COUNT, "train_activate_back");
        device_buffer_release(b.bench.device, &x);
        device_buffer_release(b.bench.device, &y);
    }
    close_bench(&b);
}
END_TEST

// Columns 2 to 4 of six to columns 1 to 3 of five.
START_TEST(test_turning) {
    enum { STEPS = 6, BATCH = 4, FROM = 6, TO = 5, FEATURES = 3, ROWS = STEPS * BATCH };
    static const int lengths[BATCH] = {6, 1, 4, 3};
    layer_bench b;
    if (!open_bench(&b, dtypes[_i]))
        return;
    cl_mem length = make_integers(&b, lengths, BATCH);
    for (int form = 0; form < 8; form++) {
        const bool reversed = form & 1, masked = form & 2, accumulate = form & 4;
        cl_mem src = make(&b, weights, (size_t)ROWS * FROM), dst = make(&b, found, (size_t)ROWS * TO);
        const train_turning turning = {.src = at_offset(src),
                                       .dst = at_offset(dst),
                                       .src_features = FROM,
                                       .src_column = 2,
                                       .dst_features = TO,
                                       .dst_column = 1,
                                       .lengths = masked ? length : NULL,
                                       .reversed = reversed,
                                       .accumulate = accumulate,
                                       .steps = STEPS,
                                       .batch = BATCH,
                                       .features = FEATURES};
        finish(&b, train_turn(&b.kernels, &turning, NULL));
        for (int i = 0; i < ROWS * FEATURES; i++) {
            const int row = i / FEATURES, t = row / BATCH, n = masked ? lengths[row % BATCH] : STEPS;
            const int from = (reversed ? n - 1 - t : t) * BATCH + row % BATCH;
            const double value = t < n ? weights[OFFSET + from * FROM + 2 + i % FEATURES] : 0;
            double *const to = &found[OFFSET + row * TO + 1 + i % FEATURES];
            *to = accumulate ? *to + value : value;
        }
        expect(&b, &dst, found, OFFSET + (size_t)ROWS * TO, "train_turn");
        device_buffer_release(b.bench.device, &src);
    }
    // In place, to clear what lies behind the ends.
    cl_mem x = make(&b, weights, (size_t)ROWS * FROM);
    const train_turning clearing = {.src = at_offset(x),
                                    .dst = at_offset(x),
                                    .src_features = FROM,
                                    .dst_features = FROM,
                                    .lengths = length,
                                    .steps = STEPS,
                                    .batch = BATCH,
                                    .features = FROM};
    finish(&b, train_turn(&b.kernels, &clearing, NULL));
    for (int i = 0; i < ROWS * FROM; i++)
        weights[OFFSET + i] = i / FROM / BATCH < lengths[i / FROM % BATCH] ? weights[OFFSET + i] : 0;
    expect(&b, &x, weights, OFFSET + (size_t)ROWS * FROM, "train_turn in place");
    device_buffer_release(b.bench.device, &length);
    close_bench(&b);
}
END_TEST

START_TEST(test_sums) {
    static const size_t columns[] = {1, 7, 16, 64, 65, 150}, rows[] = {1, 31, 33, 50};
    layer_bench b;
    if (!open_bench(&b, dtypes[_i]))
        return;
    for (size_t i = 0; i < 24; i++) {
        const size_t width = columns[i / 4], height = rows[i % 4];
        const bool accumulate = i % 2, twin = i % 3 > 0;
        cl_mem a = make(&b, weights, width * height), out = make(&b, found, 2 * width + 9);
        const size_t other = twin ? OFFSET + width + 4 : OFFSET;
        finish(&b, train_column_sums(&b.kernels, at_offset(a), at_offset(out), other, accumulate, height, width, NULL));
        for (size_t j = 0; j < width; j++) {
            double sum = 0;
            for (size_t row = 0; row < height; row++)
                sum += weights[OFFSET + row * width + j];
            found[OFFSET + j] = (accumulate ? found[OFFSET + j] : 0) + sum;
            if (twin)
                found[other + j] = (accumulate ? found[other + j] : 0) + sum;
        }
        expect(&b, &out, found, OFFSET + 2 * width + 9, "train_column_sums");
        device_buffer_release(b.bench.device, &a);
    }
    cl_mem both = make(&b, weights, 200), sum = kernel_buffer(&b.bench, NULL, 70);
    finish(&b, train_add_rows(&b.kernels, both, OFFSET, OFFSET + 101, sum, 70, NULL));
    for (int j = 0; j < 70; j++)
        found[j] = weights[OFFSET + j] + weights[OFFSET + 101 + j];
    expect(&b, &sum, found, 70, "train_add_rows");
    device_buffer_release(b.bench.device, &both);
    close_bench(&b);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("train_layers");
    TCase *tests = tcase_create("train_layers");
    tcase_add_loop_test(tests, test_embedding, 0, 2);
    tcase_add_loop_test(tests, test_activations, 0, 2);
    tcase_add_loop_test(tests, test_turning, 0, 2);
    tcase_add_loop_test(tests, test_sums, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite, true);
}
