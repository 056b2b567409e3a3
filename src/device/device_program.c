// SPDX-License-Identifier: Apache-2.0
// Programs: built once per (file, options, kernel directory), kept until the device goes.
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_fork.h"
#include "device/device_private.h"

const char *device_dtype_options(const oclstm_device *device, oclstm_dtype dtype) {
#define FLOAT_IN(standard) "-cl-std=" standard " -D REAL=float -D REAL_IS_DOUBLE=0"
#define OPTIONS_IN(standard)                                                                                                       \
    {                                                                                                                              \
        FLOAT_IN(standard), "-cl-std=" standard " -D REAL=double -D REAL_IS_DOUBLE=1",                                             \
            FLOAT_IN(standard) " -D STORED=1 -D HALF_PRODUCTS=0", FLOAT_IN(standard) " -D STORED=1 -D HALF_PRODUCTS=1",            \
            FLOAT_IN(standard) " -D STORED=2 -D HALF_PRODUCTS=0"                                                                   \
    }
    static const char *const options[2][5] = {OPTIONS_IN("CL1.1"), OPTIONS_IN("CL1.2")};
    const int kind = dtype == OCLSTM_F64    ? 1
                     : dtype == OCLSTM_F16  ? 2 + device_has_half_products(&device->limits)
                     : dtype == OCLSTM_BF16 ? 4
                                            : 0;
    return options[device->opencl_1_2][kind];
}

static void entry_free(program_entry *entry) {
    if (entry == NULL)
        return;
    if (entry->program && !device_lost_by_fork())
        clReleaseProgram(entry->program);
    free(entry->file);
    free(entry->options);
    free(entry->kernel_dir);
    free(entry);
}

void device_programs_release(oclstm_device *device) {
    while (device->programs) {
        program_entry *entry = device->programs;
        device->programs = entry->next;
        entry_free(entry);
    }
}

// --- kept in memory --------------------------------------------------------------------------------------------------------

static cl_program find_program(const oclstm_device *device, const char *file, const char *options) {
    for (const program_entry *entry = device->programs; entry; entry = entry->next) {
        if (strcmp(entry->file, file) == 0 && strcmp(entry->options, options) == 0 &&
            strcmp(entry->kernel_dir, device->kernel_dir) == 0)
            return entry->program;
    }
    return NULL;
}

static oclstm_status add_program(cl_program *out, oclstm_device *device, const char *file, const char *options,
                                 oclstm_error *error) {
    program_entry *entry = base_alloc(1, sizeof *entry);
    oclstm_status status = OCLSTM_OK;
    if (entry) {
        entry->file = strdup(file);
        entry->options = strdup(options);
        entry->kernel_dir = strdup(device->kernel_dir);
    }
    if (entry == NULL || entry->file == NULL || entry->options == NULL || entry->kernel_dir == NULL)
        status = base_fail_memory(error, sizeof *entry, "a program of the cache");
    else
        status = device_program_build(entry, device, error);
    if (status != OCLSTM_OK) {
        entry_free(entry);
        return status;
    }
    entry->next = device->programs;
    device->programs = entry;
    *out = entry->program;
    return OCLSTM_OK;
}

// The lock is held over the build: two threads that need the same program build it once.
oclstm_status device_program_get(cl_program *out, oclstm_device *device, const char *file, const char *options,
                                 oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    pthread_mutex_lock(&device->lock);
    *out = find_program(device, file, options);
    if (*out == NULL)
        status = add_program(out, device, file, options, error);
    pthread_mutex_unlock(&device->lock);
    return status;
}

oclstm_status oclstm_device_set_kernel_dir(oclstm_device *device, const char *directory, oclstm_error *error) {
    if (device == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_device_set_kernel_dir needs a device");
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    char *copy = strdup(directory ? directory : "");
    if (copy == NULL)
        return base_fail_memory(error, strlen(directory ? directory : "") + 1, "the kernel directory");
    pthread_mutex_lock(&device->lock);
    free(device->kernel_dir);
    device->kernel_dir = copy;
    pthread_mutex_unlock(&device->lock);
    return OCLSTM_OK;
}
