// SPDX-License-Identifier: Apache-2.0
// The kernels of cl/fused_*.cl against plain C with double accumulation: sizes around the vector width and the register tile, either
// order of steps and batch, with offsets and gaps; and the meeting of groups that fails.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/oclstm/reference.h"
#include "base/error.h"
#include "cl/lstm_shared.h"
#include "kernel_fixture.h"
#include "runner.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { WIDTH = 8, TILE = 3, MEET_STRIDE = 32, PATIENCE = 100000000 };

static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64, OCLSTM_F16, OCLSTM_BF16};

typedef struct shape {
    int input, hidden, batch, steps, chunk, groups;
    bool batch_first, split;
} shape;

// A kernel bench whose program is of these files with WIDTH and TILE.
static bool open_bench(kernel_bench *bench, const char *files, oclstm_dtype dtype) {
    oclstm_error error;
    if (!kernel_bench_open(bench, "portable.cl", dtype))
        return false;
    char options[160] = "";
    base_append(options, sizeof options, "%s -D VW=%d -D RM=%d -D WEIGHTS_STORED=%d", device_dtype_options(bench->device, dtype),
                WIDTH, TILE,
                dtype == OCLSTM_F16    ? 1
                : dtype == OCLSTM_BF16 ? 2
                                       : 0);
    ck_assert_msg(device_program_get(&bench->program, bench->device, files, options, &error) == OCLSTM_OK, "%s\n%s", error.message,
                  error.build_log);
    return true;
}

// What fused_pack is to make of w [4*hidden][columns]. The caller frees it.
static double *pack(const double *w, int hidden, int columns) {
    const int blocks = (hidden + WIDTH - 1) / WIDTH;
    double *packed = calloc((size_t)(blocks * columns * 4 * WIDTH), sizeof *packed);
    for (int block = 0; block < blocks; block++)
        for (int k = 0; k < columns; k++)
            for (int q = 0; q < 4; q++)
                for (int j = 0; j < WIDTH && block * WIDTH + j < hidden; j++)
                    packed[((block * columns + k) * 4 + q) * WIDTH + j] = w[(q * hidden + block * WIDTH + j) * columns + k];
    return packed;
}

static size_t packed_count(int hidden, int columns) { return (size_t)((hidden + WIDTH - 1) / WIDTH * columns * 4 * WIDTH); }

START_TEST(test_pack) {
    static const int hiddens[] = {1, 7, 8, 9, 17}, columns[] = {1, 3, 8};
    kernel_bench bench;
    if (!open_bench(&bench, "fused_math.cl fused_pack.cl", dtypes[_i]))
        return;
    for (size_t i = 0; i < COUNT(hiddens) * COUNT(columns); i++) {
        cl_int hidden = hiddens[i % COUNT(hiddens)], k = columns[i / COUNT(hiddens)];
        size_t count = (size_t)(4 * hidden * k);
        double *w = calloc(count, sizeof *w);
        uint64_t seed = i + 1;
        kernel_random(&bench, w, count, &seed);
        double *expected = pack(w, hidden, k);
        cl_mem in = kernel_buffer(&bench, w, count), out = kernel_buffer(&bench, NULL, packed_count(hidden, k));
        const char *const name = bench.real == bench.dtype ? "fused_pack" : "fused_pack_16";
        cl_kernel kernel = kernel_make(&bench, name);
        ck_assert(device_set_args(bench.device, kernel, 0, NULL, DEVICE_ARG(in), DEVICE_ARG(out), DEVICE_ARG(hidden), DEVICE_ARG(k),
                                  (size_t)0) == OCLSTM_OK);
        kernel_run(&bench, kernel, 4, (size_t)k, (size_t)(hidden + WIDTH - 1) / WIDTH);
        kernel_expect(&bench, out, expected, packed_count(hidden, k), name);
        device_kernel_release(&kernel);
        device_buffer_release(bench.device, &in);
        device_buffer_release(bench.device, &out);
        free(w);
        free(expected);
    }
    kernel_bench_close(&bench);
}
END_TEST

// One problem: host arrays in the form the kernels want, what they must give, and the buffers.
typedef struct problem {
    shape shape;
    cl_uint gap, x_step, x_stride, y_step, y_stride;
    size_t x_count, y_count, state_count;
    double *y, *hn, *cn; // expected; NaN where nothing is written
    cl_mem x_dev, wx_dev, wh_dev, bias_dev, h_dev, c_dev, y_dev, hn_dev, cn_dev, scratch_dev, sums_dev, meet_dev;
} problem;

