// SPDX-License-Identifier: Apache-2.0
/*
 * A whole slice in one launch for small batches: alone (groups = 1), or the hidden units split over `groups` work-items that run at the same
 * time and meet once a step.
 *
 *     s[t][q] = b[q] + x[t] W_ih[q]^T                                             a chunk of steps at a time, RM rows a tile
 *     s[t][q] += h[t-1] W_hh[q]^T;  c, h = next_cell(s, c), next_hidden(s, c)     step by step
 *
 * Meeting. OpenCL promises no progress between work-groups, so the wait counts at most `patience` looks; then this work-item writes GAVE_UP and
 * every one returns. The host reads meet[groups * MEET_STRIDE]: non-zero means that y, hn, cn are void and the slice has to be redone
 * by a kernel that does not wait. Counters go from `epoch` to epoch + steps: the next launch passes epoch + steps, and nothing
 * has to be cleared in between. With groups = 1 nothing is read or written in meet.
 *
 * What hides the wait: before it, the products with the work-item's own h (no one else's is needed) for the first `early` blocks. Blocks are
 * walked forwards on even steps and backwards on odd ones: what is still in the cache from the end of a step is used first.
 *
 * Launch: global = local = 1 per part, once per part with first = 0 .. groups-1 on sub-devices; or one launch of `groups` groups of 1. With groups
 * > 1, steps > 1: at the first meeting every part has read h0, so hn may be h0; cn may be c0 in any case.
 * Index expressions, U = ceil(hidden / VW), a row (t, b) at offset + t * step + b * stride:
 *     x, y                       the slice, any order of steps and batch
 *     h0, hn, c0, cn             [batch][hidden] at their offsets
 *     wx, wh                     packed as in fused_tile.cl, K = input and K = hidden
 *     bias  [U][4][VW]           b_ih + b_hh, 0 beyond hidden
 *     sums  [chunk * batch][U][4][VW], c [batch][U][VW]      scratch, shared: each work-item touches its own blocks only
 *     meet  [(groups + 1) * MEET_STRIDE]                     counters, zero before the first launch with epoch = 0
 */
#define MEET_STRIDE 32
#define GAVE_UP     1

// True once every other part has reached `goal`.
static int all_reached(volatile __global int *meet, const int part, const int groups, const int goal, const int patience) {
    atomic_xchg(&meet[part * MEET_STRIDE], goal);
    for (int other = 0; other < groups; ++other) {
        int looks = 0;
        while (other != part && meet[other * MEET_STRIDE] - goal < 0) {
            if (++looks > patience || meet[groups * MEET_STRIDE]) {
                atomic_xchg(&meet[groups * MEET_STRIDE], GAVE_UP);
                return 0;
            }
        }
    }
    mem_fence(CLK_GLOBAL_MEM_FENCE);
    return 1;
}

