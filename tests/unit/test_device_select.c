// SPDX-License-Identifier: Apache-2.0
// The selector grammar over made-up lists.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "device/device_part.h"
#include "device/device_select.h"
#include "runner.h"

// index, platform, device, kind, usable, name, vendor, platform name, units, clock
static oclstm_device_info entry(int index, int platform, int device, oclstm_device_kind kind, bool usable, const char *name,
                                const char *vendor, unsigned units, unsigned clock) {
    oclstm_device_info info = {.index = index, .platform_index = platform, .device_index = device, .kind = kind, .usable = usable};
    base_copy_string(info.name, sizeof info.name, name);
    base_copy_string(info.vendor, sizeof info.vendor, vendor);
    base_copy_string(info.platform_name, sizeof info.platform_name,
                     platform == 0   ? "Portable Layer"
                     : platform == 1 ? "ACME CL"
                                     : "Dead");
    if (!usable)
        base_copy_string(info.reason, sizeof info.reason, "it is big-endian");
    info.compute_units = units;
    info.clock_mhz = clock;
    return info;
}

static oclstm_device_info list[8];
static const size_t count = 7;

static void fill_list(void) {
    list[0] = entry(0, 0, 0, OCLSTM_DEVICE_CPU, true, "Small CPU", "Alpha", 64, 4000);
    list[1] = entry(1, 0, 1, OCLSTM_DEVICE_NPU, true, "Tensor One", "Beta", 2, 500);
    list[2] = entry(2, 1, 0, OCLSTM_DEVICE_GPU, true, "Graphics 10", "Gamma", 10, 1000);
    list[3] = entry(3, 1, 1, OCLSTM_DEVICE_GPU, true, "Graphics 20", "Gamma", 20, 1000);
    list[4] = entry(4, 1, 2, OCLSTM_DEVICE_GPU, true, "Graphics 20b", "Gamma", 20, 1000);
    list[5] = entry(5, 1, 3, OCLSTM_DEVICE_GPU, false, "Broken Giant", "Gamma", 999, 9999);
    list[6] = entry(6, 2, -1, OCLSTM_DEVICE_OTHER, false, "", "", 0, 0);
}

static size_t expect(const char *selector) {
    oclstm_error error = {0};
    size_t chosen = 99;
    oclstm_status status = device_select(&chosen, list, count, selector, &error);
    ck_assert_msg(status == OCLSTM_OK, "selector \"%s\": %s", selector ? selector : "NULL", error.message);
    return chosen;
}

static oclstm_error refuse(const char *selector, oclstm_status expected) {
    oclstm_error error = {0};
    size_t chosen = 99;
    oclstm_status status = device_select(&chosen, list, count, selector, &error);
    ck_assert_msg(status == expected, "selector \"%s\": %s, not %s", selector, oclstm_status_name(status),
                  oclstm_status_name(expected));
    ck_assert_int_eq(error.status, expected);
    ck_assert_uint_eq(chosen, 99);
    ck_assert_uint_eq(device_select(&chosen, list, count, selector, NULL), expected);
    return error;
}

START_TEST(auto_prefers_gpus_then_throughput_then_index) {
    ck_assert_uint_eq(expect(NULL), 3);
    ck_assert_uint_eq(expect(""), 3);
    ck_assert_uint_eq(expect("auto"), 3);
    ck_assert_uint_eq(expect("AUTO"), 3);
    ck_assert_uint_eq(device_select_auto(list, count), 3);
    list[2].usable = list[3].usable = list[4].usable = false;
    ck_assert_uint_eq(expect("auto"), 1); // an NPU before a CPU of more throughput
    list[1].usable = false;
    ck_assert_uint_eq(expect("auto"), 0);
    list[1].usable = true;
    list[1].kind = OCLSTM_DEVICE_OTHER;
    ck_assert_uint_eq(expect("auto"), 0);
}
END_TEST

START_TEST(throughput_is_units_times_clock) {
    list[2].clock_mhz = 2001; // half the units of the next ones, and more than twice their clock
    ck_assert_uint_eq(expect("auto"), 2);
    list[2].clock_mhz = 1999;
    ck_assert_uint_eq(expect("auto"), 3);
}
END_TEST

START_TEST(throughput_does_not_wrap_and_needs_no_clock) {
    list[2].compute_units = 65536;
    list[2].clock_mhz = 65536; // 0 in 32 bits
    ck_assert_uint_eq(expect("auto"), 2);
    for (int at = 2; at <= 4; at++)
        list[at].clock_mhz = 0;
    list[4].compute_units = 80000;
    ck_assert_uint_eq(expect("auto"), 4);
}
END_TEST

