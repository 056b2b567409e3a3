// SPDX-License-Identifier: Apache-2.0
// CLBlast 1.5.3 races when two threads use it for the first time: its parameter database is filled without a lock, and two
// threads that compile the same program fail with CLBlastUnexpectedError ("object already in cache"). So the first use of each
// routine, for each device object and dtype, is a tiny product made here under a lock of the process. It also takes the
// compilation (seconds on a cold PoCL) out of the step loop.
#include <pthread.h>

#include "base/error.h"
#include "device/device_aside.h"
#include "matmul/matmul_private.h"

static pthread_mutex_t first_use_lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned mark_of(oclstm_dtype dtype, matmul_routine routine) {
    return (dtype == OCLSTM_F64 ? 1U : 0U) | (routine == MATMUL_GEMV ? 2U : 0U);
}

// Its cache keeps contexts alive. It is the process's: a program that also calls CLBlast itself only compiles again.
static void clear_cache(void) { (void)CLBlastClearCache(); }

// On a queue of its own: the device's may be held back by an event of the caller.
static oclstm_status run_tiny(oclstm_device *device, oclstm_dtype dtype, matmul_routine routine, oclstm_error *error) {
    enum { SIZE = 2, ELEMENTS = SIZE * SIZE };
    static const double zeros[3 * ELEMENTS];
    const matmul_shape shape = {
        .dtype = dtype, .m = routine == MATMUL_GEMV ? 1 : SIZE, .n = SIZE, .k = SIZE, .lda = SIZE, .ldb = SIZE, .ldc = SIZE};
    cl_mem mem = NULL;
    cl_command_queue queue = NULL;
    size_t size_bytes = 3 * ELEMENTS * oclstm_dtype_size_bytes(dtype);
    oclstm_status status = device_buffer_create(&mem, device, CL_MEM_READ_WRITE, size_bytes, "CLBlast's first use", error);
    if (status == OCLSTM_OK)
        status = device_aside_open(&queue, device, error);
    if (status == OCLSTM_OK)
        status = device_aside_write(device, queue, mem, zeros, size_bytes, error);
    if (status == OCLSTM_OK)
        status = matmul_call(device, queue, &shape, (matmul_operand){mem, 0}, (matmul_operand){mem, ELEMENTS},
                             (matmul_operand){mem, 2 * ELEMENTS}, NULL, error);
    if (status == OCLSTM_OK)
        status = device_aside_finish(device, queue, error);
    device_aside_close(&queue, status == OCLSTM_OK);
    device_buffer_release(device, &mem);
    return status;
}

oclstm_status matmul_first_use(oclstm_device *device, oclstm_dtype dtype, matmul_routine routine, oclstm_error *error) {
    unsigned mark = mark_of(dtype, routine);
    oclstm_status status = OCLSTM_OK;
    if (!device_needs_warmup(device, mark))
        return OCLSTM_OK;
    device_on_last_close(clear_cache);
    pthread_mutex_lock(&first_use_lock);
    if (device_needs_warmup(device, mark)) {
        matmul_apply_tuned(device, dtype, routine);
        status = run_tiny(device, dtype, routine, error);
        if (status == OCLSTM_OK)
            device_mark_warm(device, mark);
    }
    pthread_mutex_unlock(&first_use_lock);
    return status;
}

void matmul_begin_anew(oclstm_device *device, oclstm_dtype dtype) {
    device_clear_warm(device, mark_of(dtype, MATMUL_GEMM));
    device_clear_warm(device, mark_of(dtype, MATMUL_GEMV));
}
