// SPDX-License-Identifier: Apache-2.0
// The whole text of a program, as a compiler gets it, and the name that stands for it and its options.
#ifndef OCLSTM_DEVICE_PROGRAM_TEXT_H
#define OCLSTM_DEVICE_PROGRAM_TEXT_H

#include "device/device.h"

// Joins the shared header and the files of a list ("fused_math.cl fused_rows.cl"), each with a #line in front so that compile errors name it.
// directory "": the built-in texts. The text is closed with a zero byte and is to be freed.
oclstm_status program_text_load(char **out, const char *directory, const char *files, oclstm_error *error);

// "fused_rows-0123456789abcdef": the last file's name and a hash of text and options. What is compiled offline is looked for by it, so that
// what was made from something else is never found.
void program_text_name(char name[DEVICE_PROGRAM_NAME], const char *files, const char *options, const char *text);

#endif
