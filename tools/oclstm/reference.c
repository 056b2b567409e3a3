// SPDX-License-Identifier: Apache-2.0
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// exp of a negative number only, so that nothing overflows; NaN passes through.
double reference_sigmoid(double v) {
    if (v >= 0.0)
        return 1.0 / (1.0 + exp(-v));
    const double e = exp(v);
    return e / (1.0 + e);
}

static double dot(const double *a, const double *b, int64_t count) {
    double sum = 0.0;
    for (int64_t k = 0; k < count; k++)
        sum += a[k] * b[k];
    return sum;
}

// IEEE 754's binary interchange in 16 bits: sign, exponent, `fraction` bits of fraction. float16 has 10 of those, bfloat16 7.
static int fraction_bits(oclstm_dtype dtype) { return dtype == OCLSTM_F16 ? 10 : 7; }
static int exponent_bias(int fraction) { return (1 << (14 - fraction)) - 1; }

static double from_16_bits(uint16_t bits, int fraction) {
    const int exponent = (bits & 0x7FFF) >> fraction, last = 2 * exponent_bias(fraction) + 1;
    const double digits = bits & ((1 << fraction) - 1), whole = ldexp(1.0, fraction), sign = bits & 0x8000 ? -1.0 : 1.0;
    if (exponent == last)
        return digits != 0.0 ? (double)NAN : sign * (double)INFINITY;
    if (exponent == 0)
        return sign * ldexp(digits, 1 - exponent_bias(fraction) - fraction);
    return sign * ldexp(whole + digits, exponent - exponent_bias(fraction) - fraction);
}

static uint16_t to_16_bits(double value, int fraction) {
    const int bias = exponent_bias(fraction), least = 1 - bias;
    const unsigned sign = signbit(value) ? 0x8000U : 0U, infinity = (2U * (unsigned)bias + 1U) << fraction;
    int exponent = 0;
    if (isnan(value))
        return (uint16_t)(sign | infinity | 1U << (fraction - 1));
    if (isinf(value))
        return (uint16_t)(sign | infinity);
    if (value == 0.0)
        return (uint16_t)sign;
    frexp(value, &exponent); // |value| = 2^exponent times a number in [0.5, 1)
    exponent = exponent - 1 < least ? least : exponent - 1;
    if (exponent > bias)
        return (uint16_t)(sign | infinity);
    // Whole units of the last place; a carry goes into the exponent by itself.
    const unsigned units = (unsigned)rint(ldexp(fabs(value), fraction - exponent));
    const unsigned bits = units + ((unsigned)(exponent - least) << fraction);
    return (uint16_t)(sign | (bits < infinity ? bits : infinity));
}

void reference_widen(double *dst, const void *src, oclstm_dtype dtype, int64_t count) {
    const float *single = src;
    const uint16_t *bits = src;
    if (dtype == OCLSTM_F64)
        memcpy(dst, src, (size_t)count * sizeof *dst);
    else if (dtype == OCLSTM_F32)
        for (int64_t k = 0; k < count; k++)
            dst[k] = (double)single[k];
    else
        for (int64_t k = 0; k < count; k++)
            dst[k] = from_16_bits(bits[k], fraction_bits(dtype));
}

void reference_narrow(void *dst, const double *src, oclstm_dtype dtype, int64_t count) {
    float *single = dst;
    uint16_t *bits = dst;
    if (dtype == OCLSTM_F64)
        memcpy(dst, src, (size_t)count * sizeof *src);
    else if (dtype == OCLSTM_F32)
        for (int64_t k = 0; k < count; k++)
            single[k] = (float)src[k];
    else
        for (int64_t k = 0; k < count; k++)
            bits[k] = to_16_bits(src[k], fraction_bits(dtype));
}

void reference_row(const reference_cell *cell, const double *x, const double *h, const double *c, double *h_out, double *c_out,
                   double *gates) {
    const int64_t input = cell->input_size, hidden = cell->hidden_size;
    for (int64_t row = 0; row < 4 * hidden; row++) {
        gates[row] = dot(cell->weight_ih + row * input, x, input) + dot(cell->weight_hh + row * hidden, h, hidden);
        if (cell->bias_ih)
            gates[row] += cell->bias_ih[row] + cell->bias_hh[row];
    }
    for (int64_t unit = 0; unit < hidden; unit++) {
        const double i = reference_sigmoid(gates[unit]), f = reference_sigmoid(gates[hidden + unit]);
        const double g = tanh(gates[2 * hidden + unit]), o = reference_sigmoid(gates[3 * hidden + unit]);
        const double c_next = f * c[unit] + i * g;
        c_out[unit] = c_next;
        h_out[unit] = o * tanh(c_next);
    }
}

bool reference_step(const reference_cell *cell, int64_t batch, const double *x, const double *h, const double *c, double *h_out,
                    double *c_out) {
    return reference_sequence(cell, 1, batch, false, x, h, c, NULL, h_out, c_out);
}

bool reference_sequence(const reference_cell *cell, int64_t steps, int64_t batch, bool batch_first, const double *x,
                        const double *h, const double *c, double *y, double *h_out, double *c_out) {
    const int64_t input = cell->input_size, hidden = cell->hidden_size;
    double *gates = calloc((size_t)hidden, 4 * sizeof *gates);
    if (!gates)
        return false;
    const size_t state_bytes = (size_t)(batch * hidden) * sizeof *h_out;
    if (h && h != h_out)
        memcpy(h_out, h, state_bytes);
    if (c && c != c_out)
        memcpy(c_out, c, state_bytes);
    if (!h)
        memset(h_out, 0, state_bytes);
    if (!c)
        memset(c_out, 0, state_bytes);
    for (int64_t t = 0; t < steps; t++) {
        for (int64_t b = 0; b < batch; b++) {
            const int64_t place = batch_first ? b * steps + t : t * batch + b;
            double *h_row = h_out + b * hidden, *c_row = c_out + b * hidden;
            reference_row(cell, x + place * input, h_row, c_row, h_row, c_row, gates);
            if (y)
                memcpy(y + place * hidden, h_row, (size_t)hidden * sizeof *y);
        }
    }
    free(gates);
    return true;
}
