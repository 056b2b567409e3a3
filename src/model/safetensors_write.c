// SPDX-License-Identifier: Apache-2.0
// A .safetensors file: the wide types first, so that every tensor is aligned, within a type by name, as the format's own writer orders them.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/output_file.h"
#include "model/tensors_file.h"
#include "model/tensors_write.h"

#define METADATA_KEY "__metadata__"

enum { LENGTH_BYTES = 8 };

static const char *dtype_word(oclstm_dtype dtype) {
    switch (dtype) {
#define DTYPE_CASE(name, size_bytes, text)                                                                                         \
    case OCLSTM_##name:                                                                                                            \
        return #name;
        OCLSTM_DTYPE_MAP(DTYPE_CASE)
#undef DTYPE_CASE
    }
    return "";
}

static int compare_places(const void *a, const void *b) {
    const oclstm_named_array *left = *(const oclstm_named_array *const *)a, *right = *(const oclstm_named_array *const *)b;
    const size_t left_bytes = oclstm_dtype_size_bytes(left->array.dtype), right_bytes = oclstm_dtype_size_bytes(right->array.dtype);
    if (left_bytes != right_bytes)
        return left_bytes > right_bytes ? -1 : 1;
    return strcmp(left->name, right->name);
}

static json_t *describe(const oclstm_const_array *array, size_t begin) {
    json_t *shape = json_array();
    for (int axis = 0; axis < array->rank; axis++) {
        if (json_array_append_new(shape, json_integer(array->shape[axis])) != 0) {
            json_decref(shape);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype_word(array->dtype), "shape", shape, "data_offsets", (json_int_t)begin,
                     (json_int_t)(begin + model_array_bytes(array)));
}

// The header's text, spaces behind it up to a multiple of 8; NULL without memory or with a text that is not UTF-8.
static char *make_header(const tensors_text *text, const oclstm_named_array *const *order, size_t *length) {
    bool made = true;
    json_t *header = json_object(), *metadata = json_object();
    size_t at = 0;
    for (size_t i = 0; i < text->metadata_count; i++)
        made = made && json_object_set_new(metadata, text->metadata[i].key, json_string(text->metadata[i].value)) == 0;
    if (text->metadata_count > 0)
        made = made && json_object_set(header, METADATA_KEY, metadata) == 0;
    for (size_t i = 0; i < text->count; i++) {
        made = made && json_object_set_new(header, order[i]->name, describe(&order[i]->array, at)) == 0;
        at += model_array_bytes(&order[i]->array);
    }
    // Measured and written into memory of our own: json_dumps() loses a key without a word when its buffer cannot grow.
    const size_t used = made ? json_dumpb(header, NULL, 0, JSON_COMPACT) : 0;
    *length = (used + 7) / 8 * 8;
    char *text_out = used > 0 ? base_alloc(*length + 1, 1) : NULL;
    if (text_out != NULL) {
        memset(text_out, ' ', *length);
        if (json_dumpb(header, text_out, used, JSON_COMPACT) != used) {
            free(text_out);
            text_out = NULL;
        }
    }
    json_decref(metadata);
    json_decref(header);
    return text_out;
}

// One tensor, little-endian as the format has it.
static oclstm_status write_array(const output_file *file, const oclstm_const_array *array, uint64_t at, oclstm_error *error) {
    const size_t bytes = model_array_bytes(array), element_bytes = oclstm_dtype_size_bytes(array->dtype);
    if (!model_host_is_big_endian() || element_bytes == 1)
        return model_output_file_write(file, at, array->data, bytes, error);
    unsigned char *swapped = base_alloc(bytes, 1);
    if (swapped == NULL)
        return base_fail_memory(error, bytes, "a tensor in little-endian order");
    for (size_t i = 0; i < bytes; i++)
        swapped[i] =
            ((const unsigned char *)array->data)[i / element_bytes * element_bytes + element_bytes - 1 - i % element_bytes];
    oclstm_status status = model_output_file_write(file, at, swapped, bytes, error);
    free(swapped);
    return status;
}

static oclstm_status write_all(const tensors_text *text, const oclstm_named_array *const *order, const char *header, size_t length,
                               oclstm_error *error) {
    unsigned char prefix[LENGTH_BYTES];
    output_file file;
    uint64_t at = LENGTH_BYTES + length, total = at;
    for (int i = 0; i < LENGTH_BYTES; i++)
        prefix[i] = (unsigned char)((uint64_t)length >> (8 * i));
    for (size_t i = 0; i < text->count; i++)
        total += model_array_bytes(&order[i]->array);
    oclstm_status status = model_output_file_create(&file, text->path, total, error);
    if (status != OCLSTM_OK)
        return status;
    status = model_output_file_write(&file, 0, prefix, sizeof prefix, error);
    if (status == OCLSTM_OK)
        status = model_output_file_write(&file, LENGTH_BYTES, header, length, error);
    for (size_t i = 0; i < text->count && status == OCLSTM_OK; i++) {
        status = write_array(&file, &order[i]->array, at, error);
        at += model_array_bytes(&order[i]->array);
    }
    if (status == OCLSTM_OK)
        return model_output_file_commit(&file, error);
    model_output_file_discard(&file);
    return status;
}

oclstm_status model_safetensors_write(const tensors_text *text, oclstm_error *error) {
    size_t length = 0;
    for (size_t i = 0; i < text->count; i++) {
        if (strcmp(text->arrays[i].name, METADATA_KEY) == 0)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                             "'%s': no tensor may have the name " METADATA_KEY ", which a safetensors file keeps for its metadata",
                             text->path);
    }
    const oclstm_named_array **order = base_alloc(text->count, sizeof(const oclstm_named_array *));
    if (order == NULL)
        return base_fail_memory(error, text->count * sizeof(const oclstm_named_array *), "the tensors' order");
    for (size_t i = 0; i < text->count; i++)
        order[i] = &text->arrays[i];
    qsort(order, text->count, sizeof(const oclstm_named_array *), compare_places);
    errno = 0;
    char *header = make_header(text, order, &length);
    oclstm_status status;
    // Jansson does not say which of the two it was; malloc() leaves it in errno.
    if (header == NULL && errno == ENOMEM)
        status = base_fail_memory(error, text->count, "the safetensors header");
    else if (header == NULL)
        status = base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': a name or a metadata text is not valid UTF-8", text->path);
    else
        status = write_all(text, order, header, length, error);
    free(header);
    free(order);
    return status;
}
