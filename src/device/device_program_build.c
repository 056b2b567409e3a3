// SPDX-License-Identifier: Apache-2.0
// Making a program: from the folder of kernels compiled offline, from the disk cache, or from source, in this order.
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_facts.h"
#include "device/kernel_cache.h"
#include "device/kernel_file.h"
#include "device/program_binary.h"
#include "device/program_text.h"

// --- from source ------------------------------------------------------------------------------------------------------

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

static oclstm_status build_source(program_entry *entry, const oclstm_device *device, const char *text, oclstm_error *error) {
    cl_int code;
    entry->program = clCreateProgramWithSource(device->context, 1, &text, NULL, &code);
    if (code != CL_SUCCESS) {
        entry->program = NULL;
        return device_fail(error, device, code, "clCreateProgramWithSource", "making a program of \"%s\"", entry->file);
    }
    code = clBuildProgram(entry->program, 1, &device->id, entry->options, NULL, NULL);
    return code == CL_SUCCESS ? OCLSTM_OK : fail_build(error, device, entry, code);
}

// --- from the folder of the user --------------------------------------------------------------------------------------

// One file of the folder; NULL when it is not there or not to be used. A reason is added to the note.
static cl_program load_compiled(oclstm_device *device, const program_entry *entry, const char *name, const char *extension,
                                char *note, size_t capacity) {
    char path[1200] = "", why[160] = "";
    const char *reason = NULL;
    size_t length = 0;
    bool missing = false;
    base_append(path, sizeof path, "%s/%s%s", device->binary_dir, name, extension);
    unsigned char *bytes = kernel_file_read(path, TRUST_GIVEN, &length, &missing, &reason);
    if (missing)
        return NULL;
    cl_program program = NULL;
    if (bytes != NULL) {
        const kernel_span binary = {bytes, length};
        program = strcmp(extension, ".bin") == 0 ? program_from_binary(device, &binary, entry->options, NULL, why, sizeof why)
                                                 : program_from_spirv(device, &binary, entry->options, why, sizeof why);
        reason = why;
    }
    free(bytes);
    if (program == NULL)
        base_append(note, capacity, "%s\"%s\" is not used: %s", note[0] != '\0' ? "; " : "", path, reason);
    return program;
}

static oclstm_status fail_without_compiler(const oclstm_device *device, const program_entry *entry, const char *name,
                                           const char *note, oclstm_error *error) {
    oclstm_status status = base_fail(
        error, OCLSTM_BUILD_FAILED,
        "%s has no compiler, and \"%.200s\" holds no kernels for the program \"%s\" (%s, options \"%.300s\")%s%.300s; run "
        "'oclstm kernels --export DIR', compile %s.cl with the options of %s.options, and put the result there as %s.bin, or as "
        "%s.spv",
        device->limits.name, device->binary_dir, name, entry->file, entry->options, note[0] != '\0' ? ": " : "", note, name, name,
        name, name);
    if (error != NULL)
        base_copy_string(error->device, sizeof error->device, device->limits.name);
    return status;
}

// OK with entry->program NULL where source is to be tried.
static oclstm_status take_from_folder(program_entry *entry, oclstm_device *device, const char *text, oclstm_error *error) {
    char name[DEVICE_PROGRAM_NAME], note[sizeof device->tally.note] = "";
    if (device->binary_dir[0] == '\0' && device->limits.has_compiler)
        return OCLSTM_OK;
    program_text_name(name, entry->file, entry->options, text);
    if (device->binary_dir[0] != '\0') {
        entry->program = load_compiled(device, entry, name, ".bin", note, sizeof note);
        if (entry->program == NULL)
            entry->program = load_compiled(device, entry, name, ".spv", note, sizeof note);
    }
    if (entry->program != NULL)
        device->tally.from_folder++;
    else if (!device->limits.has_compiler)
        return fail_without_compiler(device, entry, name, note, error);
    else if (note[0] == '\0')
        base_append(note, sizeof note, "\"%.300s\" holds no %s.bin or .spv", device->binary_dir, name);
    if (note[0] != '\0')
        base_copy_string(device->tally.note, sizeof device->tally.note, note);
    return OCLSTM_OK;
}

