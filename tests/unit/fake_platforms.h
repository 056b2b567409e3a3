// SPDX-License-Identifier: Apache-2.0
// Made-up OpenCL platforms: a test that links this with -Wl,--wrap for clGetPlatformIDs, clGetPlatformInfo, clGetDeviceIDs and
// clGetDeviceInfo lists what stands here instead of the machine's devices.
#ifndef OCLSTM_TESTS_FAKE_PLATFORMS_H
#define OCLSTM_TESTS_FAKE_PLATFORMS_H

#include "device/device.h"

typedef struct fake_device {
    const char *name;
    const char *version;
    const char *extensions;
    cl_device_type type;
    cl_bool available, compiler, little_endian;
    cl_device_exec_capabilities executes;
    size_t max_group;
    size_t max_items[4];
    size_t item_dimensions; // 0 means 3
    cl_ulong global_bytes, allocation_bytes;
    const char *profile; // NULL means FULL_PROFILE
    cl_device_fp_config float32, float64, float16;
    cl_device_partition_property ways[3];
    cl_uint parts, alignment_bits;
    cl_device_local_mem_type local_type; // 0 means CL_LOCAL
    size_t parameter_bytes;
    const char *il_version; // NULL: the query fails
    cl_device_info failing; // this query fails with CL_OUT_OF_RESOURCES
} fake_device;

typedef struct fake_platform {
    const char *name;
    const char *version;
    cl_int all_code;         // of clGetDeviceIDs(CL_DEVICE_TYPE_ALL)
    cl_int custom_code;      // of clGetDeviceIDs(CL_DEVICE_TYPE_CUSTOM)
    fake_device *devices[4]; // those whose type is CUSTOM are shown for CL_DEVICE_TYPE_CUSTOM only
    bool all_has_custom;     // a driver that does not follow the rule
} fake_platform;

extern fake_platform fake_platforms[4];
extern cl_uint fake_platform_count;
extern cl_int fake_platforms_code; // of clGetPlatformIDs

// A usable GPU to change.
fake_device fake_good_device(void);

#endif
