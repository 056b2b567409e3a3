// SPDX-License-Identifier: Apache-2.0
// Matrix products through CLBlast. The one seam: nothing else in the library knows CLBlast.
//
//     C[m][n] += A[m][k] * B[n][k]^T        row-major, leading dimensions in elements, beta = 1
//
// That is the form of both products of an LSTM: x * W_ih^T and h * W_hh^T accumulate on the biases. Training has two more, the way back through weights
// and the gradients of weights: see matmul_form. For m == 1 a matrix-vector product is used (CLBlast's GEMM takes several times as long there).
//
// Thread-safety: as the device layer. CLBlast 1.5.3 races on its first use for a context and precision, so that one is serialised.
//
// CLBlast prints to standard error when OpenCL fails inside it, and offers no way to stop that: sizes and limits are
// checked before it is called.
#ifndef OCLSTM_MATMUL_MATMUL_H
#define OCLSTM_MATMUL_MATMUL_H

#include "device/device_needs.h"
#include "device/tuned.h"

// The last element of a buffer that a product may touch, offset included: CLBlast's kernels count in int.
#define MATMUL_MAX_ELEMENTS ((size_t)INT32_MAX)

// How A and B lie in memory.
typedef enum matmul_form {
    MATMUL_NT, // A[m][k], B[n][k]: C += A B^T
    MATMUL_NN, // A[m][k], B[k][n]: C += A B
    MATMUL_TN  // A[k][m], B[k][n]: C += A^T B
} matmul_form;

// A product's shape. Sizes in elements, at least 1.
typedef struct matmul_shape {
    oclstm_dtype dtype; // F32 or F64
    size_t m, n, k;
    size_t lda, ldb, ldc; // of the matrices as they lie
    matmul_form form;
    bool overwrite; // C = instead of C +=: what lies in C before, NaN included, plays no part
} matmul_shape;

// A matrix in a buffer: the element where it starts.
typedef struct matmul_operand {
    cl_mem mem;
    size_t offset;
} matmul_operand;

// What CLBlast needs of a device.
extern const device_needs matmul_needs;

// Can CLBlast run here? Writes the reason into `why` (at least 128 bytes) when not.
bool matmul_supported(const device_limits *limits, oclstm_dtype dtype, char *why, size_t capacity);

// Are all operands within what CLBlast can address? matmul_enqueue() asks itself.
oclstm_status matmul_check(const matmul_shape *shape, size_t offset_a, size_t offset_b, size_t offset_c, oclstm_error *error);

// Everything slow: the size of the temporary buffer that matmul_enqueue() needs for this shape (0 = none), and, on the
// first use for a device and dtype, CLBlast's compilation (seconds on a cold PoCL). Waits for that.
oclstm_status matmul_prepare(oclstm_device *device, const matmul_shape *shape, size_t *temporary_bytes, oclstm_error *error);

// Elements of the temporary buffer that any parameters of CLBlast may ask for, from m, n and k alone; asks CLBlast nothing.
size_t matmul_most_temporary(const matmul_shape *shape);

// Enqueues the product on the device's queue. temporary: at least what matmul_prepare() said, NULL when that was 0. Does not wait.
oclstm_status matmul_enqueue(oclstm_device *device, const matmul_shape *shape, matmul_operand a, matmul_operand b, matmul_operand c,
                             cl_mem temporary, oclstm_error *error);

// Gives CLBlast the parameters of one of its kernels on this device from now on. Not while another thread uses CLBlast on the device. UNSUPPORTED where
// the kernel cannot have them here.
oclstm_status matmul_override(oclstm_device *device, const tuned_clblast *kernel, oclstm_error *error);

// Lets the next use be the first again: it gives CLBlast what the device's tuned settings then hold. Not while another thread uses CLBlast on
// the device.
void matmul_begin_anew(oclstm_device *device, oclstm_dtype dtype);

// Does CLBlast still have its own parameters for products on this device, in this process?
bool matmul_has_own_defaults(oclstm_device *device, oclstm_dtype dtype);

#endif
