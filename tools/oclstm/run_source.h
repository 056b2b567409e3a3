// SPDX-License-Identifier: Apache-2.0
// An array named on the command line: FILE.npy, FILE.safetensors or FILE:TENSOR.
#ifndef OCLSTM_TOOL_RUN_SOURCE_H
#define OCLSTM_TOOL_RUN_SOURCE_H

#include <oclstm/oclstm.h>

typedef struct run_source {
    oclstm_tensors *file;
    const oclstm_tensor *tensor; // NULL: the option was not given
    const char *argument;        // as the user wrote it, for messages
} run_source;

// Opens what `argument` names; NULL leaves the source empty. The text is split at the first colon that has an existing file before it,
// unless the whole is one. EXIT_DONE, or EXIT_FAILED with the fault said.
int run_source_open(run_source *out, const char *argument);

// Accepts an empty source.
void run_source_close(run_source *source);

#endif
