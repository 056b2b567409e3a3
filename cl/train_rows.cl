// SPDX-License-Identifier: Apache-2.0
/*
 * The recurrence of a unit in training, forward with its gates kept, and back: a whole slice in one launch, each work-item its own rows of the
 * batch, so that none waits for another. weight_hh packed by train_pack, the sums by the register tile of fused_tile.cl.
 *
 *     forward   s[q] = gates[t][q] + h[t] W_hh[q]^T;   i, f, o = sigmoid(s), g = tanh(s)
 *               c[t+1] = f c[t] + i g                  h[t+1] = o tanh(c[t+1])               gates[t] = i, f, g, o
 *     backward  dh += dy[t]                            dc += dh o (1 - tanh(c[t+1])^2)
 *               da_i = dc g i (1 - i)                  da_f = dc c[t] f (1 - f)
 *               da_g = dc i (1 - g^2)                  da_o = dh tanh(c[t+1]) o (1 - o)
 *               gates[t] = da                          dc = dc f                             dh = da W_hh
 *
 * A row b with first + t >= lengths[b] stands still: h and c are copied on; da is zero, dh and dc pass, dy has no effect, NaN neither.
 *
 * Launch: global ceil(batch / rows), local 1. gates [steps][batch][4H]; h, c [steps + 1][batch][H]; dy [steps][batch][H]; dh, dc [batch][H]; sums
 * [work-items][RM][4][VW] in scratch.
 */
static REALV sigmoid_units(const REALV x) { return (REALV)1 / ((REALV)1 + exp_whole(-x)); }

static REALV tanh_units(const REALV x) {
    const REALV e = exp_bounded((REALV)-2 * x);
    return ((REALV)1 - e) / ((REALV)1 + e);
}

static int stands_still(const __global int *lengths, const int has_lengths, const int step, const int b) {
    return has_lengths && step >= lengths[b];
}

