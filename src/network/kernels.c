// SPDX-License-Identifier: Apache-2.0
#include "network/kernels.h"

// Work-items of a group; the kernels are right with any.
static const size_t wanted_local = 64;

oclstm_status network_kernels_make(network_kernels *out, oclstm_device *device, oclstm_dtype dtype, oclstm_error *error) {
    static const char *const names[NETWORK_KERNELS] = {"network_embed",   "network_linear", "network_activate",
                                                       "network_softmax", "network_place",  "network_keep"};
    cl_program program = NULL;
    *out = (network_kernels){.device = device};
    oclstm_status status = device_program_get(&program, device, "network.cl", device_dtype_options(device, dtype), error);
    for (int i = 0; i < NETWORK_KERNELS && status == OCLSTM_OK; i++)
        status = device_kernel_create(&out->kernels[i], device, program, names[i], &out->max_group[i], error);
    if (status != OCLSTM_OK)
        network_kernels_release(out);
    return status;
}

void network_kernels_release(network_kernels *kernels) {
    for (int i = 0; i < NETWORK_KERNELS; i++)
        device_kernel_release(&kernels->kernels[i]);
}

static oclstm_status launch(const network_kernels *k, int which, size_t count0, size_t count1, oclstm_error *error) {
    const device_grid grid = device_grid_make(k->device, k->max_group[which], wanted_local, count0, count1, 1);
    return device_launch(k->device, k->kernels[which], &grid, error);
}

oclstm_status network_embed(const network_kernels *k, cl_mem tokens, cl_mem weight, cl_mem y, size_t rows, size_t features,
                            oclstm_error *error) {
    const cl_uint rows_arg = (cl_uint)rows, features_arg = (cl_uint)features;
    oclstm_status status = device_set_args(k->device, k->kernels[KERNEL_EMBED], 0, error, DEVICE_ARG(tokens), DEVICE_ARG(weight),
                                           DEVICE_ARG(y), DEVICE_ARG(rows_arg), DEVICE_ARG(features_arg), (size_t)0);
    return status == OCLSTM_OK ? launch(k, KERNEL_EMBED, features, rows, error) : status;
}

oclstm_status network_linear(const network_kernels *k, network_matrix x, cl_mem weight_t, cl_mem bias, network_matrix y,
                             size_t rows, size_t inputs, size_t outputs, oclstm_error *error) {
    const cl_uint x_offset = (cl_uint)x.offset, y_offset = (cl_uint)y.offset, rows_arg = (cl_uint)rows,
                  inputs_arg = (cl_uint)inputs, outputs_arg = (cl_uint)outputs;
    oclstm_status status = device_set_args(k->device, k->kernels[KERNEL_LINEAR], 0, error, DEVICE_ARG(x.mem), DEVICE_ARG(x_offset),
                                           DEVICE_ARG(weight_t), DEVICE_ARG(bias), DEVICE_ARG(y.mem), DEVICE_ARG(y_offset),
                                           DEVICE_ARG(rows_arg), DEVICE_ARG(inputs_arg), DEVICE_ARG(outputs_arg), (size_t)0);
    return status == OCLSTM_OK ? launch(k, KERNEL_LINEAR, outputs, rows, error) : status;
}

oclstm_status network_activate(const network_kernels *k, cl_mem y, size_t count, bool sigmoid, oclstm_error *error) {
    const cl_uint count_arg = (cl_uint)count;
    const cl_int kind = sigmoid ? 1 : 0;
    oclstm_status status = device_set_args(k->device, k->kernels[KERNEL_ACTIVATE], 0, error, DEVICE_ARG(y), DEVICE_ARG(count_arg),
                                           DEVICE_ARG(kind), (size_t)0);
    return status == OCLSTM_OK ? launch(k, KERNEL_ACTIVATE, count, 1, error) : status;
}

oclstm_status network_softmax(const network_kernels *k, cl_mem y, size_t rows, size_t features, oclstm_error *error) {
    const cl_uint rows_arg = (cl_uint)rows, features_arg = (cl_uint)features;
    oclstm_status status = device_set_args(k->device, k->kernels[KERNEL_SOFTMAX], 0, error, DEVICE_ARG(y), DEVICE_ARG(rows_arg),
                                           DEVICE_ARG(features_arg), (size_t)0);
    return status == OCLSTM_OK ? launch(k, KERNEL_SOFTMAX, rows, 1, error) : status;
}

oclstm_status network_place(const network_kernels *k, const network_placing *p, oclstm_error *error) {
    const cl_uint steps = (cl_uint)p->steps, batch = (cl_uint)p->batch, features = (cl_uint)p->features,
                  dst_features = (cl_uint)p->dst_features, column = (cl_uint)p->column;
    const cl_int reversed = p->reversed;
    oclstm_status status = device_set_args(k->device, k->kernels[KERNEL_PLACE], 0, error, DEVICE_ARG(p->src), DEVICE_ARG(p->dst),
                                           DEVICE_ARG(p->lengths), DEVICE_ARG(steps), DEVICE_ARG(batch), DEVICE_ARG(features),
                                           DEVICE_ARG(dst_features), DEVICE_ARG(column), DEVICE_ARG(reversed), (size_t)0);
    return status == OCLSTM_OK ? launch(k, KERNEL_PLACE, p->features, p->steps * p->batch, error) : status;
}

oclstm_status network_keep(const network_kernels *k, cl_mem state, cl_mem kept, size_t offset, cl_mem lengths, size_t end,
                           size_t batch, size_t features, oclstm_error *error) {
    const cl_uint offset_arg = (cl_uint)offset, batch_arg = (cl_uint)batch, features_arg = (cl_uint)features;
    const cl_int end_arg = (cl_int)end;
    oclstm_status status =
        device_set_args(k->device, k->kernels[KERNEL_KEEP], 0, error, DEVICE_ARG(state), DEVICE_ARG(kept), DEVICE_ARG(offset_arg),
                        DEVICE_ARG(lengths), DEVICE_ARG(end_arg), DEVICE_ARG(batch_arg), DEVICE_ARG(features_arg), (size_t)0);
    return status == OCLSTM_OK ? launch(k, KERNEL_KEEP, features, batch, error) : status;
}
