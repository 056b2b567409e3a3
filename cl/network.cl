// SPDX-License-Identifier: Apache-2.0
// What a network does besides its recurrent layers. No local memory, no barrier; correct at any work-group size. Matrices are time-major and
// without gaps; a row is one (step, batch row), row = t * batch + b. Offsets in elements.
//
//     network_embed      y[row][j] = weight[token[row]][j]
//     network_linear     y[row][r] = bias[r] + sum_k x[row][k] * wt[k][r]          the weight transposed, as in portable.cl
//     network_activate   relu, sigmoid in place
//     network_softmax    over the features of a row, in place
//     network_place      one direction's results to its columns of the layer's, zero behind a sequence's end; turned round in time or not
//     network_keep       the state of the sequences that end here

// Work-items: (feature, row).
__kernel void network_embed(__global const int *token_gm, __global const REAL *weight_gm, __global REAL *y_gm, uint rows,
                            uint features) {
    uint j = (uint)get_global_id(0);
    uint row = (uint)get_global_id(1);
    if (j < features && row < rows)
        y_gm[row * features + j] = weight_gm[(uint)token_gm[row] * features + j];
}

#ifndef LSTM_SUM_BLOCK
#define LSTM_SUM_BLOCK 32u // terms summed before they are added to the rest: the rounding error grows with the block
#endif

// Work-items: (output, row).
__kernel void network_linear(__global const REAL *x_gm, uint x_offset, __global const REAL *wt_gm, __global const REAL *bias_gm,
                             __global REAL *y_gm, uint y_offset, uint rows, uint inputs, uint outputs) {
    uint r = (uint)get_global_id(0);
    uint row = (uint)get_global_id(1);
    if (r >= outputs || row >= rows)
        return;
    __global const REAL *x_row_gm = x_gm + x_offset + row * inputs;
    REAL sum = bias_gm[r];
    for (uint begin = 0u; begin < inputs; begin += LSTM_SUM_BLOCK) {
        uint end = min(begin + LSTM_SUM_BLOCK, inputs);
        REAL part = 0;
        for (uint k = begin; k < end; k++)
            part += x_row_gm[k] * wt_gm[k * outputs + r];
        sum += part;
    }
    y_gm[y_offset + row * outputs + r] = sum;
}

// Work-items: elements. kind: 0 relu (NaN stays), 1 sigmoid.
__kernel void network_activate(__global REAL *y_gm, uint count, int kind) {
    uint i = (uint)get_global_id(0);
    if (i >= count)
        return;
    REAL v = y_gm[i];
    y_gm[i] = kind == 0 ? (v < (REAL)0 ? (REAL)0 : v) : lstm_sigmoid(v);
}

// Work-items: rows. The largest is taken off first, so that no exponential overflows.
__kernel void network_softmax(__global REAL *y_gm, uint rows, uint features) {
    uint row = (uint)get_global_id(0);
    if (row >= rows)
        return;
    __global REAL *v_gm = y_gm + row * features;
    REAL most = v_gm[0], sum = 0;
    for (uint j = 1u; j < features; j++)
        most = v_gm[j] > most ? v_gm[j] : most;
    for (uint begin = 0u; begin < features; begin += LSTM_SUM_BLOCK) {
        uint end = min(begin + LSTM_SUM_BLOCK, features);
        REAL part = 0;
        for (uint j = begin; j < end; j++) {
            REAL e = exp(v_gm[j] - most);
            v_gm[j] = e;
            part += e;
        }
        sum += part;
    }
    for (uint j = 0u; j < features; j++)
        v_gm[j] /= sum;
}

// dst[t][b][column + j] = src[u][b][j] with u = t, or length[b] - 1 - t where `reversed`; 0 for t >= length[b]. Work-items: (j, row).
__kernel void network_place(__global const REAL *src_gm, __global REAL *dst_gm, __global const int *length_gm, uint steps,
                            uint batch, uint features, uint dst_features, uint column, int reversed) {
    uint j = (uint)get_global_id(0);
    uint row = (uint)get_global_id(1);
    if (j >= features || row >= steps * batch)
        return;
    uint t = row / batch, b = row - t * batch, length = (uint)length_gm[b];
    uint u = reversed ? length - 1u - t : t;
    dst_gm[row * dst_features + column + j] = t < length ? src_gm[(u * batch + b) * features + j] : (REAL)0;
}

// Rows of the state whose sequence ends at `end`. Work-items: (unit, batch row).
__kernel void network_keep(__global const REAL *state_gm, __global REAL *kept_gm, uint offset, __global const int *length_gm,
                           int end, uint batch, uint features) {
    uint j = (uint)get_global_id(0);
    uint b = (uint)get_global_id(1);
    if (j < features && b < batch && length_gm[b] == end)
        kept_gm[offset + b * features + j] = state_gm[offset + b * features + j];
}
