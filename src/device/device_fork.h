// SPDX-License-Identifier: Apache-2.0
// fork(): OpenCL drivers do not survive it. Their threads and what their locks guard stay in the parent, so that the first call in the child
// may wait for ever. A process that was forked after its parent had used OpenCL is marked here, and nothing in it calls OpenCL any more.
//
// One mark for the process is enough: an object that exists in such a child was made by a parent that had used OpenCL, and the child
// cannot make one.
#ifndef OCLSTM_DEVICE_DEVICE_FORK_H
#define OCLSTM_DEVICE_DEVICE_FORK_H

#include <stdatomic.h>
#include <stdbool.h>

#include <oclstm/status.h>

extern atomic_bool device_fork_mark;

// True in a child of a process that had used OpenCL: release host memory only, join no thread, take no lock.
static inline bool device_lost_by_fork(void) { return atomic_load_explicit(&device_fork_mark, memory_order_relaxed); }

// The error for a call that such a child cannot make. Always UNSUPPORTED.
oclstm_status device_fail_fork(oclstm_error *error);

// OK, or that error. Every public function that would call OpenCL or take a lock begins with it, after its checks for NULL.
static inline oclstm_status device_check_fork(oclstm_error *error) {
    return device_lost_by_fork() ? device_fail_fork(error) : OCLSTM_OK;
}

// Before the first OpenCL call of a process: from here on its children are marked. For the functions that need no device: list, open, wrap.
// OK; UNSUPPORTED in a child as above; OUT_OF_MEMORY.
oclstm_status device_fork_begin(oclstm_error *error);

#endif
