// SPDX-License-Identifier: Apache-2.0
// White-box: every float16 and bfloat16 bit pattern against the formula of its format.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "../../tools/oclstm/reference.h"
#include "model/dtype_convert.h"

#include "runner.h"

#define PATTERNS 65536

static uint16_t pattern[PATTERNS];
static uint16_t pattern_swapped[PATTERNS];
static float out_f32[PATTERNS];
static double out_f64[PATTERNS];

static void make_patterns(void) {
    for (unsigned i = 0; i < PATTERNS; i++) {
        pattern[i] = (uint16_t)i;
        pattern_swapped[i] = (uint16_t)(i << 8 | i >> 8);
    }
}

// IEEE 754 binary interchange: sign, `exponent_bits` of exponent, the rest a fraction.
static double value_of(unsigned bits, int exponent_bits) {
    int fraction_bits = 15 - exponent_bits;
    int bias = (1 << (exponent_bits - 1)) - 1;
    int exponent = (int)(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    double fraction = (double)(bits & ((1u << fraction_bits) - 1)) / (double)(1u << fraction_bits);
    double sign = bits >> 15 ? -1.0 : 1.0;
    if (exponent == (1 << exponent_bits) - 1)
        return fraction == 0.0 ? sign * HUGE_VAL : (double)NAN;
    if (exponent == 0)
        return sign * ldexp(fraction, 1 - bias);
    return sign * ldexp(1.0 + fraction, exponent - bias);
}

static void check_all(oclstm_dtype dtype, int exponent_bits, const uint16_t *src, bool swapped) {
    model_convert(out_f32, OCLSTM_F32, src, dtype, swapped, PATTERNS);
    model_convert(out_f64, OCLSTM_F64, src, dtype, swapped, PATTERNS);
    for (unsigned i = 0; i < PATTERNS; i++) {
        double expected = value_of(i, exponent_bits);
        double single = (double)out_f32[i];
        if (isnan(expected))
            ck_assert_msg(isnan(single) && isnan(out_f64[i]), "pattern %#x: %g, %g, expected NaN", i, single, out_f64[i]);
        else
            ck_assert_msg(single == expected && out_f64[i] == expected && !signbit(single) == !signbit(expected) &&
                              !signbit(out_f64[i]) == !signbit(expected),
                          "pattern %#x: %g, %g, expected %g", i, single, out_f64[i], expected);
    }
}

START_TEST(float16_is_exact) {
    check_all(OCLSTM_F16, 5, pattern, false);
    check_all(OCLSTM_F16, 5, pattern_swapped, true);
}
END_TEST

START_TEST(bfloat16_is_exact) {
    check_all(OCLSTM_BF16, 8, pattern, false);
    check_all(OCLSTM_BF16, 8, pattern_swapped, true);
}
END_TEST

// float32 and float64 to 16 bits, against plain C: every number, what lies half-way to the next one, and what lies just beside that, by a
// last place of float32 and by one of float64, which a rounding to float32 in between would lose.
static void check_narrowed(oclstm_dtype dtype, double value) {
    const float single = (float)value;
    const double from_single = (double)single;
    uint16_t got, want;
    double got_value;
    model_convert(&got, dtype, &value, OCLSTM_F64, false, 1);
    reference_narrow(&want, &value, dtype, 1);
    reference_widen(&got_value, &got, dtype, 1);
    ck_assert_msg(isnan(value) ? isnan(got_value) : got == want, "float64 %a becomes %#x, expected %#x", value, got, want);
    model_convert(&got, dtype, &single, OCLSTM_F32, false, 1);
    reference_narrow(&want, &from_single, dtype, 1);
    reference_widen(&got_value, &got, dtype, 1);
    ck_assert_msg(isnan(value) ? isnan(got_value) : got == want, "float32 %a becomes %#x, expected %#x", from_single, got, want);
}

START_TEST(narrowing_rounds_once_to_nearest_even) {
    const oclstm_dtype dtype = _i == 0 ? OCLSTM_F16 : OCLSTM_BF16;
    for (unsigned i = 0; i < PATTERNS; i++) {
        const uint16_t bits[2] = {(uint16_t)i, (uint16_t)((i & 0x8000u) | ((i + 1) & 0x7FFFu))};
        double ends[2];
        reference_widen(ends, bits, dtype, 2);
        const double half = ends[0] + (ends[1] - ends[0]) / 2;
        check_narrowed(dtype, ends[0]);
        check_narrowed(dtype, half);
        check_narrowed(dtype, nextafter(half, HUGE_VAL));
        check_narrowed(dtype, nextafter(half, -HUGE_VAL));
        check_narrowed(dtype, (double)nextafterf((float)half, HUGE_VALF));
        check_narrowed(dtype, (double)nextafterf((float)half, -HUGE_VALF));
    }
    static const double far[] = {65504,        65519.99, 65520,  65536, 1e30, 3.4e38, 3.39617752923046e38,
                                 3.4028236e38, 1e300,    1e-300, 1e-45};
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        check_narrowed(dtype, far[i]);
        check_narrowed(dtype, -far[i]);
    }
}
END_TEST

