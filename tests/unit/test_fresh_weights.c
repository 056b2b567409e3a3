// SPDX-License-Identifier: Apache-2.0
// Fresh weights: the generator, the distributions, and that a seed says them all.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "runner.h"
#include "train/dropout.h"
#include "train/fresh_weights.h"

enum { MANY = 200000 };

static double values[MANY];

// From Random123's kat_vectors.
START_TEST(known_answers) {
    static const uint32_t counters[3][4] = {
        {0, 0, 0, 0}, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    static const uint32_t keys[3][2] = {{0, 0}, {0xffffffff, 0xffffffff}, {0xa4093822, 0x299f31d0}};
    static const uint32_t answers[3][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                           {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                           {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        train_philox(counters[i], keys[i], out);
        ck_assert_msg(memcmp(out, answers[i], sizeof out) == 0, "vector %d", i);
    }
}
END_TEST

typedef struct moments {
    double mean, variance, skew, kurtosis, least, most;
} moments;

static moments measure(void) {
    moments m = {.least = values[0], .most = values[0]};
    for (int i = 0; i < MANY; i++) {
        m.mean += values[i] / MANY;
        m.least = fmin(m.least, values[i]);
        m.most = fmax(m.most, values[i]);
    }
    for (int i = 0; i < MANY; i++)
        m.variance += pow(values[i] - m.mean, 2) / MANY;
    for (int i = 0; i < MANY; i++) {
        m.skew += pow((values[i] - m.mean) / sqrt(m.variance), 3) / MANY;
        m.kurtosis += pow((values[i] - m.mean) / sqrt(m.variance), 4) / MANY;
    }
    return m;
}

// Bounds of about five standard errors of each figure.
START_TEST(uniform) {
    train_fresh_values(values, 42, 3, 16, 0, MANY);
    const moments m = measure();
    ck_assert_double_lt(fabs(m.mean), 5 * 0.25 / sqrt(3.0 * MANY));
    ck_assert_double_eq_tol(m.variance, 0.25 * 0.25 / 3, 3e-4);
    ck_assert_double_eq_tol(m.kurtosis, 1.8, 0.02);
    ck_assert(m.least >= -0.25 && m.least < -0.2499);
    ck_assert(m.most <= 0.25 && m.most > 0.2499);
    int counts[10] = {0};
    for (int i = 0; i < MANY; i++)
        counts[(int)((values[i] / 0.25 + 1) * 5)]++;
    for (int i = 0; i < 10; i++)
        ck_assert_msg(abs(counts[i] - MANY / 10) < 5 * 134, "tenth %d has %d", i, counts[i]);
}
END_TEST

START_TEST(normal) {
    train_fresh_values(values, 42, 0, 0, 0, MANY);
    const moments m = measure();
    ck_assert_double_lt(fabs(m.mean), 5 / sqrt(MANY));
    ck_assert_double_eq_tol(m.variance, 1, 5 * sqrt(2.0 / MANY));
    ck_assert_double_lt(fabs(m.skew), 5 * sqrt(6.0 / MANY));
    ck_assert_double_eq_tol(m.kurtosis, 3, 5 * sqrt(24.0 / MANY));
    ck_assert(m.most > 3.5 && m.most < 6.7 && m.least < -3.5 && m.least > -6.7);
    // Neighbours come from one pair of words: they must not depend on each other.
    double together = 0;
    for (int i = 0; i + 1 < MANY; i += 2)
        together += values[i] * values[i + 1] / (MANY / 2);
    ck_assert_double_lt(fabs(together), 5 / sqrt(MANY / 2));
}
END_TEST

// Any slice is that part of the whole; another seed, and another parameter, is another sequence.
START_TEST(slices_and_seeds) {
    static double part[MANY];
    for (size_t fan = 0; fan <= 7; fan += 7) {
        train_fresh_values(values, 7, 1, fan, 0, 100);
        for (size_t first = 0; first < 9; first++) {
            for (size_t count = 0; count < 9; count++) {
                memset(part, 0, sizeof part);
                train_fresh_values(part, 7, 1, fan, first, count);
                ck_assert(memcmp(part, values + first, count * sizeof *part) == 0);
                ck_assert(part[count] == 0);
            }
        }
        static const struct {
            uint64_t seed;
            uint32_t parameter;
        } others[] = {{8, 1}, {7 + ((uint64_t)1 << 32), 1}, {7, 0}, {7, 2}, {~(uint64_t)0, 1}};
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
            int equal = 0;
            train_fresh_values(part, others[i].seed, others[i].parameter, fan, 0, 100);
            for (int j = 0; j < 100; j++)
                equal += part[j] == values[j];
            ck_assert_msg(equal == 0, "other %zu", i);
        }
    }
    // Behind 2^34 elements the counter's upper word goes on.
    train_fresh_values(values, 7, 1, 3, 0, 8);
    train_fresh_values(part, 7, 1, 3, (size_t)1 << 34, 8);
    ck_assert(memcmp(part, values, 8 * sizeof *part) != 0);
}
END_TEST

static void read_all(oclstm_device *device, cl_mem buffer, void *dst, size_t bytes) {
    oclstm_error error = {0};
    ck_assert_msg(device_read(device, dst, buffer, 0, bytes, "test", &error) == OCLSTM_OK, "%s", error.message);
}

// Into the flat buffer: each parameter at its place, rounded once, the gaps untouched.
static void check_written(oclstm_device *device, oclstm_dtype dtype) {
    enum { FLAT = 40064, LONG = 39000 };
    static const train_parameter parameters[] = {
        {.offset = 0, .count = 5, .fan = 4}, {.offset = 64, .count = 64}, {.offset = 128, .count = LONG, .fan = 100}};
    const size_t bytes = FLAT * oclstm_dtype_size_bytes(dtype);
    oclstm_error error = {0};
    cl_mem buffer = NULL;
    unsigned char *first = calloc(bytes, 1), *second = calloc(bytes, 1);
    double *wanted = calloc(FLAT, sizeof *wanted);
    ck_assert(first != NULL && second != NULL && wanted != NULL);
    ck_assert_msg(device_buffer_create(&buffer, device, CL_MEM_READ_WRITE, bytes, "test", &error) == OCLSTM_OK, "%s",
                  error.message);
    ck_assert_int_eq(device_fill_zero(device, buffer, 0, bytes, NULL), OCLSTM_OK);
    ck_assert_msg(train_fresh_write(device, dtype, buffer, parameters, 3, 99, &error) == OCLSTM_OK, "%s", error.message);
    read_all(device, buffer, first, bytes);
    for (uint32_t i = 0; i < 3; i++)
        train_fresh_values(wanted + parameters[i].offset, 99, i, parameters[i].fan, 0, parameters[i].count);
    for (size_t i = 0; i < FLAT; i++) {
        const float narrow = (float)wanted[i];
        ck_assert_msg(dtype == OCLSTM_F32 ? memcmp(first + i * sizeof narrow, &narrow, sizeof narrow) == 0
                                          : memcmp(first + i * sizeof wanted[i], &wanted[i], sizeof wanted[i]) == 0,
                      "element %zu", i);
    }
    ck_assert_int_eq(train_fresh_write(device, dtype, buffer, parameters, 3, 100, NULL), OCLSTM_OK);
    read_all(device, buffer, second, bytes);
    ck_assert(memcmp(first, second, bytes) != 0);
    ck_assert_int_eq(train_fresh_write(device, dtype, buffer, parameters, 3, 99, NULL), OCLSTM_OK);
    read_all(device, buffer, second, bytes);
    ck_assert(memcmp(first, second, bytes) == 0);
    device_buffer_release(device, &buffer);
    free(first);
    free(second);
    free(wanted);
}

START_TEST(on_the_device) {
    oclstm_error error = {0};
    oclstm_device *device = NULL;
    ck_assert_msg(oclstm_device_open(&device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
    check_written(device, OCLSTM_F32);
    check_written(device, OCLSTM_F64);
    oclstm_device_close(&device);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("fresh_weights");
    TCase *weights = tcase_create("weights");
    tcase_add_test(weights, known_answers);
    tcase_add_test(weights, uniform);
    tcase_add_test(weights, normal);
    tcase_add_test(weights, slices_and_seeds);
    tcase_add_test(weights, on_the_device);
    suite_add_tcase(suite, weights);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
