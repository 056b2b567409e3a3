// SPDX-License-Identifier: Apache-2.0
// Byte counts in messages: "512 bytes", "120.0 KiB", "3.2 GiB".
#ifndef OCLSTM_DEVICE_SIZE_TEXT_H
#define OCLSTM_DEVICE_SIZE_TEXT_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

typedef struct size_text {
    char text[40];
} size_text;

static inline size_text size_to_text(uint64_t bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_text out;
    if (bytes < 1024) {
        snprintf(out.text, sizeof out.text, "%" PRIu64 " bytes", bytes);
        return out;
    }
    double scaled = (double)bytes / 1024;
    unsigned unit = 0;
    while (scaled >= 1024 && unit < 5) {
        scaled /= 1024;
        unit++;
    }
    snprintf(out.text, sizeof out.text, "%.1f %s", scaled, units[unit]);
    return out;
}

#endif
