// SPDX-License-Identifier: Apache-2.0
// Devices of OpenCL 1.1 have the older calls only.
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS

#include "device/device_transfer.h"

#include "device/device_private.h"

static bool is_contiguous(const device_rows *rows) {
    return rows->count <= 1 || (rows->device_pitch == rows->row_bytes && rows->other_pitch == rows->row_bytes);
}

oclstm_status device_enqueue_write(oclstm_device *device, cl_mem dst, const void *src_host, const device_rows *rows,
                                   const char *what, oclstm_error *error) {
    cl_command_queue queue = device_get_queue(device);
    cl_int code;
    if (is_contiguous(rows)) {
        code = clEnqueueWriteBuffer(queue, dst, CL_FALSE, rows->device_offset, rows->count * rows->row_bytes,
                                    (const char *)src_host + rows->other_offset, 0, NULL, NULL);
        return code == CL_SUCCESS ? OCLSTM_OK : device_fail(error, device, code, "clEnqueueWriteBuffer", "uploading %s", what);
    }
    const size_t device_origin[3] = {rows->device_offset, 0, 0}, host_origin[3] = {rows->other_offset, 0, 0};
    const size_t region[3] = {rows->row_bytes, rows->count, 1};
    code = clEnqueueWriteBufferRect(queue, dst, CL_FALSE, device_origin, host_origin, region, rows->device_pitch, 0,
                                    rows->other_pitch, 0, src_host, 0, NULL, NULL);
    return code == CL_SUCCESS ? OCLSTM_OK : device_fail(error, device, code, "clEnqueueWriteBufferRect", "uploading %s", what);
}

oclstm_status device_enqueue_read(oclstm_device *device, void *dst_host, cl_mem src, const device_rows *rows, const char *what,
                                  oclstm_error *error) {
    cl_command_queue queue = device_get_queue(device);
    cl_int code;
    if (is_contiguous(rows)) {
        code = clEnqueueReadBuffer(queue, src, CL_FALSE, rows->device_offset, rows->count * rows->row_bytes,
                                   (char *)dst_host + rows->other_offset, 0, NULL, NULL);
        return code == CL_SUCCESS ? OCLSTM_OK : device_fail(error, device, code, "clEnqueueReadBuffer", "downloading %s", what);
    }
    const size_t device_origin[3] = {rows->device_offset, 0, 0}, host_origin[3] = {rows->other_offset, 0, 0};
    const size_t region[3] = {rows->row_bytes, rows->count, 1};
    code = clEnqueueReadBufferRect(queue, src, CL_FALSE, device_origin, host_origin, region, rows->device_pitch, 0,
                                   rows->other_pitch, 0, dst_host, 0, NULL, NULL);
    return code == CL_SUCCESS ? OCLSTM_OK : device_fail(error, device, code, "clEnqueueReadBufferRect", "downloading %s", what);
}

oclstm_status device_enqueue_copy(oclstm_device *device, cl_mem dst, cl_mem src, const device_rows *rows, oclstm_error *error) {
    cl_command_queue queue = device_get_queue(device);
    cl_int code;
    if (is_contiguous(rows)) {
        code = clEnqueueCopyBuffer(queue, src, dst, rows->other_offset, rows->device_offset, rows->count * rows->row_bytes, 0, NULL,
                                   NULL);
        return code == CL_SUCCESS ? OCLSTM_OK : device_fail(error, device, code, "clEnqueueCopyBuffer", "copying on the device");
    }
    const size_t dst_origin[3] = {rows->device_offset, 0, 0}, src_origin[3] = {rows->other_offset, 0, 0};
    const size_t region[3] = {rows->row_bytes, rows->count, 1};
    code = clEnqueueCopyBufferRect(queue, src, dst, src_origin, dst_origin, region, rows->other_pitch, 0, rows->device_pitch, 0, 0,
                                   NULL, NULL);
    return code == CL_SUCCESS ? OCLSTM_OK : device_fail(error, device, code, "clEnqueueCopyBufferRect", "copying on the device");
}

oclstm_status device_enqueue_wait(oclstm_device *device, cl_uint count, const cl_event *events, oclstm_error *error) {
    if (count == 0)
        return OCLSTM_OK;
    cl_int code = device->opencl_1_2 ? clEnqueueBarrierWithWaitList(device->queue, count, events, NULL)
                                     : clEnqueueWaitForEvents(device->queue, count, events);
    if (code == CL_SUCCESS)
        return OCLSTM_OK;
    return device_fail(error, device, code, device->opencl_1_2 ? "clEnqueueBarrierWithWaitList" : "clEnqueueWaitForEvents",
                       "waiting for the caller's events");
}

oclstm_status device_enqueue_mark(oclstm_device *device, cl_event *event, oclstm_error *error) {
    cl_int code =
        device->opencl_1_2 ? clEnqueueMarkerWithWaitList(device->queue, 0, NULL, event) : clEnqueueMarker(device->queue, event);
    if (code == CL_SUCCESS)
        return OCLSTM_OK;
    return device_fail(error, device, code, device->opencl_1_2 ? "clEnqueueMarkerWithWaitList" : "clEnqueueMarker",
                       "making the event");
}
