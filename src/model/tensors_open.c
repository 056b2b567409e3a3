// SPDX-License-Identifier: Apache-2.0
// Opening, closing and looking into a file of named arrays, of either format.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/tensors_file.h"

#define READ_FORMATS ".safetensors, PyTorch's .pt and .pth, MindSpore's .ckpt, .onnx, .npy and .npz are read"
#define COPY_BYTES   ((size_t)1 << 30) // at a time

static oclstm_status check_file_type(const char *path, const struct stat *info, oclstm_error *error) {
    if (S_ISDIR(info->st_mode))
        return base_fail(error, OCLSTM_IO, "'%s' is a directory, expected a file (" READ_FORMATS ")", path);
    if (!S_ISREG(info->st_mode))
        return base_fail(error, OCLSTM_IO,
                         "'%s' is a pipe, a socket or a device; expected a regular file, which can be mapped: copy it to one first",
                         path);
    if (info->st_size == 0)
        return base_fail(error, OCLSTM_FORMAT, "'%s' is empty (" READ_FORMATS ")", path);
    if ((uint64_t)info->st_size > SIZE_MAX)
        return base_fail(error, OCLSTM_IO, "'%s' has %" PRIu64 " bytes, more than this machine can map", path,
                         (uint64_t)info->st_size);
    return OCLSTM_OK;
}

static oclstm_status map_file(oclstm_tensors *file, oclstm_error *error) {
    // O_NONBLOCK: a pipe without a writer must be refused, not waited for. It means nothing for a regular file.
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->fd < 0)
        return base_fail_errno(error, OCLSTM_IO, "open", errno, "cannot open '%s'", file->path);
    struct stat info;
    if (fstat(file->fd, &info) != 0)
        return base_fail_errno(error, OCLSTM_IO, "fstat", errno, "cannot examine '%s'", file->path);
    oclstm_status status = check_file_type(file->path, &info, error);
    if (status != OCLSTM_OK)
        return status;
    void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file->fd, 0);
    if (bytes == MAP_FAILED)
        return base_fail_errno(error, errno == ENOMEM ? OCLSTM_OUT_OF_MEMORY : OCLSTM_IO, "mmap", errno,
                               "cannot map '%s' (%" PRIu64 " bytes)", file->path, (uint64_t)info.st_size);
    file->bytes = bytes;
    file->size_bytes = (size_t)info.st_size;
    return OCLSTM_OK;
}

oclstm_status model_file_copy(const oclstm_tensors *file, size_t offset, void *dst, size_t size_bytes, oclstm_error *error) {
    unsigned char *to = dst;
    if (file->fd < 0) {
        memcpy(to, file->bytes + offset, size_bytes);
        return OCLSTM_OK;
    }
    while (size_bytes > 0) {
        ssize_t found = pread(file->fd, to, size_bytes < COPY_BYTES ? size_bytes : COPY_BYTES, (off_t)offset);
        if (found < 0 && errno == EINTR)
            continue;
        if (found < 0)
            return base_fail_errno(error, OCLSTM_IO, "pread", errno, "cannot read '%s' at byte %zu", file->path, offset);
        if (found == 0)
            return base_fail(error, OCLSTM_IO, "'%s' had %zu bytes when it was opened and now ends at byte %zu", file->path,
                             file->size_bytes, offset);
        to += found;
        offset += (size_t)found;
        size_bytes -= (size_t)found;
    }
    return OCLSTM_OK;
}

static bool begins_with(const oclstm_tensors *file, const char *bytes, size_t count) {
    return file->size_bytes >= count && memcmp(file->bytes, bytes, count) == 0;
}

// Protocol buffers have no signature: MindSpore's .ckpt begins with field 1 as a message, which begins with field 1, a name that can be printed.
static bool looks_like_checkpoint(const oclstm_tensors *file) {
    size_t at = 1;
    if (file->size_bytes < 8 || file->bytes[0] != 0x0a)
        return false;
    while (at < 7 && (file->bytes[at] & 0x80) != 0)
        at++;
    return at + 4 < file->size_bytes && file->bytes[at + 1] == 0x0a && file->bytes[at + 2] > 0 && file->bytes[at + 3] > 0x20 &&
           file->bytes[at + 3] < 0x7f;
}

// ONNX begins with field 1 as a number (ir_version, below 128), a string field or the graph after it.
static bool looks_like_onnx(const oclstm_tensors *file) {
    const unsigned char *bytes = file->bytes;
    return file->size_bytes > 4 && bytes[0] == 0x08 && bytes[1] < 0x80 &&
           (bytes[2] == 0x12 || bytes[2] == 0x1a || bytes[2] == 0x3a);
}

