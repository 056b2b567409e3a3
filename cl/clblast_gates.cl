// SPDX-License-Identifier: Apache-2.0
// What the clblast engine does besides matrix products:
//
//     lstm_fill_bias   gx[row][r] = bias[r]      so that both products can accumulate on it with beta = 1
//     lstm_gates       the step's finished gates gx[t] and c to c' and h'
//
// with r = gate * hidden + unit. No local memory, no barrier; correct at any work-group size.

// Work-items: (r, row).
__kernel void lstm_fill_bias(__global const REAL *bias_gm, __global REAL *gx_gm, uint rows, uint gates_hidden) {
    uint r = (uint)get_global_id(0);
    uint row = (uint)get_global_id(1);
    if (r < gates_hidden && row < rows)
        gx_gm[row * gates_hidden + r] = bias_gm[r];
}

// Work-items: (unit, batch row). Strides and offsets in elements. c_next may be c_prev; h_next overlaps no other argument.
__kernel void lstm_gates(__global const REAL *gx_gm, uint gx_offset, uint gx_stride, __global const REAL *c_prev_gm,
                         uint c_prev_offset, __global REAL *h_next_gm, uint h_next_offset, uint h_next_stride,
                         __global REAL *c_next_gm, uint c_next_offset, uint batch, uint hidden) {
    uint unit = (uint)get_global_id(0);
    uint b = (uint)get_global_id(1);
    if (unit >= hidden || b >= batch)
        return;
    __global const REAL *gx_row_gm = gx_gm + gx_offset + b * gx_stride + unit;
    REAL h_next;
    REAL c_next = lstm_update(gx_row_gm[LSTM_GATE_I * hidden], gx_row_gm[LSTM_GATE_F * hidden], gx_row_gm[LSTM_GATE_G * hidden],
                              gx_row_gm[LSTM_GATE_O * hidden], c_prev_gm[c_prev_offset + b * hidden + unit], &h_next);
    c_next_gm[c_next_offset + b * hidden + unit] = c_next;
    h_next_gm[h_next_offset + b * h_next_stride + unit] = h_next;
}
