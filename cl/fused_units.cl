// SPDX-License-Identifier: Apache-2.0
/*
 * A whole slice in one launch for small batches: alone (groups = 1), or the hidden units split over `groups` work-items that run at the same
 * time and meet once a step.
 *
 *     s[t][q] = b[q] + x[t] W_ih[q]^T                                             a chunk of steps at a time, RM rows a tile
 *     s[t][q] += h[t-1] W_hh[q]^T;  c, h = next_cell(s, c), next_hidden(s, c)     step by step
 *
 * Meeting. OpenCL promises no progress between work-groups, so a wait counts at most `patience` looks; then this work-item writes GAVE_UP and
 * every one returns: nothing can hang. A second launch (role FINISH, one work-item, on the same in-order queue) follows one of several groups:
 * where nobody gave up it only writes the state, otherwise it computes the slice again, alone, from h0 and c0, which the first launch
 * leaves as they are. The host is not asked. Counters go from `epoch` to epoch + steps: the next launch passes epoch + steps.
 *
 * `turn` (0 or 1) says in which direction to begin, so that calls of one step go on where the call before ended. `split`: see fused_tile.cl.
 *
 * What hides the wait: before it, the products with the work-item's own h (no one else's is needed) for the first `early` blocks. Blocks are
 * walked forwards on even steps and backwards on odd ones: what is still in the cache from the end of a step is used first.
 *
 * Launch: local 1, global = groups with role RUN, global 1 with role FINISH. Index expressions, U = ceil(hidden / VW), a row (t, b) at
 * offset + t * step + b * stride:
 *     x, y                       the slice, any order of steps and batch; offsets, strides and sizes are in `call`
 *     h0, hn, c0, cn             [batch][hidden] at their offsets; hn may be h0, cn may be c0
 *     wx, wh                     packed as in fused_tile.cl, K = input and K = hidden
 *     bias  [U][4][VW]           b_ih + b_hh, 0 beyond hidden
 *     sums  [chunk * batch][U][4][VW], c [batch][U][VW]      scratch, shared: each work-item touches its own blocks only
 *     meet  [groups + 2][MEET_STRIDE]    a counter a group; then GAVE_UP; then how often that happened. Zero before the first launch
 */
#define MEET_STRIDE 32 // ints: a cache line or two for each counter
#define GAVE_UP     1

#define ROLE_RUN    0
#define ROLE_FINISH 1

// The phases of a step.
#define INPUT_PRODUCT 0
#define OWN_COLUMNS   1
#define REST          2

// True once every other part has reached `goal`.
static int all_reached(volatile __global int *meet, const int part, const int groups, const int goal, const int patience) {
    atomic_xchg(&meet[part * MEET_STRIDE], goal);
    for (int other = 0; other < groups; ++other) {
        int looks = 0;
        while (other != part && (int)((uint)meet[other * MEET_STRIDE] - (uint)goal) < 0) {
            if (++looks > patience || meet[groups * MEET_STRIDE]) {
                atomic_xchg(&meet[groups * MEET_STRIDE], GAVE_UP);
                return 0;
            }
        }
    }
    mem_fence(CLK_GLOBAL_MEM_FENCE);
    return 1;
}

