// SPDX-License-Identifier: Apache-2.0
// Programs: where their text comes from, the cache, compiler errors.
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "device/device_private.h"
#include "runner.h"
#include "temporary_dir.h"

static temporary_dir dir;
static oclstm_device *device;
static oclstm_error error;

static const char scale_text[] = "__kernel void scale(__global REAL *x, uint n) {\n"
                                 "    uint i = get_global_id(0);\n"
                                 "    if (i < n) x[i] *= FACTOR;\n"
                                 "}\n";

static void make_device(void) {
    temporary_dir_make(&dir);
    temporary_dir_write(&dir, "lstm_shared.h", "#define FACTOR 3"); // no newline at the end
    temporary_dir_write(&dir, "scale.cl", scale_text);
    temporary_dir_write(&dir, "broken.cl", "\n\n__kernel void broken(__global REAL *x) { x[0] = undeclared_thing; }\n");
    memset(&error, 0, sizeof error);
    ck_assert_msg(oclstm_device_open(&device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_int_eq(oclstm_device_set_kernel_dir(device, dir.path, &error), OCLSTM_OK);
}

static void close_device(void) {
    oclstm_device_close(&device);
    temporary_dir_remove(&dir);
}

static cl_program get(const char *file, const char *options) {
    cl_program program = NULL;
    ck_assert_msg(device_program_get(&program, device, file, options, &error) == OCLSTM_OK, "%s\n%s", error.message,
                  error.build_log);
    ck_assert_ptr_nonnull(program);
    return program;
}

// Runs "scale" over one element.
static double run_scale(cl_program program, oclstm_dtype dtype, double x) {
    cl_kernel kernel;
    cl_mem mem;
    size_t max_group = 0;
    const cl_uint count = 1;
    float single = (float)x;
    void *host = dtype == OCLSTM_F64 ? (void *)&x : (void *)&single;
    size_t size_bytes = oclstm_dtype_size_bytes(dtype);
    ck_assert_int_eq(device_kernel_create(&kernel, device, program, "scale", &max_group, &error), OCLSTM_OK);
    ck_assert_uint_gt(max_group, 0);
    ck_assert_int_eq(device_buffer_create(&mem, device, CL_MEM_READ_WRITE, size_bytes, "x", &error), OCLSTM_OK);
    ck_assert_int_eq(device_write(device, mem, 0, host, size_bytes, "x", &error), OCLSTM_OK);
    ck_assert_int_eq(device_set_args(device, kernel, 0, &error, DEVICE_ARG(mem), DEVICE_ARG(count), (size_t)0), OCLSTM_OK);
    device_grid grid = device_grid_make(device, max_group, 16, 1, 1, 1);
    ck_assert_int_eq(device_launch(device, kernel, &grid, &error), OCLSTM_OK);
    ck_assert_int_eq(device_read(device, host, mem, 0, size_bytes, "x", &error), OCLSTM_OK);
    device_buffer_release(device, &mem);
    device_kernel_release(&kernel);
    ck_assert_ptr_null(kernel);
    return dtype == OCLSTM_F64 ? x : (double)single;
}

START_TEST(a_program_runs_in_each_dtype) {
    ck_assert(run_scale(get("scale.cl", device_dtype_options(device, OCLSTM_F32)), OCLSTM_F32, 2.5) == 7.5);
    if (device_get_limits(device)->has_fp64)
        ck_assert(run_scale(get("scale.cl", device_dtype_options(device, OCLSTM_F64)), OCLSTM_F64, 1e-300) == 3 * 1e-300);
}
END_TEST

START_TEST(options_follow_the_device) {
    ck_assert_str_eq(device_dtype_options(device, OCLSTM_F32), "-cl-std=CL1.2 -D REAL=float -D REAL_IS_DOUBLE=0");
    ck_assert_str_eq(device_dtype_options(device, OCLSTM_F64), "-cl-std=CL1.2 -D REAL=double -D REAL_IS_DOUBLE=1");
    device->opencl_1_2 = false;
    ck_assert_str_eq(device_dtype_options(device, OCLSTM_F32), "-cl-std=CL1.1 -D REAL=float -D REAL_IS_DOUBLE=0");
    get("scale.cl", device_dtype_options(device, OCLSTM_F32));
}
END_TEST

START_TEST(the_cache_is_keyed_by_file_options_and_directory) {
    const char *options = device_dtype_options(device, OCLSTM_F32);
    cl_program first = get("scale.cl", options);
    ck_assert_ptr_eq(get("scale.cl", options), first);
    ck_assert_ptr_ne(get("scale.cl", "-D REAL=float -D OTHER"), first);

    temporary_dir other;
    temporary_dir_make(&other);
    temporary_dir_write(&other, "lstm_shared.h", "#define FACTOR 5\n");
    temporary_dir_write(&other, "scale.cl", scale_text);
    ck_assert_int_eq(oclstm_device_set_kernel_dir(device, other.path, &error), OCLSTM_OK);
    cl_program second = get("scale.cl", options);
    ck_assert_ptr_ne(second, first);
    ck_assert(run_scale(second, OCLSTM_F32, 1) == 5);
    ck_assert(run_scale(first, OCLSTM_F32, 1) == 3);
    temporary_dir_remove(&other);

    ck_assert_int_eq(oclstm_device_set_kernel_dir(device, dir.path, &error), OCLSTM_OK);
    ck_assert_ptr_eq(get("scale.cl", options), first);
}
END_TEST

START_TEST(a_compiler_error_carries_the_log) {
    cl_program program;
    ck_assert_int_eq(device_program_get(&program, device, "broken.cl", "-D REAL=float", &error), OCLSTM_BUILD_FAILED);
    ck_assert_ptr_null(program);
    ck_assert_int_eq(error.status, OCLSTM_BUILD_FAILED);
    ck_assert_str_eq(error.call, "clBuildProgram");
    ck_assert_str_eq(error.opencl_name, "CL_BUILD_PROGRAM_FAILURE");
    ck_assert_str_eq(error.device, device_get_limits(device)->name);
    ck_assert_ptr_nonnull(strstr(error.message, "broken.cl"));
    ck_assert_ptr_nonnull(strstr(error.message, "-D REAL=float"));
    ck_assert_msg(strstr(error.build_log, "undeclared_thing") != NULL, "log: %s", error.build_log);
    if (strcmp(device_get_limits(device)->platform_name, "Oclgrind") != 0) // it calls every file input.cl
        ck_assert_msg(strstr(error.build_log, "broken.cl:3") != NULL, "the log should name file and line: %s", error.build_log);
    ck_assert_int_eq(device_program_get(&program, device, "broken.cl", "-D REAL=float", NULL), OCLSTM_BUILD_FAILED);

    // Repaired, it builds: a failure is not kept.
    temporary_dir_write(&dir, "broken.cl", "__kernel void broken(__global REAL *x) { x[0] = 0; }\n");
    get("broken.cl", "-D REAL=float");
}
END_TEST

START_TEST(options_the_compiler_refuses) {
    cl_program program;
    ck_assert_int_eq(device_program_get(&program, device, "scale.cl", "-no-such-option", &error), OCLSTM_BUILD_FAILED);
    ck_assert_ptr_nonnull(strstr(error.message, "-no-such-option"));
}
END_TEST

START_TEST(files_that_cannot_be_read) {
    cl_program program;
    ck_assert_int_eq(device_program_get(&program, device, "absent.cl", "", &error), OCLSTM_IO);
    ck_assert_ptr_nonnull(strstr(error.message, dir.path));
    ck_assert_ptr_nonnull(strstr(error.message, "absent.cl"));
    ck_assert_str_eq(error.call, "fopen");
    ck_assert_int_eq(device_program_get(&program, device, ".", "", &error), OCLSTM_IO); // a directory
    ck_assert_int_eq(oclstm_device_set_kernel_dir(device, "/no/such/directory", &error), OCLSTM_OK);
    ck_assert_int_eq(device_program_get(&program, device, "scale.cl", "", &error), OCLSTM_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "/no/such/directory/lstm_shared.h"));

    char *large = malloc((1 << 20) + 2);
    ck_assert_ptr_nonnull(large);
    memset(large, ' ', (1 << 20) + 1);
    large[(1 << 20) + 1] = '\0';
    temporary_dir_write(&dir, "large.cl", large);
    free(large);
    ck_assert_int_eq(oclstm_device_set_kernel_dir(device, dir.path, &error), OCLSTM_OK);
    ck_assert_int_eq(device_program_get(&program, device, "large.cl", "", &error), OCLSTM_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "1048576 bytes"));
}
END_TEST

