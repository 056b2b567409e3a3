// SPDX-License-Identifier: Apache-2.0
// The .npy writer: header of version 1.0, C order, native byte order, written in slices along any axis.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/shape.h"
#include "model/npy_header.h"
#include "model/output_file.h"
#include "model/tensors_file.h"

#define FIXED_BYTES  10 // magic, version, header length
#define ALIGN_BYTES  64 // of the data, as the format asks
#define HEADER_BYTES NPY_HEADER_BYTES

struct oclstm_npy_writer {
    output_file file;
    int rank;
    int64_t shape[OCLSTM_MAX_RANK];
    size_t element_bytes;
    size_t data_start;
    size_t size_bytes; // of the data
    size_t written_bytes;
};

static char kind_of(oclstm_dtype dtype) {
    switch (dtype) {
    case OCLSTM_BOOL:
        return 'b';
    case OCLSTM_I8:
    case OCLSTM_I16:
    case OCLSTM_I32:
    case OCLSTM_I64:
        return 'i';
    case OCLSTM_U8:
    case OCLSTM_U16:
    case OCLSTM_U32:
    case OCLSTM_U64:
        return 'u';
    default:
        return 'f';
    }
}

size_t model_npy_make_header(char header[NPY_HEADER_BYTES], oclstm_dtype dtype, int rank, const int64_t *shape) {
    char extents[HEADER_BYTES] = "";
    for (int axis = 0; axis < rank; axis++)
        base_append(extents, sizeof extents, "%s%" PRId64, axis > 0 ? ", " : "", shape[axis]);
    int length =
        snprintf(header, HEADER_BYTES, "%*s{'descr': '%c%c%zu', 'fortran_order': False, 'shape': (%s%s), }", FIXED_BYTES, "",
                 oclstm_dtype_size_bytes(dtype) == 1 ? '|'
                 : model_host_is_big_endian()        ? '>'
                                                     : '<',
                 kind_of(dtype), oclstm_dtype_size_bytes(dtype), extents, rank == 1 ? "," : "");
    size_t used = (size_t)length;
    size_t total = (used + 1 + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    memset(header + used, ' ', total - used - 1);
    header[total - 1] = '\n';
    memcpy(header, "\x93NUMPY\x01", 8); // with the zero byte: version 1.0
    header[8] = (char)((total - FIXED_BYTES) & 0xff);
    header[9] = (char)((total - FIXED_BYTES) >> 8);
    return total;
}

static oclstm_status check_shape(const char *path, oclstm_dtype dtype, int rank, const int64_t *shape, size_t *size_bytes,
                                 oclstm_error *error) {
    if (dtype != OCLSTM_F32 && dtype != OCLSTM_F64 && dtype != OCLSTM_F16)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': dtype %s, expected float32, float64 or float16", path,
                         oclstm_dtype_name(dtype));
    if (rank < 0 || rank > OCLSTM_MAX_RANK || (rank > 0 && shape == NULL))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': rank %d, expected 0 to %d and a shape", path, rank,
                         OCLSTM_MAX_RANK);
    for (int axis = 0; axis < rank; axis++) {
        if (shape[axis] < 0)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': dimension %d is %" PRId64 ", expected 0 or more", path, axis,
                             shape[axis]);
    }
    size_t with_header;
    if (!checked_array_bytes(shape, rank, oclstm_dtype_size_bytes(dtype), size_bytes) ||
        !checked_add(*size_bytes, HEADER_BYTES, &with_header) || with_header > INT64_MAX)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': shape %s of %s has more bytes than a file can", path,
                         shape_to_text(shape, rank).text, oclstm_dtype_name(dtype));
    return OCLSTM_OK;
}

