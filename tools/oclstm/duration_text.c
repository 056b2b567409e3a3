// SPDX-License-Identifier: Apache-2.0
#include "duration_text.h"

#include <stdio.h>

const char *duration_text(char text[32], double seconds) {
    if (seconds >= 1.0)
        snprintf(text, 32, "%.2f s", seconds);
    else if (seconds >= 1e-3)
        snprintf(text, 32, "%.1f ms", seconds * 1e3);
    else
        snprintf(text, 32, "%.1f us", seconds * 1e6);
    return text;
}