// Can `groups` work-groups of one launch meet on this device? They meet `rounds` times; GAVE_UP says no.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void fused_probe(volatile __global int *meet, const int groups,
                                                                         const int epoch, const int rounds, const int patience) {
    for (int round = 1; round <= rounds; ++round)
        if (!all_reached(meet, (int)get_global_id(0), groups, epoch + round, patience))
            return;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
fused_units(const __global STORED_T *x_gm, WEIGHTS wx, WEIGHTS wh, const __global REALV *bias, const __global STORED_T *h0_gm,
            const __global REAL *c0_gm, __global STORED_T *y_gm, __global STORED_T *hn_gm, __global REAL *cn_gm, __global REALV *c,
            __global REALV *sums, const lstm_fused_call call, volatile __global int *meet) {
    const uint x_step = call.x_step, x_stride = call.x_stride, y_step = call.y_step, y_stride = call.y_stride;
    const int input = call.input, hidden = call.hidden, batch = call.batch, steps = call.steps, chunk = call.chunk,
              turn = call.turn;
    const int groups = call.groups, epoch = call.epoch;
    const int finish = call.role == ROLE_FINISH;
    const int redo = finish && meet[groups * MEET_STRIDE];
    const int parts = finish ? 1 : groups;
    const int part = (int)get_global_id(0);
    const int blocks = (hidden + VW - 1) / VW;
    const int low = (int)((long)blocks * part / parts), high = (int)((long)blocks * (part + 1) / parts);
    const int own_low = min(low * VW, hidden), own_high = min(high * VW, hidden);
    const int sum_stride = blocks * GATES;
    const int ahead = parts > 1 ? min(call.early, high - low) : 0;
    // x's rows of a chunk in one run where they lie in the order of the sums, otherwise a run for each row of the batch.
    const int in_order = batch == 1 || x_stride * (uint)batch == x_step;

    if (redo) {
        for (int other = 0; other < groups; ++other)
            meet[other * MEET_STRIDE] = epoch + steps;
        meet[groups * MEET_STRIDE] = 0;
        ++meet[(groups + 1) * MEET_STRIDE];
    }
    for (int b = 0; b < batch && (!finish || redo); ++b)
        for (int u = low; u < high; ++u)
            c[b * blocks + u] = load_some(c0_gm + call.c0_offset + (long)b * hidden + u * VW, hidden - u * VW);

    for (int t = 0, slot = 0; t < steps && (!finish || redo); ++t, slot = slot + 1 == chunk ? 0 : slot + 1) {
        const int h_stride = t ? (int)y_stride : hidden;
        const __global STORED_T *const ht = t ? y_gm + call.y_offset + (long)(t - 1) * y_step : h0_gm + call.h0_offset;
        __global STORED_T *const yt = y_gm + call.y_offset + (long)t * y_step;
        __global REALV *const st = sums + (long)slot * batch * sum_stride;
        const int before = t ? ahead : 0;
        const int back = (t + turn) & 1;
        const int next_chunk = min(chunk, steps - t);
        // One call of tile for all phases keeps the program small.
        for (int phase = slot == 0 ? INPUT_PRODUCT : before ? OWN_COLUMNS : REST; phase <= REST; ++phase) {
            if (phase == REST && t && parts > 1 && !all_reached(meet, part, parts, epoch + t, call.patience))
                return;
            const int fresh = phase == INPUT_PRODUCT;
            const int runs = fresh && !in_order ? batch : 1;
            const int rows = !fresh ? batch : in_order ? next_chunk * batch : next_chunk;
            const int few = call.split && rows <= SPLIT_ROWS; // the input product of many steps has many rows
            const int apart = !fresh ? h_stride : batch == 1 || !in_order ? (int)x_step : (int)x_stride;
            const int sums_apart = runs > 1 ? batch * sum_stride : sum_stride;
            const int count = phase == OWN_COLUMNS ? before : high - low;
            WEIGHTS weights = fresh ? wx : wh;
            const int depth = fresh ? input : hidden;
            for (int v = 0; v < count * runs; ++v) {
                const int run = v % runs, u = back ? high - 1 - v / runs : low + v / runs;
                const __global STORED_T *const from = fresh ? x_gm + call.x_offset + (long)t * x_step + (long)run * x_stride : ht;
                WEIGHTS w = weights + W_AT((long)u * depth * GATES);
                const int last = v + 1 == count * runs;
                const __global REAL *const next =
                    (const __global REAL *)(last ? w : w + W_AT(back ? -depth * GATES : depth * GATES));
                // The columns of this phase: [from1, from1 + count1) and [from2, depth).
                const int split = phase == REST && v < before;
                const int from1 = phase == OWN_COLUMNS ? own_low : 0;
                const int count1 = phase == OWN_COLUMNS ? own_high - own_low : split ? own_low : depth;
                const int from2 = split ? own_high : depth;
                for (int row = 0; row < rows;) {
                    const int n = tile_rows(row, rows, few);
                    __global REALV *const s = st + (long)run * sum_stride + (long)row * sums_apart + u * GATES;
                    const __global STORED_T *const a = from + (long)row * apart;
                    const __global REAL *const fetch = row ? next + (long)row * GATES * VW / rows * depth : next;
                    tile(n, few, s, sums_apart, fresh ? bias + u * GATES : s, fresh ? 0 : sums_apart, w + W_AT(from1 * GATES),
                         a + from1, apart, count1, fetch, w + W_AT(from2 * GATES), a + from2, apart, depth - from2, fetch);
                    for (int r = 0; r < n && phase == REST; ++r) {
                        __global REALV *const cell = c + (row + r) * blocks + u;
                        const __global REALV *const q = s + (long)r * sum_stride;
                        const REALV c_next = next_cell(q[0], q[1], q[2], *cell);
                        *cell = c_next;
                        store_h(next_hidden(q[3], c_next), yt + (long)(row + r) * y_stride + u * VW, hidden - u * VW);
                    }
                    row += n;
                }
            }
        }
    }
    if (parts > 1) {
        atomic_xchg(&meet[part * MEET_STRIDE], epoch + steps);
        return; // the state is written by FINISH, once it is sure
    }

    const __global STORED_T *const last = y_gm + call.y_offset + (long)(steps - 1) * y_step;
    for (int b = 0; b < batch; ++b)
        for (int u = 0; u < blocks; ++u) {
            store_some(c[b * blocks + u], cn_gm + call.cn_offset + (long)b * hidden + u * VW, hidden - u * VW);
            store_h(load_h(last + (long)b * y_stride + u * VW, hidden - u * VW), hn_gm + call.hn_offset + (long)b * hidden + u * VW,
                    hidden - u * VW);
        }
}
