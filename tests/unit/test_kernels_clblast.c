// SPDX-License-Identifier: Apache-2.0
// Each kernel of cl/clblast_gates.cl against plain C with double accumulation, at work-group sizes 1 and 64, with offsets and strides.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../tools/oclstm/reference.h"
#include "kernel_fixture.h"
#include "runner.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64};
static const size_t locals[] = {1, 64};

static void check_fill(const kernel_bench *bench, size_t local, cl_uint rows, cl_uint gates) {
    double *bias = calloc(gates, sizeof *bias), *expected = calloc((size_t)rows * gates, sizeof *expected);
    uint64_t seed = rows * 1000u + gates;
    kernel_random(bench, bias, gates, &seed);
    for (size_t i = 0; i < (size_t)rows * gates; i++)
        expected[i] = bias[i % gates];
    cl_mem bias_dev = kernel_buffer(bench, bias, gates), out = kernel_buffer(bench, NULL, (size_t)rows * gates);
    cl_kernel kernel = kernel_make(bench, "lstm_fill_bias");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(bias_dev), DEVICE_ARG(out), DEVICE_ARG(rows),
                              DEVICE_ARG(gates), (size_t)0) == OCLSTM_OK);
    kernel_run(bench, kernel, local, gates, rows);
    char what[96];
    snprintf(what, sizeof what, "lstm_fill_bias rows %u gates %u, local %zu", rows, gates, local);
    kernel_expect(bench, out, expected, (size_t)rows * gates, what);
    device_kernel_release(&kernel);
    device_buffer_release(bench->device, &bias_dev);
    device_buffer_release(bench->device, &out);
    free(bias);
    free(expected);
}

// The finished gates of `batch` rows, with offsets and gaps as in check_step of test_kernels_portable.c.
static void check_gates(const kernel_bench *bench, size_t local, cl_uint batch, cl_uint hidden, cl_uint gap) {
    const cl_uint gates = 4 * hidden, gx_stride = gates + gap, out_stride = hidden + 2 * gap;
    const cl_uint gx_offset = 3 * gap, c_offset = gap, out_offset = 7 * gap, c_next_offset = 2 * gap;
    size_t gx_count = gx_offset + (size_t)batch * gx_stride, c_count = c_offset + (size_t)batch * hidden;
    size_t out_count = out_offset + (size_t)batch * out_stride, c_next_count = c_next_offset + (size_t)batch * hidden;
    double *gx = calloc(gx_count, sizeof *gx), *c = calloc(c_count, sizeof *c), *h_next = calloc(out_count, sizeof *h_next);
    double *c_next = calloc(c_next_count, sizeof *c_next), *zero = calloc((size_t)hidden * gates, sizeof *zero);
    double *scratch = calloc(gates, sizeof *scratch);
    uint64_t seed = 31u * batch + hidden;
    kernel_random(bench, gx, gx_count, &seed);
    kernel_random(bench, c, c_count, &seed);
    for (size_t i = 0; i < out_count; i++)
        h_next[i] = NAN; // not to be written
    for (size_t i = 0; i < c_next_count; i++)
        c_next[i] = NAN;
    for (size_t b = 0; b < batch; b++) {
        // Gates that are finished: weights and input are zero, the gates stand as biases.
        const reference_cell cell = {1, hidden, zero, zero, gx + gx_offset + b * gx_stride, zero};
        reference_row(&cell, zero, zero, c + c_offset + b * hidden, h_next + out_offset + b * out_stride,
                      c_next + c_next_offset + b * hidden, scratch);
    }
    cl_mem gx_dev = kernel_buffer(bench, gx, gx_count), c_dev = kernel_buffer(bench, c, c_count);
    cl_mem out = kernel_buffer(bench, NULL, out_count), c_out = kernel_buffer(bench, NULL, c_next_count);
    cl_kernel kernel = kernel_make(bench, "lstm_gates");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(gx_dev), DEVICE_ARG(gx_offset), DEVICE_ARG(gx_stride),
                              DEVICE_ARG(c_dev), DEVICE_ARG(c_offset), DEVICE_ARG(out), DEVICE_ARG(out_offset),
                              DEVICE_ARG(out_stride), DEVICE_ARG(c_out), DEVICE_ARG(c_next_offset), DEVICE_ARG(batch),
                              DEVICE_ARG(hidden), (size_t)0) == OCLSTM_OK);
    kernel_run(bench, kernel, local, hidden, batch);
    char what[96];
    snprintf(what, sizeof what, "lstm_gates batch %u hidden %u gap %u, local %zu", batch, hidden, gap, local);
    kernel_expect(bench, out, h_next, out_count, what);
    kernel_expect(bench, c_out, c_next, c_next_count, what);
    device_kernel_release(&kernel);
    cl_mem *const buffers[] = {&gx_dev, &c_dev, &out, &c_out};
    for (size_t i = 0; i < COUNT(buffers); i++)
        device_buffer_release(bench->device, buffers[i]);
    double *const arrays[] = {gx, c, h_next, c_next, zero, scratch};
    for (size_t i = 0; i < COUNT(arrays); i++)
        free(arrays[i]);
}

START_TEST(test_fill_bias) {
    static const cl_uint rows[] = {1, 2, 7}, gates[] = {4, 60, 64, 68, 260};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, "clblast_gates.cl", dtypes[_i % 2]))
        return;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t j = 0; j < COUNT(gates); j++)
            check_fill(&bench, locals[_i / 2], rows[i], gates[j]);
    }
    kernel_bench_close(&bench);
}
END_TEST

START_TEST(test_gates) {
    static const cl_uint batches[] = {1, 2, 5}, hiddens[] = {1, 3, 63, 64, 65};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, "clblast_gates.cl", dtypes[_i % 2]))
        return;
    for (size_t i = 0; i < COUNT(batches); i++) {
        for (size_t j = 0; j < COUNT(hiddens); j++)
            check_gates(&bench, locals[_i / 2], batches[i], hiddens[j], (cl_uint)(j % 3));
    }
    kernel_bench_close(&bench);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("kernels_clblast");
    TCase *tests = tcase_create("reference");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, test_fill_bias, 0, 4);
    tcase_add_loop_test(tests, test_gates, 0, 4);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
