// SPDX-License-Identifier: Apache-2.0
// NumPy's .npz, as numpy.savez() writes it: a zip archive of .npy files, not compressed.
#include <stdio.h>
#include <string.h>
#include <zip.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/name_text.h"
#include "model/npy_header.h"
#include "model/output_file.h"
#include "model/tensors_write.h"
#include "model/zip_archive.h"

static oclstm_status fail_zip(const tensors_text *text, const char *why, oclstm_error *error) {
    return base_fail(error, OCLSTM_IO, "'%s': the zip archive cannot be made: %s", text->path, why);
}

// Header and data in one block, which the archive takes over.
static oclstm_status add_array(zip_t *zip, const tensors_text *text, const oclstm_named_array *named, oclstm_error *error) {
    const oclstm_const_array *array = &named->array;
    char header[NPY_HEADER_BYTES];
    if (array->dtype == OCLSTM_BF16)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': tensor '%s' is bfloat16, which NumPy has not: write .safetensors",
                         text->path, name_to_text(named->name).text);
    if (!zip_name_is_plain(named->name))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "'%s': tensor '%s' cannot be a file of a zip archive, its name would lead outside: write .safetensors",
                         text->path, name_to_text(named->name).text);
    const size_t header_bytes = model_npy_make_header(header, array->dtype, array->rank, array->shape),
                 bytes = model_array_bytes(array);
    const size_t name_bytes = strlen(named->name) + sizeof ".npy";
    char *block = base_alloc(header_bytes + bytes, 1), *name = base_alloc(name_bytes, 1);
    if (block == NULL || name == NULL) {
        free(block);
        free(name);
        return base_fail_memory(error, header_bytes + bytes + name_bytes, "a tensor's file in the archive");
    }
    memcpy(block, header, header_bytes);
    if (bytes > 0)
        memcpy(block + header_bytes, array->data, bytes);
    snprintf(name, name_bytes, "%s.npy", named->name);
    zip_source_t *source = zip_source_buffer(zip, block, header_bytes + bytes, 1);
    const zip_int64_t at = source != NULL ? zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8) : -1;
    free(name);
    if (source == NULL)
        free(block);
    else if (at < 0)
        zip_source_free(source);
    if (at < 0 && zip_error_code_zip(zip_get_error(zip)) == ZIP_ER_INVAL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': the name of tensor '%s' is not valid UTF-8", text->path,
                         name_to_text(named->name).text);
    if (at < 0 || zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_STORE, 0) != 0)
        return fail_zip(text, zip_strerror(zip), error);
    return OCLSTM_OK;
}

// What the archive has become, in memory, to the file.
static oclstm_status write_source(const tensors_text *text, zip_source_t *source, oclstm_error *error) {
    zip_stat_t stat;
    output_file file;
    if (zip_source_stat(source, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0 || zip_source_open(source) != 0)
        return fail_zip(text, "it cannot be read back", error);
    oclstm_status status = OCLSTM_OK;
    char *bytes = base_alloc((size_t)stat.size, 1);
    if (bytes == NULL)
        status = base_fail_memory(error, (size_t)stat.size, "the archive");
    else if (zip_source_read(source, bytes, stat.size) != (zip_int64_t)stat.size)
        status = fail_zip(text, "it cannot be read back", error);
    zip_source_close(source);
    if (status == OCLSTM_OK)
        status = model_output_file_create(&file, text->path, stat.size, error);
    if (status == OCLSTM_OK) {
        status = model_output_file_write(&file, 0, bytes, (size_t)stat.size, error);
        if (status == OCLSTM_OK)
            status = model_output_file_commit(&file, error);
        else
            model_output_file_discard(&file);
    }
    free(bytes);
    return status;
}

oclstm_status model_npz_write(const tensors_text *text, oclstm_error *error) {
    zip_error_t fault;
    if (text->count == 0)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': an .npz file of no arrays would be an empty zip archive",
                         text->path);
    zip_error_init(&fault);
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &fault);
    if (source == NULL)
        return fail_zip(text, zip_error_strerror(&fault), error);
    zip_source_keep(source);
    zip_t *zip = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &fault);
    if (zip == NULL) {
        zip_source_free(source);
        zip_source_free(source);
        return fail_zip(text, zip_error_strerror(&fault), error);
    }
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < text->count && status == OCLSTM_OK; i++)
        status = add_array(zip, text, &text->arrays[i], error);
    if (status != OCLSTM_OK) {
        zip_discard(zip);
    } else if (zip_close(zip) != 0) {
        status = fail_zip(text, zip_strerror(zip), error);
        zip_discard(zip);
    } else {
        status = write_source(text, source, error);
    }
    zip_source_free(source);
    return status;
}
