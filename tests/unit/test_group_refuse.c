// SPDX-License-Identifier: Apache-2.0
// What a group and a list of devices refuse, and that a call's faults are named as a cell names them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "group_fixture.h"

static oclstm_device **list;
static size_t count;

static void refuse_list(const char *selectors, oclstm_status wanted, const char *text) {
    oclstm_error error = {0};
    list = (oclstm_device **)(void *)&error, count = 77;
    expect_failure(oclstm_devices_open(&list, &count, selectors, &error), &error, wanted, text);
    ck_assert_ptr_null(list);
    ck_assert_uint_eq(count, 0);
}

static int device_index(void) { return oclstm_device_get_info(fixture_device())->index; }

START_TEST(lists_of_devices) {
    oclstm_error error = {0};
    char text[64];
    expect_ok(oclstm_devices_open(&list, &count, NULL, &error), &error);
    ck_assert_uint_eq(count, 1);
    ck_assert(oclstm_device_get_info(list[0])->chosen_by_auto);
    oclstm_devices_close(&list, count);
    ck_assert_ptr_null(list);
    oclstm_devices_close(&list, count);
    oclstm_devices_close(NULL, 0);
    snprintf(text, sizeof text, "  %d ", device_index());
    expect_ok(oclstm_devices_open(&list, &count, text, &error), &error);
    ck_assert_uint_eq(count, 1);
    oclstm_devices_close(&list, count);
    snprintf(text, sizeof text, "%d/0/2, %d/1/2", device_index(), device_index());
    if (oclstm_devices_open(&list, &count, text, &error) == OCLSTM_OK) {
        ck_assert_uint_eq(count, 2);
        ck_assert_int_eq(oclstm_device_get_info(list[1])->part, 1);
    }
    oclstm_devices_close(&list, count);
}
END_TEST

START_TEST(lists_that_are_refused) {
    char text[64], many[256] = "";
    oclstm_error error = {0};
    refuse_list(",", OCLSTM_INVALID_ARGUMENT, "names no device in place 1");
    snprintf(text, sizeof text, "%d, ,", device_index());
    refuse_list(text, OCLSTM_INVALID_ARGUMENT, "names no device in place 2");
    snprintf(text, sizeof text, "%d,4096", device_index());
    refuse_list(text, OCLSTM_INVALID_ARGUMENT, "\"4096\"");
    snprintf(text, sizeof text, "%d,no such thing", device_index());
    refuse_list(text, OCLSTM_INVALID_ARGUMENT, "\"no such thing\"");
    snprintf(text, sizeof text, "%d,%d", device_index(), device_index());
    refuse_list(text, OCLSTM_INVALID_ARGUMENT, "twice, in the places 1 and 2");
    for (int i = 0; i < OCLSTM_GROUP_MOST; i++)
        strcat(many, "0,");
    refuse_list(many, OCLSTM_INVALID_ARGUMENT, "65 devices");
    expect_failure(oclstm_devices_open(NULL, &count, "0", &error), &error, OCLSTM_INVALID_ARGUMENT, "needs a place");
    expect_failure(oclstm_devices_open(&list, NULL, "0", &error), &error, OCLSTM_INVALID_ARGUMENT, "needs a place");
}
END_TEST

