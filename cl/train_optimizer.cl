// SPDX-License-Identifier: Apache-2.0
// The gradients' norm and the optimizers' steps over flat buffers, eight elements a work-item; train_sum.cl stands in front. Formulas in
// include/oclstm/train.h, in torch's order of operations. No local memory, no barrier; correct at any work-group size.
//
//     train_squares    sums of squares, to be added up by train_sum
//     train_sgd, train_adam    a step; none where the norm or the loss is not finite
//
// The gradients are clipped as they are read, not where they lie.

// Work-items: parts; part p takes vectors p, p + parts, ...
__kernel void train_squares(__global const REAL *g_gm, uint vectors, uint parts, __global REAL *out_gm) {
    uint part = (uint)get_global_id(0);
    if (part >= parts)
        return;
    REAL8 sums = 0, rests = 0;
    for (uint i = part; i < vectors; i += parts) {
        REAL8 g = vload8(i, g_gm);
        SUM_ADD(REAL8, sums, rests, g * g);
    }
    out_gm[part] = sum_lanes(sums, rests);
}

// What gradients are multiplied with; below 0: there is no step.
static REAL clip_scale(REAL norm, REAL clip, REAL loss) {
    if (!isfinite(norm) || !isfinite(loss))
        return -1;
    const REAL scale = clip / (norm + (REAL)1 / (REAL)1000000);
    return clip > (REAL)0 && scale < (REAL)1 ? scale : (REAL)1;
}

// Work-items: vectors. keep, add: b = keep b + add g; momentum: Nesterov's, 0 = none.
__kernel void train_sgd(__global REAL *w_gm, __global const REAL *g_gm, __global REAL *first_gm, int has_first, uint vectors,
                        __global const REAL *loss_gm, uint loss_offset, int has_loss, __global const REAL *norm_gm,
                        uint norm_offset, REAL clip, REAL lr, REAL decay, REAL keep, REAL add, int nesterov, REAL momentum) {
    uint i = (uint)get_global_id(0);
    if (i >= vectors)
        return;
    const REAL scale = clip_scale(norm_gm[norm_offset], clip, has_loss ? loss_gm[loss_offset] : (REAL)0);
    if (scale < (REAL)0)
        return;
    REAL8 g = vload8(i, g_gm) * scale, w = vload8(i, w_gm);
    if (decay != (REAL)0)
        g += decay * w;
    if (has_first) {
        REAL8 b = vload8(i, first_gm) * keep + add * g;
        vstore8(b, i, first_gm);
        g = nesterov ? g + momentum * b : b;
    }
    vstore8(w - lr * g, i, w_gm);
}

// Work-items: vectors. m goes to g by the share `lerp`: from m where it is less than a half, otherwise from g, as torch's lerp does. shrink: AdamW's.
__kernel void train_adam(__global REAL *w_gm, __global const REAL *g_gm, __global REAL *first_gm, __global REAL *second_gm,
                         uint vectors, __global const REAL *loss_gm, uint loss_offset, int has_loss, __global const REAL *norm_gm,
                         uint norm_offset, REAL clip, REAL rate, REAL decay, REAL shrink, REAL lerp, REAL beta1, REAL beta2,
                         REAL add2, REAL root_correction2, REAL eps) {
    uint i = (uint)get_global_id(0);
    if (i >= vectors)
        return;
    const REAL scale = clip_scale(norm_gm[norm_offset], clip, has_loss ? loss_gm[loss_offset] : (REAL)0);
    if (scale < (REAL)0)
        return;
    REAL8 g = vload8(i, g_gm) * scale, w = vload8(i, w_gm) * shrink;
    if (decay != (REAL)0)
        g += decay * w;
    REAL8 m = vload8(i, first_gm);
    m = lerp < (REAL)0.5f ? m + lerp * (g - m) : g - beta1 * (g - m);
    REAL8 v = vload8(i, second_gm) * beta2 + add2 * g * g;
    vstore8(m, i, first_gm);
    vstore8(v, i, second_gm);
    REAL8 below = sqrt(v) / root_correction2 + eps;
    // Nothing by nothing, where eps is 0 and there was no gradient yet, is no move.
    below = m == (REAL8)0 ? (REAL8)1 : below;
    vstore8(w - rate * m / below, i, w_gm);
}
