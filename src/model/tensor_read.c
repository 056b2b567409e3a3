// SPDX-License-Identifier: Apache-2.0
// Slices of a mapped tensor, as C order, native byte order, float32 or float64.
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/shape.h"
#include "model/dtype_convert.h"
#include "model/name_text.h"
#include "model/page_drop.h"
#include "model/tensors_file.h"

#define CHUNK_BYTES      ((size_t)8 << 20) // copied between two looks at how much is resident
#define TILE             32                // edge of the tiles in which Fortran order is turned round
#define SEGMENT_ELEMENTS ((size_t)1 << 14) // of a Fortran column between two such looks

// A slice that has passed the checks, and is not empty. Axes of extent 1 are left out: they move nothing.
typedef struct slice {
    int rank;
    size_t shape[OCLSTM_MAX_RANK]; // of the tensor
    int axis;                      // -1: the sliced axis has extent 1 and was left out
    size_t first, count;
    oclstm_dtype src_dtype, dst_dtype;
    size_t src_element_bytes, dst_element_bytes;
    bool swapped;
    const unsigned char *src; // the tensor's data
    size_t src_offset;        // their place in the mapping
    unsigned char *dst;
    page_drop drop;
} slice;

static void read_run(slice *work, unsigned char *dst, size_t src_element, size_t count) {
    size_t offset = src_element * work->src_element_bytes;
    model_convert(dst, work->dst_dtype, work->src + offset, work->src_dtype, work->swapped, count);
}

static void touch(slice *work, size_t src_element, size_t count) {
    model_page_drop_touch(&work->drop, work->src_offset + src_element * work->src_element_bytes, count * work->src_element_bytes);
}

// Every index of the axes before the sliced one has one run of elements without gaps.
static void read_c_order(slice *work) {
    size_t outer = 1;
    size_t inner = 1;
    for (int axis = 0; axis < work->rank; axis++) {
        if (axis < work->axis)
            outer *= work->shape[axis];
        else if (axis > work->axis)
            inner *= work->shape[axis];
    }
    size_t extent = work->axis < 0 ? 1 : work->shape[work->axis];
    size_t run = work->count * inner;
    size_t chunk = CHUNK_BYTES / work->src_element_bytes;
    unsigned char *dst = work->dst;
    for (size_t block = 0; block < outer; block++) {
        size_t src_element = (block * extent + work->first) * inner;
        for (size_t done = 0; done < run; done += chunk) {
            size_t count = run - done < chunk ? run - done : chunk;
            read_run(work, dst, src_element + done, count);
            touch(work, src_element + done, count);
            dst += count * work->dst_element_bytes;
        }
    }
}

// The tile's columns are runs in the file, its rows are runs in dst.
static void read_tile(slice *work, unsigned char *dst, size_t dst_row_stride, size_t src_element, size_t src_column_stride,
                      size_t rows, size_t columns) {
    unsigned char tile[TILE * TILE * sizeof(double)];
    size_t element_bytes = work->dst_element_bytes;
    for (size_t column = 0; column < columns; column++)
        read_run(work, tile + column * TILE * element_bytes, src_element + column * src_column_stride, rows);
    for (size_t row = 0; row < rows; row++) {
        unsigned char *to = dst + row * dst_row_stride * element_bytes;
        for (size_t column = 0; column < columns; column++)
            memcpy(to + column * element_bytes, tile + (column * TILE + row) * element_bytes, element_bytes);
    }
}

typedef struct fortran_strides {
    size_t shape[OCLSTM_MAX_RANK]; // of the slice
    size_t src[OCLSTM_MAX_RANK];   // in elements
    size_t dst[OCLSTM_MAX_RANK];
} fortran_strides;

// The plane of the first and the last axis, `src_element` and `dst` at its origin. Rows go by segments, so that what a group
// of columns makes resident is bounded.
static void read_plane(slice *work, const fortran_strides *strides, size_t src_element, size_t dst_element) {
    int last = work->rank - 1;
    size_t rows = strides->shape[0];
    size_t columns = strides->shape[last];
    for (size_t segment = 0; segment < rows; segment += SEGMENT_ELEMENTS) {
        size_t segment_rows = rows - segment < SEGMENT_ELEMENTS ? rows - segment : SEGMENT_ELEMENTS;
        for (size_t column = 0; column < columns; column += TILE) {
            size_t tile_columns = columns - column < TILE ? columns - column : TILE;
            size_t corner = src_element + column * strides->src[last] + segment;
            for (size_t row = 0; row < segment_rows; row += TILE) {
                size_t tile_rows = segment_rows - row < TILE ? segment_rows - row : TILE;
                size_t to = dst_element + (segment + row) * strides->dst[0] + column;
                read_tile(work, work->dst + to * work->dst_element_bytes, strides->dst[0], corner + row, strides->src[last],
                          tile_rows, tile_columns);
            }
            for (size_t i = 0; i < tile_columns; i++)
                touch(work, corner + i * strides->src[last], segment_rows);
        }
    }
}

