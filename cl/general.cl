// SPDX-License-Identifier: Apache-2.0
// One step of an LSTM with everything that ONNX's operator and a projection allow; network.cl stands in front of it. No local memory, no barrier;
// correct at any work-group size.
//
//     i = F(gx_i + h wt_i + p_i c)        c' = f c + i g        m  = o H(c')
//     f = F(gx_f + h wt_f + p_f c)                              h' = m wt_hr with a projection, else m
//     g = G(gx_g + h wt_g)
//     o = F(gx_o + h wt_o + p_o c')       INPUT_FORGET: f = 1 - i       CLIP: every argument of F and G is held to [-clip, clip]
//
// Source: https://onnx.ai/onnx/operators/onnx__LSTM.html; the projection: Sak, Senior & Beaufays, 2014.
//
// ACT_F, ACT_G, ACT_H    a number of lstm_activations.h          default sigmoid, tanh, tanh
// PEEPHOLES, CLIP, INPUT_FORGET    0 or 1                         default 0
#ifndef ACT_F
#define ACT_F LSTM_ACTIVATION_SIGMOID
#define ACT_G LSTM_ACTIVATION_TANH
#define ACT_H LSTM_ACTIVATION_TANH
#endif

static REAL activate(int function, REAL x, REAL alpha, REAL beta) {
    switch (function) {
    case LSTM_ACTIVATION_SIGMOID:
        return lstm_sigmoid(x);
    case LSTM_ACTIVATION_TANH:
        return tanh(x);
    case LSTM_ACTIVATION_RELU:
        return x < (REAL)0 ? (REAL)0 : x;
    case LSTM_ACTIVATION_HARD_SIGMOID:
        x = alpha * x + beta;
        return x < (REAL)0 ? (REAL)0 : x > (REAL)1 ? (REAL)1 : x;
    case LSTM_ACTIVATION_AFFINE:
        return alpha * x + beta;
    case LSTM_ACTIVATION_LEAKY_RELU:
        return x < (REAL)0 ? alpha * x : x;
    case LSTM_ACTIVATION_THRESHOLDED_RELU:
        return x < alpha ? (REAL)0 : x;
    case LSTM_ACTIVATION_SCALED_TANH:
        return alpha * tanh(beta * x);
    case LSTM_ACTIVATION_ELU:
        return x < (REAL)0 ? alpha * expm1(x) : x;
    case LSTM_ACTIVATION_SOFTSIGN:
        return x / ((REAL)1 + fabs(x));
    default: // LSTM_ACTIVATION_SOFTPLUS: log(1 + exp(x)), which is x for large x
        return x > (REAL)0 ? x + log1p(exp(-x)) : log1p(exp(x));
    }
}

static REAL held(REAL x, REAL clip) {
#if CLIP
    return x > clip ? clip : x < -clip ? -clip : x;
#else
    return x;
#endif
}

// Work-items: (unit, batch row). c is updated in place; m [batch][hidden] may be y's row of this step where there is no projection.
__kernel void lstm_general_step(__global const REAL *gx_gm, uint gx_offset, __global const REAL *wt_gm,
                                __global const REAL *h_prev_gm, uint h_prev_offset, __global REAL *c_gm, uint c_offset,
                                __global REAL *m_gm, uint m_offset, __global const REAL *peephole_gm, uint batch, uint hidden,
                                uint width, REAL clip, REAL f_alpha, REAL f_beta, REAL g_alpha, REAL g_beta, REAL h_alpha,
                                REAL h_beta) {
    uint unit = (uint)get_global_id(0);
    uint b = (uint)get_global_id(1);
    if (unit >= hidden || b >= batch)
        return;
    uint gates_hidden = LSTM_GATES * hidden;
    __global const REAL *h_gm = h_prev_gm + h_prev_offset + b * width;
    __global const REAL *gx_row_gm = gx_gm + gx_offset + b * gates_hidden + unit;
    REAL sum_i = gx_row_gm[LSTM_GATE_I * hidden];
    REAL sum_f = gx_row_gm[LSTM_GATE_F * hidden];
    REAL sum_g = gx_row_gm[LSTM_GATE_G * hidden];
    REAL sum_o = gx_row_gm[LSTM_GATE_O * hidden];
    for (uint begin = 0u; begin < width; begin += LSTM_SUM_BLOCK) {
        uint end = min(begin + LSTM_SUM_BLOCK, width);
        REAL part_i = 0, part_f = 0, part_g = 0, part_o = 0;
        for (uint k = begin; k < end; k++) {
            REAL h = h_gm[k];
            __global const REAL *w_gm = wt_gm + k * gates_hidden + unit;
            part_i += h * w_gm[LSTM_GATE_I * hidden];
            part_f += h * w_gm[LSTM_GATE_F * hidden];
            part_g += h * w_gm[LSTM_GATE_G * hidden];
            part_o += h * w_gm[LSTM_GATE_O * hidden];
        }
        sum_i += part_i;
        sum_f += part_f;
        sum_g += part_g;
        sum_o += part_o;
    }
    uint place = c_offset + b * hidden + unit;
    REAL c = c_gm[place];
#if PEEPHOLES
    sum_i += peephole_gm[unit] * c;
    sum_f += peephole_gm[hidden + unit] * c;
#endif
    REAL i = activate(ACT_F, held(sum_i, clip), f_alpha, f_beta);
#if INPUT_FORGET
    REAL f = (REAL)1 - i;
#else
    REAL f = activate(ACT_F, held(sum_f, clip), f_alpha, f_beta);
#endif
    REAL c_next = f * c + i * activate(ACT_G, held(sum_g, clip), g_alpha, g_beta);
#if PEEPHOLES
    sum_o += peephole_gm[2u * hidden + unit] * c_next;
#endif
    c_gm[place] = c_next;
    m_gm[m_offset + b * hidden + unit] =
        activate(ACT_F, held(sum_o, clip), f_alpha, f_beta) * activate(ACT_H, c_next, h_alpha, h_beta);
}