static cl_mem packed_buffer(const kernel_bench *bench, const double *w, int hidden, int columns, bool is_bias) {
    double *packed = pack(w, hidden, columns);
    const size_t count = packed_count(hidden, columns);
    cl_mem buffer = is_bias ? kernel_real_buffer(bench, packed, count) : kernel_buffer(bench, packed, count);
    free(packed);
    return buffer;
}

// Puts rows of the reference's time-major y where the kernels put them; NaN elsewhere.
static void spread_y(problem *p, const double *y) {
    p->y = calloc(p->y_count, sizeof *p->y);
    for (size_t i = 0; i < p->y_count; i++)
        p->y[i] = NAN;
    for (int t = 0; t < p->shape.steps; t++)
        for (int b = 0; b < p->shape.batch; b++)
            for (int j = 0; j < p->shape.hidden; j++)
                p->y[p->gap + (cl_uint)t * p->y_step + (cl_uint)b * p->y_stride + (cl_uint)j] =
                    y[(t * p->shape.batch + b) * p->shape.hidden + j];
}

static double *random_values(const kernel_bench *bench, size_t count, uint64_t *seed) {
    double *values = calloc(count, sizeof *values);
    kernel_random(bench, values, count, seed);
    return values;
}

static void problem_make(const kernel_bench *bench, problem *p, shape s) {
    *p = (problem){.shape = s, .gap = 5};
    const cl_uint input = (cl_uint)s.input, hidden = (cl_uint)s.hidden, batch = (cl_uint)s.batch, steps = (cl_uint)s.steps;
    p->x_stride = s.batch_first ? steps * input : input, p->x_step = s.batch_first ? input : batch * input;
    p->y_stride = s.batch_first ? steps * hidden + 3 : hidden, p->y_step = s.batch_first ? hidden : batch * hidden;
    p->x_count = p->gap + steps * batch * input;
    p->y_count = p->gap + (steps - 1) * p->y_step + (batch - 1) * p->y_stride + hidden;
    p->state_count = p->gap + batch * hidden;
    uint64_t seed = hidden * 1000 + batch * 10 + input + steps;
    double *x = random_values(bench, p->x_count, &seed), *wx = random_values(bench, 4 * hidden * input, &seed);
    double *wh = random_values(bench, 4 * hidden * hidden, &seed), *bias = random_values(bench, 4 * hidden, &seed);
    double *h = random_values(bench, p->state_count, &seed), *c = random_values(bench, p->state_count, &seed);
    double *zero = calloc(4 * hidden, sizeof *zero), *y = calloc(steps * batch * hidden, sizeof *y);
    double *ordered = calloc(steps * batch * input, sizeof *ordered);
    for (cl_uint row = 0; row < steps * batch; row++)
        for (cl_uint k = 0; k < input; k++)
            ordered[row * input + k] = x[p->gap + row / batch * p->x_step + row % batch * p->x_stride + k];
    p->hn = calloc(p->state_count, sizeof *p->hn), p->cn = calloc(p->state_count, sizeof *p->cn);
    for (cl_uint i = 0; i < p->gap; i++)
        p->hn[i] = p->cn[i] = NAN;
    const reference_cell cell = {s.input, s.hidden, wx, wh, bias, zero};
    ck_assert(
        reference_sequence(&cell, s.steps, s.batch, false, ordered, h + p->gap, c + p->gap, y, p->hn + p->gap, p->cn + p->gap));
    spread_y(p, y);
    const size_t blocks = (hidden + WIDTH - 1) / WIDTH,
                 sums = (size_t)(s.chunk + 1) * (batch + TILE) * (size_t)(s.groups + 1) * blocks * 4 * WIDTH;
    p->x_dev = kernel_buffer(bench, x, p->x_count), p->wx_dev = packed_buffer(bench, wx, s.hidden, s.input, false);
    p->wh_dev = packed_buffer(bench, wh, s.hidden, s.hidden, false), p->bias_dev = packed_buffer(bench, bias, s.hidden, 1, true);
    p->h_dev = kernel_buffer(bench, h, p->state_count), p->c_dev = kernel_real_buffer(bench, c, p->state_count);
    p->y_dev = kernel_buffer(bench, NULL, p->y_count), p->hn_dev = kernel_buffer(bench, NULL, p->state_count);
    p->cn_dev = kernel_real_buffer(bench, NULL, p->state_count),
    p->scratch_dev = kernel_real_buffer(bench, NULL, batch * blocks * WIDTH);
    p->sums_dev = kernel_real_buffer(bench, NULL, sums);
    const size_t meet_bytes = (size_t)(s.groups + 2) * MEET_STRIDE * sizeof(cl_int);
    ck_assert(device_buffer_create(&p->meet_dev, bench->device, CL_MEM_READ_WRITE, meet_bytes, "counters", NULL) == OCLSTM_OK);
    ck_assert(device_fill_zero(bench->device, p->meet_dev, 0, meet_bytes, NULL) == OCLSTM_OK);
    double *const arrays[] = {x, wx, wh, bias, h, c, zero, y, ordered};
    for (size_t i = 0; i < COUNT(arrays); i++)
        free(arrays[i]);
}