// The input product of `count` rows of x, `stride` apart, for the blocks low to high; the sums of two rows are sums_stride vectors apart.
static void input_product(const __global REAL *x, const int stride, const __global REALV *wx, const __global REALV *bias,
                          __global REALV *sums, const int sums_stride, const int input, const int count, const int low,
                          const int high) {
    for (int u = low; u < high; ++u)
        for (int row = 0; row < count;) {
            const int n = tile_rows(row, count);
            tile(n, sums + (long)row * sums_stride + u * GATES, sums_stride, bias + u * GATES, 0, wx + (long)u * input * GATES,
                 x + (long)row * stride, stride, input, wx, x, 0, 0);
            row += n;
        }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
fused_units(const __global REAL *x_gm, const uint x_offset, const uint x_step, const uint x_stride,
            const __global REALV *restrict wx, const __global REALV *restrict wh, const __global REALV *restrict bias,
            const __global REAL *h0_gm, const uint h0_offset, const __global REAL *c0_gm, const uint c0_offset, __global REAL *y_gm,
            const uint y_offset, const uint y_step, const uint y_stride, __global REAL *hn_gm, const uint hn_offset,
            __global REAL *cn_gm, const uint cn_offset, __global REALV *c, __global REALV *sums, const int input, const int hidden,
            const int batch, const int steps, volatile __global int *meet, const int chunk, const int early, const int first,
            const int groups, const int epoch, const int patience) {
    const int part = first + (int)get_global_id(0);
    const int blocks = (hidden + VW - 1) / VW;
    const int low = (int)((long)blocks * part / groups), high = (int)((long)blocks * (part + 1) / groups);
    const int own_low = min(low * VW, hidden), own_high = min(high * VW, hidden);
    const int sum_stride = blocks * GATES;
    const int ahead = groups > 1 ? min(early, high - low) : 0;

    for (int b = 0; b < batch; ++b)
        for (int u = low; u < high; ++u)
            c[b * blocks + u] = load_some(c0_gm + c0_offset + b * hidden + u * VW, hidden - u * VW);

    for (int t = 0; t < steps; ++t) {
        if (t % chunk == 0) {
            const int count = min(chunk, steps - t);
            const __global REAL *const xt = x_gm + x_offset + (long)t * x_step;
            if (x_stride * (uint)batch == x_step || batch == 1) // time-major: all rows of the chunk in one run
                input_product(xt, batch == 1 ? (int)x_step : (int)x_stride, wx, bias, sums, sum_stride, input, count * batch, low,
                              high);
            else
                for (int b = 0; b < batch; ++b)
                    input_product(xt + (long)b * x_stride, (int)x_step, wx, bias, sums + (long)b * sum_stride, batch * sum_stride,
                                  input, count, low, high);
        }
        const __global REAL *const ht = t ? y_gm + y_offset + (long)(t - 1) * y_step : h0_gm + h0_offset;
        const int h_stride = t ? (int)y_stride : hidden;
        __global REAL *const yt = y_gm + y_offset + (long)t * y_step;
        __global REALV *const st = sums + (long)(t % chunk) * batch * sum_stride;
        const int wait = t > 0 && groups > 1;
        if (wait) {
            for (int v = 0; v < ahead; ++v) {
                const int u = (t & 1) ? high - 1 - v : low + v;
                for (int row = 0; row < batch;) {
                    const int n = tile_rows(row, batch);
                    __global REALV *const s = st + (long)row * sum_stride + u * GATES;
                    tile(n, s, sum_stride, s, sum_stride, wh + ((long)u * hidden + own_low) * GATES,
                         ht + (long)row * h_stride + own_low, h_stride, own_high - own_low, wh, h0_gm, 0, 0);
                    row += n;
                }
            }
            if (!all_reached(meet, part, groups, epoch + t, patience))
                return;
        }
        for (int v = 0; v < high - low; ++v) {
            const int u = (t & 1) ? high - 1 - v : low + v;
            const int done = wait && v < ahead;
            const int skip = done ? own_low : hidden, from = done ? own_high : hidden;
            for (int row = 0; row < batch;) {
                const int n = tile_rows(row, batch);
                __global REALV *const s = st + (long)row * sum_stride + u * GATES;
                const __global REAL *const h_row = ht + (long)row * h_stride;
                tile(n, s, sum_stride, s, sum_stride, wh + (long)u * hidden * GATES, h_row, h_stride, skip,
                     wh + ((long)u * hidden + from) * GATES, h_row + from, h_stride, hidden - from);
                for (int r = 0; r < n; ++r) {
                    __global REALV *const cell = c + (row + r) * blocks + u;
                    const __global REALV *const q = s + (long)r * sum_stride;
                    const REALV next = next_cell(q[0], q[1], q[2], *cell);
                    *cell = next;
                    store_some(next_hidden(q[3], next), yt + (long)(row + r) * y_stride + u * VW, hidden - u * VW);
                }
                row += n;
            }
        }
    }
    if (groups > 1)
        atomic_xchg(&meet[part * MEET_STRIDE], epoch + steps);

    const __global REAL *const last = y_gm + y_offset + (long)(steps - 1) * y_step;
    for (int b = 0; b < batch; ++b)
        for (int u = low; u < high; ++u) {
            store_some(c[b * blocks + u], cn_gm + cn_offset + b * hidden + u * VW, hidden - u * VW);
            store_some(load_some(last + (long)b * y_stride + u * VW, hidden - u * VW), hn_gm + hn_offset + b * hidden + u * VW,
                       hidden - u * VW);
        }
}
