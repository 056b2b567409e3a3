// SPDX-License-Identifier: Apache-2.0
/*
 * Weights from the frameworks' layout into the blocks that the fused kernels read, once per cell.
 *
 *     packed[((block * K + k) * 4 + q) * VW + j] = w[(q * hidden + block * VW + j) * K + k]       0 where block * VW + j >= hidden
 *
 * with K = input for weight_ih, hidden for weight_hh, 1 for the bias. Work-items: (k, block). Any work-group size.
 */
__kernel void fused_pack(const __global REAL *w_gm, __global REAL *packed_gm, const int hidden, const int columns) {
    const int k = (int)get_global_id(0), block = (int)get_global_id(1);
    if (k >= columns || block >= (hidden + VW - 1) / VW)
        return;
    __global REAL *const to = packed_gm + ((long)block * columns + k) * LSTM_GATES * VW;
    for (int q = 0; q < LSTM_GATES; ++q)
        for (int j = 0; j < VW; ++j) {
            const int unit = block * VW + j;
            to[q * VW + j] = unit < hidden ? w_gm[((long)q * hidden + unit) * columns + k] : (REAL)0;
        }
}
