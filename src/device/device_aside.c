// SPDX-License-Identifier: Apache-2.0
#include "device/device_aside.h"

#include "device/device_private.h"

oclstm_status device_aside_open(cl_command_queue *queue, oclstm_device *device, oclstm_error *error) {
    cl_int code;
    *queue = clCreateCommandQueue(device->context, device->id, 0, &code);
    if (code == CL_SUCCESS)
        return OCLSTM_OK;
    *queue = NULL;
    return device_fail(error, device, code, "clCreateCommandQueue", "making a queue to try something out");
}

// As for the device's own queue: a transfer whose wait failed may still be under way.
static void drain(cl_command_queue queue) {
    if (clFinish(queue) != CL_SUCCESS)
        clFinish(queue);
}

void device_aside_close(cl_command_queue *queue, bool idle) {
    if (*queue == NULL)
        return;
    if (!idle)
        drain(*queue);
    clReleaseCommandQueue(*queue);
    *queue = NULL;
}

oclstm_status device_aside_write(oclstm_device *device, cl_command_queue queue, cl_mem dst, const void *src_host, size_t size_bytes,
                                 oclstm_error *error) {
    cl_int code = clEnqueueWriteBuffer(queue, dst, CL_TRUE, 0, size_bytes, src_host, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        return OCLSTM_OK;
    drain(queue);
    return device_fail(error, device, code, "clEnqueueWriteBuffer", "trying something out");
}

oclstm_status device_aside_read(oclstm_device *device, cl_command_queue queue, void *dst_host, cl_mem src, size_t offset_bytes,
                                size_t size_bytes, oclstm_error *error) {
    cl_int code = clEnqueueReadBuffer(queue, src, CL_TRUE, offset_bytes, size_bytes, dst_host, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        return OCLSTM_OK;
    drain(queue);
    return device_fail(error, device, code, "clEnqueueReadBuffer", "trying something out");
}

oclstm_status device_aside_launch(oclstm_device *device, cl_command_queue queue, cl_kernel kernel, const device_grid *grid,
                                  oclstm_error *error) {
    cl_int code = clEnqueueNDRangeKernel(queue, kernel, grid->dimensions, NULL, grid->global, grid->local, 0, NULL, NULL);
    return code == CL_SUCCESS ? OCLSTM_OK : device_fail(error, device, code, "clEnqueueNDRangeKernel", "trying something out");
}

oclstm_status device_aside_finish(oclstm_device *device, cl_command_queue queue, oclstm_error *error) {
    cl_int code = clFinish(queue);
    return code == CL_SUCCESS ? OCLSTM_OK : device_fail(error, device, code, "clFinish", "trying something out");
}