START_TEST(kinds) {
    ck_assert_uint_eq(expect("gpu"), 3);
    ck_assert_uint_eq(expect("GPU"), 3);
    ck_assert_uint_eq(expect("npu"), 1);
    ck_assert_uint_eq(expect("cpu"), 0);
    list[1] = entry(1, 0, 1, OCLSTM_DEVICE_NPU, false, "Tensor One", "Beta", 2, 500);
    oclstm_error error = refuse("npu", OCLSTM_NO_DEVICE);
    ck_assert_ptr_nonnull(strstr(error.message, "\"npu\""));
    ck_assert_ptr_nonnull(strstr(error.message, "1  npu  Tensor One (Portable Layer): not usable: it is big-endian"));
    ck_assert_ptr_nonnull(strstr(error.message, "3  gpu  Graphics 20 (ACME CL)"));
}
END_TEST

START_TEST(positions) {
    ck_assert_uint_eq(expect("0"), 0);
    ck_assert_uint_eq(expect("4"), 4);
    ck_assert_uint_eq(expect("004"), 4);
    ck_assert_uint_eq(expect("0:1"), 1);
    ck_assert_uint_eq(expect("1:2"), 4);
    static const char *const absent[] = {
        "7", "99", "0:2", "3:0", "99999999999999999999999", "4294967296", "18446744073709551616:0"};
    for (size_t at = 0; at < sizeof absent / sizeof absent[0]; at++) {
        oclstm_error error = refuse(absent[at], OCLSTM_INVALID_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(error.message, absent[at]));
        ck_assert_ptr_nonnull(strstr(error.message, "0  cpu  Small CPU"));
    }
}
END_TEST

START_TEST(position_of_an_unusable_device) {
    oclstm_error error = refuse("5", OCLSTM_NO_DEVICE);
    ck_assert_ptr_nonnull(strstr(error.message, "Broken Giant"));
    ck_assert_ptr_nonnull(strstr(error.message, "big-endian"));
    ck_assert_str_eq(error.device, "Broken Giant");
    refuse("1:3", OCLSTM_NO_DEVICE);
    error = refuse("6", OCLSTM_NO_DEVICE);
    ck_assert_ptr_nonnull(strstr(error.message, "Dead"));
}
END_TEST

START_TEST(parts_of_names) {
    ck_assert_uint_eq(expect("small"), 0);
    ck_assert_uint_eq(expect("TENSOR"), 1);
    ck_assert_uint_eq(expect("beta"), 1); // vendor
    ck_assert_uint_eq(expect("phics 10"), 2);
    ck_assert_uint_eq(expect("20b"), 4);
    refuse("nothing like it", OCLSTM_INVALID_ARGUMENT);
    refuse("-1", OCLSTM_INVALID_ARGUMENT);
    refuse("1:", OCLSTM_INVALID_ARGUMENT);
    refuse(":", OCLSTM_INVALID_ARGUMENT);
    refuse("0:1:0", OCLSTM_INVALID_ARGUMENT);
    refuse("other", OCLSTM_INVALID_ARGUMENT);
}
END_TEST

START_TEST(several_matches_are_refused) {
    oclstm_error error = refuse("graphics", OCLSTM_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "3 usable devices"));
    ck_assert_ptr_nonnull(strstr(error.message, "4  gpu  Graphics 20b (ACME CL)"));
    refuse("Graphics 20", OCLSTM_INVALID_ARGUMENT); // also part of "Graphics 20b"
    refuse("portable layer", OCLSTM_INVALID_ARGUMENT);
    list[0].usable = false; // an unusable one does not make it ambiguous
    ck_assert_uint_eq(expect("portable layer"), 1);
}
END_TEST

START_TEST(a_name_of_an_unusable_device) {
    oclstm_error error = refuse("broken", OCLSTM_NO_DEVICE);
    ck_assert_ptr_nonnull(strstr(error.message, "big-endian"));
    refuse("dead", OCLSTM_NO_DEVICE);
}
END_TEST

START_TEST(nothing_usable) {
    for (size_t at = 0; at < count; at++)
        list[at].usable = false;
    static const char *const selectors[] = {"auto", "gpu", "0", "99", "0:0", "small", "nothing"};
    for (size_t at = 0; at < sizeof selectors / sizeof selectors[0]; at++)
        refuse(selectors[at], OCLSTM_NO_DEVICE);
    ck_assert_uint_eq(device_select_auto(list, count), count);
}
END_TEST

START_TEST(an_empty_list_gives_advice) {
    oclstm_error error = {0};
    size_t chosen = 99;
    ck_assert_int_eq(unsetenv("OCL_ICD_VENDORS"), 0);
    ck_assert_int_eq(device_select(&chosen, NULL, 0, "gpu", &error), OCLSTM_NO_DEVICE);
    ck_assert_ptr_nonnull(strstr(error.message, "pocl-opencl-icd"));
    ck_assert_ptr_null(strstr(error.message, "OCL_ICD_VENDORS"));
    ck_assert_int_eq(setenv("OCL_ICD_VENDORS", "/nowhere", 1), 0);
    ck_assert_int_eq(device_select(&chosen, NULL, 0, NULL, &error), OCLSTM_NO_DEVICE);
    ck_assert_ptr_nonnull(strstr(error.message, "OCL_ICD_VENDORS is set to \"/nowhere\""));
    ck_assert_int_eq(device_select(&chosen, NULL, 0, NULL, NULL), OCLSTM_NO_DEVICE);
    ck_assert_uint_eq(chosen, 99);
}
END_TEST

