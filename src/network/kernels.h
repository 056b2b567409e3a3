// SPDX-License-Identifier: Apache-2.0
// The launches of cl/network.cl. Matrices are time-major, without gaps; offsets in elements. None waits.
#ifndef OCLSTM_NETWORK_KERNELS_H
#define OCLSTM_NETWORK_KERNELS_H

#include "device/device.h"

enum { KERNEL_EMBED, KERNEL_LINEAR, KERNEL_ACTIVATE, KERNEL_SOFTMAX, KERNEL_PLACE, KERNEL_KEEP, NETWORK_KERNELS };

typedef struct network_kernels {
    oclstm_device *device; // not held: the network holds it
    cl_kernel kernels[NETWORK_KERNELS];
    size_t max_group[NETWORK_KERNELS];
} network_kernels;

oclstm_status network_kernels_make(network_kernels *out, oclstm_device *device, oclstm_dtype dtype, oclstm_error *error);
void network_kernels_release(network_kernels *kernels);

oclstm_status network_embed(const network_kernels *k, cl_mem tokens, cl_mem weight, cl_mem y, size_t rows, size_t features,
                            oclstm_error *error);

typedef struct network_matrix {
    cl_mem mem;
    size_t offset;
} network_matrix;

oclstm_status network_linear(const network_kernels *k, network_matrix x, cl_mem weight_t, cl_mem bias, network_matrix y,
                             size_t rows, size_t inputs, size_t outputs, oclstm_error *error);
oclstm_status network_activate(const network_kernels *k, cl_mem y, size_t count, bool sigmoid, oclstm_error *error);
oclstm_status network_softmax(const network_kernels *k, cl_mem y, size_t rows, size_t features, oclstm_error *error);

// One direction's results into the columns of a layer's, see the kernel.
typedef struct network_placing {
    cl_mem src, dst, lengths;
    size_t steps, batch, features, dst_features, column;
    bool reversed;
} network_placing;
oclstm_status network_place(const network_kernels *k, const network_placing *placing, oclstm_error *error);

// Rows of one unit's block, which begins at `offset` of both buffers, for the sequences that end at `end`.
oclstm_status network_keep(const network_kernels *k, cl_mem state, cl_mem kept, size_t offset, cl_mem lengths, size_t end,
                           size_t batch, size_t features, oclstm_error *error);

#endif
