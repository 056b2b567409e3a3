// SPDX-License-Identifier: Apache-2.0
// The portable engine of training: products, and one unit's recurrence forward and back. No local memory, no barrier, no vector type, no 64-bit integer;
// correct at any work-group size. Formulas: include/oclstm/backward.h. Offsets in elements; matrices without gaps.
//
//     train_transpose       wt[k][r] = w[r][k]
//     train_product         C = start + op(A) op(B), by strides
//     train_step            gates i, f, g, o in place, c', h' (or o tanh(c') where a projection follows): one launch a step
//     train_project         h' = W_hr raw
//     train_step_back       the gradients of the gates' sums, over the gates: one launch a step, from the last to the first
//     train_project_back    the gradient of h' where a projection stands behind it
//     train_state_back      the gradient of the state before
//
// A row b of step t stands still where lengths[b] <= t: its state is copied on, its gradients pass. `masked` says whether lengths are there at all.
//
// Sums in blocks of LSTM_SUM_BLOCK, as in portable.cl.

#ifndef LSTM_SUM_BLOCK
#define LSTM_SUM_BLOCK 32u
#endif

// Work-items: (k, r).
__kernel void train_transpose(__global const REAL *w_gm, uint w_offset, __global REAL *wt_gm, uint rows, uint columns) {
    uint k = (uint)get_global_id(0);
    uint r = (uint)get_global_id(1);
    if (k < columns && r < rows)
        wt_gm[k * rows + r] = w_gm[w_offset + r * columns + k];
}

// Element (m, k) of op(A) at m * a_row + k * a_column, (k, n) of op(B) at k * b_row + n * b_column. start: 0 zero, 1 C itself, 2 init[n].
// Work-items: (n, block of 4 rows m). Rows past the end repeat the last one and are not stored.
__kernel void train_product(__global const REAL *a_gm, uint a_offset, uint a_row, uint a_column, __global const REAL *b_gm,
                            uint b_offset, uint b_row, uint b_column, __global REAL *c_gm, uint c_offset, uint c_row,
                            __global const REAL *init_gm, uint init_offset, int start, uint rows, uint columns, uint terms) {
    uint n = (uint)get_global_id(0);
    uint m = (uint)get_global_id(1) * 4u;
    if (n >= columns || m >= rows)
        return;
    uint last = rows - 1u;
    __global const REAL *a0_gm = a_gm + a_offset + m * a_row;
    __global const REAL *a1_gm = a_gm + a_offset + min(m + 1u, last) * a_row;
    __global const REAL *a2_gm = a_gm + a_offset + min(m + 2u, last) * a_row;
    __global const REAL *a3_gm = a_gm + a_offset + min(m + 3u, last) * a_row;
    __global const REAL *w_gm = b_gm + b_offset + n * b_column;
    __global REAL *out_gm = c_gm + c_offset + m * c_row + n;
    uint left = rows - m;
    REAL sum0 = start == 2 ? init_gm[init_offset + n] : (REAL)0;
    REAL sum1 = sum0, sum2 = sum0, sum3 = sum0;
    if (start == 1) {
        sum0 = out_gm[0];
        sum1 = left > 1u ? out_gm[c_row] : (REAL)0;
        sum2 = left > 2u ? out_gm[2u * c_row] : (REAL)0;
        sum3 = left > 3u ? out_gm[3u * c_row] : (REAL)0;
    }
    for (uint begin = 0u; begin < terms; begin += LSTM_SUM_BLOCK) {
        uint end = min(begin + LSTM_SUM_BLOCK, terms);
        REAL part0 = 0, part1 = 0, part2 = 0, part3 = 0;
        for (uint k = begin; k < end; k++) {
            REAL w = w_gm[k * b_row];
            part0 += a0_gm[k * a_column] * w;
            part1 += a1_gm[k * a_column] * w;
            part2 += a2_gm[k * a_column] * w;
            part3 += a3_gm[k * a_column] * w;
        }
        sum0 += part0;
        sum1 += part1;
        sum2 += part2;
        sum3 += part3;
    }
    out_gm[0] = sum0;
    if (left > 1u)
        out_gm[c_row] = sum1;
    if (left > 2u)
        out_gm[2u * c_row] = sum2;
    if (left > 3u)
        out_gm[3u * c_row] = sum3;
}

static REAL train_dot(__global const REAL *row_gm, __global const REAL *column_gm, uint stride, uint terms) {
    REAL sum = 0;
    for (uint begin = 0u; begin < terms; begin += LSTM_SUM_BLOCK) {
        uint end = min(begin + LSTM_SUM_BLOCK, terms);
        REAL part = 0;
        for (uint k = begin; k < end; k++)
            part += row_gm[k] * column_gm[k * stride];
        sum += part;
    }
    return sum;
}