START_TEST(groups_that_are_refused) {
    oclstm_group *group = (oclstm_group *)&list;
    oclstm_error error = {0};
    oclstm_device *devices[2] = {fixture_device(), NULL};
    const oclstm_cell_params params = {.input_size = 3, .hidden_size = 4}, broken = {.input_size = -3, .hidden_size = 4};
    expect_failure(oclstm_group_create(&group, devices, 2, &params, &error), &error, OCLSTM_INVALID_ARGUMENT, "devices[1] is NULL");
    ck_assert_ptr_null(group);
    expect_failure(oclstm_group_create(&group, devices, 0, &params, &error), &error, OCLSTM_INVALID_ARGUMENT, "count is 0");
    expect_failure(oclstm_group_create(&group, devices, 65, &params, &error), &error, OCLSTM_INVALID_ARGUMENT, "count is 65");
    expect_failure(oclstm_group_create(&group, devices, 1, &broken, &error), &error, OCLSTM_INVALID_ARGUMENT, "-3");
    ck_assert_ptr_null(group);
    expect_failure(oclstm_group_create(NULL, devices, 1, &params, &error), &error, OCLSTM_INVALID_ARGUMENT, "out is NULL");
    expect_failure(oclstm_group_create(&group, NULL, 1, &params, &error), &error, OCLSTM_INVALID_ARGUMENT, "devices is NULL");
    expect_failure(oclstm_group_create(&group, devices, 1, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "params is NULL");
    expect_failure(oclstm_group_load(&group, devices, 1, NULL, "x", NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "file is NULL");
    oclstm_group_destroy(NULL);
    oclstm_group_destroy(&group);
    ck_assert_int_eq(oclstm_group_get_params(NULL).input_size, 0);
}
END_TEST

START_TEST(a_group_from_a_file) {
    oclstm_group *group = NULL;
    oclstm_tensors *file = NULL;
    oclstm_error error = {0};
    char text[512];
    oclstm_device *devices[2];
    ck_assert(pair_open(devices, PAIR_SAME));
    expect_ok(oclstm_tensors_open(&file, test_data("cells/torch_cell_odd.safetensors"), &error), &error);
    expect_failure(oclstm_group_load(&group, devices, 2, file, "nobody", NULL, &error), &error, OCLSTM_NOT_FOUND, "nobody");
    ck_assert_ptr_null(group);
    expect_ok(oclstm_group_load(&group, devices, 2, file, NULL, NULL, &error), &error);
    oclstm_tensors_close(&file);
    ck_assert_int_gt(oclstm_group_get_params(group).hidden_size, 0);
    pair_close(devices); // the group holds them
    expect_ok(oclstm_group_explain(group, 1, 10, 3, text, sizeof text, &error), &error);
    ck_assert_ptr_nonnull(strstr(text, "engine "));
    expect_failure(oclstm_group_explain(group, 2, 10, 3, text, sizeof text, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "no such device");
    oclstm_share share;
    expect_ok(oclstm_group_get_share(group, 1, &share, &error), &error);
    ck_assert_int_eq(share.rows, 0);
    ck_assert_int_eq(share.engine, OCLSTM_ENGINE_AUTO);
    ck_assert(!share.is_out && share.reason[0] == '\0' && share.device != NULL);
    expect_failure(oclstm_group_get_share(group, 2, &share, &error), &error, OCLSTM_INVALID_ARGUMENT, "the group has 2");
    expect_failure(oclstm_group_get_share(NULL, 0, &share, &error), &error, OCLSTM_INVALID_ARGUMENT, "group is NULL");
    expect_failure(oclstm_group_get_share(group, 0, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "out is NULL");
    ck_assert(!oclstm_group_next_warning(group, text, sizeof text) && !oclstm_group_next_warning(NULL, text, sizeof text));
    oclstm_group_destroy(&group);
}
END_TEST

// The message for a fault of a call is the cell's.
START_TEST(faults_of_a_call) {
    const cell_case shape = {.input = 3, .hidden = 4, .batch = 6, .steps = 2};
    cell_problem *problem = problem_create(&shape);
    oclstm_device *devices[2];
    ck_assert(pair_open(devices, PAIR_SAME));
    oclstm_group *group = group_of(problem, devices, 2, NULL);
    oclstm_cell *cell = problem_cell(problem, devices[0]);
    oclstm_error of_cell = {0}, error = {0};
    for (int fault = 0; fault < 8; fault++) {
        oclstm_sequence call = problem_call(problem);
        switch (fault) {
        case 0:
            call.x.data = NULL;
            break;
        case 1:
            call.x.dtype = OCLSTM_I32;
            break;
        case 2:
            call.x.rank = 1;
            break;
        case 3:
            call.x.shape[2] = 5;
            break;
        case 4:
            call.h.data = NULL;
            break;
        case 5:
            call.h_out.shape[0] = 5;
            break;
        case 6:
            call.y.shape[1] = 7;
            break;
        default:
            call.x.shape[0] = -1;
            break;
        }
        ck_assert_int_eq(oclstm_cell_sequence(cell, &call, &of_cell), OCLSTM_INVALID_ARGUMENT);
        expect_failure(oclstm_group_sequence(group, &call, &error), &error, OCLSTM_INVALID_ARGUMENT, of_cell.message);
        const oclstm_step step = {.x = call.x, .h = call.h, .c = call.c, .h_out = call.h_out, .c_out = call.c_out};
        ck_assert_int_eq(oclstm_cell_step(cell, &step, &of_cell), OCLSTM_INVALID_ARGUMENT);
        expect_failure(oclstm_group_step(group, &step, &error), &error, OCLSTM_INVALID_ARGUMENT, of_cell.message);
    }
    oclstm_sequence call = problem_call(problem);
    expect_ok(oclstm_state_create(&call.state, cell, 6, &error), &error);
    expect_failure(oclstm_group_sequence(group, &call, &error), &error, OCLSTM_INVALID_ARGUMENT, "state", "as h and c");
    oclstm_state_destroy(&call.state);
    expect_failure(oclstm_group_sequence(NULL, &call, &error), &error, OCLSTM_INVALID_ARGUMENT, "group is NULL");
    expect_failure(oclstm_group_sequence(group, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "sequence is NULL");
    expect_failure(oclstm_group_step(group, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "step is NULL");
    ck_assert_uint_eq(group_count_left(group), 2);
    oclstm_cell_destroy(&cell);
    oclstm_group_destroy(&group);
    pair_close(devices);
    problem_destroy(&problem);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {lists_of_devices, lists_that_are_refused, groups_that_are_refused, a_group_from_a_file,
                                  faults_of_a_call};
    return run_suite(fixture_suite("group_refuse", tests, sizeof tests / sizeof tests[0]), true);
}
