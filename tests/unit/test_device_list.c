// SPDX-License-Identifier: Apache-2.0
// Enumeration over made-up platforms: what is listed, and why a device is not usable.
#include <string.h>

#include "base/error.h"
#include "fake_platforms.h"
#include "runner.h"
#include "temporary_dir.h"

static fake_device devices[4];
static oclstm_device_info *list;
static size_t count;

static void reset(void) {
    memset(fake_platforms, 0, sizeof fake_platforms);
    for (int at = 0; at < 4; at++) {
        fake_platforms[at] = (fake_platform){.name = " Platform ", .version = "OpenCL 3.0 x", .custom_code = CL_DEVICE_NOT_FOUND};
        devices[at] = fake_good_device();
    }
    fake_platform_count = 1;
    fake_platforms_code = CL_SUCCESS;
    list = NULL;
    count = 99;
}

static void free_list(void) { oclstm_device_list_free(&list); }

static void list_all(size_t expected) {
    oclstm_error error = {0};
    oclstm_device_list_free(&list);
    ck_assert_msg(oclstm_device_list(&list, &count, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_uint_eq(count, expected);
    ck_assert((list == NULL) == (expected == 0));
    size_t chosen = 0;
    for (size_t at = 0; at < count; at++) {
        ck_assert_int_eq(list[at].index, (int)at);
        ck_assert(list[at].usable == (list[at].reason[0] == '\0'));
        chosen += list[at].chosen_by_auto;
        ck_assert(!list[at].chosen_by_auto || list[at].usable);
    }
    ck_assert_uint_le(chosen, 1);
}

// Lists devices[0] alone, which must be unusable for a reason that has this text.
static void expect_reason(const char *text) {
    fake_platforms[0].devices[0] = &devices[0];
    list_all(1);
    ck_assert_msg(!list[0].usable && strstr(list[0].reason, text), "expected \"%s\", found \"%s\"", text, list[0].reason);
}

START_TEST(no_platform_is_an_empty_list) {
    fake_platforms_code = -1001;
    list_all(0);
    fake_platforms_code = CL_SUCCESS;
    fake_platform_count = 0;
    list_all(0);
}
END_TEST

START_TEST(other_platform_errors_are_reported) {
    oclstm_error error = {0};
    fake_platforms_code = CL_OUT_OF_HOST_MEMORY;
    ck_assert_int_eq(oclstm_device_list(&list, &count, &error), OCLSTM_OUT_OF_MEMORY);
    fake_platforms_code = CL_INVALID_VALUE;
    ck_assert_int_eq(oclstm_device_list(&list, &count, &error), OCLSTM_OPENCL);
    ck_assert_str_eq(error.call, "clGetPlatformIDs");
    ck_assert_str_eq(error.opencl_name, "CL_INVALID_VALUE");
    ck_assert_ptr_null(list);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(facts_of_a_good_device) {
    fake_platforms[0].devices[0] = &devices[0];
    list_all(1);
    const oclstm_device_info *info = &list[0];
    ck_assert(info->usable && info->chosen_by_auto && info->full_profile && info->has_compiler && info->has_fp64 &&
              !info->has_fp16);
    ck_assert_str_eq(info->name, "Good GPU");
    ck_assert_str_eq(info->platform_name, "Platform");
    ck_assert_str_eq(info->vendor, "Maker");
    ck_assert_str_eq(info->driver_version, "7");
    ck_assert_str_eq(info->device_version, "OpenCL 1.2 good");
    ck_assert_int_eq(info->kind, OCLSTM_DEVICE_GPU);
    ck_assert_uint_eq(info->max_work_group_size, 256);
    ck_assert_uint_eq(info->max_work_item_sizes[1], 128);
    ck_assert_uint_eq(info->global_memory_bytes, (uint64_t)1 << 30);
    ck_assert_uint_eq(info->max_allocation_bytes, (uint64_t)1 << 28);
    ck_assert_uint_eq(info->local_memory_bytes, 32768);
    ck_assert(info->has_local_memory);
    ck_assert_uint_eq(info->compute_units, 8);
    ck_assert_uint_eq(info->address_bits, 0); // the driver does not answer: 0, and the device is usable all the same
}
END_TEST

START_TEST(platforms_that_fail_are_listed_and_skipped) {
    fake_platform_count = 4;
    fake_platforms[0].all_code = CL_INVALID_VALUE;
    fake_platforms[0].custom_code = CL_INVALID_VALUE;
    fake_platforms[1].all_code = CL_DEVICE_NOT_FOUND;
    fake_platforms[2].all_code = CL_OUT_OF_HOST_MEMORY; // a broken driver's way to say no
    fake_platforms[2].name = NULL;
    fake_platforms[3].devices[0] = &devices[0];
    list_all(4);
    ck_assert(!list[0].usable && list[0].device_index == -1 && list[0].platform_index == 0);
    ck_assert_ptr_nonnull(strstr(list[0].reason, "CL_INVALID_VALUE (-30)"));
    ck_assert_str_eq(list[0].platform_name, "Platform");
    ck_assert_ptr_nonnull(strstr(list[1].reason, "shows no device"));
    ck_assert_ptr_nonnull(strstr(list[2].reason, "CL_OUT_OF_HOST_MEMORY"));
    ck_assert_str_eq(list[2].platform_name, "");
    ck_assert(list[3].usable && list[3].chosen_by_auto && list[3].platform_index == 3 && list[3].device_index == 0);
}
END_TEST

START_TEST(custom_devices_are_asked_for_apart) {
    devices[1].type = CL_DEVICE_TYPE_CUSTOM;
    devices[1].compiler = CL_FALSE;
    fake_platforms[0].devices[0] = &devices[0];
    fake_platforms[0].devices[1] = &devices[1];
    fake_platforms[0].custom_code = CL_SUCCESS;
    list_all(2);
    ck_assert_int_eq(list[1].kind, OCLSTM_DEVICE_NPU);
    ck_assert_int_eq(list[1].device_index, 1);
    ck_assert_ptr_nonnull(strstr(list[1].reason, "built-in kernels only"));
    fake_platforms[0].all_has_custom = true; // shown twice, listed once
    list_all(2);
    fake_platforms[0].all_has_custom = false;
    fake_platforms[0].custom_code = CL_INVALID_DEVICE_TYPE; // a driver before 1.2
    list_all(1);
    fake_platforms[0].custom_code = CL_SUCCESS;
    fake_platforms[0].devices[0] = &devices[1]; // custom devices alone
    fake_platforms[0].devices[1] = NULL;
    list_all(1);
    ck_assert_int_eq(list[0].device_index, 0);
}
END_TEST

START_TEST(the_type_is_a_bit_field) {
    static const struct {
        cl_device_type type;
        oclstm_device_kind kind;
    } rows[] = {
        {CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_DEFAULT, OCLSTM_DEVICE_GPU},
        {CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_ACCELERATOR, OCLSTM_DEVICE_GPU},
        {CL_DEVICE_TYPE_ACCELERATOR | CL_DEVICE_TYPE_CPU, OCLSTM_DEVICE_NPU},
        {CL_DEVICE_TYPE_ACCELERATOR, OCLSTM_DEVICE_NPU},
        {CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_DEFAULT, OCLSTM_DEVICE_CPU},
        {CL_DEVICE_TYPE_DEFAULT, OCLSTM_DEVICE_OTHER},
    };
    fake_platforms[0].devices[0] = &devices[0];
    for (size_t at = 0; at < sizeof rows / sizeof rows[0]; at++) {
        devices[0].type = rows[at].type;
        list_all(1);
        ck_assert_int_eq(list[0].kind, rows[at].kind);
        ck_assert(list[0].usable);
    }
}
END_TEST

START_TEST(reasons) {
    devices[0].available = CL_FALSE;
    expect_reason("not available");
    devices[0] = fake_good_device();
    devices[0].compiler = CL_FALSE;
    expect_reason("no compiler");
    devices[0] = fake_good_device();
    devices[0].executes = CL_EXEC_NATIVE_KERNEL;
    expect_reason("does not execute");
    devices[0] = fake_good_device();
    devices[0].little_endian = CL_FALSE;
    expect_reason("big-endian");
    devices[0] = fake_good_device();
    devices[0].max_group = 0;
    expect_reason("work-group of 0");
    devices[0] = fake_good_device();
    devices[0].max_items[2] = 0;
    expect_reason("work-group of 0");
    devices[0] = fake_good_device();
    devices[0].allocation_bytes = 0;
    expect_reason("no memory");
}
END_TEST

// A folder with kernels compiled elsewhere stands in for the compiler; an empty one does not.
START_TEST(binaries_instead_of_a_compiler) {
    temporary_dir dir;
    temporary_dir_make(&dir);
    devices[0].compiler = CL_FALSE;
    ck_assert_int_eq(setenv("OCLSTM_KERNEL_BINARY", dir.path, 1), 0);
    expect_reason("no compiler");
    temporary_dir_write(&dir, "portable-0123456789abcdef.bin", "a program");
    list_all(1);
    ck_assert(list[0].usable && !list[0].has_compiler);
    ck_assert_int_eq(unsetenv("OCLSTM_KERNEL_BINARY"), 0);
    temporary_dir_remove(&dir);
}
END_TEST

START_TEST(versions) {
    devices[0].version = "OpenCL 1.0 old";
    expect_reason("\"OpenCL 1.0 old\"");
    devices[0].version = "1.2";
    expect_reason("\"1.2\"");
    devices[0].version = "OpenCL 1.1 old";
    list_all(1);
    ck_assert(list[0].usable);
    devices[0].version = "OpenCL 3.10";
    fake_platforms[0].version = "OpenCL 1.0";
    expect_reason("its platform");
    fake_platforms[0].version = NULL;
    expect_reason("CL_PLATFORM_VERSION");
}
END_TEST

START_TEST(a_failing_query_is_named) {
    static const struct {
        cl_device_info query;
        const char *name;
    } required[] = {
        {CL_DEVICE_TYPE, "CL_DEVICE_TYPE"},
        {CL_DEVICE_NAME, "CL_DEVICE_NAME"},
        {CL_DEVICE_VERSION, "CL_DEVICE_VERSION"},
        {CL_DEVICE_AVAILABLE, "CL_DEVICE_AVAILABLE"},
        {CL_DEVICE_COMPILER_AVAILABLE, "CL_DEVICE_COMPILER_AVAILABLE"},
        {CL_DEVICE_EXECUTION_CAPABILITIES, "CL_DEVICE_EXECUTION_CAPABILITIES"},
        {CL_DEVICE_ENDIAN_LITTLE, "CL_DEVICE_ENDIAN_LITTLE"},
        {CL_DEVICE_MAX_WORK_GROUP_SIZE, "CL_DEVICE_MAX_WORK_GROUP_SIZE"},
        {CL_DEVICE_MAX_WORK_ITEM_SIZES, "CL_DEVICE_MAX_WORK_ITEM_SIZES"},
        {CL_DEVICE_PROFILE, "CL_DEVICE_PROFILE"},
        {CL_DEVICE_MAX_PARAMETER_SIZE, "CL_DEVICE_MAX_PARAMETER_SIZE"},
        {CL_DEVICE_GLOBAL_MEM_SIZE, "CL_DEVICE_GLOBAL_MEM_SIZE"},
        {CL_DEVICE_MAX_MEM_ALLOC_SIZE, "CL_DEVICE_MAX_MEM_ALLOC_SIZE"},
    };
    for (size_t at = 0; at < sizeof required / sizeof required[0]; at++) {
        devices[0].failing = required[at].query;
        expect_reason(required[at].name);
        ck_assert_ptr_nonnull(strstr(list[0].reason, "failed with CL_OUT_OF_RESOURCES"));
    }
    static const cl_device_info optional[] = {CL_DEVICE_VENDOR, CL_DEVICE_EXTENSIONS, CL_DEVICE_LOCAL_MEM_SIZE,
                                              CL_DEVICE_MAX_COMPUTE_UNITS};
    for (size_t at = 0; at < sizeof optional / sizeof optional[0]; at++) {
        devices[0].failing = optional[at];
        list_all(1);
        ck_assert(list[0].usable);
    }
    ck_assert_uint_eq(list[0].compute_units, 0);
}
END_TEST

START_TEST(odd_answers) {
    fake_platforms[0].devices[0] = &devices[0];
    devices[0].extensions = "cl_khr_fp64_emulated xcl_khr_fp64 cl_khr_fp16";
    devices[0].item_dimensions = 4;
    list_all(1);
    ck_assert(!list[0].has_fp64 && list[0].has_fp16 && list[0].usable);
    static char long_name[400];
    memset(long_name, 'n', sizeof long_name - 1);
    devices[0].name = long_name;
    list_all(1);
    ck_assert_uint_eq(strlen(list[0].name), sizeof list[0].name - 1);
    devices[0].name = " \t ";
    devices[0].version = long_name;
    devices[0].item_dimensions = 2;
    expect_reason("OpenCL 1.1 or later is needed");
    ck_assert_str_eq(list[0].name, "");
}
END_TEST

START_TEST(arguments) {
    oclstm_error error = {0};
    ck_assert_int_eq(oclstm_device_list(NULL, &count, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(oclstm_device_list(&list, NULL, NULL), OCLSTM_INVALID_ARGUMENT);
    oclstm_device_list_free(NULL);
    oclstm_device_list_free(&list);
    ck_assert_ptr_null(list);
}
END_TEST

START_TEST(opening_from_the_list) {
    oclstm_error error = {0};
    oclstm_device *device = NULL;
    fake_platforms[0].devices[0] = &devices[0];
    devices[0].little_endian = CL_FALSE;
    ck_assert_int_eq(oclstm_device_open(&device, "0", &error), OCLSTM_NO_DEVICE);
    ck_assert_ptr_null(device);
    ck_assert_ptr_nonnull(strstr(error.message, "big-endian"));
    fake_platform_count = 0;
    ck_assert_int_eq(oclstm_device_open(&device, NULL, &error), OCLSTM_NO_DEVICE);
    ck_assert_ptr_nonnull(strstr(error.message, "pocl-opencl-icd"));
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("device_list");
    TCase *tests = tcase_create("list");
    tcase_add_checked_fixture(tests, reset, free_list);
    tcase_add_test(tests, no_platform_is_an_empty_list);
    tcase_add_test(tests, other_platform_errors_are_reported);
    tcase_add_test(tests, facts_of_a_good_device);
    tcase_add_test(tests, platforms_that_fail_are_listed_and_skipped);
    tcase_add_test(tests, custom_devices_are_asked_for_apart);
    tcase_add_test(tests, the_type_is_a_bit_field);
    tcase_add_test(tests, reasons);
    tcase_add_test(tests, binaries_instead_of_a_compiler);
    tcase_add_test(tests, versions);
    tcase_add_test(tests, a_failing_query_is_named);
    tcase_add_test(tests, odd_answers);
    tcase_add_test(tests, arguments);
    tcase_add_test(tests, opening_from_the_list);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
