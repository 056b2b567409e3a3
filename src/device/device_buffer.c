// SPDX-License-Identifier: Apache-2.0
// Device buffers and their transfers.
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_fork.h"
#include "device/device_private.h"
#include "device/size_text.h"

static oclstm_status fail_too_large(oclstm_error *error, const oclstm_device *device, size_t size_bytes, uint64_t held,
                                    const char *what) {
    const device_limits *limits = &device->limits;
    return device_fail_memory(error, device,
                              "cannot allocate %s for %s on %s: its largest single allocation is %s, its memory %s, of which this "
                              "device object holds %s; use a smaller batch or another device",
                              size_to_text(size_bytes).text, what, limits->name, size_to_text(limits->max_allocation_bytes).text,
                              size_to_text(limits->global_memory_bytes).text, size_to_text(held).text);
}

// --- what the device holds --------------------------------------------------------------------------------------------

// Kept here: a driver that is asked for a buffer's size when it goes may fail, and the memory would count as held for good.
static void hold(oclstm_device *device, held_buffer *node, cl_mem mem, size_t size_bytes) {
    pthread_mutex_lock(&device->held_lock);
    *node = (held_buffer){device->held, mem, size_bytes};
    device->held = node;
    pthread_mutex_unlock(&device->held_lock);
}

static void let_go(oclstm_device *device, cl_mem mem) {
    pthread_mutex_lock(&device->held_lock);
    held_buffer **place = &device->held;
    while (*place != NULL && (*place)->mem != mem)
        place = &(*place)->next;
    held_buffer *node = *place;
    if (node != NULL)
        *place = node->next;
    pthread_mutex_unlock(&device->held_lock);
    if (node != NULL)
        atomic_fetch_sub(&device->held_bytes, node->size_bytes);
    free(node);
}

void device_held_free(oclstm_device *device) {
    while (device->held != NULL) {
        held_buffer *node = device->held;
        device->held = node->next;
        free(node);
    }
}

// --- buffers ----------------------------------------------------------------------------------------------------------

oclstm_status device_buffer_create(cl_mem *out, oclstm_device *device, cl_mem_flags flags, size_t size_bytes, const char *what,
                                   oclstm_error *error) {
    *out = NULL;
    if (size_bytes == 0)
        size_bytes = 1;
    const device_limits *limits = &device->limits;
    // Counted before it is made: two threads may ask at once.
    uint64_t held = atomic_fetch_add(&device->held_bytes, size_bytes);
    if (size_bytes > limits->max_allocation_bytes || held > limits->global_memory_bytes ||
        size_bytes > limits->global_memory_bytes - held) {
        atomic_fetch_sub(&device->held_bytes, size_bytes);
        return fail_too_large(error, device, size_bytes, held, what);
    }
    held_buffer *node = base_alloc(1, sizeof *node);
    if (node == NULL) {
        atomic_fetch_sub(&device->held_bytes, size_bytes);
        return base_fail_memory(error, sizeof *node, "a buffer");
    }
    cl_int code;
    cl_mem buffer = clCreateBuffer(device->context, flags, size_bytes, NULL, &code);
    if (code != CL_SUCCESS) {
        atomic_fetch_sub(&device->held_bytes, size_bytes);
        free(node);
        return device_fail(error, device, code, "clCreateBuffer", "allocating %s for %s", size_to_text(size_bytes).text, what);
    }
    hold(device, node, buffer, size_bytes);
    *out = buffer;
    return OCLSTM_OK;
}

size_t device_buffer_bytes(cl_mem buffer) {
    size_t size_bytes = 0;
    if (buffer == NULL || clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof size_bytes, &size_bytes, NULL) != CL_SUCCESS)
        return 0;
    return size_bytes;
}

void device_buffer_release(oclstm_device *device, cl_mem *buffer) {
    if (buffer == NULL || *buffer == NULL)
        return;
    if (!device_lost_by_fork()) {
        let_go(device, *buffer); // first: a new buffer may be made at its address
        clReleaseMemObject(*buffer);
    }
    *buffer = NULL;
}

// A call that should have waited has failed: what was enqueued may still use host memory that its owner takes back now. A wait that fails as well is tried
// again; when that fails, too, the device is taken to be lost, and its work with it.
static void drain(const oclstm_device *device) {
    if (clFinish(device->queue) != CL_SUCCESS)
        clFinish(device->queue);
}

oclstm_status device_buffer_over_host(cl_mem *out, oclstm_device *device, cl_mem_flags flags, void *host, size_t size_bytes) {
    cl_int code;
    *out = clCreateBuffer(device->context, flags | CL_MEM_USE_HOST_PTR, size_bytes, host, &code);
    if (code == CL_SUCCESS)
        return OCLSTM_OK;
    *out = NULL;
    return OCLSTM_OPENCL;
}

