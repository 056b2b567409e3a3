// SPDX-License-Identifier: Apache-2.0
#include "matmul/matmul.h"

#include "base/checked.h"
#include "base/error.h"
#include "matmul/matmul_private.h"

// What CLBlast 1.5.3's default parameters ask for: 256 work-items (32 x 8) to pad a matrix, 128 for the product, 64 x 1 for
// GEMV; two tiles of 32 x 32 in local memory. It has no call that tells.
const device_needs matmul_needs = {
    .dtypes = DEVICE_DTYPE(OCLSTM_F32) | DEVICE_DTYPE(OCLSTM_F64),
    .no_other_dtypes = "CLBlast accumulates a product of float16 in float16, and has none of bfloat16",
    .group_items = 256,
    .group_sizes = {64, 16},
    .local_elements = 2 * 32 * 32,
    .compiler = true,
};

bool matmul_supported(const device_limits *limits, oclstm_dtype dtype, char *why, size_t capacity) {
    return device_meets(limits, &matmul_needs, dtype, why, capacity);
}

// --- sizes ------------------------------------------------------------------------------------------------------------

// CLBlast's kernels count elements in int.
static bool fits_kernel_index(size_t offset, size_t rows, size_t columns, size_t stride) {
    size_t end;
    return rows > 0 && checked_mul(rows - 1, stride, &end) && checked_add(end, columns, &end) && checked_add(end, offset, &end) &&
           end <= MATMUL_MAX_ELEMENTS;
}

oclstm_status matmul_check(const matmul_shape *shape, size_t offset_a, size_t offset_b, size_t offset_c, oclstm_error *error) {
    const bool a_turned = shape->form == MATMUL_TN, b_turned = shape->form != MATMUL_NT;
    if (fits_kernel_index(offset_a, a_turned ? shape->k : shape->m, a_turned ? shape->m : shape->k, shape->lda) &&
        fits_kernel_index(offset_b, b_turned ? shape->k : shape->n, b_turned ? shape->n : shape->k, shape->ldb) &&
        fits_kernel_index(offset_c, shape->m, shape->n, shape->ldc))
        return OCLSTM_OK;
    return base_fail(
        error, OCLSTM_UNSUPPORTED,
        "a product of %zu x %zu by %zu x %zu reaches beyond element %zu of a buffer, the last that CLBlast's kernels can "
        "address; use a smaller batch, fewer steps at a time, or the portable engine",
        shape->m, shape->k, shape->k, shape->n, MATMUL_MAX_ELEMENTS);
}

// --- calls ------------------------------------------------------------------------------------------------------------

// All three operands, padded to tiles, of which the largest there are have 128 rows; tiles of other forms pad a little beyond that.
size_t matmul_most_temporary(const matmul_shape *shape) {
    const size_t tile = 128, more = 32, sizes[] = {shape->m, shape->n, shape->k};
    size_t padded[3], sum = 0, part;
    if (matmul_routine_of(shape->m) == MATMUL_GEMV)
        return 0;
    for (int i = 0; i < 3; i++) {
        if (!checked_add(sizes[i], tile + more, &padded[i]))
            return SIZE_MAX;
        padded[i] = (sizes[i] + tile - 1) / tile * tile + more;
    }
    for (int i = 0; i < 3; i++) {
        if (!checked_mul(padded[i], padded[(i + 1) % 3], &part) || !checked_add(sum, part, &sum))
            return SIZE_MAX;
    }
    return sum;
}

// CLBlast is asked for the transposed product, C^T = op(B)^T op(A)^T, in column-major order: the same memory, and its kernel 0 then writes C where it is,
// without the two transposed copies of it that row-major order takes. Its first operand is B, its second A.
static CLBlastTranspose first_of(const matmul_shape *shape) {
    return shape->form == MATMUL_NT ? CLBlastTransposeYes : CLBlastTransposeNo;
}
static CLBlastTranspose second_of(const matmul_shape *shape) {
    return shape->form == MATMUL_TN ? CLBlastTransposeYes : CLBlastTransposeNo;
}

static CLBlastStatusCode ask_gemm_temporary(size_t *temporary_bytes, cl_command_queue queue, const matmul_shape *shape) {
    // The most for the shape: with an offset of 0 and sizes of whole tiles CLBlast leaves a copy out, which a later call may need.
    const size_t offset = 1;
    const CLBlastTranspose first = first_of(shape), second = second_of(shape);
    if (shape->dtype == OCLSTM_F64)
        return CLBlastDGemmTempBufferSize(CLBlastLayoutColMajor, first, second, shape->n, shape->m, shape->k, offset, shape->ldb,
                                          offset, shape->lda, offset, shape->ldc, &queue, temporary_bytes);
    return CLBlastSGemmTempBufferSize(CLBlastLayoutColMajor, first, second, shape->n, shape->m, shape->k, offset, shape->ldb,
                                      offset, shape->lda, offset, shape->ldc, &queue, temporary_bytes);
}

