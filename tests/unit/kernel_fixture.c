// SPDX-License-Identifier: Apache-2.0
#include "kernel_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../tools/oclstm/reference.h"
#include "runner.h"

static double to_dtype(oclstm_dtype dtype, double value) {
    double rounded = 0;
    reference_narrow(&rounded, &value, dtype, 1);
    reference_widen(&value, &rounded, dtype, 1);
    return value;
}

// Sums of up to a few hundred products of numbers below 1: rounding stays below a few units in the last place of the sum. In 16 bits h is
// rounded in each step, by 2^-11 or 2^-8 of itself, and random weights up to 1 make up to five times that of it in sums of 65.
static double tolerance_of(oclstm_dtype dtype) {
    return dtype == OCLSTM_F64 ? 1e-13 : dtype == OCLSTM_F32 ? 5e-6 : dtype == OCLSTM_F16 ? 5 * 0x1p-11 : 5 * 0x1p-8;
}

bool kernel_bench_open(kernel_bench *bench, const char *file, oclstm_dtype dtype) {
    return kernel_bench_open_with(bench, file, dtype, "");
}

bool kernel_bench_open_with(kernel_bench *bench, const char *file, oclstm_dtype dtype, const char *options) {
    oclstm_error error;
    char all[1024];
    *bench =
        (kernel_bench){.dtype = dtype, .real = dtype == OCLSTM_F64 ? OCLSTM_F64 : OCLSTM_F32, .tolerance = tolerance_of(dtype)};
    ck_assert_msg(oclstm_device_open(&bench->device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
    if (dtype == OCLSTM_F64 && !device_get_limits(bench->device)->has_fp64) {
        oclstm_device_close(&bench->device);
        return false;
    }
    snprintf(all, sizeof all, "%s %s", device_dtype_options(bench->device, dtype), options);
    ck_assert_msg(device_program_get(&bench->program, bench->device, file, all, &error) == OCLSTM_OK, "%s\n%s", error.message,
                  error.build_log);
    return true;
}

void kernel_bench_close(kernel_bench *bench) { oclstm_device_close(&bench->device); }

cl_kernel kernel_make(const kernel_bench *bench, const char *name) {
    oclstm_error error;
    cl_kernel kernel = NULL;
    ck_assert_msg(device_kernel_create(&kernel, bench->device, bench->program, name, NULL, &error) == OCLSTM_OK, "%s",
                  error.message);
    return kernel;
}

void kernel_random(const kernel_bench *bench, double *values, size_t count, uint64_t *seed) {
    for (size_t i = 0; i < count; i++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        values[i] = to_dtype(bench->dtype, (double)(*seed >> 11) * 0x1p-52 - 1.0);
    }
}

static cl_mem make_buffer(const kernel_bench *bench, oclstm_dtype dtype, const double *values, size_t count) {
    size_t element = oclstm_dtype_size_bytes(dtype), total = count + KERNEL_GUARD;
    char *host = calloc(total, element);
    ck_assert_ptr_nonnull(host);
    for (size_t i = 0; i < total; i++) {
        const double value = i < count && values != NULL ? values[i] : KERNEL_POISON;
        reference_narrow(host + i * element, &value, dtype, 1);
    }
    oclstm_error error;
    cl_mem buffer = NULL;
    ck_assert_msg(device_buffer_create(&buffer, bench->device, CL_MEM_READ_WRITE, total * element, "a test buffer", &error) ==
                      OCLSTM_OK,
                  "%s", error.message);
    ck_assert_msg(device_write(bench->device, buffer, 0, host, total * element, "test data", &error) == OCLSTM_OK, "%s",
                  error.message);
    free(host);
    return buffer;
}

cl_mem kernel_buffer(const kernel_bench *bench, const double *values, size_t count) {
    return make_buffer(bench, bench->dtype, values, count);
}

cl_mem kernel_real_buffer(const kernel_bench *bench, const double *values, size_t count) {
    return make_buffer(bench, bench->real, values, count);
}

void kernel_run(const kernel_bench *bench, cl_kernel kernel, size_t local, size_t count0, size_t count1) {
    oclstm_error error;
    device_grid grid = device_grid_make(bench->device, local, local, count0, count1, 1);
    ck_assert_msg(device_launch(bench->device, kernel, &grid, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_msg(device_finish(bench->device, &error) == OCLSTM_OK, "%s", error.message);
}

static void expect(const kernel_bench *bench, oclstm_dtype dtype, cl_mem buffer, const double *expected, size_t count,
                   const char *what) {
    size_t element = oclstm_dtype_size_bytes(dtype), total = count + KERNEL_GUARD;
    char *host = calloc(total, element);
    ck_assert_ptr_nonnull(host);
    oclstm_error error;
    ck_assert_msg(device_read(bench->device, host, buffer, 0, total * element, "test data", &error) == OCLSTM_OK, "%s",
                  error.message);
    for (size_t i = 0; i < total; i++) {
        double got;
        reference_widen(&got, host + i * element, dtype, 1);
        bool untouched = i >= count || isnan(expected[i]);
        double want = untouched ? KERNEL_POISON : expected[i];
        bool right = untouched ? got == KERNEL_POISON : fabs(got - want) <= bench->tolerance * (1 + fabs(want));
        if (!right) {
            free(host);
            ck_abort_msg("%s: element %zu of %zu is %.17g, expected %.17g%s; %s on %s", what, i, count, got, want,
                         untouched ? " (not to be written)" : "", oclstm_dtype_name(bench->dtype),
                         device_get_limits(bench->device)->name);
        }
    }
    free(host);
}

void kernel_expect(const kernel_bench *bench, cl_mem buffer, const double *expected, size_t count, const char *what) {
    expect(bench, bench->dtype, buffer, expected, count, what);
}

void kernel_expect_real(const kernel_bench *bench, cl_mem buffer, const double *expected, size_t count, const char *what) {
    expect(bench, bench->real, buffer, expected, count, what);
}
