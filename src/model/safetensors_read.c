// SPDX-License-Identifier: Apache-2.0
// The safetensors header: a length (u64, little-endian), a JSON object of that length, then the data. Every entry is checked;
// together they must cover the data exactly, without overlap or hole, as the format's own reader demands.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/shape.h"
#include "model/name_text.h"
#include "model/tensors_file.h"

#define LENGTH_BYTES            8
#define HEADER_LIMIT_BYTES      100000000 // the limit of the format's own reader
#define METADATA_KEY            "__metadata__"
#define TENSOR_FORMAT           "'%s': tensor '%s': "
#define TENSOR_ARGS(file, name) (file)->path, name_to_text(name).text

static bool dtype_from_word(oclstm_dtype *out, const char *word) {
#define DTYPE_CASE(name, size_bytes, text)                                                                                         \
    if (strcmp(word, #name) == 0) {                                                                                                \
        *out = OCLSTM_##name;                                                                                                      \
        return true;                                                                                                               \
    }
    OCLSTM_DTYPE_MAP(DTYPE_CASE)
#undef DTYPE_CASE
    return false;
}

static oclstm_status load_header(oclstm_tensors *file, size_t *data_start, oclstm_error *error) {
    uint64_t header_bytes = 0;
    for (int i = 0; i < LENGTH_BYTES; i++)
        header_bytes |= (uint64_t)file->bytes[i] << (8 * i);
    if (header_bytes > HEADER_LIMIT_BYTES)
        return base_fail(error, OCLSTM_FORMAT, "'%s': the safetensors header claims %" PRIu64 " bytes; at most %d are allowed",
                         file->path, header_bytes, HEADER_LIMIT_BYTES);
    if (header_bytes > file->size_bytes - LENGTH_BYTES)
        return base_fail(error, OCLSTM_FORMAT,
                         "'%s' is truncated: the safetensors header ends at byte %" PRIu64
                         ", the file has %zu bytes; fetch it again",
                         file->path, header_bytes + LENGTH_BYTES, file->size_bytes);
    *data_start = LENGTH_BYTES + (size_t)header_bytes;
    json_error_t fault;
    errno = 0;
    file->header = json_loadb((const char *)file->bytes + LENGTH_BYTES, (size_t)header_bytes, JSON_REJECT_DUPLICATES, &fault);
    // Jansson reports some failed allocations as faults of the text, or without a word; malloc() leaves the truth in errno.
    if (file->header == NULL && (errno == ENOMEM || json_error_code(&fault) == json_error_out_of_memory))
        return base_fail_memory(error, (size_t)header_bytes, "the safetensors header");
    if (file->header == NULL)
        return base_fail(error, OCLSTM_FORMAT, "'%s': the safetensors header is no valid JSON: %s (byte %d of the file)",
                         file->path, name_to_text(fault.text).text, fault.position + LENGTH_BYTES);
    if (!json_is_object(file->header))
        return base_fail(error, OCLSTM_FORMAT, "'%s': the safetensors header is no JSON object", file->path);
    return OCLSTM_OK;
}

static oclstm_status check_metadata(const oclstm_tensors *file, json_t *metadata, oclstm_error *error) {
    if (!json_is_object(metadata))
        return base_fail(error, OCLSTM_FORMAT, "'%s': " METADATA_KEY " is no JSON object of strings", file->path);
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value))
            return base_fail(error, OCLSTM_FORMAT, "'%s': " METADATA_KEY " entry '%s' is no string", file->path,
                             name_to_text(key).text);
    }
    return OCLSTM_OK;
}

static oclstm_status read_shape(const oclstm_tensors *file, oclstm_tensor *tensor, const json_t *shape, oclstm_error *error) {
    if (!json_is_array(shape))
        return base_fail(error, OCLSTM_FORMAT, TENSOR_FORMAT "shape is missing or no array", TENSOR_ARGS(file, tensor->name));
    size_t rank = json_array_size(shape);
    if (rank > OCLSTM_MAX_RANK)
        return base_fail(error, OCLSTM_FORMAT, TENSOR_FORMAT "%zu dimensions; at most %d are read", TENSOR_ARGS(file, tensor->name),
                         rank, OCLSTM_MAX_RANK);
    tensor->rank = (int)rank;
    for (size_t axis = 0; axis < rank; axis++) {
        const json_t *extent = json_array_get(shape, axis);
        if (!json_is_integer(extent) || json_integer_value(extent) < 0)
            return base_fail(error, OCLSTM_FORMAT, TENSOR_FORMAT "dimension %zu of its shape is no integer of 0 or more",
                             TENSOR_ARGS(file, tensor->name), axis);
        tensor->shape[axis] = json_integer_value(extent);
    }
    return OCLSTM_OK;
}

