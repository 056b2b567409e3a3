// SPDX-License-Identifier: Apache-2.0
#include "layer_entry.h"

#include <string.h>

const struct _cl_icd_dispatch *layer_below;

static struct _cl_icd_dispatch below, table;

cl_int layer_answer(const void *value, size_t value_bytes, size_t capacity_bytes, void *dst, size_t *needed) {
    if (needed)
        *needed = value_bytes;
    if (dst == NULL)
        return CL_SUCCESS;
    if (capacity_bytes < value_bytes)
        return CL_INVALID_VALUE;
    memcpy(dst, value, value_bytes);
    return CL_SUCCESS;
}

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info parameter, size_t capacity_bytes, void *dst, size_t *needed) {
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    if (parameter == CL_LAYER_API_VERSION)
        return layer_answer(&version, sizeof version, capacity_bytes, dst, needed);
    if (parameter == CL_LAYER_NAME)
        return layer_answer(layer_name, strlen(layer_name) + 1, capacity_bytes, dst, needed);
    return CL_INVALID_VALUE;
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint entry_count, const cl_icd_dispatch *target, cl_uint *entry_count_ret,
                                            const cl_icd_dispatch **table_ret) {
    const cl_uint known = sizeof table / sizeof(void *);
    if (target == NULL || entry_count_ret == NULL || table_ret == NULL)
        return CL_INVALID_VALUE;
    // A loader may know fewer calls than the header, or more; it fills in those that a layer leaves out.
    const cl_uint count = entry_count < known ? entry_count : known;
    memcpy(&below, target, count * sizeof(void *));
    table = below;
    layer_below = &below;
    layer_install(&table);
    *entry_count_ret = count;
    *table_ret = &table;
    return CL_SUCCESS;
}
