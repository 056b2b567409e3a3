// SPDX-License-Identifier: Apache-2.0
#include "model/torch_state.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/pickle_values.h"
#include "model/tensor_image.h"

// Dictionaries within dictionaries; a checkpoint has two or three.
enum { MOST_DEPTH = 8 };

// What a model may unfold to, by its file's size: tied weights are stored once and read as often as they are named.
#define MOST_UNFOLDED(size_bytes) (8 * (size_bytes) + ((size_t)1 << 20))

typedef struct walk {
    oclstm_tensors *file;
    const pickle *tree;
    const torch_storages *storages;
    image_entry *entries;
    size_t count, capacity;
    char **names; // owned
    size_t name_count, name_capacity, name_bytes;
    size_t visits;
    oclstm_error *error;
} walk;

static oclstm_status fail_tensor(const walk *w, const char *name, const char *fault) {
    return base_fail(w->error, OCLSTM_FORMAT, "'%s': tensor '%.100s': %s", w->file->path, name, fault);
}

static const pickle_value *item(const pickle *tree, const pickle_value *owner, uint32_t at) {
    return &tree->values[owner->items[at]];
}

oclstm_status torch_storage_parse(torch_storage *out, const pickle *tree, const pickle_value *value, const char *path,
                                  oclstm_error *error) {
    const pickle_value *id = value->kind == PICKLE_STORAGE ? item(tree, value, 0) : NULL;
    if (id == NULL || id->kind != PICKLE_TUPLE || id->count < 5 || !pickle_is_text(item(tree, id, 0), "storage") ||
        item(tree, id, 1)->kind != PICKLE_GLOBAL || item(tree, id, 1)->number < GLOBAL_STORAGE ||
        item(tree, id, 2)->kind != PICKLE_STRING || item(tree, id, 4)->kind != PICKLE_INT || item(tree, id, 4)->number < 0)
        return base_fail(error, OCLSTM_FORMAT, "'%s': a tensor's storage is not described as torch.save() does it", path);
    if (id->count > 5 && item(tree, id, 5)->kind != PICKLE_NONE)
        return base_fail(
            error, OCLSTM_FORMAT,
            "'%s': a storage is a view of another, as PyTorch before 0.4 wrote it; load it with a newer PyTorch and save it again",
            path);
    *out = (torch_storage){.key = item(tree, id, 2)->text,
                           .key_bytes = item(tree, id, 2)->count,
                           .dtype = PICKLE_STORAGE_DTYPE(item(tree, id, 1)),
                           .element_count = item(tree, id, 4)->number};
    return OCLSTM_OK;
}

// A tuple of numbers into out[]; false when it is something else.
static bool read_numbers(const pickle *tree, const pickle_value *tuple, int64_t *out) {
    if ((tuple->kind != PICKLE_TUPLE && tuple->kind != PICKLE_LIST) || tuple->count > OCLSTM_MAX_RANK)
        return false;
    for (uint32_t i = 0; i < tuple->count; i++) {
        if (item(tree, tuple, i)->kind != PICKLE_INT)
            return false;
        out[i] = item(tree, tuple, i)->number;
    }
    return true;
}

static oclstm_status add_tensor(walk *w, const char *name, const pickle_value *tensor) {
    const pickle *tree = w->tree;
    image_entry entry = {.name = name, .name_bytes = strlen(name), .swapped = w->storages->swapped};
    torch_storage storage;
    if (tensor->count < 4 || item(tree, tensor, 1)->kind != PICKLE_INT || item(tree, tensor, 1)->number < 0 ||
        !read_numbers(tree, item(tree, tensor, 2), entry.shape) || !read_numbers(tree, item(tree, tensor, 3), entry.strides) ||
        item(tree, tensor, 2)->count != item(tree, tensor, 3)->count)
        return fail_tensor(w, name,
                           "offset, shape and strides are not as torch.save() writes them (at most 8 dimensions are read)");
    oclstm_status status = torch_storage_parse(&storage, tree, item(tree, tensor, 0), w->file->path, w->error);
    if (status == OCLSTM_OK)
        status = w->storages->find(w->storages->context, &storage, &entry.source, &entry.source_bytes, w->error);
    if (status != OCLSTM_OK)
        return status;
    entry.rank = (int)item(tree, tensor, 2)->count;
    entry.dtype = storage.dtype;
    const size_t element_bytes = oclstm_dtype_size_bytes(entry.dtype);
    const uint64_t offset = (uint64_t)item(tree, tensor, 1)->number;
    if (offset > entry.source_bytes / element_bytes)
        return base_fail(w->error, OCLSTM_FORMAT, "'%s': tensor '%.100s' begins at element %" PRIu64 " of a storage of %zu bytes",
                         w->file->path, name, offset, entry.source_bytes);
    entry.source += offset * element_bytes;
    entry.source_bytes -= offset * element_bytes;
    void *entries = w->entries;
    if (!pickle_grow(&entries, &w->capacity, w->count, sizeof entry))
        return base_fail_memory(w->error, w->capacity * sizeof entry, "the tensor list");
    w->entries = entries;
    w->entries[w->count++] = entry;
    return OCLSTM_OK;
}

