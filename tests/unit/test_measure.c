// SPDX-License-Identifier: Apache-2.0
// A device's roofs: figures that can be used, and refusals. How large they are depends on the machine and on what else it does.
#include <math.h>
#include <string.h>

#include <oclstm/measure.h>

#include "device/device_private.h"
#include "runner.h"

static oclstm_device *device;
static oclstm_error error;

static void make_device(void) {
    memset(&error, 0, sizeof error);
    ck_assert_msg(oclstm_device_open(&device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
}

static void close_device(void) { oclstm_device_close(&device); }

static void expect_roofs(oclstm_dtype dtype) {
    oclstm_roofs roofs = {-1, -1};
    ck_assert_msg(oclstm_device_measure_roofs(&roofs, device, dtype, &error) == OCLSTM_OK, "%s\n%s", error.message,
                  error.build_log);
    ck_assert(isfinite(roofs.flops_per_second) && roofs.flops_per_second > 0);
    ck_assert(isfinite(roofs.bytes_per_second) && roofs.bytes_per_second > 0);
    ck_assert_uint_eq(device->held_bytes, 0);
}

START_TEST(roofs_are_positive_in_float32) { expect_roofs(OCLSTM_F32); }
END_TEST

START_TEST(roofs_are_positive_in_float64) {
    if (oclstm_device_get_info(device)->has_fp64)
        expect_roofs(OCLSTM_F64);
}
END_TEST

static void refuse(oclstm_roofs *out, oclstm_device *on, oclstm_dtype dtype, oclstm_status expected, const char *word) {
    ck_assert_int_eq(oclstm_device_measure_roofs(out, on, dtype, &error), expected);
    ck_assert_int_eq(error.status, expected);
    ck_assert_msg(strstr(error.message, word) != NULL, "%s: no \"%s\"", error.message, word);
    ck_assert_int_eq(oclstm_device_measure_roofs(out, on, dtype, NULL), expected);
}

START_TEST(wrong_arguments_are_refused) {
    oclstm_roofs roofs = {1, 1};
    refuse(NULL, device, OCLSTM_F32, OCLSTM_INVALID_ARGUMENT, "place for the result");
    refuse(&roofs, NULL, OCLSTM_F32, OCLSTM_INVALID_ARGUMENT, "needs a device");
    refuse(&roofs, device, OCLSTM_F16, OCLSTM_INVALID_ARGUMENT, "not in float16");
    ck_assert(roofs.flops_per_second == 0.0 && roofs.bytes_per_second == 0.0);
}
END_TEST

START_TEST(float64_is_refused_where_it_is_absent) {
    oclstm_roofs roofs = {1, 1};
    device->limits.has_fp64 = false;
    refuse(&roofs, device, OCLSTM_F64, OCLSTM_UNSUPPORTED, "cl_khr_fp64");
    ck_assert(roofs.flops_per_second == 0.0 && roofs.bytes_per_second == 0.0);
}
END_TEST

START_TEST(a_small_device_gets_a_small_copy) {
    device->limits.global_memory_bytes = (uint64_t)64 << 20;
    device->limits.max_allocation_bytes = (uint64_t)3 << 20;
    expect_roofs(OCLSTM_F32);
    device->limits.max_allocation_bytes = 64;
    oclstm_roofs roofs;
    ck_assert_int_eq(oclstm_device_measure_roofs(&roofs, device, OCLSTM_F32, &error), OCLSTM_OUT_OF_DEVICE_MEMORY);
    ck_assert_uint_eq(device->held_bytes, 0);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("measure");
    TCase *tests = tcase_create("roofs");
    tcase_add_checked_fixture(tests, make_device, close_device);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, roofs_are_positive_in_float32);
    tcase_add_test(tests, roofs_are_positive_in_float64);
    tcase_add_test(tests, wrong_arguments_are_refused);
    tcase_add_test(tests, float64_is_refused_where_it_is_absent);
    tcase_add_test(tests, a_small_device_gets_a_small_copy);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
