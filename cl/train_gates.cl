// SPDX-License-Identifier: Apache-2.0
// What the clblast engine of training does besides matrix products. Formulas: oclstm/backward.h; a row that stands still has step >= lengths[b].
//
//     train_fill_row        C[row][j] = init[j]
//     train_gates_forward   sums of a step to i, f, g, o in place, c to c', and h' or, before a projection, o * tanh(c')
//     train_gates_keep      h of rows that stand still copied on, after a projection
//     train_gates_join      the whole gradient of a projected h, dh + dy
//     train_gates_backward  i, f, g, o to the gradients of their sums in place, dc' to dc
//
// Work-items: (column, row). Offsets in elements. No local memory, no barrier; correct at any work-group size.

// step: counted as in lengths.
static bool stands_still(__global const int *lengths_gm, uint has_lengths, int step, uint b) {
    return has_lengths && step >= lengths_gm[b];
}

__kernel void train_fill_row(__global const REAL *init_gm, uint init_offset, __global REAL *c_gm, uint c_offset, uint ldc,
                             uint rows, uint columns) {
    const uint j = (uint)get_global_id(0), row = (uint)get_global_id(1);
    if (j < columns && row < rows)
        c_gm[c_offset + row * ldc + j] = init_gm[init_offset + j];
}

// out: h, [batch][hidden], of which rows that stand still keep what lies at out_before; or, without `keeps`, become zero.
__kernel void train_gates_forward(__global REAL *gates_gm, uint gates_offset, __global REAL *c_gm, uint c_before, uint c_after,
                                  __global REAL *out_gm, uint out_before, uint out_after, uint keeps,
                                  __global const int *lengths_gm, uint has_lengths, int step, uint batch, uint hidden) {
    const uint unit = (uint)get_global_id(0), b = (uint)get_global_id(1);
    if (unit >= hidden || b >= batch)
        return;
    const uint at = b * hidden + unit;
    const REAL c = c_gm[c_before + at];
    if (stands_still(lengths_gm, has_lengths, step, b)) {
        c_gm[c_after + at] = c;
        out_gm[out_after + at] = keeps ? out_gm[out_before + at] : (REAL)0;
        return;
    }
    __global REAL *row_gm = gates_gm + gates_offset + b * LSTM_GATES * hidden + unit;
    const REAL i = lstm_sigmoid(row_gm[LSTM_GATE_I * hidden]), f = lstm_sigmoid(row_gm[LSTM_GATE_F * hidden]);
    const REAL g = tanh(row_gm[LSTM_GATE_G * hidden]), o = lstm_sigmoid(row_gm[LSTM_GATE_O * hidden]);
    const REAL c_next = f * c + i * g;
    row_gm[LSTM_GATE_I * hidden] = i;
    row_gm[LSTM_GATE_F * hidden] = f;
    row_gm[LSTM_GATE_G * hidden] = g;
    row_gm[LSTM_GATE_O * hidden] = o;
    c_gm[c_after + at] = c_next;
    out_gm[out_after + at] = o * tanh(c_next);
}

__kernel void train_gates_keep(__global REAL *h_gm, uint h_before, uint h_after, __global const int *lengths_gm, int step,
                               uint batch, uint width) {
    const uint j = (uint)get_global_id(0), b = (uint)get_global_id(1);
    if (j < width && b < batch && stands_still(lengths_gm, 1, step, b))
        h_gm[h_after + b * width + j] = h_gm[h_before + b * width + j];
}

// dh of rows that do not stand still becomes zero: the product that follows adds the gradient of the step before.
__kernel void train_gates_join(__global REAL *dh_gm, uint dh_offset, __global const REAL *dy_gm, uint dy_offset, uint has_dy,
                               __global REAL *joined_gm, uint joined_offset, __global const int *lengths_gm, uint has_lengths,
                               int step, uint batch, uint width) {
    const uint j = (uint)get_global_id(0), b = (uint)get_global_id(1);
    if (j >= width || b >= batch)
        return;
    const uint at = b * width + j;
    if (stands_still(lengths_gm, has_lengths, step, b)) {
        joined_gm[joined_offset + at] = 0;
        return;
    }
    joined_gm[joined_offset + at] = dh_gm[dh_offset + at] + (has_dy ? dy_gm[dy_offset + at] : (REAL)0);
    dh_gm[dh_offset + at] = 0;
}

// dout: the gradient of o * tanh(c'), [batch][hidden], without dy; zero afterwards as dh in train_gates_join.
__kernel void train_gates_backward(__global REAL *gates_gm, uint gates_offset, __global const REAL *c_gm, uint c_before,
                                   uint c_after, __global REAL *dout_gm, uint dout_offset, __global const REAL *dy_gm,
                                   uint dy_offset, uint has_dy, __global REAL *dc_gm, uint dc_offset,
                                   __global const int *lengths_gm, uint has_lengths, int step, uint batch, uint hidden) {
    const uint unit = (uint)get_global_id(0), b = (uint)get_global_id(1);
    if (unit >= hidden || b >= batch)
        return;
    const uint at = b * hidden + unit;
    __global REAL *row_gm = gates_gm + gates_offset + b * LSTM_GATES * hidden + unit;
    if (stands_still(lengths_gm, has_lengths, step, b)) {
        for (uint gate = 0; gate < LSTM_GATES; gate++)
            row_gm[gate * hidden] = 0;
        return;
    }
    const REAL i = row_gm[LSTM_GATE_I * hidden], f = row_gm[LSTM_GATE_F * hidden];
    const REAL g = row_gm[LSTM_GATE_G * hidden], o = row_gm[LSTM_GATE_O * hidden];
    const REAL tanh_c = tanh(c_gm[c_after + at]), dout = dout_gm[dout_offset + at] + (has_dy ? dy_gm[dy_offset + at] : (REAL)0);
    const REAL dc = dout * o * ((REAL)1 - tanh_c * tanh_c) + dc_gm[dc_offset + at];
    row_gm[LSTM_GATE_I * hidden] = dc * g * i * ((REAL)1 - i);
    row_gm[LSTM_GATE_F * hidden] = dc * c_gm[c_before + at] * f * ((REAL)1 - f);
    row_gm[LSTM_GATE_G * hidden] = dc * i * ((REAL)1 - g * g);
    row_gm[LSTM_GATE_O * hidden] = dout * tanh_c * o * ((REAL)1 - o);
    dc_gm[dc_offset + at] = dc * f;
    dout_gm[dout_offset + at] = 0;
}