static void problem_free(const kernel_bench *bench, problem *p) {
    cl_mem *const buffers[] = {&p->x_dev, &p->wx_dev, &p->wh_dev, &p->bias_dev,    &p->h_dev,    &p->c_dev,
                               &p->y_dev, &p->hn_dev, &p->cn_dev, &p->scratch_dev, &p->sums_dev, &p->meet_dev};
    for (size_t i = 0; i < COUNT(buffers); i++)
        device_buffer_release(bench->device, buffers[i]);
    free(p->y);
    free(p->hn);
    free(p->cn);
}

static lstm_fused_call call_of(const problem *p) {
    const shape s = p->shape;
    return (lstm_fused_call){.x_offset = p->gap,
                             .x_step = p->x_step,
                             .x_stride = p->x_stride,
                             .y_offset = p->gap,
                             .y_step = p->y_step,
                             .y_stride = p->y_stride,
                             .h0_offset = p->gap,
                             .c0_offset = p->gap,
                             .hn_offset = p->gap,
                             .cn_offset = p->gap,
                             .input = s.input,
                             .hidden = s.hidden,
                             .batch = s.batch,
                             .steps = s.steps,
                             .chunk = s.chunk,
                             .turn = s.steps % 2,
                             .split = s.split,
                             .early = 1,
                             .groups = 1};
}

static void set_buffers(const kernel_bench *bench, cl_kernel kernel, problem *p, cl_mem hn, cl_mem cn) {
    oclstm_error error;
    ck_assert_msg(device_set_args(bench->device, kernel, 0, &error, DEVICE_ARG(p->x_dev), DEVICE_ARG(p->wx_dev),
                                  DEVICE_ARG(p->wh_dev), DEVICE_ARG(p->bias_dev), DEVICE_ARG(p->h_dev), DEVICE_ARG(p->c_dev),
                                  DEVICE_ARG(p->y_dev), DEVICE_ARG(hn), DEVICE_ARG(cn), DEVICE_ARG(p->scratch_dev),
                                  DEVICE_ARG(p->sums_dev), (size_t)0) == OCLSTM_OK,
                  "%s", error.message);
}

static void expect_all(const kernel_bench *bench, const problem *p, const char *kernel, cl_mem hn, cl_mem cn) {
    char what[160];
    const shape *s = &p->shape;
    snprintf(what, sizeof what, "%s input %d hidden %d batch %d steps %d chunk %d groups %d%s%s", kernel, s->input, s->hidden,
             s->batch, s->steps, s->chunk, s->groups, s->batch_first ? " batch first" : "", s->split ? " split" : "");
    kernel_expect(bench, p->y_dev, p->y, p->y_count, what);
    if (hn == p->hn_dev)
        kernel_expect(bench, hn, p->hn, p->state_count, what);
    if (cn == p->cn_dev)
        kernel_expect_real(bench, cn, p->cn, p->state_count, what);
}

static void launch_units(const kernel_bench *bench, cl_kernel kernel, problem *p, int groups, size_t started, int epoch,
                         int patience, int role) {
    lstm_fused_call call = call_of(p);
    call.groups = groups, call.epoch = epoch, call.patience = patience, call.role = role;
    ck_assert(device_set_args(bench->device, kernel, 11, NULL, DEVICE_ARG(call), DEVICE_ARG(p->meet_dev), (size_t)0) == OCLSTM_OK);
    kernel_run(bench, kernel, 1, started, 1);
}

