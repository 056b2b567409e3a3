// SPDX-License-Identifier: Apache-2.0
#include "choose_device.h"

#include <stdio.h>
#include <string.h>

#include "report.h"

const char *device_kind_word(oclstm_device_kind kind) {
    switch (kind) {
    case OCLSTM_DEVICE_GPU:
        return "gpu";
    case OCLSTM_DEVICE_NPU:
        return "npu";
    case OCLSTM_DEVICE_CPU:
        return "cpu";
    case OCLSTM_DEVICE_OTHER:
        break;
    }
    return "other";
}

// Where the settings come from: at -v always, and once for each device where a file of them had to be left aside.
static void say_tuning(const oclstm_device *device, const cli_options *options) {
    static char warned[2048];
    const char *note = oclstm_device_get_tuning(device);
    const bool warning = strncmp(note, "warning: ", 9) == 0;
    if (options->quiet || !(warning ? strcmp(warned, note) != 0 : options->verbose))
        return;
    if (warning)
        snprintf(warned, sizeof warned, "%s", note);
    report("%s", note);
}

static int finish(oclstm_device *device, oclstm_status status, const oclstm_error *error, const cli_options *options,
                  bool by_shape) {
    if (status != OCLSTM_OK) {
        report_error(error);
        return status == OCLSTM_INVALID_ARGUMENT ? EXIT_MISUSE : exit_code_of(status);
    }
    if (options->verbose) {
        const oclstm_device_info *info = oclstm_device_get_info(device);
        report("device %d, %s: %s (%s), %s%s", info->index, device_kind_word(info->kind), info->name, info->platform_name,
               info->driver_version,
               !by_shape              ? ""
               : info->chosen_by_auto ? "; as auto chooses"
                                      : "; chosen by the shape: such small work is done before another thread is awake");
    }
    say_tuning(device, options);
    return EXIT_DONE;
}

bool names_devices(const cli_options *options) { return options->device && strchr(options->device, ','); }

int choose_devices(oclstm_device ***out, size_t *count, const cli_options *options) {
    oclstm_error error;
    int code = EXIT_DONE;
    const oclstm_status status = oclstm_devices_open(out, count, options->device, &error);
    if (status != OCLSTM_OK)
        return finish(NULL, status, &error, options, false);
    for (size_t i = 0; i < *count && code == EXIT_DONE; i++)
        code = finish((*out)[i], status, &error, options, false);
    return code;
}

const char *device_names(char *text, size_t capacity, oclstm_device *const *devices, size_t count) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && used < capacity; i++)
        used +=
            (size_t)snprintf(text + used, capacity - used, "%s%s", i == 0 ? "" : " + ", oclstm_device_get_info(devices[i])->name);
    return text;
}

int choose_device(oclstm_device **out, const cli_options *options) {
    oclstm_error error;
    if (names_devices(options)) {
        *out = NULL;
        report("--device %s: several devices divide the batch of a single cell, in run, check and bench; name one here",
               options->device);
        return EXIT_MISUSE;
    }
    const oclstm_status status = oclstm_device_open(out, options->device, &error);
    return finish(*out, status, &error, options, false);
}

int choose_device_for(oclstm_device **out, const cli_options *options, const cli_shape *shape) {
    if (options->device)
        return choose_device(out, options);
    oclstm_error error;
    const oclstm_status status = oclstm_device_open_for(out, shape->input, shape->hidden, shape->batch, shape->steps, &error);
    return finish(*out, status, &error, options, true);
}
