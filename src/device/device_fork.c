// SPDX-License-Identifier: Apache-2.0
#include "device/device_fork.h"

#include <pthread.h>

#include "base/error.h"

atomic_bool device_fork_mark;

static atomic_bool watched; // mark_child is registered: OpenCL has been used, or is about to be

static void mark_child(void) { atomic_store_explicit(&device_fork_mark, true, memory_order_relaxed); }

oclstm_status device_fail_fork(oclstm_error *error) {
    return base_fail(
        error, OCLSTM_UNSUPPORTED,
        "this process was forked from one that had already used OpenCL, and OpenCL drivers do not survive fork(): fork "
        "before the first call that lists or opens a device, use devices in the parent only, or begin anew in the "
        "child with exec");
}

// No lock, which a child might inherit taken: two threads may both register, and marking twice is marking.
oclstm_status device_fork_begin(oclstm_error *error) {
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK || atomic_load_explicit(&watched, memory_order_acquire))
        return status;
    if (pthread_atfork(NULL, NULL, mark_child) != 0)
        return base_fail_memory(error, sizeof(void *), "watching for fork()");
    atomic_store_explicit(&watched, true, memory_order_release);
    return OCLSTM_OK;
}
