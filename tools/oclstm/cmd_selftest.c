// SPDX-License-Identifier: Apache-2.0
// `oclstm selftest`: every engine in every dtype on one device, against the double-precision reference.
#include <inttypes.h>
#include <stdio.h>

#include "choose_device.h"
#include "commands.h"
#include "json_output.h"
#include "report.h"
#include "selftest_case.h"

static const uint64_t DEFAULT_SEED = 20240607;

// What came of one engine in one dtype.
typedef struct engine_group {
    oclstm_engine engine;
    oclstm_dtype dtype;
    size_t passed, failed;
    comparison worst; // of all cases, as a part of its tolerance
    double tolerance; // of the case below
    const selftest_case *worst_case;
    char not_run[1100]; // why the device cannot run it; empty when it did
} engine_group;

static void print_element(const engine_group *group, const comparison *worst, double tolerance, const char *where, uint64_t seed) {
    printf("  %s[%" PRId64 "] got %.17g, expected %.17g, error %.2e, tolerance %.2e; %s, seed %" PRIu64 ", engine %s, %s\n",
           worst->array, worst->index, worst->got, worst->expected, worst->error, tolerance, where, seed,
           oclstm_engine_name(group->engine), oclstm_dtype_name(group->dtype));
}

// One case of a group. False when the engine cannot run on the device at all.
static bool run_case(engine_group *group, const selftest_case *test, oclstm_device *device, const cli_options *options) {
    const uint64_t seed = options->seed_given ? options->seed : DEFAULT_SEED;
    const double tolerance = selftest_tolerance(test, group->dtype);
    char where[160];
    comparison worst;
    oclstm_error error;
    selftest_case_text(test, where, sizeof where);
    const oclstm_status status = selftest_case_run(test, device, group->engine, group->dtype, seed, &worst, &error);
    if (status == OCLSTM_UNSUPPORTED && group->passed + group->failed == 0) {
        snprintf(group->not_run, sizeof group->not_run, "%s", error.message);
        return false;
    }
    if (status != OCLSTM_OK) {
        group->failed++;
        report("%s, %s, %s:", oclstm_engine_name(group->engine), oclstm_dtype_name(group->dtype), where);
        report_error(&error);
        return true;
    }
    const bool good = compare_within(&worst, tolerance);
    if (good)
        group->passed++;
    else
        group->failed++;
    if (!options->json && (!good || options->verbose)) {
        printf("%s", good ? "  ok  " : "  FAIL");
        print_element(group, &worst, tolerance, where, seed);
    }
    if (!group->worst_case || worst.error / tolerance > group->worst.error / group->tolerance) {
        group->worst = worst;
        group->tolerance = tolerance;
        group->worst_case = test;
    }
    return true;
}

static void run_group(engine_group *group, oclstm_device *device, const cli_options *options) {
    size_t count = 0;
    const selftest_case *cases = selftest_cases(&count);
    if (group->dtype == OCLSTM_F64 && !oclstm_device_get_info(device)->has_fp64) {
        snprintf(group->not_run, sizeof group->not_run, "the device has no float64 (cl_khr_fp64)");
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (!run_case(group, &cases[i], device, options))
            return;
}

static void print_group(const engine_group *group, const cli_options *options) {
    if (options->quiet && !group->failed)
        return;
    printf("%-8s  %-7s  ", oclstm_engine_name(group->engine), oclstm_dtype_name(group->dtype));
    if (group->not_run[0]) {
        printf("not run: %s\n", group->not_run);
        return;
    }
    printf("%s  %zu of %zu cases\n", group->failed ? "FAIL" : "pass", group->passed, group->passed + group->failed);
    if (group->worst_case) {
        char where[160];
        selftest_case_text(group->worst_case, where, sizeof where);
        printf("  worst");
        print_element(group, &group->worst, group->tolerance, where, options->seed_given ? options->seed : DEFAULT_SEED);
    }
}

static json_t *group_to_json(const engine_group *group) {
    const bool ran = !group->not_run[0];
    json_t *entry = json_pack("{s:s, s:s, s:s, s:I, s:I}", "engine", oclstm_engine_name(group->engine), "dtype",
                              oclstm_dtype_name(group->dtype), "result",
                              !ran            ? "not run"
                              : group->failed ? "fail"
                                              : "pass",
                              "passed", (json_int_t)group->passed, "failed", (json_int_t)group->failed);
    if (!ran)
        json_object_set_new(entry, "reason", json_text(group->not_run));
    if (!group->worst_case)
        return entry;
    char where[160];
    const comparison *worst = &group->worst;
    selftest_case_text(group->worst_case, where, sizeof where);
    json_object_set_new(entry, "worst",
                        json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:I, s:s}", "array", worst->array, "index",
                                  (json_int_t)worst->index, "got", json_number(worst->got), "expected",
                                  json_number(worst->expected), "error", json_number(worst->error), "tolerance",
                                  json_number(group->tolerance), "misplaced", (json_int_t)worst->misplaced, "case", where));
    return entry;
}

static int finish(const engine_group *groups, size_t count, const oclstm_device_info *info, const cli_options *options) {
    size_t passed = 0, failed = 0;
    json_t *list = options->json ? json_array() : NULL;
    for (size_t i = 0; i < count; i++) {
        passed += groups[i].passed;
        failed += groups[i].failed;
        if (list)
            json_array_append_new(list, group_to_json(&groups[i]));
    }
    int code = failed || !passed ? EXIT_FAILED : EXIT_DONE;
    if (list && json_print(json_pack("{s:o, s:o, s:I, s:b, s:o}", "device", json_text(info->name), "platform",
                                     json_text(info->platform_name), "seed",
                                     (json_int_t)(options->seed_given ? options->seed : DEFAULT_SEED), "pass", code == EXIT_DONE,
                                     "engines", list)) != EXIT_DONE)
        code = EXIT_FAILED;
    if (!passed && !failed)
        report("selftest: nothing could be run on %s", info->name);
    else if (!options->quiet)
        report("selftest: %zu passed, %zu failed on %s (%s)", passed, failed, info->name, info->platform_name);
    return code;
}

int cmd_selftest(const cli_options *options) {
    static const oclstm_engine engines[] = {OCLSTM_ENGINE_PORTABLE, OCLSTM_ENGINE_FUSED, OCLSTM_ENGINE_CLBLAST};
    enum { GROUP_COUNT = 2 * sizeof engines / sizeof engines[0] };
    static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64};
    engine_group groups[GROUP_COUNT] = {0};
    size_t count = 0;
    oclstm_device *device = NULL;
    int code = choose_device(&device, options);
    if (code != EXIT_DONE)
        return code;
    for (int i = 0; i < GROUP_COUNT; i++) {
        if (options->engine != OCLSTM_ENGINE_AUTO && options->engine != engines[i / 2])
            continue;
        engine_group *group = &groups[count++];
        group->engine = engines[i / 2];
        group->dtype = dtypes[i % 2];
        run_group(group, device, options);
        if (!options->json)
            print_group(group, options);
        fflush(stdout);
    }
    code = finish(groups, count, oclstm_device_get_info(device), options);
    oclstm_device_close(&device);
    return code;
}
