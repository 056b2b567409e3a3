// SPDX-License-Identifier: Apache-2.0
// ONNX models: their LSTM nodes, under the names and in the gate order (i, f, g, o) of PyTorch. ONNX has the gates as i, o, f, c.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/name_text.h"
#include "model/onnx_lstm.h"
#include "model/protobuf_memory.h"
#include "model/tensor_image.h"

#define MOST_MEMORY(size_bytes) (32 * (size_bytes) + ((size_t)1 << 16))

// TensorProto.DataType of the types that weights come in.
enum { ONNX_FLOAT = 1, ONNX_FLOAT16 = 10, ONNX_DOUBLE = 11, ONNX_BFLOAT16 = 16 };

// Each looks for its weights among all tensors; no model has thousands.
enum { MOST_NODES = 1024 };

typedef struct onnx_reader {
    oclstm_tensors *file;
    image_entry *entries;
    unsigned char **blocks; // reordered gates and the name, owned; one for each entry
    size_t count, capacity;
    oclstm_error *error;
} onnx_reader;

static oclstm_status fail_tensor(const onnx_reader *r, const Oclstm__OnnxTensor *tensor, const char *fault) {
    return base_fail(r->error, OCLSTM_FORMAT, "'%s': the initializer '%s' %s", r->file->path,
                     name_to_text(tensor->name != NULL ? tensor->name : "").text, fault);
}

// Where a tensor's elements are, and how many bytes.
static oclstm_status locate(const onnx_reader *r, const Oclstm__OnnxTensor *tensor, oclstm_dtype *dtype,
                            const unsigned char **bytes, size_t *size_bytes) {
    const int32_t type = tensor->data_type;
    *dtype = type == ONNX_DOUBLE     ? OCLSTM_F64
             : type == ONNX_FLOAT16  ? OCLSTM_F16
             : type == ONNX_BFLOAT16 ? OCLSTM_BF16
                                     : OCLSTM_F32;
    if (*dtype == OCLSTM_F32 && type != ONNX_FLOAT)
        return fail_tensor(r, tensor, "is of a type that is no floating-point type of 16, 32 or 64 bits");
    if (tensor->data_location != 0)
        return fail_tensor(r, tensor, "lies in another file (external data), which is not read: save the model in one file");
    if (tensor->has_raw_data) {
        *bytes = tensor->raw_data.data;
        *size_bytes = tensor->raw_data.len;
    } else if (*dtype == OCLSTM_F32) {
        *bytes = (const unsigned char *)tensor->float_data;
        *size_bytes = tensor->n_float_data * sizeof(float);
    } else if (*dtype == OCLSTM_F64) {
        *bytes = (const unsigned char *)tensor->double_data;
        *size_bytes = tensor->n_double_data * sizeof(double);
    } else {
        return fail_tensor(r, tensor, "is of 16 bits and not stored as raw data, which is not read");
    }
    size_t expected;
    if (tensor->n_dims > OCLSTM_MAX_RANK ||
        !checked_array_bytes(tensor->dims, (int)tensor->n_dims, oclstm_dtype_size_bytes(*dtype), &expected) ||
        expected != *size_bytes)
        return fail_tensor(r, tensor, "has another number of bytes than its shape needs");
    return OCLSTM_OK;
}

// Rows of one gate (or one number each) are moved from ONNX's order to (i, f, g, o), peepholes from (i, o, f) to (i, f, o).
static void reorder(unsigned char *to, const unsigned char *from, size_t gates, size_t gate_bytes) {
    static const size_t four[] = {0, 2, 3, 1}, three[] = {0, 2, 1};
    for (size_t gate = 0; gate < gates; gate++)
        memcpy(to + gate * gate_bytes, from + (gates == 4 ? four : three)[gate] * gate_bytes, gate_bytes);
}

// For one more entry.
static bool make_room(onnx_reader *r) {
    if (r->count < r->capacity)
        return true;
    const size_t wanted = r->capacity > 0 ? 2 * r->capacity : 16;
    image_entry *entries = realloc(r->entries, wanted * sizeof *entries);
    if (entries == NULL)
        return false;
    r->entries = entries;
    unsigned char **blocks = realloc(r->blocks, wanted * sizeof *blocks);
    if (blocks == NULL)
        return false;
    r->blocks = blocks;
    r->capacity = wanted;
    return true;
}

