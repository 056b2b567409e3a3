// SPDX-License-Identifier: Apache-2.0
// Programs as files for an offline compiler.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "device/cache_folder.h"
#include "device/device_private.h"
#include "device/kernel_file.h"
#include "device/program_binary.h"
#include "device/program_text.h"

static oclstm_status write_file(const char *directory, const char *name, const char *extension, const void *bytes, size_t length,
                                oclstm_error *error) {
    char path[1100] = "";
    const char *call = NULL;
    int reason = 0;
    base_append(path, sizeof path, "%s/%s%s", directory, name, extension);
    if (strlen(path) != strlen(directory) + 1 + strlen(name) + strlen(extension))
        return base_fail(error, OCLSTM_IO, "the path of the folder \"%.200s...\" is longer than %zu bytes", directory,
                         sizeof path - 128);
    cache_folder_make(path);
    return kernel_file_write(path, bytes, length, 0644, &call, &reason)
               ? OCLSTM_OK
               : base_fail_errno(error, OCLSTM_IO, call, reason, "cannot write \"%s\"", path);
}

oclstm_status device_export_text(const char *directory, const char *name, const char *text, oclstm_error *error) {
    return write_file(directory, name, "", text, strlen(text), error);
}

static oclstm_status write_binary(oclstm_device *device, const char *file, const char *options, const char *directory,
                                  const char *name, oclstm_error *error) {
    cl_program program = NULL;
    char kernels[2048];
    size_t length = 0;
    oclstm_status status = device_program_get(&program, device, file, options, error);
    if (status != OCLSTM_OK)
        return status;
    unsigned char *binary =
        program_kernel_names(program, kernels, sizeof kernels) ? program_get_binary(device, program, &length) : NULL;
    if (binary == NULL)
        return base_fail(error, OCLSTM_UNSUPPORTED, "the driver of %s gives no binary of the program \"%s\"", device->limits.name,
                         name);
    status = write_file(directory, name, ".bin", binary, length, error);
    free(binary);
    return status;
}

oclstm_status device_program_export(char *name, oclstm_device *device, const char *file, const char *options, const char *directory,
                                    bool binary, oclstm_error *error) {
    char *text = NULL;
    oclstm_status status = program_text_load(&text, device->kernel_dir, file, error);
    if (status != OCLSTM_OK)
        return status;
    program_text_name(name, file, options, text);
    status = write_file(directory, name, ".cl", text, strlen(text), error);
    if (status == OCLSTM_OK)
        status = write_file(directory, name, ".options", options, strlen(options), error);
    if (status == OCLSTM_OK && binary)
        status = write_binary(device, file, options, directory, name, error);
    free(text);
    return status;
}
