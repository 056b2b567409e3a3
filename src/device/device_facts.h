// SPDX-License-Identifier: Apache-2.0
// Facts about drivers that no OpenCL query tells, each with the driver it was seen on. Layers above ask for the fact, never for the vendor.
#ifndef OCLSTM_DEVICE_DEVICE_FACTS_H
#define OCLSTM_DEVICE_DEVICE_FACTS_H

#include "device/device.h"

// May work-groups of one launch, at most one a compute unit, be tried for running at the same time? OpenCL promises nothing: a caller must
// probe, bound every wait and be able to do without.
bool device_groups_may_meet(const device_limits *limits);

// Does a launch run in the thread that enqueues or waits for it, on one core? Then no thread has to wake up.
bool device_runs_in_calling_thread(const device_limits *limits);

// Does the kernel compiler know clang's __builtin_prefetch? OpenCL's own prefetch() does nothing there.
bool device_has_prefetch_builtin(const device_limits *limits);

// Does the driver keep built kernels on disk itself? Then a second copy only costs.
bool device_keeps_own_kernels(const device_limits *limits);

// Is float16 arithmetic (cl_khr_fp16) there, but done by conversion to float32 and back, and so slower than float32's?
bool device_emulates_half(const device_limits *limits);

// Must a part of the device that has been in use never be given back? Also where the driver has not told its name.
bool device_loses_parts(const device_limits *limits);

#endif
