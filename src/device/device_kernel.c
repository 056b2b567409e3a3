// SPDX-License-Identifier: Apache-2.0
// Kernels, their arguments, their launches.
#include <stdarg.h>

#include "base/error.h"
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

void device_kernel_release(cl_kernel *kernel) {
    if (kernel == NULL || *kernel == NULL)
        return;
    clReleaseKernel(*kernel);
    *kernel = NULL;
}

// A kernel's name for messages.
static void name_kernel(char *dst, size_t capacity, cl_kernel kernel) {
    if (clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, capacity, dst, NULL) != CL_SUCCESS)
        base_copy_string(dst, capacity, "?");
}

oclstm_status device_set_args(oclstm_device *device, cl_kernel kernel, cl_uint first, oclstm_error *error, ...) {
    va_list arguments;
    oclstm_status status = OCLSTM_OK;
    va_start(arguments, error);
    for (cl_uint index = first; status == OCLSTM_OK; index++) {
        size_t size_bytes = va_arg(arguments, size_t);
        if (size_bytes == 0)
            break;
        const void *value = va_arg(arguments, const void *);
        cl_int code = clSetKernelArg(kernel, index, size_bytes, value);
        if (code != CL_SUCCESS) {
            char name[64];
            name_kernel(name, sizeof name, kernel);
            status = device_fail(error, device, code, "clSetKernelArg", "setting argument %u of the kernel \"%s\"", index, name);
        }
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
