// SPDX-License-Identifier: Apache-2.0
/**
 * @file opencl.h
 * For programs that already use OpenCL: run on their context, device and queue, and on their buffers, without waiting.
 *
 * Not included by oclstm.h: it needs the OpenCL headers (CL/cl.h), the rest of the library does not.
 *
 * Thread-safety: as device.h and cell.h say. A wrapped queue may be used by the caller, and by other threads, while cells run on it: commands
 * keep the order in which they were enqueued, and which of two threads enqueues first is theirs to settle, with events. fork(): a process that has
 * used OpenCL by itself is no better off, but the library does not know of it before the first call that lists, opens or wraps a device.
 */
#ifndef OCLSTM_OPENCL_H
#define OCLSTM_OPENCL_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>

#include <oclstm/cell.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Makes a device of a context, device and queue that the caller owns. Each is retained here and released when the device is closed.
 *
 * @param context  holds the device.
 * @param queue    an in-order queue of that context and device, or NULL: then one is made.
 * @return OK; INVALID_ARGUMENT (no context; a device or queue that is not of it); UNSUPPORTED (an out-of-order queue; an unusable
 *         device); OUT_OF_MEMORY; OPENCL.
 */
OCLSTM_API oclstm_status oclstm_device_wrap(oclstm_device **out, cl_context context, cl_device_id device_id, cl_command_queue queue,
                                            oclstm_error *error);

/** The context, device and queue in use, for a caller that wants to make buffers. Not retained for the caller. */
OCLSTM_API cl_context oclstm_device_get_context(const oclstm_device *device);
OCLSTM_API cl_device_id oclstm_device_get_id(const oclstm_device *device);
OCLSTM_API cl_command_queue oclstm_device_get_queue(const oclstm_device *device);

/** A place in a buffer of the caller. mem == NULL: absent. */
typedef struct oclstm_buffer {
    cl_mem mem;
    size_t offset; /**< in elements from the start of mem, of the dtype of what lies there */
} oclstm_buffer;

/** A sequence (steps = 1: a step) on the caller's buffers, in the cell's dtype and C order, without gaps; c and c_out of a cell of 16 bits are float32. */
typedef struct oclstm_buffers {
    int64_t batch;    /**< at least 1 */
    int64_t steps;    /**< 0 means 1 */
    bool batch_first; /**< x and y are [batch][steps][...] instead of [steps][batch][...] */
    oclstm_buffer x;  /**< [steps][batch][input] */
    oclstm_buffer h;  /**< [batch][hidden]; h and c both, or neither (zero) */
    oclstm_buffer c;
    oclstm_buffer y;     /**< [steps][batch][hidden]; may be absent */
    oclstm_buffer h_out; /**< [batch][hidden]; each may be absent, and may be the place of h or c */
    oclstm_buffer c_out;
} oclstm_buffers;

/**
 * Enqueues a step or a sequence on the device's queue and returns without waiting for it. The first call for a shape may take
 * longer: it builds kernels and allocates. The buffers must stay untouched until the event is complete.
 *
 * x may not overlap any result; y may not overlap h, c, h_out or c_out.
 *
 * @param wait_count, wait_list  events that must be complete first, as in clEnqueueNDRangeKernel.
 * After a failure some of the work may have been enqueued: what the results hold is unspecified, and clFinish() on the queue says when the
 * buffers are free again.
 *
 * @param[out] event  NULL, or receives an event that completes with the last command; release it with clReleaseEvent(). NULL on failure.
 * @return as oclstm_cell_step(), and INVALID_ARGUMENT for a buffer that is too small for its offset and shape, or not of the device's context.
 */
OCLSTM_API oclstm_status oclstm_cell_enqueue(oclstm_cell *cell, const oclstm_buffers *buffers, cl_uint wait_count,
                                             const cl_event *wait_list, cl_event *event, oclstm_error *error);

#ifdef __cplusplus
}
#endif
#endif
