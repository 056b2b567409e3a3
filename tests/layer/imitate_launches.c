// SPDX-License-Identifier: Apache-2.0
// Buffers and launches: what a device's limits refuse.
#include <pthread.h>

#include "imitate.h"

// --- local memory that arguments ask for ------------------------------------------------------------------------------

enum { MAX_LOCAL_ARGUMENTS = 1024 };

typedef struct local_argument {
    cl_kernel kernel;
    cl_uint index;
    size_t bytes;
} local_argument;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static local_argument arguments[MAX_LOCAL_ARGUMENTS];
static size_t argument_count;

// An entry of 0 bytes stays until the kernel's handle comes again.
static void note_argument(cl_kernel kernel, cl_uint index, size_t bytes) {
    size_t at = 0;
    pthread_mutex_lock(&lock);
    while (at < argument_count && (arguments[at].kernel != kernel || arguments[at].index != index))
        at++;
    if (at == MAX_LOCAL_ARGUMENTS)
        imitate_stop("too many arguments of local memory", "");
    if (at < argument_count || bytes > 0)
        arguments[at] = (local_argument){kernel, index, bytes};
    if (at == argument_count && bytes > 0)
        argument_count++;
    pthread_mutex_unlock(&lock);
}

static void forget_arguments(cl_kernel kernel) {
    pthread_mutex_lock(&lock);
    for (size_t at = 0; at < argument_count; at++) {
        if (arguments[at].kernel == kernel)
            arguments[at].bytes = 0;
    }
    pthread_mutex_unlock(&lock);
}

static size_t local_bytes_of_arguments(cl_kernel kernel) {
    size_t bytes = 0;
    pthread_mutex_lock(&lock);
    for (size_t at = 0; at < argument_count; at++) {
        if (arguments[at].kernel == kernel)
            bytes += arguments[at].bytes;
    }
    pthread_mutex_unlock(&lock);
    return bytes;
}

static cl_kernel CL_API_CALL create_kernel(cl_program program, const char *name, cl_int *code) {
    cl_kernel kernel = layer_below->clCreateKernel(program, name, code);
    forget_arguments(kernel);
    return kernel;
}

// NULL is a local argument's value, and a buffer's that is none: the latter is as large as a handle, and counts for little.
static cl_int CL_API_CALL set_kernel_arg(cl_kernel kernel, cl_uint index, size_t bytes, const void *value) {
    const cl_int code = layer_below->clSetKernelArg(kernel, index, bytes, value);
    if (code == CL_SUCCESS)
        note_argument(kernel, index, value == NULL ? bytes : 0);
    return code;
}

// --- launches ---------------------------------------------------------------------------------------------------------

static size_t at_most(size_t value, int64_t limit) { return limit != UNSET && value > (size_t)limit ? (size_t)limit : value; }

static cl_int CL_API_CALL get_kernel_group_info(cl_kernel kernel, cl_device_id id, cl_kernel_work_group_info parameter,
                                                size_t capacity, void *dst, size_t *needed) {
    const disguise *as = id ? disguise_of_device(id) : disguise_of_kernel(kernel);
    size_t value;
    if (parameter != CL_KERNEL_WORK_GROUP_SIZE && parameter != CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE)
        return layer_below->clGetKernelWorkGroupInfo(kernel, id, parameter, capacity, dst, needed);
    const cl_int code = layer_below->clGetKernelWorkGroupInfo(kernel, id, parameter, sizeof value, &value, NULL);
    if (code != CL_SUCCESS)
        return code;
    value = at_most(at_most(value, as->max_group), as->kernel_group);
    return layer_answer(&value, sizeof value, capacity, dst, needed);
}

static cl_int check_group(const disguise *as, cl_uint dimensions, const size_t *local) {
    const size_t limit = at_most(at_most(SIZE_MAX, as->max_group), as->kernel_group);
    size_t items = 1;
    if (local == NULL) {
        imitate_count(COUNT_NULL_LOCAL);
        return limit == SIZE_MAX ? CL_SUCCESS : CL_INVALID_WORK_GROUP_SIZE;
    }
    for (cl_uint at = 0; at < dimensions && at < 3; at++)
        items *= local[at];
    imitate_largest(COUNT_LARGEST_GROUP, items);
    return items > limit ? CL_INVALID_WORK_GROUP_SIZE : CL_SUCCESS;
}

static cl_int check_local_memory(const disguise *as, cl_command_queue queue, cl_kernel kernel) {
    cl_ulong bytes = 0;
    cl_device_id id = NULL;
    if (as->local_memory == UNSET ||
        layer_below->clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof id, (void *)&id, NULL) != CL_SUCCESS ||
        layer_below->clGetKernelWorkGroupInfo(kernel, id, CL_KERNEL_LOCAL_MEM_SIZE, sizeof bytes, &bytes, NULL) != CL_SUCCESS)
        return CL_SUCCESS;
    return bytes + local_bytes_of_arguments(kernel) > (cl_ulong)as->local_memory ? CL_OUT_OF_RESOURCES : CL_SUCCESS;
}

static cl_int CL_API_CALL launch(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                 const size_t *global, const size_t *local, cl_uint wait_count, const cl_event *wait,
                                 cl_event *event) {
    const disguise *as = disguise_of_queue(queue);
    imitate_count(COUNT_LAUNCHES);
    cl_int code = check_group(as, dimensions, local);
    if (code == CL_SUCCESS)
        code = check_local_memory(as, queue, kernel);
    if (code != CL_SUCCESS)
        return imitate_refuse(code);
    return layer_below->clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, wait_count, wait, event);
}

// --- buffers ----------------------------------------------------------------------------------------------------------

static bool is_too_large(cl_context context, size_t bytes) {
    const disguise *as = disguise_of_context(context);
    imitate_count(COUNT_BUFFERS);
    imitate_largest(COUNT_LARGEST_BUFFER, bytes);
    return as->max_allocation != UNSET && bytes > (size_t)as->max_allocation;
}

static cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t bytes, void *host, cl_int *code) {
    if (!is_too_large(context, bytes))
        return layer_below->clCreateBuffer(context, flags, bytes, host, code);
    if (code)
        *code = imitate_refuse(CL_INVALID_BUFFER_SIZE);
    return NULL;
}

void imitate_launches_install(struct _cl_icd_dispatch *table) {
    table->clCreateKernel = create_kernel;
    table->clSetKernelArg = set_kernel_arg;
    table->clGetKernelWorkGroupInfo = get_kernel_group_info;
    table->clEnqueueNDRangeKernel = launch;
    table->clCreateBuffer = create_buffer;
}
