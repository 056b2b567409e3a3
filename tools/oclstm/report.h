// SPDX-License-Identifier: Apache-2.0
// What the program says on standard error, and the exit codes. Results never go through here.
#ifndef OCLSTM_TOOL_REPORT_H
#define OCLSTM_TOOL_REPORT_H

#include <stdio.h>

#include <oclstm/oclstm.h>

// The program's exit codes, the same for every command.
enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_MISUSE = 2,
    EXIT_NO_DEVICE = 3,
    EXIT_SIGNAL = 128 // plus the signal's number
};

// "oclstm: MESSAGE". Control characters, which a file's names may hold, are shown as '?'.
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The library's record: its message, then the failed call, the OpenCL code and the device, then the build log, where present.
void report_error(const oclstm_error *error);

// The exit code of a failed call: EXIT_NO_DEVICE or EXIT_FAILED.
int exit_code_of(oclstm_status status);

// Writes text to a stream with control characters other than newline and tab shown as '?'.
void print_text(FILE *stream, const char *text);

#endif
