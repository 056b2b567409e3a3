# SPDX-License-Identifier: Apache-2.0
"""The faults that mutate.py puts into the kernels: at least three a kernel, each a mistake that somebody could make."""

import typing


class Fault(typing.NamedTuple):
    """One change in a file of cl/."""

    file: str
    what: str
    old: str  # stands exactly once in the file
    new: str
    tests: tuple[str, ...]  # at least one of these test programs, or PROGRAM:CASE, must fail


# The test programs that run the kernels against their references.
PORTABLE = ("kernels_portable",)
CLBLAST = ("kernels_clblast",)
FUSED = ("kernels_fused",)

FORMS = ("fused_lanes",)
ROOFS = ("kernels_roofs",)
STORED = ("stored",)
NETWORK = ("kernels_network",)
GENERAL = ("kernels_general:steps",)
FUNCTIONS = ("kernels_general:functions",)
TRAIN_PRODUCTS = ("train_clblast:products",)
TRAIN_STEPS = ("train_clblast:recurrences",)
LOSS = ("train_loss:shapes",)
LOSS_EXTREME = ("train_loss:torch",)
LOSS_PEAKS = ("train_loss:peaks",)
LOSS_BROKEN = ("train_loss:broken",)
OPTIMIZER = ("train_optimizer:torch",)
NORM = ("train_optimizer:norm",)
LEFT_OUT = ("train_optimizer:left out",)
DROPOUT = ("train_dropout:as host",)
TRAIN_PROJECTED = ("train_clblast:projections",)
TRAIN_PORTABLE_PRODUCTS = ("train_portable:products",)
TRAIN_PORTABLE = ("train_portable:recurrences",)
TRAIN_LAYERS = ("train_layers",)
TRAIN_FUSED_PRODUCTS = ("train_fused:products",)
TRAIN_FUSED_STEPS = ("train_fused:recurrences",)

