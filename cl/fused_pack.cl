// SPDX-License-Identifier: Apache-2.0
/*
 * Weights from the frameworks' layout into the blocks that the fused kernels read, once per cell.
 *
 *     packed[((block * K + k) * 4 + q) * VW + j] = w[(q * hidden + block * VW + j) * K + k]       0 where block * VW + j >= hidden
 *
 * with K = input for weight_ih, hidden for weight_hh, 1 for the bias. Work-items: (k, block). Any work-group size.
 */
#define WEIGHT_AT(unit, q, k) (((long)hidden * (q) + (unit)) * columns + (k))

// In REAL: the bias always, the weights where WEIGHTS_STORED says so.
__kernel void fused_pack(const __global REAL *w_gm, __global REAL *packed_gm, const int hidden, const int columns) {
    const int k = (int)get_global_id(0), block = (int)get_global_id(1);
    if (k >= columns || block >= (hidden + VW - 1) / VW)
        return;
    __global REAL *const to = packed_gm + ((long)block * columns + k) * LSTM_GATES * VW;
    for (int q = 0; q < LSTM_GATES; ++q)
        for (int j = 0; j < VW; ++j) {
            const int unit = block * VW + j;
            to[q * VW + j] = unit < hidden ? w_gm[WEIGHT_AT(unit, q, k)] : (REAL)0;
        }
}

#if WEIGHTS_STORED != STORED_REAL
// In 16 bits: the cell's own, or those from which a float32 cell's weights came, so that nothing is lost.
__kernel void fused_pack_16(const __global STORED_T *w_gm, __global ushort *packed_gm, const int hidden, const int columns) {
    const int k = (int)get_global_id(0), block = (int)get_global_id(1);
    if (k >= columns || block >= (hidden + VW - 1) / VW)
        return;
    __global ushort *const to = packed_gm + ((long)block * columns + k) * LSTM_GATES * VW;
    for (int q = 0; q < LSTM_GATES; ++q)
        for (int j = 0; j < VW; ++j) {
            const int unit = block * VW + j;
            const REAL w = unit < hidden ? STORED_LOAD(w_gm, WEIGHT_AT(unit, q, k)) : (REAL)0;
#if WEIGHTS_STORED == STORED_HALF
            vstore_half(w, q * VW + j, (__global half *)to);
#else
            to[q * VW + j] = (ushort)(as_uint(w) >> 16);
#endif
        }
}
#endif
