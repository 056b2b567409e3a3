// SPDX-License-Identifier: Apache-2.0
// Dividing rows by speed: sums, rounding, least shares, speeds that are none.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include <oclstm/group.h>

#include "group/group_rows.h"
#include "runner.h"

static void expect_rows(const double *speed, size_t count, size_t batch, size_t least, const size_t *expected) {
    size_t rows[OCLSTM_GROUP_MOST];
    group_divide(rows, speed, count, batch, least);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(rows[i] == expected[i], "batch %zu, device %zu: %zu rows, expected %zu", batch, i, rows[i], expected[i]);
}
#define EXPECT_ROWS(batch, least, speeds, ...)                                                                                     \
    expect_rows((const double[])speeds, sizeof((const double[])speeds) / sizeof(double), batch, least,                             \
                (const size_t[]){__VA_ARGS__})
#define SPEEDS(...)                                                                                                                \
    { __VA_ARGS__ }

START_TEST(in_proportion_to_speed) {
    EXPECT_ROWS(40, 3, SPEEDS(1, 1), 20, 20);
    EXPECT_ROWS(40, 3, SPEEDS(3, 1), 30, 10);
    EXPECT_ROWS(100, 3, SPEEDS(7e9, 2e9, 1e9), 70, 20, 10);
    EXPECT_ROWS(10, 1, SPEEDS(1, 1, 1), 4, 3, 3);
    EXPECT_ROWS(11, 1, SPEEDS(1, 1, 1), 4, 4, 3);
    EXPECT_ROWS(7, 3, SPEEDS(1, 1), 4, 3);
    EXPECT_ROWS(5, 1, SPEEDS(5e-300, 5e-300), 3, 2);
    EXPECT_ROWS(4, 1, SPEEDS(1.7e308, 1.7e308), 2, 2);
    EXPECT_ROWS(9, 3, SPEEDS(1), 9);
    EXPECT_ROWS(1, 3, SPEEDS(1), 1);
}
END_TEST

START_TEST(small_shares_go_to_the_others) {
    EXPECT_ROWS(5, 3, SPEEDS(1, 1), 5, 0);
    EXPECT_ROWS(6, 3, SPEEDS(1, 1), 3, 3);
    EXPECT_ROWS(1, 3, SPEEDS(1, 2), 0, 1);
    EXPECT_ROWS(40, 3, SPEEDS(1, 100), 0, 40);
    EXPECT_ROWS(8, 3, SPEEDS(1, 1, 1, 1), 4, 4, 0, 0);
    EXPECT_ROWS(20, 3, SPEEDS(10, 1, 10), 10, 0, 10);
    EXPECT_ROWS(2, 3, SPEEDS(0, 0), 2, 0);
}
END_TEST

START_TEST(devices_without_a_speed_take_no_part) {
    EXPECT_ROWS(12, 3, SPEEDS(0, 1, 1), 0, 6, 6);
    EXPECT_ROWS(12, 3, SPEEDS(1, NAN, 1), 6, 0, 6);
    EXPECT_ROWS(12, 3, SPEEDS(-5, 1), 0, 12);
    EXPECT_ROWS(12, 3, SPEEDS(HUGE_VAL, 1), 0, 12);
    EXPECT_ROWS(12, 3, SPEEDS(0, 0), 6, 6); // nothing is known of any
    EXPECT_ROWS(12, 3, SPEEDS(NAN, -1, 0), 4, 4, 4);
}
END_TEST

START_TEST(any_speeds_give_the_batch) {
    uint64_t state = 99;
    for (int round = 0; round < 20000; round++) {
        double speed[OCLSTM_GROUP_MOST];
        size_t rows[OCLSTM_GROUP_MOST], sum = 0;
        state = state * 6364136223846793005u + 1442695040888963407u;
        const size_t count = 1 + (state >> 33) % (round % 7 == 0 ? OCLSTM_GROUP_MOST : 5), least = 1 + (state >> 50) % 4;
        size_t batch = 1 + (state >> 40) % 300;
        if (round % 50 == 0)
            batch = (size_t)1 << 40;
        for (size_t i = 0; i < count; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            speed[i] = (state >> 60) == 0 ? 0.0 : pow(10.0, (double)((state >> 33) % 24) - 12.0);
        }
        group_divide(rows, speed, count, batch, least);
        for (size_t i = 0; i < count; i++) {
            sum += rows[i];
            ck_assert_msg(rows[i] == 0 || rows[i] >= least || rows[i] == batch, "%zu rows of %zu, least %zu", rows[i], batch,
                          least);
        }
        ck_assert_uint_eq(sum, batch);
    }
}
END_TEST

START_TEST(times_and_moves) {
    const double speed[] = {2, 1}, none[] = {0, 1};
    ck_assert_double_eq(group_time_of((const size_t[]){4, 3}, speed, 2), 3.0);
    ck_assert_double_eq(group_time_of((const size_t[]){8, 3}, speed, 2), 4.0);
    ck_assert_double_eq(group_time_of((const size_t[]){0, 0}, speed, 2), 0.0);
    ck_assert(isinf(group_time_of((const size_t[]){1, 1}, none, 2)));
    ck_assert_double_eq(group_time_of((const size_t[]){0, 1}, none, 2), 1.0);
    ck_assert(group_is_worth_moving((const size_t[]){50, 50}, (const size_t[]){67, 33}, speed, 2));
    ck_assert(!group_is_worth_moving((const size_t[]){66, 34}, (const size_t[]){67, 33}, speed, 2));
    ck_assert(!group_is_worth_moving((const size_t[]){67, 33}, (const size_t[]){67, 33}, speed, 2));
    ck_assert(!group_is_worth_moving((const size_t[]){67, 33}, (const size_t[]){50, 50}, speed, 2));
}
END_TEST

START_TEST(means) {
    ck_assert_double_eq(group_mean(0.0, 5.0), 5.0);
    ck_assert_double_eq(group_mean(4.0, 8.0), 5.0);
    ck_assert_double_eq(group_mean(4.0, 4.0), 4.0);
    ck_assert_double_eq(group_mean(4.0, 0.0), 4.0);
    ck_assert_double_eq(group_mean(4.0, NAN), 4.0);
    ck_assert_double_eq(group_mean(4.0, HUGE_VAL), 4.0);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("group_rows");
    TCase *tests = tcase_create("rows");
    tcase_add_test(tests, in_proportion_to_speed);
    tcase_add_test(tests, small_shares_go_to_the_others);
    tcase_add_test(tests, devices_without_a_speed_take_no_part);
    tcase_add_test(tests, any_speeds_give_the_batch);
    tcase_add_test(tests, times_and_moves);
    tcase_add_test(tests, means);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
