// SPDX-License-Identifier: Apache-2.0
// Which device suits a shape, over made-up lists.
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "device/device_choose.h"
#include "device/device_facts.h"
#include "runner.h"

static const char POCL[] = "Portable Computing Language";

static oclstm_device_info entry(oclstm_device_kind kind, bool usable, const char *name, const char *platform, unsigned units) {
    oclstm_device_info info = {.kind = kind, .usable = usable, .compute_units = units, .clock_mhz = 1000};
    base_copy_string(info.name, sizeof info.name, name);
    base_copy_string(info.platform_name, sizeof info.platform_name, platform);
    return info;
}

static oclstm_device_info list[4];
static const device_work small = {64, 64, 1, 100}, large = {1024, 1024, 64, 20};

static void fill_list(void) {
    list[0] = entry(OCLSTM_DEVICE_CPU, true, "basic-zen4", POCL, 1);
    list[1] = entry(OCLSTM_DEVICE_CPU, true, "pthread-zen4", POCL, 8);
    list[2] = entry(OCLSTM_DEVICE_CPU, true, "AMD EPYC", "Intel(R) OpenCL", 8);
    list[3] = entry(OCLSTM_DEVICE_GPU, false, "Graphics", "ACME CL", 20);
}

START_TEST(a_small_cell_runs_in_the_calling_thread) {
    ck_assert_uint_eq(device_choose_for(list, 4, &small), 0);
    ck_assert_uint_eq(device_choose_for(list, 4, &large), 1);
}
END_TEST

START_TEST(the_order_of_the_list_does_not_matter) {
    oclstm_device_info first = list[0];
    list[0] = list[2];
    list[2] = first;
    ck_assert_uint_eq(device_choose_for(list, 4, &small), 2);
    ck_assert_uint_eq(device_choose_for(list, 4, &large), 0);
}
END_TEST

START_TEST(a_gpu_is_left_as_it_is) {
    list[3].usable = true;
    ck_assert_uint_eq(device_choose_for(list, 4, &small), 3);
    ck_assert_uint_eq(device_choose_for(list, 4, &large), 3);
    list[3].kind = OCLSTM_DEVICE_NPU;
    ck_assert_uint_eq(device_choose_for(list, 4, &small), 3);
}
END_TEST

START_TEST(without_such_a_device_it_is_auto) {
    list[0].usable = false;
    ck_assert_uint_eq(device_choose_for(list, 4, &small), 1);
    ck_assert_uint_eq(device_choose_for(list, 4, &large), 1);
    ck_assert_uint_eq(device_choose_for(list + 2, 1, &small), 0);
}
END_TEST

START_TEST(nothing_usable) {
    for (int i = 0; i < 4; i++)
        list[i].usable = false;
    ck_assert_uint_eq(device_choose_for(list, 4, &small), 4);
    ck_assert_uint_eq(device_choose_for(NULL, 0, &small), 0);
}
END_TEST

START_TEST(on_one_core_auto_may_be_that_device_already) {
    list[1].compute_units = list[2].compute_units = 1;
    ck_assert_uint_eq(device_choose_for(list, 4, &small), 0);
    ck_assert_uint_eq(device_choose_for(list, 4, &large), 0);
}
END_TEST

START_TEST(what_is_small) {
    static const struct {
        device_work work;
        bool is_small;
    } rows[] = {
        {{1, 1, 1, 1}, true},
        {{192, 192, 1, 1000000}, true},  // one row, whatever its length
        {{192, 193, 1, 1000000}, false}, // hidden beyond the bound
        {{193, 192, 1, 1000000}, false}, // input beyond the bound
        {{192, 192, 2, 1000000}, false}, // two rows can be shared
        {{256, 256, 1, 1}, true},        // 1.0 million operations
        {{256, 256, 1, 4}, false},       // 4.2 million
        {{256, 256, 4, 1}, false},       // likewise
        {{16, 16, 64, 15}, true},        // 3.9 million
        {{16, 16, 64, 16}, false},       // 4.2 million
        {{INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}, false},
        {{1, 1, INT64_MAX, INT64_MAX}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(device_work_is_small(&rows[i].work) == rows[i].is_small, "row %zu", i);
}
END_TEST

START_TEST(which_devices_run_in_the_calling_thread) {
    ck_assert(device_runs_in_calling_thread(&list[0]));
    ck_assert(!device_runs_in_calling_thread(&list[1]));
    ck_assert(!device_runs_in_calling_thread(&list[2]));
    oclstm_device_info info = entry(OCLSTM_DEVICE_CPU, true, "cpu-minimal-zen4", POCL, 1);
    ck_assert(device_runs_in_calling_thread(&info));
    info = entry(OCLSTM_DEVICE_CPU, true, "cpu-zen4", POCL, 8);
    ck_assert(!device_runs_in_calling_thread(&info));
    info = entry(OCLSTM_DEVICE_CPU, true, "basic", "Other CL", 1);
    ck_assert(!device_runs_in_calling_thread(&info));
    info = entry(OCLSTM_DEVICE_GPU, true, "basic", POCL, 1);
    ck_assert(!device_runs_in_calling_thread(&info));
    info = entry(OCLSTM_DEVICE_CPU, true, "", POCL, 1);
    ck_assert(!device_runs_in_calling_thread(&info));
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("device_choose");
    TCase *tests = tcase_create("choose");
    tcase_add_checked_fixture(tests, fill_list, NULL);
    tcase_add_test(tests, a_small_cell_runs_in_the_calling_thread);
    tcase_add_test(tests, the_order_of_the_list_does_not_matter);
    tcase_add_test(tests, a_gpu_is_left_as_it_is);
    tcase_add_test(tests, without_such_a_device_it_is_auto);
    tcase_add_test(tests, nothing_usable);
    tcase_add_test(tests, on_one_core_auto_may_be_that_device_already);
    tcase_add_test(tests, what_is_small);
    tcase_add_test(tests, which_devices_run_in_the_calling_thread);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
