// SPDX-License-Identifier: Apache-2.0
/*
 * What a device reaches at best, as two kernels to be timed (the roofs of Williams, Waterman & Patterson, Roofline, 2009).
 *
 *     roof_fma     s[j] = s[j] * factor + addend, `rounds` times over, s[j] a vector of VW elements, j < CHAINS
 *     roof_copy    to[i] = from[i]
 *
 * The chains of roof_fma do not depend on each other: CHAINS x VW elements hide the latency of fma where they are at least
 * (latency x units of a core) and still fit its registers. Its work is 2 CHAINS VW rounds operations a work-item, without memory traffic.
 *
 * VW          elements in a vector, 1, 2, 4, 8 or 16                                                            default 4
 * CHAINS      1 to 16                                                                                           default 8
 * CONTIGUOUS  1: a work-item copies one run of elements (CPU); 0: neighbours copy neighbours (GPU)              default 0
 */
#ifndef VW
#define VW 4
#endif
#ifndef CHAINS
#define CHAINS 8
#endif
#ifndef CONTIGUOUS
#define CONTIGUOUS 0
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#if VW == 1
typedef REAL REALV;
#else
typedef JOIN(REAL, VW) REALV;
#endif

/* M(j) for each chain: names instead of an array, so that every chain stands in a register on any compiler. */
#define CHAINS_1(M)  M(0)
#define CHAINS_2(M)  CHAINS_1(M) M(1)
#define CHAINS_3(M)  CHAINS_2(M) M(2)
#define CHAINS_4(M)  CHAINS_3(M) M(3)
#define CHAINS_5(M)  CHAINS_4(M) M(4)
#define CHAINS_6(M)  CHAINS_5(M) M(5)
#define CHAINS_7(M)  CHAINS_6(M) M(6)
#define CHAINS_8(M)  CHAINS_7(M) M(7)
#define CHAINS_9(M)  CHAINS_8(M) M(8)
#define CHAINS_10(M) CHAINS_9(M) M(9)
#define CHAINS_11(M) CHAINS_10(M) M(10)
#define CHAINS_12(M) CHAINS_11(M) M(11)
#define CHAINS_13(M) CHAINS_12(M) M(12)
#define CHAINS_14(M) CHAINS_13(M) M(13)
#define CHAINS_15(M) CHAINS_14(M) M(14)
#define CHAINS_16(M) CHAINS_15(M) M(15)

#define CHAIN_LOAD(j)  REALV s##j = state[j];
#define CHAIN_FMA(j)   s##j = fma(s##j, f, a);
#define CHAIN_STORE(j) state[j] = s##j;

/* state_gm  [work-items][CHAINS][VW], read and written */
__kernel void roof_fma(__global REALV *state_gm, const REAL factor, const REAL addend, const uint rounds) {
    __global REALV *const state = state_gm + get_global_id(0) * CHAINS;
    const REALV f = (REALV)factor, a = (REALV)addend;
    JOIN(CHAINS_, CHAINS)
    (CHAIN_LOAD) for (uint round = 0; round < rounds; ++round){JOIN(CHAINS_, CHAINS)(CHAIN_FMA)} JOIN(CHAINS_, CHAINS)(CHAIN_STORE)
}

/* count  vectors of VW elements in from_gm and to_gm */
__kernel void roof_copy(const __global REALV *restrict from_gm, __global REALV *restrict to_gm, const uint count) {
    const uint items = (uint)get_global_size(0);
#if CONTIGUOUS
    const uint part = count / items + (count % items != 0u);
    const uint first = min((uint)get_global_id(0) * part, count);
    const uint end = first + min(part, count - first);
    for (uint i = first; i < end; ++i)
        to_gm[i] = from_gm[i];
#else
    for (uint i = (uint)get_global_id(0); i < count; i += items)
        to_gm[i] = from_gm[i];
#endif
}