// Rank 2 or more. Walks over the axes between the first and the last, in the order of the file.
static void read_fortran_order(slice *work) {
    fortran_strides strides;
    int last = work->rank - 1;
    for (int axis = 0; axis <= last; axis++) {
        strides.shape[axis] = axis == work->axis ? work->count : work->shape[axis];
        strides.src[axis] = axis == 0 ? 1 : strides.src[axis - 1] * work->shape[axis - 1];
    }
    for (int axis = last; axis >= 0; axis--)
        strides.dst[axis] = axis == last ? 1 : strides.dst[axis + 1] * strides.shape[axis + 1];
    size_t index[OCLSTM_MAX_RANK] = {0};
    size_t src_element = work->axis < 0 ? 0 : work->first * strides.src[work->axis];
    size_t dst_element = 0;
    for (int axis = 0; axis < last;) {
        read_plane(work, &strides, src_element, dst_element);
        for (axis = 1; axis < last; axis++) {
            src_element += strides.src[axis];
            dst_element += strides.dst[axis];
            if (++index[axis] < strides.shape[axis])
                break;
            src_element -= index[axis] * strides.src[axis];
            dst_element -= index[axis] * strides.dst[axis];
            index[axis] = 0;
        }
    }
}

static void read_slice(slice *work, const oclstm_tensor *tensor, int axis) {
    work->axis = -1;
    for (int i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] == 1)
            continue;
        if (i == axis)
            work->axis = work->rank;
        work->shape[work->rank++] = (size_t)tensor->shape[i];
    }
    if (tensor->fortran_order && work->rank > 1)
        read_fortran_order(work);
    else
        read_c_order(work);
    model_page_drop_finish(&work->drop);
}

static oclstm_status check_tensor(const oclstm_tensors *file, const oclstm_tensor *tensor, size_t *offset, oclstm_error *error) {
    size_t bytes = 0;
    uintptr_t start = (uintptr_t)file->bytes;
    uintptr_t data = (uintptr_t)tensor->data;
    bool described = tensor->rank >= 0 && tensor->rank <= OCLSTM_MAX_RANK &&
                     checked_array_bytes(tensor->shape, tensor->rank, oclstm_dtype_size_bytes(tensor->dtype), &bytes) &&
                     bytes == tensor->size_bytes;
    if (!described || data < start || data - start > file->size_bytes || bytes > file->size_bytes - (data - start))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tensor_read: the tensor is not of the file '%s'", file->path);
    *offset = data - start;
    return OCLSTM_OK;
}

static oclstm_status check_range(const oclstm_tensor *tensor, int axis, int64_t first, int64_t count, oclstm_error *error) {
    if (tensor->rank > 0 && (axis < 0 || axis >= tensor->rank))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "tensor '%s': axis %d, expected 0 to %d", name_to_text(tensor->name).text,
                         axis, tensor->rank - 1);
    int64_t extent = tensor->rank == 0 ? 1 : tensor->shape[axis];
    if (first < 0 || count < 0 || first > extent || count > extent - first)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "tensor '%s': %" PRId64 " indices from %" PRId64 " along axis %d do not lie in its shape %s",
                         name_to_text(tensor->name).text, count, first, axis, shape_to_text(tensor->shape, tensor->rank).text);
    return OCLSTM_OK;
}

oclstm_status oclstm_tensor_read(const oclstm_tensors *file, const oclstm_tensor *tensor, int axis, int64_t first, int64_t count,
                                 oclstm_dtype dtype, void *dst, bool drop, oclstm_error *error) {
    if (file == NULL || tensor == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tensor_read: %s is NULL", file == NULL ? "file" : "tensor");
    size_t offset = 0;
    oclstm_status status = check_tensor(file, tensor, &offset, error);
    if (status == OCLSTM_OK)
        status = check_range(tensor, axis, first, count, error);
    if (status != OCLSTM_OK)
        return status;
    if (!model_dtype_is_float(tensor->dtype) || (dtype != OCLSTM_F32 && dtype != OCLSTM_F64))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "tensor '%s' is %s and is asked for as %s; floating-point types are read as float32 or float64",
                         name_to_text(tensor->name).text, oclstm_dtype_name(tensor->dtype), oclstm_dtype_name(dtype));
    if (tensor->size_bytes == 0 || count == 0)
        return OCLSTM_OK;
    if (dst == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tensor_read: dst is NULL");
    slice work = {
        .first = (size_t)first,
        .count = (size_t)count,
        .src_dtype = tensor->dtype,
        .dst_dtype = dtype,
        .src_element_bytes = oclstm_dtype_size_bytes(tensor->dtype),
        .dst_element_bytes = oclstm_dtype_size_bytes(dtype),
        .swapped = tensor->swapped,
        .src = tensor->data,
        .src_offset = offset,
        .dst = dst,
        .drop = {.enabled = drop, .map = file->bytes, .map_bytes = file->size_bytes},
    };
    read_slice(&work, tensor, axis);
    return OCLSTM_OK;
}