// h: the states' blocks, [2][batch][width] from h_offset on; c likewise with hidden. raw: where o tanh(c') goes where a projection follows (projected 1), and h'
// is then left to train_project. Work-items: (unit, batch row).
__kernel void train_step(__global REAL *gates_gm, uint gates_offset, __global const REAL *wt_gm, __global REAL *h_gm, uint h_offset,
                         __global REAL *c_gm, uint c_offset, __global REAL *raw_gm, uint raw_offset, int projected,
                         __global const int *length_gm, int masked, int t, uint batch, uint hidden, uint width) {
    uint unit = (uint)get_global_id(0);
    uint b = (uint)get_global_id(1);
    if (unit >= hidden || b >= batch)
        return;
    uint gates_hidden = LSTM_GATES * hidden;
    __global REAL *gate_gm = gates_gm + gates_offset + b * gates_hidden + unit;
    __global const REAL *h_row_gm = h_gm + h_offset + b * width;
    __global REAL *c_now_gm = c_gm + c_offset + b * hidden + unit;
    bool stands = masked && length_gm[b] <= t;
    REAL c = c_now_gm[0];
    REAL i =
        lstm_sigmoid(gate_gm[LSTM_GATE_I * hidden] + train_dot(h_row_gm, wt_gm + LSTM_GATE_I * hidden + unit, gates_hidden, width));
    REAL f =
        lstm_sigmoid(gate_gm[LSTM_GATE_F * hidden] + train_dot(h_row_gm, wt_gm + LSTM_GATE_F * hidden + unit, gates_hidden, width));
    REAL g = tanh(gate_gm[LSTM_GATE_G * hidden] + train_dot(h_row_gm, wt_gm + LSTM_GATE_G * hidden + unit, gates_hidden, width));
    REAL o =
        lstm_sigmoid(gate_gm[LSTM_GATE_O * hidden] + train_dot(h_row_gm, wt_gm + LSTM_GATE_O * hidden + unit, gates_hidden, width));
    REAL c_next = f * c + i * g;
    REAL h_next = o * tanh(c_next);
    gate_gm[LSTM_GATE_I * hidden] = i;
    gate_gm[LSTM_GATE_F * hidden] = f;
    gate_gm[LSTM_GATE_G * hidden] = g;
    gate_gm[LSTM_GATE_O * hidden] = o;
    c_now_gm[batch * hidden] = stands ? c : c_next;
    if (projected)
        raw_gm[raw_offset + b * hidden + unit] = stands ? (REAL)0 : h_next;
    else
        h_gm[h_offset + (batch + b) * width + unit] = stands ? h_row_gm[unit] : h_next;
}

// Work-items: (p, batch row).
__kernel void train_project(__global const REAL *raw_gm, uint raw_offset, __global const REAL *whr_gm, uint whr_offset,
                            __global REAL *h_gm, uint h_offset, __global const int *length_gm, int masked, int t, uint batch,
                            uint hidden, uint width) {
    uint p = (uint)get_global_id(0);
    uint b = (uint)get_global_id(1);
    if (p >= width || b >= batch)
        return;
    bool stands = masked && length_gm[b] <= t;
    REAL sum = train_dot(raw_gm + raw_offset + b * hidden, whr_gm + whr_offset + p * hidden, 1u, hidden);
    h_gm[h_offset + (batch + b) * width + p] = stands ? h_gm[h_offset + b * width + p] : sum;
}

// The gradient of element `at` of row b of the state after step t, from the step behind it (whose gates' gradients begin at next_offset) or from what came in:
// dh. is_last: no step of this call is behind it.
static REAL train_from_behind(__global const REAL *da_gm, uint next_offset, __global const REAL *whh_gm, uint whh_offset,
                              __global const REAL *dh_gm, uint dh_offset, int is_last, bool next_stands, uint b, uint at,
                              uint gates_hidden, uint width) {
    if (is_last || next_stands)
        return dh_gm[dh_offset + b * width + at];
    return train_dot(da_gm + next_offset + b * gates_hidden, whh_gm + whh_offset + at, width, gates_hidden);
}