/* One row's units from `at` on, of which `left` are there, with its sums. */
static void forward_units(const __global REALV *sum, __global REAL *gates, const __global REAL *h, __global REAL *h_next,
                          const __global REAL *c, __global REAL *c_next, const int hidden, const int left, const int still) {
    const REALV i = sigmoid_units(sum[LSTM_GATE_I]), f = sigmoid_units(sum[LSTM_GATE_F]);
    const REALV g = tanh_units(sum[LSTM_GATE_G]), o = sigmoid_units(sum[LSTM_GATE_O]);
    const REALV before = load_some(c, left), after = fma(f, before, i * g);
    store_some(i, gates + LSTM_GATE_I * hidden, left);
    store_some(f, gates + LSTM_GATE_F * hidden, left);
    store_some(g, gates + LSTM_GATE_G * hidden, left);
    store_some(o, gates + LSTM_GATE_O * hidden, left);
    store_some(still ? before : after, c_next, left);
    store_some(still ? load_some(h, left) : o * tanh_units(after), h_next, left);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void train_rows_forward(__global REAL *gates_gm, __global REAL *h_gm,
                                                                                __global REAL *c_gm, const __global int *lengths_gm,
                                                                                __global REAL *scratch_gm,
                                                                                const train_rows_call call) {
    const int hidden = call.hidden, batch = call.batch;
    const int blocks = (hidden + VW - 1) / VW;
    const int first = (int)get_global_id(0) * call.rows, count = min(call.rows, batch - first);
    WEIGHTS wh = (const __global REALV *)scratch_gm;
    __global REALV *const sum = (__global REALV *)(scratch_gm + call.sums) + (long)get_global_id(0) * RM * LSTM_GATES;

    for (int t = 0; t < call.steps; ++t) {
        const long at = ((long)t * batch + first) * hidden, next = at + (long)batch * hidden;
        const __global REAL *const h = h_gm + call.h + at;
        for (int v = 0; v < blocks; ++v) {
            const int back = t & 1, u = back ? blocks - 1 - v : v, left = hidden - u * VW;
            const int to_next = v + 1 == blocks ? 0 : back ? -LSTM_GATES : LSTM_GATES; // from this block to the next, in rows of k
            const __global REALV *const w = wh + (long)u * hidden * LSTM_GATES;
            for (int row = 0; row < count;) {
                const int n = tile_rows(row, count, call.split);
                __global REAL *const gates = gates_gm + call.gates + (at + (long)row * hidden) * LSTM_GATES + u * VW;
                for (int r = 0; r < n; ++r)
                    for (int q = 0; q < LSTM_GATES; ++q)
                        sum[r * LSTM_GATES + q] = load_some(gates + ((long)r * LSTM_GATES + q) * hidden, left);
                const long part = (long)row * PANEL / count; // what this tile fetches of the next block
                const __global REAL *const ahead = (const __global REAL *)(w + (long)to_next * hidden) + part * hidden;
                tile(n, call.split, sum, LSTM_GATES, sum, LSTM_GATES, w, h + (long)row * hidden, hidden, hidden, ahead, w, h, 0, 0,
                     ahead);
                for (int r = 0; r < n; ++r) {
                    const long cell = at + (long)(row + r) * hidden + u * VW, cell_next = cell + (next - at);
                    forward_units(sum + r * LSTM_GATES, gates + (long)r * LSTM_GATES * hidden, h_gm + call.h + cell,
                                  h_gm + call.h + cell_next, c_gm + call.c + cell, c_gm + call.c + cell_next, hidden, left,
                                  stands_still(lengths_gm, call.has_lengths, call.first + t, first + row + r));
                }
                row += n;
            }
        }
    }
}

/* One row's units from where the pointers stand, with the gradient of their h. */
static void backward_units(const REALV dh, __global REAL *gates, const __global REAL *c, const __global REAL *c_next,
                           __global REAL *dc, const int hidden, const int left, const int still) {
    const REALV one = (REALV)1, zero = (REALV)0;
    const REALV i = load_some(gates + LSTM_GATE_I * hidden, left), f = load_some(gates + LSTM_GATE_F * hidden, left);
    const REALV g = load_some(gates + LSTM_GATE_G * hidden, left), o = load_some(gates + LSTM_GATE_O * hidden, left);
    const REALV th = tanh_units(load_some(c_next, left)), before = load_some(dc, left);
    const REALV d = fma(dh * o, one - th * th, before);
    store_some(still ? zero : d * g * i * (one - i), gates + LSTM_GATE_I * hidden, left);
    store_some(still ? zero : d * load_some(c, left) * f * (one - f), gates + LSTM_GATE_F * hidden, left);
    store_some(still ? zero : d * i * (one - g * g), gates + LSTM_GATE_G * hidden, left);
    store_some(still ? zero : dh * th * o * (one - o), gates + LSTM_GATE_O * hidden, left);
    store_some(still ? before : d * f, dc, left);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
train_rows_backward(__global REAL *gates_gm, const __global REAL *c_gm, const __global REAL *dy_gm, __global REAL *dh_gm,
                    __global REAL *dc_gm, const __global int *lengths_gm, __global REAL *scratch_gm, const train_rows_call call) {
    const int hidden = call.hidden, batch = call.batch, steps = call.steps, deep = LSTM_GATES * hidden;
    const int panels = (hidden + PANEL - 1) / PANEL;
    const int first = (int)get_global_id(0) * call.rows, count = min(call.rows, batch - first);
    WEIGHTS wh = (const __global REALV *)scratch_gm;
    __global REALV *const sum = (__global REALV *)(scratch_gm + call.sums) + (long)get_global_id(0) * RM * LSTM_GATES;

    // Step -1 only finishes dh.
    for (int t = steps - 1; t >= -1; --t) {
        const long at = ((long)t * batch + first) * hidden, next = at + (long)batch * hidden;
        const int after = t + 1 < steps; // there is a da[t + 1]
        for (int v = 0; v < panels; ++v) {
            const int back = t & 1, u = back ? panels - 1 - v : v;
            const int to_next = v + 1 == panels ? 0 : back ? -LSTM_GATES : LSTM_GATES;
            const __global REALV *const w = wh + (long)u * deep * LSTM_GATES;
            for (int row = 0; row < count;) {
                const int n = tile_rows(row, count, call.split);
                if (after) {
                    const __global REAL *const da = gates_gm + call.gates + (next + (long)row * hidden) * LSTM_GATES;
                    const long part = (long)row * PANEL / count;
                    const __global REAL *const ahead = (const __global REAL *)(w + (long)to_next * deep) + part * deep;
                    for (int e = 0; e < n * LSTM_GATES; ++e)
                        sum[e] = (REALV)0;
                    tile(n, call.split, sum, LSTM_GATES, sum, LSTM_GATES, w, da, deep, deep, ahead, w, da, 0, 0, ahead);
                }
                for (int r = 0; r < n; ++r) {
                    const int b = first + row + r;
                    const int still = stands_still(lengths_gm, call.has_lengths, call.first + t, b);
                    const int stood = stands_still(lengths_gm, call.has_lengths, call.first + t + 1, b);
                    for (int q = 0; q < LSTM_GATES; ++q) {
                        const int unit = u * PANEL + q * VW, left = hidden - unit;
                        if (left <= 0)
                            break;
                        const long cell = ((long)t * batch + b) * hidden + unit;
                        __global REAL *const dh_at = dh_gm + call.dh + (long)b * hidden + unit;
                        REALV dh = after && !stood ? sum[r * LSTM_GATES + q] : load_some(dh_at, left);
                        if (t < 0 || (call.has_lengths && !stood))
                            store_some(dh, dh_at, left);
                        if (t < 0)
                            continue;
                        if (call.has_dy)
                            dh += load_some(dy_gm + call.dy + cell, left);
                        backward_units(dh, gates_gm + call.gates + ((long)t * batch + b) * deep + unit, c_gm + call.c + cell,
                                       c_gm + call.c + cell + (long)batch * hidden, dc_gm + call.dc + (long)b * hidden + unit,
                                       hidden, left, still);
                    }
                }
                row += n;
            }
        }
    }
}
