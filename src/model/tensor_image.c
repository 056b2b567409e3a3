// SPDX-License-Identifier: Apache-2.0
#include "model/tensor_image.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/shape.h"
#include "model/name_text.h"

// Every tensor begins at a multiple of this, as the frameworks align theirs.
#define ALIGNMENT ((size_t)64)

typedef struct entry_text {
    char text[128];
} entry_text;

static entry_text text_of(const image_entry *entry) {
    entry_text out = {""};
    size_t length = entry->name_bytes < sizeof out.text - 1 ? entry->name_bytes : sizeof out.text - 1;
    memcpy(out.text, entry->name, length);
    const name_text clean = name_to_text(out.text);
    memcpy(out.text, clean.text, sizeof out.text);
    return out;
}

void model_image_set_c_order(image_entry *entry) {
    int64_t stride = 1;
    for (int axis = entry->rank - 1; axis >= 0; axis--) {
        entry->strides[axis] = stride;
        if (entry->shape[axis] > 0 && __builtin_mul_overflow(stride, entry->shape[axis], &stride))
            stride = 0; // no such array: its size is refused before the stride is used
    }
}

static oclstm_status check_entry(const oclstm_tensors *file, const image_entry *entry, size_t *bytes, oclstm_error *error) {
    const size_t element_bytes = oclstm_dtype_size_bytes(entry->dtype);
    const shape_text shape = shape_to_text(entry->shape, entry->rank);
    if (entry->name_bytes == 0 || memchr(entry->name, '\0', entry->name_bytes) != NULL)
        return base_fail(error, OCLSTM_FORMAT, "'%s': a tensor's name is empty or holds a zero byte", file->path);
    if (!checked_array_bytes(entry->shape, entry->rank, element_bytes, bytes))
        return base_fail(error, OCLSTM_FORMAT, "'%s': tensor '%s': shape %s is negative or has more bytes than 64 bits can count",
                         file->path, text_of(entry).text, shape.text);
    if (*bytes == 0)
        return OCLSTM_OK;
    size_t last = 0; // the last element that is reached
    for (int axis = 0; axis < entry->rank; axis++) {
        size_t reach;
        if (entry->strides[axis] < 0 || !checked_mul((size_t)entry->strides[axis], (size_t)entry->shape[axis] - 1, &reach) ||
            !checked_add(last, reach, &last))
            return base_fail(error, OCLSTM_FORMAT, "'%s': tensor '%s': a stride of %" PRId64 " for shape %s is not valid",
                             file->path, text_of(entry).text, entry->strides[axis], shape.text);
    }
    size_t end;
    if (!checked_add(last, 1, &end) || !checked_mul(end, element_bytes, &end) || end > entry->source_bytes)
        return base_fail(error, OCLSTM_FORMAT,
                         "'%s': tensor '%s': shape %s of %s reaches beyond its %zu bytes of data; the file is truncated or damaged",
                         file->path, text_of(entry).text, shape.text, oclstm_dtype_name(entry->dtype), entry->source_bytes);
    return OCLSTM_OK;
}

static oclstm_status measure(const oclstm_tensors *file, const image_entry *entries, size_t count, size_t most_bytes, size_t *total,
                             oclstm_error *error) {
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = 0;
        oclstm_status status = check_entry(file, &entries[i], &bytes, error);
        if (status != OCLSTM_OK)
            return status;
        if (!checked_add(sum, bytes, &sum) || !checked_add(sum, entries[i].name_bytes + 1 + ALIGNMENT, &sum) || sum > most_bytes)
            return base_fail(
                error, OCLSTM_FORMAT,
                "'%s' (%zu bytes) would unfold to more than %zu bytes at tensor '%s'; no model does that: it is refused",
                file->path, file->size_bytes, most_bytes, text_of(&entries[i]).text);
    }
    *total = sum;
    return OCLSTM_OK;
}

static void copy_element(unsigned char *to, const unsigned char *from, size_t element_bytes, bool swapped) {
    for (size_t i = 0; i < element_bytes; i++)
        to[i] = from[swapped ? element_bytes - 1 - i : i];
}

