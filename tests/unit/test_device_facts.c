// SPDX-License-Identifier: Apache-2.0
// What a device tells about itself beyond what it must, over made-up devices, and the quirks that go by a driver's name.
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "device/device_facts.h"
#include "fake_platforms.h"
#include "runner.h"

static fake_device made;
static oclstm_device_info *list;

static void reset(void) {
    memset(fake_platforms, 0, sizeof fake_platforms);
    made = fake_good_device();
    fake_platforms[0] =
        (fake_platform){.name = "Platform", .version = "OpenCL 3.0 x", .custom_code = CL_DEVICE_NOT_FOUND, .devices = {&made}};
    fake_platform_count = 1;
    fake_platforms_code = CL_SUCCESS;
    list = NULL;
}

static void free_list(void) { oclstm_device_list_free(&list); }

static const oclstm_device_info *ask(void) {
    oclstm_error error = {0};
    size_t count = 0;
    oclstm_device_list_free(&list);
    ck_assert_msg(oclstm_device_list(&list, &count, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_uint_eq(count, 1);
    return &list[0];
}

START_TEST(everything_is_asked) {
    made.extensions = "  cl_khr_fp64 cl_khr_fp16 cl_khr_il_program ";
    made.float32 = CL_FP_INF_NAN | CL_FP_ROUND_TO_NEAREST | CL_FP_FMA;
    made.float64 = CL_FP_DENORM | CL_FP_SOFT_FLOAT;
    made.float16 = CL_FP_ROUND_TO_ZERO;
    made.ways[0] = CL_DEVICE_PARTITION_BY_COUNTS;
    made.ways[1] = CL_DEVICE_PARTITION_EQUALLY;
    made.parts = 8;
    made.alignment_bits = 1024;
    made.parameter_bytes = 256;
    made.il_version = "SPIR-V_1.0 SPIR-V_1.2 ";
    const oclstm_device_info *info = ask();
    ck_assert(info->usable && info->available && info->executes_kernels && info->little_endian && info->full_profile &&
              info->has_int64);
    ck_assert(info->float32.has_inf_nan && info->float32.rounds_to_nearest && info->float32.has_fma &&
              !info->float32.has_denormals && !info->float32.rounds_to_zero && !info->float32.is_emulated);
    ck_assert(info->float64.has_denormals && info->float64.is_emulated && !info->float64.has_inf_nan);
    ck_assert(info->float16.rounds_to_zero && !info->float16.rounds_to_nearest);
    ck_assert(info->splits_equally && info->splits_by_counts);
    ck_assert_uint_eq(info->max_parts, 8);
    ck_assert_uint_eq(info->alignment_bytes, 128);
    ck_assert_uint_eq(info->max_parameter_bytes, 256);
    ck_assert_str_eq(info->il_version, "SPIR-V_1.0 SPIR-V_1.2");
    ck_assert_str_eq(info->c_version, "OpenCL C 1.2 x");
    ck_assert_msg(strncmp(info->extensions, "cl_khr_fp64 cl_khr_fp16", 23) == 0, "'%s'", info->extensions);
    ck_assert(info->has_local_memory);
    made.local_type = CL_GLOBAL;
    made.il_version = NULL;
    made.ways[1] = 0;
    info = ask();
    ck_assert(!info->has_local_memory && !info->splits_equally && info->splits_by_counts);
    ck_assert_str_eq(info->il_version, "");
}
END_TEST

// The embedded profile: no 64-bit integers without the extension, no promise about infinity and NaN; usable all the same.
START_TEST(the_embedded_profile) {
    made.profile = "EMBEDDED_PROFILE";
    made.extensions = "cl_khr_x";
    made.float32 = CL_FP_ROUND_TO_ZERO;
    const oclstm_device_info *info = ask();
    ck_assert(info->usable && !info->full_profile && !info->has_int64 && !info->float32.has_inf_nan &&
              info->float32.rounds_to_zero);
    made.extensions = "cl_khr_x cles_khr_int64";
    ck_assert(ask()->has_int64);
}
END_TEST

// Without the extension its width is no arithmetic, whatever is answered.
START_TEST(float_facts_go_with_the_extension) {
    made.extensions = "";
    made.float16 = made.float64 = CL_FP_INF_NAN;
    const oclstm_device_info *info = ask();
    ck_assert(!info->has_fp16 && !info->has_fp64 && !info->float16.has_inf_nan && !info->float64.has_inf_nan);
}
END_TEST

START_TEST(unusable_devices_tell_their_state) {
    made.available = CL_FALSE;
    made.executes = 0;
    made.little_endian = CL_FALSE;
    const oclstm_device_info *info = ask();
    ck_assert(!info->usable && !info->available && !info->executes_kernels && !info->little_endian);
    ck_assert_ptr_nonnull(strstr(info->reason, "CL_DEVICE_AVAILABLE"));
}
END_TEST

START_TEST(extensions_are_cut_after_a_word) {
    static char names[8000];
    for (int i = 0; i < 700; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "ext_%05d ", i);
    snprintf(names + strlen(names), sizeof names - strlen(names), "cl_khr_fp16");
    made.extensions = names;
    const oclstm_device_info *info = ask();
    ck_assert(info->has_fp16); // found although it is beyond the end
    const size_t length = strlen(info->extensions);
    ck_assert_uint_lt(length, sizeof info->extensions);
    ck_assert_uint_gt(length, sizeof info->extensions - 16);
    ck_assert_uint_eq((length + 1) % 10, 0);
}
END_TEST

// --- quirks -----------------------------------------------------------------------------------------------------------------------

static oclstm_device_info device(const char *platform, const char *name, oclstm_device_kind kind, unsigned units) {
    oclstm_device_info info = {.kind = kind, .compute_units = units};
    base_copy_string(info.platform_name, sizeof info.platform_name, platform);
    base_copy_string(info.name, sizeof info.name, name);
    return info;
}

// "a b " of the names in order.
static const char *quirks_of(const oclstm_device_info *info) {
    static char names[512];
    names[0] = '\0';
    const oclstm_device_quirk *quirk;
    for (size_t at = 0; (quirk = oclstm_device_get_quirk(info, at)) != NULL; at++) {
        base_append(names, sizeof names, "%s ", quirk->name);
        ck_assert(quirk->effect[0] != '\0' && quirk->reason[0] != '\0');
        // A driver and its version.
        ck_assert_msg(strpbrk(quirk->seen_on, "0123456789") != NULL, "%s: seen on '%s'", quirk->name, quirk->seen_on);
    }
    return names;
}

START_TEST(quirks_by_driver) {
    static const struct {
        const char *platform, *name;
        oclstm_device_kind kind;
        unsigned units;
        const char *quirks;
    } cases[] = {
        {"Portable Computing Language", "pthread-zen4", OCLSTM_DEVICE_CPU, 8,
         "groups-may-meet prefetch-builtin keeps-own-kernels loses-parts "},
        {"Portable Computing Language", "pthread-zen4", OCLSTM_DEVICE_CPU, 1, "prefetch-builtin keeps-own-kernels loses-parts "},
        {"Portable Computing Language", "basic-zen4", OCLSTM_DEVICE_CPU, 1,
         "runs-in-calling-thread prefetch-builtin keeps-own-kernels loses-parts "},
        {"Portable Computing Language", "cpu-minimal-zen4", OCLSTM_DEVICE_CPU, 1,
         "runs-in-calling-thread prefetch-builtin keeps-own-kernels loses-parts "},
        {"Portable Computing Language", "basic", OCLSTM_DEVICE_NPU, 4, "prefetch-builtin keeps-own-kernels loses-parts "},
        {"Intel(R) OpenCL", "AMD EPYC", OCLSTM_DEVICE_CPU, 8, "prefetch-builtin emulates-float16 "},
        {"Intel(R) OpenCL Graphics", "Arc", OCLSTM_DEVICE_GPU, 8, ""},
        {"NVIDIA CUDA", "H100", OCLSTM_DEVICE_GPU, 100, "keeps-own-kernels "},
        {"Oclgrind", "Oclgrind Simulator", OCLSTM_DEVICE_CPU, 1, ""},
        {"", "", OCLSTM_DEVICE_OTHER, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const oclstm_device_info info = device(cases[i].platform, cases[i].name, cases[i].kind, cases[i].units);
        ck_assert_str_eq(quirks_of(&info), cases[i].quirks);
        ck_assert(device_groups_may_meet(&info) == (strstr(cases[i].quirks, "groups-may-meet") != NULL));
        ck_assert(device_runs_in_calling_thread(&info) == (strstr(cases[i].quirks, "runs-in-calling") != NULL));
        ck_assert(device_has_prefetch_builtin(&info) == (strstr(cases[i].quirks, "prefetch-builtin") != NULL));
        ck_assert(device_emulates_half(&info) == (strstr(cases[i].quirks, "emulates-float16") != NULL));
        ck_assert(device_keeps_own_kernels(&info) == (strstr(cases[i].quirks, "keeps-own") != NULL));
        const bool loses = strstr(cases[i].quirks, "loses-parts") != NULL || cases[i].platform[0] == '\0';
        ck_assert(device_loses_parts(&info) == loses);
    }
    ck_assert_ptr_null(oclstm_device_get_quirk(NULL, 0));
    // A driver that does not tell its name may be one that loses parts.
    const oclstm_device_info nameless = {.kind = OCLSTM_DEVICE_CPU, .compute_units = 8, .usable = true};
    ck_assert_str_eq(quirks_of(&nameless), "");
    ck_assert(device_loses_parts(&nameless));
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("device_facts");
    TCase *tests = tcase_create("facts");
    tcase_add_checked_fixture(tests, reset, free_list);
    tcase_add_test(tests, everything_is_asked);
    tcase_add_test(tests, the_embedded_profile);
    tcase_add_test(tests, float_facts_go_with_the_extension);
    tcase_add_test(tests, unusable_devices_tell_their_state);
    tcase_add_test(tests, extensions_are_cut_after_a_word);
    tcase_add_test(tests, quirks_by_driver);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
