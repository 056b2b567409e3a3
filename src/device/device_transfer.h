// SPDX-License-Identifier: Apache-2.0
// Enqueued transfers: none of these waits. Host memory handed over must stay as it is until device_finish().
#ifndef OCLSTM_DEVICE_DEVICE_TRANSFER_H
#define OCLSTM_DEVICE_DEVICE_TRANSFER_H

#include "device/device.h"

// `count` rows of row_bytes each; the starts of two rows are a pitch apart (at least row_bytes).
typedef struct device_rows {
    size_t count;
    size_t row_bytes;
    size_t device_offset; // bytes
    size_t device_pitch;  // bytes
    size_t other_offset;  // bytes, of the host's memory or of the second buffer
    size_t other_pitch;   // bytes
} device_rows;

// Host memory (other) to buffer (device), and back. `what` names the data in an error.
oclstm_status device_enqueue_write(oclstm_device *device, cl_mem dst, const void *src_host, const device_rows *rows,
                                   const char *what, oclstm_error *error);
oclstm_status device_enqueue_read(oclstm_device *device, void *dst_host, cl_mem src, const device_rows *rows, const char *what,
                                  oclstm_error *error);

// Buffer src (other) to buffer dst (device). The regions may not overlap.
oclstm_status device_enqueue_copy(oclstm_device *device, cl_mem dst, cl_mem src, const device_rows *rows, oclstm_error *error);

// Later commands wait for these events.
oclstm_status device_enqueue_wait(oclstm_device *device, cl_uint count, const cl_event *events, oclstm_error *error);

// An event that completes when everything enqueued so far has. The caller releases it.
oclstm_status device_enqueue_mark(oclstm_device *device, cl_event *event, oclstm_error *error);

#endif
