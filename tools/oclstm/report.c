// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <stdarg.h>
#include <stdio.h>

void print_text(FILE *stream, const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        const bool control = (*at < 0x20 && *at != '\n' && *at != '\t') || *at == 0x7f;
        putc(control ? '?' : *at, stream);
    }
}

void report(const char *format, ...) {
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fputs("oclstm: ", stderr);
    print_text(stderr, text);
    putc('\n', stderr);
}

void report_error(const oclstm_error *error) {
    report("%s", error->message[0] ? error->message : oclstm_status_string(error->status));
    if (error->call[0] || error->opencl_name[0]) {
        fputs("  failed call: ", stderr);
        print_text(stderr, error->call[0] ? error->call : "(unnamed)");
        if (error->opencl_name[0])
            fprintf(stderr, ", %s (%d)", error->opencl_name, error->opencl_code);
        putc('\n', stderr);
    }
    if (error->device[0]) {
        fputs("  device: ", stderr);
        print_text(stderr, error->device);
        putc('\n', stderr);
    }
    if (error->build_log[0]) {
        fputs("  build log:\n", stderr);
        print_text(stderr, error->build_log);
        putc('\n', stderr);
    }
}

int exit_code_of(oclstm_status status) { return status == OCLSTM_NO_DEVICE ? EXIT_NO_DEVICE : EXIT_FAILED; }
