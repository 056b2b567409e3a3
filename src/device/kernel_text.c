// SPDX-License-Identifier: Apache-2.0
#include "device/kernel_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/kernel_sources.h"

// Kernel files are a few KiB; more than this is no kernel file.
#define MAX_TEXT_BYTES ((size_t)1 << 20)

static oclstm_status find_built_in(kernel_text *out, const char *file, oclstm_error *error) {
    for (const kernel_source *source = kernel_sources; source->name; source++) {
        if (strcmp(source->name, file) == 0) {
            out->text = source->text;
            return OCLSTM_OK;
        }
    }
    return base_fail(error, OCLSTM_IO, "no kernel file \"%s\" is built into this library", file);
}

static oclstm_status read_file(kernel_text *out, FILE *stream, const char *path, oclstm_error *error) {
    char *text = base_alloc(MAX_TEXT_BYTES + 1, 1);
    if (text == NULL)
        return base_fail_memory(error, MAX_TEXT_BYTES + 1, "a kernel file");
    errno = 0;
    size_t length = fread(text, 1, MAX_TEXT_BYTES + 1, stream);
    if (ferror(stream)) {
        int reason = errno;
        free(text);
        return base_fail_errno(error, OCLSTM_IO, "fread", reason, "cannot read the kernel file \"%s\"", path);
    }
    if (length > MAX_TEXT_BYTES) {
        free(text);
        return base_fail(error, OCLSTM_IO, "the kernel file \"%s\" is larger than the %zu bytes expected at most", path,
                         MAX_TEXT_BYTES);
    }
    text[length] = '\0';
    out->text = out->owned = text;
    return OCLSTM_OK;
}

oclstm_status kernel_text_load(kernel_text *out, const char *directory, const char *file, oclstm_error *error) {
    *out = (kernel_text){0};
    if (directory[0] == '\0')
        return find_built_in(out, file, error);
    size_t length = strlen(directory) + strlen(file) + 2;
    char *path = base_alloc(length, 1);
    if (path == NULL)
        return base_fail_memory(error, length, "the path of a kernel file");
    snprintf(path, length, "%s/%s", directory, file);
    oclstm_status status;
    FILE *stream = fopen(path, "rb");
    if (stream) {
        status = read_file(out, stream, path, error);
        fclose(stream);
    } else {
        status = base_fail_errno(
            error, OCLSTM_IO, "fopen", errno,
            "cannot open the kernel file \"%s\" (the kernel directory, see OCLSTM_KERNEL_DIR, must hold every file)", path);
    }
    free(path);
    return status;
}
