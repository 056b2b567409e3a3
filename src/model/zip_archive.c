// SPDX-License-Identifier: Apache-2.0
#include "model/zip_archive.h"

#include <string.h>
#include <zip.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/name_text.h"

typedef struct entry_bytes {
    unsigned char *bytes;
    size_t size_bytes;
} entry_bytes;

struct zip_archive {
    const char *path;
    zip_t *zip;
    size_t count;
    entry_bytes *unpacked; // one for each entry; NULL until it is asked for
};

bool zip_name_is_plain(const char *name) {
    static const char separators[] = "/\\";
    if (name[0] == '\0' || strchr(separators, name[0]) != NULL)
        return false;
    for (const char *part = name;;) {
        const size_t length = strcspn(part, separators);
        if (length == 2 && strncmp(part, "..", 2) == 0)
            return false;
        if (part[length] == '\0')
            return true;
        part += length + 1;
    }
}

static oclstm_status check_entries(const zip_archive *archive, size_t most_bytes, oclstm_error *error) {
    size_t total = 0;
    for (size_t i = 0; i < archive->count; i++) {
        zip_stat_t stat;
        const zip_uint64_t wanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
        if (zip_stat_index(archive->zip, i, ZIP_FL_ENC_RAW, &stat) != 0 || (stat.valid & wanted) != wanted)
            return base_fail(error, OCLSTM_FORMAT, "'%s': entry %zu of the zip archive has no name, size or method", archive->path,
                             i);
        if (!zip_name_is_plain(stat.name))
            return base_fail(error, OCLSTM_FORMAT, "'%s' is refused: the zip archive has an entry '%s', which points outside it",
                             archive->path, name_to_text(stat.name).text);
        if (stat.encryption_method != ZIP_EM_NONE)
            return base_fail(error, OCLSTM_FORMAT, "'%s': the entry '%s' of the zip archive is encrypted", archive->path,
                             name_to_text(stat.name).text);
        if (stat.size > SIZE_MAX || !checked_add(total, (size_t)stat.size, &total) || total > most_bytes)
            return base_fail(
                error, OCLSTM_FORMAT,
                "'%s' is refused: its zip archive would unfold to more than %zu bytes at the entry '%s'; no model does that",
                archive->path, most_bytes, name_to_text(stat.name).text);
    }
    return OCLSTM_OK;
}

static oclstm_status fail_open(const oclstm_tensors *file, zip_error_t *fault, oclstm_error *error) {
    const char *text = zip_error_strerror(fault);
    oclstm_status status =
        zip_error_code_zip(fault) == ZIP_ER_MEMORY
            ? base_fail_memory(error, file->size_bytes, "a zip archive")
            : base_fail(error, OCLSTM_FORMAT, "'%s' is a zip archive that is truncated or damaged: %s; fetch it again", file->path,
                        text);
    zip_error_fini(fault);
    return status;
}

oclstm_status zip_archive_open(zip_archive **out, const oclstm_tensors *file, size_t most_bytes, oclstm_error *error) {
    *out = NULL;
    zip_error_t fault;
    zip_archive *made = base_alloc(1, sizeof *made);
    if (made == NULL)
        return base_fail_memory(error, sizeof *made, "a zip archive");
    made->path = file->path;
    oclstm_status status = OCLSTM_OK;
    zip_error_init(&fault);
    zip_source_t *source = zip_source_buffer_create(file->bytes, file->size_bytes, 0, &fault);
    if (source == NULL || (made->zip = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &fault)) == NULL) {
        zip_source_free(source);
        status = fail_open(file, &fault, error);
        goto fail;
    }
    zip_error_fini(&fault);
    const zip_int64_t count = zip_get_num_entries(made->zip, 0);
    made->count = count > 0 ? (size_t)count : 0;
    made->unpacked = base_alloc(made->count, sizeof *made->unpacked);
    if (made->unpacked == NULL) {
        status = base_fail_memory(error, made->count * sizeof *made->unpacked, "a zip archive");
        goto fail;
    }
    status = check_entries(made, most_bytes, error);
    if (status != OCLSTM_OK)
        goto fail;
    *out = made;
    return OCLSTM_OK;
fail:
    zip_archive_close(&made);
    return status;
}

void zip_archive_close(zip_archive **archive) {
    if (*archive == NULL)
        return;
    zip_archive *old = *archive;
    *archive = NULL;
    for (size_t i = 0; old->unpacked != NULL && i < old->count; i++)
        free(old->unpacked[i].bytes);
    free(old->unpacked);
    if (old->zip != NULL)
        zip_discard(old->zip);
    free(old);
}

size_t zip_archive_count(const zip_archive *archive) { return archive->count; }

const char *zip_archive_name(const zip_archive *archive, size_t entry) {
    const char *name = zip_get_name(archive->zip, entry, ZIP_FL_ENC_RAW);
    return name != NULL ? name : "";
}

size_t zip_archive_find(const zip_archive *archive, const char *name) {
    const zip_int64_t found = zip_name_locate(archive->zip, name, ZIP_FL_ENC_RAW);
    return found < 0 ? archive->count : (size_t)found;
}

// All bytes and then the end, where libzip compares the checksum.
static bool unpack(zip_file_t *from, unsigned char *to, size_t size_bytes) {
    unsigned char beyond;
    for (size_t done = 0; done < size_bytes;) {
        const zip_int64_t found = zip_fread(from, to + done, size_bytes - done);
        if (found <= 0)
            return false;
        done += (size_t)found;
    }
    return zip_fread(from, &beyond, 1) == 0;
}

oclstm_status zip_archive_bytes(zip_archive *archive, size_t entry, const unsigned char **bytes, size_t *size_bytes,
                                oclstm_error *error) {
    entry_bytes *kept = &archive->unpacked[entry];
    if (kept->bytes == NULL) {
        zip_stat_t stat;
        if (zip_stat_index(archive->zip, entry, ZIP_FL_ENC_RAW, &stat) != 0)
            return base_fail(error, OCLSTM_FORMAT, "'%s': entry %zu of the zip archive cannot be found", archive->path, entry);
        unsigned char *memory = base_alloc((size_t)stat.size, 1);
        if (memory == NULL)
            return base_fail_memory(error, (size_t)stat.size, "an entry of a zip archive");
        zip_file_t *from = zip_fopen_index(archive->zip, entry, ZIP_FL_ENC_RAW);
        const bool whole = from != NULL && unpack(from, memory, (size_t)stat.size);
        if (from != NULL)
            zip_fclose(from);
        if (!whole) {
            free(memory);
            return base_fail(error, OCLSTM_FORMAT, "'%s': the entry '%s' of the zip archive is damaged (%s); fetch the file again",
                             archive->path, name_to_text(zip_archive_name(archive, entry)).text, zip_strerror(archive->zip));
        }
        *kept = (entry_bytes){memory, (size_t)stat.size};
    }
    *bytes = kept->bytes;
    *size_bytes = kept->size_bytes;
    return OCLSTM_OK;
}
