// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "device/device_private.h"
#include "device/size_text.h"

// CL_OUT_OF_RESOURCES also stands for registers, a watchdog, a kernel that went wrong: it means memory only where memory
// was asked for.
static oclstm_status status_of(cl_int code, const char *call) {
    switch (code) {
    case CL_OUT_OF_HOST_MEMORY:
        return OCLSTM_OUT_OF_MEMORY;
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
    case CL_INVALID_BUFFER_SIZE:
        return OCLSTM_OUT_OF_DEVICE_MEMORY;
    case CL_BUILD_PROGRAM_FAILURE:
    case CL_INVALID_BUILD_OPTIONS:
        return OCLSTM_BUILD_FAILED;
    case CL_OUT_OF_RESOURCES:
        if (strcmp(call, "clCreateBuffer") == 0 || strcmp(call, "clEnqueueMigrateMemObjects") == 0)
            return OCLSTM_OUT_OF_DEVICE_MEMORY;
        break;
    default:
        break;
    }
    return OCLSTM_OPENCL;
}

oclstm_status device_fail(oclstm_error *error, const oclstm_device *device, cl_int code, const char *call, const char *format,
                          ...) {
    oclstm_status status = status_of(code, call);
    if (error == NULL)
        return status;
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    const char *name = device ? device->limits.name : "";
    base_fail(error, status, "%s%s%s: %s failed with %s (%d)", what, device ? " on " : "", name, call, device_opencl_name(code),
              (int)code);
    error->opencl_code = code;
    base_copy_string(error->opencl_name, sizeof error->opencl_name, device_opencl_name(code));
    base_copy_string(error->call, sizeof error->call, call);
    base_copy_string(error->device, sizeof error->device, name);
    if (status == OCLSTM_OUT_OF_DEVICE_MEMORY && device)
        base_append(error->message, sizeof error->message,
                    "; the device has %s of memory, of which %s are held by this device object: use a "
                    "smaller batch or another device",
                    size_to_text(device->limits.global_memory_bytes).text, size_to_text(atomic_load(&device->held_bytes)).text);
    return status;
}

oclstm_status device_fail_memory(oclstm_error *error, const oclstm_device *device, const char *format, ...) {
    char message[1024];
    va_list arguments;
    if (error == NULL)
        return OCLSTM_OUT_OF_DEVICE_MEMORY;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    base_fail(error, OCLSTM_OUT_OF_DEVICE_MEMORY, "%s", message);
    base_copy_string(error->device, sizeof error->device, device->limits.name);
    return OCLSTM_OUT_OF_DEVICE_MEMORY;
}
