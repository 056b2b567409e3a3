// SPDX-License-Identifier: Apache-2.0
/*
 * Types, loads and the cell's nonlinear part, on vectors of VW hidden units. First of the files of every fused program on a
 * CPU: this one, fused_tile.cl, then one kernel file.
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
 * Safe at any size: an infinite gate gives 0 or 1, and NaN in gives NaN out. Measured over gates up to 1e30:
 * |error| / (1 + |value|) <= 2e-7. Must not be built with -cl-fast-relaxed-math or -cl-finite-math-only.
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

/* The same of elements as they lie in memory: x, h, y. */
#if STORED == STORED_HALF
#define LOAD_STORED_UNITS(p)     JOIN(vload_half, VW)(0, p)
#define STORE_STORED_UNITS(v, p) JOIN(JOIN(vstore_half, VW), _rte)(v, 0, p)
#elif STORED == STORED_BFLOAT
typedef JOIN(uint, VW) UINTV;
#define LOAD_STORED_UNITS(p)     JOIN(as_float, VW)(JOIN(convert_uint, VW)(JOIN(vload, VW)(0, p)) << 16)
#define STORE_STORED_UNITS(v, p) JOIN(vstore, VW)(JOIN(convert_ushort, VW)(bfloats_from(v)), 0, p)

/* bfloat_from() of each unit, in the lower 16 bits. */
static UINTV bfloats_from(const REALV v) {
    const UINTV bits = JOIN(as_uint, VW)(v);
    const UINTV rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    return (v != v) ? (bits >> 16) | 0x40u : rounded;
}
#endif

#if REAL_IS_DOUBLE
/* exp(x) */
static REALV exp_whole(const REALV x) { return exp(x); }

/* exp(min(x, 300)): its square is finite. */
static REALV exp_bounded(const REALV x) { return exp((x > (REALV)300) ? (REALV)300 : x); }
#else
/* exp(x) as 2^n times a polynomial of degree 6 in r = x - n ln 2, |r| <= ln(2) / 2: relative error below 4e-7 for |x| < 20,
 * growing with |x| to 2e-6, where the sigmoid has long been 0 or 1. n is rounded by adding 1.5 * 2^23, which leaves it in the low
 * bits; it ends at 127, above which r grows until the product is infinite. The comparisons keep NaN, and the product with 2^n
 * carries it on. Below -87 the result stays at exp(-87). */
#define EXP_MAGIC 12582912.0f

static REALV exp_split(const REALV x, const REALV z) {
    const REALV r = fma(z - (REALV)EXP_MAGIC, (REALV)-0.693147182f, x);
    REALV p = fma(r, (REALV)1.38145414e-3f, (REALV)8.36874545e-3f);
    p = fma(p, r, (REALV)4.16683908e-2f);
    p = fma(p, r, (REALV)1.66665204e-1f);
    p = fma(p, r, (REALV)0.499999934f);
    p = fma(p, r, (REALV)1.0f);
    p = fma(p, r, (REALV)1.0f);
    const INTV scale = (JOIN(as_int, VW)(z) + 127) << 23;
    return p * JOIN(as_float, VW)(scale);
}

static REALV exp_whole(const REALV x) {
    const REALV a = (x < (REALV)-87.0f) ? (REALV)-87.0f : x;
    const REALV z = fma(a, (REALV)1.44269504f, (REALV)EXP_MAGIC);
    return exp_split(a, (z > (REALV)(EXP_MAGIC + 127.0f)) ? (REALV)(EXP_MAGIC + 127.0f) : z);
}

/* exp(min(x, 44)): its square is finite. */
static REALV exp_bounded(const REALV x) {
    const REALV a = (x > (REALV)44.0f) ? (REALV)44.0f : x;
    const REALV b = (a < (REALV)-87.0f) ? (REALV)-87.0f : a;
    return exp_split(b, fma(b, (REALV)1.44269504f, (REALV)EXP_MAGIC));
}
#endif

/* c' from the four gates' sums and c. */
static REALV next_cell(const REALV i, const REALV f, const REALV g, const REALV c) {
    const REALV one = (REALV)1;
    const REALV ei = exp_whole(-i), ef = exp_whole(-f), eg = exp_bounded((REALV)-2 * g);
    return c / (one + ef) + (one - eg) / ((one + ei) * (one + eg));
}

/* h' from the output gate's sum and c'. */
static REALV next_hidden(const REALV o, const REALV c) {
    const REALV one = (REALV)1;
    const REALV eo = exp_whole(-o), ec = exp_bounded((REALV)-2 * c);
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

/* Units of h as they lie in memory. */
#if STORED == STORED_REAL
#define store_h store_some
#define load_h  load_some
#else
static void store_h(const REALV v, __global STORED_T *to, const int count) {
    if (count >= VW) {
        STORE_STORED_UNITS(v, to);
    } else {
        REAL lane[VW];
        STORE_UNITS(v, lane);
        for (int unit = 0; unit < count; ++unit)
            STORED_STORE(to, unit, lane[unit]);
    }
}

static REALV load_h(const __global STORED_T *from, const int count) {
    if (count >= VW)
        return LOAD_STORED_UNITS(from);
    REAL lane[VW];
    for (int unit = 0; unit < VW; ++unit)
        lane[unit] = unit < count ? STORED_LOAD(from, unit) : (REAL)0;
    return LOAD_UNITS(lane);
}
#endif
