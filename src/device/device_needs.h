// SPDX-License-Identifier: Apache-2.0
// What code needs of a device, declared as data, and the one place where it is held against the limits.
#ifndef OCLSTM_DEVICE_DEVICE_NEEDS_H
#define OCLSTM_DEVICE_DEVICE_NEEDS_H

#include "device/device.h"

// A dtype as a bit of device_needs.dtypes.
#define DEVICE_DTYPE(dtype) (1U << (dtype))

// Zero = nothing is needed. That float64 needs cl_khr_fp64 goes without saying.
typedef struct device_needs {
    unsigned dtypes;             // those it has, as bits DEVICE_DTYPE(OCLSTM_F32) | ...
    const char *no_other_dtypes; // why it lacks the others; NULL = nothing to say
    size_t group_items;          // least work-items a group may have (CL_DEVICE_MAX_WORK_GROUP_SIZE)
    size_t group_sizes[2];       // least along dimensions 0 and 1 (CL_DEVICE_MAX_WORK_ITEM_SIZES)
    size_t local_elements;       // of the dtype, in local memory (CL_DEVICE_LOCAL_MEM_SIZE)
    size_t parameter_bytes;      // of a kernel's arguments together (CL_DEVICE_MAX_PARAMETER_SIZE)
    bool int64;                  // long in kernels: the embedded profile may lack it (cles_khr_int64)
    bool compiler;               // compiles kernels of its own, beside the library's programs (CL_DEVICE_COMPILER_AVAILABLE)
} device_needs;

// Are the needs met for this dtype? When not, writes into why[capacity] what is missing, the value needed and the value found.
bool device_meets(const device_limits *limits, const device_needs *needs, oclstm_dtype dtype, char *why, size_t capacity);

#endif
