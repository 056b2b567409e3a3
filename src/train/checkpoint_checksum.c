// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint_checksum.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <zlib.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/tensors_file.h"

enum { SWAPPED_BYTES = 4096 };

// A tensor or an entry of the metadata.
typedef struct checked_item {
    const char *name, *value; // value NULL: a tensor
    oclstm_dtype dtype;
    int rank;
    const int64_t *shape;
    const unsigned char *data;
    size_t size_bytes;
    bool swapped; // the data are not little-endian
} checked_item;

// Tensors before entries, each by name.
static int compare_items(const void *a, const void *b) {
    const checked_item *left = a, *right = b;
    if ((left->value == NULL) != (right->value == NULL))
        return left->value == NULL ? -1 : 1;
    return strcmp(left->name, right->name);
}

// A text with its zero byte, so that no two texts run into each other.
static uLong add_text(uLong sum, const char *text) { return crc32_z(sum, (const Bytef *)text, strlen(text) + 1); }

static uLong add_data(uLong sum, const checked_item *item) {
    const size_t element_bytes = oclstm_dtype_size_bytes(item->dtype);
    if (!item->swapped || element_bytes == 1)
        return crc32_z(sum, item->data, item->size_bytes);
    unsigned char block[SWAPPED_BYTES]; // whole elements: their sizes are powers of two
    for (size_t at = 0, count; at < item->size_bytes; at += count) {
        count = item->size_bytes - at < sizeof block ? item->size_bytes - at : sizeof block;
        for (size_t i = 0; i < count; i++)
            block[i] = item->data[at + i / element_bytes * element_bytes + element_bytes - 1 - i % element_bytes];
        sum = crc32_z(sum, block, count);
    }
    return sum;
}

static checkpoint_checksum sum_up(checked_item *items, size_t count) {
    checkpoint_checksum out;
    uLong sum = crc32_z(0, Z_NULL, 0);
    qsort(items, count, sizeof *items, compare_items);
    for (size_t i = 0; i < count; i++) {
        const checked_item *item = &items[i];
        sum = add_text(sum, item->name);
        if (item->value != NULL) {
            sum = add_text(sum, item->value);
            continue;
        }
        sum = add_text(sum, oclstm_dtype_name(item->dtype));
        for (int axis = 0; axis < item->rank; axis++) {
            char extent[32];
            snprintf(extent, sizeof extent, "%" PRId64, item->shape[axis]);
            sum = add_text(sum, extent);
        }
        sum = add_data(sum, item);
    }
    snprintf(out.text, sizeof out.text, "crc32:%08lx", (unsigned long)(sum & 0xffffffffu));
    return out;
}

static checked_item *make_items(size_t tensors, size_t entries, oclstm_error *error) {
    size_t count = 0;
    checked_item *items = checked_add(tensors, entries, &count) ? base_alloc(count, sizeof *items) : NULL;
    if (items == NULL)
        base_fail_memory(error, count * sizeof *items, "a checksum");
    return items;
}

oclstm_status checkpoint_checksum_arrays(checkpoint_checksum *out, const oclstm_named_array *arrays, size_t count,
                                         const oclstm_metadata *metadata, size_t metadata_count, oclstm_error *error) {
    checked_item *items = make_items(count, metadata_count, error);
    if (items == NULL)
        return OCLSTM_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const oclstm_const_array *array = &arrays[i].array;
        items[i] = (checked_item){.name = arrays[i].name,
                                  .dtype = array->dtype,
                                  .rank = array->rank,
                                  .shape = array->shape,
                                  .data = array->data,
                                  .swapped = model_host_is_big_endian()};
        // Written arrays lie in memory: their sizes can be counted.
        (void)checked_array_bytes(array->shape, array->rank, oclstm_dtype_size_bytes(array->dtype), &items[i].size_bytes);
    }
    for (size_t i = 0; i < metadata_count; i++)
        items[count + i] = (checked_item){.name = metadata[i].key, .value = metadata[i].value};
    *out = sum_up(items, count + metadata_count);
    free(items);
    return OCLSTM_OK;
}

oclstm_status checkpoint_checksum_file(checkpoint_checksum *out, const oclstm_tensors *file, oclstm_error *error) {
    const size_t tensors = oclstm_tensors_count(file);
    size_t entries = 0, count = 0;
    for (const char *key = NULL; (key = oclstm_tensors_metadata_next(file, key)) != NULL;)
        entries++;
    checked_item *items = make_items(tensors, entries, error);
    if (items == NULL)
        return OCLSTM_OUT_OF_MEMORY;
    for (; count < tensors; count++) {
        const oclstm_tensor *tensor = oclstm_tensors_at(file, count);
        items[count] = (checked_item){.name = tensor->name,
                                      .dtype = tensor->dtype,
                                      .rank = tensor->rank,
                                      .shape = tensor->shape,
                                      .data = tensor->data,
                                      .size_bytes = (size_t)tensor->size_bytes,
                                      .swapped = model_host_is_big_endian() != tensor->swapped};
    }
    for (const char *key = NULL; (key = oclstm_tensors_metadata_next(file, key)) != NULL;) {
        if (strcmp(key, CHECKSUM_KEY) != 0)
            items[count++] = (checked_item){.name = key, .value = oclstm_tensors_metadata(file, key)};
    }
    *out = sum_up(items, count);
    free(items);
    return OCLSTM_OK;
}
