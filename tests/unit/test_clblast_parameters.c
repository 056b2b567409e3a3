// SPDX-License-Identifier: Apache-2.0
// Which parameters CLBlast may be given: all that the library itself brings, and nothing that does not compile, does not fit or pads beyond measure.
#include <string.h>

#include "base/error.h"
#include "matmul/clblast_parameters.h"
#include "runner.h"
#include "tune/clblast_candidates.h"

static device_limits limits;

static void make_limits(void) {
    limits = (device_limits){.kind = OCLSTM_DEVICE_CPU,
                             .max_work_group_size = 4096,
                             .max_work_item_sizes = {4096, 4096, 4096},
                             .local_memory_bytes = 1 << 20};
}

static const clblast_stage *find_stage(const char *kernel) {
    for (size_t i = 0; i < clblast_stage_count(); i++) {
        if (strcmp(clblast_stage_at(i)->kernel, kernel) == 0)
            return clblast_stage_at(i);
    }
    ck_abort_msg("no stage for %s", kernel);
    return NULL;
}

static size_t *value_of(tuned_clblast *kernel, const char *name) {
    for (size_t i = 0; i < kernel->count; i++) {
        if (strcmp(kernel->names[i], name) == 0)
            return &kernel->values[i];
    }
    ck_abort_msg("no %s in %s", name, kernel->kernel);
    return NULL;
}

START_TEST(every_candidate_fits_a_large_device) {
    uint64_t count = 0;
    for (size_t i = 0; i < clblast_stage_count(); i++) {
        const clblast_stage *stage = clblast_stage_at(i);
        ck_assert_uint_gt(stage->products[0].m, 0);
        for (size_t row = 0; row < stage->count; row++, count++) {
            const tuned_clblast f32 = clblast_candidate(stage, row, OCLSTM_F32), f64 = clblast_candidate(stage, row, OCLSTM_F64);
            ck_assert_msg(clblast_parameters_fit(&f32, &limits), "%s, row %zu", stage->kernel, row);
            ck_assert_msg(clblast_parameters_fit(&f64, &limits), "%s, row %zu, float64", stage->kernel, row);
        }
    }
    ck_assert_uint_eq(count, clblast_candidate_count());
}
END_TEST

START_TEST(every_preset_fits_its_device) {
    static const char *const platforms[] = {"Portable Computing Language", "Intel(R) OpenCL"};
    static tuned_settings settings;
    char why[128];
    for (int at = 0; at < 4; at++) {
        base_copy_string(limits.platform_name, sizeof limits.platform_name, platforms[at / 2]);
        limits.vector_width_float = at % 2 ? 16 : 8;
        const char *text = tuned_preset(&limits);
        ck_assert_ptr_nonnull(text);
        ck_assert_msg(tuned_parse(&settings, text, NULL, why, sizeof why), "%s", why);
        limits.max_work_group_size = 256;
        limits.local_memory_bytes = 32768;
        for (size_t i = 0; i < settings.clblast_count; i++)
            ck_assert_msg(clblast_parameters_fit(&settings.clblast[i], &limits), "%s of preset %d", settings.clblast[i].kernel, at);
    }
}
END_TEST

// One value changed in what CLBlast gives unknown devices.
START_TEST(values_that_cannot_be_are_refused) {
    static const struct {
        const char *kernel, *name;
        size_t value;
    } bad[] = {
        {"Xgemm", "GEMMK", 2},
        {"Xgemm", "GEMMK", 1}, // goes with no local memory
        {"Xgemm", "VWM", 3},
        {"Xgemm", "VWM", 0},
        {"Xgemm", "VWM", 32},
        {"Xgemm", "VWN", 5},
        {"Xgemm", "MWG", 0},
        {"Xgemm", "MWG", 33},
        {"Xgemm", "MWG", 1024},
        {"Xgemm", "NWG", 48 + 1},
        {"Xgemm", "NWG", 512},
        {"Xgemm", "KWG", 0},
        {"Xgemm", "KWG", 31},
        {"Xgemm", "KWI", 3},
        {"Xgemm", "KWI", 0},
        {"Xgemm", "KREG", 2},
        {"Xgemm", "MDIMC", 0},
        {"Xgemm", "MDIMC", 16},
        {"Xgemm", "MDIMA", 3},
        {"Xgemm", "NDIMB", 1024},
        {"Xgemm", "SA", 2},
        {"Xgemm", "STRM", 2},
        {"XgemmDirect", "WGD", 0},
        {"XgemmDirect", "WGD", 12},
        {"XgemmDirect", "WGD", 256},
        {"XgemmDirect", "KWID", 3},
        {"XgemmDirect", "VWMD", 16},
        {"XgemmDirect", "MDIMCD", 32},
        {"XgemmDirect", "PADA", 2},
        {"Padtranspose", "PADTRA_TILE", 0},
        {"Padtranspose", "PADTRA_TILE", 128},
        {"Padtranspose", "PADTRA_WPT", 33},
        {"Padtranspose", "PADTRA_WPT", 0},
        {"Pad", "PAD_DIMX", 1024},
        {"Pad", "PAD_WPTX", 0},
        {"Transpose", "TRA_WPT", 5},
        {"Transpose", "TRA_DIM", 100},
        {"GemmRoutine", "XGEMM_MIN_INDIRECT_SIZE", (size_t)INT32_MAX + 1},
        {"Xgemv", "WGS1", 0},
        {"Xgemv", "WPT1", 64},
        {"XgemvFastRot", "WPT3", 12},
        {"XgemvFastRot", "WPT3", 64}, // more than the group: columns would be read beyond the matrix
        {"XgemvFastRot", "WGS3", 48}, // no multiple of WPT3: the same
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tuned_clblast kernel = clblast_candidate(find_stage(bad[i].kernel), CLBLAST_DEFAULT_F32, OCLSTM_F32);
        *value_of(&kernel, bad[i].name) = bad[i].value;
        ck_assert_msg(!clblast_parameters_fit(&kernel, &limits), "%s with %s=%zu", bad[i].kernel, bad[i].name, bad[i].value);
    }
}
END_TEST

