// SPDX-License-Identifier: Apache-2.0
// A cache folder of the test's own.
#ifndef OCLSTM_TESTS_KERNEL_CACHE_FIXTURE_H
#define OCLSTM_TESTS_KERNEL_CACHE_FIXTURE_H

#include <ftw.h>

#include "temporary_dir.h"

static inline int cache_remove_one(const char *path, const struct stat *facts, int type, struct FTW *at) {
    (void)facts, (void)type, (void)at;
    return remove(path);
}

// A fresh folder, named by OCLSTM_CACHE_DIR; the cache is on for every driver.
static inline void cache_dir_make(temporary_dir *dir) {
    temporary_dir_make(dir);
    setenv("OCLSTM_CACHE_DIR", dir->path, 1);
    setenv("OCLSTM_KERNEL_CACHE", "1", 1);
}

// Removes the folder with everything in it.
static inline void cache_dir_remove(temporary_dir *dir) {
    setenv("OCLSTM_CACHE_DIR", "", 1);
    unsetenv("OCLSTM_KERNEL_CACHE");
    unsetenv("OCLSTM_CACHE_BYTES");
    nftw(dir->path, cache_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