START_TEST(the_built_in_text) {
    cl_program program;
    ck_assert_int_eq(oclstm_device_set_kernel_dir(device, NULL, &error), OCLSTM_OK);
    get("portable.cl", device_dtype_options(device, OCLSTM_F32));
    ck_assert_int_eq(device_program_get(&program, device, "scale.cl", "", &error), OCLSTM_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "\"scale.cl\""));
    ck_assert_int_eq(oclstm_device_set_kernel_dir(NULL, NULL, &error), OCLSTM_INVALID_ARGUMENT);
}
END_TEST

START_TEST(the_environment_names_a_directory) {
    oclstm_device *second = NULL;
    cl_program program;
    ck_assert_int_eq(setenv("OCLSTM_KERNEL_DIR", dir.path, 1), 0);
    oclstm_status opened = oclstm_device_open(&second, test_device(), &error);
    ck_assert_int_eq(unsetenv("OCLSTM_KERNEL_DIR"), 0);
    ck_assert_int_eq(opened, OCLSTM_OK);
    ck_assert_int_eq(device_program_get(&program, second, "scale.cl", "-D REAL=float", &error), OCLSTM_OK);
    oclstm_device_close(&second);
}
END_TEST

START_TEST(kernels_that_do_not_exist) {
    cl_kernel kernel;
    cl_program program = get("scale.cl", "-D REAL=float");
    ck_assert_int_eq(device_kernel_create(&kernel, device, program, "no_such_kernel", NULL, &error), OCLSTM_OPENCL);
    ck_assert_ptr_null(kernel);
    ck_assert_str_eq(error.opencl_name, "CL_INVALID_KERNEL_NAME");
    ck_assert_ptr_nonnull(strstr(error.message, "no_such_kernel"));
    device_kernel_release(&kernel);
    device_kernel_release(NULL);
}
END_TEST

