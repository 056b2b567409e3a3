// SPDX-License-Identifier: Apache-2.0
#include "train/layer_kernels.h"

#include "base/error.h"

// Work-items of a group; the kernels are right with any.
static const size_t wanted_local = 64;

oclstm_status train_layer_kernels_make(train_layer_kernels *out, oclstm_device *device, oclstm_dtype dtype, oclstm_error *error) {
    static const char *const names[LAYER_KERNELS] = {"train_embed", "train_embed_back", "train_activate",   "train_activate_back",
                                                     "train_turn",  "train_add_rows",   "train_column_sums"};
    const bool is_cpu = device_get_limits(device)->kind == OCLSTM_DEVICE_CPU;
    cl_program program = NULL;
    char options[200] = "";
    *out = (train_layer_kernels){.device = device, .sum_columns = is_cpu ? 64 : 1};
    base_append(options, sizeof options, "%s -D COLUMNS=%zuu", device_dtype_options(device, dtype), out->sum_columns);
    oclstm_status status = device_program_get(&program, device, "train_layers.cl", options, error);
    for (int i = 0; i < LAYER_KERNELS && status == OCLSTM_OK; i++)
        status = device_kernel_create(&out->kernels[i], device, program, names[i], &out->max_group[i], error);
    return status;
}

void train_layer_kernels_release(train_layer_kernels *kernels) {
    for (int i = 0; i < LAYER_KERNELS; i++)
        device_kernel_release(&kernels->kernels[i]);
}

static oclstm_status launch(const train_layer_kernels *k, int which, size_t count0, size_t count1, oclstm_error *error) {
    const device_grid grid = device_grid_make(k->device, k->max_group[which], wanted_local, count0, count1, 1);
    return device_launch(k->device, k->kernels[which], &grid, error);
}

oclstm_status train_embed(const train_layer_kernels *k, cl_mem tokens, train_matrix weight, cl_mem y, size_t rows, size_t features,
                          oclstm_error *error) {
    const cl_uint offset = (cl_uint)weight.offset, rows_arg = (cl_uint)rows, features_arg = (cl_uint)features;
    oclstm_status status =
        device_set_args(k->device, k->kernels[LAYER_EMBED], 0, error, DEVICE_ARG(tokens), DEVICE_ARG(weight.mem),
                        DEVICE_ARG(offset), DEVICE_ARG(y), DEVICE_ARG(rows_arg), DEVICE_ARG(features_arg), (size_t)0);
    return status == OCLSTM_OK ? launch(k, LAYER_EMBED, features, rows, error) : status;
}

oclstm_status train_embed_back(const train_layer_kernels *k, train_matrix dy, cl_mem order, cl_mem starts, train_matrix dweight,
                               bool accumulate, size_t vocabulary, size_t features, oclstm_error *error) {
    const cl_uint dy_offset = (cl_uint)dy.offset, offset = (cl_uint)dweight.offset, vocabulary_arg = (cl_uint)vocabulary,
                  features_arg = (cl_uint)features;
    const cl_int accumulate_arg = accumulate;
    oclstm_status status =
        device_set_args(k->device, k->kernels[LAYER_EMBED_BACK], 0, error, DEVICE_ARG(dy.mem), DEVICE_ARG(dy_offset),
                        DEVICE_ARG(order), DEVICE_ARG(starts), DEVICE_ARG(dweight.mem), DEVICE_ARG(offset),
                        DEVICE_ARG(accumulate_arg), DEVICE_ARG(vocabulary_arg), DEVICE_ARG(features_arg), (size_t)0);
    return status == OCLSTM_OK ? launch(k, LAYER_EMBED_BACK, features, vocabulary, error) : status;
}

oclstm_status train_activate(const train_layer_kernels *k, train_matrix x, cl_mem y, size_t count, bool sigmoid,
                             oclstm_error *error) {
    const cl_uint offset = (cl_uint)x.offset, count_arg = (cl_uint)count;
    const cl_int kind = sigmoid;
    oclstm_status status = device_set_args(k->device, k->kernels[LAYER_ACTIVATE], 0, error, DEVICE_ARG(x.mem), DEVICE_ARG(offset),
                                           DEVICE_ARG(y), DEVICE_ARG(count_arg), DEVICE_ARG(kind), (size_t)0);
    return status == OCLSTM_OK ? launch(k, LAYER_ACTIVATE, count, 1, error) : status;
}

