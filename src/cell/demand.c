// SPDX-License-Identifier: Apache-2.0
#include "cell/demand.h"

#include "base/checked.h"
#include "base/error.h"
#include "device/size_text.h"

void demand_add(device_demand *demand, const char *what, size_t rows, size_t columns, size_t element_bytes) {
    demand_buffer *buffer = &demand->buffers[demand->count++];
    *buffer = (demand_buffer){what, rows, columns, element_bytes, SIZE_MAX};
    size_t count;
    if (!checked_mul(rows, columns, &count) || !checked_mul(count, element_bytes, &buffer->bytes))
        buffer->bytes = SIZE_MAX;
}

uint64_t demand_total_bytes(const device_demand *demand) {
    uint64_t total = 0;
    for (size_t i = 0; i < demand->count; i++)
        total = demand->buffers[i].bytes < UINT64_MAX - total ? total + demand->buffers[i].bytes : UINT64_MAX;
    return total;
}

const demand_buffer *demand_largest(const device_demand *demand) {
    const demand_buffer *largest = &demand->buffers[0];
    for (size_t i = 1; i < demand->count; i++) {
        if (demand->buffers[i].bytes > largest->bytes)
            largest = &demand->buffers[i];
    }
    return largest;
}

static void describe(const demand_buffer *buffer, char *why, size_t capacity) {
    base_append(why, capacity, "%s, %zu x %zu of %zu bytes", buffer->what, buffer->rows, buffer->columns, buffer->element_bytes);
}

bool demand_fits(const device_demand *demand, const oclstm_device *device, uint64_t reclaimable_bytes, char *why, size_t capacity) {
    const device_limits *limits = device_get_limits(device);
    const demand_buffer *largest = demand_largest(demand);
    if (demand->count == 0)
        return true;
    if (largest->bytes > limits->max_allocation_bytes) {
        describe(largest, why, capacity);
        base_append(why, capacity, ", takes %s, the device's largest allocation is %s (CL_DEVICE_MAX_MEM_ALLOC_SIZE)",
                    size_to_text(largest->bytes).text, size_to_text(limits->max_allocation_bytes).text);
        return false;
    }
    const uint64_t held = oclstm_device_get_held_bytes(device), kept = held > reclaimable_bytes ? held - reclaimable_bytes : 0;
    const uint64_t available = limits->global_memory_bytes > kept ? limits->global_memory_bytes - kept : 0;
    if (demand_total_bytes(demand) <= available)
        return true;
    base_append(why, capacity, "its buffers take %s together, the largest ", size_to_text(demand_total_bytes(demand)).text);
    describe(largest, why, capacity);
    base_append(why, capacity, " (%s); of the device's memory of %s this device object holds %s", size_to_text(largest->bytes).text,
                size_to_text(limits->global_memory_bytes).text, size_to_text(kept).text);
    return false;
}
