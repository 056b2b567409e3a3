// SPDX-License-Identifier: Apache-2.0
// What the files of the matmul layer share.
#ifndef OCLSTM_MATMUL_MATMUL_PRIVATE_H
#define OCLSTM_MATMUL_MATMUL_PRIVATE_H

#include "device/tuned.h"
#include "matmul/matmul.h"

#include <clblast_c.h>

// CLBlast's routines, each with its own programs: GEMM, and GEMV for a product with one row.
typedef enum matmul_routine { MATMUL_GEMM, MATMUL_GEMV } matmul_routine;

static inline matmul_routine matmul_routine_of(size_t m) { return m == 1 ? MATMUL_GEMV : MATMUL_GEMM; }

// Fills the record for a failed CLBlast call.
oclstm_status matmul_fail(oclstm_error *error, const oclstm_device *device, CLBlastStatusCode code, const char *call,
                          const matmul_shape *shape);

// Calls CLBlast once under a lock of the process if this device has not yet used the routine in this dtype, and waits for it.
oclstm_status matmul_first_use(oclstm_device *device, oclstm_dtype dtype, matmul_routine routine, oclstm_error *error);

// Gives CLBlast the parameters that the device's tuned settings hold for a routine's kernels in a dtype. Under the first-use lock.
void matmul_apply_tuned(oclstm_device *device, oclstm_dtype dtype, matmul_routine routine);

// The product itself on a queue, without a look at the sizes or the first use.
oclstm_status matmul_call(oclstm_device *device, cl_command_queue queue, const matmul_shape *shape, matmul_operand a,
                          matmul_operand b, matmul_operand c, cl_mem temporary, oclstm_error *error);

#endif
