// SPDX-License-Identifier: Apache-2.0
/*
 * A whole slice in one launch, each work-item its own rows of the batch, so that none waits for another. CPUs, at least one row a core.
 *
 *     s[q] = b[q] + x[t] W_ih[q]^T + h[t-1] W_hh[q]^T       c, h = next_cell(s, c), next_hidden(s, c)        t = 0 .. T-1
 *
 * Per step and block of VW units the weights pass once through the core's cache and serve all rows of the work-item, RM at a time:
 * `rows` is large enough that this pays, small enough that all cores have work. Two ways for the input product:
 *     chunk = 0   in the same tile as the recurrent one: nothing is kept, 4 VW (input + hidden) weights of a block are in use
 *     chunk > 0   `chunk` steps ahead, kept in sums: 4 VW max(input, hidden) weights of a block in use; for large sizes
 * `split` is for all tiles of the launch: see fused_tile.cl.
 * Blocks are walked forwards and backwards by turns: what is still in the cache from the end of a step is used first. `turn` (0 or 1) says how to begin,
 * so that calls of one step go on where the call before ended.
 *
 * Launch: global ceil(batch / rows), local 1. Index expressions, U = ceil(hidden / VW), a row (t, b) at offset + t * step + b * stride:
 *     x, y                       the slice, any order of steps and batch; offsets, strides and sizes are in `call`
 *     h0, hn, c0, cn             [batch][hidden] at their offsets; hn may be h0, cn may be c0
 *     wx, wh                     packed as in fused_tile.cl, K = input and K = hidden
 *     bias  [U][4][VW]           b_ih + b_hh, 0 beyond hidden
 *     c     [batch][U][VW]       scratch
 *     sums  [work-items][RM][4][VW]                scratch, chunk = 0
 *           [work-items][chunk][U][rows][4][VW]    scratch, chunk > 0
 */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
fused_rows(const __global STORED_T *x_gm, WEIGHTS wx, WEIGHTS wh, const __global REALV *bias, const __global STORED_T *h0_gm,
           const __global REAL *c0_gm, __global STORED_T *y_gm, __global STORED_T *hn_gm, __global REAL *cn_gm, __global REALV *c,
           __global REALV *sums, const lstm_fused_call call) {
    const uint x_step = call.x_step, x_stride = call.x_stride, y_step = call.y_step, y_stride = call.y_stride;
    const int input = call.input, hidden = call.hidden, batch = call.batch, steps = call.steps, chunk = call.chunk,
              turn = call.turn;
    const int rows = call.rows;
    const int blocks = (hidden + VW - 1) / VW;
    const int first = (int)get_global_id(0) * rows;
    const int count = min(rows, batch - first);
    const int step_sums = blocks * rows * GATES; // vectors of one step's sums
    __global REALV *const sum = sums + (long)get_global_id(0) * (chunk ? (long)chunk * step_sums : RM * GATES);

    for (int b = first; b < first + count; ++b)
        for (int u = 0; u < blocks; ++u)
            c[b * blocks + u] = load_some(c0_gm + call.c0_offset + (long)b * hidden + u * VW, hidden - u * VW);

    for (int t = 0; t < steps; ++t) {
        const __global STORED_T *const xt = x_gm + call.x_offset + (long)t * x_step + (long)first * x_stride;
        const int h_stride = t ? (int)y_stride : hidden;
        const __global STORED_T *const ht =
            (t ? y_gm + call.y_offset + (long)(t - 1) * y_step : h0_gm + call.h0_offset) + (long)first * h_stride;
        __global STORED_T *const yt = y_gm + call.y_offset + (long)t * y_step + (long)first * y_stride;
        const int back = (t + turn) & 1;
        const int ahead = chunk ? t % chunk : 0;
        // Phase 0: the input product of the next steps; phase 1: this step. One call of tile for both keeps the program small.
        for (int phase = chunk && ahead == 0 ? 0 : 1; phase < 2; ++phase)
            for (int v = 0; v < blocks; ++v) {
                const int u = back ? blocks - 1 - v : v;
                const int next = v + 1 == blocks ? 0 : back ? -GATES : GATES; // from this block to the next, in rows of k
                const int deep = phase ? 1 : min(chunk, steps - t);
                for (int d = 0; d < deep; ++d)
                    for (int row = 0; row < count;) {
                        const int n = tile_rows(row, count, call.split);
                        __global REALV *const s = chunk ? sum + (long)(ahead + d) * step_sums + (u * rows + row) * GATES : sum;
                        const int kept = phase && chunk;
                        const long part =
                            (long)(d * count + row) * GATES * VW / (deep * count); // what this tile fetches of the next block
                        const long px = (long)u * input * GATES, ph = (long)u * hidden * GATES;
                        tile(n, call.split, s, GATES, kept ? s : bias + u * GATES, kept ? GATES : 0, wx + W_AT(px),
                             xt + (long)d * x_step + (long)row * x_stride, (int)x_stride, kept ? 0 : input,
                             (const __global REAL *)(wx + W_AT(px + (long)next * input)) + part * input, wh + W_AT(ph),
                             ht + (long)row * h_stride, h_stride, phase ? hidden : 0,
                             (const __global REAL *)(wh + W_AT(ph + (long)next * hidden)) + part * hidden);
                        for (int r = 0; r < n && phase; ++r) {
                            __global REALV *const cell = c + (first + row + r) * blocks + u;
                            const REALV c_next = next_cell(s[r * GATES], s[r * GATES + 1], s[r * GATES + 2], *cell);
                            *cell = c_next;
                            store_h(next_hidden(s[r * GATES + 3], c_next), yt + (long)(row + r) * y_stride + u * VW,
                                    hidden - u * VW);
                        }
                        row += n;
                    }
            }
    }

    const __global STORED_T *const last = y_gm + call.y_offset + (long)(steps - 1) * y_step;
    for (int b = first; b < first + count; ++b)
        for (int u = 0; u < blocks; ++u) {
            store_some(c[b * blocks + u], cn_gm + call.cn_offset + (long)b * hidden + u * VW, hidden - u * VW);
            store_h(load_h(last + (long)b * y_stride + u * VW, hidden - u * VW), hn_gm + call.hn_offset + (long)b * hidden + u * VW,
                    hidden - u * VW);
        }
}
