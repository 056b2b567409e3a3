// SPDX-License-Identifier: Apache-2.0
// Losses over the network's outputs z and their gradient dz, formulas in include/oclstm/train.h; train_sum.cl stands in front. A row is one (step, batch
// row), row = t * batch + b. Rows behind a sequence's end and targets below 0 do not count: their z is not looked at, their gradient is zero.
// No local memory, no barrier; correct at any work-group size. Offsets in elements; `share` = 1 / (number of what counts).
//
//     train_loss_terms       elements: squared errors, binary cross-entropy
//     train_cross_part       rows, a part of the columns: largest z, sum of exponentials, which are left in dz
//     train_cross_rows       the loss of each row, and the gradient from these
//
// scratch of the two: [rows] the target's z, then the row's loss; [rows][parts] largest; [rows][parts] sums.
#define LOSS_SQUARED 0
#define LOSS_BINARY  1

static int row_counts(uint row, uint batch, __global const int *length_gm, int has_lengths) {
    if (!has_lengths)
        return 1;
    uint t = row / batch;
    return (int)t < length_gm[row - t * batch];
}

// Work-items: one for each `items`-th element.
__kernel void train_loss_terms(__global const REAL *z_gm, uint z_offset, __global REAL *dz_gm, uint dz_offset, int has_dz,
                               __global const REAL *target_gm, __global const int *length_gm, int has_lengths, uint batch,
                               uint outputs, uint count, uint items, int kind, REAL share, __global REAL *scratch_gm) {
    uint item = (uint)get_global_id(0);
    if (item >= items)
        return;
    REAL sum = 0, rest = 0;
    for (uint i = item; i < count; i += items) {
        REAL slope = 0;
        if (row_counts(i / outputs, batch, length_gm, has_lengths)) {
            REAL z = z_gm[z_offset + i], target = target_gm[i], term;
            if (kind == LOSS_SQUARED) {
                slope = (REAL)2 * share * (z - target);
                term = (z - target) * (z - target);
            } else {
                REAL small = exp(-fabs(z));
                term = (z > (REAL)0 ? z : (REAL)0) - z * target + log1p(small);
                slope = ((z < (REAL)0 ? small : (REAL)1) / ((REAL)1 + small) - target) * share;
            }
            SUM_ADD(REAL, sum, rest, term);
        }
        if (has_dz)
            dz_gm[dz_offset + i] = slope;
    }
    scratch_gm[item] = sum_total(sum, rest);
}

// Work-items: (row, part). dz may be z.
__kernel void train_cross_part(__global const REAL *z_gm, uint z_offset, __global REAL *dz_gm, uint dz_offset, int has_dz,
                               __global const int *target_gm, __global const int *length_gm, int has_lengths, uint batch, uint rows,
                               uint outputs, uint per, uint parts, __global REAL *scratch_gm) {
    uint row = (uint)get_global_id(0);
    uint part = (uint)get_global_id(1);
    if (row >= rows || part >= parts)
        return;
    int target = target_gm[row];
    if (target < 0 || !row_counts(row, batch, length_gm, has_lengths))
        return;
    uint begin = part * per, width = min(per, outputs - begin), j = 0u;
    __global const REAL *v_gm = z_gm + z_offset + row * outputs + begin;
    __global REAL *e_gm = dz_gm + dz_offset + row * outputs + begin;
    if ((uint)target >= begin && (uint)target - begin < width)
        scratch_gm[row] = v_gm[(uint)target - begin];
    REAL8 mosts = (REAL8)(v_gm[0]);
    for (; j + 8u <= width; j += 8u) {
        REAL8 v = vload8(0, v_gm + j);
        mosts = v > mosts ? v : mosts;
    }
    mosts.lo = mosts.lo > mosts.hi ? mosts.lo : mosts.hi;
    mosts.s01 = mosts.s01 > mosts.s23 ? mosts.s01 : mosts.s23;
    REAL most = mosts.s0 > mosts.s1 ? mosts.s0 : mosts.s1;
    for (; j < width; j++)
        most = v_gm[j] > most ? v_gm[j] : most;
    REAL8 sums = 0, rests = 0;
    for (j = 0u; j + 8u <= width; j += 8u) {
        REAL8 e = exp(vload8(0, v_gm + j) - most);
        if (has_dz)
            vstore8(e, 0, e_gm + j);
        SUM_ADD(REAL8, sums, rests, e);
    }
    REAL sum = sum_lanes(sums, rests), rest = 0;
    for (; j < width; j++) {
        REAL e = exp(v_gm[j] - most);
        if (has_dz)
            e_gm[j] = e;
        SUM_ADD(REAL, sum, rest, e);
    }
    scratch_gm[rows + row * parts + part] = most;
    scratch_gm[rows + rows * parts + row * parts + part] = sum_total(sum, rest);
}

// Work-items: (row, part), the parts of train_cross_part.
__kernel void train_cross_rows(__global REAL *dz_gm, uint dz_offset, int has_dz, __global const int *target_gm,
                               __global const int *length_gm, int has_lengths, uint batch, uint rows, uint outputs, uint per,
                               uint parts, REAL share, __global REAL *scratch_gm) {
    uint row = (uint)get_global_id(0);
    uint part = (uint)get_global_id(1);
    if (row >= rows || part >= parts)
        return;
    uint begin = part * per, width = min(per, outputs - begin), j = 0u;
    __global REAL *e_gm = dz_gm + dz_offset + row * outputs + begin;
    int target = target_gm[row];
    if (target < 0 || !row_counts(row, batch, length_gm, has_lengths)) {
        for (; has_dz && j < width; j++)
            e_gm[j] = 0;
        if (part == 0u)
            scratch_gm[row] = 0;
        return;
    }
    __global const REAL *most_gm = scratch_gm + rows + row * parts;
    __global const REAL *sum_gm = most_gm + rows * parts;
    REAL most = most_gm[0], sum = 0, rest = 0;
    for (uint p = 1u; p < parts; p++)
        most = most_gm[p] > most ? most_gm[p] : most;
    for (uint p = 0u; p < parts; p++)
        SUM_ADD(REAL, sum, rest, sum_gm[p] * exp(most_gm[p] - most));
    sum = sum_total(sum, rest);
    if (part == 0u)
        scratch_gm[row] = log(sum) + (most - scratch_gm[row]);
    if (!has_dz)
        return;
    const REAL factor = exp(most_gm[part] - most) / sum;
    const uint place = (uint)target - begin; // beyond width where the target is another part's
    const REAL at_target = place < width ? (e_gm[place] * factor - (REAL)1) * share : (REAL)0;
    for (; j + 8u <= width; j += 8u)
        vstore8(vload8(0, e_gm + j) * factor * share, 0, e_gm + j);
    for (; j < width; j++)
        e_gm[j] = e_gm[j] * factor * share;
    if (place < width)
        e_gm[place] = at_target;
}
