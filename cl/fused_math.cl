// SPDX-License-Identifier: Apache-2.0
/*
 * Types, loads and the cell's nonlinear part, on vectors of VW hidden units. First of the files of every fused program on a CPU: this one,
 * fused_tile.cl, then one kernel file.
 *
 *     c' = sigmoid(f) c + sigmoid(i) tanh(g)          h' = sigmoid(o) tanh(c')
 *
 * with three divisions instead of five (E(x) = exp(-x)):
 *
 *     sigmoid(i) tanh(g)  = (1 - E(2g))  / ((1 + E(i)) (1 + E(2g)))
 *     sigmoid(o) tanh(c') = (1 - E(2c')) / ((1 + E(o)) (1 + E(2c')))
 *
 * VW    hidden units in a vector, 4, 8 or 16: the device's register width or twice that.             default 16
 *
 * Safe at any size: E saturates, so an infinite gate gives 0 or 1, and NaN in gives NaN out. Must not be built with
 * -cl-fast-relaxed-math or -cl-finite-math-only.
 */
#ifndef VW
#define VW 16
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)

typedef JOIN(REAL, VW) REALV;
#if !REAL_IS_DOUBLE
typedef JOIN(int, VW) INTV;
#endif

#define LOAD_UNITS(p)     JOIN(vload, VW)(0, p)
#define STORE_UNITS(v, p) JOIN(vstore, VW)(v, 0, p)

#if REAL_IS_DOUBLE
#define EXP_TOP       800.0
#define EXP_TOP_RATIO 300.0

/* exp(min(x, top)) */
static REALV exp_to(const REALV x, const REAL top) { return exp((x > top) ? (REALV)top : x); }
#else
/* exp(89) rounds to infinity, exp(44)^2 stays finite, exp(-87) stays normal. */
#define EXP_TOP       89.0f
#define EXP_TOP_RATIO 44.0f
#define EXP_BOTTOM    -87.0f

/* exp(min(x, top)): 2^n times a polynomial of degree 6 on [-ln2/2, ln2/2], relative error below 1.2e-7 for |x| < 16. n is rounded by adding
 * 1.5 * 2^23, which leaves it in the low bits. The comparisons keep NaN, and the product with 2^n carries it on. */
static REALV exp_to(const REALV x, const REAL top) {
    const REALV a = (x > (REALV)top) ? (REALV)top : x;
    const REALV b = (a < (REALV)EXP_BOTTOM) ? (REALV)EXP_BOTTOM : a;
    const REALV z = fma(b, (REALV)1.44269504f, (REALV)12582912.0f);
    const REALV n = z - (REALV)12582912.0f;
    const REALV r = fma(n, (REALV)-0.693147182f, b);
    REALV p = fma(r, (REALV)1.38145414e-3f, (REALV)8.36874545e-3f);
    p = fma(p, r, (REALV)4.16683908e-2f);
    p = fma(p, r, (REALV)1.66665204e-1f);
    p = fma(p, r, (REALV)0.499999934f);
    p = fma(p, r, (REALV)1.0f);
    p = fma(p, r, (REALV)1.0f);
    const INTV scale = (JOIN(as_int, VW)(z) + 127) << 23;
    return p * JOIN(as_float, VW)(scale);
}
#endif

/* c' from the four gates' sums and c. */
static REALV next_cell(const REALV i, const REALV f, const REALV g, const REALV c) {
    const REALV one = (REALV)1;
    const REALV ei = exp_to(-i, EXP_TOP);
    const REALV ef = exp_to(-f, EXP_TOP);
    const REALV eg = exp_to((REALV)-2 * g, EXP_TOP_RATIO);
    const REALV add = (one - eg) / ((one + ei) * (one + eg));
    return c / (one + ef) + add;
}

/* h' from the output gate's sum and c'. */
static REALV next_hidden(const REALV o, const REALV c) {
    const REALV one = (REALV)1;
    const REALV eo = exp_to(-o, EXP_TOP);
    const REALV ec = exp_to((REALV)-2 * c, EXP_TOP_RATIO);
    return (one - ec) / ((one + eo) * (one + ec));
}

/* The first `count` units of v, for the last block of a hidden size that VW does not divide. */
static void store_some(const REALV v, __global REAL *to, const int count) {
    if (count >= VW) {
        STORE_UNITS(v, to);
    } else {
        REAL lane[VW];
        STORE_UNITS(v, lane);
        for (int j = 0; j < count; ++j)
            to[j] = lane[j];
    }
}

static REALV load_some(const __global REAL *from, const int count) {
    if (count >= VW)
        return LOAD_UNITS(from);
    REAL lane[VW];
    for (int j = 0; j < VW; ++j)
        lane[j] = j < count ? from[j] : (REAL)0;
    return LOAD_UNITS(lane);
}
