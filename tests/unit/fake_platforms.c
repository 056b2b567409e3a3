// SPDX-License-Identifier: Apache-2.0
#include "fake_platforms.h"

#include <string.h>

fake_platform fake_platforms[4];
cl_uint fake_platform_count;
cl_int fake_platforms_code;

fake_device fake_good_device(void) {
    return (fake_device){
        .name = "  Good GPU \n",
        .version = "OpenCL 1.2 good",
        .extensions = "cl_khr_fp64 cl_khr_icd",
        .type = CL_DEVICE_TYPE_GPU,
        .available = CL_TRUE,
        .compiler = CL_TRUE,
        .little_endian = CL_TRUE,
        .executes = CL_EXEC_KERNEL,
        .max_group = 256,
        .max_items = {256, 128, 64, 1},
        .global_bytes = (cl_ulong)1 << 30,
        .allocation_bytes = (cl_ulong)1 << 28,
    };
}

static const fake_platform *platform_of(cl_platform_id id) { return (const fake_platform *)(const void *)id; }
static const fake_device *device_of(cl_device_id id) { return (const fake_device *)(const void *)id; }

// As a driver answers: a buffer that is too small is an error.
static cl_int answer(const void *value, size_t value_bytes, size_t size_bytes, void *dst, size_t *needed) {
    if (needed)
        *needed = value_bytes;
    if (dst == NULL)
        return CL_SUCCESS;
    if (size_bytes < value_bytes)
        return CL_INVALID_VALUE;
    memcpy(dst, value, value_bytes);
    return CL_SUCCESS;
}

cl_int __wrap_clGetPlatformIDs(cl_uint capacity, cl_platform_id *ids, cl_uint *count);
cl_int __wrap_clGetPlatformIDs(cl_uint capacity, cl_platform_id *ids, cl_uint *count) {
    if (fake_platforms_code != CL_SUCCESS)
        return fake_platforms_code;
    if (count)
        *count = fake_platform_count;
    for (cl_uint at = 0; ids && at < capacity && at < fake_platform_count; at++)
        ids[at] = (cl_platform_id)(void *)&fake_platforms[at];
    return CL_SUCCESS;
}

cl_int __wrap_clGetPlatformInfo(cl_platform_id id, cl_platform_info parameter, size_t size_bytes, void *dst, size_t *needed);
cl_int __wrap_clGetPlatformInfo(cl_platform_id id, cl_platform_info parameter, size_t size_bytes, void *dst, size_t *needed) {
    const fake_platform *platform = platform_of(id);
    const char *text = parameter == CL_PLATFORM_NAME      ? platform->name
                       : parameter == CL_PLATFORM_VERSION ? platform->version
                                                          : "Maker";
    return text ? answer(text, strlen(text) + 1, size_bytes, dst, needed) : CL_OUT_OF_HOST_MEMORY;
}

cl_int __wrap_clGetDeviceIDs(cl_platform_id id, cl_device_type type, cl_uint capacity, cl_device_id *ids, cl_uint *count);
cl_int __wrap_clGetDeviceIDs(cl_platform_id id, cl_device_type type, cl_uint capacity, cl_device_id *ids, cl_uint *count) {
    const fake_platform *platform = platform_of(id);
    bool custom = type == CL_DEVICE_TYPE_CUSTOM;
    cl_int code = custom ? platform->custom_code : platform->all_code;
    cl_uint found = 0;
    if (code != CL_SUCCESS)
        return code;
    for (int at = 0; at < 4 && platform->devices[at]; at++) {
        bool is_custom = platform->devices[at]->type == CL_DEVICE_TYPE_CUSTOM;
        if (is_custom != custom && !(is_custom && platform->all_has_custom))
            continue;
        if (ids && found < capacity)
            ids[found] = (cl_device_id)(void *)platform->devices[at];
        found++;
    }
    if (count)
        *count = found;
    return found ? CL_SUCCESS : CL_DEVICE_NOT_FOUND;
}

