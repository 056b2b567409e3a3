// SPDX-License-Identifier: Apache-2.0
#include "model/dtype_convert.h"

#include <string.h>

static inline uint16_t load_16(const unsigned char *src, bool swapped) {
    uint16_t word;
    memcpy(&word, src, sizeof word);
    return swapped ? __builtin_bswap16(word) : word;
}

static inline uint32_t load_32(const unsigned char *src, bool swapped) {
    uint32_t word;
    memcpy(&word, src, sizeof word);
    return swapped ? __builtin_bswap32(word) : word;
}

static inline uint64_t load_64(const unsigned char *src, bool swapped) {
    uint64_t word;
    memcpy(&word, src, sizeof word);
    return swapped ? __builtin_bswap64(word) : word;
}

static inline float float_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t bits_from_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// Conversions stay in integers where they can, so that the payload of a NaN and the sign of a zero survive on any machine.
static inline uint32_t f32_bits_from_f16(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1Fu;
    uint32_t mantissa = half & 0x3FFu;
    if (exponent == 0x1F) // infinity, NaN
        return sign | 0x7F800000u | mantissa << 13;
    if (exponent == 0) // zero, subnormal: mantissa * 2^-24, a normal float32
        return sign | bits_from_float((float)mantissa * 0x1p-24f);
    return sign | (exponent + (127 - 15)) << 23 | mantissa << 13;
}

static inline float f16_value(const unsigned char *src, bool swapped) {
    return float_from_bits(f32_bits_from_f16(load_16(src, swapped)));
}

static inline float bf16_value(const unsigned char *src, bool swapped) {
    return float_from_bits((uint32_t)load_16(src, swapped) << 16);
}

static inline float f32_value(const unsigned char *src, bool swapped) { return float_from_bits(load_32(src, swapped)); }

static inline double f64_value(const unsigned char *src, bool swapped) {
    uint64_t bits = load_64(src, swapped);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// float64 -> float32 rounded to odd: where digits are lost the last bit is set, so that the next rounding, to fewer bits, gives what one rounding
// would have given (Boldo & Melquiond, Emulation of a FMA and correctly rounded sums, 2008).
static inline uint32_t f32_bits_to_odd(double value) {
    const float near = (float)value;
    const uint32_t bits = bits_from_float(near);
    if ((double)near == value || value != value)
        return bits;
    const double away = value < 0 ? value - (double)near : (double)near - value; // > 0: rounding went away from zero
    return (away > 0 ? bits - 1 : bits) | 1u;
}

static inline uint16_t f16_bits_from_f32(uint32_t bits) {
    const uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) // NaN: quiet, with what fits of its payload
        return (uint16_t)(sign | 0x7E00u | (magnitude >> 13 & 0x3FFu));
    if (magnitude >= 0x477FF000u) // 65520, half-way from the largest number to the next power of 2, and beyond
        return (uint16_t)(sign | 0x7C00u);
    if (magnitude >= 0x38800000u) // 2^-14, the smallest normal number
        return (uint16_t)(sign | (magnitude - 0x38000000u + 0xFFFu + (magnitude >> 13 & 1u)) >> 13);
    // The sum's last place is 2^-24, that of float16's subnormal numbers.
    return (uint16_t)(sign | (bits_from_float(float_from_bits(magnitude) + 0.5f) - 0x3F000000u));
}

static inline uint16_t bf16_bits_from_f32(uint32_t bits) {
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) // NaN: quiet, so that none becomes infinity
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

// One loop for each pair: to[i] = expression in i.
#define CONVERT_LOOP(dst_type, expression)                                                                                         \
    for (size_t i = 0; i < count; i++) {                                                                                           \
        dst_type value = (dst_type)(expression);                                                                                   \
        memcpy(to + i * sizeof value, &value, sizeof value);                                                                       \
    }

static void to_f32(unsigned char *to, const unsigned char *from, oclstm_dtype src_dtype, bool swapped, size_t count) {
    if (src_dtype == OCLSTM_F16)
        CONVERT_LOOP(uint32_t, f32_bits_from_f16(load_16(from + 2 * i, swapped)))
    else if (src_dtype == OCLSTM_BF16)
        CONVERT_LOOP(uint32_t, (uint32_t)load_16(from + 2 * i, swapped) << 16)
    else if (src_dtype == OCLSTM_F32)
        CONVERT_LOOP(uint32_t, load_32(from + 4 * i, swapped))
    else
        CONVERT_LOOP(float, f64_value(from + 8 * i, swapped))
}

static void to_f64(unsigned char *to, const unsigned char *from, oclstm_dtype src_dtype, bool swapped, size_t count) {
    if (src_dtype == OCLSTM_F16)
        CONVERT_LOOP(double, f16_value(from + 2 * i, swapped))
    else if (src_dtype == OCLSTM_BF16)
        CONVERT_LOOP(double, bf16_value(from + 2 * i, swapped))
    else if (src_dtype == OCLSTM_F32)
        CONVERT_LOOP(double, f32_value(from + 4 * i, swapped))
    else
        CONVERT_LOOP(uint64_t, load_64(from + 8 * i, swapped))
}

static void to_f16(unsigned char *to, const unsigned char *from, oclstm_dtype src_dtype, bool swapped, size_t count) {
    if (src_dtype == OCLSTM_F16)
        CONVERT_LOOP(uint16_t, load_16(from + 2 * i, swapped))
    else if (src_dtype == OCLSTM_BF16)
        CONVERT_LOOP(uint16_t, f16_bits_from_f32((uint32_t)load_16(from + 2 * i, swapped) << 16))
    else if (src_dtype == OCLSTM_F32)
        CONVERT_LOOP(uint16_t, f16_bits_from_f32(load_32(from + 4 * i, swapped)))
    else
        CONVERT_LOOP(uint16_t, f16_bits_from_f32(f32_bits_to_odd(f64_value(from + 8 * i, swapped))))
}

static void to_bf16(unsigned char *to, const unsigned char *from, oclstm_dtype src_dtype, bool swapped, size_t count) {
    if (src_dtype == OCLSTM_BF16)
        CONVERT_LOOP(uint16_t, load_16(from + 2 * i, swapped))
    else if (src_dtype == OCLSTM_F16)
        CONVERT_LOOP(uint16_t, bf16_bits_from_f32(f32_bits_from_f16(load_16(from + 2 * i, swapped))))
    else if (src_dtype == OCLSTM_F32)
        CONVERT_LOOP(uint16_t, bf16_bits_from_f32(load_32(from + 4 * i, swapped)))
    else
        CONVERT_LOOP(uint16_t, bf16_bits_from_f32(f32_bits_to_odd(f64_value(from + 8 * i, swapped))))
}

bool model_dtype_is_float(oclstm_dtype dtype) {
    return dtype == OCLSTM_F32 || dtype == OCLSTM_F64 || dtype == OCLSTM_F16 || dtype == OCLSTM_BF16;
}

void model_convert(void *dst, oclstm_dtype dst_dtype, const void *src, oclstm_dtype src_dtype, bool swapped, size_t count) {
    if (dst_dtype == src_dtype && !swapped)
        memcpy(dst, src, count * oclstm_dtype_size_bytes(dst_dtype));
    else if (dst_dtype == OCLSTM_F64)
        to_f64(dst, src, src_dtype, swapped, count);
    else if (dst_dtype == OCLSTM_F16)
        to_f16(dst, src, src_dtype, swapped, count);
    else if (dst_dtype == OCLSTM_BF16)
        to_bf16(dst, src, src_dtype, swapped, count);
    else
        to_f32(dst, src, src_dtype, swapped, count);
}
