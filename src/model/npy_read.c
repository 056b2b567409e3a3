// SPDX-License-Identifier: Apache-2.0
// An .npy file as a file of one tensor: "\x93NUMPY", version (2 bytes), header length (u16, from version 2 u32, little-endian),
// header, data to the end of the file.
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/shape.h"
#include "model/npy_header.h"
#include "model/tensors_file.h"

#define VERSION_AT 6
#define LENGTH_AT  8

// Finds the header's place from the fixed part before it.
static oclstm_status locate_header(const unsigned char *bytes, size_t size_bytes, const char *path, size_t *header_start,
                                   size_t *header_bytes, oclstm_error *error) {
    static const char magic[VERSION_AT + 1] = "\x93NUMPY";
    if (size_bytes < VERSION_AT || memcmp(bytes, magic, VERSION_AT) != 0)
        return base_fail(error, OCLSTM_FORMAT, "'%s' is no .npy file, which begins with \\x93NUMPY", path);
    if (size_bytes < LENGTH_AT)
        return base_fail(error, OCLSTM_FORMAT, "'%s' is truncated: %zu bytes, within the .npy header", path, size_bytes);
    int major = bytes[VERSION_AT];
    int minor = bytes[VERSION_AT + 1];
    if (major < 1 || major > 3 || minor != 0)
        return base_fail(error, OCLSTM_FORMAT, "'%s': .npy version %d.%d is not read; expected 1.0, 2.0 or 3.0", path, major,
                         minor);
    size_t length_bytes = major == 1 ? 2 : 4;
    *header_start = LENGTH_AT + length_bytes;
    *header_bytes = 0;
    for (size_t i = 0; i < length_bytes && *header_start <= size_bytes; i++)
        *header_bytes |= (size_t)bytes[LENGTH_AT + i] << (8 * i);
    if (*header_start > size_bytes || *header_bytes > size_bytes - *header_start)
        return base_fail(error, OCLSTM_FORMAT,
                         "'%s' is truncated: its .npy header ends at byte %zu, the file has %zu bytes; fetch it again", path,
                         *header_start + *header_bytes, size_bytes);
    return OCLSTM_OK;
}

oclstm_status model_npy_describe(oclstm_tensor *out, const unsigned char *bytes, size_t size_bytes, const char *path,
                                 oclstm_error *error) {
    size_t header_start = 0;
    size_t header_bytes = 0;
    npy_header header;
    oclstm_status status = locate_header(bytes, size_bytes, path, &header_start, &header_bytes, error);
    if (status == OCLSTM_OK)
        status = model_npy_header_parse(&header, (const char *)bytes + header_start, header_bytes, path, error);
    if (status != OCLSTM_OK)
        return status;
    size_t data_start = header_start + header_bytes;
    size_t found = size_bytes - data_start;
    size_t element_bytes = oclstm_dtype_size_bytes(header.dtype);
    size_t expected;
    shape_text shape = shape_to_text(header.shape, header.rank);
    if (!checked_array_bytes(header.shape, header.rank, element_bytes, &expected))
        return base_fail(error, OCLSTM_FORMAT, "'%s': shape %s of %s has more bytes than 64 bits can count", path, shape.text,
                         oclstm_dtype_name(header.dtype));
    if (found != expected)
        return base_fail(error, OCLSTM_FORMAT, "'%s' is %s: shape %s of %s needs %zu bytes of data, the file has %zu", path,
                         found < expected ? "truncated" : "oversized", shape.text, oclstm_dtype_name(header.dtype), expected,
                         found);
    if (data_start % element_bytes != 0)
        return base_fail(
            error, OCLSTM_FORMAT,
            "'%s' is misaligned: its data begin at byte %zu, expected a multiple of %zu; numpy.save() writes it aligned", path,
            data_start, element_bytes);
    *out = (oclstm_tensor){
        .name = "",
        .dtype = header.dtype,
        .rank = header.rank,
        .size_bytes = expected,
        .fortran_order = header.fortran_order,
        .swapped = header.swapped,
        .data = bytes + data_start,
    };
    for (int axis = 0; axis < header.rank; axis++)
        out->shape[axis] = header.shape[axis];
    return OCLSTM_OK;
}

oclstm_status model_npy_parse(oclstm_tensors *file, oclstm_error *error) {
    oclstm_tensor tensor;
    oclstm_status status = model_npy_describe(&tensor, file->bytes, file->size_bytes, file->path, error);
    if (status != OCLSTM_OK)
        return status;
    file->tensors = base_alloc(1, sizeof *file->tensors);
    if (file->tensors == NULL)
        return base_fail_memory(error, sizeof *file->tensors, "the tensor list");
    *file->tensors = tensor;
    file->count = 1;
    return OCLSTM_OK;
}