static void check_rows(const kernel_bench *bench, shape s) {
    problem p;
    problem_make(bench, &p, s);
    cl_kernel kernel = kernel_make(bench, "fused_rows");
    set_buffers(bench, kernel, &p, p.hn_dev, p.cn_dev);
    lstm_fused_call call = call_of(&p);
    call.rows = (s.batch + s.groups - 1) / s.groups;
    ck_assert(device_set_args(bench->device, kernel, 11, NULL, DEVICE_ARG(call), (size_t)0) == OCLSTM_OK);
    kernel_run(bench, kernel, 1, (size_t)((s.batch + call.rows - 1) / call.rows), 1);
    expect_all(bench, &p, "fused_rows", p.hn_dev, p.cn_dev);
    device_kernel_release(&kernel);
    problem_free(bench, &p);
}

static void check_units(const kernel_bench *bench, shape s) {
    problem p;
    problem_make(bench, &p, s);
    cl_kernel kernel = kernel_make(bench, "fused_units");
    set_buffers(bench, kernel, &p, p.hn_dev, p.cn_dev);
    launch_units(bench, kernel, &p, 1, 1, 0, PATIENCE, 0);
    expect_all(bench, &p, "fused_units", p.hn_dev, p.cn_dev);
    device_kernel_release(&kernel);
    problem_free(bench, &p);
}

static const shape shapes[] = {
    {1, 1, 1, 1, 0, 1, false, false},  {3, 7, 2, 2, 0, 1, false, false}, {8, 8, 3, 3, 0, 2, true, false},
    {9, 9, 4, 5, 0, 2, false, false},  {5, 17, 5, 4, 0, 2, true, false}, {16, 24, 7, 6, 0, 3, false, false},
    {33, 40, 6, 3, 0, 1, true, false}, {2, 65, 1, 9, 0, 1, true, false},
};

START_TEST(test_rows) {
    kernel_bench bench;
    if (!open_bench(&bench, "fused_math.cl fused_tile.cl fused_rows.cl", dtypes[_i]))
        return;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        for (int chunk = 0; chunk < 4; chunk += 2) {
            shape s = shapes[i];
            s.chunk = chunk;
            check_rows(&bench, s);
            s.split = true;
            check_rows(&bench, s);
        }
    }
    kernel_bench_close(&bench);
}
END_TEST

START_TEST(test_units) {
    kernel_bench bench;
    if (!open_bench(&bench, "fused_math.cl fused_tile.cl fused_units.cl", dtypes[_i]))
        return;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        for (int chunk = 1; chunk < 8; chunk += 3) {
            shape s = shapes[i];
            s.chunk = chunk;
            check_units(&bench, s);
            s.split = true;
            check_units(&bench, s);
        }
    }
    kernel_bench_close(&bench);
}
END_TEST

// A row's result must not depend on how many rows a work-item has: bit by bit the same, in tiles of any size and, split, in others.
START_TEST(test_rows_alike) {
    kernel_bench bench;
    if (!open_bench(&bench, "fused_math.cl fused_tile.cl fused_rows.cl", dtypes[_i / 4]))
        return;
    shape s = {.input = 9, .hidden = 19, .batch = 11, .steps = 4, .chunk = _i & 1 ? 3 : 0, .groups = 11, .split = _i & 2};
    problem p;
    problem_make(&bench, &p, s);
    const size_t bytes = p.y_count * oclstm_dtype_size_bytes(bench.dtype);
    char *first = calloc(1, bytes), *other = calloc(1, bytes);
    cl_kernel kernel = kernel_make(&bench, "fused_rows");
    set_buffers(&bench, kernel, &p, p.hn_dev, p.cn_dev);
    lstm_fused_call call = call_of(&p);
    for (call.rows = s.batch; call.rows >= 1; call.rows--) {
        ck_assert(device_set_args(bench.device, kernel, 11, NULL, DEVICE_ARG(call), (size_t)0) == OCLSTM_OK);
        kernel_run(&bench, kernel, 1, (size_t)((s.batch + call.rows - 1) / call.rows), 1);
        expect_all(&bench, &p, "fused_rows", p.hn_dev, p.cn_dev);
        ck_assert(device_read(bench.device, call.rows == s.batch ? first : other, p.y_dev, 0, bytes, "y", NULL) == OCLSTM_OK);
        ck_assert_msg(call.rows == s.batch || memcmp(first, other, bytes) == 0, "%d rows a work-item differ from %d, %s sums",
                      call.rows, s.batch, s.split ? "split" : "whole");
    }
    device_kernel_release(&kernel);
    problem_free(&bench, &p);
    free(first);
    free(other);
    kernel_bench_close(&bench);
}
END_TEST