// --- the disk cache ---------------------------------------------------------------------------------------------------

// OCLSTM_KERNEL_CACHE: 1 always, 0 never; otherwise where the driver keeps no cache of its own.
static bool uses_cache(const oclstm_device *device) {
    const char *asked = getenv("OCLSTM_KERNEL_CACHE");
    if (asked != NULL && (strcmp(asked, "0") == 0 || strcmp(asked, "1") == 0))
        return asked[0] == '1';
    return !device_keeps_own_kernels(&device->limits);
}

// False when a part of the key is not to be had.
static bool make_key(kernel_key *key, char *platform_version, size_t capacity, const oclstm_device *device,
                     const program_entry *entry, const char *text) {
    cl_platform_id platform = NULL;
    if (clGetDeviceInfo(device->id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL) != CL_SUCCESS ||
        device_platform_string(platform, CL_PLATFORM_VERSION, platform_version, capacity) != CL_SUCCESS)
        return false;
    *key = (kernel_key){.parts = {[KEY_LIBRARY] = OCLSTM_VERSION,
                                  [KEY_PLATFORM] = device->limits.platform_name,
                                  [KEY_PLATFORM_VERSION] = platform_version,
                                  [KEY_DEVICE] = device->limits.name,
                                  [KEY_DEVICE_VERSION] = device->limits.device_version,
                                  [KEY_DRIVER] = device->limits.driver_version,
                                  [KEY_FILES] = entry->file,
                                  [KEY_OPTIONS] = entry->options,
                                  [KEY_SOURCE] = text}};
    return true;
}

static void take_from_cache(program_entry *entry, oclstm_device *device, const kernel_key *key) {
    char why[sizeof device->tally.note], refused[160];
    kernel_entry found;
    unsigned char *bytes = kernel_cache_find(&found, key, why, sizeof why);
    if (bytes != NULL) {
        entry->program = program_from_binary(device, &found.binary, entry->options, &found.names, refused, sizeof refused);
        if (entry->program != NULL)
            device->tally.from_cache++;
        else
            base_append(why, sizeof why, "a kept kernel is built again: %s", refused);
    }
    if (why[0] != '\0')
        base_copy_string(device->tally.note, sizeof device->tally.note, why);
    free(bytes);
}

// Names first: some drivers compile only when a kernel is made, and the binary is wanted with that.
static void keep_in_cache(const program_entry *entry, oclstm_device *device, const kernel_key *key) {
    char names[2048], why[sizeof device->tally.note] = "the driver gives no binary of it";
    size_t length = 0;
    unsigned char *binary = NULL;
    if (program_kernel_names(entry->program, names, sizeof names))
        binary = program_get_binary(device, entry->program, &length);
    if (binary != NULL && kernel_cache_store(key, names, binary, length, why, sizeof why)) {
        device->tally.kept++;
    } else {
        device->tally.note[0] = '\0';
        base_append(device->tally.note, sizeof device->tally.note, "a kernel is not kept: %s", why);
    }
    free(binary);
}

// --- all of it --------------------------------------------------------------------------------------------------------

oclstm_status device_program_build(program_entry *entry, oclstm_device *device, oclstm_error *error) {
    char *text = NULL, platform_version[128] = "";
    kernel_key key;
    bool caches = false;
    oclstm_status status = program_text_load(&text, entry->kernel_dir, entry->file, error);
    if (status == OCLSTM_OK)
        status = take_from_folder(entry, device, text, error);
    if (status != OCLSTM_OK || entry->program != NULL)
        goto done;
    caches = uses_cache(device) && make_key(&key, platform_version, sizeof platform_version, device, entry, text);
    if (caches)
        take_from_cache(entry, device, &key);
    if (entry->program != NULL)
        goto done;
    status = build_source(entry, device, text, error);
    if (status != OCLSTM_OK)
        goto done;
    device->tally.from_source++;
    if (caches)
        keep_in_cache(entry, device, &key);
done:
    free(text);
    return status;
}
