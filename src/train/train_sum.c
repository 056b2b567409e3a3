// SPDX-License-Identifier: Apache-2.0
#include "train/train_sum.h"

enum { SUM_PER_PART = 64, SUM_AT_ONCE = 256 };

train_real train_real_of(oclstm_dtype dtype, double value) {
    train_real real = {dtype == OCLSTM_F64 ? sizeof(double) : sizeof(float), {0}};
    if (dtype == OCLSTM_F64)
        real.value.f64 = value;
    else
        real.value.f32 = (float)value;
    return real;
}

oclstm_status train_sum_make(train_sum *out, oclstm_device *device, oclstm_dtype dtype, cl_program program, oclstm_error *error) {
    *out = (train_sum){.device = device, .dtype = dtype};
    return device_kernel_create(&out->kernel, device, program, "train_sum", &out->max_group, error);
}

void train_sum_release(train_sum *sum) { device_kernel_release(&sum->kernel); }

static size_t parts_of(size_t count) { return (count + SUM_PER_PART - 1) / SUM_PER_PART; }

size_t train_sum_scratch(size_t count) {
    size_t all = 0;
    while (count > SUM_AT_ONCE) {
        count = parts_of(count);
        all += count;
    }
    return all;
}

static oclstm_status enqueue_parts(const train_sum *sum, train_matrix from, size_t count, size_t per, train_matrix to,
                                   double divisor, bool root, oclstm_error *error) {
    const cl_uint from_offset = (cl_uint)from.offset, count_arg = (cl_uint)count, per_arg = (cl_uint)per,
                  to_offset = (cl_uint)to.offset;
    const cl_int root_arg = root;
    const train_real divisor_arg = train_real_of(sum->dtype, divisor);
    oclstm_status status = device_set_args(sum->device, sum->kernel, 0, error, DEVICE_ARG(from.mem), DEVICE_ARG(from_offset),
                                           DEVICE_ARG(count_arg), DEVICE_ARG(per_arg), DEVICE_ARG(to.mem), DEVICE_ARG(to_offset),
                                           TRAIN_REAL_ARG(divisor_arg), DEVICE_ARG(root_arg), (size_t)0);
    if (status != OCLSTM_OK)
        return status;
    const device_grid grid = device_grid_make(sum->device, sum->max_group, TRAIN_LOCAL, (count + per - 1) / per, 1, 1);
    return device_launch(sum->device, sum->kernel, &grid, error);
}

oclstm_status train_sum_enqueue(const train_sum *sum, cl_mem scratch, size_t count, double divisor, bool root, train_matrix to,
                                oclstm_error *error) {
    train_matrix from = {scratch, 0};
    while (count > SUM_AT_ONCE) {
        const train_matrix parts = {scratch, from.offset + count};
        oclstm_status status = enqueue_parts(sum, from, count, SUM_PER_PART, parts, 1, false, error);
        if (status != OCLSTM_OK)
            return status;
        from = parts;
        count = parts_of(count);
    }
    return enqueue_parts(sum, from, count, count, to, divisor, root, error);
}
