// SPDX-License-Identifier: Apache-2.0
// Seconds of a clock that only runs forward.
#ifndef OCLSTM_BASE_CLOCK_H
#define OCLSTM_BASE_CLOCK_H

#include <time.h>

static inline double base_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
