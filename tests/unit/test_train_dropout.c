// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 against its authors' known answers; dropout's mask against the host's generator; shares; what counters and keys change.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/oclstm/reference.h"
#include "kernel_fixture.h"
#include "runner.h"
#include "train/dropout.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define KERNELS      "train_dropout.cl"

static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64};

// Random123's kat_vectors, philox4x32 of 10 rounds: counter, key, answer.
START_TEST(known_answers) {
    static const uint32_t vectors[][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        uint32_t out[4];
        train_philox(vectors[i], vectors[i] + 4, out);
        ck_assert_msg(memcmp(out, vectors[i] + 6, sizeof out) == 0, "vector %zu: %08x %08x %08x %08x", i, out[0], out[1], out[2],
                      out[3]);
    }
}
END_TEST

static bool is_kept(uint64_t seed, double p, size_t element, unsigned layer, uint64_t step) {
    const uint32_t counter[4] = {(uint32_t)(element / 4), layer, (uint32_t)step, (uint32_t)(step >> 32)},
                   key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t words[4];
    train_philox(counter, key, words);
    return words[element % 4] < (1 - p) * 0x1p32;
}

static train_dropout *make_dropout(const kernel_bench *bench, uint64_t seed, double p) {
    train_dropout *dropout = NULL;
    oclstm_error error;
    ck_assert_msg(train_dropout_create(&dropout, bench->device, bench->dtype, seed, p, &error) == OCLSTM_OK, "%s", error.message);
    return dropout;
}

static void apply(const kernel_bench *bench, train_dropout *dropout, train_matrix from, train_matrix to, size_t count,
                  unsigned layer, uint64_t step) {
    oclstm_error error;
    ck_assert_msg(train_dropout_enqueue(dropout, from, to, count, layer, step, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert(device_finish(bench->device, NULL) == OCLSTM_OK);
}

// What is dropped is NaN before: it must not get through.
static void check_mask(kernel_bench *bench, size_t count, double p, uint64_t seed, unsigned layer, uint64_t step, bool in_place) {
    const size_t from_offset = 3, to_offset = in_place ? 3 : 6;
    double *from = calloc(from_offset + count, sizeof *from), *expected = calloc(to_offset + count, sizeof *expected);
    ck_assert(from != NULL && expected != NULL);
    uint64_t state = count;
    kernel_random(bench, from, from_offset + count, &state);
    for (size_t i = 0; i < to_offset; i++)
        expected[i] = in_place ? from[i] : (double)NAN; // as it was: poison
    for (size_t e = 0; e < count; e++) {
        const bool kept = is_kept(seed, p, e, layer, step);
        expected[to_offset + e] = kept ? from[from_offset + e] / (1 - p) : 0;
        if (!kept && e % 2 == 0)
            from[from_offset + e] = NAN;
    }
    train_dropout *dropout = make_dropout(bench, seed, p);
    cl_mem from_dev = kernel_buffer(bench, from, from_offset + count),
           to_dev = in_place ? NULL : kernel_buffer(bench, NULL, to_offset + count);
    const cl_mem to = in_place ? from_dev : to_dev;
    apply(bench, dropout, (train_matrix){from_dev, from_offset}, (train_matrix){to, to_offset}, count, layer, step);
    char what[128];
    snprintf(what, sizeof what, "%zu elements, p %g, layer %u, step %llu", count, p, layer, (unsigned long long)step);
    bench->tolerance = bench->dtype == OCLSTM_F64 ? 1e-15 : 5e-7;
    kernel_expect(bench, to, expected, to_offset + count, what);
    device_buffer_release(bench->device, &from_dev);
    device_buffer_release(bench->device, &to_dev);
    train_dropout_destroy(&dropout);
    ck_assert_ptr_null(dropout);
    free(from);
    free(expected);
}

START_TEST(as_host) {
    static const size_t counts[] = {1, 2, 3, 4, 5, 255, 256, 257, 1030};
    static const double shares[] = {0, 0.1, 0.5, 0.999};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, KERNELS, dtypes[_i]))
        return;
    for (size_t i = 0; i < COUNT(counts); i++) {
        for (size_t j = 0; j < COUNT(shares); j++) {
            check_mask(&bench, counts[i], shares[j], 7, 0, 1, false);
            check_mask(&bench, counts[i], shares[j], 0x123456789abcdef0, (unsigned)i, ((uint64_t)j << 32) + 5, true);
        }
    }
    kernel_bench_close(&bench);
}
END_TEST

