// SPDX-License-Identifier: Apache-2.0
#include "device/device_needs.h"

#include <inttypes.h>

#include "base/error.h"

static bool has_dtype(const device_limits *limits, const device_needs *needs, oclstm_dtype dtype, char *why, size_t capacity) {
    if ((needs->dtypes & DEVICE_DTYPE(dtype)) == 0) {
        base_append(why, capacity, "it has no %s", oclstm_dtype_name(dtype));
        if (needs->no_other_dtypes != NULL)
            base_append(why, capacity, ": %s", needs->no_other_dtypes);
        return false;
    }
    if (dtype == OCLSTM_F64 && !limits->has_fp64) {
        base_append(why, capacity, "float64 needs float64 arithmetic, this device has none (cl_khr_fp64)");
        return false;
    }
    return true;
}

static bool has_groups(const device_limits *limits, const device_needs *needs, char *why, size_t capacity) {
    if (limits->max_work_group_size < needs->group_items) {
        base_append(why, capacity, "needs work-groups of %zu work-items, this device allows %zu (CL_DEVICE_MAX_WORK_GROUP_SIZE)",
                    needs->group_items, limits->max_work_group_size);
        return false;
    }
    for (int axis = 0; axis < 2; axis++) {
        if (limits->max_work_item_sizes[axis] < needs->group_sizes[axis]) {
            base_append(why, capacity,
                        "needs work-groups of %zu work-items along dimension %d, this device allows %zu "
                        "(CL_DEVICE_MAX_WORK_ITEM_SIZES)",
                        needs->group_sizes[axis], axis, limits->max_work_item_sizes[axis]);
            return false;
        }
    }
    return true;
}

static bool has_memory(const device_limits *limits, const device_needs *needs, oclstm_dtype dtype, char *why, size_t capacity) {
    const size_t local_bytes = needs->local_elements * oclstm_dtype_size_bytes(dtype);
    if (limits->local_memory_bytes < local_bytes) {
        base_append(why, capacity, "needs %zu bytes of local memory, this device has %" PRIu64 " (CL_DEVICE_LOCAL_MEM_SIZE)",
                    local_bytes, limits->local_memory_bytes);
        return false;
    }
    if (limits->max_parameter_bytes < needs->parameter_bytes) {
        base_append(why, capacity, "needs %zu bytes of kernel arguments, this device allows %zu (CL_DEVICE_MAX_PARAMETER_SIZE)",
                    needs->parameter_bytes, limits->max_parameter_bytes);
        return false;
    }
    return true;
}

bool device_meets(const device_limits *limits, const device_needs *needs, oclstm_dtype dtype, char *why, size_t capacity) {
    if (capacity > 0)
        why[0] = '\0';
    if (!has_dtype(limits, needs, dtype, why, capacity) || !has_groups(limits, needs, why, capacity) ||
        !has_memory(limits, needs, dtype, why, capacity))
        return false;
    if (needs->int64 && !limits->has_int64) {
        base_append(why, capacity, "needs 64-bit integers in kernels, this device's embedded profile has none (cles_khr_int64)");
        return false;
    }
    if (needs->compiler && !limits->has_compiler) {
        base_append(why, capacity, "compiles kernels of its own, this device has no compiler (CL_DEVICE_COMPILER_AVAILABLE)");
        return false;
    }
    return true;
}
