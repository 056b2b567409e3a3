// SPDX-License-Identifier: Apache-2.0
// PyTorch's files since 1.6: an uncompressed zip archive of NAME/data.pkl, NAME/data/KEY for each storage, and NAME/byteorder.
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/name_text.h"
#include "model/tensors_file.h"
#include "model/torch_state.h"
#include "model/zip_file.h"

#define PICKLE_NAME "/data.pkl"
#define LONGEST_KEY ((size_t)64)

typedef struct torch_archive {
    const oclstm_tensors *file;
    zip_archive *zip;
    char folder[256]; // NAME
} torch_archive;

static bool ends_with(const char *text, const char *end) {
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

// The entry NAME/data.pkl, which also tells NAME; the count where there is none.
static size_t find_pickle(torch_archive *archive) {
    for (size_t i = 0; i < zip_archive_count(archive->zip); i++) {
        const char *name = zip_archive_name(archive->zip, i);
        const size_t length = strlen(name);
        if (!ends_with(name, PICKLE_NAME) || length - strlen(PICKLE_NAME) >= sizeof archive->folder)
            continue;
        memcpy(archive->folder, name, length - strlen(PICKLE_NAME));
        archive->folder[length - strlen(PICKLE_NAME)] = '\0';
        return i;
    }
    return zip_archive_count(archive->zip);
}

static oclstm_status find_storage(void *context, const torch_storage *storage, const unsigned char **bytes, size_t *size_bytes,
                                  oclstm_error *error) {
    torch_archive *archive = context;
    char name[384];
    // Part of a key is another key.
    if (storage->key_bytes > LONGEST_KEY || memchr(storage->key, '\0', storage->key_bytes) != NULL)
        return base_fail(error, OCLSTM_FORMAT, "'%s': a tensor's storage has a key that is no entry's number", archive->file->path);
    snprintf(name, sizeof name, "%s/data/%.*s", archive->folder, (int)storage->key_bytes, storage->key);
    const size_t entry = zip_archive_find(archive->zip, name);
    if (entry == zip_archive_count(archive->zip))
        return base_fail(error, OCLSTM_FORMAT, "'%s': the zip archive has no entry '%s', where a tensor has its data",
                         archive->file->path, name_to_text(name).text);
    oclstm_status status = zip_archive_bytes(archive->zip, entry, bytes, size_bytes, error);
    const size_t element_bytes = oclstm_dtype_size_bytes(storage->dtype);
    if (status == OCLSTM_OK && (uint64_t)storage->element_count > *size_bytes / element_bytes)
        status =
            base_fail(error, OCLSTM_FORMAT, "'%s': the entry '%s' has %zu bytes, expected %lld elements of %s", archive->file->path,
                      name_to_text(name).text, *size_bytes, (long long)storage->element_count, oclstm_dtype_name(storage->dtype));
    return status;
}

static oclstm_status read_byte_order(torch_archive *archive, bool *swapped, oclstm_error *error) {
    char name[288];
    const unsigned char *bytes;
    size_t size_bytes;
    *swapped = model_host_is_big_endian();
    snprintf(name, sizeof name, "%s/byteorder", archive->folder);
    const size_t entry = zip_archive_find(archive->zip, name);
    if (entry == zip_archive_count(archive->zip))
        return OCLSTM_OK; // before 2.1: little-endian
    oclstm_status status = zip_archive_bytes(archive->zip, entry, &bytes, &size_bytes, error);
    if (status != OCLSTM_OK)
        return status;
    const bool is_big = size_bytes == 3 && memcmp(bytes, "big", 3) == 0;
    if (!is_big && (size_bytes != 6 || memcmp(bytes, "little", 6) != 0))
        return base_fail(error, OCLSTM_FORMAT, "'%s': its byte order is neither 'little' nor 'big'", archive->file->path);
    *swapped = is_big != model_host_is_big_endian();
    return OCLSTM_OK;
}

bool model_zip_is_torch(const zip_archive *zip) {
    for (size_t i = 0; i < zip_archive_count(zip); i++) {
        if (ends_with(zip_archive_name(zip, i), PICKLE_NAME))
            return true;
    }
    return false;
}

oclstm_status model_torch_zip_parse(oclstm_tensors *file, zip_archive *zip, oclstm_error *error) {
    torch_archive archive = {.file = file, .zip = zip};
    torch_storages storages = {.find = find_storage, .context = &archive};
    pickle tree = {0};
    const unsigned char *bytes = NULL;
    size_t size_bytes = 0;
    const size_t entry = find_pickle(&archive);
    if (entry == zip_archive_count(zip))
        return base_fail(error, OCLSTM_FORMAT, "'%s': the zip archive has no entry that ends in '" PICKLE_NAME "'", file->path);
    oclstm_status status = read_byte_order(&archive, &storages.swapped, error);
    if (status == OCLSTM_OK)
        status = zip_archive_bytes(zip, entry, &bytes, &size_bytes, error);
    if (status == OCLSTM_OK)
        status = pickle_read(&tree, bytes, size_bytes, file->path, error);
    if (status == OCLSTM_OK)
        status = torch_state_read(file, &tree, &storages, error);
    pickle_free(&tree);
    return status;
}
