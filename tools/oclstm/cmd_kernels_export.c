// SPDX-License-Identifier: Apache-2.0
// `oclstm kernels --export`: for a device that can be opened, one that is only listed, or none.
#include <stdio.h>
#include <string.h>

#include "choose_device.h"
#include "cmd_kernels.h"
#include "report.h"

// Whom the programs are for.
typedef struct export_target {
    oclstm_device *device;    // opened, or NULL
    oclstm_device_info *list; // where `info` lies
    const oclstm_device_info *info;
} export_target;

static bool is_named(const oclstm_device_info *info, const char *selector) {
    char place[32], index[16];
    snprintf(index, sizeof index, "%d", info->index);
    snprintf(place, sizeof place, "%d:%d", info->platform_index, info->device_index);
    return strcmp(selector, index) == 0 || strcmp(selector, place) == 0 || strcmp(selector, device_kind_word(info->kind)) == 0 ||
           strcmp(selector, info->name) == 0;
}

// The one device that is listed but cannot be used, by index, place, kind or whole name; without a selector the only one that there is.
static void find_listed(export_target *target, const char *selector) {
    size_t count = 0, found = 0;
    if (oclstm_device_list(&target->list, &count, NULL) != OCLSTM_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        const oclstm_device_info *info = &target->list[i];
        if (info->device_index < 0 || info->usable || (selector && !is_named(info, selector)))
            continue;
        target->info = info;
        found++;
    }
    if (found != 1)
        target->info = NULL;
}

static int find_target(export_target *target, const cli_options *options) {
    const char *selector = options->device && *options->device && strcmp(options->device, "auto") != 0 ? options->device : NULL;
    oclstm_error error;
    if (selector && strcmp(selector, "none") == 0)
        return EXIT_DONE;
    const oclstm_status status = oclstm_device_open(&target->device, options->device, &error);
    if (status == OCLSTM_OK)
        return EXIT_DONE;
    if (status == OCLSTM_NO_DEVICE)
        find_listed(target, selector);
    if (target->info || (status == OCLSTM_NO_DEVICE && !selector))
        return EXIT_DONE;
    report_error(&error);
    return status == OCLSTM_INVALID_ARGUMENT ? EXIT_MISUSE : exit_code_of(status);
}

static void say_target(const export_target *target, const cli_options *options) {
    const oclstm_device_info *info = target->device ? oclstm_device_get_info(target->device) : target->info;
    if (options->quiet)
        return;
    if (info)
        report("kernels: for device %d, %s (%s)%s", info->index, info->name, info->platform_name,
               info->has_compiler ? "" : ", which has no compiler");
    else
        report("kernels: for no device in particular: README.txt says what is assumed");
}

static int write_programs(const export_target *target, const oclstm_tensors *model, const cli_options *options) {
    size_t count = 0;
    oclstm_error error;
    const oclstm_kernels_export_params params = {.device = target->device,
                                                 .info = target->info,
                                                 .model = model,
                                                 .cell = options->cell,
                                                 .batch = options->batch,
                                                 .engine = options->engine,
                                                 .dtype = options->dtype_given ? &options->dtype : NULL,
                                                 .binaries = options->binaries};
    if (options->binaries && !target->device) {
        report("kernels: --binaries needs a device with a compiler: its driver makes them");
        return EXIT_NO_DEVICE;
    }
    say_target(target, options);
    if (oclstm_kernels_export(&count, options->export, &params, &error) != OCLSTM_OK) {
        report_error(&error);
        return exit_code_of(error.status);
    }
    printf("%zu program%s in ", count, count == 1 ? "" : "s");
    print_text(stdout, options->export);
    puts("; README.txt there says how to compile them");
    return EXIT_DONE;
}

int kernels_export(const cli_options *options) {
    export_target target = {.list = NULL};
    oclstm_tensors *model = NULL;
    oclstm_cell_entry entry;
    int code = EXIT_DONE;
    if (options->operand_count > 0)
        code = kernels_open_model(&model, &entry, options->operands[0], options);
    if (code == EXIT_DONE)
        code = find_target(&target, options);
    if (code == EXIT_DONE)
        code = write_programs(&target, model, options);
    oclstm_device_list_free(&target.list);
    oclstm_device_close(&target.device);
    oclstm_tensors_close(&model);
    return code;
}