static oclstm_status parse(oclstm_tensors *file, oclstm_error *error) {
    const bool is_pickle = begins_with(file, "\x80", 1) && file->size_bytes > 1 && file->bytes[1] >= 2 && file->bytes[1] <= 5;
    if (begins_with(file, "\x93NUMPY", 6)) {
        file->format = "npy";
        return model_npy_parse(file, error);
    }
    const bool plausible = file->size_bytes > 8 && file->bytes[8] == '{';
    if (begins_with(file, "PK\x03\x04", 4) || begins_with(file, "PK\x05\x06", 4))
        return model_zip_parse(file, error);
    if (is_pickle && !plausible) {
        file->format = "torch";
        return model_torch_legacy_parse(file, error);
    }
    if (!plausible && looks_like_checkpoint(file)) {
        file->format = "mindspore";
        return model_checkpoint_parse(file, error);
    }
    if (!plausible && looks_like_onnx(file)) {
        file->format = "onnx";
        return model_onnx_parse(file, error);
    }
    file->format = "safetensors";
    const char *foreign = plausible ? NULL : model_foreign_format(file->bytes, file->size_bytes);
    if (foreign != NULL)
        return base_fail(error, OCLSTM_FORMAT, "'%s' looks like %s (" READ_FORMATS ")", file->path, foreign);
    if (!plausible)
        return base_fail(
            error, OCLSTM_FORMAT,
            "'%s' (%zu bytes) is no safetensors file, which has a JSON object at byte 8, and begins like none of the others "
            "(" READ_FORMATS ")",
            file->path, file->size_bytes);
    return model_safetensors_parse(file, error);
}

static int compare_names(const void *a, const void *b) {
    const oclstm_tensor *const *left = a;
    const oclstm_tensor *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static oclstm_status index_names(oclstm_tensors *file, oclstm_error *error) {
    file->by_name = base_alloc(file->count, sizeof(oclstm_tensor *));
    if (file->by_name == NULL)
        return base_fail_memory(error, file->count * sizeof(oclstm_tensor *), "the tensor index");
    for (size_t i = 0; i < file->count; i++)
        file->by_name[i] = &file->tensors[i];
    qsort(file->by_name, file->count, sizeof(oclstm_tensor *), compare_names);
    return OCLSTM_OK;
}

oclstm_status oclstm_tensors_open(oclstm_tensors **out, const char *path, oclstm_error *error) {
    if (out == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tensors_open: out is NULL");
    *out = NULL;
    if (path == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tensors_open: path is NULL");
    oclstm_status status = OCLSTM_OK;
    size_t path_bytes = strlen(path) + 1;
    oclstm_tensors *file = base_alloc(1, sizeof *file);
    if (file != NULL) {
        file->fd = -1;
        file->path = base_alloc(path_bytes, 1);
    }
    if (file == NULL || file->path == NULL) {
        status = base_fail_memory(error, sizeof *file + path_bytes, "an open file");
        goto fail;
    }
    memcpy(file->path, path, path_bytes);
    status = map_file(file, error);
    if (status == OCLSTM_OK)
        status = parse(file, error);
    if (status == OCLSTM_OK)
        status = index_names(file, error);
    if (status != OCLSTM_OK)
        goto fail;
    *out = file;
    return OCLSTM_OK;
fail:
    oclstm_tensors_close(&file);
    return status;
}

void oclstm_tensors_close(oclstm_tensors **file) {
    if (file == NULL || *file == NULL)
        return;
    oclstm_tensors *old = *file;
    *file = NULL;
    json_decref(old->header);
    free(old->by_name);
    free(old->tensors);
    if (old->memory != NULL)
        free(old->memory);
    else if (old->bytes != NULL)
        munmap(old->bytes, old->size_bytes);
    if (old->fd >= 0)
        close(old->fd);
    free(old->path);
    free(old);
}

size_t oclstm_tensors_count(const oclstm_tensors *file) { return file == NULL ? 0 : file->count; }

const oclstm_tensor *oclstm_tensors_at(const oclstm_tensors *file, size_t position) {
    return file == NULL || position >= file->count ? NULL : &file->tensors[position];
}

static int compare_key(const void *key, const void *element) {
    const oclstm_tensor *const *tensor = element;
    return strcmp(key, (*tensor)->name);
}

const oclstm_tensor *oclstm_tensors_find(const oclstm_tensors *file, const char *name) {
    if (file == NULL || name == NULL || file->count == 0)
        return NULL;
    const oclstm_tensor **found = bsearch(name, file->by_name, file->count, sizeof(oclstm_tensor *), compare_key);
    return found == NULL ? NULL : *found;
}

const char *oclstm_tensors_metadata(const oclstm_tensors *file, const char *key) {
    if (file == NULL || key == NULL)
        return NULL;
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

const char *oclstm_tensors_metadata_next(const oclstm_tensors *file, const char *key) {
    if (file == NULL)
        return NULL;
    json_t *metadata = json_object_get(file->header, "__metadata__");
    void *entry = key == NULL ? json_object_iter(metadata) : json_object_iter_next(metadata, json_object_iter_at(metadata, key));
    return json_object_iter_key(entry);
}

const char *oclstm_tensors_format(const oclstm_tensors *file) { return file == NULL ? NULL : file->format; }

const char *oclstm_tensors_path(const oclstm_tensors *file) { return file == NULL ? NULL : file->path; }
