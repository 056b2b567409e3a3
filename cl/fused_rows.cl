// SPDX-License-Identifier: Apache-2.0
/*
 * A whole slice in one launch, each work-item its own rows of the batch, so that none waits for another. CPUs, at least one row a core.
 *
 *     s[q] = b[q] + x[t] W_ih[q]^T + h[t-1] W_hh[q]^T       c, h = next_cell(s, c), next_hidden(s, c)        t = 0 .. T-1
 *
 * Per step and block of VW units the weights of both products, 4 VW (input + hidden) elements, pass once through the core's cache and serve all
 * rows of the work-item, RM at a time: `rows` is large enough that this pays and small enough that all cores have work.
 *
 * Launch: global ceil(batch / rows), local 1. Index expressions, U = ceil(hidden / VW), a row (t, b) at offset + t * step + b * stride:
 *     x, y                       the slice, any order of steps and batch
 *     h0, hn, c0, cn             [batch][hidden] at their offsets; hn may be h0, cn may be c0
 *     wx, wh                     packed as in fused_tile.cl, K = input and K = hidden
 *     bias  [U][4][VW]           b_ih + b_hh, 0 beyond hidden
 *     c     [batch][U][VW]       scratch
 *     sums  [work-items][RM][4][VW]  scratch
 */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
fused_rows(const __global REAL *x_gm, const uint x_offset, const uint x_step, const uint x_stride,
           const __global REALV *restrict wx, const __global REALV *restrict wh, const __global REALV *restrict bias,
           const __global REAL *h0_gm, const uint h0_offset, const __global REAL *c0_gm, const uint c0_offset, __global REAL *y_gm,
           const uint y_offset, const uint y_step, const uint y_stride, __global REAL *hn_gm, const uint hn_offset,
           __global REAL *cn_gm, const uint cn_offset, __global REALV *c, __global REALV *sums, const int input, const int hidden,
           const int batch, const int steps, const int rows) {
    const int blocks = (hidden + VW - 1) / VW;
    const int first = (int)get_global_id(0) * rows;
    const int count = min(rows, batch - first);
    __global REALV *const sum = sums + (int)get_global_id(0) * RM * GATES;

    for (int b = first; b < first + count; ++b)
        for (int u = 0; u < blocks; ++u)
            c[b * blocks + u] = load_some(c0_gm + c0_offset + b * hidden + u * VW, hidden - u * VW);

    for (int t = 0; t < steps; ++t) {
        const __global REAL *const xt = x_gm + x_offset + (long)t * x_step;
        const __global REAL *const ht = t ? y_gm + y_offset + (long)(t - 1) * y_step : h0_gm + h0_offset;
        const int h_stride = t ? (int)y_stride : hidden;
        __global REAL *const yt = y_gm + y_offset + (long)t * y_step;
        for (int v = 0; v < blocks; ++v) {
            const int u = (t & 1) ? blocks - 1 - v : v; // back and forth: what is still in the cache is used first
            const int units = hidden - u * VW;
            for (int row = 0; row < count;) {
                const int n = tile_rows(row, count), b = first + row;
                tile(n, sum, GATES, bias + u * GATES, 0, wx + (long)u * input * GATES, xt + (long)b * x_stride, (int)x_stride,
                     input, wh + (long)u * hidden * GATES, ht + (long)b * h_stride, h_stride, hidden);
                for (int r = 0; r < n; ++r) {
                    __global REALV *const cell = c + (b + r) * blocks + u;
                    const REALV next = next_cell(sum[r * GATES], sum[r * GATES + 1], sum[r * GATES + 2], *cell);
                    *cell = next;
                    store_some(next_hidden(sum[r * GATES + 3], next), yt + (long)(b + r) * y_stride + u * VW, units);
                }
                row += n;
            }
        }
    }

    const __global REAL *const last = y_gm + y_offset + (long)(steps - 1) * y_step;
    for (int b = first; b < first + count; ++b)
        for (int u = 0; u < blocks; ++u) {
            store_some(c[b * blocks + u], cn_gm + cn_offset + b * hidden + u * VW, hidden - u * VW);
            store_some(load_some(last + (long)b * y_stride + u * VW, hidden - u * VW), hn_gm + hn_offset + b * hidden + u * VW,
                       hidden - u * VW);
        }
}