// dprojected[t][b][p]. has_dy: dy is there. Work-items: (p, batch row).
__kernel void train_project_back(__global const REAL *da_gm, uint next_offset, __global const REAL *whh_gm, uint whh_offset,
                                 __global const REAL *dy_gm, uint dy_offset, int has_dy, __global const REAL *dh_gm, uint dh_offset,
                                 __global REAL *dprojected_gm, uint dprojected_offset, int is_last, __global const int *length_gm,
                                 int masked, int t, uint batch, uint hidden, uint width) {
    uint p = (uint)get_global_id(0);
    uint b = (uint)get_global_id(1);
    if (p >= width || b >= batch)
        return;
    bool stands = masked && length_gm[b] <= t, next_stands = masked && length_gm[b] <= t + 1;
    REAL sum = 0;
    if (!stands) {
        sum = train_from_behind(da_gm, next_offset, whh_gm, whh_offset, dh_gm, dh_offset, is_last, next_stands, b, p,
                                LSTM_GATES * hidden, width);
        if (has_dy)
            sum += dy_gm[dy_offset + b * width + p];
    }
    dprojected_gm[dprojected_offset + b * width + p] = sum;
}

// Over the gates of step t, which begin at gates_offset. c: [2][batch][hidden] from c_offset on. dc [batch][hidden] in place. projected: the gradient of h' comes
// from dprojected[t] through whr. Work-items: (unit, batch row).
__kernel void train_step_back(__global REAL *gates_gm, uint gates_offset, uint next_offset, __global const REAL *whh_gm,
                              uint whh_offset, __global const REAL *dy_gm, uint dy_offset, int has_dy, __global const REAL *dh_gm,
                              uint dh_offset, __global REAL *dc_gm, uint dc_offset, __global const REAL *c_gm, uint c_offset,
                              __global const REAL *dprojected_gm, uint dprojected_offset, __global const REAL *whr_gm,
                              uint whr_offset, int projected, int is_last, __global const int *length_gm, int masked, int t,
                              uint batch, uint hidden, uint width) {
    uint unit = (uint)get_global_id(0);
    uint b = (uint)get_global_id(1);
    if (unit >= hidden || b >= batch)
        return;
    uint gates_hidden = LSTM_GATES * hidden;
    __global REAL *gate_gm = gates_gm + gates_offset + b * gates_hidden + unit;
    if (masked && length_gm[b] <= t) {
        for (uint gate = 0u; gate < LSTM_GATES; gate++)
            gate_gm[gate * hidden] = 0;
        return;
    }
    bool next_stands = masked && length_gm[b] <= t + 1;
    REAL dh;
    if (projected) {
        dh = train_dot(dprojected_gm + dprojected_offset + b * width, whr_gm + whr_offset + unit, hidden, width);
    } else {
        dh = train_from_behind(gates_gm, next_offset, whh_gm, whh_offset, dh_gm, dh_offset, is_last, next_stands, b, unit,
                               gates_hidden, width);
        if (has_dy)
            dh += dy_gm[dy_offset + b * width + unit];
    }
    REAL i = gate_gm[LSTM_GATE_I * hidden], f = gate_gm[LSTM_GATE_F * hidden], g = gate_gm[LSTM_GATE_G * hidden],
         o = gate_gm[LSTM_GATE_O * hidden];
    REAL c_prev = c_gm[c_offset + b * hidden + unit], tc = tanh(c_gm[c_offset + (batch + b) * hidden + unit]);
    REAL dc = dc_gm[dc_offset + b * hidden + unit] + dh * o * ((REAL)1 - tc * tc);
    gate_gm[LSTM_GATE_I * hidden] = dc * g * i * ((REAL)1 - i);
    gate_gm[LSTM_GATE_F * hidden] = dc * c_prev * f * ((REAL)1 - f);
    gate_gm[LSTM_GATE_G * hidden] = dc * i * ((REAL)1 - g * g);
    gate_gm[LSTM_GATE_O * hidden] = dh * tc * o * ((REAL)1 - o);
    dc_gm[dc_offset + b * hidden + unit] = dc * f;
}

// dh in place: of the state before step t, whose gates' gradients begin at gates_offset. Work-items: (element, batch row).
__kernel void train_state_back(__global const REAL *da_gm, uint gates_offset, __global const REAL *whh_gm, uint whh_offset,
                               __global REAL *dh_gm, uint dh_offset, __global const int *length_gm, int masked, int t, uint batch,
                               uint hidden, uint width) {
    uint at = (uint)get_global_id(0);
    uint b = (uint)get_global_id(1);
    if (at >= width || b >= batch)
        return;
    bool stands = masked && length_gm[b] <= t;
    dh_gm[dh_offset + b * width + at] =
        train_from_behind(da_gm, gates_offset, whh_gm, whh_offset, dh_gm, dh_offset, 0, stands, b, at, LSTM_GATES * hidden, width);
}
