// SPDX-License-Identifier: Apache-2.0
// What each engine needs, held against made-up limits: each capability in turn is what is missing, and is named with both values.
#include <string.h>

#include "cell/engine.h"
#include "cell/fused.h"
#include "runner.h"

// The least that all engines accept, for float64.
static device_limits ample(oclstm_device_kind kind) {
    return (device_limits){.kind = kind,
                           .usable = true,
                           .full_profile = true,
                           .has_compiler = true,
                           .has_fp64 = true,
                           .has_int64 = true,
                           .max_work_group_size = 256,
                           .max_work_item_sizes = {64, 16, 1},
                           .local_memory_bytes = 16384,
                           .max_parameter_bytes = 256};
}

static void expect_can(oclstm_engine engine, const device_limits *limits, oclstm_dtype dtype) {
    char why[256];
    ck_assert_msg(engine_can(engine_get(engine), limits, dtype, why, sizeof why), "%s: %s", oclstm_engine_name(engine), why);
    ck_assert_str_eq(why, "");
}

static void expect_cannot(oclstm_engine engine, const device_limits *limits, oclstm_dtype dtype, const char *wanted) {
    char why[256] = "";
    ck_assert_msg(!engine_can(engine_get(engine), limits, dtype, why, sizeof why), "%s can, although %s",
                  oclstm_engine_name(engine), wanted);
    ck_assert_msg(strstr(why, wanted) != NULL, "'%s' is not in: %s", wanted, why);
}

START_TEST(each_runs_where_nothing_is_missing) {
    for (oclstm_device_kind kind = OCLSTM_DEVICE_GPU; kind <= OCLSTM_DEVICE_OTHER; kind++) {
        const device_limits limits = ample(kind);
        for (int id = OCLSTM_ENGINE_AUTO + 1; id < ENGINE_COUNT; id++) {
            expect_can((oclstm_engine)id, &limits, OCLSTM_F32);
            expect_can((oclstm_engine)id, &limits, OCLSTM_F64);
        }
    }
}
END_TEST

// The least device there is: groups of one, nothing else.
START_TEST(portable_needs_nothing) {
    device_limits limits = {.kind = OCLSTM_DEVICE_NPU, .max_work_group_size = 1, .max_work_item_sizes = {1, 1, 1}};
    expect_can(OCLSTM_ENGINE_PORTABLE, &limits, OCLSTM_F32);
    expect_cannot(OCLSTM_ENGINE_PORTABLE, &limits, OCLSTM_F64, "this device has none (cl_khr_fp64)");
    limits.has_fp64 = true;
    expect_can(OCLSTM_ENGINE_PORTABLE, &limits, OCLSTM_F64);
}
END_TEST

START_TEST(clblast_names_what_is_missing) {
    device_limits limits = ample(OCLSTM_DEVICE_GPU);
    limits.max_work_group_size = 255;
    expect_cannot(OCLSTM_ENGINE_CLBLAST, &limits, OCLSTM_F32,
                  "needs work-groups of 256 work-items, this device allows 255 (CL_DEVICE_MAX_WORK_GROUP_SIZE)");
    limits = ample(OCLSTM_DEVICE_GPU);
    limits.max_work_item_sizes[0] = 63;
    expect_cannot(OCLSTM_ENGINE_CLBLAST, &limits, OCLSTM_F32,
                  "of 64 work-items along dimension 0, this device allows 63 (CL_DEVICE_MAX_WORK_ITEM_SIZES)");
    limits = ample(OCLSTM_DEVICE_GPU);
    limits.max_work_item_sizes[1] = 15;
    expect_cannot(OCLSTM_ENGINE_CLBLAST, &limits, OCLSTM_F32, "of 16 work-items along dimension 1, this device allows 15");
    limits = ample(OCLSTM_DEVICE_GPU);
    limits.local_memory_bytes = 16383;
    expect_can(OCLSTM_ENGINE_CLBLAST, &limits, OCLSTM_F32);
    expect_cannot(OCLSTM_ENGINE_CLBLAST, &limits, OCLSTM_F64,
                  "needs 16384 bytes of local memory, this device has 16383 (CL_DEVICE_LOCAL_MEM_SIZE)");
    limits = ample(OCLSTM_DEVICE_GPU);
    limits.has_fp64 = false;
    expect_cannot(OCLSTM_ENGINE_CLBLAST, &limits, OCLSTM_F64, "(cl_khr_fp64)");
    limits.has_compiler = false;
    expect_cannot(OCLSTM_ENGINE_CLBLAST, &limits, OCLSTM_F32, "this device has no compiler (CL_DEVICE_COMPILER_AVAILABLE)");
    expect_cannot(OCLSTM_ENGINE_CLBLAST, &limits, OCLSTM_F16,
                  "it has no float16: CLBlast accumulates a product of float16 in float16");
    expect_cannot(OCLSTM_ENGINE_CLBLAST, &limits, OCLSTM_BF16, "it has no bfloat16: CLBlast");
}
END_TEST

