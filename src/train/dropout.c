// SPDX-License-Identifier: Apache-2.0
#include "train/dropout.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/train_sum.h"

struct train_dropout {
    oclstm_device *device; // not held
    oclstm_dtype dtype;
    cl_kernel kernel;
    size_t max_group;
    uint64_t seed;
    double keep; // 1 - p
};

oclstm_status train_dropout_create(train_dropout **out, oclstm_device *device, oclstm_dtype dtype, uint64_t seed, double p,
                                   oclstm_error *error) {
    cl_program program = NULL;
    train_dropout *dropout = base_alloc(1, sizeof *dropout);
    *out = NULL;
    if (dropout == NULL)
        return base_fail_memory(error, sizeof *dropout, "dropout");
    *dropout = (train_dropout){.device = device, .dtype = dtype, .seed = seed, .keep = 1 - p};
    oclstm_status status = device_program_get(&program, device, "train_dropout.cl", device_dtype_options(device, dtype), error);
    if (status == OCLSTM_OK)
        status = device_kernel_create(&dropout->kernel, device, program, "train_dropout", &dropout->max_group, error);
    if (status != OCLSTM_OK)
        train_dropout_destroy(&dropout);
    *out = dropout;
    return status;
}

void train_dropout_destroy(train_dropout **dropout) {
    if (dropout == NULL || *dropout == NULL)
        return;
    device_kernel_release(&(*dropout)->kernel);
    free(*dropout);
    *dropout = NULL;
}

oclstm_status train_dropout_enqueue(train_dropout *dropout, train_matrix from, train_matrix to, size_t count, unsigned layer,
                                    uint64_t step, oclstm_error *error) {
    const size_t most = INT32_MAX; // counted in 32 bits, work-items beyond the last included
    if (count > most || from.offset > most || to.offset > most)
        return base_fail(error, OCLSTM_UNSUPPORTED,
                         "dropout over %zu elements: at most %zu can be counted; use a smaller batch or fewer steps", count, most);
    const cl_uint from_offset = (cl_uint)from.offset, to_offset = (cl_uint)to.offset, count_arg = (cl_uint)count, layer_arg = layer,
                  step_low = (cl_uint)step, step_high = (cl_uint)(step >> 32), key0 = (cl_uint)dropout->seed,
                  key1 = (cl_uint)(dropout->seed >> 32), last = (cl_uint)(ceil(dropout->keep * 0x1p32) - 1);
    const train_real keep = train_real_of(dropout->dtype, dropout->keep);
    oclstm_status status = device_set_args(
        dropout->device, dropout->kernel, 0, error, DEVICE_ARG(from.mem), DEVICE_ARG(from_offset), DEVICE_ARG(to.mem),
        DEVICE_ARG(to_offset), DEVICE_ARG(count_arg), DEVICE_ARG(layer_arg), DEVICE_ARG(step_low), DEVICE_ARG(step_high),
        DEVICE_ARG(key0), DEVICE_ARG(key1), DEVICE_ARG(last), TRAIN_REAL_ARG(keep), (size_t)0);
    if (status != OCLSTM_OK)
        return status;
    const device_grid grid = device_grid_make(dropout->device, dropout->max_group, TRAIN_LOCAL, (count + 3) / 4, 1, 1);
    return device_launch(dropout->device, dropout->kernel, &grid, error);
}
