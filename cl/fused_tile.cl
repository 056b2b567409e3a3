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
 * RM  rows of the largest tile, 1 to 8. It needs 4 RM sums, 4 weights and a broadcast in registers: 6 where there are 32 vector
 *     registers, 2 or 3 where there are 16.                                                                 default 6
 *
 * Tiles of one and two rows have too few independent sums to hide the latency of fma; they keep two sets, for even and odd k.
 */
#ifndef RM
#define RM 6
#endif

#define GATES LSTM_GATES

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
#define TILE_ROW(r) const __global REAL *const p##r = a + r * lda;
#define TILE_MAC(r)                                                                                                                \
    {                                                                                                                              \
        const REALV s = (REALV)p##r[k];                                                                                            \
        i##r = fma(s, wi, i##r), f##r = fma(s, wf, f##r), g##r = fma(s, wg, g##r), o##r = fma(s, wo, o##r);                        \
    }
#define ODD_DECLARE(r) REALV oi##r = (REALV)0, of##r = (REALV)0, og##r = (REALV)0, oo##r = (REALV)0;
#define ODD_MAC(r)                                                                                                                 \
    {                                                                                                                              \
        const REALV s = (REALV)p##r[k + 1];                                                                                        \
        oi##r = fma(s, vi, oi##r), of##r = fma(s, vf, of##r), og##r = fma(s, vg, og##r), oo##r = fma(s, vo, oo##r);                \
    }
#define ODD_FOLD(r) i##r += oi##r, f##r += of##r, g##r += og##r, o##r += oo##r;

#define TILE_ARGUMENTS                                                                                                             \
    __global REALV *to, const int to_stride, const __global REALV *from, const int from_stride, const __global REALV *w1,          \
        const __global REAL *a1, const int lda1, const int count1, const __global REALV *w2, const __global REAL *a2,              \
        const int lda2, const int count2

#define TILE_SEGMENT(n, weights, rows, stride, count)                                                                              \
    {                                                                                                                              \
        const __global REALV *w = weights;                                                                                         \
        const __global REAL *const a = rows;                                                                                       \
        const int lda = stride;                                                                                                    \
        ROWS_##n(TILE_ROW) for (int k = 0; k < count; ++k, w += GATES) {                                                           \
            const REALV wi = w[0], wf = w[1], wg = w[2], wo = w[3];                                                                \
            ROWS_##n(TILE_MAC)                                                                                                     \
        }                                                                                                                          \
    }

#define TILE_SEGMENT_SPLIT(n, weights, rows, stride, count)                                                                        \
    {                                                                                                                              \
        const __global REALV *w = weights;                                                                                         \
        const __global REAL *const a = rows;                                                                                       \
        const int lda = stride;                                                                                                    \
        int k = 0;                                                                                                                 \
        ROWS_##n(TILE_ROW) for (; k + 1 < count; k += 2, w += 2 * GATES) {                                                         \
            const REALV wi = w[0], wf = w[1], wg = w[2], wo = w[3];                                                                \
            const REALV vi = w[4], vf = w[5], vg = w[6], vo = w[7];                                                                \
            ROWS_##n(TILE_MAC) ROWS_##n(ODD_MAC)                                                                                   \
        }                                                                                                                          \
        if (k < count) {                                                                                                           \
            const REALV wi = w[0], wf = w[1], wg = w[2], wo = w[3];                                                                \
            ROWS_##n(TILE_MAC)                                                                                                     \
        }                                                                                                                          \
    }

#define DEFINE_TILE(n)                                                                                                             \
    static void tile_##n(TILE_ARGUMENTS) {                                                                                         \
        ROWS_##n(TILE_LOAD) TILE_SEGMENT(n, w1, a1, lda1, count1) TILE_SEGMENT(n, w2, a2, lda2, count2) ROWS_##n(TILE_STORE)       \
    }
#define DEFINE_TILE_SPLIT(n)                                                                                                       \
    static void tile_##n(TILE_ARGUMENTS) {                                                                                         \
        ROWS_##n(TILE_LOAD) ROWS_##n(ODD_DECLARE) TILE_SEGMENT_SPLIT(n, w1, a1, lda1, count1)                                      \
            TILE_SEGMENT_SPLIT(n, w2, a2, lda2, count2) ROWS_##n(ODD_FOLD) ROWS_##n(TILE_STORE)                                    \
    }

DEFINE_TILE_SPLIT(1)
#if RM >= 2
DEFINE_TILE_SPLIT(2)
#endif
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
        tile_##n(to, to_stride, from, from_stride, w1, a1, lda1, count1, w2, a2, lda2, count2);                                    \
        break;

/* One tile of 1 <= rows <= RM rows. Strides of to and from are in vectors, 0 repeats the row; lda in elements. */
static void tile(const int rows, TILE_ARGUMENTS) {
    switch (rows) {
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
    default:
        tile_1(to, to_stride, from, from_stride, w1, a1, lda1, count1, w2, a2, lda2, count2);
        break;
    }
}

/* Rows of the tile that starts at `row`, so that `rows` rows fall into tiles whose sizes differ by one at most. */
static int tile_rows(const int row, const int rows) {
    const int left = rows - row, tiles = (left + RM - 1) / RM;
    return (left + tiles - 1) / tiles;
}