START_TEST(no_tile_is_so_large_that_compiling_takes_for_ever) {
    tuned_clblast kernel = clblast_candidate(find_stage("Xgemm"), 2, OCLSTM_F32); // one work-item a group
    *value_of(&kernel, "MWG") = *value_of(&kernel, "NWG") = 256;
    ck_assert(!clblast_parameters_fit(&kernel, &limits));
    *value_of(&kernel, "MWG") = *value_of(&kernel, "NWG") = 32;
    *value_of(&kernel, "VWM") = *value_of(&kernel, "VWN") = 1;
    *value_of(&kernel, "KWG") = *value_of(&kernel, "KWI") = 32;
    ck_assert(!clblast_parameters_fit(&kernel, &limits));
    kernel = clblast_candidate(find_stage("XgemmDirect"), CLBLAST_DEFAULT_F32, OCLSTM_F32);
    *value_of(&kernel, "WGD") = 128;
    ck_assert(clblast_parameters_fit(&kernel, &limits));
    *value_of(&kernel, "MDIMCD") = *value_of(&kernel, "NDIMCD") = 1;
    ck_assert(!clblast_parameters_fit(&kernel, &limits));
}
END_TEST

START_TEST(a_set_is_whole) {
    tuned_clblast kernel = clblast_candidate(find_stage("Xgemm"), CLBLAST_DEFAULT_F32, OCLSTM_F32);
    kernel.count--;
    ck_assert(!clblast_parameters_fit(&kernel, &limits));
    kernel.count++;
    base_copy_string(kernel.names[13], TUNED_NAME, "STRM"); // twice, and STRN not at all
    ck_assert(!clblast_parameters_fit(&kernel, &limits));
    kernel = clblast_candidate(find_stage("Xgemv"), CLBLAST_DEFAULT_F32, OCLSTM_F32);
    base_copy_string(kernel.names[kernel.count], TUNED_NAME, "WPT9");
    kernel.values[kernel.count++] = 1;
    ck_assert(!clblast_parameters_fit(&kernel, &limits));
    base_copy_string(kernel.kernel, TUNED_NAME, "Xaxpy");
    kernel.count = 2;
    ck_assert(!clblast_parameters_fit(&kernel, &limits));
}
END_TEST

START_TEST(the_device_sets_the_bounds) {
    const tuned_clblast tiled = clblast_candidate(find_stage("Xgemm"), CLBLAST_DEFAULT_F32, OCLSTM_F32); // 8 x 16, 8 KiB
    tuned_clblast twice = tiled;
    twice.dtype = OCLSTM_F64;
    limits.local_memory_bytes = 8192;
    ck_assert(clblast_parameters_fit(&tiled, &limits));
    ck_assert(!clblast_parameters_fit(&twice, &limits));
    limits.local_memory_bytes = 8191;
    ck_assert(!clblast_parameters_fit(&tiled, &limits));
    make_limits();
    limits.max_work_group_size = 128;
    ck_assert(clblast_parameters_fit(&tiled, &limits));
    limits.max_work_group_size = 127;
    ck_assert(!clblast_parameters_fit(&tiled, &limits));
    make_limits();
    limits.max_work_item_sizes[1] = 15;
    ck_assert(!clblast_parameters_fit(&tiled, &limits));
    make_limits();
    limits.max_work_item_sizes[0] = 7;
    ck_assert(!clblast_parameters_fit(&tiled, &limits));
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("clblast_parameters");
    TCase *tests = tcase_create("parameters");
    tcase_add_checked_fixture(tests, make_limits, NULL);
    tcase_add_test(tests, every_candidate_fits_a_large_device);
    tcase_add_test(tests, every_preset_fits_its_device);
    tcase_add_test(tests, values_that_cannot_be_are_refused);
    tcase_add_test(tests, no_tile_is_so_large_that_compiling_takes_for_ever);
    tcase_add_test(tests, a_set_is_whole);
    tcase_add_test(tests, the_device_sets_the_bounds);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
