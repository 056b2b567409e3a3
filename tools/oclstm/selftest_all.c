// SPDX-License-Identifier: Apache-2.0
#include "selftest_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choose_device.h"
#include "json_output.h"
#include "report.h"
#include "selftest_group.h"

#include <oclstm/group.h>

// What all devices together came to.
typedef struct matrix {
    const cli_options *options;
    json_t *devices; // NULL without --json
    size_t usable, passed, failed, skipped;
} matrix;

static void print_head(const char *selector, const oclstm_device_info *info) {
    printf("%s  %s  ", selector, device_kind_word(info->kind));
    print_text(stdout, info->name[0] ? info->name : "(no device)");
    printf(" (");
    print_text(stdout, info->platform_name);
    printf(")\n");
}

static void print_row(const selftest_group *group) {
    printf("  %-8s  %-8s  %-8s  %-7s  ", oclstm_engine_name(group->engine), oclstm_dtype_name(group->dtype),
           group->form == SELFTEST_CELL ? "cell" : "sequence", selftest_group_result(group));
    if (group->skipped[0]) {
        print_text(stdout, group->skipped);
    } else {
        printf("%2zu of %2zu", group->passed, group->passed + group->failed);
        for (int i = 0; i < SELFTEST_FIELDS; i++)
            if (group->fields[i].array)
                printf("  %-2s %.1e", group->fields[i].array, group->fields[i].error);
        if (group->fault[0]) {
            printf("  ");
            print_text(stdout, group->fault);
        }
    }
    putchar('\n');
}

static json_t *device_to_json(const char *selector, const oclstm_device_info *info) {
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "selector", json_text(selector), "kind", device_kind_word(info->kind),
                     "name", json_text(info->name), "platform", json_text(info->platform_name), "device_version",
                     json_text(info->device_version), "driver_version", json_text(info->driver_version));
}

// A device without results: why it cannot be used, or the error with which it failed to open.
static void add_unopened(matrix *all, const char *selector, const oclstm_device_info *info, const char *result,
                         const char *reason) {
    if (!all->devices) {
        print_head(selector, info);
        printf("  %s: ", result);
        print_text(stdout, reason);
        putchar('\n');
        return;
    }
    json_t *entry = device_to_json(selector, info);
    json_object_set_new(entry, "result", json_string(result));
    json_object_set_new(entry, "reason", json_text(reason));
    json_array_append_new(all->devices, entry);
}

// The rows of a device, or of several as one.
static void run_target(matrix *all, const char *selector, const selftest_target *target, const oclstm_device_info *info) {
    selftest_group groups[SELFTEST_GROUPS];
    const size_t count = selftest_groups_list(groups, 1U << SELFTEST_CELL | 1U << SELFTEST_SEQUENCE, all->options);
    json_t *entry = all->devices ? device_to_json(selector, info) : NULL, *rows = all->devices ? json_array() : NULL;
    size_t passed = 0, failed = 0;
    if (!entry)
        print_head(selector, info);
    for (size_t i = 0; i < count; i++) {
        selftest_group_run(&groups[i], target, all->options);
        passed += groups[i].passed;
        failed += groups[i].failed;
        all->skipped += groups[i].skipped[0] != '\0';
        if (entry)
            json_array_append_new(rows, selftest_group_to_json(&groups[i]));
        else
            print_row(&groups[i]);
        fflush(stdout);
    }
    all->passed += passed;
    all->failed += failed;
    if (!entry)
        return;
    json_object_set_new(entry, "result", json_string(failed ? "fail" : passed ? "pass" : "skipped"));
    json_object_set_new(entry, "groups", rows);
    json_array_append_new(all->devices, entry);
}

// Opens and runs one. EXIT_DONE also when it failed to open, which the matrix shows; else the exit code for a selector that is wrong.
static int add_device(matrix *all, const char *selector, const oclstm_device_info *info) {
    static const oclstm_device_info unknown;
    oclstm_device *device = NULL;
    oclstm_error error;
    const oclstm_status status = oclstm_device_open(&device, selector, &error);
    if (status == OCLSTM_OK) {
        run_target(all, selector, &(selftest_target){&device, 1}, oclstm_device_get_info(device));
        all->usable++;
        oclstm_device_close(&device);
        return EXIT_DONE;
    }
    report_error(&error);
    if (!info && status == OCLSTM_INVALID_ARGUMENT)
        return EXIT_MISUSE;
    if (!info && status == OCLSTM_NO_DEVICE)
        return EXIT_NO_DEVICE;
    add_unopened(all, selector, info ? info : &unknown, "error", error.message);
    all->usable++;
    all->failed++;
    return EXIT_DONE;
}

