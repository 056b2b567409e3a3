// SPDX-License-Identifier: Apache-2.0
// Sums of training: losses and the gradients' norm; in front of train_loss.cl and train_optimizer.cl. Which numbers are added in which order depends on
// their count alone. Every sum keeps the rounding errors of its additions beside it (Knuth's two-sum), so that a float32 sum of millions is right to its
// last bits. No local memory, no barrier; correct at any work-group size.
#if REAL_IS_DOUBLE
#define REAL8 double8
#else
#define REAL8 float8
#endif

// `sum` + `rest` is all that was added; TYPE is REAL or REAL8.
#define SUM_ADD(TYPE, sum, rest, x)                                                                                                \
    do {                                                                                                                           \
        const TYPE term_pm = (x);                                                                                                  \
        const TYPE total_pm = (sum) + term_pm;                                                                                     \
        const TYPE back_pm = total_pm - (sum);                                                                                     \
        (rest) += ((sum) - (total_pm - back_pm)) + (term_pm - back_pm);                                                            \
        (sum) = total_pm;                                                                                                          \
    } while (0)

// Beside an infinite sum the errors are no number.
static REAL sum_total(REAL sum, REAL rest) { return isfinite(rest) ? sum + rest : sum; }

static REAL sum_lanes(REAL8 sums, REAL8 rests) {
    REAL sum = sums.s0, rest = rests.s0 + rests.s1 + rests.s2 + rests.s3 + rests.s4 + rests.s5 + rests.s6 + rests.s7;
    SUM_ADD(REAL, sum, rest, sums.s1);
    SUM_ADD(REAL, sum, rest, sums.s2);
    SUM_ADD(REAL, sum, rest, sums.s3);
    SUM_ADD(REAL, sum, rest, sums.s4);
    SUM_ADD(REAL, sum, rest, sums.s5);
    SUM_ADD(REAL, sum, rest, sums.s6);
    SUM_ADD(REAL, sum, rest, sums.s7);
    return sum_total(sum, rest);
}

// out[p] = the sum of part p, `per` numbers, by `divisor`; its root where `root`. Work-items: parts.
__kernel void train_sum(__global const REAL *in_gm, uint in_offset, uint count, uint per, __global REAL *out_gm, uint out_offset,
                        REAL divisor, int root) {
    uint part = (uint)get_global_id(0);
    uint begin = part * per;
    if (begin >= count)
        return;
    uint end = min(begin + per, count), i = begin;
    __global const REAL *v_gm = in_gm + in_offset;
    REAL8 sums = 0, rests = 0;
    for (; i + 8u <= end; i += 8u)
        SUM_ADD(REAL8, sums, rests, vload8(0, v_gm + i));
    REAL sum = sum_lanes(sums, rests), rest = 0;
    for (; i < end; i++)
        SUM_ADD(REAL, sum, rest, v_gm[i]);
    sum = sum_total(sum, rest);
    out_gm[out_offset + part] = root ? sqrt(sum) : sum / divisor;
}
