// SPDX-License-Identifier: Apache-2.0
/*
 * Matrices into panels, as cl/fused_tile.cl reads them: of each k the 4 VW columns of a panel, one behind the other.
 *
 *     panel[(k * 4 + q) * VW + j] = column q VW + j, row k
 */
#define PANEL (LSTM_GATES * VW)

static REALV interleave_low(const REALV a, const REALV b) {
    REALV v;
    v.even = a.lo;
    v.odd = b.lo;
    return v;
}

static REALV interleave_high(const REALV a, const REALV b) {
    REALV v;
    v.even = a.hi;
    v.odd = b.hi;
    return v;
}

/* One round of transposing VW rows of VW; log2(VW) of them do it all. */
#define TRANSPOSE_ROUND(to, from)                                                                                                  \
    _Pragma("unroll") for (int i = 0; i < VW / 2; ++i) {                                                                           \
        to[2 * i] = interleave_low(from[i], from[i + VW / 2]);                                                                     \
        to[2 * i + 1] = interleave_high(from[i], from[i + VW / 2]);                                                                \
    }

/* A column of vectors: to[k * PANEL + j] = from[j * ld + k], j < VW, k < depth. Of `count` < VW rows the last is repeated. */
static void pack_transposed(__global REAL *to, const __global REAL *from, const long ld, const int count, const int depth) {
    int k = 0;
    for (; k + VW <= depth; k += VW) {
        REALV v[VW], w[VW];
        _Pragma("unroll") for (int j = 0; j < VW; ++j) v[j] = LOAD_UNITS(from + min(j, count - 1) * ld + k);
        TRANSPOSE_ROUND(w, v)
        TRANSPOSE_ROUND(v, w)
#if VW >= 8
        TRANSPOSE_ROUND(w, v)
#endif
#if VW >= 16
        TRANSPOSE_ROUND(v, w)
#endif
        _Pragma("unroll") for (int j = 0; j < VW; ++j)
#if VW == 8
            STORE_UNITS(w[j], to + (long)(k + j) * PANEL);
#else
            STORE_UNITS(v[j], to + (long)(k + j) * PANEL);
#endif
    }
    for (; k < depth; ++k)
        for (int j = 0; j < VW; ++j)
            to[(long)k * PANEL + j] = from[min(j, count - 1) * ld + k];
}

/* A row as it lies: to[j] = from[j], j < count, then zero up to PANEL. */
static void pack_row(__global REAL *to, const __global REAL *from, const int count) {
    if (count >= PANEL) {
        for (int j = 0; j < PANEL; j += VW)
            STORE_UNITS(LOAD_UNITS(from + j), to + j);
    } else {
        for (int j = 0; j < PANEL; ++j)
            to[j] = j < count ? from[j] : (REAL)0;
    }
}

/*
 * weight_hh [4H][H] for both ways through the recurrence. packed: scratch, from its beginning.
 *     forward   panel u = the gates' rows of units u VW ...: work-item u * 4 + q packs vectors q of it, depth H
 *     backward  panel u = columns u 4 VW ... as they lie, depth 4H: work-item u * 4 + q packs the rows of gate q
 */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void train_pack(const __global REAL *weight_gm, __global REAL *packed_gm,
                                                                        const train_rows_call call, const int is_backward) {
    const int u = (int)get_global_id(0) / LSTM_GATES, q = (int)get_global_id(0) % LSTM_GATES, hidden = call.hidden;
    const __global REAL *const from = weight_gm + call.weights + (long)q * hidden * hidden;
    if (is_backward) {
        __global REAL *const to = packed_gm + ((long)u * LSTM_GATES + q) * hidden * PANEL;
        for (int k = 0; k < hidden; ++k)
            pack_row(to + (long)k * PANEL, from + (long)k * hidden + u * PANEL, hidden - u * PANEL);
    } else {
        pack_transposed(packed_gm + (long)u * hidden * PANEL + q * VW, from + (long)u * VW * hidden, hidden, hidden - u * VW,
                        hidden);
    }
}