// Ones through dropout: what is kept is 1 / (1 - p), all else 0.
static size_t count_kept(const kernel_bench *bench, unsigned char *kept, size_t count, double p, uint64_t seed, unsigned layer,
                         uint64_t step) {
    double *values = calloc(count, sizeof *values);
    char *host = calloc(count, oclstm_dtype_size_bytes(bench->dtype));
    ck_assert(values != NULL && host != NULL);
    for (size_t i = 0; i < count; i++)
        values[i] = 1;
    cl_mem buffer = kernel_buffer(bench, values, count);
    train_dropout *dropout = make_dropout(bench, seed, p);
    apply(bench, dropout, (train_matrix){buffer, 0}, (train_matrix){buffer, 0}, count, layer, step);
    ck_assert(device_read(bench->device, host, buffer, 0, count * oclstm_dtype_size_bytes(bench->dtype), "ones", NULL) ==
              OCLSTM_OK);
    reference_widen(values, host, bench->dtype, (int64_t)count);
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(values[i] == 0 || fabs(values[i] * (1 - p) - 1) < 1e-6)) // Check notes every assertion, which takes long
            ck_abort_msg("element %zu is %.17g", i, values[i]);
        kept[i] = values[i] != 0;
        sum += kept[i];
    }
    train_dropout_destroy(&dropout);
    device_buffer_release(bench->device, &buffer);
    free(values);
    free(host);
    return sum;
}

// Five standard deviations around the share; masks of other seeds, layers and steps agree no more than chance has it.
START_TEST(kept_share) {
    enum { ELEMENTS = 100000 };
    static const double p = 0.3;
    static const struct mask_of {
        uint64_t seed;
        unsigned layer;
        uint64_t step;
    } masks[] = {{1, 0, 1}, {2, 0, 1}, {1ULL << 32, 0, 1}, {1, 1, 1}, {1, 0, 2}, {1, 0, 1 + (1ULL << 32)}};
    static unsigned char kept[COUNT(masks)][ELEMENTS], again[ELEMENTS];
    kernel_bench bench;
    if (!kernel_bench_open(&bench, KERNELS, OCLSTM_F32))
        return;
    const double spread = 5 * sqrt(ELEMENTS * p * (1 - p)), agree = p * p + (1 - p) * (1 - p);
    for (size_t i = 0; i < COUNT(masks); i++) {
        const size_t sum = count_kept(&bench, kept[i], ELEMENTS, p, masks[i].seed, masks[i].layer, masks[i].step);
        ck_assert_msg(fabs((double)sum - ELEMENTS * (1 - p)) < spread, "mask %zu keeps %zu", i, sum);
        size_t alike = 0;
        for (size_t e = 0; i > 0 && e < ELEMENTS; e++)
            alike += kept[i][e] == kept[0][e];
        ck_assert_msg(i == 0 || fabs((double)alike - ELEMENTS * agree) < spread, "masks 0 and %zu agree at %zu", i, alike);
    }
    count_kept(&bench, again, ELEMENTS, p, 1, 0, 1);
    ck_assert(memcmp(again, kept[0], sizeof again) == 0);
    kernel_bench_close(&bench);
}
END_TEST

START_TEST(too_large) {
    kernel_bench bench;
    oclstm_error error;
    ck_assert(kernel_bench_open(&bench, KERNELS, OCLSTM_F32));
    train_dropout *dropout = make_dropout(&bench, 1, 0.5);
    const train_matrix none = {NULL, 0};
    ck_assert(train_dropout_enqueue(dropout, none, none, (size_t)1 << 33, 0, 1, &error) == OCLSTM_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "8589934592"));
    train_dropout_destroy(&dropout);
    train_dropout_destroy(&dropout);
    train_dropout_destroy(NULL);
    kernel_bench_close(&bench);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("train_dropout");
    suite_add_loop(suite, "known answers", known_answers, 1);
    suite_add_loop(suite, "as host", as_host, 2);
    suite_add_loop(suite, "kept share", kept_share, 1);
    suite_add_loop(suite, "too large", too_large, 1);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
