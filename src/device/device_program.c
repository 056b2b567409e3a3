// SPDX-License-Identifier: Apache-2.0
// Programs: built once per (file, options, kernel directory), kept until the device goes.
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_fork.h"
#include "device/device_private.h"
#include "device/kernel_text.h"

// Facts that host and kernels share; in front of every kernel file, so that kernels need no include path.
#define SHARED_HEADER "lstm_shared.h"

const char *device_dtype_options(const oclstm_device *device, oclstm_dtype dtype) {
    static const char *const options[2][2] = {
        {"-cl-std=CL1.1 -D REAL=float -D REAL_IS_DOUBLE=0", "-cl-std=CL1.1 -D REAL=double -D REAL_IS_DOUBLE=1"},
        {"-cl-std=CL1.2 -D REAL=float -D REAL_IS_DOUBLE=0", "-cl-std=CL1.2 -D REAL=double -D REAL_IS_DOUBLE=1"},
    };
    return options[device->opencl_1_2][dtype == OCLSTM_F64];
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

// --- building ---------------------------------------------------------------------------------------------------------

static void fetch_log(oclstm_error *error, const oclstm_device *device, cl_program program) {
    size_t length = 0;
    cl_int code = clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &length);
    char *log = code == CL_SUCCESS && length < SIZE_MAX ? base_alloc(length + 1, 1) : NULL;
    if (log && clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, length, log, NULL) == CL_SUCCESS)
        base_copy_string(error->build_log, sizeof error->build_log, log);
    free(log);
}

// Whatever code the driver gives, short of memory: the kernel did not build, and the log is wanted.
static oclstm_status fail_build(oclstm_error *error, const oclstm_device *device, const program_entry *entry, cl_int code) {
    oclstm_status status =
        device_fail(error, device, code, "clBuildProgram", "building \"%s\" with options \"%.300s\"", entry->file, entry->options);
    if (status != OCLSTM_OPENCL && status != OCLSTM_BUILD_FAILED)
        return status;
    if (error) {
        error->status = OCLSTM_BUILD_FAILED;
        fetch_log(error, device, entry->program);
        base_append(error->message, sizeof error->message, "; %s",
                    error->build_log[0] ? "the compiler's log says why" : "the driver gives no compiler log");
    }
    return OCLSTM_BUILD_FAILED;
}

// The texts of a program: the shared header, then the files of its list, each with a #line in front so that compile errors name it.
enum { MAX_FILES = 5 };

typedef struct program_texts {
    kernel_text loaded[MAX_FILES + 1];
    char lines[MAX_FILES + 1][96];
    const char *strings[2 * (MAX_FILES + 1)];
    cl_uint count;
} program_texts;

static oclstm_status add_text(program_texts *texts, const program_entry *entry, const char *file, size_t length,
                              oclstm_error *error) {
    char name[64] = "";
    cl_uint place = texts->count / 2;
    if (length >= sizeof name || place > MAX_FILES)
        return base_fail(error, OCLSTM_IO, "the list of kernel files \"%s\" is too long", entry->file);
    memcpy(name, file, length);
    oclstm_status status = kernel_text_load(&texts->loaded[place], entry->kernel_dir, name, error);
    if (status != OCLSTM_OK)
        return status;
    base_append(texts->lines[place], sizeof texts->lines[place], "\n#line 1 \"%s\"\n", name);
    texts->strings[texts->count++] = texts->lines[place];
    texts->strings[texts->count++] = texts->loaded[place].text;
    return OCLSTM_OK;
}

static oclstm_status load_texts(program_texts *texts, const program_entry *entry, oclstm_error *error) {
    oclstm_status status = add_text(texts, entry, SHARED_HEADER, strlen(SHARED_HEADER), error);
    for (const char *file = entry->file; *file != '\0' && status == OCLSTM_OK;) {
        size_t length = strcspn(file, " ");
        status = add_text(texts, entry, file, length, error);
        file += length + strspn(file + length, " ");
    }
    return status;
}

static oclstm_status build(program_entry *entry, const oclstm_device *device, oclstm_error *error) {
    program_texts texts = {0};
    cl_int code;
    oclstm_status status = load_texts(&texts, entry, error);
    if (status != OCLSTM_OK)
        goto done;
    entry->program = clCreateProgramWithSource(device->context, texts.count, texts.strings, NULL, &code);
    if (code != CL_SUCCESS) {
        entry->program = NULL;
        status = device_fail(error, device, code, "clCreateProgramWithSource", "making a program of \"%s\"", entry->file);
        goto done;
    }
    code = clBuildProgram(entry->program, 1, &device->id, entry->options, NULL, NULL);
    if (code != CL_SUCCESS)
        status = fail_build(error, device, entry, code);
done:
    for (size_t i = 0; i < sizeof texts.loaded / sizeof texts.loaded[0]; i++)
        free(texts.loaded[i].owned);
    return status;
}

// --- the cache --------------------------------------------------------------------------------------------------------

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
        status = build(entry, device, error);
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
