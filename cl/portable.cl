// SPDX-License-Identifier: Apache-2.0
// The portable engine: plain kernels, right on any conforming device. No local memory, no barrier, no vector type, no 64-bit
// integer; correct at any work-group size, also 1.
//
//     lstm_transpose       wt[k][r] = w[r][k]                                    once per weight matrix
//     lstm_input_product   gx[row][r] = bias[r] + sum_k x[row][k] * wt_ih[k][r]     all steps of a time slice
//     lstm_portable_step   gates = gx[t] + h * wt_hh; c', h'                        one launch a step
//
// with r = gate * hidden + unit in [0, 4*hidden). The weights are transposed so that neighbouring work-items (neighbouring r or
// unit) read neighbouring words: coalesced on a GPU, a vector load where a compiler vectorises over work-items.
//
// Sums run over k in blocks of LSTM_SUM_BLOCK that are added up afterwards: the rounding error grows with the block's length
// and the number of blocks instead of their product.
//
// Weights, x and h lie in memory as STORED_T; gx, the bias, sums and c are REAL.

#ifndef LSTM_SUM_BLOCK
#define LSTM_SUM_BLOCK 32u // >= 1
#endif

// Work-items: (k, r). Any grid that covers columns x rows.
__kernel void lstm_transpose(__global const STORED_T *w_gm, __global STORED_T *wt_gm, uint rows, uint columns) {
    uint k = (uint)get_global_id(0);
    uint r = (uint)get_global_id(1);
    if (k < columns && r < rows)
        STORED_STORE(wt_gm, k * rows + r, STORED_LOAD(w_gm, r * columns + k));
}

// Work-items: (r, block of 4 rows). The four rows share each weight that is read; rows past the end repeat the last one and
// are not stored.
__kernel void lstm_input_product(__global const STORED_T *x_gm, uint x_offset, __global const STORED_T *wt_gm,
                                 __global const REAL *bias_gm, __global REAL *gx_gm, uint rows, uint input, uint gates_hidden) {
    uint r = (uint)get_global_id(0);
    uint row = (uint)get_global_id(1) * 4u;
    if (r >= gates_hidden || row >= rows)
        return;
    uint last = rows - 1u;
    __global const STORED_T *x0_gm = x_gm + x_offset + row * input;
    __global const STORED_T *x1_gm = x_gm + x_offset + min(row + 1u, last) * input;
    __global const STORED_T *x2_gm = x_gm + x_offset + min(row + 2u, last) * input;
    __global const STORED_T *x3_gm = x_gm + x_offset + min(row + 3u, last) * input;
    REAL sum0 = bias_gm[r];
    REAL sum1 = sum0, sum2 = sum0, sum3 = sum0;
    for (uint begin = 0u; begin < input; begin += LSTM_SUM_BLOCK) {
        uint end = min(begin + LSTM_SUM_BLOCK, input);
        REAL part0 = 0, part1 = 0, part2 = 0, part3 = 0;
        for (uint k = begin; k < end; k++) {
            FACTOR w = FACTOR_LOAD(wt_gm, k * gates_hidden + r);
            part0 += PRODUCT(FACTOR_LOAD(x0_gm, k), w);
            part1 += PRODUCT(FACTOR_LOAD(x1_gm, k), w);
            part2 += PRODUCT(FACTOR_LOAD(x2_gm, k), w);
            part3 += PRODUCT(FACTOR_LOAD(x3_gm, k), w);
        }
        sum0 += part0;
        sum1 += part1;
        sum2 += part2;
        sum3 += part3;
    }
    __global REAL *out_gm = gx_gm + row * gates_hidden + r;
    out_gm[0] = sum0;
    if (row + 1u < rows)
        out_gm[gates_hidden] = sum1;
    if (row + 2u < rows)
        out_gm[2u * gates_hidden] = sum2;
    if (row + 3u < rows)
        out_gm[3u * gates_hidden] = sum3;
}

// Work-items: (unit, batch row). Strides and offsets in elements: each matrix starts at its offset, its row for batch row b at b
// strides. c_next may be c_prev; h_next may not overlap h_prev.
__kernel void lstm_portable_step(__global const REAL *gx_gm, uint gx_offset, uint gx_stride, __global const STORED_T *wt_gm,
                                 __global const STORED_T *h_prev_gm, uint h_prev_offset, uint h_prev_stride,
                                 __global const REAL *c_prev_gm, uint c_prev_offset, __global STORED_T *h_next_gm,
                                 uint h_next_offset, uint h_next_stride, __global REAL *c_next_gm, uint c_next_offset, uint batch,
                                 uint hidden) {
    uint unit = (uint)get_global_id(0);
    uint b = (uint)get_global_id(1);
    if (unit >= hidden || b >= batch)
        return;
    uint gates_hidden = LSTM_GATES * hidden;
    __global const STORED_T *h_gm = h_prev_gm + h_prev_offset + b * h_prev_stride;
    __global const REAL *gx_row_gm = gx_gm + gx_offset + b * gx_stride + unit;
    REAL sum_i = gx_row_gm[LSTM_GATE_I * hidden];
    REAL sum_f = gx_row_gm[LSTM_GATE_F * hidden];
    REAL sum_g = gx_row_gm[LSTM_GATE_G * hidden];
    REAL sum_o = gx_row_gm[LSTM_GATE_O * hidden];
    for (uint begin = 0u; begin < hidden; begin += LSTM_SUM_BLOCK) {
        uint end = min(begin + LSTM_SUM_BLOCK, hidden);
        REAL part_i = 0, part_f = 0, part_g = 0, part_o = 0;
        for (uint k = begin; k < end; k++) {
            FACTOR h = FACTOR_LOAD(h_gm, k);
            __global const STORED_T *w_gm = wt_gm + k * gates_hidden + unit;
            part_i += PRODUCT(h, FACTOR_LOAD(w_gm, LSTM_GATE_I * hidden));
            part_f += PRODUCT(h, FACTOR_LOAD(w_gm, LSTM_GATE_F * hidden));
            part_g += PRODUCT(h, FACTOR_LOAD(w_gm, LSTM_GATE_G * hidden));
            part_o += PRODUCT(h, FACTOR_LOAD(w_gm, LSTM_GATE_O * hidden));
        }
        sum_i += part_i;
        sum_f += part_f;
        sum_g += part_g;
        sum_o += part_o;
    }
    REAL h_next;
    REAL c_next = lstm_update(sum_i, sum_f, sum_g, sum_o, c_prev_gm[c_prev_offset + b * hidden + unit], &h_next);
    c_next_gm[c_next_offset + b * hidden + unit] = c_next;
    STORED_STORE(h_next_gm, h_next_offset + b * h_next_stride + unit, h_next);
}