// Places the tensor: sets data and size_bytes.
static oclstm_status read_offsets(const oclstm_tensors *file, oclstm_tensor *tensor, const json_t *offsets, size_t data_start,
                                  oclstm_error *error) {
    const json_t *first = json_array_get(offsets, 0);
    const json_t *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last) || json_integer_value(first) < 0 ||
        json_integer_value(last) < json_integer_value(first))
        return base_fail(error, OCLSTM_FORMAT, TENSOR_FORMAT "data_offsets is missing or not [begin, end] with 0 <= begin <= end",
                         TENSOR_ARGS(file, tensor->name));
    uint64_t begin = (uint64_t)json_integer_value(first);
    uint64_t end = (uint64_t)json_integer_value(last);
    size_t element_bytes = oclstm_dtype_size_bytes(tensor->dtype);
    size_t expected;
    if (!checked_array_bytes(tensor->shape, tensor->rank, element_bytes, &expected))
        return base_fail(error, OCLSTM_FORMAT, TENSOR_FORMAT "shape %s of %s has more bytes than 64 bits can count",
                         TENSOR_ARGS(file, tensor->name), shape_to_text(tensor->shape, tensor->rank).text,
                         oclstm_dtype_name(tensor->dtype));
    if (end - begin != expected)
        return base_fail(error, OCLSTM_FORMAT,
                         TENSOR_FORMAT "shape %s of %s needs %zu bytes, data_offsets [%" PRIu64 ", %" PRIu64 "] give %" PRIu64,
                         TENSOR_ARGS(file, tensor->name), shape_to_text(tensor->shape, tensor->rank).text,
                         oclstm_dtype_name(tensor->dtype), expected, begin, end, end - begin);
    if (end > file->size_bytes - data_start)
        return base_fail(error, OCLSTM_FORMAT,
                         TENSOR_FORMAT "ends at byte %" PRIu64 ", the file has %zu bytes: it is truncated; fetch it again",
                         TENSOR_ARGS(file, tensor->name), end + data_start, file->size_bytes);
    if ((data_start + begin) % element_bytes != 0)
        return base_fail(error, OCLSTM_FORMAT,
                         TENSOR_FORMAT "misaligned: %s begins at byte %" PRIu64
                                       ", expected a multiple of %zu; save it again with a current "
                                       "safetensors",
                         TENSOR_ARGS(file, tensor->name), oclstm_dtype_name(tensor->dtype), data_start + begin, element_bytes);
    tensor->data = file->bytes + data_start + begin;
    tensor->size_bytes = expected;
    return OCLSTM_OK;
}

static oclstm_status read_entry(const oclstm_tensors *file, oclstm_tensor *tensor, const json_t *entry, size_t data_start,
                                oclstm_error *error) {
    if (!json_is_object(entry))
        return base_fail(error, OCLSTM_FORMAT, TENSOR_FORMAT "its header entry is no JSON object", TENSOR_ARGS(file, tensor->name));
    const char *word = json_string_value(json_object_get(entry, "dtype"));
    if (word == NULL)
        return base_fail(error, OCLSTM_FORMAT, TENSOR_FORMAT "dtype is missing or no string", TENSOR_ARGS(file, tensor->name));
    if (!dtype_from_word(&tensor->dtype, word))
        return base_fail(error, OCLSTM_FORMAT,
                         TENSOR_FORMAT "dtype '%s' is not read; expected F64, F32, F16, BF16, an integer type (I8 to U64) or BOOL",
                         TENSOR_ARGS(file, tensor->name), name_to_text(word).text);
    tensor->swapped = model_host_is_big_endian() && oclstm_dtype_size_bytes(tensor->dtype) > 1;
    oclstm_status status = read_shape(file, tensor, json_object_get(entry, "shape"), error);
    if (status != OCLSTM_OK)
        return status;
    return read_offsets(file, tensor, json_object_get(entry, "data_offsets"), data_start, error);
}

// By place; a tensor of no bytes comes before the one that begins where it stands.
static int compare_places(const void *a, const void *b) {
    const oclstm_tensor *left = a;
    const oclstm_tensor *right = b;
    if (left->data != right->data)
        return (uintptr_t)left->data < (uintptr_t)right->data ? -1 : 1;
    if (left->size_bytes != right->size_bytes)
        return left->size_bytes < right->size_bytes ? -1 : 1;
    return strcmp(left->name, right->name);
}

// The tensors are sorted by place.
static oclstm_status check_coverage(const oclstm_tensors *file, size_t data_start, oclstm_error *error) {
    size_t position = data_start;
    for (size_t i = 0; i < file->count; i++) {
        const oclstm_tensor *tensor = &file->tensors[i];
        size_t begin = (size_t)((const unsigned char *)tensor->data - file->bytes);
        if (begin < position)
            return base_fail(error, OCLSTM_FORMAT,
                             TENSOR_FORMAT "begins at byte %zu, inside '%s' which ends at byte %zu: they overlap",
                             TENSOR_ARGS(file, tensor->name), begin, name_to_text(file->tensors[i - 1].name).text, position);
        if (begin > position)
            return base_fail(error, OCLSTM_FORMAT,
                             TENSOR_FORMAT "begins at byte %zu, expected %zu: the bytes between belong to no tensor",
                             TENSOR_ARGS(file, tensor->name), begin, position);
        position = begin + (size_t)tensor->size_bytes;
    }
    if (position != file->size_bytes)
        return base_fail(error, OCLSTM_FORMAT, "'%s' is oversized: its tensors end at byte %zu, the file has %zu bytes", file->path,
                         position, file->size_bytes);
    return OCLSTM_OK;
}

oclstm_status model_safetensors_parse(oclstm_tensors *file, oclstm_error *error) {
    size_t data_start = 0;
    oclstm_status status = load_header(file, &data_start, error);
    if (status != OCLSTM_OK)
        return status;
    size_t capacity = json_object_size(file->header);
    file->tensors = base_alloc(capacity, sizeof *file->tensors);
    if (file->tensors == NULL)
        return base_fail_memory(error, capacity * sizeof *file->tensors, "the tensor list");
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry) {
        if (strcmp(name, METADATA_KEY) == 0) {
            status = check_metadata(file, entry, error);
        } else {
            oclstm_tensor *tensor = &file->tensors[file->count++];
            tensor->name = name;
            status = read_entry(file, tensor, entry, data_start, error);
        }
        if (status != OCLSTM_OK)
            return status;
    }
    qsort(file->tensors, file->count, sizeof *file->tensors, compare_places);
    return check_coverage(file, data_start, error);
}
