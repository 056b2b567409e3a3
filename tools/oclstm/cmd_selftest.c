// SPDX-License-Identifier: Apache-2.0
// `oclstm selftest`: every engine in every dtype against the double-precision reference, on one device; with --all on all.
#include <stdio.h>

#include "choose_device.h"
#include "commands.h"
#include "json_output.h"
#include "kernels_report.h"
#include "report.h"
#include "selftest_all.h"
#include "selftest_group.h"

static void print_group(const selftest_group *group, const cli_options *options) {
    if (options->quiet && !group->failed)
        return;
    printf("%-8s  %-8s  ", oclstm_engine_name(group->engine), oclstm_dtype_name(group->dtype));
    if (group->skipped[0]) {
        printf("skipped: %s\n", group->skipped);
        return;
    }
    printf("%s  %zu of %zu cases\n", group->failed ? "FAIL" : "pass", group->passed, group->passed + group->failed);
    selftest_group_print_worst(group, options);
}

static int finish(const selftest_group *groups, size_t count, const oclstm_device_info *info, const cli_options *options) {
    size_t passed = 0, failed = 0;
    json_t *list = options->json ? json_array() : NULL;
    for (size_t i = 0; i < count; i++) {
        passed += groups[i].passed;
        failed += groups[i].failed;
        if (list)
            json_array_append_new(list, selftest_group_to_json(&groups[i]));
    }
    int code = failed || !passed ? EXIT_FAILED : EXIT_DONE;
    if (list && json_print(json_pack("{s:o, s:o, s:I, s:b, s:o}", "device", json_text(info->name), "platform",
                                     json_text(info->platform_name), "seed", (json_int_t)selftest_seed(options), "pass",
                                     code == EXIT_DONE, "engines", list)) != EXIT_DONE)
        code = EXIT_FAILED;
    if (!passed && !failed)
        report("selftest: nothing could be run on %s", info->name);
    else if (!options->quiet)
        report("selftest: %zu passed, %zu failed on %s (%s)", passed, failed, info->name, info->platform_name);
    return code;
}

int cmd_selftest(const cli_options *options) {
    if (options->all)
        return selftest_all(options);
    selftest_group groups[SELFTEST_GROUPS];
    oclstm_device *device = NULL;
    int code = choose_device(&device, options);
    if (code != EXIT_DONE)
        return code;
    const size_t count = selftest_groups_list(groups, 1U << SELFTEST_SEQUENCE, options);
    for (size_t i = 0; i < count; i++) {
        selftest_group_run(&groups[i], &(selftest_target){&device, 1}, options);
        if (!options->json)
            print_group(&groups[i], options);
        fflush(stdout);
    }
    code = finish(groups, count, oclstm_device_get_info(device), options);
    report_kernels(device, options);
    oclstm_device_close(&device);
    return code;
}