static cl_int answer_text(const char *text, size_t size_bytes, void *dst, size_t *needed) {
    return answer(text, strlen(text) + 1, size_bytes, dst, needed);
}

cl_int __wrap_clGetDeviceInfo(cl_device_id id, cl_device_info parameter, size_t size_bytes, void *dst, size_t *needed);
cl_int __wrap_clGetDeviceInfo(cl_device_id id, cl_device_info parameter, size_t size_bytes, void *dst, size_t *needed) {
    const fake_device *device = device_of(id);
    const cl_uint eight = 8;
    const cl_device_local_mem_type local_type = device->local_type ? device->local_type : CL_LOCAL;
    const cl_ulong local_bytes = 32768;
#define ANSWER(value) answer(&(value), sizeof(value), size_bytes, dst, needed)
    if (device->failing == parameter)
        return CL_OUT_OF_RESOURCES;
    switch (parameter) {
    case CL_DEVICE_NAME:
        return answer_text(device->name, size_bytes, dst, needed);
    case CL_DEVICE_VERSION:
        return answer_text(device->version, size_bytes, dst, needed);
    case CL_DEVICE_EXTENSIONS:
        return answer_text(device->extensions, size_bytes, dst, needed);
    case CL_DEVICE_VENDOR:
        return answer_text("Maker", size_bytes, dst, needed);
    case CL_DRIVER_VERSION:
        return answer_text("7", size_bytes, dst, needed);
    case CL_DEVICE_PROFILE:
        return answer_text(device->profile ? device->profile : "FULL_PROFILE", size_bytes, dst, needed);
    case CL_DEVICE_TYPE:
        return ANSWER(device->type);
    case CL_DEVICE_AVAILABLE:
        return ANSWER(device->available);
    case CL_DEVICE_COMPILER_AVAILABLE:
        return ANSWER(device->compiler);
    case CL_DEVICE_ENDIAN_LITTLE:
        return ANSWER(device->little_endian);
    case CL_DEVICE_EXECUTION_CAPABILITIES:
        return ANSWER(device->executes);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return ANSWER(device->max_group);
    case CL_DEVICE_MAX_WORK_ITEM_SIZES:
        return answer(device->max_items, (device->item_dimensions ? device->item_dimensions : 3) * sizeof(size_t), size_bytes, dst,
                      needed);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
        return ANSWER(device->global_bytes);
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
        return ANSWER(device->allocation_bytes);
    case CL_DEVICE_LOCAL_MEM_SIZE:
        return ANSWER(local_bytes);
    case CL_DEVICE_LOCAL_MEM_TYPE:
        return ANSWER(local_type);
    case CL_DEVICE_MAX_COMPUTE_UNITS:
    case CL_DEVICE_MAX_CLOCK_FREQUENCY:
        return ANSWER(eight);
    case CL_DEVICE_SINGLE_FP_CONFIG:
        return ANSWER(device->float32);
    case CL_DEVICE_DOUBLE_FP_CONFIG:
        return ANSWER(device->float64);
    case 0x1033: // CL_DEVICE_HALF_FP_CONFIG of cl_khr_fp16
        return ANSWER(device->float16);
    case CL_DEVICE_PARTITION_PROPERTIES:
        return ANSWER(device->ways);
    case CL_DEVICE_PARTITION_MAX_SUB_DEVICES:
        return ANSWER(device->parts);
    case CL_DEVICE_MEM_BASE_ADDR_ALIGN:
        return ANSWER(device->alignment_bits);
    case CL_DEVICE_MAX_PARAMETER_SIZE:
        return ANSWER(device->parameter_bytes);
    case CL_DEVICE_OPENCL_C_VERSION:
        return answer_text(" OpenCL C 1.2 x ", size_bytes, dst, needed);
    case 0x105B: // CL_DEVICE_IL_VERSION of OpenCL 2.1 and cl_khr_il_program
        return device->il_version ? answer_text(device->il_version, size_bytes, dst, needed) : CL_INVALID_VALUE;
    default:
        return CL_INVALID_VALUE;
    }
#undef ANSWER
}
