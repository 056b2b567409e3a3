// SPDX-License-Identifier: Apache-2.0
// Parts of a device, opened by "N/K" and "N/K/P": what they are, that cells run on them, what cannot be split.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oclstm/opencl.h>

#include "cell_fixture.h"
#include "device/device_private.h"

// A usable device that OpenCL can split into parts of one unit, NULL where there is none.
static const oclstm_device_info *find(bool splittable) {
    static oclstm_device_info found;
    oclstm_device_info *list = NULL;
    size_t count = 0;
    bool any = false;
    ck_assert(oclstm_device_list(&list, &count, NULL) == OCLSTM_OK);
    for (size_t i = 0; i < count && !any; i++) {
        char selector[32];
        oclstm_device *part = NULL;
        oclstm_error error;
        snprintf(selector, sizeof selector, "%d/0", list[i].index);
        if (!list[i].usable || (splittable && list[i].compute_units < 2))
            continue;
        const oclstm_status status = oclstm_device_open(&part, selector, &error);
        any = splittable ? status == OCLSTM_OK : status == OCLSTM_UNSUPPORTED;
        found = list[i];
        oclstm_device_close(&part);
    }
    oclstm_device_list_free(&list);
    return any ? &found : NULL;
}

static oclstm_status open_part(oclstm_device **out, const oclstm_device_info *whole, const char *part, oclstm_error *error) {
    char selector[64];
    snprintf(selector, sizeof selector, "%d/%s", whole->index, part);
    return oclstm_device_open(out, selector, error);
}

START_TEST(parts_are_devices) {
    const oclstm_device_info *whole = find(true);
    oclstm_error error;
    if (whole == NULL)
        return;
    for (unsigned k = 0; k < whole->compute_units && k < 4; k++) {
        oclstm_device *part = NULL;
        char text[32], name[64];
        snprintf(text, sizeof text, "%u", k);
        expect_ok(open_part(&part, whole, text, &error), &error);
        const oclstm_device_info *info = oclstm_device_get_info(part);
        ck_assert_uint_eq(info->compute_units, 1);
        ck_assert_int_eq(info->part, (int)k);
        ck_assert_int_eq(info->parts, (int)whole->compute_units);
        ck_assert_int_eq(info->index, whole->index);
        ck_assert(!info->chosen_by_auto);
        snprintf(name, sizeof name, "(part %u of %u)", k, whole->compute_units);
        ck_assert_msg(strstr(info->name, name) != NULL, "%s in %s", name, info->name);
        oclstm_device_close(&part);
    }
    oclstm_device *part = NULL;
    unsigned units = 0;
    for (unsigned k = 0; k < 2; k++) {
        expect_ok(open_part(&part, whole, k == 0 ? "0/2" : "1/2", &error), &error);
        units += oclstm_device_get_info(part)->compute_units;
        oclstm_device_close(&part);
    }
    ck_assert_uint_eq(units, whole->compute_units);
    expect_ok(open_part(&part, whole, "0/1", &error), &error); // one part is the device itself
    ck_assert_uint_eq(oclstm_device_get_info(part)->compute_units, whole->compute_units);
    oclstm_device_close(&part);
}
END_TEST

START_TEST(parts_that_are_not_there) {
    const oclstm_device_info *whole = find(true);
    oclstm_error error;
    oclstm_device *part = NULL;
    if (whole == NULL)
        return;
    expect_failure(open_part(&part, whole, "4096", &error), &error, OCLSTM_INVALID_ARGUMENT, "no part 4096", whole->name);
    expect_failure(open_part(&part, whole, "2/2", &error), &error, OCLSTM_INVALID_ARGUMENT, "no part 2", "0 to 1");
    expect_failure(open_part(&part, whole, "0/100000", &error), &error, OCLSTM_INVALID_ARGUMENT, "100000 parts", "compute unit");
    expect_failure(open_part(&part, whole, "x", &error), &error, OCLSTM_INVALID_ARGUMENT, "DEVICE/K/P");
    ck_assert_ptr_null(part);
}
END_TEST

START_TEST(a_device_that_cannot_be_split) {
    const oclstm_device_info *whole = find(false);
    oclstm_error error;
    oclstm_device *part = NULL;
    if (whole == NULL)
        return;
    expect_failure(open_part(&part, whole, "0", &error), &error, OCLSTM_UNSUPPORTED, "CL_DEVICE_PARTITION_PROPERTIES", "whole");
    ck_assert_str_eq(error.device, whole->name);
}
END_TEST

// The numbers of a part are those of the whole device.
START_TEST(cells_on_a_part) {
    const oclstm_device_info *whole = find(true);
    oclstm_error error;
    if (whole == NULL)
        return;
    for (int i = 0; i < 4; i++) {
        const cell_case shape = {.input = 19, .hidden = 37, .batch = i == 0 ? 1 : 11 * i, .steps = 5};
        char selector[32];
        snprintf(selector, sizeof selector, "%d", whole->index);
        oclstm_device *devices[2] = {NULL, NULL};
        expect_ok(oclstm_device_open(&devices[0], selector, &error), &error);
        expect_ok(open_part(&devices[1], whole, "1", &error), &error);
        cell_problem *problem = problem_create(&shape);
        const size_t bytes = (size_t)problem->y.count * sizeof(float);
        float *first = fixture_alloc(1, bytes);
        problem_solve(problem);
        for (int d = 0; d < 2; d++) {
            oclstm_cell *cell = problem_cell(problem, devices[d]);
            problem_run(problem, cell);
            problem_compare(problem, cell);
            if (d == 0)
                memcpy(first, problem->y.data, bytes);
            // Each core of both has three rows or more.
            else if (shape.batch >= 3 * (int64_t)whole->compute_units)
                ck_assert_msg(memcmp(first, problem->y.data, bytes) == 0, "batch %d differs on a part", (int)shape.batch);
            oclstm_cell_destroy(&cell);
        }
        free(first);
        problem_destroy(&problem);
        oclstm_device_close(&devices[0]);
        oclstm_device_close(&devices[1]);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {parts_are_devices, parts_that_are_not_there, a_device_that_cannot_be_split, cells_on_a_part};
    return run_suite(fixture_suite("device_part", tests, sizeof tests / sizeof tests[0]), true);
}
