// SPDX-License-Identifier: Apache-2.0
/*
 * What the kernels share whose work-items lie along the hidden units: GPUs and whatever else runs many work-items in step. First of the files of such
 * a program; one of fused_step.cl, fused_group.cl follows.
 *
 * LU    units of a work-group, its size in dimension 0: the device's natural width, 32 or 64.                  default 32
 * LK    work-items that share a unit's sums, each every LK-th k, its size in dimension 1. 1 needs neither local memory nor barriers; more fill a
 *       GPU when batch x hidden is small.                                                                      default 1
 * ROWS  rows of the batch in a work-item's registers: 4 ROWS sums.                                             default 4
 *
 * Packed weights of W [4*hidden][K], P = hidden rounded up to LU:    packed[(k * 4 + q) * P + u] = W[q * hidden + u][k]    0 where u >= hidden
 * so that neighbouring work-items read neighbouring words. Bias [4][P], b_ih + b_hh (K = 1), in REAL; weights, x, h and y are STORED_T.
 */
#ifndef LU
#define LU 32
#endif
#ifndef LK
#define LK 1
#endif
#ifndef ROWS
#define ROWS 4
#endif

#define GATES LSTM_GATES

// Work-items: (u < P, k). Once per matrix.
__kernel void fused_pack_lanes(const __global STORED_T *w_gm, __global STORED_T *packed_gm, const int hidden, const int columns,
                               const int padded) {
    const int u = (int)get_global_id(0), k = (int)get_global_id(1);
    if (u >= padded || k >= columns)
        return;
    for (int q = 0; q < GATES; ++q)
        STORED_STORE(packed_gm, ((long)k * GATES + q) * padded + u,
                     u < hidden ? STORED_LOAD(w_gm, ((long)q * hidden + u) * columns + k) : (REAL)0);
}

// The bias, which is REAL for every cell. Work-items: (u < P).
__kernel void fused_pack_lanes_bias(const __global REAL *bias_gm, __global REAL *packed_gm, const int hidden, const int padded) {
    const int u = (int)get_global_id(0);
    if (u >= padded)
        return;
    for (int q = 0; q < GATES; ++q)
        packed_gm[q * padded + u] = u < hidden ? bias_gm[q * hidden + u] : (REAL)0;
}

// sum[r][q] += sum over k = lane, lane + LK, ... of v_r[k] * W[k][q][u]. SPACE: where v lies. Rows past the last repeat it.
#define LANES_SUM(SPACE, v, v_stride, last_row, w, count)                                                                          \
    for (int k = lane; k < (count); k += LK) {                                                                                     \
        const __global STORED_T *const w_k = (w) + (long)k * GATES * padded + u;                                                   \
        const FACTOR wi = FACTOR_LOAD(w_k, 0), wf = FACTOR_LOAD(w_k, padded), wg = FACTOR_LOAD(w_k, 2 * padded),                   \
                     wo = FACTOR_LOAD(w_k, 3 * padded);                                                                            \
        for (int r = 0; r < ROWS; ++r) {                                                                                           \
            const SPACE STORED_T *const row = (v) + (long)min(r, last_row) * (v_stride);                                           \
            const FACTOR s = FACTOR_LOAD(row, k);                                                                                  \
            sum[r][LSTM_GATE_I] += PRODUCT(s, wi);                                                                                 \
            sum[r][LSTM_GATE_F] += PRODUCT(s, wf);                                                                                 \
            sum[r][LSTM_GATE_G] += PRODUCT(s, wg);                                                                                 \
            sum[r][LSTM_GATE_O] += PRODUCT(s, wo);                                                                                 \
        }                                                                                                                          \
    }