oclstm_status oclstm_npy_writer_create(oclstm_npy_writer **out, const char *path, oclstm_dtype dtype, int rank,
                                       const int64_t *shape, oclstm_error *error) {
    if (out == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_npy_writer_create: out is NULL");
    *out = NULL;
    if (path == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_npy_writer_create: path is NULL");
    size_t size_bytes = 0;
    oclstm_status status = check_shape(path, dtype, rank, shape, &size_bytes, error);
    if (status != OCLSTM_OK)
        return status;
    char header[HEADER_BYTES];
    size_t header_bytes = model_npy_make_header(header, dtype, rank, shape);
    oclstm_npy_writer *writer = base_alloc(1, sizeof *writer);
    if (writer == NULL)
        return base_fail_memory(error, sizeof *writer, "an .npy writer");
    writer->rank = rank;
    for (int axis = 0; axis < rank; axis++)
        writer->shape[axis] = shape[axis];
    writer->element_bytes = oclstm_dtype_size_bytes(dtype);
    writer->data_start = header_bytes;
    writer->size_bytes = size_bytes;
    status = model_output_file_create(&writer->file, path, (uint64_t)header_bytes + size_bytes, error);
    if (status != OCLSTM_OK) {
        free(writer);
        return status;
    }
    status = model_output_file_write(&writer->file, 0, header, header_bytes, error);
    if (status != OCLSTM_OK)
        goto fail;
    *out = writer;
    return OCLSTM_OK;
fail:
    oclstm_npy_writer_discard(&writer);
    return status;
}

static oclstm_status check_range(const oclstm_npy_writer *writer, int axis, int64_t first, int64_t count, oclstm_error *error) {
    if (writer->rank > 0 && (axis < 0 || axis >= writer->rank))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': axis %d, expected 0 to %d", writer->file.path, axis,
                         writer->rank - 1);
    int64_t extent = writer->rank == 0 ? 1 : writer->shape[axis];
    if (first < 0 || count < 0 || first > extent || count > extent - first)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "'%s': %" PRId64 " indices from %" PRId64 " along axis %d do not lie in its shape %s", writer->file.path,
                         count, first, axis, shape_to_text(writer->shape, writer->rank).text);
    return OCLSTM_OK;
}

oclstm_status oclstm_npy_writer_write(oclstm_npy_writer *writer, int axis, int64_t first, int64_t count, const void *src,
                                      oclstm_error *error) {
    if (writer == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_npy_writer_write: writer is NULL");
    oclstm_status status = check_range(writer, axis, first, count, error);
    if (status != OCLSTM_OK || writer->size_bytes == 0 || count == 0)
        return status;
    if (src == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_npy_writer_write: src is NULL");
    size_t outer = 1;
    size_t inner_bytes = writer->element_bytes;
    for (int i = 0; i < writer->rank; i++) {
        if (i < axis)
            outer *= (size_t)writer->shape[i];
        else if (i > axis)
            inner_bytes *= (size_t)writer->shape[i];
    }
    size_t extent = writer->rank == 0 ? 1 : (size_t)writer->shape[axis];
    size_t run_bytes = (size_t)count * inner_bytes;
    if (outer * run_bytes > writer->size_bytes - writer->written_bytes)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': more is written than its shape %s holds: some indices twice",
                         writer->file.path, shape_to_text(writer->shape, writer->rank).text);
    const unsigned char *from = src;
    for (size_t block = 0; status == OCLSTM_OK && block < outer; block++) {
        size_t offset = (block * extent + (size_t)first) * inner_bytes;
        status = model_output_file_write(&writer->file, (uint64_t)writer->data_start + offset, from, run_bytes, error);
        from += run_bytes;
    }
    if (status == OCLSTM_OK)
        writer->written_bytes += outer * run_bytes;
    return status;
}

oclstm_status oclstm_npy_writer_commit(oclstm_npy_writer **writer, oclstm_error *error) {
    if (writer == NULL || *writer == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_npy_writer_commit: writer is NULL");
    oclstm_npy_writer *old = *writer;
    oclstm_status status;
    if (old->written_bytes != old->size_bytes)
        status = base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s' is incomplete: %zu of %zu bytes were written; it is discarded",
                           old->file.path, old->written_bytes, old->size_bytes);
    else
        status = model_output_file_commit(&old->file, error);
    oclstm_npy_writer_discard(writer);
    return status;
}

void oclstm_npy_writer_discard(oclstm_npy_writer **writer) {
    if (writer == NULL || *writer == NULL)
        return;
    model_output_file_discard(&(*writer)->file);
    free(*writer);
    *writer = NULL;
}