oclstm_status device_buffer_hand_back(oclstm_device *device, cl_mem buffer, size_t size_bytes, oclstm_error *error) {
    cl_int code;
    void *host = clEnqueueMapBuffer(device->queue, buffer, CL_TRUE, CL_MAP_READ, 0, size_bytes, 0, NULL, NULL, &code);
    if (code != CL_SUCCESS) {
        drain(device);
        return device_fail(error, device, code, "clEnqueueMapBuffer", "handing the result back (%s)",
                           size_to_text(size_bytes).text);
    }
    code = clEnqueueUnmapMemObject(device->queue, buffer, host, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        return device_finish(device, error);
    clEnqueueUnmapMemObject(device->queue, buffer, host, 0, NULL, NULL); // PoCL never frees a buffer that is mapped
    drain(device);
    return device_fail(error, device, code, "clEnqueueUnmapMemObject", "handing the result back");
}

void device_host_buffer_release(cl_mem *buffer) {
    if (*buffer == NULL)
        return;
    if (!device_lost_by_fork())
        clReleaseMemObject(*buffer);
    *buffer = NULL;
}

oclstm_status device_write(oclstm_device *device, cl_mem dst, size_t offset_bytes, const void *src_host, size_t size_bytes,
                           const char *what, oclstm_error *error) {
    if (size_bytes == 0)
        return OCLSTM_OK;
    cl_int code = clEnqueueWriteBuffer(device->queue, dst, CL_TRUE, offset_bytes, size_bytes, src_host, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        return OCLSTM_OK;
    drain(device);
    return device_fail(error, device, code, "clEnqueueWriteBuffer", "writing %s (%s)", what, size_to_text(size_bytes).text);
}

oclstm_status device_read(oclstm_device *device, void *dst_host, cl_mem src, size_t offset_bytes, size_t size_bytes,
                          const char *what, oclstm_error *error) {
    if (size_bytes == 0)
        return OCLSTM_OK;
    cl_int code = clEnqueueReadBuffer(device->queue, src, CL_TRUE, offset_bytes, size_bytes, dst_host, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        return OCLSTM_OK;
    drain(device);
    return device_fail(error, device, code, "clEnqueueReadBuffer", "reading %s (%s)", what, size_to_text(size_bytes).text);
}

// Before 1.2: the zeros are written from here; they outlive any queue.
static cl_int write_zeros(cl_command_queue queue, cl_mem dst, size_t offset_bytes, size_t size_bytes) {
    static const unsigned char zeros[16384];
    cl_int code = CL_SUCCESS;
    while (size_bytes > 0 && code == CL_SUCCESS) {
        size_t part = size_bytes < sizeof zeros ? size_bytes : sizeof zeros;
        code = clEnqueueWriteBuffer(queue, dst, CL_FALSE, offset_bytes, part, zeros, 0, NULL, NULL);
        offset_bytes += part;
        size_bytes -= part;
    }
    return code;
}

oclstm_status device_fill_zero(oclstm_device *device, cl_mem dst, size_t offset_bytes, size_t size_bytes, oclstm_error *error) {
    if (size_bytes == 0)
        return OCLSTM_OK;
    const cl_uint zero = 0;
    const size_t pattern_bytes = size_bytes % sizeof zero == 0 && offset_bytes % sizeof zero == 0 ? sizeof zero : 1;
    cl_int code = device->opencl_1_2
                      ? clEnqueueFillBuffer(device->queue, dst, &zero, pattern_bytes, offset_bytes, size_bytes, 0, NULL, NULL)
                      : write_zeros(device->queue, dst, offset_bytes, size_bytes);
    if (code != CL_SUCCESS)
        return device_fail(error, device, code, device->opencl_1_2 ? "clEnqueueFillBuffer" : "clEnqueueWriteBuffer",
                           "filling a buffer with zeros (%s)", size_to_text(size_bytes).text);
    return OCLSTM_OK;
}

oclstm_status device_finish(oclstm_device *device, oclstm_error *error) {
    if (device_lost_by_fork()) // cells wait before they are destroyed
        return device_fail_fork(error);
    cl_int code = clFinish(device->queue);
    if (code == CL_SUCCESS)
        return OCLSTM_OK;
    // A second wait that succeeds says that the work has ended, not that it went well.
    clFinish(device->queue);
    return device_fail(error, device, code, "clFinish", "waiting for the queue");
}

oclstm_status device_flush(oclstm_device *device, oclstm_error *error) {
    cl_int code = clFlush(device->queue);
    return code == CL_SUCCESS ? OCLSTM_OK : device_fail(error, device, code, "clFlush", "submitting the queue");
}
