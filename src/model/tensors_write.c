// SPDX-License-Identifier: Apache-2.0
#include "model/tensors_write.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/shape.h"
#include "model/name_text.h"

size_t model_array_bytes(const oclstm_const_array *array) {
    size_t bytes = 0;
    return checked_array_bytes(array->shape, array->rank, oclstm_dtype_size_bytes(array->dtype), &bytes) ? bytes : 0;
}

static oclstm_status check_array(const char *path, const oclstm_named_array *named, size_t at, size_t *total, oclstm_error *error) {
    const oclstm_const_array *array = &named->array;
    size_t bytes;
    if (named->name == NULL || named->name[0] == '\0')
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': tensor %zu has no name", path, at);
    if (array->data == NULL || array->rank < 0 || array->rank > OCLSTM_MAX_RANK || oclstm_dtype_size_bytes(array->dtype) == 0)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': tensor '%s' is absent, or of no dtype or rank that there is", path,
                         name_to_text(named->name).text);
    if (!checked_array_bytes(array->shape, array->rank, oclstm_dtype_size_bytes(array->dtype), &bytes) ||
        !checked_add(*total, bytes, total) || *total > INT64_MAX)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': tensor '%s': shape %s is negative or larger than a file can be",
                         path, name_to_text(named->name).text, shape_to_text(array->shape, array->rank).text);
    return OCLSTM_OK;
}

static int compare_texts(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

// Each text once.
static oclstm_status check_once(const char *path, const char **texts, size_t count, const char *what, oclstm_error *error) {
    qsort(texts, count, sizeof *texts, compare_texts);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(texts[i - 1], texts[i]) == 0)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': the %s '%s' is given twice", path, what,
                             name_to_text(texts[i]).text);
    }
    return OCLSTM_OK;
}

static oclstm_status check_names(const tensors_text *text, oclstm_error *error) {
    const size_t most = text->count > text->metadata_count ? text->count : text->metadata_count;
    const char **texts = base_alloc(most, sizeof *texts);
    if (texts == NULL)
        return base_fail_memory(error, most * sizeof *texts, "the names");
    for (size_t i = 0; i < text->count; i++)
        texts[i] = text->arrays[i].name;
    oclstm_status status = check_once(text->path, texts, text->count, "tensor", error);
    for (size_t i = 0; i < text->metadata_count; i++)
        texts[i] = text->metadata[i].key;
    if (status == OCLSTM_OK)
        status = check_once(text->path, texts, text->metadata_count, "metadata key", error);
    free(texts);
    return status;
}

oclstm_status oclstm_tensors_write(const char *path, oclstm_file_format format, const oclstm_named_array *arrays, size_t count,
                                   const oclstm_metadata *metadata, size_t metadata_count, oclstm_error *error) {
    if (path == NULL || (arrays == NULL && count > 0) || (metadata == NULL && metadata_count > 0))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tensors_write: %s is NULL",
                         path == NULL ? "path" : "arrays or metadata");
    const tensors_text text = {path, arrays, count, metadata, metadata_count};
    oclstm_status status = OCLSTM_OK;
    size_t total = 0;
    for (size_t i = 0; i < count && status == OCLSTM_OK; i++)
        status = check_array(path, &arrays[i], i, &total, error);
    for (size_t i = 0; i < metadata_count && status == OCLSTM_OK; i++) {
        if (metadata[i].key == NULL || metadata[i].value == NULL)
            status = base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': metadata entry %zu has no key or no value", path, i);
    }
    if (status == OCLSTM_OK)
        status = check_names(&text, error);
    if (status != OCLSTM_OK)
        return status;
    switch (format) {
    case OCLSTM_SAFETENSORS:
        return model_safetensors_write(&text, error);
    case OCLSTM_NPZ:
        return model_npz_write(&text, error);
    }
    return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': there is no file format with the number %d", path, (int)format);
}