FAULTS = [
    # lstm_update: shared by both engines
    Fault("lstm_shared.h", "gates f and g swapped", "LSTM_GATE_F 1\n#define LSTM_GATE_G 2", "LSTM_GATE_F 2\n#define LSTM_GATE_G 1", PORTABLE),
    Fault("lstm_shared.h", "gates i and o swapped for clblast",
          "LSTM_GATE_I 0\n#define LSTM_GATE_F 1\n#define LSTM_GATE_G 2\n#define LSTM_GATE_O 3",
          "LSTM_GATE_I 3\n#define LSTM_GATE_F 1\n#define LSTM_GATE_G 2\n#define LSTM_GATE_O 0", CLBLAST),
    Fault("lstm_shared.h", "sign of sigmoid's argument flipped", "((REAL)1 + exp(-x))", "((REAL)1 + exp(x))", PORTABLE),
    Fault("lstm_shared.h", "tanh of the wrong state", "tanh(c_next)", "tanh(c)", CLBLAST),
    Fault("lstm_shared.h", "tanh(c') left out", "* tanh(c_next)", "* c_next", PORTABLE),
    Fault("lstm_shared.h", "input gate dropped", "lstm_sigmoid(i) * tanh(g)", "tanh(g)", CLBLAST),
    Fault("lstm_shared.h", "sign of g flipped", "lstm_sigmoid(i) * tanh(g)", "lstm_sigmoid(i) * tanh(-g)", PORTABLE),
    # lstm_transpose
    Fault("portable.cl", "transpose: last column skipped", "if (k < columns && r < rows)", "if (k + 1u < columns && r < rows)", PORTABLE),
    Fault("portable.cl", "transpose: last row skipped", "if (k < columns && r < rows)", "if (k < columns && r + 1u < rows)", PORTABLE),
    Fault("portable.cl", "transpose: not transposed", "STORED_STORE(wt_gm, k * rows + r,",
          "STORED_STORE(wt_gm, r * columns + k,", PORTABLE),
    # lstm_input_product
    Fault("portable.cl", "input product: bias dropped", "REAL sum0 = bias_gm[r];", "REAL sum0 = 0;", PORTABLE),
    Fault("portable.cl", "input product: last feature skipped",
          "uint end = min(begin + LSTM_SUM_BLOCK, input);", "uint end = min(begin + LSTM_SUM_BLOCK, input - 1u);", PORTABLE),
    Fault("portable.cl", "input product: offset of x ignored", "x0_gm = x_gm + x_offset + row", "x0_gm = x_gm + row", PORTABLE),
    Fault("portable.cl", "input product: off by one row", "x1_gm = x_gm + x_offset + min(row + 1u, last)",
          "x1_gm = x_gm + x_offset + min(row, last)", PORTABLE),
    Fault("portable.cl", "input product: fourth row not stored", "if (row + 3u < rows)", "if (row + 4u < rows)", PORTABLE),
    # lstm_portable_step
    Fault("portable.cl", "step: last hidden unit left out of the sum",
          "uint end = min(begin + LSTM_SUM_BLOCK, hidden);", "uint end = min(begin + LSTM_SUM_BLOCK, hidden - 1u);", PORTABLE),
    Fault("portable.cl", "step: only the first block is summed", "begin < hidden; begin += LSTM_SUM_BLOCK", "begin < 1u; begin += 1u", PORTABLE),
    Fault("portable.cl", "step: gates of the first batch row for all", "gx_gm + gx_offset + b * gx_stride + unit", "gx_gm + gx_offset + unit",
          PORTABLE),
    Fault("portable.cl", "step: wrong row of c", "c_prev_gm[c_prev_offset + b * hidden + unit]", "c_prev_gm[c_prev_offset + unit]", PORTABLE),
    Fault("portable.cl", "step: last unit skipped", "if (unit >= hidden || b >= batch)", "if (unit + 1u >= hidden || b >= batch)", PORTABLE),
    Fault("portable.cl", "step: h strided as if dense", "b * h_next_stride", "b * hidden", PORTABLE),
    # lstm_fill_bias
    Fault("clblast_gates.cl", "fill bias: last row skipped", "row < rows)", "row + 1u < rows)", CLBLAST),
    Fault("clblast_gates.cl", "fill bias: bias dropped", "= bias_gm[r];", "= 0;", CLBLAST),
    Fault("clblast_gates.cl", "fill bias: last element skipped", "if (r < gates_hidden", "if (r + 1u < gates_hidden", CLBLAST),
    # lstm_gates
    Fault("clblast_gates.cl", "gates: last batch row skipped", "b >= batch)", "b + 1u >= batch)", CLBLAST),
    Fault("clblast_gates.cl", "gates: h and c swapped", "= c_next;\n", "= h_next;\n", CLBLAST),
    Fault("clblast_gates.cl", "gates: two gates swapped", "gx_row_gm[LSTM_GATE_I * hidden], gx_row_gm[LSTM_GATE_F * hidden]",
          "gx_row_gm[LSTM_GATE_F * hidden], gx_row_gm[LSTM_GATE_I * hidden]", CLBLAST),
    Fault("clblast_gates.cl", "gates: c of another batch row", "c_prev_gm[c_prev_offset + b * hidden + unit]", "c_prev_gm[c_prev_offset + unit]",
          CLBLAST),
    # fused_math.cl
    Fault("fused_math.cl", "sign in tanh(g) flipped", "+ (one - eg) /", "+ (one + eg) /", FUSED),
    Fault("fused_math.cl", "forget gate is the input gate", "return c / (one + ef)", "return c / (one + ei)", FUSED),
    Fault("fused_math.cl", "tanh(c') of half the argument", "exp_bounded((REALV)-2 * c)", "exp_bounded(-c)", FUSED),
    Fault("fused_math.cl", "last unit of a short block not stored", "for (int j = 0; j < count; ++j)", "for (int j = 0; j + 1 < count; ++j)", FUSED),
    # fused_pack
    Fault("fused_pack.cl", "gates in the other order", "to[q * VW + j] = unit < hidden ?", "to[(3 - q) * VW + j] = unit < hidden ?", FUSED),
    Fault("fused_pack.cl", "last column skipped", "= unit < hidden ? w_gm", "= unit < hidden && k + 1 < columns ? w_gm", FUSED),
    Fault("fused_pack.cl", "off by one unit", "(q) + (unit)) * columns", "(q) + max(unit - 1, 0)) * columns", FUSED),
    # fused_tile.cl
    Fault("fused_tile.cl", "gates i and f swapped", "i##r = MAC(s, wi, i##r), f##r = MAC(s, wf, f##r)",
          "i##r = MAC(s, wf, i##r), f##r = MAC(s, wi, f##r)", FUSED),
    Fault("fused_tile.cl", "last term of a sum skipped", "for (int k = 0; k < deep; ++k, w += W_AT(GATES))",
          "for (int k = 0; k + 1 < deep; ++k, w += W_AT(GATES))", FUSED),
    Fault("fused_tile.cl", "a remainder adds in another order", "switch (split ? -rows : rows)", "switch (rows <= SPLIT_ROWS ? -rows : rows)", FUSED),
    Fault("fused_tile.cl", "odd tail of a sum skipped", "if (k < deep) {", "if (k + 1 < deep) {", FUSED),
    # fused_rows
    Fault("fused_rows.cl", "last row of the batch skipped", "min(rows, batch - first)", "min(rows, batch - first - 1)", FUSED),
    Fault("fused_rows.cl", "rows of h too close", "const int h_stride = t ? (int)y_stride : hidden;", "const int h_stride = t > 1 ? (int)y_stride : 0;", FUSED),
    Fault("fused_rows.cl", "state of another block", "cell = c + (first + row + r) * blocks + u;", "cell = c + (first + row + r) * blocks;", FUSED),
    # fused_units
    Fault("fused_units.cl", "gates i and f swapped", "next_cell(q[0], q[1], q[2], *cell)", "next_cell(q[1], q[0], q[2], *cell)", FUSED),
    Fault("fused_units.cl", "input product of the first chunk for all", "int phase = slot == 0 ? INPUT_PRODUCT", "int phase = t == 0 ? INPUT_PRODUCT", FUSED),
    Fault("fused_units.cl", "c starts at zero",
          "c[b * blocks + u] = load_some(c0_gm + call.c0_offset + (long)b * hidden + u * VW, hidden - u * VW);", "c[b * blocks + u] = (REALV)0;", FUSED),
    Fault("fused_units.cl", "last h of the first step", "last = y_gm + call.y_offset + (long)(steps - 1) * y_step", "last = y_gm + call.y_offset", FUSED),
    # fused_lanes.cl
    Fault("fused_lanes.cl", "pack: last column skipped", "if (u >= padded || k >= columns)", "if (u >= padded || k + 1 >= columns)", FORMS),
    Fault("fused_lanes.cl", "gates i and g swapped", "sum[r][LSTM_GATE_I] += PRODUCT(s, wi);", "sum[r][LSTM_GATE_I] += PRODUCT(s, wg);", FORMS),
    Fault("fused_lanes.cl", "last row stands in for all", "min(r, last_row)", "last_row", FORMS),
    # fused_step
    Fault("fused_step.cl", "second step from h0", "hs = (t ? y_gm", "hs = (t > 1 ? y_gm", FORMS),
    Fault("fused_step.cl", "c of the first row for all", "at = (long)(first + r) * hidden + u", "at = (long)first * hidden + u", FORMS),
    Fault("fused_step.cl", "last row of the batch skipped", "min(ROWS, batch - first) - 1", "min(ROWS, batch - first - 1) - 1", FORMS),
    Fault("fused_step.cl", "last lane left out", "for (int l = 1; l < LK; ++l)", "for (int l = 2; l < LK; ++l)", FORMS),
    # fused_group
    Fault("fused_group.cl", "h of this step read as of the step before", "new_lm = h_lm + (1 - (t & 1))", "new_lm = h_lm + (t & 1)", FORMS),
    Fault("fused_group.cl", "h0 of the first row for all", "(long)(first + min(i / hidden, last_row)) * hidden", "(long)first * hidden", FORMS),
    Fault("fused_group.cl", "last block of units skipped", "block < padded; block += LU", "block + LU < padded; block += LU", FORMS),
    # 16 bits
    Fault("lstm_shared.h", "bfloat16 cut off instead of rounded", "(bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16)", "bits >> 16)", STORED),
    Fault("lstm_shared.h", "bfloat16 rounded up half-way", "0x7FFFu + ((bits >> 16) & 1u)", "0x8000u", STORED),
    Fault("lstm_shared.h", "bfloat16 of a NaN may be infinity", "isnan(v) ? (bits >> 16) | 0x40u", "isnan(v) ? bits >> 16", STORED),
    Fault("lstm_shared.h", "bfloat16 loaded as an integer", "as_float((uint)(p)[i] << 16)", "(float)((uint)(p)[i] << 16)", STORED),
    Fault("lstm_shared.h", "float16 rounded to zero", "vstore_half_rte(v, i, p)", "vstore_half_rtz(v, i, p)", STORED),
    Fault("lstm_shared.h", "16 bits stored one place on", "vstore_half_rte(v, i, p)", "vstore_half_rte(v, (i) + 1, p)", PORTABLE),
    Fault("fused_math.cl", "bfloat16 units cut off", "(bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;", "bits >> 16;", STORED),
    Fault("fused_math.cl", "bfloat16 units of a NaN made numbers", "(v != v) ? (bits >> 16) | 0x40u : rounded", "rounded", STORED),
    Fault("fused_math.cl", "float16 units rounded to zero", "JOIN(JOIN(vstore_half, VW), _rte)", "JOIN(JOIN(vstore_half, VW), _rtz)", STORED),
    Fault("fused_math.cl", "last unit of a short block of 16 bits not stored", "unit < count; ++unit)\n            STORED_STORE",
          "unit + 1 < count; ++unit)\n            STORED_STORE", FUSED),
    Fault("fused_pack.cl", "16 bits: last unit left out", "const REAL w = unit < hidden ?", "const REAL w = unit + 1 < hidden ?", FUSED),
    Fault("fused_tile.cl", "16 bits: the first columns for all", "(long)r * stride + first;", "(long)r * stride;", FUSED),
    Fault("fused_tile.cl", "16 bits: the last columns not widened", "for (; k < deep; ++k)\n            to[r", "for (; k + 1 < deep; ++k)\n            to[r", FUSED),
    Fault("fused_lanes.cl", "bias of the first gate for all", "bias_gm[q * hidden + u]", "bias_gm[u]", FORMS),
    # roofs.cl
    Fault("roofs.cl", "fma: last round skipped", "round < rounds; ++round", "round + 1u < rounds; ++round", ROOFS),
    Fault("roofs.cl", "fma: a chain of twelve left out", "#define CHAINS_12(M) CHAINS_11(M) M(11)", "#define CHAINS_12(M) CHAINS_11(M)", ROOFS),
    Fault("roofs.cl", "fma: addend dropped", "fma(s##j, f, a)", "s##j * f", ROOFS),
    Fault("roofs.cl", "copy in runs: last element of each run skipped", "i < end; ++i", "i + 1u < end; ++i", ROOFS),
    Fault("roofs.cl", "copy by turns: last element skipped", "i < count; i += items", "i + 1u < count; i += items", ROOFS),
    # network.cl
    Fault("network.cl", "embed: last feature skipped", "if (j < features && row < rows)\n        y_gm", "if (j + 1u < features && row < rows)\n        y_gm", NETWORK),
    Fault("network.cl", "embed: the next token's row", "(uint)token_gm[row] * features", "((uint)token_gm[row] ^ 1u) * features", NETWORK),
    Fault("network.cl", "embed: one token for all", "token_gm[row]", "token_gm[0]", NETWORK),
    Fault("network.cl", "linear: bias dropped", "REAL sum = bias_gm[r];", "REAL sum = 0;", NETWORK),
    Fault("network.cl", "linear: last output skipped", "if (r >= outputs || row >= rows)", "if (r + 1u >= outputs || row >= rows)", NETWORK),
    Fault("network.cl", "linear: last input skipped", "uint end = min(begin + LSTM_SUM_BLOCK, inputs);",
          "uint end = min(begin + LSTM_SUM_BLOCK, inputs - 1u);", NETWORK),
    Fault("network.cl", "linear: not transposed", "wt_gm[k * outputs + r]", "wt_gm[r * inputs + k]", NETWORK),
    Fault("network.cl", "linear: offset of y ignored", "y_gm[y_offset + row * outputs + r] = sum", "y_gm[row * outputs + r] = sum", NETWORK),
    Fault("network.cl", "activate: relu makes zero of NaN", "(v < (REAL)0 ? (REAL)0 : v)", "(v > (REAL)0 ? v : (REAL)0)", NETWORK),
    Fault("network.cl", "activate: relu and sigmoid swapped", "kind == 0 ?", "kind != 0 ?", NETWORK),
    Fault("network.cl", "activate: last element skipped", "if (i >= count)", "if (i + 1u >= count)", NETWORK),
    Fault("network.cl", "softmax: the largest is not taken off", "exp(v_gm[j] - most)", "exp(v_gm[j])", NETWORK),
    Fault("network.cl", "softmax: last feature not in the sum", "part += e;", "part += j + 1u < features ? e : (REAL)0;", NETWORK),
    Fault("network.cl", "softmax: the smallest taken off", "v_gm[j] > most ?", "v_gm[j] < most ?", NETWORK),
    Fault("network.cl", "place: one step too early when turned", "length - 1u - t", "length - t", NETWORK),
    Fault("network.cl", "place: turned by all steps", "reversed ? length - 1u - t : t", "reversed ? steps - 1u - t : t", NETWORK),
    Fault("network.cl", "place: column ignored", "dst_features + column + j", "dst_features + j", NETWORK),
    Fault("network.cl", "place: not zero behind the end", "t < length ? src_gm", "t < steps ? src_gm", NETWORK),
    Fault("network.cl", "keep: every row", "&& length_gm[b] == end)", "&& length_gm[b] >= end)", NETWORK),
    Fault("network.cl", "keep: last unit skipped", "if (j < features && b < batch", "if (j + 1u < features && b < batch", NETWORK),
    Fault("network.cl", "keep: offset ignored", "kept_gm[offset + b * features + j] =", "kept_gm[b * features + j] =", NETWORK),
    # general.cl
    Fault("general.cl", "gates i and f swapped", "REAL sum_i = gx_row_gm[LSTM_GATE_I * hidden];\n    REAL sum_f = gx_row_gm[LSTM_GATE_F * hidden];",
          "REAL sum_f = gx_row_gm[LSTM_GATE_I * hidden];\n    REAL sum_i = gx_row_gm[LSTM_GATE_F * hidden];", GENERAL),
    Fault("general.cl", "sign of g flipped", "i * activate(ACT_G, held(sum_g,", "i * activate(ACT_G, held(-sum_g,", GENERAL),
    Fault("general.cl", "last feature of h skipped", "uint end = min(begin + LSTM_SUM_BLOCK, width);",
          "uint end = min(begin + LSTM_SUM_BLOCK, width - 1u);", GENERAL),
    Fault("general.cl", "h of the first row for all", "h_prev_gm + h_prev_offset + b * width", "h_prev_gm + h_prev_offset", GENERAL),
    Fault("general.cl", "last unit skipped", "if (unit >= hidden || b >= batch)", "if (unit + 1u >= hidden || b >= batch)", GENERAL),
    Fault("general.cl", "clip ignored", "return x > clip ? clip : x < -clip ? -clip : x;", "return x;", GENERAL),
    Fault("general.cl", "clip holds one side", "x < -clip ? -clip : x;\n#else", "x;\n#else", GENERAL),
    Fault("general.cl", "output peephole sees the state before", "peephole_gm[2u * hidden + unit] * c_next", "peephole_gm[2u * hidden + unit] * c", GENERAL),
    Fault("general.cl", "peephole of f is that of i", "sum_f += peephole_gm[hidden + unit] * c;", "sum_f += peephole_gm[unit] * c;", GENERAL),
    Fault("general.cl", "coupled gates: not coupled", "REAL f = (REAL)1 - i;", "REAL f = i;", GENERAL),
    Fault("general.cl", "output gate of G", "activate(ACT_F, held(sum_o, clip), f_alpha, f_beta) *", "activate(ACT_G, held(sum_o, clip), g_alpha, g_beta) *", GENERAL),
    Fault("general.cl", "numbers of G for H", "activate(ACT_H, c_next, h_alpha, h_beta)", "activate(ACT_H, c_next, g_alpha, g_beta)", GENERAL),
    Fault("general.cl", "hard sigmoid has no upper end", ": x > (REAL)1 ? (REAL)1 : x;\n    case LSTM_ACTIVATION_AFFINE", ": x;\n    case LSTM_ACTIVATION_AFFINE", FUNCTIONS),
    Fault("general.cl", "leaky relu: alpha above zero", "x < (REAL)0 ? alpha * x : x", "x < (REAL)0 ? x : alpha * x", FUNCTIONS),
    Fault("general.cl", "thresholded relu: its end left out", "x < alpha ? (REAL)0 : x", "x <= alpha ? (REAL)0 : x", FUNCTIONS),
    Fault("general.cl", "scaled tanh: alpha and beta swapped", "alpha * tanh(beta * x)", "beta * tanh(alpha * x)", FUNCTIONS),
    Fault("general.cl", "elu loses digits", "alpha * expm1(x)", "alpha * (exp(x) - (REAL)1)", FUNCTIONS),
    Fault("general.cl", "softsign: sign kept below", "((REAL)1 + fabs(x))", "((REAL)1 + x)", FUNCTIONS),
    Fault("general.cl", "softplus overflows", "x > (REAL)0 ? x + log1p(exp(-x)) : log1p(exp(x))", "log1p(exp(x))", FUNCTIONS),
    # train_gates.cl
    Fault("train_gates.cl", "fill row: last row skipped", "row < rows)", "row + 1u < rows)", TRAIN_PRODUCTS),
    Fault("train_gates.cl", "fill row: last column skipped", "if (j < columns", "if (j + 1u < columns", TRAIN_PRODUCTS),
    Fault("train_gates.cl", "fill row: leading dimension ignored", "row * ldc + j", "row * columns + j", TRAIN_PRODUCTS),
    Fault("train_gates.cl", "forward: tanh(c) instead of tanh(c')", "= o * tanh(c_next);", "= o * tanh(c);", TRAIN_STEPS),
    Fault("train_gates.cl", "forward: f is not kept", "row_gm[LSTM_GATE_F * hidden] = f;", "", TRAIN_STEPS),
    Fault("train_gates.cl", "forward: a standing row's c is not copied on", "        c_gm[c_after + at] = c;\n", "", TRAIN_STEPS),
    Fault("train_gates.cl", "forward: raw of a standing row is left", "keeps ? out_gm[out_before + at] : (REAL)0;", "out_gm[out_before + at];",
          TRAIN_PROJECTED),
    Fault("train_gates.cl", "a length is one too long", "step >= lengths_gm[b]", "step > lengths_gm[b]", TRAIN_STEPS),
    Fault("train_gates.cl", "keep: all rows", "b < batch && stands_still(lengths_gm, 1, step, b)", "b < batch", TRAIN_PROJECTED),
    Fault("train_gates.cl", "keep: last column skipped", "if (j < width &&", "if (j + 1u < width &&", TRAIN_PROJECTED),
    Fault("train_gates.cl", "keep: h of another row", "= h_gm[h_before + b * width + j]", "= h_gm[h_before + j]", TRAIN_PROJECTED),
    Fault("train_gates.cl", "join: dy left out", "joined_gm[joined_offset + at] = dh_gm[dh_offset + at] + (has_dy ? dy_gm[dy_offset + at] : (REAL)0);",
          "joined_gm[joined_offset + at] = dh_gm[dh_offset + at];", TRAIN_PROJECTED),
    Fault("train_gates.cl", "join: dh counted twice", "    dh_gm[dh_offset + at] = 0;\n", "", TRAIN_PROJECTED),
    Fault("train_gates.cl", "join: a standing row's gradient is not zero", "        joined_gm[joined_offset + at] = 0;\n", "", TRAIN_PROJECTED),
    Fault("train_gates.cl", "backward: dh counted twice", "    dout_gm[dout_offset + at] = 0;\n", "", TRAIN_STEPS),
    Fault("train_gates.cl", "backward: dc without f", "= dc * f;", "= dc;", TRAIN_STEPS),
    Fault("train_gates.cl", "backward: derivative of tanh of g", "((REAL)1 - g * g)", "((REAL)1 - g)", TRAIN_STEPS),
    Fault("train_gates.cl", "backward: c' instead of c", "dc * c_gm[c_before + at]", "dc * c_gm[c_after + at]", TRAIN_STEPS),
    Fault("train_gates.cl", "backward: dc of the step behind left out", " + dc_gm[dc_offset + at];", ";", TRAIN_STEPS),
    Fault("train_gates.cl", "backward: standing rows are not zero", "            row_gm[gate * hidden] = 0;", "            ;", TRAIN_STEPS),
    # train_portable.cl
    Fault("train_portable.cl", "transpose: not transposed", "wt_gm[k * rows + r] =", "wt_gm[r * columns + k] =", TRAIN_PORTABLE),
    Fault("train_portable.cl", "product: the start row dropped", "start == 2 ? init_gm[init_offset + n]", "start == 3 ? init_gm[init_offset + n]",
          TRAIN_PORTABLE_PRODUCTS),
    Fault("train_portable.cl", "product: the last row is not added to", "sum1 = left > 1u ? out_gm[c_row]", "sum1 = left > 2u ? out_gm[c_row]",
          TRAIN_PORTABLE_PRODUCTS),
    Fault("train_portable.cl", "product: stored beyond the last row", "    if (left > 3u)\n        out_gm[3u * c_row] = sum3;", "    out_gm[3u * c_row] = sum3;",
          TRAIN_PORTABLE_PRODUCTS),
    Fault("train_portable.cl", "product: only the first block is summed", "begin < terms; begin += LSTM_SUM_BLOCK) {\n        uint end = min(begin + LSTM_SUM_BLOCK, terms);\n        REAL part0",
          "begin < min(terms, 1u); begin += LSTM_SUM_BLOCK) {\n        uint end = min(begin + LSTM_SUM_BLOCK, terms);\n        REAL part0", TRAIN_PORTABLE_PRODUCTS),
    Fault("train_portable.cl", "step: f is not kept", "    gate_gm[LSTM_GATE_F * hidden] = f;\n", "", TRAIN_PORTABLE),
    Fault("train_portable.cl", "step: a standing row goes on", "= stands ? c : c_next;", "= c_next;", TRAIN_PORTABLE),
    Fault("train_portable.cl", "step: raw of a standing row is left", "= stands ? (REAL)0 : h_next;", "= h_next;", TRAIN_PORTABLE),
    Fault("train_portable.cl", "project: a standing row's h", "= stands ? h_gm[h_offset + b * width + p] : sum;", "= sum;", TRAIN_PORTABLE),
    Fault("train_portable.cl", "back: the last gradient is left out", "if (is_last || next_stands)", "if (next_stands)", TRAIN_PORTABLE),
    Fault("train_portable.cl", "back: from behind a row's end", "if (is_last || next_stands)", "if (is_last)", TRAIN_PORTABLE),
    Fault("train_portable.cl", "project back: dy left out", "            sum += dy_gm[dy_offset + b * width + p];", "            sum += 0;", TRAIN_PORTABLE),
    Fault("train_portable.cl", "step back: dy left out", "            dh += dy_gm[dy_offset + b * width + unit];", "            dh += 0;", TRAIN_PORTABLE),
    Fault("train_portable.cl", "step back: standing rows are not zero", "            gate_gm[gate * hidden] = 0;", "            ;", TRAIN_PORTABLE),
    Fault("train_portable.cl", "step back: derivative of tanh of g", "dc * i * ((REAL)1 - g * g)", "dc * i * ((REAL)1 - g)", TRAIN_PORTABLE),
    Fault("train_portable.cl", "step back: derivative of tanh of c'", "((REAL)1 - tc * tc)", "((REAL)1 - tc)", TRAIN_PORTABLE),
    Fault("train_portable.cl", "step back: c' instead of c", "REAL c_prev = c_gm[c_offset + b * hidden + unit]",
          "REAL c_prev = c_gm[c_offset + (batch + b) * hidden + unit]", TRAIN_PORTABLE),
    Fault("train_portable.cl", "step back: dc without f", "= dc * f;", "= dc;", TRAIN_PORTABLE),
    Fault("train_portable.cl", "state back: a standing first row", "masked && length_gm[b] <= t;\n    dh_gm[", "0;\n    dh_gm[", TRAIN_PORTABLE),
    # train_layers.cl
    Fault("train_layers.cl", "embed: another row", "(uint)token_gm[row] * features + j]", "row * features + j]", TRAIN_LAYERS),
    Fault("train_layers.cl", "embed back: last row of a token", "last = (uint)start_gm[v + 1u];", "last = max(first, (uint)start_gm[v + 1u] - 1u);", TRAIN_LAYERS),
    Fault("train_layers.cl", "embed back: not accumulated", "accumulate ? dweight_gm[dweight_offset + v * features + j] : (REAL)0", "(REAL)0", TRAIN_LAYERS),
    Fault("train_layers.cl", "relu: the other side", "v < (REAL)0 ? (REAL)0 : v", "v < (REAL)0 ? v : (REAL)0", TRAIN_LAYERS),
    Fault("train_layers.cl", "sigmoid back: derivative", "dy * y * ((REAL)1 - y)", "dy * ((REAL)1 - y)", TRAIN_LAYERS),
    Fault("train_layers.cl", "relu back: all pass", "(y > (REAL)0 ? dy : (REAL)0)", "dy", TRAIN_LAYERS),
    Fault("train_layers.cl", "turn: off by one", "length - 1u - t", "length - t", TRAIN_LAYERS),
    Fault("train_layers.cl", "turn: lengths ignored", "masked ? (uint)length_gm[b] : steps", "steps", TRAIN_LAYERS),
    Fault("train_layers.cl", "turn: column of the source", "src_features + src_column + j", "src_features + j", TRAIN_LAYERS),
    Fault("train_layers.cl", "turn: not added", "= accumulate ? out_gm[0] + v : v;", "= v;", TRAIN_LAYERS),
    Fault("train_layers.cl", "add rows: one of them", " + a_gm[b_offset + j];", ";", TRAIN_LAYERS),
    Fault("train_layers.cl", "column sums: last column skipped", "last = min(first + COLUMNS, columns);", "last = min(first + COLUMNS, columns - 1u);", TRAIN_LAYERS),
    Fault("train_layers.cl", "column sums: the twin left out", "if (twin_offset != out_offset)", "if (0)", TRAIN_LAYERS),
    Fault("train_layers.cl", "column sums: not accumulated", "accumulate ? out_gm[at] : (REAL)0", "(REAL)0", TRAIN_LAYERS),
    # train_sum.cl
    Fault("train_sum.cl", "sum: what is behind the last eight skipped", "for (; i < end; i++)", "for (; i + 8u < end; i++)", LOSS),
    Fault("train_sum.cl", "sum: last part skipped", "if (begin >= count)", "if (begin + per >= count)", LOSS),
    Fault("train_sum.cl", "sum: parts overlap", "uint end = min(begin + per, count)", "uint end = count", LOSS),
    Fault("train_sum.cl", "sum: divisor dropped", ": sum / divisor;", ": sum;", LOSS),
    Fault("train_sum.cl", "sum: no root", "root ? sqrt(sum)", "root ? sum", NORM),
    Fault("train_sum.cl", "sum: a lane dropped", "    SUM_ADD(REAL, sum, rest, sums.s6);\n", "", NORM),
    Fault("train_sum.cl", "sum: rounding errors dropped", "isfinite(rest) ? sum + rest : sum", "sum", NORM),
    Fault("train_sum.cl", "sum: infinity becomes NaN", "isfinite(rest) ? sum + rest : sum", "sum + rest", LOSS_BROKEN),
    # train_loss.cl
    Fault("train_loss.cl", "lengths: a step too many", "(int)t < length_gm", "(int)t <= length_gm", LOSS),
    Fault("train_loss.cl", "lengths: of another sequence", "length_gm[row - t * batch]", "length_gm[0]", LOSS),
    Fault("train_loss.cl", "terms: half the slope of a square", "(REAL)2 * share", "share", LOSS),
    Fault("train_loss.cl", "terms: sign of the difference", "term = (z - target) * (z - target)", "term = (z + target) * (z + target)", LOSS),
    Fault("train_loss.cl", "terms: exponential that overflows", "exp(-fabs(z))", "exp(-z)", LOSS_EXTREME),
    Fault("train_loss.cl", "terms: sigmoid of |z|", "(z < (REAL)0 ? small : (REAL)1)", "(REAL)1", LOSS),
    Fault("train_loss.cl", "terms: log1p left out", "- z * target + log1p(small)", "- z * target", LOSS),
    Fault("train_loss.cl", "terms: last item skipped", "if (item >= items)", "if (item + 1u >= items)", LOSS),
    Fault("train_loss.cl", "terms: offset of dz ignored", "dz_gm[dz_offset + i] = slope", "dz_gm[i] = slope", LOSS),
    Fault("train_loss.cl", "part: largest not taken off", "exp(vload8(0, v_gm + j) - most)", "exp(vload8(0, v_gm + j))", LOSS_PEAKS),
    Fault("train_loss.cl", "part: largest of half the lanes", "mosts.lo = mosts.lo > mosts.hi ? mosts.lo : mosts.hi;", "", LOSS_PEAKS),
    Fault("train_loss.cl", "part: largest of the first eight", "        mosts = v > mosts ? v : mosts;\n", "", LOSS_PEAKS),
    Fault("train_loss.cl", "part: columns behind the last eight not looked at", "most = v_gm[j] > most ? v_gm[j] : most;", ";", LOSS_PEAKS),
    Fault("train_loss.cl", "part: the target's z of another part", "scratch_gm[row] = v_gm[(uint)target - begin]", "scratch_gm[row] = v_gm[0]", LOSS),
    Fault("train_loss.cl", "part: sums of parts in one place", "scratch_gm[rows + rows * parts + row * parts + part]",
          "scratch_gm[rows + rows * parts + row * parts]", LOSS),
    Fault("train_loss.cl", "rows: largest of the first part", "most = most_gm[p] > most ? most_gm[p] : most;", ";", LOSS_PEAKS),
    Fault("train_loss.cl", "rows: parts on different scales", "exp(most_gm[part] - most) / sum", "(REAL)1 / sum", LOSS),
    Fault("train_loss.cl", "rows: sums on different scales", "sum_gm[p] * exp(most_gm[p] - most)", "sum_gm[p]", LOSS),
    Fault("train_loss.cl", "rows: loss without the largest", "log(sum) + (most - scratch_gm[row])", "log(sum) - scratch_gm[row]", LOSS),
    Fault("train_loss.cl", "rows: target's share is not taken off", "(e_gm[place] * factor - (REAL)1) * share", "e_gm[place] * factor * share", LOSS),
    Fault("train_loss.cl", "rows: share dropped", "e_gm[j] = e_gm[j] * factor * share", "e_gm[j] = e_gm[j] * factor", LOSS),
    Fault("train_loss.cl", "rows: gradient of what does not count is left", "            e_gm[j] = 0;", "            ;", LOSS),
    Fault("train_loss.cl", "rows: loss of what does not count is left", "            scratch_gm[row] = 0;", "            ;", LOSS),
    # train_optimizer.cl
    Fault("train_optimizer.cl", "squares: last part skipped", "if (part >= parts)", "if (part + 1u >= parts)", OPTIMIZER),
    Fault("train_optimizer.cl", "squares: only one vector a part", "i += parts", "i += vectors", NORM),
    Fault("train_optimizer.cl", "squares: not squared", "SUM_ADD(REAL8, sums, rests, g * g)", "SUM_ADD(REAL8, sums, rests, fabs(g))", OPTIMIZER),
    Fault("train_optimizer.cl", "clip: NaN norm goes on", "if (!isfinite(norm) || !isfinite(loss))", "if (!isfinite(loss))", LEFT_OUT),
    Fault("train_optimizer.cl", "clip: NaN loss goes on", "if (!isfinite(norm) || !isfinite(loss))", "if (!isfinite(norm))", LEFT_OUT),
    Fault("train_optimizer.cl", "clip: nothing added to the norm", "(norm + (REAL)1 / (REAL)1000000)", "norm", OPTIMIZER),
    Fault("train_optimizer.cl", "clip: small gradients grow", " && scale < (REAL)1 ?", " ?", OPTIMIZER),
    Fault("train_optimizer.cl", "sgd: decay dropped", "        g += decay * w;\n    if (has_first)", "        ;\n    if (has_first)", OPTIMIZER),
    Fault("train_optimizer.cl", "sgd: dampening dropped", "* keep + add * g;", "* keep + g;", OPTIMIZER),
    Fault("train_optimizer.cl", "sgd: momentum is not kept", "        vstore8(b, i, first_gm);\n", "", OPTIMIZER),
    Fault("train_optimizer.cl", "sgd: Nesterov's form always", "nesterov ? g + momentum * b : b", "g + momentum * b", OPTIMIZER),
    Fault("train_optimizer.cl", "adam: AdamW's decay dropped", "* shrink;", ";", OPTIMIZER),
    Fault("train_optimizer.cl", "adam: the other share of the gradient", "m + lerp * (g - m)", "m + beta1 * (g - m)", OPTIMIZER),
    Fault("train_optimizer.cl", "adam: the other share of the average", "g - beta1 * (g - m)", "g - lerp * (g - m)", OPTIMIZER),
    Fault("train_optimizer.cl", "adam: squares without their share", "+ add2 * g * g", "+ g * g", OPTIMIZER),
    Fault("train_optimizer.cl", "adam: eps inside the root", "sqrt(v) / root_correction2 + eps", "sqrt(v + eps) / root_correction2", OPTIMIZER),
    Fault("train_optimizer.cl", "adam: correction of the squares dropped", "sqrt(v) / root_correction2 + eps", "sqrt(v) + eps", OPTIMIZER),
    Fault("train_optimizer.cl", "adam: nothing by nothing", "    below = m == (REAL8)0 ? (REAL8)1 : below;\n", "", ("train_optimizer:no gradient",)),
    Fault("train_optimizer.cl", "adam: average is not kept", "    vstore8(m, i, first_gm);\n", "", OPTIMIZER),
    # train_dropout.cl
    Fault("train_dropout.cl", "nine rounds", "i < 10;", "i < 9;", DROPOUT),
    Fault("train_dropout.cl", "key of all rounds the same", "        key0 += PHILOX_W0;\n", "", DROPOUT),
    Fault("train_dropout.cl", "words in another order", "(uint4)(high1 ^ counter.y ^ key0, low1,", "(uint4)(low1, high1 ^ counter.y ^ key0,", DROPOUT),
    Fault("train_dropout.cl", "layer is not counted", "(uint4)(block, layer,", "(uint4)(block, 0u,", DROPOUT),
    Fault("train_dropout.cl", "what is kept is not divided", "words.y <= last ? v_gm[1] / keep", "words.y <= last ? v_gm[1]", DROPOUT),
    Fault("train_dropout.cl", "the wrong ones are kept", "words.z <= last", "words.z > last", DROPOUT),
    Fault("train_dropout.cl", "fourth element not written", "if (begin + 3u < count)", "if (begin + 4u < count)", DROPOUT),
    # train_pack.cl
    Fault("train_pack.cl", "a block is not transposed whole", "to[2 * i + 1] = interleave_high(from[i], from[i + VW / 2]);",
          "to[2 * i + 1] = interleave_low(from[i], from[i + VW / 2]);", TRAIN_FUSED_PRODUCTS),
    Fault("train_pack.cl", "the last columns are not packed", "for (; k < depth; ++k)\n        for", "for (; k + 1 < depth; ++k)\n        for",
          TRAIN_FUSED_PRODUCTS),
    Fault("train_pack.cl", "a row's last panel is shifted", "to[j] = j < count ? from[j] : (REAL)0;", "to[j] = j < count ? from[0] : (REAL)0;",
          TRAIN_FUSED_PRODUCTS),
    Fault("train_pack.cl", "forward: units of the first block for all", "from + (long)u * VW * hidden", "from", TRAIN_FUSED_STEPS),
    Fault("train_pack.cl", "backward: rows of the first gate for all", "((long)u * LSTM_GATES + q) * hidden * PANEL;", "(long)u * LSTM_GATES * hidden * PANEL;",
          TRAIN_FUSED_STEPS),
    # train_tile_product.cl
    Fault("train_tile_product.cl", "rows: the last of the depth skipped",
          "for (int k = 0; k < depth; ++k, w += LSTM_GATES) {", "for (int k = 0; k + 1 < depth; ++k, w += LSTM_GATES) {", TRAIN_FUSED_PRODUCTS),
    Fault("train_tile_product.cl", "strip: next column of the first row", "++k, w += LSTM_GATES, a += a_step)", "++k, w += LSTM_GATES, a += 1)",
          TRAIN_FUSED_PRODUCTS),
    Fault("train_tile_product.cl", "a later part of the depth begins anew", "call.accumulate || k0 > 0", "call.accumulate", TRAIN_FUSED_PRODUCTS),
    Fault("train_tile_product.cl", "half a panel where more columns are there", "width <= PANEL / 2", "width <= PANEL / 2 + 1", TRAIN_FUSED_PRODUCTS),
    Fault("train_tile_product.cl", "the last panel is written beyond its columns", "is_edge = width < (is_half ? PANEL / 2 : PANEL)", "is_edge = 0",
          TRAIN_FUSED_PRODUCTS),
    Fault("train_tile_product.cl", "strips: the last one of the first rows", "from[min(i + r, rows - 1)]", "from[min(r, rows - 1)]", TRAIN_FUSED_PRODUCTS),
    Fault("train_tile_product.cl", "init of the first panel for all", "init_gm + call.init + at", "init_gm + call.init", TRAIN_FUSED_PRODUCTS),
    # train_rows.cl
    Fault("train_rows.cl", "a length is one too long", "step >= lengths[b]", "step > lengths[b]", TRAIN_FUSED_STEPS),
    Fault("train_rows.cl", "forward: the sums' input part left out", "sum[r * LSTM_GATES + q] = load_some(gates + ((long)r * LSTM_GATES + q) * hidden, left);",
          "sum[r * LSTM_GATES + q] = (REALV)0;", TRAIN_FUSED_STEPS),
    Fault("train_rows.cl", "forward: o is not kept", "    store_some(o, gates + LSTM_GATE_O * hidden, left);\n", "", TRAIN_FUSED_STEPS),
    Fault("train_rows.cl", "forward: h of a standing row", "still ? load_some(h, left) : o * tanh_units(after)", "o * tanh_units(after)", TRAIN_FUSED_STEPS),
    Fault("train_rows.cl", "backward: derivative of tanh of c", "one - th * th", "one - th", TRAIN_FUSED_STEPS),
    Fault("train_rows.cl", "backward: dc without f", "still ? before : d * f", "still ? before : d", TRAIN_FUSED_STEPS),
    Fault("train_rows.cl", "backward: dh of a standing row is lost", "after && !stood ?", "after ?", TRAIN_FUSED_STEPS),
    Fault("train_rows.cl", "backward: dh is not finished", "t < 0 || (call.has_lengths && !stood)", "call.has_lengths && !stood", TRAIN_FUSED_STEPS),
]