// "prefix.key"; kept until the walk is over.
static oclstm_status make_name(walk *w, const char *prefix, const pickle_value *key, const char **out) {
    const size_t prefix_bytes = strlen(prefix);
    void *names = w->names;
    // One long text may be the key of many entries.
    w->name_bytes += prefix_bytes + key->count;
    if (w->name_bytes > MOST_UNFOLDED(w->file->size_bytes))
        return base_fail(w->error, OCLSTM_FORMAT,
                         "'%s' is refused: the names of its tensors would unfold to more than %zu bytes; no model does that",
                         w->file->path, MOST_UNFOLDED(w->file->size_bytes));
    char *made = base_alloc(prefix_bytes + key->count + 2, 1);
    if (made == NULL || !pickle_grow(&names, &w->name_capacity, w->name_count, sizeof *w->names)) {
        free(made);
        return base_fail_memory(w->error, prefix_bytes + key->count + 2, "a tensor's name");
    }
    w->names = names;
    w->names[w->name_count++] = made;
    memcpy(made, prefix, prefix_bytes);
    if (prefix_bytes > 0)
        made[prefix_bytes] = '.';
    memcpy(made + prefix_bytes + (prefix_bytes > 0), key->text, key->count);
    *out = made;
    return OCLSTM_OK;
}

static oclstm_status walk_dict(walk *w, const pickle_value *dict, const char *prefix,
                               int depth) { // NOLINT(misc-no-recursion): bounded by MOST_DEPTH
    oclstm_status status = OCLSTM_OK;
    for (uint32_t at = 0; at + 1 < dict->count && status == OCLSTM_OK; at += 2) {
        const pickle_value *key = item(w->tree, dict, at), *value = item(w->tree, dict, at + 1);
        const char *name = "";
        // The same dictionary may be named many times, within itself too.
        if (++w->visits > w->tree->count)
            return base_fail(w->error, OCLSTM_FORMAT, "'%s': its dictionaries contain each other over and over", w->file->path);
        if (key->kind != PICKLE_STRING || (value->kind != PICKLE_TENSOR && value->kind != PICKLE_DICT))
            continue;
        if (value->kind == PICKLE_DICT && depth == MOST_DEPTH)
            return base_fail(w->error, OCLSTM_FORMAT, "'%s': dictionaries within dictionaries, more than %d deep", w->file->path,
                             MOST_DEPTH);
        status = make_name(w, prefix, key, &name);
        if (status == OCLSTM_OK)
            status = value->kind == PICKLE_TENSOR ? add_tensor(w, name, value) : walk_dict(w, value, name, depth + 1);
    }
    return status;
}

oclstm_status torch_state_read(oclstm_tensors *file, const pickle *tree, const torch_storages *storages, oclstm_error *error) {
    walk w = {.file = file, .tree = tree, .storages = storages, .error = error};
    const pickle_value *root = &tree->values[tree->root];
    oclstm_status status = OCLSTM_OK;
    if (root->kind == PICKLE_DICT)
        status = walk_dict(&w, root, "", 0);
    else if (root->kind == PICKLE_TENSOR)
        status = add_tensor(&w, "tensor", root);
    if (status == OCLSTM_OK && w.count == 0)
        status =
            base_fail(error, OCLSTM_FORMAT,
                      "'%s' holds no tensor under a name; expected a state_dict, as torch.save(model.state_dict(), FILE) writes it",
                      file->path);
    if (status == OCLSTM_OK)
        status = model_image_build(file, w.entries, w.count, MOST_UNFOLDED(file->size_bytes), error);
    for (size_t i = 0; i < w.name_count; i++)
        free(w.names[i]);
    free(w.names);
    free(w.entries);
    return status;
}
