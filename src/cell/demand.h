// SPDX-License-Identifier: Apache-2.0
// The device buffers that something would make, counted before any is made: what does not fit is refused with the numbers, or done in smaller parts.
#ifndef OCLSTM_CELL_DEMAND_H
#define OCLSTM_CELL_DEMAND_H

#include "device/device.h"

// A buffer that would be made, as a matrix. bytes is SIZE_MAX where its size overflows.
typedef struct demand_buffer {
    const char *what; // "the input product"
    size_t rows, columns, element_bytes, bytes;
} demand_buffer;

enum { DEMAND_BUFFERS = 12 };

// Zeroed before the first buffer is added.
typedef struct device_demand {
    demand_buffer buffers[DEMAND_BUFFERS];
    size_t count;
} device_demand;

void demand_add(device_demand *demand, const char *what, size_t rows, size_t columns, size_t element_bytes);

// The sum of all, UINT64_MAX where it overflows; the largest, the first one of several.
uint64_t demand_total_bytes(const device_demand *demand);
const demand_buffer *demand_largest(const device_demand *demand);

// May the buffers be made on the device as it is now, where `reclaimable_bytes` of what it holds could be given up? When not, appends to why[capacity]
// which buffer is too large for the device, or that all together are.
bool demand_fits(const device_demand *demand, const oclstm_device *device, uint64_t reclaimable_bytes, char *why, size_t capacity);

#endif