static int run_every_device(matrix *all) {
    oclstm_device_info *list = NULL;
    oclstm_error error;
    size_t count = 0;
    const oclstm_status status = oclstm_device_list(&list, &count, &error);
    if (status != OCLSTM_OK) {
        report_error(&error);
        return exit_code_of(status);
    }
    int code = EXIT_DONE;
    for (size_t i = 0; i < count && code == EXIT_DONE; i++) {
        char selector[16];
        snprintf(selector, sizeof selector, "%d", list[i].index);
        if (list[i].usable)
            code = add_device(all, selector, &list[i]);
        else
            add_unopened(all, selector, &list[i], "unusable", list[i].reason);
    }
    oclstm_device_list_free(&list);
    return code;
}

// The devices that were named as a group: one batch over all of them.
static int run_together(matrix *all) {
    oclstm_device **devices = NULL;
    size_t count = 0;
    oclstm_error error;
    oclstm_device_info info = {.kind = OCLSTM_DEVICE_OTHER, .name = "one batch over all of them"};
    const oclstm_status status = oclstm_devices_open(&devices, &count, all->options->device, &error);
    if (status != OCLSTM_OK) {
        report_error(&error);
        add_unopened(all, all->options->device, &info, "error", error.message);
        all->failed++;
        return EXIT_DONE;
    }
    snprintf(info.platform_name, sizeof info.platform_name, "%zu devices", count);
    run_target(all, all->options->device, &(selftest_target){devices, count}, &info);
    oclstm_devices_close(&devices, count);
    return EXIT_DONE;
}

// Names that make no list of devices are misuse, before anything is run.
static int check_names(const char *names) {
    oclstm_device **devices = NULL;
    size_t count = 0;
    oclstm_error error;
    const oclstm_status status = oclstm_devices_open(&devices, &count, names, &error);
    oclstm_devices_close(&devices, count);
    if (status != OCLSTM_INVALID_ARGUMENT)
        return EXIT_DONE;
    report_error(&error);
    return EXIT_MISUSE;
}

static int run_named_devices(matrix *all) {
    char *names = strdup(all->options->device), *rest = names;
    if (!names) {
        report("the list of devices could not be read: host memory is exhausted");
        return EXIT_FAILED;
    }
    int code = check_names(all->options->device);
    while (rest && code == EXIT_DONE) {
        char *comma = strchr(rest, ','), *name = rest;
        if (comma)
            *comma++ = '\0';
        rest = comma;
        code = add_device(all, name, NULL);
    }
    free(names);
    if (code == EXIT_DONE && strchr(all->options->device, ','))
        code = run_together(all);
    return code;
}

static int finish(matrix *all) {
    const cli_options *options = all->options;
    int code = all->failed || !all->passed ? EXIT_FAILED : EXIT_DONE;
    if (all->devices && json_print(json_pack("{s:s, s:I, s:b, s:b, s:I, s:I, s:I, s:o}", "version", oclstm_version(), "seed",
                                             (json_int_t)selftest_seed(options), "quick", options->quick, "pass", code == EXIT_DONE,
                                             "passed", (json_int_t)all->passed, "failed", (json_int_t)all->failed, "skipped",
                                             (json_int_t)all->skipped, "devices", json_incref(all->devices))) != EXIT_DONE)
        code = EXIT_FAILED;
    if (!all->usable) {
        // The library's own sentence on what to install.
        oclstm_device *none = NULL;
        oclstm_error error;
        if (oclstm_device_open(&none, NULL, &error) != OCLSTM_OK)
            report_error(&error);
        oclstm_device_close(&none);
        return EXIT_NO_DEVICE;
    }
    if (!options->quiet)
        report("selftest: %zu passed, %zu failed on %zu device%s, %zu combinations skipped", all->passed, all->failed, all->usable,
               all->usable == 1 ? "" : "s", all->skipped);
    return code;
}

int selftest_all(const cli_options *options) {
    matrix all = {.options = options, .devices = options->json ? json_array() : NULL};
    int code = options->device && *options->device ? run_named_devices(&all) : run_every_device(&all);
    if (code == EXIT_DONE)
        code = finish(&all);
    json_decref(all.devices);
    return code;
}
