// SPDX-License-Identifier: Apache-2.0
/*
 * One step in one launch, work-items along the hidden units: for GPUs where a step needs every core.
 *
 *     s[q] = b[q] + x[t] W_ih[q]^T + h[t-1] W_hh[q]^T         c, h = the cell's update
 *
 *         units ->                LU work-items side by side read W[k][q][u .. u + LU - 1]: one coalesced line per gate and k
 *     k   [ i ][ f ][ g ][ o ]    LK work-items below each other take every LK-th k and add up in local memory
 *
 * Launch: global (P, LK, ceil(batch / ROWS)), local (LU, LK, 1), once per step t. Index expressions as in fused_units.cl; wx, wh, bias packed as
 * in fused_lanes.cl. Step 0 reads h0 and c0; the others the row of y before and cn. cn may be c0; y overlaps no other argument.
 */
__kernel __attribute__((reqd_work_group_size(LU, LK, 1))) void
fused_step(const __global STORED_T *x_gm, const uint x_offset, const uint x_step, const uint x_stride, const __global STORED_T *wx,
           const __global STORED_T *wh, const __global REAL *bias, const __global STORED_T *h0_gm, const uint h0_offset,
           const __global REAL *c0_gm, const uint c0_offset, __global STORED_T *y_gm, const uint y_offset, const uint y_step,
           const uint y_stride, __global REAL *cn_gm, const uint cn_offset, const int input, const int hidden, const int batch,
           const int t) {
    const int u = (int)get_global_id(0), lane = (int)get_local_id(1), first = (int)get_global_id(2) * ROWS;
    const int padded = (int)get_global_size(0), last_row = min(ROWS, batch - first) - 1;
    const int h_stride = t ? (int)y_stride : hidden;
    const __global STORED_T *const xs = x_gm + x_offset + (long)t * x_step + (long)first * x_stride;
    const __global STORED_T *const hs = (t ? y_gm + y_offset + (long)(t - 1) * y_step : h0_gm + h0_offset) + (long)first * h_stride;
    const __global REAL *const cs = t ? cn_gm + cn_offset : c0_gm + c0_offset;
    REAL sum[ROWS][GATES];

    for (int r = 0; r < ROWS; ++r)
        for (int q = 0; q < GATES; ++q)
            sum[r][q] = lane == 0 ? bias[q * padded + u] : (REAL)0;
    LANES_SUM(__global, xs, x_stride, last_row, wx, input)
    LANES_SUM(__global, hs, h_stride, last_row, wh, hidden)

#if LK > 1
    __local REAL part_lm[LK][ROWS][GATES][LU];
    const int column = (int)get_local_id(0);
    for (int r = 0; r < ROWS; ++r)
        for (int q = 0; q < GATES; ++q)
            part_lm[lane][r][q][column] = sum[r][q];
    barrier(CLK_LOCAL_MEM_FENCE);
#endif

    // Row r is finished by work-item r % LK of its unit.
    for (int r = 0; r < ROWS; ++r) {
        if (u >= hidden || r > last_row || r % LK != lane)
            continue;
#if LK > 1
        for (int q = 0; q < GATES; ++q) {
            sum[r][q] = part_lm[0][r][q][column];
            for (int l = 1; l < LK; ++l)
                sum[r][q] += part_lm[l][r][q][column];
        }
#endif
        const long at = (long)(first + r) * hidden + u;
        REAL h_next;
        cn_gm[cn_offset + at] =
            lstm_update(sum[r][LSTM_GATE_I], sum[r][LSTM_GATE_F], sum[r][LSTM_GATE_G], sum[r][LSTM_GATE_O], cs[at], &h_next);
        STORED_STORE(y_gm, y_offset + (long)t * y_step + (long)(first + r) * y_stride + u, h_next);
    }
}
