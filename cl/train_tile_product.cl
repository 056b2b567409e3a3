// SPDX-License-Identifier: Apache-2.0
/*
 * C[m][n] = start + op(A) op(B), by register tiles of RM rows and 4 VW columns; one work-item runs at a time on a core.
 *
 *     form NT   A [m][k], B [n][k]^T          NN   A [m][k], B [k][n]          TN   A [k][m]^T, B [k][n]
 *     start     C (accumulate), the row init[n] (has_init), or zero
 *
 * C falls into blocks of block_m x block_n; a work-item makes the blocks g, g + G, ... by itself. Of a block, block_k of the sums' depth at a time:
 *
 *     B's part packed into panels of 4 VW columns              block_n / (4 VW) panels [block_k][4][VW], to stay in the core's second cache
 *     TN: A's part packed into strips of RM rows               block_m / RM strips [block_k][RM]; is_direct: one, for fewer than RM rows
 *     for each panel, for each RM rows: C's tile into registers, block_k times RM x 4 fused multiply-adds, back into C
 *
 * so that every sum is added in one order, whatever the rows beside it and the number of work-items: block_k terms from zero, then onto what is there, as
 * the rounding error grows with the terms that are added one after another. block_k depends on the depth alone.
 *
 * A tile of fewer rows repeats its last one. Of the last panel only two vectors are computed where they suffice; where columns are missing then, the tile
 * goes through `edge`.
 *
 * Launch: global = work-items, local 1. Scratch of a work-item: panels, strips (TN; STRIP_VW more each), edge [RM][4 VW], start [4 VW]. block_m is a
 * multiple of RM, block_n of 4 VW.
 */
/* Elements copied at once into a strip, at least RM. */
#if RM > 4
#define STRIP_VW 8
#else
#define STRIP_VW 4
#endif
#define STRIP(depth) ((depth)*RM + STRIP_VW)

/* Rows fetched ahead of those being packed. */
#define AHEAD 8

#define TILE_OF(M)   JOIN(ROWS_, RM)(M)
#define P_ROW(r)     const __global REAL *const p##r = a + (long)min(r, rows - 1) * a_row;
#define P_FROM(r)    const __global REAL *const b##r = from + (long)min(r, rows - 1) * from_row;
#define P_TO(r)      __global REAL *const c##r = to + (long)min(r, rows - 1) * to_row;
#define P_ZERO_2(r)  REALV i##r = (REALV)0, f##r = (REALV)0;
#define P_ZERO_4(r)  P_ZERO_2(r) REALV g##r = (REALV)0, o##r = (REALV)0;
#define P_ADD_2(r)   i##r += LOAD_UNITS(b##r), f##r += LOAD_UNITS(b##r + VW);
#define P_ADD_4(r)   P_ADD_2(r) g##r += LOAD_UNITS(b##r + 2 * VW), o##r += LOAD_UNITS(b##r + 3 * VW);
#define P_STORE_2(r) STORE_UNITS(i##r, c##r), STORE_UNITS(f##r, c##r + VW);
#define P_STORE_4(r) P_STORE_2(r) STORE_UNITS(g##r, c##r + 2 * VW), STORE_UNITS(o##r, c##r + 3 * VW);
/* The rows of C that the next tile will load. */
#define P_AHEAD(r)                                                                                                                 \
    for (int column = 0; column < PANEL; column += LINE)                                                                           \
        PREFETCH(to + (long)(RM + r) * to_row + column);
/* Column k of the tile, FACTOR(r) its element of A: in the order that fits the registers, see fused_tile.cl. */
#define P_ROW_FACTOR(r)   const REALV s##r = (REALV)p##r[k];
#define P_STRIP_FACTOR(r) const REALV s##r = (REALV)a[r];
#ifdef FEW_REGISTERS
#define P_COLUMN_2(FACTOR)                                                                                                         \
    TILE_OF(FACTOR)                                                                                                                \
    const REALV wi = w[0];                                                                                                         \
    TILE_OF(TILE_MAC_I)                                                                                                            \
    const REALV wf = w[1];                                                                                                         \
    TILE_OF(TILE_MAC_F)
#define P_COLUMN_4(FACTOR)                                                                                                         \
    P_COLUMN_2(FACTOR)                                                                                                             \
    const REALV wg = w[2];                                                                                                         \
    TILE_OF(TILE_MAC_G)                                                                                                            \
    const REALV wo = w[3];                                                                                                         \
    TILE_OF(TILE_MAC_O)
