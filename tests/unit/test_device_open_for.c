// SPDX-License-Identifier: Apache-2.0
// Opening a device for a shape.
#include <stdlib.h>
#include <string.h>

#include <oclstm/device.h>

#include "device/device_facts.h"
#include "runner.h"

static oclstm_device *device;
static oclstm_error error;

static void close_device(void) { oclstm_device_close(&device); }

static const oclstm_device_info *open_for(int64_t hidden, int64_t batch) {
    close_device();
    memset(&error, 0, sizeof error);
    ck_assert_msg(oclstm_device_open_for(&device, hidden, hidden, batch, 20, &error) == OCLSTM_OK, "%s", error.message);
    return oclstm_device_get_info(device);
}

START_TEST(large_work_gets_what_auto_opens) {
    oclstm_device *chosen = NULL;
    ck_assert_int_eq(oclstm_device_open(&chosen, "auto", &error), OCLSTM_OK);
    const oclstm_device_info *info = open_for(1024, 64);
    ck_assert_int_eq(info->index, oclstm_device_get_info(chosen)->index);
    ck_assert(info->chosen_by_auto);
    oclstm_device_close(&chosen);
}
END_TEST

START_TEST(small_work_gets_a_device_in_the_calling_thread) {
    const oclstm_device_info *info = open_for(16, 1);
    ck_assert(info->usable);
    ck_assert(info->kind != OCLSTM_DEVICE_CPU || info->chosen_by_auto || device_runs_in_calling_thread(info));
}
END_TEST

START_TEST(wrong_arguments_are_refused) {
    ck_assert_int_eq(oclstm_device_open_for(NULL, 1, 1, 1, 1, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "place for the device"));
    for (int place = 0; place < 4; place++) {
        int64_t sizes[4] = {1, 1, 1, 1};
        for (int64_t wrong = -7; wrong <= 0; wrong += 7) {
            sizes[place] = wrong;
            device = (oclstm_device *)&error; // must be nulled
            ck_assert_int_eq(oclstm_device_open_for(&device, sizes[0], sizes[1], sizes[2], sizes[3], &error),
                             OCLSTM_INVALID_ARGUMENT);
            ck_assert_ptr_null(device);
            ck_assert_ptr_nonnull(strstr(error.message, "at least 1"));
        }
    }
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("device_open_for");
    TCase *tests = tcase_create("open_for");
    tcase_add_checked_fixture(tests, NULL, close_device);
    tcase_add_test(tests, large_work_gets_what_auto_opens);
    tcase_add_test(tests, small_work_gets_a_device_in_the_calling_thread);
    tcase_add_test(tests, wrong_arguments_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}

// With PoCL, both of its devices, unless the environment says otherwise.
int main(void) {
    setenv("POCL_DEVICES", "pthread basic", 0);
    return run_suite(make_suite(), true);
}
