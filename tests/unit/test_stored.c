// SPDX-License-Identifier: Apache-2.0
// How kernels load and store 16 bits: every pattern widened, every pattern, every half-way point and its neighbours narrowed, one by one and in
// vectors, against plain C.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/oclstm/reference.h"
#include "device/device_private.h"
#include "device/kernel_text.h"
#include "kernel_fixture.h"
#include "runner.h"

enum { PATTERNS = 65536, PER_PATTERN = 4, VALUES = PATTERNS * PER_PATTERN, WIDTH = 8 };

static const char *const kernels = "\n__kernel void narrow_each(const __global float *in, __global STORED_T *out) {\n"
                                   "    const int i = (int)get_global_id(0);\n"
                                   "    STORED_STORE(out, i, in[i]);\n"
                                   "}\n"
                                   "__kernel void widen_each(const __global STORED_T *in, __global float *out) {\n"
                                   "    const int i = (int)get_global_id(0);\n"
                                   "    out[i] = STORED_LOAD(in, i);\n"
                                   "}\n"
                                   "__kernel void narrow_units(const __global float *in, __global STORED_T *out) {\n"
                                   "    const int i = (int)get_global_id(0) * VW;\n"
                                   "    store_h(LOAD_UNITS(in + i), out + i, VW);\n"
                                   "}\n"
                                   "__kernel void widen_units(const __global STORED_T *in, __global float *out) {\n"
                                   "    const int i = (int)get_global_id(0) * VW;\n"
                                   "    STORE_UNITS(load_h(in + i, VW), out + i);\n"
                                   "}\n";

static const oclstm_dtype dtypes[] = {OCLSTM_F16, OCLSTM_BF16};

static float values[VALUES], wide[PATTERNS];
static uint16_t expected[VALUES], bits[VALUES];

// The shared header and the vectors' file as the tests' device takes them, so that a fault in either is seen, with the kernels above.
static cl_program build(oclstm_device *device, oclstm_dtype dtype) {
    oclstm_error error;
    kernel_text shared, math;
    char options[256], log[4096] = "";
    cl_int code;
    ck_assert_msg(kernel_text_load(&shared, device->kernel_dir, "lstm_shared.h", &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_msg(kernel_text_load(&math, device->kernel_dir, "fused_math.cl", &error) == OCLSTM_OK, "%s", error.message);
    const char *strings[] = {shared.text, "\n", math.text, kernels};
    cl_program program = clCreateProgramWithSource(device->context, 4, strings, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    snprintf(options, sizeof options, "%s -D VW=%d", device_dtype_options(device, dtype), WIDTH);
    code = clBuildProgram(program, 1, &device->id, options, NULL, NULL);
    if (code != CL_SUCCESS)
        clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
    ck_assert_msg(code == CL_SUCCESS, "%d: %s", code, log);
    free(shared.owned);
    free(math.owned);
    return program;
}

// out = kernel(in), `count` elements, `each` a work-item.
static void run(oclstm_device *device, cl_program program, const char *name, const void *in, size_t in_bytes, void *out,
                size_t out_bytes, size_t items) {
    oclstm_error error;
    cl_mem from = NULL, to = NULL;
    cl_kernel kernel = NULL;
    const device_grid grid = {1, {items, 1, 1}, {1, 1, 1}};
    ck_assert(device_buffer_create(&from, device, CL_MEM_READ_WRITE, in_bytes, "in", &error) == OCLSTM_OK);
    ck_assert(device_buffer_create(&to, device, CL_MEM_READ_WRITE, out_bytes, "out", &error) == OCLSTM_OK);
    ck_assert(device_write(device, from, 0, in, in_bytes, "in", &error) == OCLSTM_OK);
    ck_assert_msg(device_kernel_create(&kernel, device, program, name, NULL, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert(device_set_args(device, kernel, 0, &error, DEVICE_ARG(from), DEVICE_ARG(to), (size_t)0) == OCLSTM_OK);
    ck_assert(device_launch(device, kernel, &grid, &error) == OCLSTM_OK);
    ck_assert(device_read(device, out, to, 0, out_bytes, "out", &error) == OCLSTM_OK);
    device_kernel_release(&kernel);
    device_buffer_release(device, &from);
    device_buffer_release(device, &to);
}

static double value_of(unsigned pattern, oclstm_dtype dtype) {
    const uint16_t word = (uint16_t)pattern;
    double value;
    reference_widen(&value, &word, dtype, 1);
    return value;
}

// Each pattern's number, the point half-way to the next one, and what lies just beside that.
static void make_values(oclstm_dtype dtype) {
    for (unsigned i = 0; i < PATTERNS; i++) {
        const double low = value_of(i, dtype), high = value_of((i & 0x8000) | ((i + 1) & 0x7FFF), dtype);
        // Half-way to infinity: where the next number would be.
        const double half = isfinite(low) && isinf(high) ? low + (low - value_of(i - 1, dtype)) / 2 : (low + high) / 2;
        float *at = &values[i * PER_PATTERN];
        at[0] = (float)low;
        at[1] = (float)half;
        at[2] = nextafterf((float)half, HUGE_VALF);
        at[3] = nextafterf((float)half, -HUGE_VALF);
    }
    const uint32_t low_payload = 0x7F800001; // a NaN that would be infinity if its lower half were dropped
    memcpy(&values[0x7F81 * PER_PATTERN], &low_payload, sizeof low_payload);
    for (int i = 0; i < VALUES; i++) {
        const double value = (double)values[i];
        reference_narrow(&expected[i], &value, dtype, 1);
    }
}

static void check_narrow(oclstm_device *device, cl_program program, const char *name, oclstm_dtype dtype, size_t items) {
    memset(bits, 0x55, sizeof bits);
    run(device, program, name, values, sizeof values, bits, sizeof bits, items);
    for (int i = 0; i < VALUES; i++) {
        const bool same = isnan(values[i]) ? isnan(value_of(bits[i], dtype)) : bits[i] == expected[i];
        ck_assert_msg(same, "%s: %a becomes %#x, expected %#x; %s", name, (double)values[i], bits[i], expected[i],
                      oclstm_dtype_name(dtype));
    }
}

static void check_widen(oclstm_device *device, cl_program program, const char *name, oclstm_dtype dtype, size_t items) {
    for (int i = 0; i < PATTERNS; i++)
        bits[i] = (uint16_t)i;
    run(device, program, name, bits, PATTERNS * sizeof bits[0], wide, sizeof wide, items);
    for (unsigned i = 0; i < PATTERNS; i++) {
        const double want = value_of(i, dtype);
        const bool same = isnan(want) ? isnan(wide[i]) : (double)wide[i] == want && !signbit(wide[i]) == !signbit(want);
        ck_assert_msg(same, "%s: %#x becomes %a, expected %a; %s", name, i, (double)wide[i], want, oclstm_dtype_name(dtype));
    }
}

START_TEST(loads_and_stores) {
    oclstm_error error;
    oclstm_device *device = NULL;
    ck_assert_msg(oclstm_device_open(&device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
    const oclstm_dtype dtype = dtypes[_i];
    cl_program program = build(device, dtype);
    make_values(dtype);
    check_narrow(device, program, "narrow_each", dtype, VALUES);
    check_narrow(device, program, "narrow_units", dtype, VALUES / WIDTH);
    check_widen(device, program, "widen_each", dtype, PATTERNS);
    check_widen(device, program, "widen_units", dtype, PATTERNS / WIDTH);
    clReleaseProgram(program);
    oclstm_device_close(&device);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("stored");
    TCase *tests = tcase_create("reference");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, loads_and_stores, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
