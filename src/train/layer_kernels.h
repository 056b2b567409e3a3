// SPDX-License-Identifier: Apache-2.0
// The launches of cl/train_layers.cl. None waits.
#ifndef OCLSTM_TRAIN_LAYER_KERNELS_H
#define OCLSTM_TRAIN_LAYER_KERNELS_H

#include "train/train_engine.h"

enum {
    LAYER_EMBED,
    LAYER_EMBED_BACK,
    LAYER_ACTIVATE,
    LAYER_ACTIVATE_BACK,
    LAYER_TURN,
    LAYER_ADD_ROWS,
    LAYER_COLUMN_SUMS,
    LAYER_KERNELS
};

typedef struct train_layer_kernels {
    oclstm_device *device; // not held
    cl_kernel kernels[LAYER_KERNELS];
    size_t max_group[LAYER_KERNELS];
    size_t sum_columns; // COLUMNS of cl/train_layers.cl
} train_layer_kernels;

oclstm_status train_layer_kernels_make(train_layer_kernels *out, oclstm_device *device, oclstm_dtype dtype, oclstm_error *error);
void train_layer_kernels_release(train_layer_kernels *kernels);

oclstm_status train_embed(const train_layer_kernels *k, cl_mem tokens, train_matrix weight, cl_mem y, size_t rows, size_t features,
                          oclstm_error *error);
oclstm_status train_embed_back(const train_layer_kernels *k, train_matrix dy, cl_mem order, cl_mem starts, train_matrix dweight,
                               bool accumulate, size_t vocabulary, size_t features, oclstm_error *error);
oclstm_status train_activate(const train_layer_kernels *k, train_matrix x, cl_mem y, size_t count, bool sigmoid,
                             oclstm_error *error);
oclstm_status train_activate_back(const train_layer_kernels *k, cl_mem y, train_matrix dy, size_t count, bool sigmoid,
                                  oclstm_error *error);

// See the kernel. lengths NULL: all steps.
typedef struct train_turning {
    train_matrix src, dst;
    size_t src_features, src_column, dst_features, dst_column;
    cl_mem lengths;
    bool reversed, accumulate;
    size_t steps, batch, features;
} train_turning;
oclstm_status train_turn(const train_layer_kernels *k, const train_turning *turning, oclstm_error *error);

oclstm_status train_add_rows(const train_layer_kernels *k, cl_mem weights, size_t a, size_t b, cl_mem out, size_t count,
                             oclstm_error *error);
// twin may be the offset of out itself.
oclstm_status train_column_sums(const train_layer_kernels *k, train_matrix a, train_matrix out, size_t twin, bool accumulate,
                                size_t rows, size_t columns, oclstm_error *error);

#endif