oclstm_status train_activate_back(const train_layer_kernels *k, cl_mem y, train_matrix dy, size_t count, bool sigmoid,
                                  oclstm_error *error) {
    const cl_uint offset = (cl_uint)dy.offset, count_arg = (cl_uint)count;
    const cl_int kind = sigmoid;
    oclstm_status status = device_set_args(k->device, k->kernels[LAYER_ACTIVATE_BACK], 0, error, DEVICE_ARG(y), DEVICE_ARG(dy.mem),
                                           DEVICE_ARG(offset), DEVICE_ARG(count_arg), DEVICE_ARG(kind), (size_t)0);
    return status == OCLSTM_OK ? launch(k, LAYER_ACTIVATE_BACK, count, 1, error) : status;
}

oclstm_status train_turn(const train_layer_kernels *k, const train_turning *t, oclstm_error *error) {
    const cl_uint src_offset = (cl_uint)t->src.offset, src_features = (cl_uint)t->src_features, src_column = (cl_uint)t->src_column,
                  dst_offset = (cl_uint)t->dst.offset, dst_features = (cl_uint)t->dst_features, dst_column = (cl_uint)t->dst_column,
                  steps = (cl_uint)t->steps, batch = (cl_uint)t->batch, features = (cl_uint)t->features;
    const cl_int masked = t->lengths != NULL, reversed = t->reversed, accumulate = t->accumulate;
    const cl_mem lengths = t->lengths != NULL ? t->lengths : t->src.mem;
    oclstm_status status = device_set_args(
        k->device, k->kernels[LAYER_TURN], 0, error, DEVICE_ARG(t->src.mem), DEVICE_ARG(src_offset), DEVICE_ARG(src_features),
        DEVICE_ARG(src_column), DEVICE_ARG(t->dst.mem), DEVICE_ARG(dst_offset), DEVICE_ARG(dst_features), DEVICE_ARG(dst_column),
        DEVICE_ARG(lengths), DEVICE_ARG(masked), DEVICE_ARG(reversed), DEVICE_ARG(accumulate), DEVICE_ARG(steps), DEVICE_ARG(batch),
        DEVICE_ARG(features), (size_t)0);
    return status == OCLSTM_OK ? launch(k, LAYER_TURN, t->features, t->steps * t->batch, error) : status;
}

oclstm_status train_add_rows(const train_layer_kernels *k, cl_mem weights, size_t a, size_t b, cl_mem out, size_t count,
                             oclstm_error *error) {
    const cl_uint a_offset = (cl_uint)a, b_offset = (cl_uint)b, count_arg = (cl_uint)count;
    oclstm_status status =
        device_set_args(k->device, k->kernels[LAYER_ADD_ROWS], 0, error, DEVICE_ARG(weights), DEVICE_ARG(a_offset),
                        DEVICE_ARG(b_offset), DEVICE_ARG(out), DEVICE_ARG(count_arg), (size_t)0);
    return status == OCLSTM_OK ? launch(k, LAYER_ADD_ROWS, count, 1, error) : status;
}

oclstm_status train_column_sums(const train_layer_kernels *k, train_matrix a, train_matrix out, size_t twin, bool accumulate,
                                size_t rows, size_t columns, oclstm_error *error) {
    const cl_uint a_offset = (cl_uint)a.offset, out_offset = (cl_uint)out.offset, twin_offset = (cl_uint)twin,
                  rows_arg = (cl_uint)rows, columns_arg = (cl_uint)columns;
    const cl_int accumulate_arg = accumulate;
    oclstm_status status =
        device_set_args(k->device, k->kernels[LAYER_COLUMN_SUMS], 0, error, DEVICE_ARG(a.mem), DEVICE_ARG(a_offset),
                        DEVICE_ARG(out.mem), DEVICE_ARG(out_offset), DEVICE_ARG(twin_offset), DEVICE_ARG(accumulate_arg),
                        DEVICE_ARG(rows_arg), DEVICE_ARG(columns_arg), (size_t)0);
    if (status != OCLSTM_OK)
        return status;
    const device_grid grid = device_grid_make(k->device, k->max_group[LAYER_COLUMN_SUMS], k->sum_columns > 1 ? 1 : wanted_local,
                                              (columns + k->sum_columns - 1) / k->sum_columns, 1, 1);
    return device_launch(k->device, k->kernels[LAYER_COLUMN_SUMS], &grid, error);
}