// From 16 bits to 16 bits, in either byte order.
START_TEST(narrowing_of_16_bits) {
    static uint16_t other[PATTERNS], swapped[PATTERNS], back[PATTERNS];
    model_convert(other, OCLSTM_BF16, pattern, OCLSTM_F16, false, PATTERNS);
    model_convert(swapped, OCLSTM_BF16, pattern_swapped, OCLSTM_F16, true, PATTERNS);
    ck_assert_mem_eq(other, swapped, sizeof other);
    for (unsigned i = 0; i < PATTERNS; i++) {
        double value = value_of(i, 5);
        uint16_t want;
        reference_narrow(&want, &value, OCLSTM_BF16, 1);
        ck_assert(isnan(value) ? isnan(value_of(other[i], 8)) : other[i] == want);
    }
    model_convert(back, OCLSTM_F16, pattern_swapped, OCLSTM_F16, true, PATTERNS);
    ck_assert_mem_eq(back, pattern, sizeof back);
    model_convert(other, OCLSTM_F16, pattern, OCLSTM_BF16, false, PATTERNS);
    for (unsigned i = 0; i < PATTERNS; i++) {
        double value = value_of(i, 8);
        uint16_t want;
        reference_narrow(&want, &value, OCLSTM_F16, 1);
        ck_assert(isnan(value) ? isnan(value_of(other[i], 5)) : other[i] == want);
    }
}
END_TEST

// The formula itself, at the landmarks of float16.
START_TEST(landmarks) {
    static const struct {
        uint16_t bits;
        float value;
    } known[] = {{0x3C00, 1.0f},         {0xC000, -2.0f},    {0x7BFF, 65504.0f},   {0x0001, 0x1p-24f},
                 {0x03FF, 0x1.ff8p-15f}, {0x0400, 0x1p-14f}, {0x3555, 0x1.554p-2f}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        model_convert(out_f32, OCLSTM_F32, &known[i].bits, OCLSTM_F16, false, 1);
        ck_assert_msg(out_f32[0] == known[i].value, "%#x: %a", known[i].bits, (double)out_f32[0]);
    }
}
END_TEST

START_TEST(between_float32_and_float64) {
    const float singles[] = {0.0f, -0.0f, 1.5f, -3.25e-41f, 3.4e38f, HUGE_VALF, -HUGE_VALF, NAN};
    const double doubles[] = {0.0, -0.0, 0.1, 1e-46, 1e300, -1e300, HUGE_VAL, (double)NAN};
    const float rounded[] = {0.0f, -0.0f, 0.1f, 0.0f, HUGE_VALF, -HUGE_VALF, HUGE_VALF, NAN};
    model_convert(out_f64, OCLSTM_F64, singles, OCLSTM_F32, false, 8);
    model_convert(out_f32, OCLSTM_F32, doubles, OCLSTM_F64, false, 8);
    for (int i = 0; i < 7; i++) {
        ck_assert(out_f64[i] == (double)singles[i] && !signbit(out_f64[i]) == !signbit(singles[i]));
        ck_assert(out_f32[i] == rounded[i] && !signbit(out_f32[i]) == !signbit(rounded[i]));
    }
    ck_assert(isnan(out_f64[7]) && isnan(out_f32[7]));
}
END_TEST

// Same dtype: bits stay bits, also those of a signalling NaN.
START_TEST(byte_order) {
    const unsigned char stored[8] = {0x7f, 0xa0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc};
    const unsigned char as_f32[8] = {0x34, 0x12, 0xa0, 0x7f, 0xbc, 0x9a, 0x78, 0x56};
    const unsigned char as_f64[8] = {0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12, 0xa0, 0x7f};
    unsigned char out[8];
    model_convert(out, OCLSTM_F32, stored, OCLSTM_F32, true, 2);
    ck_assert_mem_eq(out, as_f32, 8);
    model_convert(out, OCLSTM_F64, stored, OCLSTM_F64, true, 1);
    ck_assert_mem_eq(out, as_f64, 8);
    model_convert(out, OCLSTM_F64, stored, OCLSTM_F64, false, 1);
    ck_assert_mem_eq(out, stored, 8);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("dtype_convert");
    TCase *tcase = tcase_create("convert");
    tcase_add_checked_fixture(tcase, make_patterns, NULL);
    tcase_add_loop_test(tcase, narrowing_rounds_once_to_nearest_even, 0, 2);
    tcase_add_test(tcase, narrowing_of_16_bits);
    tcase_add_test(tcase, float16_is_exact);
    tcase_add_test(tcase, bfloat16_is_exact);
    tcase_add_test(tcase, landmarks);
    tcase_add_test(tcase, between_float32_and_float64);
    tcase_add_test(tcase, byte_order);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