// A part of a tensor as an entry of its own. gates: 4, 3, or 0 for a part that is taken as it is.
static oclstm_status add_part(onnx_reader *r, const onnx_lstm *node, const Oclstm__OnnxTensor *tensor, const char *part,
                              size_t first_byte, size_t gates, const image_entry *shape) {
    image_entry entry = *shape;
    const unsigned char *bytes = NULL;
    const size_t name_bytes = strlen(node->name) + 1 + strlen(part);
    size_t size_bytes = 0, needed;
    oclstm_status status = locate(r, tensor, &entry.dtype, &bytes, &size_bytes);
    if (status != OCLSTM_OK)
        return status;
    if (!checked_array_bytes(entry.shape, entry.rank, oclstm_dtype_size_bytes(entry.dtype), &needed) || first_byte > size_bytes ||
        needed > size_bytes - first_byte)
        return fail_tensor(r, tensor, "is too small for its node");
    unsigned char *block = make_room(r) ? base_alloc(needed + name_bytes + 1, 1) : NULL;
    if (block == NULL)
        return base_fail_memory(r->error, needed + name_bytes, "the weights of an LSTM node");
    if (gates > 0)
        reorder(block, bytes + first_byte, gates, needed / gates);
    else if (needed > 0)
        memcpy(block, bytes + first_byte, needed);
    snprintf((char *)block + needed, name_bytes + 1, "%s.%s", node->name, part);
    entry.name = (const char *)block + needed;
    entry.name_bytes = name_bytes;
    entry.source = block;
    entry.source_bytes = needed;
    entry.swapped = tensor->has_raw_data && model_host_is_big_endian();
    model_image_set_c_order(&entry);
    r->blocks[r->count] = block;
    r->entries[r->count++] = entry;
    return OCLSTM_OK;
}

static size_t element_bytes_of(const Oclstm__OnnxTensor *tensor) {
    return tensor->data_type == ONNX_DOUBLE ? 8 : tensor->data_type == ONNX_FLOAT ? 4 : 2;
}

static oclstm_status add_direction(onnx_reader *r, const onnx_lstm *node, size_t direction) {
    const int64_t gates = 4 * node->hidden; // neither size is beyond 31 bits
    const char *end = direction == 1 ? "_reverse" : "";
    const struct {
        const Oclstm__OnnxTensor *tensor;
        const char *part;
        size_t gates;
        image_entry shape;
        uint64_t before, whole; // elements of this direction before the part, and in all
    } parts[] = {
        {node->w, "weight_ih_l0", 4, {.rank = 2, .shape = {gates, node->input}}, 0, (uint64_t)gates * (uint64_t)node->input},
        {node->r, "weight_hh_l0", 4, {.rank = 2, .shape = {gates, node->hidden}}, 0, (uint64_t)gates * (uint64_t)node->hidden},
        {node->b, "bias_ih_l0", 4, {.rank = 1, .shape = {gates}}, 0, 2 * (uint64_t)gates},
        {node->b, "bias_hh_l0", 4, {.rank = 1, .shape = {gates}}, (uint64_t)gates, 2 * (uint64_t)gates},
        {node->p, "peephole_l0", 3, {.rank = 1, .shape = {3 * node->hidden}}, 0, 3 * (uint64_t)node->hidden},
    };
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && status == OCLSTM_OK; i++) {
        char name[48];
        if (parts[i].tensor == NULL)
            continue;
        snprintf(name, sizeof name, "%s%s", parts[i].part, end);
        const size_t element = (size_t)(parts[i].before + direction * parts[i].whole);
        status =
            add_part(r, node, parts[i].tensor, name, element * element_bytes_of(parts[i].tensor), parts[i].gates, &parts[i].shape);
    }
    return status;
}

// As [directions][batch][hidden]; layout 1 has it as [batch][directions][hidden].
static oclstm_status add_state(onnx_reader *r, const onnx_lstm *node, const Oclstm__OnnxTensor *tensor, const char *part) {
    if (tensor == NULL)
        return OCLSTM_OK;
    image_entry shape = {.rank = 3};
    memcpy(shape.shape, tensor->dims, 3 * sizeof shape.shape[0]);
    oclstm_status status = add_part(r, node, tensor, part, 0, 0, &shape);
    if (status != OCLSTM_OK || node->traits.layout == 0)
        return status;
    image_entry *entry = &r->entries[r->count - 1];
    entry->shape[0] = tensor->dims[1];
    entry->shape[1] = tensor->dims[0];
    entry->strides[0] = tensor->dims[2];
    entry->strides[1] = tensor->dims[1] * tensor->dims[2];
    return OCLSTM_OK;
}

static oclstm_status add_node(onnx_reader *r, const onnx_lstm *node, json_t *metadata) {
    oclstm_status status = OCLSTM_OK;
    for (size_t direction = 0; direction < (size_t)node->directions && status == OCLSTM_OK; direction++)
        status = add_direction(r, node, direction);
    if (status == OCLSTM_OK)
        status = add_state(r, node, node->initial_h, "h0");
    if (status == OCLSTM_OK)
        status = add_state(r, node, node->initial_c, "c0");
    if (status == OCLSTM_OK && (node->initial_h != NULL || node->initial_c != NULL)) {
        char key[256];
        snprintf(key, sizeof key, "%s.initial_state", node->name);
        if (json_object_set_new(metadata, key, json_string("h0, c0")) != 0)
            status = base_fail_memory(r->error, 64, "the facts of an LSTM node");
    }
    if (status == OCLSTM_OK && !recurrent_traits_write(&node->traits, (int)node->directions, node->name, metadata))
        status = base_fail_memory(r->error, 64, "the facts of an LSTM node");
    return status;
}

