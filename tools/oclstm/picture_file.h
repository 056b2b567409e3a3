// SPDX-License-Identifier: Apache-2.0
// A picture being drawn: into a temporary file beside it, which takes its name when it is whole.
#ifndef OCLSTM_TOOL_PICTURE_FILE_H
#define OCLSTM_TOOL_PICTURE_FILE_H

#include <stddef.h>

typedef struct picture_file {
    char *path;
    char *partial; // NULL once it is renamed
    int fd;        // -1: not open
} picture_file;

// The place of the ending of NAME.svg or NAME.png, and gnuplot's terminal for it; NULL for another name.
const char *picture_ending(const char *file, const char **terminal);

// Each returns an exit code and has said on standard error why it is not EXIT_DONE. `stem` characters of file, then suffix, then the rest.
int picture_open(picture_file *out, const char *file, size_t stem, const char *suffix);
int picture_commit(picture_file *picture);

// Removes what was not committed. Accepts one that is closed, but not one that is all zero: begin with fd = -1.
void picture_discard(picture_file *picture);

#endif
