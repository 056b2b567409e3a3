// SPDX-License-Identifier: Apache-2.0
// A directory of the test's own, such as a kernel directory.
#ifndef OCLSTM_TESTS_TEMPORARY_DIR_H
#define OCLSTM_TESTS_TEMPORARY_DIR_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

typedef struct temporary_dir {
    char path[256];
    char files[8][320];
    int count;
} temporary_dir;

static inline void temporary_dir_make(temporary_dir *dir) {
    const char *base = getenv("TMPDIR");
    dir->count = 0;
    snprintf(dir->path, sizeof dir->path, "%.200s/oclstm-test-XXXXXX", base && base[0] ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir->path));
}

static inline void temporary_dir_write(temporary_dir *dir, const char *name, const char *text) {
    char path[320];
    snprintf(path, sizeof path, "%s/%.60s", dir->path, name);
    FILE *stream = fopen(path, "wb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), stream), strlen(text));
    ck_assert_int_eq(fclose(stream), 0);
    for (int at = 0; at < dir->count; at++) {
        if (strcmp(dir->files[at], path) == 0)
            return;
    }
    ck_assert_int_lt(dir->count, 8);
    strcpy(dir->files[dir->count++], path);
}

static inline void temporary_dir_remove(temporary_dir *dir) {
    for (int at = 0; at < dir->count; at++)
        unlink(dir->files[at]);
    rmdir(dir->path);
}

#endif
