// SPDX-License-Identifier: Apache-2.0
/*
 * The register tile of the fused kernels on CPUs: n rows x 4 gates x VW units, one work-item, weights in packed blocks.
 *
 *     to[r][q] = from[r][q] + sum_k a1[r][k] w1[k][q] + sum_k a2[r][k] w2[k][q]        r < n, q = i, f, g, o
 *
 * Packed weights of a matrix W [4H][K], U = ceil(H / VW) unit blocks:
 *
 *     packed[((block * K + k) * 4 + q) * VW + j] = W[q * H + block * VW + j][k]         0 where block * VW + j >= H
 *
 *                 k = 0            k = 1
 *     block 0   i f g o          i f g o          ...     each letter VW units; a block is one stream of 4 K vectors
 *
 * RM                rows of the largest tile, 1 to 8: 4 RM sums, RM rows and a weight in vector registers. 6 (double: 5) where there
 *                   are 32, 3 where there are 16; one more spills and halves the speed.                              default 6
 * FEW_REGISTERS     defined where there are 16 vector registers: two sets of sums then only for one row.          default: not
 * PREFETCH_BUILTIN  defined where clang's __builtin_prefetch is known to work (PoCL, Intel's runtime; Oclgrind stops at it). A tile
 *                   of three rows or more computes longer than it loads, so it fetches the weights of the block to come meanwhile,
 *                   a line of 64 bytes each k; +12 % at H 1024, +5 % at H 512. OpenCL's own prefetch() is empty in PoCL.
 *                                                                                                              default: not
 *
 * With 16 registers a weight is loaded just before its use, so that 12 sums, 3 rows and 1 weight fill them: twice the speed on AVX2. With 32 the
 * weights come first and then row after row: 24 sums, 4 weights and 1 row; the other order spills a sum.
 *
 * Sums are added in one order, k = 0, 1, ..., whatever the number of rows, so that a row's result does not depend on the rows beside it. The
 * exception is `split`: one or two rows have too few independent sums to hide the latency of fma and then keep two sets, for even and
 * odd k. That is for the host to say, once for a launch: its largest tile has at most SPLIT_ROWS rows. Elsewhere a remainder of one or two
 * rows stands beside a larger tile that takes as long.
 */
// How the packed weights are stored: WEIGHTS points at them, WEIGHT(w, n) is the n-th vector, W_AT(n) the distance of n vectors.
#if WEIGHTS_STORED == STORED_HALF
#define WEIGHTS const __global half *
#if HALF_PRODUCTS
#define WEIGHT(w, n) JOIN(vload, VW)(n, w)
#else
#define WEIGHT(w, n) JOIN(vload_half, VW)(n, w)
#endif
#define W_AT(n) ((n)*VW)
#elif WEIGHTS_STORED == STORED_BFLOAT
#define WEIGHTS      const __global ushort *
#define WEIGHT(w, n) JOIN(as_float, VW)(JOIN(convert_uint, VW)(JOIN(vload, VW)(n, w)) << 16)
#define W_AT(n)      ((n)*VW)
#else
#define WEIGHTS      const __global REALV *
#define WEIGHT(w, n) (w)[n]
#define W_AT(n)      (n)
#endif

// A product of one factor of a row with VW weights, added to VW sums.
#if HALF_PRODUCTS
#define FACTORV        JOIN(half, VW)
#define MAC(s, w, sum) ((sum) + JOIN(convert_float, VW)((s) * (w)))
#else
#define FACTORV        REALV
#define MAC(s, w, sum) fma(s, w, sum)
#endif

#ifndef RM
#define RM 6
#endif

#ifdef PREFETCH_BUILTIN
#define PREFETCH(p) __builtin_prefetch((const void *)(uintptr_t)(p))
#else
#define PREFETCH(p)
#endif

#if defined(FEW_REGISTERS) || RM < 2
#define SPLIT_ROWS 1
#else
#define SPLIT_ROWS 2
#endif

/* Rows of 16 bits are widened WIDE columns at a time, once for the VW units of a tile and not once for each product; others are read where they
 * lie. FOR_COLUMNS declares a, lda, first and deep: the columns first to first + deep of row r are a[r * lda], ... */
#if STORED == STORED_REAL || HALF_PRODUCTS
#define ROWS_SPACE const __global STORED_T
#define FOR_COLUMNS(n, rows, stride, count)                                                                                        \
    ROWS_SPACE *const a = rows;                                                                                                    \
    const int lda = stride, first = 0, deep = count;
#else
#define WIDE       64 /* even, a multiple of VW */
#define ROWS_SPACE const REAL
#define FOR_COLUMNS(n, rows, stride, count)                                                                                        \
    REAL a[n * WIDE];                                                                                                              \
    const int lda = WIDE;                                                                                                          \
    for (int first = 0, deep; (deep = widen(a, n, rows, stride, first, count)) > 0; first += WIDE)

