// SPDX-License-Identifier: Apache-2.0
// What training does besides recurrences and products. No local memory, no barrier; correct at any work-group size; no atomics: sums go in an order that
// depends on the shape alone. Offsets in elements.
//
//     train_embed           y[row][j] = weight[token[row]][j]
//     train_embed_back      dweight[v][j] = sum of dy over the rows with token v
//     train_activate        relu, sigmoid; train_activate_back their gradient
//     train_turn            columns of one matrix to columns of another, zero behind a sequence's end, turned round in time or not
//     train_add_rows        out[j] = a[j] + b[j]
//     train_column_sums     sums over the rows

#ifndef LSTM_SUM_BLOCK
#define LSTM_SUM_BLOCK 32u
#endif

// Work-items: (feature, row).
__kernel void train_embed(__global const int *token_gm, __global const REAL *weight_gm, uint weight_offset, __global REAL *y_gm,
                          uint rows, uint features) {
    uint j = (uint)get_global_id(0);
    uint row = (uint)get_global_id(1);
    if (j < features && row < rows)
        y_gm[row * features + j] = weight_gm[weight_offset + (uint)token_gm[row] * features + j];
}

// order: the rows sorted by token, those of token v from start[v] to start[v + 1]. Work-items: (feature, token).
__kernel void train_embed_back(__global const REAL *dy_gm, uint dy_offset, __global const int *order_gm,
                               __global const int *start_gm, __global REAL *dweight_gm, uint dweight_offset, int accumulate,
                               uint vocabulary, uint features) {
    uint j = (uint)get_global_id(0);
    uint v = (uint)get_global_id(1);
    if (j >= features || v >= vocabulary)
        return;
    uint first = (uint)start_gm[v], last = (uint)start_gm[v + 1u];
    REAL sum = accumulate ? dweight_gm[dweight_offset + v * features + j] : (REAL)0;
    for (uint begin = first; begin < last; begin += LSTM_SUM_BLOCK) {
        uint end = min(begin + LSTM_SUM_BLOCK, last);
        REAL part = 0;
        for (uint at = begin; at < end; at++)
            part += dy_gm[dy_offset + (uint)order_gm[at] * features + j];
        sum += part;
    }
    dweight_gm[dweight_offset + v * features + j] = sum;
}

// kind: 0 relu (NaN stays), 1 sigmoid. Work-items: elements.
__kernel void train_activate(__global const REAL *x_gm, uint x_offset, __global REAL *y_gm, uint count, int kind) {
    uint i = (uint)get_global_id(0);
    if (i >= count)
        return;
    REAL v = x_gm[x_offset + i];
    y_gm[i] = kind == 0 ? (v < (REAL)0 ? (REAL)0 : v) : lstm_sigmoid(v);
}

// dy becomes dx, in place; y is what train_activate wrote.
__kernel void train_activate_back(__global const REAL *y_gm, __global REAL *dy_gm, uint dy_offset, uint count, int kind) {
    uint i = (uint)get_global_id(0);
    if (i >= count)
        return;
    REAL y = y_gm[i], dy = dy_gm[dy_offset + i];
    dy_gm[dy_offset + i] = kind == 0 ? (y > (REAL)0 ? dy : (REAL)0) : dy * y * ((REAL)1 - y);
}

// dst[t][b][dst_column + j] (+)= src[u][b][src_column + j] with u = t, or length[b] - 1 - t where `reversed`; 0 for t >= length[b]. Without lengths
// (masked 0) a sequence has all steps. May be in place where the columns are the same and nothing is reversed. Work-items: (j, row).
__kernel void train_turn(__global const REAL *src_gm, uint src_offset, uint src_features, uint src_column, __global REAL *dst_gm,
                         uint dst_offset, uint dst_features, uint dst_column, __global const int *length_gm, int masked,
                         int reversed, int accumulate, uint steps, uint batch, uint features) {
    uint j = (uint)get_global_id(0);
    uint row = (uint)get_global_id(1);
    if (j >= features || row >= steps * batch)
        return;
    uint t = row / batch, b = row - t * batch, length = masked ? (uint)length_gm[b] : steps;
    uint u = reversed ? length - 1u - t : t;
    __global REAL *out_gm = dst_gm + dst_offset + row * dst_features + dst_column + j;
    REAL v = t < length ? src_gm[src_offset + (u * batch + b) * src_features + src_column + j] : (REAL)0;
    out_gm[0] = accumulate ? out_gm[0] + v : v;
}

// Work-items: columns.
__kernel void train_add_rows(__global const REAL *a_gm, uint a_offset, uint b_offset, __global REAL *out_gm, uint count) {
    uint j = (uint)get_global_id(0);
    if (j < count)
        out_gm[j] = a_gm[a_offset + j] + a_gm[b_offset + j];
}

// Columns of a work-item of train_column_sums: 1, or a multiple of 16 where one runs at a time on a core, so that it reads whole lines and a few of a page.
#ifndef COLUMNS
#define COLUMNS 1u
#endif
#if REAL_IS_DOUBLE
#define REAL16 double16
#else
#define REAL16 float16
#endif

static void write_sum(__global REAL *out_gm, uint at, int accumulate, REAL sum) {
    REAL before = accumulate ? out_gm[at] : (REAL)0;
    out_gm[at] = before + sum;
}

// out[j] (+)= sum over the rows of a[row][j]; the same at twin_offset, where two biases have one gradient. Work-items: COLUMNS columns each.
__kernel void train_column_sums(__global const REAL *a_gm, uint a_offset, __global REAL *out_gm, uint out_offset, uint twin_offset,
                                int accumulate, uint rows, uint columns) {
    uint first = (uint)get_global_id(0) * COLUMNS, last = min(first + COLUMNS, columns);
    REAL sum[COLUMNS];
    if (first >= columns)
        return;
    for (uint j = 0u; j < COLUMNS; j++)
        sum[j] = 0;
    for (uint begin = 0u; begin < rows; begin += LSTM_SUM_BLOCK) {
        uint end = min(begin + LSTM_SUM_BLOCK, rows);
        uint j = first;
#if COLUMNS >= 16
        for (; j + 16u <= last; j += 16u) {
            REAL16 part = 0;
            for (uint row = begin; row < end; row++)
                part += vload16(0, a_gm + a_offset + row * columns + j);
            vstore16(vload16(0, sum + (j - first)) + part, 0, sum + (j - first));
        }
#endif
        for (; j < last; j++) {
            REAL part = 0;
            for (uint row = begin; row < end; row++)
                part += a_gm[a_offset + row * columns + j];
            sum[j - first] += part;
        }
    }
    for (uint j = first; j < last; j++) {
        write_sum(out_gm, out_offset + j, accumulate, sum[j - first]);
        if (twin_offset != out_offset)
            write_sum(out_gm, twin_offset + j, accumulate, sum[j - first]);
    }
}
