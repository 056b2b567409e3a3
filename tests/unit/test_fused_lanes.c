// SPDX-License-Identifier: Apache-2.0
// The kernels whose work-items lie along the units, in short: the whole of it is in test_fused_forms.c. This is what their faults are shown to.
#include "forms_fixture.h"

START_TEST(one_launch_a_step) { forms_check(FUSED_STEP, OCLSTM_F32, 4); }
END_TEST

START_TEST(one_launch_a_slice) { forms_check(FUSED_GROUP, OCLSTM_F32, 4); }
END_TEST

static void close_all(void) { fixture_close(); }

static Suite *make_suite(void) {
    Suite *suite = suite_create("fused_lanes");
    TCase *tests = tcase_create("reference");
    tcase_set_timeout(tests, 0);
    tcase_add_unchecked_fixture(tests, NULL, close_all);
    tcase_add_test(tests, one_launch_a_step);
    tcase_add_test(tests, one_launch_a_slice);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
