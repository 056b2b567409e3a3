// SPDX-License-Identifier: Apache-2.0
// PyTorch's files before 1.6: five pickles one after the other (a magic number, the format's version, facts about the machine, the object, the
// keys of the storages), then each storage in the order of its key: its number of elements (8 bytes), its elements.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/name_text.h"
#include "model/tensors_file.h"
#include "model/torch_state.h"

static const char magic[] = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"; // 0x1950a86a20f9469cfc6c, little-endian
enum { MAGIC_BYTES = 10, COUNT_BYTES = 8 };

// A storage as the object's pickle names it, and where it lies.
typedef struct legacy_storage {
    torch_storage described;
    const unsigned char *bytes; // NULL until it is found
    size_t size_bytes;
} legacy_storage;

typedef struct legacy_file {
    const oclstm_tensors *file;
    size_t at;
    pickle object, keys;
    legacy_storage *storages;
    size_t count;
} legacy_file;

static int compare_keys(const void *a, const void *b) {
    const torch_storage *left = &((const legacy_storage *)a)->described, *right = &((const legacy_storage *)b)->described;
    if (left->key_bytes != right->key_bytes)
        return left->key_bytes < right->key_bytes ? -1 : 1;
    return memcmp(left->key, right->key, left->key_bytes);
}

// The storages are sorted by key.
static legacy_storage *find(const legacy_file *legacy, const char *key, size_t key_bytes) {
    const legacy_storage wanted = {.described = {.key = key, .key_bytes = key_bytes}};
    if (legacy->count == 0)
        return NULL;
    return bsearch(&wanted, legacy->storages, legacy->count, sizeof wanted, compare_keys);
}

static oclstm_status find_storage(void *context, const torch_storage *storage, const unsigned char **bytes, size_t *size_bytes,
                                  oclstm_error *error) {
    const legacy_file *legacy = context;
    const legacy_storage *found = find(legacy, storage->key, storage->key_bytes);
    if (found == NULL || found->bytes == NULL || found->described.dtype != storage->dtype)
        return base_fail(error, OCLSTM_FORMAT, "'%s': a tensor's storage is not in the file", legacy->file->path);
    *bytes = found->bytes;
    *size_bytes = found->size_bytes;
    return OCLSTM_OK;
}

static oclstm_status read_pickle(legacy_file *legacy, pickle *out, oclstm_error *error) {
    oclstm_status status =
        pickle_read(out, legacy->file->bytes + legacy->at, legacy->file->size_bytes - legacy->at, legacy->file->path, error);
    if (status == OCLSTM_OK)
        legacy->at += out->consumed;
    return status;
}

// The three pickles in front; only the first tells anything that is needed.
static oclstm_status read_front(legacy_file *legacy, oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    for (int i = 0; i < 3 && status == OCLSTM_OK; i++) {
        pickle tree;
        status = read_pickle(legacy, &tree, error);
        const pickle_value *root = status == OCLSTM_OK ? &tree.values[tree.root] : NULL;
        if (root != NULL && i == 0 &&
            (root->kind != PICKLE_LONG || root->count != MAGIC_BYTES || memcmp(root->text, magic, MAGIC_BYTES) != 0))
            status = base_fail(error, OCLSTM_FORMAT,
                               "'%s' is a Python pickle but not of PyTorch, whose files begin with a number of their own; save the "
                               "weights with torch.save(model.state_dict(), FILE)",
                               legacy->file->path);
        pickle_free(&tree);
    }
    return status;
}

