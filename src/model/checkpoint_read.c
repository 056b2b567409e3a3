// SPDX-License-Identifier: Apache-2.0
// MindSpore's .ckpt: one protocol-buffers message. A large parameter stands there as several values of the same name, one after the other.
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/checkpoint.pb-c.h"
#include "model/name_text.h"
#include "model/protobuf_memory.h"
#include "model/tensor_image.h"

#define MOST_MEMORY(size_bytes) (16 * (size_bytes) + ((size_t)1 << 16))

typedef struct type_name {
    const char *name;
    oclstm_dtype dtype;
} type_name;

static const type_name type_names[] = {
    {"Float32", OCLSTM_F32}, {"Float64", OCLSTM_F64}, {"Float16", OCLSTM_F16}, {"BFloat16", OCLSTM_BF16}, {"Int8", OCLSTM_I8},
    {"Int16", OCLSTM_I16},   {"Int32", OCLSTM_I32},   {"Int64", OCLSTM_I64},   {"UInt8", OCLSTM_U8},      {"UInt16", OCLSTM_U16},
    {"UInt32", OCLSTM_U32},  {"UInt64", OCLSTM_U64},  {"Bool", OCLSTM_BOOL},
};

static bool find_type(oclstm_dtype *out, const char *name) {
    for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++) {
        if (strcmp(type_names[i].name, name) == 0) {
            *out = type_names[i].dtype;
            return true;
        }
    }
    return false;
}

// The shape, without the data.
static oclstm_status describe(const oclstm_tensors *file, const Oclstm__CheckpointValue *value, image_entry *entry,
                              oclstm_error *error) {
    const Oclstm__CheckpointTensor *tensor = value->tensor;
    const char *name = value->tag != NULL ? value->tag : "";
    if (tensor == NULL || tensor->tensor_type == NULL || !tensor->has_tensor_content)
        return base_fail(error, OCLSTM_FORMAT, "'%s': the parameter '%s' has no tensor with a type and data; only such are read",
                         file->path, name_to_text(name).text);
    if (!find_type(&entry->dtype, tensor->tensor_type))
        return base_fail(error, OCLSTM_FORMAT, "'%s': the parameter '%s' is of the type '%s', which is not read", file->path,
                         name_to_text(name).text, name_to_text(tensor->tensor_type).text);
    if (tensor->n_dims > OCLSTM_MAX_RANK)
        return base_fail(error, OCLSTM_FORMAT, "'%s': the parameter '%s' has %zu dimensions; at most %d are read", file->path,
                         name_to_text(name).text, tensor->n_dims, OCLSTM_MAX_RANK);
    entry->name = name;
    entry->name_bytes = strlen(name);
    entry->swapped = model_host_is_big_endian();
    entry->rank = (int)tensor->n_dims;
    for (size_t axis = 0; axis < tensor->n_dims; axis++)
        entry->shape[axis] = tensor->dims[axis];
    // A parameter of one number has the shape [0] there.
    if (entry->rank == 1 && entry->shape[0] == 0 && tensor->tensor_content.len == oclstm_dtype_size_bytes(entry->dtype))
        entry->rank = 0;
    model_image_set_c_order(entry);
    return OCLSTM_OK;
}

static bool continues(const Oclstm__Checkpoint *checkpoint, size_t at) {
    const Oclstm__CheckpointValue *value = checkpoint->value[at],
                                  *next = at + 1 < checkpoint->n_value ? checkpoint->value[at + 1] : NULL;
    return next != NULL && value->tag != NULL && next->tag != NULL && next->tensor != NULL && strcmp(value->tag, next->tag) == 0;
}