/* Columns first ... of n rows, as many as there are up to WIDE; how many those are. */
static int widen(REAL *to, const int n, const __global STORED_T *from, const int stride, const int first, const int count) {
    const int deep = min(WIDE, count - first);
    for (int r = 0; r < n && deep > 0; ++r) {
        const __global STORED_T *const row = from + (long)r * stride + first;
        int k = 0;
        for (; k + VW <= deep; k += VW)
            STORE_UNITS(LOAD_STORED_UNITS(row + k), to + r * WIDE + k);
        for (; k < deep; ++k)
            to[r * WIDE + k] = STORED_LOAD(row, k);
    }
    return deep;
}
#endif

#define GATES LSTM_GATES
#define LINE  (64 / (int)sizeof(REAL))

#define ROWS_1(M) M(0)
#define ROWS_2(M) ROWS_1(M) M(1)
#define ROWS_3(M) ROWS_2(M) M(2)
#define ROWS_4(M) ROWS_3(M) M(3)
#define ROWS_5(M) ROWS_4(M) M(4)
#define ROWS_6(M) ROWS_5(M) M(5)
#define ROWS_7(M) ROWS_6(M) M(6)
#define ROWS_8(M) ROWS_7(M) M(7)

#define TILE_LOAD(r)                                                                                                               \
    REALV i##r = from[r * from_stride], f##r = from[r * from_stride + 1], g##r = from[r * from_stride + 2],                        \
          o##r = from[r * from_stride + 3];
#define TILE_STORE(r)                                                                                                              \
    to[r * to_stride] = i##r, to[r * to_stride + 1] = f##r, to[r * to_stride + 2] = g##r, to[r * to_stride + 3] = o##r;
#define TILE_ROW(r)    ROWS_SPACE *const p##r = a + r * lda;
#define TILE_SCALAR(r) const FACTORV s##r = (FACTORV)p##r[k];
#define TILE_MAC_I(r)  i##r = MAC(s##r, wi, i##r);
#define TILE_MAC_F(r)  f##r = MAC(s##r, wf, f##r);
#define TILE_MAC_G(r)  g##r = MAC(s##r, wg, g##r);
#define TILE_MAC_O(r)  o##r = MAC(s##r, wo, o##r);
#define TILE_MAC(r)                                                                                                                \
    {                                                                                                                              \
        const FACTORV s = (FACTORV)p##r[k];                                                                                        \
        i##r = MAC(s, wi, i##r), f##r = MAC(s, wf, f##r), g##r = MAC(s, wg, g##r), o##r = MAC(s, wo, o##r);                        \
    }
#define ODD_DECLARE(r) REALV oi##r = (REALV)0, of##r = (REALV)0, og##r = (REALV)0, oo##r = (REALV)0;
#define ODD_MAC(r)                                                                                                                 \
    {                                                                                                                              \
        const FACTORV s = (FACTORV)p##r[k + 1];                                                                                    \
        oi##r = MAC(s, vi, oi##r), of##r = MAC(s, vf, of##r), og##r = MAC(s, vg, og##r), oo##r = MAC(s, vo, oo##r);                \
    }
#define ODD_FOLD(r) i##r += oi##r, f##r += of##r, g##r += og##r, o##r += oo##r;

/* One column of the rows, one of the weights: see above. */
#ifdef FEW_REGISTERS
#define TILE_COLUMN(n)                                                                                                             \
    ROWS_##n(TILE_SCALAR) const FACTORV wi = WEIGHT(w, 0);                                                                         \
    ROWS_##n(TILE_MAC_I) const FACTORV wf = WEIGHT(w, 1);                                                                          \
    ROWS_##n(TILE_MAC_F) const FACTORV wg = WEIGHT(w, 2);                                                                          \
    ROWS_##n(TILE_MAC_G) const FACTORV wo = WEIGHT(w, 3);                                                                          \
    ROWS_##n(TILE_MAC_O)
#else
#define TILE_COLUMN(n)                                                                                                             \
    const FACTORV wi = WEIGHT(w, 0), wf = WEIGHT(w, 1), wg = WEIGHT(w, 2), wo = WEIGHT(w, 3);                                      \
    ROWS_##n(TILE_MAC)
#endif

/* ahead1, ahead2: where to prefetch from while the first and the second product run, one line each k. */
#define TILE_ARGUMENTS                                                                                                             \
    __global REALV *to, const int to_stride, const __global REALV *from, const int from_stride, WEIGHTS w1,                        \
        const __global STORED_T *a1, const int lda1, const int count1, const __global REAL *ahead1, WEIGHTS w2,                    \
        const __global STORED_T *a2, const int lda2, const int count2, const __global REAL *ahead2

#define TILE_SEGMENT(n, weights, rows, stride, count, ahead)                                                                       \
    {                                                                                                                              \
        WEIGHTS w = weights;                                                                                                       \
        FOR_COLUMNS(n, rows, stride, count) {                                                                                      \
            ROWS_##n(TILE_ROW) for (int k = 0; k < deep; ++k, w += W_AT(GATES)) {                                                  \
                PREFETCH(ahead + (first + k) * LINE);                                                                              \
                TILE_COLUMN(n)                                                                                                     \
            }                                                                                                                      \
        }                                                                                                                          \
    }

