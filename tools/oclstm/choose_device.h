// SPDX-License-Identifier: Apache-2.0
// Opening the device that the command line names.
#ifndef OCLSTM_TOOL_CHOOSE_DEVICE_H
#define OCLSTM_TOOL_CHOOSE_DEVICE_H

#include "options.h"

// Opens the device; at -v says which. EXIT_DONE, or the exit code with the fault already said: EXIT_MISUSE for a selector that
// names no device or several, EXIT_NO_DEVICE where there is none to use.
int choose_device(oclstm_device **out, const cli_options *options);

// As choose_device(); where the command line and the environment name none, the one that suits the shape.
int choose_device_for(oclstm_device **out, const cli_options *options, const cli_shape *shape);

// Are several devices named, with commas between?
bool names_devices(const cli_options *options);

// As choose_device() for each of them, which may be one; close with oclstm_devices_close().
int choose_devices(oclstm_device ***out, size_t *count, const cli_options *options);

// "NAME + NAME".
const char *device_names(char *text, size_t capacity, oclstm_device *const *devices, size_t count);

// "gpu", "npu", "cpu", "other".
const char *device_kind_word(oclstm_device_kind kind);

#endif