static bool lies_in_c_order(const image_entry *entry) {
    image_entry straight = *entry;
    model_image_set_c_order(&straight);
    for (int axis = 0; axis < entry->rank; axis++) {
        if (entry->shape[axis] != 1 && straight.strides[axis] != entry->strides[axis])
            return false;
    }
    return true;
}

// Into C order, element by element where the source is not.
static void gather(unsigned char *to, const image_entry *entry, size_t bytes) {
    const size_t element_bytes = oclstm_dtype_size_bytes(entry->dtype);
    if (bytes == 0)
        return;
    if (lies_in_c_order(entry) && !entry->swapped) {
        memcpy(to, entry->source, bytes);
        return;
    }
    int64_t index[OCLSTM_MAX_RANK] = {0};
    size_t at = 0;
    for (size_t done = 0; done < bytes; done += element_bytes) {
        copy_element(to + done, entry->source + at * element_bytes, element_bytes, entry->swapped);
        for (int axis = entry->rank - 1; axis >= 0; axis--) {
            at += (size_t)entry->strides[axis];
            if (++index[axis] < entry->shape[axis])
                break;
            at -= (size_t)entry->strides[axis] * (size_t)entry->shape[axis];
            index[axis] = 0;
        }
    }
}

static int compare_names(const void *a, const void *b) {
    const oclstm_tensor *const left = a, *const right = b;
    return strcmp(left->name, right->name);
}

static oclstm_status check_names(const oclstm_tensors *file, const oclstm_tensor *tensors, size_t count, oclstm_error *error) {
    oclstm_tensor *sorted = base_alloc(count, sizeof *sorted);
    if (sorted == NULL)
        return base_fail_memory(error, count * sizeof *sorted, "the tensor list");
    if (count > 0)
        memcpy(sorted, tensors, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_names);
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 1; i < count && status == OCLSTM_OK; i++) {
        if (strcmp(sorted[i - 1].name, sorted[i].name) == 0)
            status = base_fail(error, OCLSTM_FORMAT, "'%s': the tensor '%s' occurs twice", file->path,
                               name_to_text(sorted[i].name).text);
    }
    free(sorted);
    return status;
}

// Returns where the next one begins.
static size_t place(oclstm_tensor *tensor, unsigned char *block, size_t at, const image_entry *entry) {
    size_t bytes = 0;
    at = (at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!checked_array_bytes(entry->shape, entry->rank, oclstm_dtype_size_bytes(entry->dtype), &bytes))
        bytes = 0; // measured before: does not happen
    gather(block + at, entry, bytes);
    char *name = (char *)block + at + bytes;
    memcpy(name, entry->name, entry->name_bytes);
    *tensor = (oclstm_tensor){.name = name, .dtype = entry->dtype, .rank = entry->rank, .size_bytes = bytes, .data = block + at};
    memcpy(tensor->shape, entry->shape, sizeof tensor->shape);
    return at + bytes + entry->name_bytes + 1;
}

oclstm_status model_image_build(oclstm_tensors *file, const image_entry *entries, size_t count, size_t most_bytes,
                                oclstm_error *error) {
    size_t total = 0, at = 0;
    oclstm_status status = measure(file, entries, count, most_bytes, &total, error);
    if (status != OCLSTM_OK)
        return status;
    unsigned char *memory = base_alloc(total + 2 * ALIGNMENT, 1);
    oclstm_tensor *tensors = base_alloc(count, sizeof *tensors);
    if (memory == NULL || tensors == NULL) {
        status = base_fail_memory(error, total + count * sizeof *tensors, "the tensors");
        goto fail;
    }
    unsigned char *block = memory + (ALIGNMENT - (uintptr_t)memory % ALIGNMENT) % ALIGNMENT;
    for (size_t i = 0; i < count; i++)
        at = place(&tensors[i], block, at, &entries[i]);
    status = check_names(file, tensors, count, error);
    if (status != OCLSTM_OK)
        goto fail;
    munmap(file->bytes, file->size_bytes);
    close(file->fd);
    file->fd = -1;
    file->memory = memory;
    file->bytes = block;
    file->size_bytes = total + ALIGNMENT;
    file->tensors = tensors;
    file->count = count;
    return OCLSTM_OK;
fail:
    free(memory);
    free(tensors);
    return status;
}