// The data of the values from `first` to `last` in one piece; `joined` is allocated where there are several.
static oclstm_status join(const Oclstm__Checkpoint *checkpoint, size_t first, size_t last, image_entry *entry,
                          unsigned char **joined, oclstm_error *error) {
    const ProtobufCBinaryData *content = &checkpoint->value[first]->tensor->tensor_content;
    entry->source = content->data;
    entry->source_bytes = content->len;
    if (first == last)
        return OCLSTM_OK;
    size_t total = 0;
    for (size_t at = first; at <= last; at++)
        total += checkpoint->value[at]->tensor->tensor_content.len; // all of them lie in memory
    if ((*joined = base_alloc(total, 1)) == NULL)
        return base_fail_memory(error, total, "a parameter in several parts");
    entry->source = *joined;
    entry->source_bytes = 0;
    for (size_t at = first; at <= last; at++) {
        content = &checkpoint->value[at]->tensor->tensor_content;
        if (content->len > 0)
            memcpy(*joined + entry->source_bytes, content->data, content->len);
        entry->source_bytes += content->len;
    }
    return OCLSTM_OK;
}

static oclstm_status check_size(const oclstm_tensors *file, const image_entry *entry, oclstm_error *error) {
    size_t bytes;
    if (checked_array_bytes(entry->shape, entry->rank, oclstm_dtype_size_bytes(entry->dtype), &bytes) &&
        bytes != entry->source_bytes)
        return base_fail(error, OCLSTM_FORMAT, "'%s': the parameter '%s' has %zu bytes of data where its shape needs %zu",
                         file->path, name_to_text(entry->name).text, entry->source_bytes, bytes);
    return OCLSTM_OK;
}

static oclstm_status read_values(oclstm_tensors *file, const Oclstm__Checkpoint *checkpoint, oclstm_error *error) {
    const size_t count = checkpoint->n_value;
    size_t found = 0;
    oclstm_status status = OCLSTM_OK;
    image_entry *entries = base_alloc(count, sizeof *entries);
    unsigned char **joined = base_alloc(count, sizeof *joined);
    if (entries == NULL || joined == NULL)
        status = base_fail_memory(error, count * (sizeof *entries + sizeof *joined), "the tensor list");
    for (size_t first = 0, last; first < count && status == OCLSTM_OK; first = last + 1, found++) {
        for (last = first; continues(checkpoint, last);)
            last++;
        status = describe(file, checkpoint->value[first], &entries[found], error);
        if (status == OCLSTM_OK)
            status = join(checkpoint, first, last, &entries[found], &joined[found], error);
        if (status == OCLSTM_OK)
            status = check_size(file, &entries[found], error);
    }
    if (status == OCLSTM_OK)
        status = model_image_build(file, entries, found, MOST_MEMORY(file->size_bytes), error);
    for (size_t i = 0; joined != NULL && i < count; i++)
        free(joined[i]);
    free(joined);
    free(entries);
    return status;
}

oclstm_status model_checkpoint_parse(oclstm_tensors *file, oclstm_error *error) {
    protobuf_memory memory;
    protobuf_memory_init(&memory, file->size_bytes < SIZE_MAX / 32 ? MOST_MEMORY(file->size_bytes) : SIZE_MAX);
    Oclstm__Checkpoint *checkpoint = oclstm__checkpoint__unpack(&memory.allocator, file->size_bytes, file->bytes);
    if (checkpoint == NULL && memory.exhausted)
        return base_fail_memory(error, file->size_bytes, "a checkpoint");
    if (checkpoint == NULL)
        return base_fail(error, OCLSTM_FORMAT, "'%s' looks like a MindSpore checkpoint, but %s", file->path,
                         memory.refused ? "its messages would unfold to many times its size: it is refused"
                                        : "it is truncated or damaged; fetch it again");
    oclstm_status status = checkpoint->n_value > 0
                               ? read_values(file, checkpoint, error)
                               : base_fail(error, OCLSTM_FORMAT, "'%s': the checkpoint holds no parameter", file->path);
    oclstm__checkpoint__free_unpacked(checkpoint, &memory.allocator);
    return status;
}
