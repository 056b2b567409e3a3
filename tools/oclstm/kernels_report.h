// SPDX-License-Identifier: Apache-2.0
// Saying where a device's kernels came from.
#ifndef OCLSTM_TOOL_KERNELS_REPORT_H
#define OCLSTM_TOOL_KERNELS_REPORT_H

#include "options.h"

// At -v: how many programs were built, kept, taken from the disk cache or from a folder of binaries, and what could not be used.
void report_kernels(oclstm_device *device, const cli_options *options);

#endif
