// SPDX-License-Identifier: Apache-2.0
// `oclstm selftest --all`: the matrix of devices, engines, dtypes and forms of call.
#ifndef OCLSTM_TOOL_SELFTEST_ALL_H
#define OCLSTM_TOOL_SELFTEST_ALL_H

#include "options.h"

// Runs it on every device, or on each that --device names, separated by commas, and on a group of these. The program's exit code.
int selftest_all(const cli_options *options);

#endif
