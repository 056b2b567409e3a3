// SPDX-License-Identifier: Apache-2.0
// The commands. Each returns an exit code and has said on standard error why it is not EXIT_DONE.
#ifndef OCLSTM_TOOL_COMMANDS_H
#define OCLSTM_TOOL_COMMANDS_H

#include "options.h"

int cmd_devices(const cli_options *options);
int cmd_run(const cli_options *options);
int cmd_stream(const cli_options *options);
int cmd_train(const cli_options *options);
int cmd_generate(const cli_options *options);
int cmd_info(const cli_options *options);
int cmd_convert(const cli_options *options);
int cmd_check(const cli_options *options);
int cmd_selftest(const cli_options *options);
int cmd_bench(const cli_options *options);
int cmd_tune(const cli_options *options);
int cmd_kernels(const cli_options *options);

#endif
