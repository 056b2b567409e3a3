// SPDX-License-Identifier: Apache-2.0
// `oclstm check`: reference files, one line each.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "check_file.h"
#include "choose_device.h"
#include "commands.h"
#include "json_output.h"
#include "kernels_report.h"
#include "report.h"

static const char *const words[] = {[CHECK_OK] = "ok", [CHECK_FAIL] = "fail", [CHECK_SKIP] = "skip"};

// How far results or gradients are from the file's, and, where that is known, from the exact ones.
static void print_comparison(const check_outcome *outcome, const char *what, const comparison *worst, double tolerance,
                             const comparison *exact, double framework_error) {
    printf("  %s %.1e (", what, worst->error);
    print_text(stdout, worst->array);
    printf(") tolerance %.1e", tolerance);
    if (worst->misplaced)
        printf("  %" PRId64 " NaN or infinity misplaced", worst->misplaced);
    if (exact == NULL || exact->misplaced != 0)
        return;
    printf("  from exact %.1e", exact->error);
    if (framework_error < 0.0)
        return;
    printf(" (");
    print_text(stdout, outcome->framework);
    printf(" %.1e)", framework_error);
}

static void print_place(const comparison *worst, double tolerance) {
    if (compare_within(worst, tolerance))
        return;
    printf("      ");
    print_text(stdout, worst->array);
    printf("[%" PRId64 "]: got %.17g, expected %.17g\n", worst->index, worst->got, worst->expected);
}

static void print_worst(const check_outcome *outcome) {
    print_comparison(outcome, "worst", &outcome->worst, outcome->tolerance, outcome->exact_known ? &outcome->exact : NULL,
                     outcome->framework_error);
    if (outcome->gradients_compared)
        print_comparison(outcome, "gradients", &outcome->gradient, outcome->gradient_tolerance,
                         outcome->gradients_exact_known ? &outcome->gradient_exact : NULL, outcome->framework_gradient_error);
    printf("  %s", oclstm_dtype_name(outcome->dtype));
    if (outcome->sequence)
        printf(" steps %" PRId64, outcome->steps);
    if (outcome->batch)
        printf(" batch %" PRId64, outcome->batch);
    printf(" input %" PRId64 " hidden %" PRId64 "  engine %s\n", outcome->input, outcome->hidden,
           oclstm_engine_name(outcome->engine));
    print_place(&outcome->worst, outcome->tolerance);
    if (outcome->gradients_compared)
        print_place(&outcome->gradient, outcome->gradient_tolerance);
}

static void print_outcome(const check_outcome *outcome, const cli_options *options) {
    if (options->quiet && outcome->result != CHECK_FAIL)
        return;
    printf("%-4s ", words[outcome->result]);
    print_text(stdout, outcome->path);
    if (outcome->compared) {
        print_worst(outcome);
        return;
    }
    printf(": ");
    print_text(stdout, outcome->reason);
    putchar('\n');
}

static json_t *framework_error_to_json(double error) { return error < 0.0 ? json_null() : json_number(error); }

// null: the file has none.
static json_t *gradients_to_json(const check_outcome *outcome) {
    const comparison *worst = &outcome->gradient;
    if (!outcome->gradients_compared)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:I, s:o, s:o, s:I, s:o, s:o}", "error", json_number(worst->error), "tolerance",
                     json_number(outcome->gradient_tolerance), "array", json_text(worst->array), "index", (json_int_t)worst->index,
                     "got", json_number(worst->got), "expected", json_number(worst->expected), "misplaced",
                     (json_int_t)worst->misplaced, "error_from_exact",
                     outcome->gradients_exact_known ? json_number(outcome->gradient_exact.error) : json_null(),
                     "framework_error_from_exact", framework_error_to_json(outcome->framework_gradient_error));
}

static json_t *outcome_to_json(const check_outcome *outcome) {
    json_t *entry = json_pack("{s:o, s:s}", "file", json_text(outcome->path), "result", words[outcome->result]);
    if (!outcome->compared) {
        json_object_set_new(entry, "reason", json_text(outcome->reason));
        return entry;
    }
    const comparison *worst = &outcome->worst;
    json_t *compared = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:s, s:I, s:o, s:o, s:I, s:o, s:o, s:o, s:o}", "kind",
        outcome->sequence ? "sequence" : "cell", "dtype", oclstm_dtype_name(outcome->dtype), "steps", (json_int_t)outcome->steps,
        "batch", (json_int_t)outcome->batch, "input_size", (json_int_t)outcome->input, "hidden_size", (json_int_t)outcome->hidden,
        "engine", oclstm_engine_name(outcome->engine), "error", json_number(worst->error), "tolerance",
        json_number(outcome->tolerance), "array", worst->array, "index", (json_int_t)worst->index, "got", json_number(worst->got),
        "expected", json_number(worst->expected), "misplaced", (json_int_t)worst->misplaced, "error_from_exact",
        outcome->exact_known ? json_number(outcome->exact.error) : json_null(), "framework", json_text(outcome->framework),
        "framework_error_from_exact", framework_error_to_json(outcome->framework_error), "gradients", gradients_to_json(outcome));
    json_object_update(entry, compared);
    json_decref(compared);
    return entry;
}

int cmd_check(const cli_options *options) {
    int counts[3] = {0};
    oclstm_device **devices = NULL;
    size_t device_count = 0;
    char names[1024];
    int code = choose_devices(&devices, &device_count, options);
    if (code != EXIT_DONE) {
        oclstm_devices_close(&devices, device_count);
        return code;
    }
    device_names(names, sizeof names, devices, device_count);
    json_t *files = options->json ? json_array() : NULL;
    for (int i = 0; i < options->operand_count; i++) {
        check_outcome outcome;
        check_file(&outcome, options->operands[i], devices, device_count, options);
        counts[outcome.result]++;
        if (options->json)
            json_array_append_new(files, outcome_to_json(&outcome));
        else
            print_outcome(&outcome, options);
        fflush(stdout);
    }
    if (options->json)
        code = json_print(json_pack("{s:o, s:i, s:i, s:i, s:o}", "device", json_text(names), "ok", counts[CHECK_OK], "fail",
                                    counts[CHECK_FAIL], "skip", counts[CHECK_SKIP], "files", files));
    if (!options->quiet)
        report("check: %d ok, %d failed, %d skipped on %s", counts[CHECK_OK], counts[CHECK_FAIL], counts[CHECK_SKIP], names);
    if (counts[CHECK_OK] + counts[CHECK_FAIL] == 0)
        report("check: nothing was compared");
    for (size_t i = 0; i < device_count; i++)
        report_kernels(devices[i], options);
    oclstm_devices_close(&devices, device_count);
    return counts[CHECK_FAIL] || !counts[CHECK_OK] ? EXIT_FAILED : code;
}
