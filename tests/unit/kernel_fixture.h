// SPDX-License-Identifier: Apache-2.0
// For tests of single kernels: buffers from doubles, results back as doubles, a guard behind every result that must stay as
// it was, and the comparison with a reference in double precision.
#ifndef OCLSTM_TESTS_KERNEL_FIXTURE_H
#define OCLSTM_TESTS_KERNEL_FIXTURE_H

#include "device/device.h"

// Elements behind every buffer that no kernel may touch, and the value they hold.
enum { KERNEL_GUARD = 64 };
#define KERNEL_POISON -77.0

// A kernel under test: opened once per dtype and file.
typedef struct kernel_bench {
    oclstm_device *device;
    oclstm_dtype dtype;
    cl_program program;
    oclstm_dtype real; // of sums, biases and c: float32 for 16 bits
    double tolerance;  // in |a-b| / (1+|b|)
} kernel_bench;

// Opens the tests' device and builds the file. False when the device lacks the dtype.
bool kernel_bench_open(kernel_bench *bench, const char *file, oclstm_dtype dtype);
// With more options for the build; file may be several names, as for device_program_get().
bool kernel_bench_open_with(kernel_bench *bench, const char *file, oclstm_dtype dtype, const char *options);
void kernel_bench_close(kernel_bench *bench);

// A kernel of the bench's program; release it with device_kernel_release(). Fails the test where there is none.
cl_kernel kernel_make(const kernel_bench *bench, const char *name);

// Uniform in [-1, 1), rounded to the dtype, so that reference and kernel start from the same numbers.
void kernel_random(const kernel_bench *bench, double *values, size_t count, uint64_t *seed);

// A buffer with these values (poison when NULL) and a guard behind them: of the dtype; of `real`.
cl_mem kernel_buffer(const kernel_bench *bench, const double *values, size_t count);
cl_mem kernel_real_buffer(const kernel_bench *bench, const double *values, size_t count);

// Launches over count0 x count1 work-items with a work-group of `local` in dimension 0 and waits. Arguments are set.
void kernel_run(const kernel_bench *bench, cl_kernel kernel, size_t local, size_t count0, size_t count1);

// Reads count elements and compares; fails the test with index, both values and `what`; checks the guard. A NaN in expected means: must
// still be poison.
void kernel_expect(const kernel_bench *bench, cl_mem buffer, const double *expected, size_t count, const char *what);
void kernel_expect_real(const kernel_bench *bench, cl_mem buffer, const double *expected, size_t count, const char *what);

#endif
