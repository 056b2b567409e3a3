// SPDX-License-Identifier: Apache-2.0
// One device's facts and limits, asked once, and whether it can be used.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_query.h"
#include "device/device_text.h"
#include "device/kernel_folder.h"

// --- strings ----------------------------------------------------------------------------------------------------------

// A driver refuses a buffer that is too small, so each string is read whole, then cut.
cl_int device_platform_string(cl_platform_id platform, cl_platform_info parameter, char *dst, size_t capacity) {
    size_t length = 0;
    dst[0] = '\0';
    cl_int code = clGetPlatformInfo(platform, parameter, 0, NULL, &length);
    if (code != CL_SUCCESS)
        return code;
    char *text = length == SIZE_MAX ? NULL : base_alloc(length + 1, 1);
    if (text == NULL)
        return DEVICE_NO_HOST_MEMORY;
    code = clGetPlatformInfo(platform, parameter, length, text, NULL);
    if (code == CL_SUCCESS)
        device_text_copy(dst, capacity, text);
    free(text);
    return code;
}

char *query_read_string(cl_device_id id, cl_device_info parameter, cl_int *code) {
    size_t length = 0;
    *code = clGetDeviceInfo(id, parameter, 0, NULL, &length);
    if (*code != CL_SUCCESS)
        return NULL;
    char *text = length == SIZE_MAX ? NULL : base_alloc(length + 1, 1);
    if (text == NULL) {
        *code = DEVICE_NO_HOST_MEMORY;
        return NULL;
    }
    *code = clGetDeviceInfo(id, parameter, length, text, NULL);
    if (*code == CL_SUCCESS)
        return text;
    free(text);
    return NULL;
}

// --- queries ----------------------------------------------------------------------------------------------------------

// The first reason stands.
static void reject(device_queries *q, const char *format, ...) BASE_PRINTF(2, 3);
static void reject(device_queries *q, const char *format, ...) {
    oclstm_device_info *info = &q->entry->info;
    if (info->reason[0] != '\0')
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(info->reason, sizeof info->reason, format, arguments);
    va_end(arguments);
}

bool query_answered(device_queries *q, cl_int code, const char *parameter_name, bool required) {
    if (code == CL_SUCCESS)
        return true;
    if (code == DEVICE_NO_HOST_MEMORY)
        q->no_memory = true;
    if (required)
        reject(q, "the query %s failed with %s", parameter_name, device_opencl_name(code));
    return false;
}

bool query_value(device_queries *q, cl_device_info parameter, const char *parameter_name, void *value, size_t size_bytes,
                 bool required) {
    cl_int code = clGetDeviceInfo(q->entry->id, parameter, size_bytes, value, NULL);
    if (code != CL_SUCCESS)
        memset(value, 0, size_bytes);
    return query_answered(q, code, parameter_name, required);
}

void query_string(device_queries *q, cl_device_info parameter, const char *parameter_name, char *dst, size_t capacity,
                  bool required) {
    cl_int code;
    char *text = query_read_string(q->entry->id, parameter, &code);
    if (text)
        device_text_copy(dst, capacity, text);
    query_answered(q, code, parameter_name, required);
    free(text);
}

// --- facts ------------------------------------------------------------------------------------------------------------

static oclstm_device_kind kind_of(cl_device_type type) {
    if (type & CL_DEVICE_TYPE_GPU)
        return OCLSTM_DEVICE_GPU;
    if (type & (CL_DEVICE_TYPE_ACCELERATOR | CL_DEVICE_TYPE_CUSTOM))
        return OCLSTM_DEVICE_NPU;
    if (type & CL_DEVICE_TYPE_CPU)
        return OCLSTM_DEVICE_CPU;
    return OCLSTM_DEVICE_OTHER;
}

int query_version(const char *text) {
    int major, minor;
    if (sscanf(text, "OpenCL %3d.%3d", &major, &minor) != 2 || major < 0 || minor < 0)
        return 0;
    return major * 100 + minor;
}

// 1.1 is enough for every call but the fill, which has a fallback.
static void query_versions(device_queries *q) {
    oclstm_device_info *info = &q->entry->info;
    char platform_version[128] = "";
    query_string(q, CL_DEVICE_VERSION, "CL_DEVICE_VERSION", info->device_version, sizeof info->device_version, true);
    query_answered(q, device_platform_string(q->entry->platform, CL_PLATFORM_VERSION, platform_version, sizeof platform_version),
                   "CL_PLATFORM_VERSION", true);
    int device = query_version(info->device_version), platform = query_version(platform_version);
    if (device < 101)
        reject(q, "it is of \"%.60s\"; OpenCL 1.1 or later is needed", info->device_version);
    if (platform < 101)
        reject(q, "its platform is of \"%.60s\"; OpenCL 1.1 or later is needed", platform_version);
    q->entry->opencl_1_2 = device >= 102 && platform >= 102;
}

