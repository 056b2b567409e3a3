// SPDX-License-Identifier: Apache-2.0
// What an opened device tells, its marks, and the count of opened devices in the process.
#include <oclstm/opencl.h>

#include "device/device_private.h"

const oclstm_device_info *oclstm_device_get_info(const oclstm_device *device) { return device ? &device->limits : NULL; }
uint64_t oclstm_device_get_held_bytes(const oclstm_device *device) { return device ? atomic_load(&device->held_bytes) : 0; }
cl_context oclstm_device_get_context(const oclstm_device *device) { return device ? device->context : NULL; }
cl_device_id oclstm_device_get_id(const oclstm_device *device) { return device ? device->id : NULL; }
cl_command_queue oclstm_device_get_queue(const oclstm_device *device) { return device ? device->queue : NULL; }

const device_limits *device_get_limits(const oclstm_device *device) { return &device->limits; }
cl_context device_get_context(const oclstm_device *device) { return device->context; }
cl_command_queue device_get_queue(const oclstm_device *device) { return device->queue; }

bool device_needs_warmup(oclstm_device *device, unsigned mark) { return !(atomic_load(&device->warm) & (1U << mark)); }
void device_mark_warm(oclstm_device *device, unsigned mark) { atomic_fetch_or(&device->warm, 1U << mark); }
void device_clear_warm(oclstm_device *device, unsigned mark) { atomic_fetch_and(&device->warm, ~(1U << mark)); }

// --- the process's devices --------------------------------------------------------------------------------------------

#define MAX_CLOSE_FUNCTIONS 8

static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;
static size_t device_count;
static void (*close_functions[MAX_CLOSE_FUNCTIONS])(void);

void device_on_last_close(void (*function)(void)) {
    pthread_mutex_lock(&process_lock);
    size_t at = 0;
    while (at < MAX_CLOSE_FUNCTIONS && close_functions[at] && close_functions[at] != function)
        at++;
    if (at < MAX_CLOSE_FUNCTIONS)
        close_functions[at] = function;
    pthread_mutex_unlock(&process_lock);
}

void device_count_raise(void) {
    pthread_mutex_lock(&process_lock);
    device_count++;
    pthread_mutex_unlock(&process_lock);
}

// The lock is held over the functions, so that no device is opened, and nothing above used, while they clear up.
void device_count_lower(void) {
    pthread_mutex_lock(&process_lock);
    if (--device_count == 0) {
        for (size_t at = 0; at < MAX_CLOSE_FUNCTIONS && close_functions[at]; at++)
            close_functions[at]();
    }
    pthread_mutex_unlock(&process_lock);
}
