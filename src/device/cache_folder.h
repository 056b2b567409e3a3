// SPDX-License-Identifier: Apache-2.0
// Where the library keeps what it finds out: tuned settings and built kernels.
#ifndef OCLSTM_DEVICE_CACHE_FOLDER_H
#define OCLSTM_DEVICE_CACHE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

// $OCLSTM_CACHE_DIR, $XDG_CACHE_HOME/oclstm or ~/.cache/oclstm. False when there is none (OCLSTM_CACHE_DIR is empty, no HOME), or when it
// does not fit.
bool cache_folder_path(char *path, size_t capacity);

// Makes every folder of the path before its last part. A failure shows when the file is opened.
void cache_folder_make(const char *path);

#endif