// Whole lines only, and the count of those left out.
START_TEST(long_lists_are_cut_sensibly) {
    static oclstm_device_info many[200];
    for (int at = 0; at < 200; at++)
        many[at] = entry(at, 0, at, OCLSTM_DEVICE_GPU, true, "A device with quite a long name of its own", "Gamma", 1, 1);
    oclstm_error error = {0};
    size_t chosen;
    ck_assert_int_eq(device_select(&chosen, many, 200, "quite a long", &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "200 usable devices"));
    const char *last = strrchr(error.message, '\n');
    unsigned left;
    ck_assert_int_eq(sscanf(last, "\n  and %u more", &left), 1);
    unsigned lines = 0;
    for (const char *at = error.message; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    ck_assert_uint_eq(lines - 1 + left, 200);

    static char selector[5000];
    memset(selector, 'x', sizeof selector - 1);
    ck_assert_int_eq(device_select(&chosen, many, 200, selector, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "more"));
}
END_TEST

// --- parts ------------------------------------------------------------------------------------------------------------

static void read_part(const char *selector, const char *device, bool wanted, int64_t part, int64_t parts) {
    oclstm_error error = {0};
    device_part found = {true, 99, 99};
    char text[64];
    ck_assert_msg(device_part_read(&found, text, sizeof text, selector, &error) == OCLSTM_OK, "\"%s\": %s", selector,
                  error.message);
    ck_assert_str_eq(text, device);
    ck_assert_int_eq(found.wanted, wanted);
    ck_assert_int_eq(found.part, part);
    ck_assert_int_eq(found.parts, parts);
}

START_TEST(parts_are_read) {
    read_part("", "", false, 0, 0);
    read_part("cpu", "cpu", false, 0, 0);
    read_part("0:1", "0:1", false, 0, 0);
    read_part("0/0", "0", true, 0, 0);
    read_part("12/3/4", "12", true, 3, 4);
    read_part("0:1/2", "0:1", true, 2, 0);
    read_part("CPU/1", "CPU", true, 1, 0);
    read_part("auto/1/2", "auto", true, 1, 2);
    read_part("/1", "", true, 1, 0);
    // A slash in a name is no part.
    read_part("Intel/R", "Intel/R", false, 0, 0);
    read_part("0:x/1", "0:x/1", false, 0, 0);
    read_part("1b/1", "1b/1", false, 0, 0);
}
END_TEST

START_TEST(broken_parts_are_refused) {
    static const char *const broken[] = {"0/", "0/x", "0/-1", "0/1/", "0/1/0", "0/1/2/3", "cpu/1.5", "0:1//2", "auto/ 1", "0/1 "};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        oclstm_error error = {0};
        device_part found;
        char text[64];
        ck_assert_msg(device_part_read(&found, text, sizeof text, broken[i], &error) == OCLSTM_INVALID_ARGUMENT, "\"%s\"",
                      broken[i]);
        ck_assert_ptr_nonnull(strstr(error.message, broken[i]));
        ck_assert_ptr_nonnull(strstr(error.message, "DEVICE/K/P"));
        ck_assert_int_eq(device_part_read(&found, text, sizeof text, broken[i], NULL), OCLSTM_INVALID_ARGUMENT);
    }
    char huge[64];
    device_part found;
    ck_assert_int_eq(device_part_read(&found, huge, sizeof huge, "0/99999999999999999999/3", NULL), OCLSTM_OK);
    ck_assert_int_gt(found.part, INT32_MAX);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("device_select");
    TCase *tests = tcase_create("select");
    tcase_add_checked_fixture(tests, fill_list, NULL);
    tcase_add_test(tests, auto_prefers_gpus_then_throughput_then_index);
    tcase_add_test(tests, throughput_is_units_times_clock);
    tcase_add_test(tests, throughput_does_not_wrap_and_needs_no_clock);
    tcase_add_test(tests, kinds);
    tcase_add_test(tests, positions);
    tcase_add_test(tests, position_of_an_unusable_device);
    tcase_add_test(tests, parts_of_names);
    tcase_add_test(tests, several_matches_are_refused);
    tcase_add_test(tests, a_name_of_an_unusable_device);
    tcase_add_test(tests, nothing_usable);
    tcase_add_test(tests, an_empty_list_gives_advice);
    tcase_add_test(tests, long_lists_are_cut_sensibly);
    tcase_add_test(tests, parts_are_read);
    tcase_add_test(tests, broken_parts_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
