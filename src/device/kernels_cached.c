// SPDX-License-Identifier: Apache-2.0
// The disk cache and the programs of a device, as the public header shows them.
#include <oclstm/kernels.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_fork.h"
#include "device/device_private.h"
#include "device/kernel_cache.h"
#include "device/kernel_file.h"

enum { PATH_BYTES = 1100 };

oclstm_status oclstm_kernels_folder(char *path, size_t capacity, oclstm_error *error) {
    if (path == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_kernels_folder needs a place for the path");
    return kernel_cache_folder(path, capacity)
               ? OCLSTM_OK
               : base_fail(
                     error, OCLSTM_IO,
                     "there is no folder to keep kernels in: OCLSTM_CACHE_DIR is empty, or there is no home folder, or its path "
                     "is longer than %zu bytes",
                     capacity);
}

// --- listing ----------------------------------------------------------------------------------------------------------

static void copy_part(char *dst, size_t capacity, const kernel_entry *entry, int part) {
    char text[1024] = "";
    const kernel_span *span = &entry->key[part];
    memcpy(text, span->bytes, span->length < sizeof text ? span->length : sizeof text - 1);
    base_copy_string(dst, capacity, text);
}

static void describe(oclstm_kernel_entry *out, const char *folder, const kernel_cache_file *file) {
    char path[PATH_BYTES] = "";
    const char *why = NULL;
    kernel_entry entry;
    size_t length = 0;
    bool missing = false;
    base_copy_string(out->name, sizeof out->name, file->name);
    out->size_bytes = file->size_bytes;
    out->used_at = (int64_t)file->used.tv_sec;
    base_append(path, sizeof path, "%s/%s", folder, file->name);
    unsigned char *bytes = kernel_file_read(path, TRUST_LOOK, &length, &missing, &why);
    out->usable = bytes != NULL && kernel_entry_parse(&entry, bytes, length, &why);
    if (out->usable) {
        copy_part(out->library, sizeof out->library, &entry, KEY_LIBRARY);
        copy_part(out->platform, sizeof out->platform, &entry, KEY_PLATFORM);
        copy_part(out->device, sizeof out->device, &entry, KEY_DEVICE);
        copy_part(out->driver, sizeof out->driver, &entry, KEY_DRIVER);
        copy_part(out->files, sizeof out->files, &entry, KEY_FILES);
        copy_part(out->options, sizeof out->options, &entry, KEY_OPTIONS);
    } else {
        base_copy_string(out->reason, sizeof out->reason, why);
    }
    free(bytes);
}

oclstm_status oclstm_kernels_list(oclstm_kernel_entry **list, size_t *count, oclstm_error *error) {
    if (list != NULL)
        *list = NULL;
    if (count != NULL)
        *count = 0;
    if (list == NULL || count == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_kernels_list needs a place for the list and one for its count");
    char folder[PATH_BYTES];
    size_t found = 0;
    bool no_memory = false;
    if (!kernel_cache_folder(folder, sizeof folder))
        return OCLSTM_OK;
    kernel_cache_file *files = kernel_cache_files(folder, &found, &no_memory);
    oclstm_kernel_entry *entries = found > 0 ? base_alloc(found, sizeof *entries) : NULL;
    if (no_memory || (found > 0 && entries == NULL)) {
        free(files);
        return base_fail_memory(error, found * sizeof *entries, "the list of kept kernels");
    }
    for (size_t i = 0; i < found; i++) {
        if (files[i].is_entry)
            describe(&entries[(*count)++], folder, &files[i]);
    }
    free(files);
    if (*count == 0) {
        free(entries);
        entries = NULL;
    }
    *list = entries;
    return OCLSTM_OK;
}

void oclstm_kernels_list_free(oclstm_kernel_entry **list) {
    if (list == NULL)
        return;
    free(*list);
    *list = NULL;
}

// --- clearing ---------------------------------------------------------------------------------------------------------

oclstm_status oclstm_kernels_clear(size_t *removed, uint64_t *size_bytes, oclstm_error *error) {
    char folder[PATH_BYTES], path[PATH_BYTES];
    size_t count = 0, gone = 0;
    uint64_t bytes = 0;
    bool no_memory = false;
    oclstm_status status = OCLSTM_OK;
    kernel_cache_file *files = kernel_cache_folder(folder, sizeof folder) ? kernel_cache_files(folder, &count, &no_memory) : NULL;
    if (no_memory)
        status = base_fail_memory(error, sizeof *files, "the list of kept kernels");
    for (size_t i = 0; i < count && status == OCLSTM_OK; i++) {
        path[0] = '\0';
        base_append(path, sizeof path, "%s/%s", folder, files[i].name);
        if (unlink(path) == 0) {
            gone++;
            bytes += files[i].size_bytes;
        } else if (errno != ENOENT) {
            status = base_fail_errno(error, OCLSTM_IO, "unlink", errno, "cannot remove \"%s\"", path);
        }
    }
    free(files);
    if (removed != NULL)
        *removed = gone;
    if (size_bytes != NULL)
        *size_bytes = bytes;
    return status;
}

// --- of a device ------------------------------------------------------------------------------------------------------

oclstm_status oclstm_kernels_count(oclstm_kernel_counts *out, oclstm_device *device, char *note, size_t capacity,
                                   oclstm_error *error) {
    if (out != NULL)
        *out = (oclstm_kernel_counts){0};
    if (out == NULL || device == NULL || (note == NULL && capacity > 0))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_kernels_count: %s is NULL",
                         out == NULL      ? "out"
                         : device == NULL ? "device"
                                          : "note");
    const oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    pthread_mutex_lock(&device->lock);
    const program_tally *tally = &device->tally;
    *out = (oclstm_kernel_counts){tally->from_source, tally->from_cache, tally->from_folder, tally->kept};
    if (capacity > 0)
        base_copy_string(note, capacity, tally->note);
    pthread_mutex_unlock(&device->lock);
    return OCLSTM_OK;
}
