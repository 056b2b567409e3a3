// SPDX-License-Identifier: Apache-2.0
// NumPy's .npz: a zip archive of .npy files, numpy.savez() and numpy.savez_compressed().
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/name_text.h"
#include "model/npy_header.h"
#include "model/tensor_image.h"
#include "model/zip_file.h"

#define SUFFIX       ".npy"
#define SUFFIX_BYTES 4

// Strides of Fortran order: the first index runs fastest.
static void set_fortran_order(image_entry *entry) {
    int64_t stride = 1;
    for (int axis = 0; axis < entry->rank; axis++) {
        entry->strides[axis] = stride;
        if (entry->shape[axis] > 0 && __builtin_mul_overflow(stride, entry->shape[axis], &stride))
            stride = 0; // no such array: its size is refused before the stride is used
    }
}

static oclstm_status read_entry(const oclstm_tensors *file, zip_archive *zip, size_t at, image_entry *entry, oclstm_error *error) {
    const char *name = zip_archive_name(zip, at);
    const size_t length = strlen(name);
    char place[512] = "";
    const unsigned char *bytes;
    size_t size_bytes;
    oclstm_tensor tensor;
    if (length <= SUFFIX_BYTES || strcmp(name + length - SUFFIX_BYTES, SUFFIX) != 0)
        return base_fail(
            error, OCLSTM_FORMAT,
            "'%s' is a zip archive, but neither of PyTorch (no entry ends in /data.pkl) nor of NumPy (the entry '%s' is no "
            ".npy file)",
            file->path, name_to_text(name).text);
    base_append(place, sizeof place, "%.300s:%s", file->path, name_to_text(name).text);
    oclstm_status status = zip_archive_bytes(zip, at, &bytes, &size_bytes, error);
    if (status == OCLSTM_OK)
        status = model_npy_describe(&tensor, bytes, size_bytes, place, error);
    if (status != OCLSTM_OK)
        return status;
    *entry = (image_entry){.name = name,
                           .name_bytes = length - SUFFIX_BYTES,
                           .dtype = tensor.dtype,
                           .rank = tensor.rank,
                           .swapped = tensor.swapped,
                           .source = tensor.data,
                           .source_bytes = (size_t)tensor.size_bytes};
    memcpy(entry->shape, tensor.shape, sizeof entry->shape);
    if (tensor.fortran_order)
        set_fortran_order(entry);
    else
        model_image_set_c_order(entry);
    return OCLSTM_OK;
}

oclstm_status model_npz_parse(oclstm_tensors *file, zip_archive *zip, oclstm_error *error) {
    const size_t count = zip_archive_count(zip);
    oclstm_status status = OCLSTM_OK;
    image_entry *entries = base_alloc(count, sizeof *entries);
    if (entries == NULL)
        return base_fail_memory(error, count * sizeof *entries, "the tensor list");
    size_t total = 0; // bounded when the archive was opened
    for (size_t at = 0; at < count && status == OCLSTM_OK; at++) {
        status = read_entry(file, zip, at, &entries[at], error);
        total += status == OCLSTM_OK ? entries[at].source_bytes + entries[at].name_bytes + 256 : 0;
    }
    if (status == OCLSTM_OK && count == 0)
        status = base_fail(error, OCLSTM_FORMAT, "'%s' is a zip archive without entries", file->path);
    if (status == OCLSTM_OK)
        status = model_image_build(file, entries, count, total, error);
    free(entries);
    return status;
}