// Every storage that the object names, each once.
static oclstm_status list_storages(legacy_file *legacy, oclstm_error *error) {
    size_t most = 0;
    for (size_t i = 0; i < legacy->object.count; i++)
        most += legacy->object.values[i].kind == PICKLE_STORAGE;
    legacy->storages = base_alloc(most, sizeof *legacy->storages);
    if (legacy->storages == NULL)
        return base_fail_memory(error, most * sizeof *legacy->storages, "the storages");
    for (size_t i = 0; i < legacy->object.count; i++) {
        torch_storage described;
        if (legacy->object.values[i].kind != PICKLE_STORAGE)
            continue;
        oclstm_status status =
            torch_storage_parse(&described, &legacy->object, &legacy->object.values[i], legacy->file->path, error);
        if (status != OCLSTM_OK)
            return status;
        legacy->storages[legacy->count++].described = described;
    }
    qsort(legacy->storages, legacy->count, sizeof *legacy->storages, compare_keys);
    size_t kept = 0;
    for (size_t i = 0; i < legacy->count; i++) {
        if (kept == 0 || compare_keys(&legacy->storages[kept - 1], &legacy->storages[i]) != 0)
            legacy->storages[kept++] = legacy->storages[i];
    }
    legacy->count = kept;
    return OCLSTM_OK;
}

static oclstm_status locate(legacy_file *legacy, const pickle_value *key, oclstm_error *error) {
    const oclstm_tensors *file = legacy->file;
    legacy_storage *storage = key->kind == PICKLE_STRING ? find(legacy, key->text, key->count) : NULL;
    if (storage == NULL || storage->bytes != NULL)
        return base_fail(error, OCLSTM_FORMAT, "'%s': its list of storages does not fit its tensors", file->path);
    uint64_t count = 0;
    size_t bytes;
    if (file->size_bytes - legacy->at < COUNT_BYTES)
        return base_fail(error, OCLSTM_FORMAT, "'%s' is truncated at byte %zu, before a storage; fetch it again", file->path,
                         legacy->at);
    for (int i = 0; i < COUNT_BYTES; i++)
        count |= (uint64_t)file->bytes[legacy->at + (size_t)i] << (8 * i);
    legacy->at += COUNT_BYTES;
    if (count != (uint64_t)storage->described.element_count)
        return base_fail(error, OCLSTM_FORMAT, "'%s': a storage of %" PRIu64 " elements where %lld are described", file->path,
                         count, (long long)storage->described.element_count);
    if (count > SIZE_MAX || !checked_mul((size_t)count, oclstm_dtype_size_bytes(storage->described.dtype), &bytes) ||
        bytes > file->size_bytes - legacy->at)
        return base_fail(error, OCLSTM_FORMAT, "'%s' is truncated: a storage of %" PRIu64 " elements of %s does not end within it",
                         file->path, count, oclstm_dtype_name(storage->described.dtype));
    storage->bytes = file->bytes + legacy->at;
    storage->size_bytes = bytes;
    legacy->at += bytes;
    return OCLSTM_OK;
}

static oclstm_status locate_all(legacy_file *legacy, oclstm_error *error) {
    const pickle_value *list = &legacy->keys.values[legacy->keys.root];
    if (list->kind != PICKLE_LIST)
        return base_fail(error, OCLSTM_FORMAT, "'%s': its list of storages is none", legacy->file->path);
    oclstm_status status = OCLSTM_OK;
    for (uint32_t i = 0; i < list->count && status == OCLSTM_OK; i++)
        status = locate(legacy, &legacy->keys.values[list->items[i]], error);
    return status;
}

oclstm_status model_torch_legacy_parse(oclstm_tensors *file, oclstm_error *error) {
    legacy_file legacy = {.file = file};
    const torch_storages storages = {.find = find_storage, .context = &legacy, .swapped = model_host_is_big_endian()};
    oclstm_status status = read_front(&legacy, error);
    if (status == OCLSTM_OK)
        status = read_pickle(&legacy, &legacy.object, error);
    if (status == OCLSTM_OK)
        status = list_storages(&legacy, error);
    if (status == OCLSTM_OK)
        status = read_pickle(&legacy, &legacy.keys, error);
    if (status == OCLSTM_OK)
        status = locate_all(&legacy, error);
    if (status == OCLSTM_OK)
        status = torch_state_read(file, &legacy.object, &storages, error);
    pickle_free(&legacy.object);
    pickle_free(&legacy.keys);
    free(legacy.storages);
    return status;
}
