// SPDX-License-Identifier: Apache-2.0
// The parts of `oclstm kernels`. Each returns an exit code and has said on standard error why it is not EXIT_DONE.
#ifndef OCLSTM_TOOL_CMD_KERNELS_H
#define OCLSTM_TOOL_CMD_KERNELS_H

#include "options.h"

int kernels_list(const cli_options *options);
int kernels_clear(const cli_options *options);
int kernels_warm(const cli_options *options);
int kernels_export(const cli_options *options);

// The cell that MODEL and --cell name.
int kernels_open_model(oclstm_tensors **model, oclstm_cell_entry *entry, const char *path, const cli_options *options);

#endif
