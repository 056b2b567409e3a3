// SPDX-License-Identifier: Apache-2.0
// What a device can but need not: arithmetic, languages, parts, sizes. A query that it does not answer leaves 0.
#include <stdlib.h>
#include <string.h>

#include "device/device_query.h"
#include "device/device_text.h"

// Of OpenCL 2.1 and of cl_khr_il_program; of cl_khr_fp16; of OpenCL 1.2 and of cl_khr_fp64.
#define IL_VERSION       0x105B
#define HALF_FP_CONFIG   0x1033
#define DOUBLE_FP_CONFIG 0x1032

static bool has_word(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += length) {
        bool starts = at == list || at[-1] == ' ';
        if (starts && (at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}

// Cut after a whole word.
static void copy_words(char *dst, size_t capacity, const char *list) {
    device_text_copy(dst, capacity, list);
    char *last = strlen(dst) + 1 < capacity ? NULL : strrchr(dst, ' ');
    if (last != NULL)
        *last = '\0';
}

static void query_extensions(device_queries *q) {
    oclstm_device_info *info = &q->entry->info;
    cl_int code;
    char *extensions = query_read_string(q->entry->id, CL_DEVICE_EXTENSIONS, &code);
    if (query_answered(q, code, "CL_DEVICE_EXTENSIONS", false) && extensions) {
        copy_words(info->extensions, sizeof info->extensions, extensions);
        info->has_fp64 = has_word(extensions, "cl_khr_fp64");
        info->has_fp16 = has_word(extensions, "cl_khr_fp16");
        info->has_int64 = info->full_profile || has_word(extensions, "cles_khr_int64");
    }
    free(extensions);
}

static oclstm_float_facts ask_float(device_queries *q, cl_device_info parameter, const char *parameter_name) {
    cl_device_fp_config config;
    query_value(q, parameter, parameter_name, &config, sizeof config, false);
    return (oclstm_float_facts){.has_inf_nan = (config & CL_FP_INF_NAN) != 0,
                                .has_denormals = (config & CL_FP_DENORM) != 0,
                                .rounds_to_nearest = (config & CL_FP_ROUND_TO_NEAREST) != 0,
                                .rounds_to_zero = (config & CL_FP_ROUND_TO_ZERO) != 0,
                                .has_fma = (config & CL_FP_FMA) != 0,
                                .is_emulated = (config & CL_FP_SOFT_FLOAT) != 0};
}

static void query_arithmetic(device_queries *q) {
    oclstm_device_info *info = &q->entry->info;
    cl_uint number;
    info->float32 = ask_float(q, CL_DEVICE_SINGLE_FP_CONFIG, "CL_DEVICE_SINGLE_FP_CONFIG");
    if (info->has_fp16)
        info->float16 = ask_float(q, HALF_FP_CONFIG, "CL_DEVICE_HALF_FP_CONFIG");
    if (info->has_fp64)
        info->float64 = ask_float(q, DOUBLE_FP_CONFIG, "CL_DEVICE_DOUBLE_FP_CONFIG");
    OPTIONAL(q, CL_DEVICE_MAX_COMPUTE_UNITS, number);
    info->compute_units = number;
    OPTIONAL(q, CL_DEVICE_MAX_CLOCK_FREQUENCY, number);
    info->clock_mhz = number;
    OPTIONAL(q, CL_DEVICE_ADDRESS_BITS, number);
    info->address_bits = number;
    OPTIONAL(q, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, number);
    info->vector_width_float = number;
}

static void query_sizes(device_queries *q) {
    oclstm_device_info *info = &q->entry->info;
    cl_uint bits;
    cl_ulong cache;
    REQUIRED(q, CL_DEVICE_MAX_PARAMETER_SIZE, info->max_parameter_bytes);
    OPTIONAL(q, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, cache);
    OPTIONAL(q, CL_DEVICE_MEM_BASE_ADDR_ALIGN, bits);
    info->cache_bytes = cache;
    info->alignment_bytes = bits / 8;
}

static void query_il(device_queries *q) {
    oclstm_device_info *info = &q->entry->info;
    if (query_version(info->device_version) >= 201 || has_word(info->extensions, "cl_khr_il_program"))
        query_string(q, IL_VERSION, "CL_DEVICE_IL_VERSION", info->il_version, sizeof info->il_version, false);
}

// Of OpenCL 1.2.
static void query_parts(device_queries *q) {
    oclstm_device_info *info = &q->entry->info;
    cl_device_partition_property ways[16] = {0};
    cl_uint parts;
    size_t bytes = 0;
    if (!q->entry->opencl_1_2)
        return;
    OPTIONAL(q, CL_DEVICE_PARTITION_MAX_SUB_DEVICES, parts);
    info->max_parts = parts;
    cl_int code = clGetDeviceInfo(q->entry->id, CL_DEVICE_PARTITION_PROPERTIES, 0, NULL, &bytes);
    if (code == CL_SUCCESS && bytes <= sizeof ways)
        code = clGetDeviceInfo(q->entry->id, CL_DEVICE_PARTITION_PROPERTIES, bytes, ways, NULL);
    if (code != CL_SUCCESS || bytes > sizeof ways)
        return;
    for (size_t i = 0; i < bytes / sizeof ways[0]; i++) {
        info->splits_equally = info->splits_equally || ways[i] == CL_DEVICE_PARTITION_EQUALLY;
        info->splits_by_counts = info->splits_by_counts || ways[i] == CL_DEVICE_PARTITION_BY_COUNTS;
    }
}

void query_facts(device_queries *q) {
    oclstm_device_info *info = &q->entry->info;
    query_string(q, CL_DEVICE_OPENCL_C_VERSION, "CL_DEVICE_OPENCL_C_VERSION", info->c_version, sizeof info->c_version, false);
    query_extensions(q);
    query_il(q);
    query_arithmetic(q);
    query_sizes(q);
    query_parts(q);
}