#else
#define P_MAC_2(r) TILE_MAC_I(r) TILE_MAC_F(r)
#define P_MAC_4(r) P_MAC_2(r) TILE_MAC_G(r) TILE_MAC_O(r)
#define P_COLUMN_2(FACTOR)                                                                                                         \
    const REALV wi = w[0], wf = w[1];                                                                                              \
    TILE_OF(FACTOR##_MAC_2)
#define P_COLUMN_4(FACTOR)                                                                                                         \
    const REALV wi = w[0], wf = w[1], wg = w[2], wo = w[3];                                                                        \
    TILE_OF(FACTOR##_MAC_4)
#define P_ROW_FACTOR_MAC_2(r)   P_ROW_FACTOR(r) P_MAC_2(r)
#define P_ROW_FACTOR_MAC_4(r)   P_ROW_FACTOR(r) P_MAC_4(r)
#define P_STRIP_FACTOR_MAC_2(r) P_STRIP_FACTOR(r) P_MAC_2(r)
#define P_STRIP_FACTOR_MAC_4(r) P_STRIP_FACTOR(r) P_MAC_4(r)
#endif

/* to[r][..] = from[r][..] + sum_k a[r][k] panel[k][..], r < rows, over 4 or 2 vectors of columns. Row r of A at a + r * a_row (rows), or its elements k at
 * a + k * a_step + r (strip). */
#define DEFINE_PRODUCT_TILES(vectors)                                                                                              \
    static void product_rows_##vectors(__global REAL *to, const int to_row, const __global REAL *from, const int from_row,         \
                                       const __global REALV *w, const __global REAL *a, const int a_row, const int rows,           \
                                       const int depth) {                                                                          \
        TILE_OF(P_ROW);                                                                                                            \
        TILE_OF(P_FROM);                                                                                                           \
        TILE_OF(P_TO);                                                                                                             \
        TILE_OF(P_AHEAD);                                                                                                          \
        TILE_OF(P_ZERO_##vectors);                                                                                                 \
        for (int k = 0; k < depth; ++k, w += LSTM_GATES) {                                                                         \
            P_COLUMN_##vectors(P_ROW_FACTOR);                                                                                      \
        }                                                                                                                          \
        TILE_OF(P_ADD_##vectors); /* all rows before the first is stored: a repeated one must not be added twice */                \
        TILE_OF(P_STORE_##vectors);                                                                                                \
    }                                                                                                                              \
    static void product_strip_##vectors(__global REAL *to, const int to_row, const __global REAL *from, const int from_row,        \
                                        const __global REALV *w, const __global REAL *a, const long a_step, const int rows,        \
                                        const int depth) {                                                                         \
        TILE_OF(P_FROM);                                                                                                           \
        TILE_OF(P_TO);                                                                                                             \
        TILE_OF(P_AHEAD);                                                                                                          \
        TILE_OF(P_ZERO_##vectors);                                                                                                 \
        for (int k = 0; k < depth; ++k, w += LSTM_GATES, a += a_step) {                                                            \
            P_COLUMN_##vectors(P_STRIP_FACTOR);                                                                                    \
        }                                                                                                                          \
        TILE_OF(P_ADD_##vectors); /* all rows before the first is stored: a repeated one must not be added twice */                \
        TILE_OF(P_STORE_##vectors);                                                                                                \
    }

DEFINE_PRODUCT_TILES(4)
DEFINE_PRODUCT_TILES(2)

/* B's columns from `column`, rows from `row`: `panels` panels of `depth`. */
static void pack_panels(__global REAL *to, const __global REAL *b, const int is_transposed, const int ldb, const int row,
                        const int depth, const int column, const int columns) {
    const int panels = (columns + PANEL - 1) / PANEL;
    if (is_transposed) {
        for (int p = 0; p < panels; ++p)
            for (int q = 0; q < LSTM_GATES; ++q) {
                const int at = p * PANEL + q * VW;
                if (at < columns)
                    pack_transposed(to + (long)p * depth * PANEL + q * VW, b + (long)(column + at) * ldb + row, ldb, columns - at,
                                    depth);
            }
    } else {
        for (int k = 0; k < depth; ++k) {
            const __global REAL *const from = b + (long)(row + k) * ldb + column;
            for (int j = 0; j < columns; j += LINE)
                PREFETCH(from + (long)AHEAD * ldb + j);
            for (int p = 0; p < panels; ++p)
                pack_row(to + ((long)p * depth + k) * PANEL, from + p * PANEL, columns - p * PANEL);
        }
    }
}

/* A [k][m]'s columns from `first`, rows from `row`: strips of `depth`. The last strip is filled up with the last row. */
static void pack_strips(__global REAL *to, const __global REAL *a, const int lda, const int row, const int depth, const int first,
                        const int rows) {
    for (int k = 0; k < depth; ++k) {
        const __global REAL *const from = a + (long)(row + k) * lda + first;
        for (int i = 0; i < rows; i += LINE)
            PREFETCH(from + (long)AHEAD * lda + i);
        int i = 0;
        __global REAL *strip = to + k * RM;
        for (; i + STRIP_VW <= rows; i += RM, strip += STRIP(depth))
            JOIN(vstore, STRIP_VW)(JOIN(vload, STRIP_VW)(0, from + i), 0, strip);
        for (; i < rows; i += RM, strip += STRIP(depth))
            for (int r = 0; r < RM; ++r)
                strip[r] = from[min(i + r, rows - 1)];
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
train_tile_product(const __global REAL *a_gm, const __global REAL *b_gm, __global REAL *c_gm, const __global REAL *init_gm,
                   __global REAL *scratch_gm, const train_tile_call call) {
    const int m = call.m, n = call.n, k = call.k, lda = call.lda, ldb = call.ldb, ldc = call.ldc;
    const int block_m = call.block_m, block_n = call.block_n, block_k = call.block_k;
    const int is_strips = call.form == TRAIN_FORM_TN, is_direct = call.is_direct;
    const long panels_size = (long)block_n * block_k;
    const long strips_size = is_strips ? (is_direct ? 1L : (long)block_m / RM) * STRIP(block_k) : 0;
    const long edge_size = RM * PANEL;
    const long size = panels_size + (strips_size + PANEL - 1) / PANEL * PANEL + edge_size + PANEL;
    __global REAL *const panels = scratch_gm + (long)get_global_id(0) * size, *const strips = panels + panels_size;
    __global REAL *const start = panels + size - PANEL, *const edge = start - edge_size;
    const __global REAL *const a = a_gm + call.a, *const b = b_gm + call.b;
    __global REAL *const c = c_gm + call.c;

    const int blocks_n = (n + block_n - 1) / block_n, blocks_m = (m + block_m - 1) / block_m;
    for (int block = (int)get_global_id(0); block < blocks_m * blocks_n; block += (int)get_global_size(0)) {
        const int m0 = block / blocks_n * block_m, n0 = block % blocks_n * block_n;
        const int rows = min(block_m, m - m0), columns = min(block_n, n - n0);
        for (int k0 = 0; k0 < k; k0 += block_k) {
            const int depth = min(block_k, k - k0);
            pack_panels(panels, b, call.form == TRAIN_FORM_NT, ldb, k0, depth, n0, columns);
            if (is_strips && !is_direct)
                pack_strips(strips, a, lda, k0, depth, m0, rows);
            for (int p = 0; p * PANEL < columns; ++p) {
                const int width = min(PANEL, columns - p * PANEL), at = n0 + p * PANEL;
                const int is_half = width <= PANEL / 2, is_edge = width < (is_half ? PANEL / 2 : PANEL);
                const int from_c = call.accumulate || k0 > 0;
                if (!from_c)
                    pack_row(start, call.has_init ? init_gm + call.init + at : start, call.has_init ? width : 0);
                const __global REALV *const panel = (const __global REALV *)(panels + (long)p * depth * PANEL);
                for (int i = 0; i < rows; i += RM) {
                    const int count = min(RM, rows - i);
                    __global REAL *const ci = c + (long)(m0 + i) * ldc + at;
                    __global REAL *const to = is_edge ? edge : ci;
                    const int to_row = is_edge ? PANEL : ldc;
                    for (int r = 0; r < count && from_c && is_edge; ++r)
                        for (int j = 0; j < PANEL; ++j)
                            edge[r * PANEL + j] = j < width ? ci[(long)r * ldc + j] : (REAL)0;
                    const __global REAL *const from = from_c ? to : start;
                    const int from_row = from_c ? to_row : 0;
                    if (is_strips) {
                        const __global REAL *strip = strips + (long)(i / RM) * STRIP(depth);
                        long step = RM;
                        if (is_direct && count == RM) {
                            strip = a + (long)k0 * lda + m0 + i, step = lda;
                        } else if (is_direct) {
                            pack_strips(strips, a, lda, k0, depth, m0 + i, count);
                            strip = strips;
                        }
                        if (is_half)
                            product_strip_2(to, to_row, from, from_row, panel, strip, step, count, depth);
                        else
                            product_strip_4(to, to_row, from, from_row, panel, strip, step, count, depth);
                    } else {
                        const __global REAL *const first = a + (long)(m0 + i) * lda + k0;
                        if (is_half)
                            product_rows_2(to, to_row, from, from_row, panel, first, lda, count, depth);
                        else
                            product_rows_4(to, to_row, from, from_row, panel, first, lda, count, depth);
                    }
                    for (int r = 0; r < count && is_edge; ++r)
                        for (int j = 0; j < width; ++j)
                            ci[(long)r * ldc + j] = edge[r * PANEL + j];
                }
            }
        }
    }
}