static cl_int read_counter(const kernel_bench *bench, const problem *p, int place) {
    cl_int value = -1;
    ck_assert(device_read(bench->device, &value, p->meet_dev, (size_t)(place * MEET_STRIDE) * sizeof value, sizeof value,
                          "a counter", NULL) == OCLSTM_OK);
    return value;
}

// Only one of two groups is started: it waits for the other, gives up and returns, and the second launch computes the slice alone, also
// where the new state replaces the old one. With this a lost meeting on any device is played through, whatever its scheduler does.
START_TEST(test_lost_meeting) {
    kernel_bench bench;
    if (!open_bench(&bench, "fused_math.cl fused_tile.cl fused_units.cl", OCLSTM_F32))
        return;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        shape s = shapes[i];
        s.chunk = 2, s.groups = 2, s.steps += 1, s.split = i % 2 == 1;
        problem p;
        problem_make(&bench, &p, s);
        const bool in_place = i % 2 == 0;
        const cl_mem hn = in_place ? p.h_dev : p.hn_dev, cn = in_place ? p.c_dev : p.cn_dev;
        cl_kernel kernel = kernel_make(&bench, "fused_units");
        set_buffers(&bench, kernel, &p, hn, cn);
        launch_units(&bench, kernel, &p, 2, 1, 70, 1000, 0);
        ck_assert_int_eq(read_counter(&bench, &p, 2), 1); // gave up
        launch_units(&bench, kernel, &p, 2, 1, 70, 1000, 1);
        expect_all(&bench, &p, "fused_units after a lost meeting", hn, cn);
        ck_assert_int_eq(read_counter(&bench, &p, 2), 0);
        ck_assert_int_eq(read_counter(&bench, &p, 3), 1); // counted
        ck_assert_int_eq(read_counter(&bench, &p, 0), 70 + s.steps);
        ck_assert_int_eq(read_counter(&bench, &p, 1), 70 + s.steps);
        device_kernel_release(&kernel);
        problem_free(&bench, &p);
    }
    kernel_bench_close(&bench);
}
END_TEST

// A meeting that took place: only the second launch writes the state. The groups run one after the other here, each told that the other
// is far ahead, so that this needs no threads: group 1 first would find stale h, so a single step is used.
START_TEST(test_kept_meeting) {
    kernel_bench bench;
    if (!open_bench(&bench, "fused_math.cl fused_tile.cl fused_units.cl", OCLSTM_F32))
        return;
    shape s = {5, 33, 2, 1, 1, 2, false, false};
    problem p;
    problem_make(&bench, &p, s);
    cl_kernel kernel = kernel_make(&bench, "fused_units");
    set_buffers(&bench, kernel, &p, p.hn_dev, p.cn_dev);
    launch_units(&bench, kernel, &p, 2, 2, 0, PATIENCE, 0);
    ck_assert_int_eq(read_counter(&bench, &p, 2), 0);
    launch_units(&bench, kernel, &p, 2, 1, 0, PATIENCE, 1);
    expect_all(&bench, &p, "fused_units with two groups", p.hn_dev, p.cn_dev);
    ck_assert_int_eq(read_counter(&bench, &p, 3), 0);
    device_kernel_release(&kernel);
    problem_free(&bench, &p);
    kernel_bench_close(&bench);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("kernels_fused");
    TCase *tests = tcase_create("reference");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, test_pack, 0, 4);
    tcase_add_loop_test(tests, test_rows, 0, 4);
    tcase_add_loop_test(tests, test_units, 0, 4);
    tcase_add_loop_test(tests, test_rows_alike, 0, 16);
    tcase_add_test(tests, test_lost_meeting);
    tcase_add_test(tests, test_kept_meeting);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
