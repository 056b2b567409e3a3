// SPDX-License-Identifier: Apache-2.0
// Names from a file in messages: control characters would reach the reader's terminal, and a name may be megabytes long.
#ifndef OCLSTM_MODEL_NAME_TEXT_H
#define OCLSTM_MODEL_NAME_TEXT_H

#include "base/error.h"

typedef struct name_text {
    char text[128];
} name_text;

static inline name_text name_to_text(const char *name) {
    name_text out;
    base_copy_string(out.text, sizeof out.text, name);
    for (char *byte = out.text; *byte != '\0'; byte++) {
        if ((unsigned char)*byte < 0x20 || *byte == 0x7f)
            *byte = '?';
    }
    return out;
}

#endif
