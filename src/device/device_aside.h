// SPDX-License-Identifier: Apache-2.0
// Work beside the device's queue, on a queue of its own: a plan that has to try something out must not wait for what the caller's events
// still hold back.
#ifndef OCLSTM_DEVICE_DEVICE_ASIDE_H
#define OCLSTM_DEVICE_DEVICE_ASIDE_H

#include "device/device.h"

// Makes the queue; device_aside_close() releases and nulls it, and accepts a pointer to NULL. idle: everything on it has been waited for.
oclstm_status device_aside_open(cl_command_queue *queue, oclstm_device *device, oclstm_error *error);
void device_aside_close(cl_command_queue *queue, bool idle);

// Blocking transfers, which also wait when they fail, a launch that does not wait, and the wait for all of them.
oclstm_status device_aside_write(oclstm_device *device, cl_command_queue queue, cl_mem dst, const void *src_host, size_t size_bytes,
                                 oclstm_error *error);
oclstm_status device_aside_read(oclstm_device *device, cl_command_queue queue, void *dst_host, cl_mem src, size_t offset_bytes,
                                size_t size_bytes, oclstm_error *error);
oclstm_status device_aside_launch(oclstm_device *device, cl_command_queue queue, cl_kernel kernel, const device_grid *grid,
                                  oclstm_error *error);
oclstm_status device_aside_finish(oclstm_device *device, cl_command_queue queue, oclstm_error *error);

#endif
