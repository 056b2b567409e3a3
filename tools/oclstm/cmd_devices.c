// SPDX-License-Identifier: Apache-2.0
// `oclstm devices`: what there is, how to select it, and why something cannot be used.
#include <stdio.h>

#include "choose_device.h"
#include "commands.h"
#include "device_report.h"
#include "json_output.h"
#include "report.h"

static void print_device(const oclstm_device_info *info, bool verbose) {
    char place[32] = "-";
    if (info->device_index >= 0)
        snprintf(place, sizeof place, "%d:%d", info->platform_index, info->device_index);
    printf("%c %-3d %-5s %-5s ", info->chosen_by_auto ? '*' : ' ', info->index, place, device_kind_word(info->kind));
    print_text(stdout, info->name[0] ? info->name : info->device_index < 0 ? "(no device)" : "(no name)");
    printf(" (");
    print_text(stdout, info->platform_name);
    printf(")\n            ");
    if (info->usable || info->compute_units) {
        printf("%u compute units, ", info->compute_units);
        print_memory(info->global_memory_bytes);
        printf(", float64 %s, float16 arithmetic %s", info->has_fp64 ? "yes" : "no", info->has_fp16 ? "yes" : "no");
    }
    if (!info->usable) {
        printf("%snot usable: ", info->compute_units ? "; " : "");
        print_text(stdout, info->reason);
    }
    putchar('\n');
    if (verbose && info->device_index >= 0)
        print_limits(info);
}

static json_t *device_to_json(const oclstm_device_info *info) {
    return json_pack("{s:i, s:i, s:i, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "index", info->index,
                     "platform_index", info->platform_index, "device_index", info->device_index, "kind",
                     device_kind_word(info->kind), "usable", info->usable, "chosen_by_auto", info->chosen_by_auto, "reason",
                     info->usable ? json_null() : json_text(info->reason), "name", json_text(info->name), "vendor",
                     json_text(info->vendor), "platform", json_text(info->platform_name), "device_version",
                     json_text(info->device_version), "driver_version", json_text(info->driver_version), "limits",
                     limits_to_json(info), "quirks", quirks_to_json(info));
}

static int print_json(const oclstm_device_info *list, size_t count) {
    json_t *devices = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(devices, device_to_json(&list[i]));
    return json_print(json_pack("{s:o}", "devices", devices));
}

static void print_table(const oclstm_device_info *list, size_t count, bool verbose) {
    if (count == 0)
        return;
    printf("  N   P:D   kind  device (platform)\n");
    for (size_t i = 0; i < count; i++)
        print_device(&list[i], verbose);
    printf("Select with --device N, P:D, gpu, cpu, npu or part of a name; '*' is what auto picks.\n");
}

int cmd_devices(const cli_options *options) {
    oclstm_error error;
    oclstm_device_info *list = NULL;
    size_t count = 0;
    const oclstm_status status = oclstm_device_list(&list, &count, &error);
    if (status != OCLSTM_OK) {
        report_error(&error);
        return exit_code_of(status);
    }
    int code = EXIT_DONE;
    if (options->json)
        code = print_json(list, count);
    else
        print_table(list, count, options->verbose);
    bool usable = false;
    for (size_t i = 0; i < count; i++)
        usable = usable || list[i].usable;
    oclstm_device_list_free(&list);
    if (usable || code != EXIT_DONE)
        return code;
    // The library's own sentence on what to install.
    oclstm_device *none = NULL;
    if (oclstm_device_open(&none, NULL, &error) != OCLSTM_OK)
        report_error(&error);
    oclstm_device_close(&none);
    return EXIT_NO_DEVICE;
}
