// SPDX-License-Identifier: Apache-2.0
// Slices of a mapped tensor, as C order, native byte order, float32 or float64.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/shape.h"
#include "model/dtype_convert.h"
#include "model/name_text.h"
#include "model/tensors_file.h"

#define STAGE_BYTES     ((size_t)32 << 10)     // read before they are converted
#define CLOSE_BYTES     ((size_t)4 << 10)      // a distance up to which reading across costs less than another system call
#define COLUMNS         32                     // of a Fortran-order array that are turned round together
#define COLUMN_ELEMENTS 2048                   // of each
#define COLUMN_STRIDE   (COLUMN_ELEMENTS + 16) // apart in memory: no power of two, so that they do not share cache sets

// A slice that has passed the checks, and is not empty. Axes of extent 1 are left out: they move nothing.
typedef struct slice {
    const oclstm_tensors *file;
    int rank;
    size_t shape[OCLSTM_MAX_RANK]; // of the tensor
    int axis;                      // -1: the sliced axis has extent 1 and was left out
    size_t first, count;
    oclstm_dtype src_dtype, dst_dtype;
    size_t src_element_bytes, dst_element_bytes;
    bool swapped;
    bool drop;         // read by system calls, not through the mapping
    size_t src_offset; // of the tensor's data in the file
    unsigned char *dst;
    oclstm_error *error;
} slice;

// Converts `count` elements that lie together in the file.
static oclstm_status read_run(const slice *work, void *dst, size_t src_element, size_t count) {
    unsigned char stage[STAGE_BYTES];
    unsigned char *to = dst;
    size_t offset = work->src_offset + src_element * work->src_element_bytes;
    if (!work->drop) {
        model_convert(dst, work->dst_dtype, work->file->bytes + offset, work->src_dtype, work->swapped, count);
        return OCLSTM_OK;
    }
    if (work->src_dtype == work->dst_dtype && !work->swapped)
        return model_file_copy(work->file, offset, dst, count * work->src_element_bytes, work->error);
    while (count > 0) {
        size_t part = STAGE_BYTES / work->src_element_bytes;
        part = count < part ? count : part;
        oclstm_status status = model_file_copy(work->file, offset, stage, part * work->src_element_bytes, work->error);
        if (status != OCLSTM_OK)
            return status;
        model_convert(to, work->dst_dtype, stage, work->src_dtype, work->swapped, part);
        to += part * work->dst_element_bytes;
        offset += part * work->src_element_bytes;
        count -= part;
    }
    return OCLSTM_OK;
}

// `runs` runs of `count` elements, `stride` elements from each to the next.
static oclstm_status read_runs(const slice *work, size_t src_element, size_t runs, size_t count, size_t stride) {
    unsigned char stage[STAGE_BYTES];
    unsigned char *dst = work->dst;
    size_t stride_bytes = stride * work->src_element_bytes;
    // How many are read at once, with what lies between them; 1 where they lie far apart, or need not be read.
    size_t group = work->drop && stride_bytes <= CLOSE_BYTES ? STAGE_BYTES / stride_bytes : 1;
    oclstm_status status = OCLSTM_OK;
    for (size_t run = 0; status == OCLSTM_OK && run < runs; run += group) {
        if (group == 1) {
            status = read_run(work, dst, src_element + run * stride, count);
            dst += count * work->dst_element_bytes;
            continue;
        }
        size_t last = (runs - run < group ? runs - run : group) - 1;
        status = model_file_copy(work->file, work->src_offset + (src_element + run * stride) * work->src_element_bytes, stage,
                                 last * stride_bytes + count * work->src_element_bytes, work->error);
        for (size_t i = 0; status == OCLSTM_OK && i <= last; i++) {
            model_convert(dst, work->dst_dtype, stage + i * stride_bytes, work->src_dtype, work->swapped, count);
            dst += count * work->dst_element_bytes;
        }
    }
    return status;
}

static oclstm_status read_c_order(const slice *work) {
    size_t outer = 1;
    size_t inner = 1;
    for (int axis = 0; axis < work->rank; axis++) {
        if (axis < work->axis)
            outer *= work->shape[axis];
        else if (axis > work->axis)
            inner *= work->shape[axis];
    }
    size_t extent = work->axis < 0 ? 1 : work->shape[work->axis];
    if (work->count == extent)
        return read_run(work, work->dst, 0, outer * extent * inner);
    return read_runs(work, work->first * inner, outer, work->count * inner, extent * inner);
}

// Where the elements of a Fortran-order slice go. All axes but the last are walked in the order of the file, the first fastest;
// what belongs to one position of this walk, over the last axis, lies together in dst.
typedef struct fortran_walk {
    int axes; // that are walked
    size_t shape[OCLSTM_MAX_RANK];
    size_t dst_stride[OCLSTM_MAX_RANK]; // in elements
    size_t index[OCLSTM_MAX_RANK];
    size_t dst_element;
} fortran_walk;

static void advance(fortran_walk *walk) {
    for (int axis = 0; axis < walk->axes; axis++) {
        walk->dst_element += walk->dst_stride[axis];
        if (++walk->index[axis] < walk->shape[axis])
            return;
        walk->dst_element -= walk->shape[axis] * walk->dst_stride[axis];
        walk->index[axis] = 0;
    }
}