// What decides whether kernels can run at all.
static void query_abilities(device_queries *q) {
    oclstm_device_info *info = &q->entry->info;
    cl_device_type type;
    cl_bool available, compiler, little_endian;
    cl_device_exec_capabilities executes;
    if (REQUIRED(q, CL_DEVICE_TYPE, type))
        info->kind = kind_of(type);
    if (REQUIRED(q, CL_DEVICE_AVAILABLE, available) && !available)
        reject(q, "the driver says that it is not available (CL_DEVICE_AVAILABLE)");
    info->available = available;
    if (REQUIRED(q, CL_DEVICE_COMPILER_AVAILABLE, compiler) && !compiler && !kernel_folder_has_kernels())
        reject(q,
               "it has no compiler for kernels (CL_DEVICE_COMPILER_AVAILABLE)%s; for kernels compiled offline see 'oclstm kernels "
               "--export' "
               "and --kernel-binary (OCLSTM_KERNEL_BINARY)",
               type & CL_DEVICE_TYPE_CUSTOM ? ": a custom device with built-in kernels only" : "");
    info->has_compiler = compiler;
    if (REQUIRED(q, CL_DEVICE_EXECUTION_CAPABILITIES, executes) && !(executes & CL_EXEC_KERNEL))
        reject(q, "it does not execute OpenCL kernels (CL_DEVICE_EXECUTION_CAPABILITIES)");
    info->executes_kernels = (executes & CL_EXEC_KERNEL) != 0;
    if (REQUIRED(q, CL_DEVICE_ENDIAN_LITTLE, little_endian) && !little_endian)
        reject(q, "it is big-endian (CL_DEVICE_ENDIAN_LITTLE)");
    info->little_endian = little_endian;
    query_versions(q);
}

static void query_group_sizes(device_queries *q) {
    oclstm_device_info *info = &q->entry->info;
    REQUIRED(q, CL_DEVICE_MAX_WORK_GROUP_SIZE, info->max_work_group_size);
    // There are at least three, and some drivers have more.
    size_t sizes[16] = {0}, size_bytes = 0;
    cl_int code = clGetDeviceInfo(q->entry->id, CL_DEVICE_MAX_WORK_ITEM_SIZES, 0, NULL, &size_bytes);
    if (code == CL_SUCCESS && size_bytes > sizeof sizes)
        code = CL_INVALID_VALUE;
    if (code == CL_SUCCESS)
        code = clGetDeviceInfo(q->entry->id, CL_DEVICE_MAX_WORK_ITEM_SIZES, size_bytes, sizes, NULL);
    if (query_answered(q, code, "CL_DEVICE_MAX_WORK_ITEM_SIZES", true))
        memcpy(info->max_work_item_sizes, sizes, sizeof info->max_work_item_sizes);
    for (int axis = 0; axis < 3; axis++) {
        if (info->max_work_item_sizes[axis] == 0)
            reject(q, "it reports a largest work-group of 0 (CL_DEVICE_MAX_WORK_ITEM_SIZES)");
    }
    if (info->max_work_group_size == 0)
        reject(q, "it reports a largest work-group of 0 (CL_DEVICE_MAX_WORK_GROUP_SIZE)");
}

static void query_memory(device_queries *q) {
    oclstm_device_info *info = &q->entry->info;
    cl_ulong global, allocation, local;
    cl_device_local_mem_type local_type;
    cl_bool unified;
    REQUIRED(q, CL_DEVICE_GLOBAL_MEM_SIZE, global);
    REQUIRED(q, CL_DEVICE_MAX_MEM_ALLOC_SIZE, allocation);
    if (global == 0 || allocation == 0)
        reject(q, "it reports no memory (CL_DEVICE_GLOBAL_MEM_SIZE, CL_DEVICE_MAX_MEM_ALLOC_SIZE)");
    OPTIONAL(q, CL_DEVICE_LOCAL_MEM_SIZE, local);
    OPTIONAL(q, CL_DEVICE_LOCAL_MEM_TYPE, local_type);
    OPTIONAL(q, CL_DEVICE_HOST_UNIFIED_MEMORY, unified);
    info->global_memory_bytes = global;
    info->max_allocation_bytes = allocation;
    info->local_memory_bytes = local;
    info->has_local_memory = local_type == CL_LOCAL;
    info->unified_memory = unified;
}

oclstm_status device_query(device_entry *entry, oclstm_error *error) {
    device_queries q = {entry, false};
    oclstm_device_info *info = &entry->info;
    char profile[32] = "";
    info->kind = OCLSTM_DEVICE_OTHER;
    query_answered(&q, device_platform_string(entry->platform, CL_PLATFORM_NAME, info->platform_name, sizeof info->platform_name),
                   "CL_PLATFORM_NAME", false);
    query_string(&q, CL_DEVICE_NAME, "CL_DEVICE_NAME", info->name, sizeof info->name, true);
    query_string(&q, CL_DEVICE_VENDOR, "CL_DEVICE_VENDOR", info->vendor, sizeof info->vendor, false);
    query_string(&q, CL_DRIVER_VERSION, "CL_DRIVER_VERSION", info->driver_version, sizeof info->driver_version, false);
    query_string(&q, CL_DEVICE_PROFILE, "CL_DEVICE_PROFILE", profile, sizeof profile, true);
    info->full_profile = strcmp(profile, "FULL_PROFILE") == 0;
    query_abilities(&q);
    query_group_sizes(&q);
    query_memory(&q);
    query_facts(&q);
    info->usable = info->reason[0] == '\0';
    return q.no_memory ? base_fail_memory(error, sizeof *info, "the facts of an OpenCL device") : OCLSTM_OK;
}
