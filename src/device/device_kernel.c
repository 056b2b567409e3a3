// SPDX-License-Identifier: Apache-2.0
// Kernels, their arguments, their launches.
#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "device/device_fork.h"
#include "device/device_private.h"

oclstm_status device_kernel_create(cl_kernel *out, oclstm_device *device, cl_program program, const char *name, size_t *max_group,
                                   oclstm_error *error) {
    *out = NULL;
    cl_int code;
    cl_kernel kernel = clCreateKernel(program, name, &code);
    if (code != CL_SUCCESS)
        return device_fail(error, device, code, "clCreateKernel", "making the kernel \"%s\"", name);
    if (max_group) {
        code = clGetKernelWorkGroupInfo(kernel, device->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof *max_group, max_group, NULL);
        if (code != CL_SUCCESS) {
            clReleaseKernel(kernel);
            return device_fail(error, device, code, "clGetKernelWorkGroupInfo", "asking the kernel \"%s\" for its work-group size",
                               name);
        }
    }
    *out = kernel;
    return OCLSTM_OK;
}

oclstm_status device_kernel_local_bytes(uint64_t *out, oclstm_device *device, cl_kernel kernel, oclstm_error *error) {
    cl_ulong bytes = 0;
    const cl_int code = clGetKernelWorkGroupInfo(kernel, device->id, CL_KERNEL_LOCAL_MEM_SIZE, sizeof bytes, &bytes, NULL);
    *out = bytes;
    return code == CL_SUCCESS
               ? OCLSTM_OK
               : device_fail(error, device, code, "clGetKernelWorkGroupInfo", "asking a kernel for its local memory");
}

void device_kernel_release(cl_kernel *kernel) {
    if (kernel == NULL || *kernel == NULL)
        return;
    if (!device_lost_by_fork())
        clReleaseKernel(*kernel);
    *kernel = NULL;
}

// A kernel's name for messages.
static void name_kernel(char *dst, size_t capacity, cl_kernel kernel) {
    if (clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, capacity, dst, NULL) != CL_SUCCESS)
        base_copy_string(dst, capacity, "?");
}

static oclstm_status set_arg(oclstm_device *device, cl_kernel kernel, cl_uint index, size_t size_bytes, const void *value,
                             oclstm_error *error) {
    cl_int code = clSetKernelArg(kernel, index, size_bytes, value);
    if (code == CL_SUCCESS)
        return OCLSTM_OK;
    char name[64];
    name_kernel(name, sizeof name, kernel);
    return device_fail(error, device, code, "clSetKernelArg", "setting argument %u of the kernel \"%s\"", index, name);
}

oclstm_status device_set_args(oclstm_device *device, cl_kernel kernel, cl_uint first, oclstm_error *error, ...) {
    va_list arguments;
    oclstm_status status = OCLSTM_OK;
    va_start(arguments, error);
    for (cl_uint index = first; status == OCLSTM_OK; index++) {
        size_t size_bytes = va_arg(arguments, size_t);
        if (size_bytes == 0)
            break;
        status = set_arg(device, kernel, index, size_bytes, va_arg(arguments, const void *), error);
    }
    va_end(arguments);
    return status;
}

// True when the argument has to be set; then it is noted, too.
static bool note_arg(device_arg_cache *cache, cl_uint index, size_t size_bytes, const void *value) {
    if (index >= DEVICE_CACHED_ARGS || size_bytes > sizeof cache->args[0].value)
        return true;
    if (cache->args[index].size_bytes == size_bytes && memcmp(cache->args[index].value, value, size_bytes) == 0)
        return false;
    cache->args[index].size_bytes = size_bytes;
    memcpy(cache->args[index].value, value, size_bytes);
    return true;
}

oclstm_status device_set_changed_args(oclstm_device *device, cl_kernel kernel, device_arg_cache *cache, cl_uint first,
                                      oclstm_error *error, ...) {
    va_list arguments;
    oclstm_status status = OCLSTM_OK;
    va_start(arguments, error);
    for (cl_uint index = first; status == OCLSTM_OK; index++) {
        const size_t marked = va_arg(arguments, size_t), size_bytes = marked & ~DEVICE_FRESH;
        if (size_bytes == 0)
            break;
        const void *value = va_arg(arguments, const void *);
        if ((marked & DEVICE_FRESH) == 0 && !note_arg(cache, index, size_bytes, value))
            continue;
        status = set_arg(device, kernel, index, size_bytes, value, error);
        if (status != OCLSTM_OK && index < DEVICE_CACHED_ARGS)
            cache->args[index].size_bytes = 0;
    }
    va_end(arguments);
    return status;
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// The local size does not shrink with the count: PoCL compiles a kernel again for each local size it meets.
device_grid device_grid_make(const oclstm_device *device, size_t kernel_max_group, size_t wanted_local, size_t count0,
                             size_t count1, size_t count2) {
    const device_limits *limits = &device->limits;
    size_t local = smaller(smaller(wanted_local, limits->max_work_group_size), limits->max_work_item_sizes[0]);
    if (kernel_max_group > 0)
        local = smaller(local, kernel_max_group);
    if (local == 0)
        local = 1;
    size_t groups = count0 / local + (count0 % local != 0);
    device_grid grid = {1, {(groups ? groups : 1) * local, count1 ? count1 : 1, count2 ? count2 : 1}, {local, 1, 1}};
    if (grid.global[2] > 1)
        grid.dimensions = 3;
    else if (grid.global[1] > 1)
        grid.dimensions = 2;
    return grid;
}

oclstm_status device_launch(oclstm_device *device, cl_kernel kernel, const device_grid *grid, oclstm_error *error) {
    cl_int code = clEnqueueNDRangeKernel(device->queue, kernel, grid->dimensions, NULL, grid->global, grid->local, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        return OCLSTM_OK;
    char name[64];
    name_kernel(name, sizeof name, kernel);
    return device_fail(error, device, code, "clEnqueueNDRangeKernel",
                       "launching the kernel \"%s\" (%zu x %zu x %zu in groups of %zu)", name, grid->global[0], grid->global[1],
                       grid->global[2], grid->local[0]);
}
