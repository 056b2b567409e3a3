// SPDX-License-Identifier: Apache-2.0
// Buffers and launches: what a device's limits refuse.
#include "imitate.h"

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
    const int64_t most[] = {as->items_x, as->items_y, as->items_z};
    size_t items = 1;
    if (local == NULL) {
        imitate_count(COUNT_NULL_LOCAL);
        return limit == SIZE_MAX ? CL_SUCCESS : CL_INVALID_WORK_GROUP_SIZE;
    }
    for (cl_uint at = 0; at < dimensions && at < 3; at++) {
        items *= local[at];
        if (most[at] != UNSET && local[at] > (size_t)most[at])
            return CL_INVALID_WORK_ITEM_SIZE;
    }
    imitate_largest(COUNT_LARGEST_GROUP, items);
    return items > limit ? CL_INVALID_WORK_GROUP_SIZE : CL_SUCCESS;
}

// What the kernel declares and what its arguments ask for: the query counts both.
static cl_int check_local_memory(const disguise *as, cl_command_queue queue, cl_kernel kernel) {
    cl_ulong bytes = 0;
    cl_device_id id = NULL;
    if (as->local_memory == UNSET ||
        layer_below->clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof id, (void *)&id, NULL) != CL_SUCCESS ||
        layer_below->clGetKernelWorkGroupInfo(kernel, id, CL_KERNEL_LOCAL_MEM_SIZE, sizeof bytes, &bytes, NULL) != CL_SUCCESS)
        return CL_SUCCESS;
    return bytes > (cl_ulong)as->local_memory ? CL_OUT_OF_RESOURCES : CL_SUCCESS;
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
    table->clGetKernelWorkGroupInfo = get_kernel_group_info;
    table->clEnqueueNDRangeKernel = launch;
    table->clCreateBuffer = create_buffer;
}
