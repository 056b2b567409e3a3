// SPDX-License-Identifier: Apache-2.0
// The files of cl/ as bytes, embedded at build time by cl/embed.py.
#ifndef OCLSTM_DEVICE_KERNEL_SOURCES_H
#define OCLSTM_DEVICE_KERNEL_SOURCES_H

#include <stddef.h>

typedef struct kernel_source {
    const char *name; // "portable.cl"; NULL ends the table
    const char *text; // closed with a zero byte
    size_t length;
} kernel_source;

extern const kernel_source kernel_sources[];

#endif