#define TILE_SEGMENT_SPLIT(n, weights, rows, stride, count)                                                                        \
    {                                                                                                                              \
        WEIGHTS w = weights;                                                                                                       \
        FOR_COLUMNS(n, rows, stride, count) {                                                                                      \
            int k = 0;                                                                                                             \
            ROWS_##n(TILE_ROW) for (; k + 1 < deep; k += 2, w += W_AT(2 * GATES)) {                                                \
                const FACTORV wi = WEIGHT(w, 0), wf = WEIGHT(w, 1), wg = WEIGHT(w, 2), wo = WEIGHT(w, 3);                          \
                const FACTORV vi = WEIGHT(w, 4), vf = WEIGHT(w, 5), vg = WEIGHT(w, 6), vo = WEIGHT(w, 7);                          \
                ROWS_##n(TILE_MAC) ROWS_##n(ODD_MAC)                                                                               \
            }                                                                                                                      \
            if (k < deep) {                                                                                                        \
                const FACTORV wi = WEIGHT(w, 0), wf = WEIGHT(w, 1), wg = WEIGHT(w, 2), wo = WEIGHT(w, 3);                          \
                ROWS_##n(TILE_MAC)                                                                                                 \
            }                                                                                                                      \
        }                                                                                                                          \
    }

#define DEFINE_TILE(n)                                                                                                             \
    static void tile_##n(TILE_ARGUMENTS) {                                                                                         \
        ROWS_##n(TILE_LOAD) TILE_SEGMENT(n, w1, a1, lda1, count1, ahead1) TILE_SEGMENT(n, w2, a2, lda2, count2, ahead2)            \
            ROWS_##n(TILE_STORE)                                                                                                   \
    }
#define DEFINE_TILE_SPLIT(n)                                                                                                       \
    static void tile_split_##n(TILE_ARGUMENTS) {                                                                                   \
        ROWS_##n(TILE_LOAD) ROWS_##n(ODD_DECLARE) TILE_SEGMENT_SPLIT(n, w1, a1, lda1, count1)                                      \
            TILE_SEGMENT_SPLIT(n, w2, a2, lda2, count2) ROWS_##n(ODD_FOLD) ROWS_##n(TILE_STORE)                                    \
    }

DEFINE_TILE_SPLIT(1)
#if SPLIT_ROWS >= 2
DEFINE_TILE_SPLIT(2)
#endif
DEFINE_TILE(2)
#if RM >= 3
DEFINE_TILE(3)
#endif
#if RM >= 4
DEFINE_TILE(4)
#endif
#if RM >= 5
DEFINE_TILE(5)
#endif
#if RM >= 6
DEFINE_TILE(6)
#endif
#if RM >= 7
DEFINE_TILE(7)
#endif
#if RM >= 8
DEFINE_TILE(8)
#endif

#define TILE_CASE(n)                                                                                                               \
    case n:                                                                                                                        \
        tile_##n(to, to_stride, from, from_stride, w1, a1, lda1, count1, ahead1, w2, a2, lda2, count2, ahead2);                    \
        break;

/* One tile of 1 <= rows <= RM rows, with `split` of at most SPLIT_ROWS. Strides of to and from are in vectors, 0 repeats the row; lda in
 * elements. One row alone is two equal ones: they take no longer and need no code of their own. */
static void tile(const int rows, const int split, TILE_ARGUMENTS) {
    switch (split ? -rows : rows) {
#if RM >= 8
        TILE_CASE(8)
#endif
#if RM >= 7
        TILE_CASE(7)
#endif
#if RM >= 6
        TILE_CASE(6)
#endif
#if RM >= 5
        TILE_CASE(5)
#endif
#if RM >= 4
        TILE_CASE(4)
#endif
#if RM >= 3
        TILE_CASE(3)
#endif
#if RM >= 2
        TILE_CASE(2)
#endif
    case 1:
        tile_2(to, 0, from, 0, w1, a1, 0, count1, ahead1, w2, a2, 0, count2, ahead2);
        break;
#if SPLIT_ROWS >= 2
    case -2:
        tile_split_2(to, to_stride, from, from_stride, w1, a1, lda1, count1, ahead1, w2, a2, lda2, count2, ahead2);
        break;
#endif
    default:
        tile_split_1(to, to_stride, from, from_stride, w1, a1, lda1, count1, ahead1, w2, a2, lda2, count2, ahead2);
        break;
    }
}

/* Rows of the tile that starts at `row`, so that `rows` rows fall into tiles whose sizes differ by one at most. */
static int tile_rows(const int row, const int rows, const int split) {
    const int left = rows - row, most = split ? SPLIT_ROWS : RM;
    if (left <= most)
        return left;
    const int tiles = (left + most - 1) / most;
    return (left + tiles - 1) / tiles;
}