// Its CPU kernels want no group; the others lie along the units.
START_TEST(fused_needs_groups_only_where_it_uses_them) {
    for (oclstm_device_kind kind = OCLSTM_DEVICE_GPU; kind <= OCLSTM_DEVICE_OTHER; kind++) {
        device_limits limits = ample(kind);
        limits.max_work_group_size = limits.max_work_item_sizes[0] = FUSED_LANES;
        limits.max_work_item_sizes[1] = 1;
        limits.local_memory_bytes = 0;
        expect_can(OCLSTM_ENGINE_FUSED, &limits, OCLSTM_F32);
        limits.max_work_item_sizes[0] = FUSED_LANES - 1;
        if (kind != OCLSTM_DEVICE_CPU)
            expect_cannot(OCLSTM_ENGINE_FUSED, &limits, OCLSTM_F32, "of 32 work-items along dimension 0, this device allows 31");
        limits.max_work_group_size = 1;
        if (kind == OCLSTM_DEVICE_CPU)
            expect_can(OCLSTM_ENGINE_FUSED, &limits, OCLSTM_F32);
        else
            expect_cannot(OCLSTM_ENGINE_FUSED, &limits, OCLSTM_F32, "needs work-groups of 32 work-items, this device allows 1 ");
        limits = ample(kind);
        limits.has_int64 = false;
        expect_cannot(OCLSTM_ENGINE_FUSED, &limits, OCLSTM_F32, "(cles_khr_int64)");
        limits = ample(kind);
        limits.max_parameter_bytes = 64;
        expect_cannot(OCLSTM_ENGINE_FUSED, &limits, OCLSTM_F32, "this device allows 64 (CL_DEVICE_MAX_PARAMETER_SIZE)");
        // The embedded profile promises no more than this.
        limits.max_parameter_bytes = 256;
        limits.has_compiler = false;
        expect_can(OCLSTM_ENGINE_FUSED, &limits, OCLSTM_F32);
    }
}
END_TEST

// A reason that does not fit is cut, not written beyond its place.
START_TEST(reasons_are_cut) {
    device_limits limits = ample(OCLSTM_DEVICE_GPU);
    char why[16];
    memset(why, 'x', sizeof why);
    limits.max_work_group_size = 16;
    ck_assert(!engine_can(&engine_clblast, &limits, OCLSTM_F32, why, 8));
    ck_assert_str_eq(why, "needs w");
    ck_assert_int_eq(why[8], 'x');
    ck_assert(!engine_can(&engine_clblast, &limits, OCLSTM_F32, NULL, 0));
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("engine_needs");
    TCase *tests = tcase_create("needs");
    tcase_add_test(tests, each_runs_where_nothing_is_missing);
    tcase_add_test(tests, portable_needs_nothing);
    tcase_add_test(tests, clblast_names_what_is_missing);
    tcase_add_test(tests, fused_needs_groups_only_where_it_uses_them);
    tcase_add_test(tests, reasons_are_cut);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
