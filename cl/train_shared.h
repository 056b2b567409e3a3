// SPDX-License-Identifier: Apache-2.0
// What the host and the fused kernels of training share: the numbers of a launch, in one argument. Valid as OpenCL C 1.1 and as C11.
#ifndef TRAIN_SHARED_H
#define TRAIN_SHARED_H

#if defined(__OPENCL_VERSION__) || defined(__OPENCL_C_VERSION__)
#define TRAIN_OFFSET ulong
#else
#define TRAIN_OFFSET unsigned long long
#endif

#define TRAIN_FORM_NT 0
#define TRAIN_FORM_NN 1
#define TRAIN_FORM_TN 2

// See cl/train_tile_product.cl.
typedef struct train_tile_call {
    TRAIN_OFFSET a, b, c, init; // where they begin
    int m, n, k, lda, ldb, ldc;
    int form, accumulate, has_init;
    int block_m, block_n, block_k, is_direct;
} train_tile_call;

// See cl/train_rows.cl.
typedef struct train_rows_call {
    TRAIN_OFFSET weights, gates, h, c, dy, dh, dc;
    TRAIN_OFFSET sums; // in scratch, behind the packed weights
    int hidden, batch, steps, first, rows, split, has_lengths, has_dy;
} train_rows_call;

#endif
