// SPDX-License-Identifier: Apache-2.0
// Each kernel of cl/portable.cl against plain C with double accumulation, at sizes around every block edge (4 rows, sums of 32, groups
// of 64), at work-group sizes 1 and 64, with offsets and strides.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/oclstm/reference.h"
#include "kernel_fixture.h"
#include "runner.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64, OCLSTM_F16, OCLSTM_BF16};
static const size_t locals[] = {1, 64};

static void check_transpose(const kernel_bench *bench, size_t local, cl_uint rows, cl_uint columns) {
    size_t count = (size_t)rows * columns;
    double *w = calloc(count, sizeof *w), *expected = calloc(count, sizeof *expected);
    uint64_t seed = count;
    kernel_random(bench, w, count, &seed);
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = 0; k < columns; k++)
            expected[k * rows + r] = w[r * columns + k];
    }
    cl_mem in = kernel_buffer(bench, w, count), out = kernel_buffer(bench, NULL, count);
    cl_kernel kernel = kernel_make(bench, "lstm_transpose");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(in), DEVICE_ARG(out), DEVICE_ARG(rows),
                              DEVICE_ARG(columns), (size_t)0) == OCLSTM_OK);
    kernel_run(bench, kernel, local, columns, rows);
    char what[96];
    snprintf(what, sizeof what, "lstm_transpose [%u][%u], local %zu", rows, columns, local);
    kernel_expect(bench, out, expected, count, what);
    device_kernel_release(&kernel);
    device_buffer_release(bench->device, &in);
    device_buffer_release(bench->device, &out);
    free(w);
    free(expected);
}

static void check_input_product(const kernel_bench *bench, size_t local, cl_uint rows, cl_uint input, cl_uint gates,
                                cl_uint offset) {
    size_t x_count = offset + (size_t)rows * input, w_count = (size_t)input * gates, out_count = (size_t)rows * gates;
    double *x = calloc(x_count, sizeof *x), *w = calloc(w_count, sizeof *w), *bias = calloc(gates, sizeof *bias);
    double *expected = calloc(out_count, sizeof *expected);
    uint64_t seed = out_count + offset;
    kernel_random(bench, x, x_count, &seed);
    kernel_random(bench, w, w_count, &seed);
    kernel_random(bench, bias, gates, &seed);
    for (size_t row = 0; row < rows; row++) {
        for (size_t r = 0; r < gates; r++) {
            double sum = bias[r];
            for (size_t k = 0; k < input; k++)
                sum += x[offset + row * input + k] * w[k * gates + r];
            expected[row * gates + r] = sum;
        }
    }
    cl_mem x_dev = kernel_buffer(bench, x, x_count), w_dev = kernel_buffer(bench, w, w_count),
           bias_dev = kernel_real_buffer(bench, bias, gates);
    cl_mem out = kernel_real_buffer(bench, NULL, out_count);
    cl_kernel kernel = kernel_make(bench, "lstm_input_product");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(x_dev), DEVICE_ARG(offset), DEVICE_ARG(w_dev),
                              DEVICE_ARG(bias_dev), DEVICE_ARG(out), DEVICE_ARG(rows), DEVICE_ARG(input), DEVICE_ARG(gates),
                              (size_t)0) == OCLSTM_OK);
    kernel_run(bench, kernel, local, gates, (rows + 3) / 4);
    char what[128];
    snprintf(what, sizeof what, "lstm_input_product rows %u input %u gates %u offset %u, local %zu", rows, input, gates, offset,
             local);
    kernel_expect_real(bench, out, expected, out_count, what);
    device_kernel_release(&kernel);
    cl_mem *const buffers[] = {&x_dev, &w_dev, &bias_dev, &out};
    for (size_t i = 0; i < COUNT(buffers); i++)
        device_buffer_release(bench->device, buffers[i]);
    free(x);
    free(w);
    free(bias);
    free(expected);
}