static bool is_lstm(const Oclstm__OnnxNode *node) {
    return node->op_type != NULL && strcmp(node->op_type, "LSTM") == 0 &&
           (node->domain == NULL || node->domain[0] == '\0' || strcmp(node->domain, "ai.onnx") == 0);
}

static oclstm_status fail_no_node(const onnx_reader *r, const Oclstm__OnnxGraph *graph) {
    char seen[300] = "";
    for (size_t i = 0; i < graph->n_node && i < 12; i++)
        base_append(seen, sizeof seen, "%s%s", i > 0 ? ", " : "",
                    name_to_text(graph->node[i]->op_type != NULL ? graph->node[i]->op_type : "?").text);
    return base_fail(r->error, OCLSTM_FORMAT, "'%s' is an ONNX model without an LSTM node; its operators: %s", r->file->path,
                     seen[0] != '\0' ? seen : "none");
}

static oclstm_status read_graph(onnx_reader *r, const Oclstm__OnnxGraph *graph, json_t *metadata) {
    size_t nodes = 0, done = 0;
    for (size_t i = 0; i < graph->n_node; i++)
        nodes += is_lstm(graph->node[i]);
    if (nodes == 0)
        return fail_no_node(r, graph);
    if (nodes > MOST_NODES)
        return base_fail(r->error, OCLSTM_FORMAT, "'%s' is refused: it has %zu LSTM nodes; at most %d are read", r->file->path,
                         nodes, MOST_NODES);
    size_t total = 0;
    const size_t most_bytes = MOST_MEMORY(r->file->size_bytes);
    for (size_t i = 0; i < graph->n_node; i++) {
        onnx_lstm node;
        if (!is_lstm(graph->node[i]))
            continue;
        oclstm_status status = onnx_lstm_parse(&node, r->file, graph, graph->node[i], done++, r->error);
        const size_t before = r->count;
        if (status == OCLSTM_OK)
            status = add_node(r, &node, metadata);
        if (status != OCLSTM_OK)
            return status;
        // Many nodes may name one initializer.
        for (size_t k = before; k < r->count; k++)
            total += r->entries[k].source_bytes;
        if (total > most_bytes)
            return base_fail(r->error, OCLSTM_FORMAT,
                             "'%s' is refused: its nodes share weights that would unfold to more than %zu bytes", r->file->path,
                             most_bytes);
    }
    return model_image_build(r->file, r->entries, r->count, SIZE_MAX, r->error);
}

static oclstm_status read_model(oclstm_tensors *file, const Oclstm__OnnxModel *model, oclstm_error *error) {
    onnx_reader r = {.file = file, .error = error};
    json_t *metadata = json_object();
    json_t *header = json_pack("{s:o}", "__metadata__", metadata);
    oclstm_status status = header == NULL ? base_fail_memory(error, 64, "the facts of a model") : OCLSTM_OK;
    if (status == OCLSTM_OK && model->graph == NULL)
        status = base_fail(error, OCLSTM_FORMAT, "'%s' looks like an ONNX model, but has no graph", file->path);
    if (status == OCLSTM_OK)
        status = read_graph(&r, model->graph, metadata);
    for (size_t i = 0; r.blocks != NULL && i < r.count; i++)
        free(r.blocks[i]);
    free(r.blocks);
    free(r.entries);
    if (status == OCLSTM_OK)
        file->header = header;
    else
        json_decref(header);
    return status;
}

oclstm_status model_onnx_parse(oclstm_tensors *file, oclstm_error *error) {
    protobuf_memory memory;
    protobuf_memory_init(&memory, file->size_bytes < SIZE_MAX / 64 ? MOST_MEMORY(file->size_bytes) : SIZE_MAX);
    Oclstm__OnnxModel *model = oclstm__onnx_model__unpack(&memory.allocator, file->size_bytes, file->bytes);
    if (model == NULL && memory.exhausted)
        return base_fail_memory(error, file->size_bytes, "an ONNX model");
    if (model == NULL)
        return base_fail(error, OCLSTM_FORMAT, "'%s' looks like an ONNX model, but %s", file->path,
                         memory.refused ? "its messages would unfold to many times its size: it is refused"
                                        : "it is truncated or damaged; fetch it again");
    oclstm_status status = read_model(file, model, error);
    oclstm__onnx_model__free_unpacked(model, &memory.allocator);
    return status;
}