// Moves `rows` positions of the walk for `columns` neighbours of the last axis; stage holds them column by column.
static void scatter(const slice *work, fortran_walk *walk, size_t column, size_t columns, const unsigned char *stage, size_t rows) {
    size_t element_bytes = work->dst_element_bytes;
    for (size_t row = 0; row < rows; row++) {
        unsigned char *to = work->dst + (walk->dst_element + column) * element_bytes;
        const unsigned char *from = stage + row * element_bytes;
        for (size_t i = 0; i < columns; i++) {
            if (element_bytes == sizeof(float))
                memcpy(to + i * sizeof(float), from + i * COLUMN_STRIDE * sizeof(float), sizeof(float));
            else
                memcpy(to + i * sizeof(double), from + i * COLUMN_STRIDE * sizeof(double), sizeof(double));
        }
        advance(walk);
    }
}

typedef struct fortran_runs {
    size_t first, count, stride; // in elements: where they begin, how long each is, from one to the next
    size_t runs;
    size_t column_elements; // from one index of the last axis to the next
} fortran_runs;

// All runs of `columns` neighbours of the last axis, from `column` on.
static oclstm_status read_columns(const slice *work, fortran_walk *walk, const fortran_runs *runs, size_t src_element,
                                  size_t column, size_t columns, unsigned char *stage) {
    for (size_t run = 0; run < runs->runs; run++) {
        for (size_t done = 0; done < runs->count; done += COLUMN_ELEMENTS) {
            size_t rows = runs->count - done < COLUMN_ELEMENTS ? runs->count - done : COLUMN_ELEMENTS;
            size_t from = src_element + runs->first + run * runs->stride + done;
            for (size_t i = 0; i < columns; i++) {
                oclstm_status status =
                    read_run(work, stage + i * COLUMN_STRIDE * work->dst_element_bytes, from + i * runs->column_elements, rows);
                if (status != OCLSTM_OK)
                    return status;
            }
            scatter(work, walk, column, columns, stage, rows);
        }
    }
    return OCLSTM_OK;
}

// Rank 2 or more.
static oclstm_status read_fortran_order(const slice *work) {
    int last = work->rank - 1;
    fortran_walk walk = {.axes = last};
    fortran_runs runs = {.count = 1, .stride = 1, .runs = 1, .column_elements = 1};
    size_t columns = work->axis == last ? work->count : work->shape[last];
    size_t src_column = work->axis == last ? work->first : 0;
    for (int axis = 0; axis < last; axis++) {
        bool sliced = axis == work->axis;
        walk.shape[axis] = sliced ? work->count : work->shape[axis];
        runs.first += sliced ? work->first * runs.column_elements : 0;
        runs.column_elements *= work->shape[axis];
        if (axis <= work->axis || work->axis < 0 || work->axis == last) {
            runs.count *= walk.shape[axis];
            runs.stride = runs.column_elements;
        } else {
            runs.runs *= work->shape[axis];
        }
    }
    walk.dst_stride[last - 1] = columns;
    for (int axis = last - 2; axis >= 0; axis--)
        walk.dst_stride[axis] = walk.dst_stride[axis + 1] * walk.shape[axis + 1];
    unsigned char *stage = base_alloc(COLUMNS * COLUMN_STRIDE, work->dst_element_bytes);
    if (stage == NULL)
        return base_fail_memory(work->error, COLUMNS * COLUMN_STRIDE * work->dst_element_bytes, "turning Fortran order round");
    oclstm_status status = OCLSTM_OK;
    for (size_t column = 0; status == OCLSTM_OK && column < columns; column += COLUMNS) {
        size_t group = columns - column < COLUMNS ? columns - column : COLUMNS;
        status = read_columns(work, &walk, &runs, (src_column + column) * runs.column_elements, column, group, stage);
    }
    free(stage);
    return status;
}

static oclstm_status read_slice(slice *work, const oclstm_tensor *tensor, int axis) {
    work->axis = -1;
    for (int i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] == 1)
            continue;
        if (i == axis)
            work->axis = work->rank;
        work->shape[work->rank++] = (size_t)tensor->shape[i];
    }
    return tensor->fortran_order && work->rank > 1 ? read_fortran_order(work) : read_c_order(work);
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
    if (!model_dtype_is_float(tensor->dtype) || !model_dtype_is_float(dtype))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "tensor '%s' is %s and is asked for as %s; floating-point types are read as float32, float64, float16 or "
                         "bfloat16",
                         name_to_text(tensor->name).text, oclstm_dtype_name(tensor->dtype), oclstm_dtype_name(dtype));
    if (tensor->size_bytes == 0 || count == 0)
        return OCLSTM_OK;
    if (dst == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tensor_read: dst is NULL");
    slice work = {
        .file = file,
        .first = (size_t)first,
        .count = (size_t)count,
        .src_dtype = tensor->dtype,
        .dst_dtype = dtype,
        .src_element_bytes = oclstm_dtype_size_bytes(tensor->dtype),
        .dst_element_bytes = oclstm_dtype_size_bytes(dtype),
        .swapped = tensor->swapped,
        .drop = drop,
        .src_offset = offset,
        .dst = dst,
        .error = error,
    };
    return read_slice(&work, tensor, axis);
}