// One step of `batch` rows; every matrix starts at an offset of its own and its rows are `gap` elements longer than needed.
static void check_step(const kernel_bench *bench, size_t local, cl_uint batch, cl_uint hidden, cl_uint gap) {
    const cl_uint gates = 4 * hidden, gx_stride = gates + gap, h_stride = hidden + gap, out_stride = hidden + 2 * gap;
    const cl_uint gx_offset = 3 * gap, h_offset = 5 * gap, c_offset = gap, out_offset = 7 * gap, c_next_offset = 2 * gap;
    size_t gx_count = gx_offset + (size_t)batch * gx_stride, h_count = h_offset + (size_t)batch * h_stride;
    size_t c_count = c_offset + (size_t)batch * hidden, out_count = out_offset + (size_t)batch * out_stride;
    size_t c_next_count = c_next_offset + (size_t)batch * hidden, w_count = (size_t)hidden * gates;
    double *gx = calloc(gx_count, sizeof *gx), *h = calloc(h_count, sizeof *h), *c = calloc(c_count, sizeof *c);
    double *wt = calloc(w_count, sizeof *wt), *w = calloc(w_count, sizeof *w), *scratch = calloc(gates, sizeof *scratch);
    double *h_next = calloc(out_count, sizeof *h_next), *c_next = calloc(c_next_count, sizeof *c_next);
    uint64_t seed = 17u * batch + hidden;
    kernel_random(bench, gx, gx_count, &seed);
    kernel_random(bench, h, h_count, &seed);
    kernel_random(bench, c, c_count, &seed);
    kernel_random(bench, wt, w_count, &seed);
    for (size_t r = 0; r < gates; r++) {
        for (size_t k = 0; k < hidden; k++)
            w[r * hidden + k] = wt[k * gates + r];
    }
    for (size_t i = 0; i < out_count; i++)
        h_next[i] = NAN; // not to be written
    for (size_t i = 0; i < c_next_count; i++)
        c_next[i] = NAN;
    for (size_t b = 0; b < batch; b++) {
        // The finished input product stands in for biases: an input of size 1 with value 0.
        const double zero = 0, *row = gx + gx_offset + b * gx_stride;
        double *nothing = calloc(gates, sizeof *nothing);
        const reference_cell cell = {1, hidden, nothing, w, row, nothing};
        reference_row(&cell, &zero, h + h_offset + b * h_stride, c + c_offset + b * hidden, h_next + out_offset + b * out_stride,
                      c_next + c_next_offset + b * hidden, scratch);
        free(nothing);
    }
    cl_mem gx_dev = kernel_real_buffer(bench, gx, gx_count), wt_dev = kernel_buffer(bench, wt, w_count),
           h_dev = kernel_buffer(bench, h, h_count);
    cl_mem c_dev = kernel_real_buffer(bench, c, c_count), out = kernel_buffer(bench, NULL, out_count);
    cl_mem c_out = kernel_real_buffer(bench, NULL, c_next_count);
    cl_kernel kernel = kernel_make(bench, "lstm_portable_step");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(gx_dev), DEVICE_ARG(gx_offset), DEVICE_ARG(gx_stride),
                              DEVICE_ARG(wt_dev), DEVICE_ARG(h_dev), DEVICE_ARG(h_offset), DEVICE_ARG(h_stride), DEVICE_ARG(c_dev),
                              DEVICE_ARG(c_offset), DEVICE_ARG(out), DEVICE_ARG(out_offset), DEVICE_ARG(out_stride),
                              DEVICE_ARG(c_out), DEVICE_ARG(c_next_offset), DEVICE_ARG(batch), DEVICE_ARG(hidden),
                              (size_t)0) == OCLSTM_OK);
    kernel_run(bench, kernel, local, hidden, batch);
    char what[128];
    snprintf(what, sizeof what, "lstm_portable_step batch %u hidden %u gap %u, local %zu: h'", batch, hidden, gap, local);
    kernel_expect(bench, out, h_next, out_count, what);
    what[strlen(what) - 2] = 'c';
    kernel_expect_real(bench, c_out, c_next, c_next_count, what);
    device_kernel_release(&kernel);
    cl_mem *const buffers[] = {&gx_dev, &wt_dev, &h_dev, &c_dev, &out, &c_out};
    for (size_t i = 0; i < COUNT(buffers); i++)
        device_buffer_release(bench->device, buffers[i]);
    double *const arrays[] = {gx, h, c, wt, w, scratch, h_next, c_next};
    for (size_t i = 0; i < COUNT(arrays); i++)
        free(arrays[i]);
}

START_TEST(test_transpose) {
    static const cl_uint sizes[] = {1, 4, 31, 64, 65};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, "portable.cl", dtypes[_i % 4]))
        return;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (size_t j = 0; j < COUNT(sizes); j++)
            check_transpose(&bench, locals[_i / 4], sizes[i], sizes[j]);
    }
    kernel_bench_close(&bench);
}
END_TEST

START_TEST(test_input_product) {
    static const cl_uint rows[] = {1, 3, 4, 5, 9}, inputs[] = {1, 31, 32, 33, 65}, gates[] = {4, 60, 64, 68};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, "portable.cl", dtypes[_i % 4]))
        return;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t j = 0; j < COUNT(inputs); j++) {
            for (size_t k = 0; k < COUNT(gates); k++)
                check_input_product(&bench, locals[_i / 4], rows[i], inputs[j], gates[k], (cl_uint)(i * j));
        }
    }
    kernel_bench_close(&bench);
}
END_TEST

START_TEST(test_step) {
    static const cl_uint batches[] = {1, 2, 5}, hiddens[] = {1, 2, 31, 32, 33, 63, 64, 65, 130};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, "portable.cl", dtypes[_i % 4]))
        return;
    for (size_t i = 0; i < COUNT(batches); i++) {
        for (size_t j = 0; j < COUNT(hiddens); j++)
            check_step(&bench, locals[_i / 4], batches[i], hiddens[j], (cl_uint)(j % 3));
    }
    kernel_bench_close(&bench);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("kernels_portable");
    TCase *tests = tcase_create("reference");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, test_transpose, 0, 8);
    tcase_add_loop_test(tests, test_input_product, 0, 8);
    tcase_add_loop_test(tests, test_step, 0, 8);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