oclstm_status matmul_prepare(oclstm_device *device, const matmul_shape *shape, size_t *temporary_bytes, oclstm_error *error) {
    matmul_routine routine = matmul_routine_of(shape->m);
    *temporary_bytes = 0;
    oclstm_status status = matmul_check(shape, 0, 0, 0, error);
    if (status == OCLSTM_OK)
        status = matmul_first_use(device, shape->dtype, routine, error);
    if (status != OCLSTM_OK || routine == MATMUL_GEMV)
        return status;
    CLBlastStatusCode code = ask_gemm_temporary(temporary_bytes, device_get_queue(device), shape);
    if (code != CLBlastSuccess)
        return matmul_fail(error, device, code, "CLBlastGemmTempBufferSize", shape);
    if (*temporary_bytes / oclstm_dtype_size_bytes(shape->dtype) > MATMUL_MAX_ELEMENTS)
        return base_fail(
            error, OCLSTM_UNSUPPORTED,
            "CLBlast's copies for a product of %zu x %zu by %zu x %zu take more than the %zu elements that its kernels can "
            "address; use a smaller batch, fewer steps at a time, or the portable engine",
            shape->m, shape->k, shape->k, shape->n, MATMUL_MAX_ELEMENTS);
    return OCLSTM_OK;
}

// With beta 0 its kernels do not look at C.
static oclstm_status call_gemm(oclstm_device *device, cl_command_queue queue, const matmul_shape *shape, matmul_operand a,
                               matmul_operand b, matmul_operand c, cl_mem temporary, oclstm_error *error) {
    const CLBlastTranspose first = first_of(shape), second = second_of(shape);
    const float beta = shape->overwrite ? 0.0F : 1.0F;
    if (shape->dtype == OCLSTM_F64) {
        CLBlastStatusCode code = CLBlastDgemmWithTempBuffer(CLBlastLayoutColMajor, first, second, shape->n, shape->m, shape->k, 1.0,
                                                            b.mem, b.offset, shape->ldb, a.mem, a.offset, shape->lda, (double)beta,
                                                            c.mem, c.offset, shape->ldc, &queue, NULL, temporary);
        return code == CLBlastSuccess ? OCLSTM_OK : matmul_fail(error, device, code, "CLBlastDgemmWithTempBuffer", shape);
    }
    CLBlastStatusCode code = CLBlastSgemmWithTempBuffer(CLBlastLayoutColMajor, first, second, shape->n, shape->m, shape->k, 1.0F,
                                                        b.mem, b.offset, shape->ldb, a.mem, a.offset, shape->lda, beta, c.mem,
                                                        c.offset, shape->ldc, &queue, NULL, temporary);
    return code == CLBlastSuccess ? OCLSTM_OK : matmul_fail(error, device, code, "CLBlastSgemmWithTempBuffer", shape);
}

// One row: c[n] += op(B) a. Of the two ways to call a matrix with m rows or its transpose CLBlast 1.5.3 is right only in that without: it chooses its fast
// kernels by the sizes before transposing. A of form TN is a column, its elements lda apart.
static oclstm_status call_gemv(oclstm_device *device, cl_command_queue queue, const matmul_shape *shape, matmul_operand a,
                               matmul_operand b, matmul_operand c, oclstm_error *error) {
    const CLBlastLayout layout = shape->form == MATMUL_NT ? CLBlastLayoutRowMajor : CLBlastLayoutColMajor;
    const size_t a_step = shape->form == MATMUL_TN ? shape->lda : 1;
    if (shape->dtype == OCLSTM_F64) {
        CLBlastStatusCode code = CLBlastDgemv(layout, CLBlastTransposeNo, shape->n, shape->k, 1.0, b.mem, b.offset, shape->ldb,
                                              a.mem, a.offset, a_step, 1.0, c.mem, c.offset, 1, &queue, NULL);
        return code == CLBlastSuccess ? OCLSTM_OK : matmul_fail(error, device, code, "CLBlastDgemv", shape);
    }
    CLBlastStatusCode code = CLBlastSgemv(layout, CLBlastTransposeNo, shape->n, shape->k, 1.0F, b.mem, b.offset, shape->ldb, a.mem,
                                          a.offset, a_step, 1.0F, c.mem, c.offset, 1, &queue, NULL);
    return code == CLBlastSuccess ? OCLSTM_OK : matmul_fail(error, device, code, "CLBlastSgemv", shape);
}

// beta is 1, so C's NaN and infinity stay; the zeros that CLBlast pads with meet only zeros or columns that are thrown
// away, so infinity in A or B makes no NaN of its own.
oclstm_status matmul_call(oclstm_device *device, cl_command_queue queue, const matmul_shape *shape, matmul_operand a,
                          matmul_operand b, matmul_operand c, cl_mem temporary, oclstm_error *error) {
    if (matmul_routine_of(shape->m) == MATMUL_GEMV)
        return call_gemv(device, queue, shape, a, b, c, error);
    return call_gemm(device, queue, shape, a, b, c, temporary, error);
}

// GEMV multiplies what lies in C by beta also where that is 0.
static oclstm_status clear_row(oclstm_device *device, const matmul_shape *shape, matmul_operand c, oclstm_error *error) {
    const size_t element = oclstm_dtype_size_bytes(shape->dtype);
    return device_fill_zero(device, c.mem, c.offset * element, shape->n * element, error);
}

oclstm_status matmul_enqueue(oclstm_device *device, const matmul_shape *shape, matmul_operand a, matmul_operand b, matmul_operand c,
                             cl_mem temporary, oclstm_error *error) {
    oclstm_status status = matmul_check(shape, a.offset, b.offset, c.offset, error);
    if (status == OCLSTM_OK)
        status = matmul_first_use(device, shape->dtype, matmul_routine_of(shape->m), error);
    if (status == OCLSTM_OK && shape->overwrite && matmul_routine_of(shape->m) == MATMUL_GEMV)
        status = clear_row(device, shape, c, error);
    if (status == OCLSTM_OK)
        status = matmul_call(device, device_get_queue(device), shape, a, b, c, temporary, error);
    return status;
}
