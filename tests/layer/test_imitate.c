// SPDX-License-Identifier: Apache-2.0
// The imitating layer itself: what it denies it refuses, and it answers queries as OpenCL says. Three disguises of one device:
//
//     0  LEAST: groups of 1, no double, no long, 1 KiB of local memory, buffers up to 64 KiB
//     1  OLD: OpenCL 1.1 without a compiler
//     2  as it is, with kernels of groups up to 8
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <stdlib.h>
#include <string.h>

#include "runner.h"

enum { LEAST, OLD, KERNEL_GROUP, DEVICES };

static cl_platform_id platform;
static cl_device_id ids[DEVICES];
static cl_context context;
static cl_command_queue queue;
static cl_program program;
static cl_kernel kernel;

static void open_device(int which) {
    cl_uint count = 0;
    cl_int code;
    ck_assert_int_eq(clGetPlatformIDs(1, &platform, NULL), CL_SUCCESS);
    ck_assert_int_eq(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, DEVICES, ids, &count), CL_SUCCESS);
    ck_assert_uint_eq(count, DEVICES);
    context = clCreateContext(NULL, 1, &ids[which], NULL, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    queue = clCreateCommandQueue(context, ids[which], 0, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
}

static void close_device(void) {
    if (kernel)
        clReleaseKernel(kernel);
    if (program)
        clReleaseProgram(program);
    if (queue)
        clReleaseCommandQueue(queue);
    if (context)
        clReleaseContext(context);
    kernel = NULL, program = NULL, queue = NULL, context = NULL;
}

static cl_int build(const char *source, const char *options) {
    cl_int code;
    if (program)
        clReleaseProgram(program);
    program = clCreateProgramWithSource(context, 1, &source, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return clBuildProgram(program, 0, NULL, options, NULL, NULL);
}

static void make_kernel(const char *source) {
    cl_int code;
    if (kernel)
        clReleaseKernel(kernel);
    ck_assert_int_eq(build(source, ""), CL_SUCCESS);
    kernel = clCreateKernel(program, "k", &code);
    ck_assert_int_eq(code, CL_SUCCESS);
}

static cl_int launch(const size_t *local) {
    const size_t global = 16;
    cl_int code = clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &global, local, 0, NULL, NULL);
    ck_assert_int_eq(clFinish(queue), CL_SUCCESS);
    return code;
}

START_TEST(answers_have_a_size) {
    static const cl_device_info parameters[] = {
        CL_DEVICE_TYPE,
        CL_DEVICE_NAME,
        CL_DEVICE_PROFILE,
        CL_DEVICE_EXTENSIONS,
        CL_DEVICE_AVAILABLE,
        CL_DEVICE_LOCAL_MEM_SIZE,
        CL_DEVICE_MAX_COMPUTE_UNITS,
        CL_DEVICE_MAX_WORK_GROUP_SIZE,
        CL_DEVICE_ADDRESS_BITS,
        CL_DEVICE_VERSION,
        CL_DEVICE_DOUBLE_FP_CONFIG,
        CL_DEVICE_MAX_WORK_ITEM_SIZES,
        CL_DEVICE_OPENCL_C_VERSION,
    };
    open_device(LEAST);
    for (size_t at = 0; at < DEVICES * sizeof parameters / sizeof parameters[0]; at++) {
        const cl_device_info parameter = parameters[at / DEVICES];
        size_t needed = 0;
        char value[8192];
        ck_assert_int_eq(clGetDeviceInfo(ids[at % DEVICES], parameter, 0, NULL, &needed), CL_SUCCESS);
        ck_assert_msg(needed > 0 && needed < sizeof value, "%#x", parameter);
        ck_assert_int_eq(clGetDeviceInfo(ids[at % DEVICES], parameter, needed, value, NULL), CL_SUCCESS);
        ck_assert_int_eq(clGetDeviceInfo(ids[at % DEVICES], parameter, needed - 1, value, NULL), CL_INVALID_VALUE);
    }
    ck_assert_int_eq(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, ids, NULL), CL_INVALID_VALUE);
    ck_assert_int_eq(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, NULL), CL_INVALID_VALUE);
    ck_assert_int_eq(clGetDeviceIDs(platform, CL_DEVICE_TYPE_GPU, 1, ids, NULL), CL_DEVICE_NOT_FOUND);
    ck_assert_int_eq(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ACCELERATOR, 1, ids, NULL), CL_SUCCESS);
}
END_TEST

START_TEST(groups_are_refused) {
    static const struct {
        int device;
        size_t allowed;
    } rows[] = {{LEAST, 1}, {KERNEL_GROUP, 8}};
    for (int at = 0; at < 2; at++) {
        open_device(rows[at].device);
        make_kernel("__kernel void k(void) {}");
        size_t found, larger = 2 * rows[at].allowed;
        ck_assert_int_eq(clGetKernelWorkGroupInfo(kernel, NULL, CL_KERNEL_WORK_GROUP_SIZE, sizeof found, &found, NULL), CL_SUCCESS);
        ck_assert_uint_eq(found, rows[at].allowed);
        ck_assert_int_eq(launch(&rows[at].allowed), CL_SUCCESS);
        ck_assert_int_eq(launch(&larger), CL_INVALID_WORK_GROUP_SIZE);
        ck_assert_int_eq(launch(NULL), CL_INVALID_WORK_GROUP_SIZE);
        close_device();
    }
}
END_TEST

