// SPDX-License-Identifier: Apache-2.0
#include "faults.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <clblast_c.h>
#include <jansson.h>

static int countdown; // 0: not armed
static const char *failed_name;
static int live_objects;

// Counts a call; true when it is the one that has to fail.
static bool fails(const char *name) {
    if (countdown == 0 || --countdown > 0)
        return false;
    failed_name = name;
    return true;
}

// --- host memory ------------------------------------------------------------------------------------------------------

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) { return fails("malloc") ? NULL : __real_malloc(size); }

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size) { return fails("calloc") ? NULL : __real_calloc(count, size); }

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size) { return fails("realloc") ? NULL : __real_realloc(old, size); }

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text) { return fails("strdup") ? NULL : __real_strdup(text); }

char *__real_strndup(const char *text, size_t length);
char *__wrap_strndup(const char *text, size_t length);
char *__wrap_strndup(const char *text, size_t length) { return fails("strndup") ? NULL : __real_strndup(text, length); }

// --- OpenCL -----------------------------------------------------------------------------------------------------------

#define WRAP_CALL(name, code, params, args)                                                                                        \
    cl_int __real_##name params;                                                                                                   \
    cl_int __wrap_##name params;                                                                                                   \
    cl_int __wrap_##name params { return fails(#name) ? (code) : __real_##name args; }

