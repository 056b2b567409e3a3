// SPDX-License-Identifier: Apache-2.0
/*
 * A whole slice in one launch, each work-group its own ROWS rows of the batch, work-items along the hidden units, h in local memory: small cells on
 * GPUs, where a launch per step costs more than the step.
 *
 *     s[q] = b[q] + x[t] W_ih[q]^T + h[t-1] W_hh[q]^T       c, h = the cell's update        t = 0 .. T-1
 *
 * Launch: global (LU, LK, ceil(batch / ROWS)), local (LU, LK, 1): a work-group walks the units LU at a time. Index expressions as in
 * fused_units.cl; wx, wh, bias packed as in fused_lanes.cl; cn may be c0.
 *     h_lm [2][ROWS][hidden]     local: h of the step before and of this step, by turns
 */
__kernel __attribute__((reqd_work_group_size(LU, LK, 1))) void
fused_group(const __global STORED_T *x_gm, const uint x_offset, const uint x_step, const uint x_stride, const __global STORED_T *wx,
            const __global STORED_T *wh, const __global REAL *bias, const __global STORED_T *h0_gm, const uint h0_offset,
            const __global REAL *c0_gm, const uint c0_offset, __global STORED_T *y_gm, const uint y_offset, const uint y_step,
            const uint y_stride, __global REAL *cn_gm, const uint cn_offset, const int input, const int hidden, const int batch,
            const int steps, __local STORED_T *h_lm) {
    const int column = (int)get_local_id(0), lane = (int)get_local_id(1), first = (int)get_global_id(2) * ROWS;
    const int padded = (hidden + LU - 1) / LU * LU, last_row = min(ROWS, batch - first) - 1;
#if LK > 1
    __local REAL part_lm[LK][ROWS][GATES][LU];
#endif

    for (int i = lane * LU + column; i < ROWS * hidden; i += LU * LK)
        STORED_STORE(h_lm, i, STORED_LOAD(h0_gm, h0_offset + (long)(first + min(i / hidden, last_row)) * hidden + i % hidden));
    barrier(CLK_LOCAL_MEM_FENCE);

    for (int t = 0; t < steps; ++t) {
        const __global STORED_T *const xs = x_gm + x_offset + (long)t * x_step + (long)first * x_stride;
        const __global REAL *const cs = t ? cn_gm + cn_offset : c0_gm + c0_offset;
        const __local STORED_T *const old_lm = h_lm + (t & 1) * ROWS * hidden;
        __local STORED_T *const new_lm = h_lm + (1 - (t & 1)) * ROWS * hidden;
        for (int block = 0; block < padded; block += LU) {
            const int u = block + column;
            REAL sum[ROWS][GATES];
            for (int r = 0; r < ROWS; ++r)
                for (int q = 0; q < GATES; ++q)
                    sum[r][q] = lane == 0 ? bias[q * padded + u] : (REAL)0;
            LANES_SUM(__global, xs, x_stride, last_row, wx, input)
            LANES_SUM(__local, old_lm, hidden, last_row, wh, hidden)
#if LK > 1
            for (int r = 0; r < ROWS; ++r)
                for (int q = 0; q < GATES; ++q)
                    part_lm[lane][r][q][column] = sum[r][q];
            barrier(CLK_LOCAL_MEM_FENCE);
#endif
            // Row r is finished by work-item r % LK of its unit, which is also the only one that touches its c.
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
                cn_gm[cn_offset + at] = lstm_update(sum[r][LSTM_GATE_I], sum[r][LSTM_GATE_F], sum[r][LSTM_GATE_G],
                                                    sum[r][LSTM_GATE_O], cs[at], &h_next);
                STORED_STORE(new_lm, r * hidden + u, h_next);
                STORED_STORE(y_gm, y_offset + (long)t * y_step + (long)(first + r) * y_stride + u, h_next);
            }
#if LK > 1
            barrier(CLK_LOCAL_MEM_FENCE);
#endif
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}