START_TEST(local_memory_is_refused) {
    const size_t one = 1;
    open_device(LEAST);
    make_kernel("__kernel void k(void) { volatile __local int a[200]; a[0] = 1; }");
    ck_assert_int_eq(launch(&one), CL_SUCCESS);
    make_kernel("__kernel void k(void) { volatile __local int a[300]; a[0] = 1; }");
    ck_assert_int_eq(launch(&one), CL_OUT_OF_RESOURCES);
    make_kernel("__kernel void k(__local int *b) { volatile __local int a[200]; a[0] = 1; b[0] = a[0]; }");
    ck_assert_int_eq(clSetKernelArg(kernel, 0, 128, NULL), CL_SUCCESS);
    ck_assert_int_eq(launch(&one), CL_SUCCESS);
    ck_assert_int_eq(clSetKernelArg(kernel, 0, 256, NULL), CL_SUCCESS);
    ck_assert_int_eq(launch(&one), CL_OUT_OF_RESOURCES);
}
END_TEST

START_TEST(buffers_are_refused) {
    cl_int code;
    open_device(LEAST);
    cl_mem buffer = clCreateBuffer(context, CL_MEM_READ_WRITE, 65536, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    clReleaseMemObject(buffer);
    ck_assert_ptr_null(clCreateBuffer(context, CL_MEM_READ_WRITE, 65537, NULL, &code));
    ck_assert_int_eq(code, CL_INVALID_BUFFER_SIZE);
}
END_TEST

START_TEST(types_are_refused) {
    static const char source[] = "__kernel void k(__global REAL *x) { x[0] += 1; }";
    char extensions[8192];
    open_device(LEAST);
    ck_assert_int_eq(clGetDeviceInfo(ids[LEAST], CL_DEVICE_EXTENSIONS, sizeof extensions, extensions, NULL), CL_SUCCESS);
    ck_assert(strstr(extensions, "fp64") == NULL && strstr(extensions, "int64_") == NULL && strstr(extensions, "khr"));
    ck_assert_int_eq(build(source, "-D REAL=float"), CL_SUCCESS);
    ck_assert_int_ne(build(source, "-D REAL=double"), CL_SUCCESS);
    ck_assert_int_ne(build(source, "-D REAL=long"), CL_SUCCESS);
    ck_assert_int_ne(build("#ifndef cl_khr_fp64\n#error none\n#endif\n__kernel void k(void) {}", ""), CL_SUCCESS);
}
END_TEST

// What the device without disguise compiles, the one without a compiler runs.
START_TEST(binaries_are_accepted_without_a_compiler) {
    cl_int code;
    size_t length = 0;
    const size_t one = 1;
    open_device(KERNEL_GROUP);
    make_kernel("__kernel void k(void) {}");
    ck_assert_int_eq(clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof length, &length, NULL), CL_SUCCESS);
    unsigned char *binary = malloc(length + 1);
    ck_assert_ptr_nonnull(binary);
    ck_assert_int_eq(clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL), CL_SUCCESS);
    close_device();
    open_device(OLD);
    ck_assert_int_eq(build("__kernel void k(void) {}", ""), CL_COMPILER_NOT_AVAILABLE);
    ck_assert_int_eq(clCompileProgram(program, 0, NULL, "", 0, NULL, NULL, NULL, NULL), CL_COMPILER_NOT_AVAILABLE);
    clReleaseProgram(program);
    const unsigned char *given = binary;
    program = clCreateProgramWithBinary(context, 1, &ids[OLD], &length, &given, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    free(binary);
    ck_assert_int_eq(clBuildProgram(program, 0, NULL, "", NULL, NULL), CL_SUCCESS);
    kernel = clCreateKernel(program, "k", &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    ck_assert_int_eq(launch(&one), CL_SUCCESS);
}
END_TEST

START_TEST(later_calls_are_refused) {
    cl_int code, zero = 0;
    cl_device_id parent;
    open_device(OLD);
    cl_mem buffer = clCreateBuffer(context, CL_MEM_READ_WRITE, 64, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    ck_assert_int_eq(clEnqueueFillBuffer(queue, buffer, &zero, sizeof zero, 0, 64, 0, NULL, NULL), CL_INVALID_OPERATION);
    ck_assert_int_eq(clEnqueueMarkerWithWaitList(queue, 0, NULL, NULL), CL_INVALID_OPERATION);
    ck_assert_int_eq(clRetainDevice(ids[OLD]), CL_INVALID_OPERATION);
    ck_assert_int_eq(clGetDeviceInfo(ids[OLD], CL_DEVICE_PARENT_DEVICE, sizeof(cl_device_id), &parent, NULL), CL_INVALID_VALUE);
    clReleaseMemObject(buffer);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("imitate");
    TCase *tests = tcase_create("layer");
    tcase_add_checked_fixture(tests, NULL, close_device);
    tcase_add_test(tests, answers_have_a_size);
    tcase_add_test(tests, groups_are_refused);
    tcase_add_test(tests, local_memory_is_refused);
    tcase_add_test(tests, buffers_are_refused);
    tcase_add_test(tests, types_are_refused);
    tcase_add_test(tests, binaries_are_accepted_without_a_compiler);
    tcase_add_test(tests, later_calls_are_refused);
    suite_add_tcase(suite, tests);
    return run_suite(suite, true);
}