// Enqueueing calls may hand out an event, which is an object like others.
#define WRAP_ENQUEUE(name, code, params, args)                                                                                     \
    cl_int __real_##name params;                                                                                                   \
    cl_int __wrap_##name params;                                                                                                   \
    cl_int __wrap_##name params {                                                                                                  \
        if (fails(#name))                                                                                                          \
            return code;                                                                                                           \
        const cl_int result = __real_##name args;                                                                                  \
        live_objects += result == CL_SUCCESS && event != NULL;                                                                     \
        return result;                                                                                                             \
    }

#define WRAP_CREATE(type, name, code, params, args)                                                                                \
    type __real_##name params;                                                                                                     \
    type __wrap_##name params;                                                                                                     \
    type __wrap_##name params {                                                                                                    \
        if (fails(#name)) {                                                                                                        \
            if (errcode)                                                                                                           \
                *errcode = code;                                                                                                   \
            return NULL;                                                                                                           \
        }                                                                                                                          \
        type object = __real_##name args;                                                                                          \
        live_objects += object != NULL;                                                                                            \
        return object;                                                                                                             \
    }

#define WRAP_HOLD(type, name, change)                                                                                              \
    cl_int __real_##name(type object);                                                                                             \
    cl_int __wrap_##name(type object);                                                                                             \
    cl_int __wrap_##name(type object) {                                                                                            \
        if ((change) > 0 && fails(#name))                                                                                          \
            return CL_OUT_OF_HOST_MEMORY;                                                                                          \
        const cl_int result = __real_##name(object);                                                                               \
        live_objects += result == CL_SUCCESS ? (change) : 0;                                                                       \
        return result;                                                                                                             \
    }

#define INFO_PARAMS size_t size, void *value, size_t *size_ret
#define INFO_ARGS   size, value, size_ret
#define WAIT_PARAMS cl_uint wait_count, const cl_event *wait_list, cl_event *event
#define WAIT_ARGS   wait_count, wait_list, event

WRAP_CALL(clGetPlatformIDs, CL_OUT_OF_HOST_MEMORY, (cl_uint capacity, cl_platform_id *out, cl_uint *count), (capacity, out, count))
WRAP_CALL(clGetPlatformInfo, CL_OUT_OF_HOST_MEMORY, (cl_platform_id platform, cl_platform_info what, INFO_PARAMS),
          (platform, what, INFO_ARGS))
WRAP_CALL(clGetDeviceIDs, CL_OUT_OF_HOST_MEMORY,
          (cl_platform_id platform, cl_device_type type, cl_uint capacity, cl_device_id *out, cl_uint *count),
          (platform, type, capacity, out, count))
WRAP_CALL(clGetDeviceInfo, CL_OUT_OF_HOST_MEMORY, (cl_device_id device, cl_device_info what, INFO_PARAMS),
          (device, what, INFO_ARGS))
WRAP_CALL(clGetContextInfo, CL_OUT_OF_HOST_MEMORY, (cl_context context, cl_context_info what, INFO_PARAMS),
          (context, what, INFO_ARGS))
WRAP_CALL(clGetCommandQueueInfo, CL_OUT_OF_HOST_MEMORY, (cl_command_queue queue, cl_command_queue_info what, INFO_PARAMS),
          (queue, what, INFO_ARGS))
WRAP_CALL(clGetMemObjectInfo, CL_OUT_OF_HOST_MEMORY, (cl_mem mem, cl_mem_info what, INFO_PARAMS), (mem, what, INFO_ARGS))
WRAP_CALL(clGetKernelInfo, CL_OUT_OF_HOST_MEMORY, (cl_kernel kernel, cl_kernel_info what, INFO_PARAMS), (kernel, what, INFO_ARGS))
WRAP_CALL(clGetKernelWorkGroupInfo, CL_OUT_OF_HOST_MEMORY,
          (cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what, INFO_PARAMS), (kernel, device, what, INFO_ARGS))
WRAP_CALL(clGetProgramBuildInfo, CL_OUT_OF_HOST_MEMORY,
          (cl_program program, cl_device_id device, cl_program_build_info what, INFO_PARAMS), (program, device, what, INFO_ARGS))
WRAP_CALL(clBuildProgram, CL_BUILD_PROGRAM_FAILURE,
          (cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
           void(CL_CALLBACK *notify)(cl_program, void *), void *data),
          (program, count, devices, options, notify, data))
WRAP_CALL(clSetKernelArg, CL_OUT_OF_RESOURCES, (cl_kernel kernel, cl_uint index, size_t size, const void *value),
          (kernel, index, size, value))
WRAP_CALL(clFlush, CL_OUT_OF_RESOURCES, (cl_command_queue queue), (queue))

// A failed wait has waited: nothing could be done about work that still uses the caller's memory.
cl_int __real_clFinish(cl_command_queue queue);
cl_int __wrap_clFinish(cl_command_queue queue);
cl_int __wrap_clFinish(cl_command_queue queue) {
    const cl_int result = __real_clFinish(queue);
    return fails("clFinish") ? CL_OUT_OF_RESOURCES : result;
}

WRAP_CREATE(cl_context, clCreateContext, CL_OUT_OF_RESOURCES,
            (const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
             void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *data, cl_int *errcode),
            (properties, count, devices, notify, data, errcode))
WRAP_CREATE(cl_command_queue, clCreateCommandQueue, CL_OUT_OF_RESOURCES,
            (cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int *errcode),
            (context, device, properties, errcode))
WRAP_CREATE(cl_mem, clCreateBuffer, CL_MEM_OBJECT_ALLOCATION_FAILURE,
            (cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *errcode),
            (context, flags, size, host, errcode))
WRAP_CREATE(cl_mem, clCreateSubBuffer, CL_MEM_OBJECT_ALLOCATION_FAILURE,
            (cl_mem mem, cl_mem_flags flags, cl_buffer_create_type type, const void *region, cl_int *errcode),
            (mem, flags, type, region, errcode))
WRAP_CREATE(cl_program, clCreateProgramWithSource, CL_OUT_OF_HOST_MEMORY,
            (cl_context context, cl_uint count, const char **texts, const size_t *lengths, cl_int *errcode),
            (context, count, texts, lengths, errcode))
WRAP_CREATE(cl_kernel, clCreateKernel, CL_OUT_OF_HOST_MEMORY, (cl_program program, const char *name, cl_int *errcode),
            (program, name, errcode))

WRAP_HOLD(cl_context, clRetainContext, 1)
WRAP_HOLD(cl_context, clReleaseContext, -1)
WRAP_HOLD(cl_command_queue, clRetainCommandQueue, 1)
WRAP_HOLD(cl_command_queue, clReleaseCommandQueue, -1)
WRAP_HOLD(cl_device_id, clRetainDevice, 1)
WRAP_HOLD(cl_device_id, clReleaseDevice, -1)
WRAP_HOLD(cl_mem, clRetainMemObject, 1)
WRAP_HOLD(cl_mem, clReleaseMemObject, -1)
WRAP_HOLD(cl_program, clReleaseProgram, -1)
WRAP_HOLD(cl_kernel, clReleaseKernel, -1)
WRAP_HOLD(cl_event, clRetainEvent, 1)
WRAP_HOLD(cl_event, clReleaseEvent, -1)

WRAP_ENQUEUE(clEnqueueNDRangeKernel, CL_OUT_OF_RESOURCES,
             (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *global,
              const size_t *local, WAIT_PARAMS),
             (queue, kernel, dimensions, offset, global, local, WAIT_ARGS))
WRAP_ENQUEUE(clEnqueueReadBuffer, CL_OUT_OF_RESOURCES,
             (cl_command_queue queue, cl_mem mem, cl_bool blocking, size_t offset, size_t size, void *host, WAIT_PARAMS),
             (queue, mem, blocking, offset, size, host, WAIT_ARGS))
WRAP_ENQUEUE(clEnqueueWriteBuffer, CL_OUT_OF_RESOURCES,
             (cl_command_queue queue, cl_mem mem, cl_bool blocking, size_t offset, size_t size, const void *host, WAIT_PARAMS),
             (queue, mem, blocking, offset, size, host, WAIT_ARGS))
WRAP_ENQUEUE(clEnqueueReadBufferRect, CL_OUT_OF_RESOURCES,
             (cl_command_queue queue, cl_mem mem, cl_bool blocking, const size_t *mem_origin, const size_t *host_origin,
              const size_t *region, size_t mem_row, size_t mem_slice, size_t host_row, size_t host_slice, void *host, WAIT_PARAMS),
             (queue, mem, blocking, mem_origin, host_origin, region, mem_row, mem_slice, host_row, host_slice, host, WAIT_ARGS))
WRAP_ENQUEUE(clEnqueueWriteBufferRect, CL_OUT_OF_RESOURCES,
             (cl_command_queue queue, cl_mem mem, cl_bool blocking, const size_t *mem_origin, const size_t *host_origin,
              const size_t *region, size_t mem_row, size_t mem_slice, size_t host_row, size_t host_slice, const void *host,
              WAIT_PARAMS),
             (queue, mem, blocking, mem_origin, host_origin, region, mem_row, mem_slice, host_row, host_slice, host, WAIT_ARGS))
WRAP_ENQUEUE(clEnqueueCopyBuffer, CL_OUT_OF_RESOURCES,
             (cl_command_queue queue, cl_mem src, cl_mem dst, size_t src_offset, size_t dst_offset, size_t size, WAIT_PARAMS),
             (queue, src, dst, src_offset, dst_offset, size, WAIT_ARGS))
WRAP_ENQUEUE(clEnqueueCopyBufferRect, CL_OUT_OF_RESOURCES,
             (cl_command_queue queue, cl_mem src, cl_mem dst, const size_t *src_origin, const size_t *dst_origin,
              const size_t *region, size_t src_row, size_t src_slice, size_t dst_row, size_t dst_slice, WAIT_PARAMS),
             (queue, src, dst, src_origin, dst_origin, region, src_row, src_slice, dst_row, dst_slice, WAIT_ARGS))
WRAP_ENQUEUE(clEnqueueFillBuffer, CL_OUT_OF_RESOURCES,
             (cl_command_queue queue, cl_mem mem, const void *pattern, size_t pattern_size, size_t offset, size_t size,
              WAIT_PARAMS),
             (queue, mem, pattern, pattern_size, offset, size, WAIT_ARGS))
WRAP_ENQUEUE(clEnqueueMarkerWithWaitList, CL_OUT_OF_RESOURCES, (cl_command_queue queue, WAIT_PARAMS), (queue, WAIT_ARGS))
WRAP_ENQUEUE(clEnqueueBarrierWithWaitList, CL_OUT_OF_RESOURCES, (cl_command_queue queue, WAIT_PARAMS), (queue, WAIT_ARGS))

// --- CLBlast: its codes below zero are OpenCL's ------------------------------------------------------------------------

#define WRAP_CLBLAST(name, params, args)                                                                                           \
    CLBlastStatusCode __real_##name params;                                                                                        \
    CLBlastStatusCode __wrap_##name params;                                                                                        \
    CLBlastStatusCode __wrap_##name params { return fails(#name) ? CLBlastOpenCLOutOfResources : __real_##name args; }

WRAP_CLBLAST(CLBlastSgemmWithTempBuffer,
             (CLBlastLayout layout, CLBlastTranspose a_transpose, CLBlastTranspose b_transpose, size_t m, size_t n, size_t k,
              float alpha, cl_mem a, size_t a_offset, size_t a_ld, cl_mem b, size_t b_offset, size_t b_ld, float beta, cl_mem c,
              size_t c_offset, size_t c_ld, cl_command_queue *queue, cl_event *event, cl_mem temporary),
             (layout, a_transpose, b_transpose, m, n, k, alpha, a, a_offset, a_ld, b, b_offset, b_ld, beta, c, c_offset, c_ld,
              queue, event, temporary))
WRAP_CLBLAST(CLBlastSGemmTempBufferSize,
             (CLBlastLayout layout, CLBlastTranspose a_transpose, CLBlastTranspose b_transpose, size_t m, size_t n, size_t k,
              size_t a_offset, size_t a_ld, size_t b_offset, size_t b_ld, size_t c_offset, size_t c_ld, cl_command_queue *queue,
              size_t *size),
             (layout, a_transpose, b_transpose, m, n, k, a_offset, a_ld, b_offset, b_ld, c_offset, c_ld, queue, size))
WRAP_CLBLAST(CLBlastSgemv,
             (CLBlastLayout layout, CLBlastTranspose a_transpose, size_t m, size_t n, float alpha, cl_mem a, size_t a_offset,
              size_t a_ld, cl_mem x, size_t x_offset, size_t x_inc, float beta, cl_mem y, size_t y_offset, size_t y_inc,
              cl_command_queue *queue, cl_event *event),
             (layout, a_transpose, m, n, alpha, a, a_offset, a_ld, x, x_offset, x_inc, beta, y, y_offset, y_inc, queue, event))

// --- control ----------------------------------------------------------------------------------------------------------

static const char jansson_name[] = "jansson's malloc";

static void *jansson_malloc(size_t size) { return fails(jansson_name) ? NULL : __real_malloc(size); }

void faults_arm(int n) {
    json_set_alloc_funcs(jansson_malloc, free);
    failed_name = NULL;
    countdown = n;
}

const char *faults_disarm(void) {
    countdown = 0;
    return failed_name;
}

bool faults_may_be_survived(const char *name) {
    static const char *const names[] = {
        jansson_name, // its lexer goes on where it has no room for a character; the text is then wrong or refused
        "clGetPlatformIDs",   "clGetPlatformInfo",        "clGetDeviceIDs",       "clGetDeviceInfo",
        "clGetMemObjectInfo", "clGetKernelWorkGroupInfo", "clGetProgramBuildInfo"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

int faults_live_objects(void) { return live_objects; }