START_TEST(arguments_that_do_not_fit) {
    cl_kernel kernel;
    const cl_uint count = 1;
    ck_assert_int_eq(device_kernel_create(&kernel, device, get("scale.cl", "-D REAL=float"), "scale", NULL, &error), OCLSTM_OK);
    ck_assert_int_eq(device_set_args(device, kernel, 2, &error, DEVICE_ARG(count), (size_t)0), OCLSTM_OPENCL);
    ck_assert_str_eq(error.opencl_name, "CL_INVALID_ARG_INDEX");
    ck_assert_ptr_nonnull(strstr(error.message, "argument 2 of the kernel \"scale\""));
    device_kernel_release(&kernel);
}
END_TEST

// A call of OpenCL 2.1: there where the device lists SPIR-V, never asked for elsewhere.
START_TEST(intermediate_language_is_looked_up) {
    static const char *const without[] = {"", "PTX_7.0", "OpenCL_C_1.2"};
    for (size_t at = 0; at < sizeof without / sizeof without[0]; at++) {
        base_copy_string(device->limits.il_version, sizeof device->limits.il_version, without[at]);
        ck_assert(device_find_create_with_il(device) == NULL);
    }
    base_copy_string(device->limits.il_version, sizeof device->limits.il_version, "PTX_7.0 SPIR-V_1.2");
    ck_assert(device_find_create_with_il(device) != NULL);
    device->opencl_1_2 = false;
    ck_assert(device_find_create_with_il(device) == NULL);
}
END_TEST

static void *get_in_thread(void *out) {
    oclstm_error thread_error = {0};
    cl_program program = NULL;
    (void)device_program_get(&program, device, "scale.cl", "-D REAL=float -D SHARED", &thread_error);
    *(cl_program *)out = program;
    return NULL;
}

START_TEST(threads_build_a_program_once) {
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    cl_program programs[THREADS] = {0};
    for (int at = 0; at < THREADS; at++)
        ck_assert_int_eq(pthread_create(&threads[at], NULL, get_in_thread, &programs[at]), 0);
    for (int at = 0; at < THREADS; at++)
        ck_assert_int_eq(pthread_join(threads[at], NULL), 0);
    for (int at = 0; at < THREADS; at++)
        ck_assert(programs[at] != NULL && programs[at] == programs[0]);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("program");
    TCase *tests = tcase_create("program");
    tcase_add_checked_fixture(tests, make_device, close_device);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_program_runs_in_each_dtype);
    tcase_add_test(tests, options_follow_the_device);
    tcase_add_test(tests, the_cache_is_keyed_by_file_options_and_directory);
    tcase_add_test(tests, a_compiler_error_carries_the_log);
    tcase_add_test(tests, options_the_compiler_refuses);
    tcase_add_test(tests, files_that_cannot_be_read);
    tcase_add_test(tests, the_built_in_text);
    tcase_add_test(tests, the_environment_names_a_directory);
    tcase_add_test(tests, kernels_that_do_not_exist);
    tcase_add_test(tests, arguments_that_do_not_fit);
    tcase_add_test(tests, intermediate_language_is_looked_up);
    tcase_add_test(tests, threads_build_a_program_once);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
