// SPDX-License-Identifier: Apache-2.0
#include "selftest_group.h"

#include <inttypes.h>
#include <stdio.h>

#include "json_output.h"
#include "report.h"

static const uint64_t DEFAULT_SEED = 20240607;

uint64_t selftest_seed(const cli_options *options) { return options->seed_given ? options->seed : DEFAULT_SEED; }

size_t selftest_groups_list(selftest_group groups[SELFTEST_GROUPS], unsigned forms, const cli_options *options) {
    static const oclstm_engine engines[] = {OCLSTM_ENGINE_PORTABLE, OCLSTM_ENGINE_FUSED, OCLSTM_ENGINE_CLBLAST};
    static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64, OCLSTM_F16, OCLSTM_BF16};
    enum { ENGINES = sizeof engines / sizeof engines[0], DTYPES = sizeof dtypes / sizeof dtypes[0] };
    _Static_assert(2 * ENGINES * DTYPES <= SELFTEST_GROUPS, "the groups fit");
    size_t count = 0;
    for (int i = 0; i < 2 * ENGINES * DTYPES; i++) {
        const oclstm_engine engine = engines[i / (2 * DTYPES)];
        const selftest_form form = i % 2 ? SELFTEST_SEQUENCE : SELFTEST_CELL;
        const oclstm_dtype dtype = dtypes[i / 2 % DTYPES];
        if ((options->engine == OCLSTM_ENGINE_AUTO || options->engine == engine) && (forms & (1U << form)) &&
            (!options->dtype_given || options->dtype == dtype))
            groups[count++] = (selftest_group){.engine = engine, .dtype = dtype, .form = form};
    }
    return count;
}

static void print_element(const selftest_group *group, const comparison *worst, double tolerance, const char *where,
                          uint64_t seed) {
    printf("  %s[%" PRId64 "] got %.17g, expected %.17g, error %.2e, tolerance %.2e; %s, seed %" PRIu64 ", engine %s, %s\n",
           worst->array, worst->index, worst->got, worst->expected, worst->error, tolerance, where, seed,
           oclstm_engine_name(group->engine), oclstm_dtype_name(group->dtype));
}

void selftest_group_print_worst(const selftest_group *group, const cli_options *options) {
    char where[160];
    if (!group->worst_case)
        return;
    selftest_case_text(group->worst_case, group->form, where, sizeof where);
    printf("  worst");
    print_element(group, &group->worst, group->tolerance, where, selftest_seed(options));
}

// Takes a case's results into the group's. False when they are not within the tolerance.
static bool add_results(selftest_group *group, const selftest_case *test, const comparison fields[SELFTEST_FIELDS],
                        const cli_options *options) {
    const double tolerance = selftest_tolerance(test, group->dtype);
    comparison worst = {0};
    for (int i = 0; i < SELFTEST_FIELDS; i++) {
        compare_merge(&worst, &fields[i]);
        compare_merge(&group->fields[i], &fields[i]);
    }
    const bool good = compare_within(&worst, tolerance);
    if (!options->json && (!good || options->verbose)) {
        char where[160];
        selftest_case_text(test, group->form, where, sizeof where);
        printf("%s", good ? "  ok  " : "  FAIL");
        print_element(group, &worst, tolerance, where, selftest_seed(options));
    }
    if (!group->worst_case || worst.error / tolerance > group->worst.error / group->tolerance) {
        group->worst = worst;
        group->tolerance = tolerance;
        group->worst_case = test;
    }
    return good;
}

// One case of a group. False when the engine cannot run on the device at all.
static bool run_case(selftest_group *group, const selftest_case *test, const selftest_target *target, const cli_options *options) {
    comparison fields[SELFTEST_FIELDS];
    oclstm_error error;
    const oclstm_status status =
        selftest_case_run(test, group->form, target, group->engine, group->dtype, selftest_seed(options), fields, &error);
    if (status == OCLSTM_UNSUPPORTED && group->passed + group->failed == 0) {
        snprintf(group->skipped, sizeof group->skipped, "%s", error.message);
        return false;
    }
    if (status == OCLSTM_OK && add_results(group, test, fields, options)) {
        group->passed++;
        return true;
    }
    group->failed++;
    if (status != OCLSTM_OK) {
        char where[160];
        selftest_case_text(test, group->form, where, sizeof where);
        report("%s, %s, %s:", oclstm_engine_name(group->engine), oclstm_dtype_name(group->dtype), where);
        report_error(&error);
        if (group->broken++ == 0)
            snprintf(group->fault, sizeof group->fault, "%s", error.message);
    }
    return true;
}

void selftest_group_run(selftest_group *group, const selftest_target *target, const cli_options *options) {
    size_t count = 0;
    const selftest_case *cases = selftest_cases(&count);
    for (size_t i = 0; i < target->count && group->dtype == OCLSTM_F64; i++)
        if (!oclstm_device_get_info(target->devices[i])->has_fp64) {
            snprintf(group->skipped, sizeof group->skipped, "the device has no float64 (cl_khr_fp64)");
            return;
        }
    for (size_t i = 0; i < count; i++)
        if (selftest_case_fits(&cases[i], group->form) && (!options->quick || (cases[i].form & QUICK)) &&
            !run_case(group, &cases[i], target, options))
            return;
}

const char *selftest_group_result(const selftest_group *group) {
    if (group->skipped[0])
        return "skipped";
    return group->broken ? "error" : group->failed ? "fail" : "pass";
}

static json_t *worst_to_json(const selftest_group *group) {
    char where[160];
    const comparison *worst = &group->worst;
    selftest_case_text(group->worst_case, group->form, where, sizeof where);
    return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:I, s:s}", "array", worst->array, "index", (json_int_t)worst->index, "got",
                     json_number(worst->got), "expected", json_number(worst->expected), "error", json_number(worst->error),
                     "tolerance", json_number(group->tolerance), "misplaced", (json_int_t)worst->misplaced, "case", where);
}

json_t *selftest_group_to_json(const selftest_group *group) {
    const char *reason = group->skipped[0] ? group->skipped : group->fault;
    json_t *entry =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "engine", oclstm_engine_name(group->engine), "dtype",
                  oclstm_dtype_name(group->dtype), "form", group->form == SELFTEST_CELL ? "cell" : "sequence", "result",
                  selftest_group_result(group), "passed", (json_int_t)group->passed, "failed", (json_int_t)group->failed);
    if (*reason)
        json_object_set_new(entry, "reason", json_text(reason));
    if (!group->worst_case)
        return entry;
    json_t *errors = json_object();
    for (int i = 0; i < SELFTEST_FIELDS; i++)
        if (group->fields[i].array)
            json_object_set_new(errors, group->fields[i].array, json_number(group->fields[i].error));
    json_object_set_new(entry, "largest_error", errors);
    json_object_set_new(entry, "worst", worst_to_json(group));
    return entry;
}
