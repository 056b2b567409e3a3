// SPDX-License-Identifier: Apache-2.0
// The percentiles of `oclstm stream` against the sorted times themselves.
#include <math.h>
#include <stdlib.h>

#include "runner.h"
#include "tools/oclstm/stream_latency.h"

enum { COUNT = 20000 };

static latency_counts counts;
static double times[COUNT];

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void expect_share(double share) {
    const size_t rank = (size_t)ceil(share * COUNT);
    const double exact = times[rank > 0 ? rank - 1 : 0], found = latency_percentile(&counts, share);
    ck_assert_msg(fabs(found - exact) <= exact / 128.0 + 1.1e-9, "%g of the times: %.9g s, expected %.9g s", share, found, exact);
}

// From nanoseconds to minutes, as many in each octave.
START_TEST(percentiles_are_right_to_one_percent) {
    counts = (latency_counts){.total = 0};
    uint32_t state = 1;
    for (int i = 0; i < COUNT; i++) {
        state = state * 1664525u + 1013904223u;
        times[i] = exp2((double)(state >> 8) / 16777216.0 * 36.0) * 1e-9;
        latency_add(&counts, times[i]);
    }
    qsort(times, COUNT, sizeof times[0], ascending);
    for (int percent = 1; percent <= 100; percent++)
        expect_share(percent / 100.0);
    expect_share(0.999);
    ck_assert_double_eq(counts.longest, times[COUNT - 1]);
    ck_assert_uint_eq(counts.total, COUNT);
}
END_TEST

START_TEST(few_times) {
    counts = (latency_counts){.total = 0};
    ck_assert_double_eq(latency_percentile(&counts, 0.5), 0.0);
    latency_add(&counts, 5e-6);
    latency_add(&counts, 1.0);
    ck_assert_double_eq_tol(latency_percentile(&counts, 0.5), 5e-6, 5e-8);
    ck_assert_double_eq_tol(latency_percentile(&counts, 0.51), 1.0, 0.01);
    ck_assert_double_eq(counts.longest, 1.0);
    ck_assert_double_eq_tol(counts.sum, 1.000005, 1e-9);
}
END_TEST

// Beyond every class, and before the first.
START_TEST(extremes) {
    counts = (latency_counts){.total = 0};
    latency_add(&counts, 0.0);
    latency_add(&counts, -1e-9);
    ck_assert_double_eq(latency_percentile(&counts, 1.0), 0.0);
    latency_add(&counts, 1e6);
    ck_assert_double_gt(latency_percentile(&counts, 1.0), 60.0);
    ck_assert_double_eq(counts.longest, 1e6);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("stream_latency");
    TCase *cases = tcase_create("stream_latency");
    tcase_add_test(cases, percentiles_are_right_to_one_percent);
    tcase_add_test(cases, few_times);
    tcase_add_test(cases, extremes);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
