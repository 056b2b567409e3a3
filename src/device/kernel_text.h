// SPDX-License-Identifier: Apache-2.0
// The text of a kernel file: built in, or read from a directory.
#ifndef OCLSTM_DEVICE_KERNEL_TEXT_H
#define OCLSTM_DEVICE_KERNEL_TEXT_H

#include <oclstm/status.h>

typedef struct kernel_text {
    const char *text; // closed with a zero byte
    char *owned;      // free() it; NULL when built in
} kernel_text;

// directory "": the built-in text. IO, with the path, when it cannot be read.
oclstm_status kernel_text_load(kernel_text *out, const char *directory, const char *file, oclstm_error *error);

#endif
