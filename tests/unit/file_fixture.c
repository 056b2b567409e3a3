// SPDX-License-Identifier: Apache-2.0
#include "file_fixture.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[256];

static void make_folder(void) {
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/oclstm-test-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

// Files only: the tests make no folders that they do not remove.
static int each_file(void (*visit)(const char *path)) {
    DIR *stream = opendir(folder);
    ck_assert_ptr_nonnull(stream);
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        if (visit != NULL)
            visit(file_path(entry->d_name));
    }
    closedir(stream);
    return count;
}

static void remove_file(const char *path) {
    if (unlink(path) != 0)
        rmdir(path);
}

static void remove_folder(void) {
    each_file(remove_file);
    rmdir(folder);
}

int file_count(void) { return each_file(NULL); }

TCase *file_case(Suite *suite, const char *name) {
    TCase *tcase = tcase_create(name);
    tcase_add_unchecked_fixture(tcase, make_folder, remove_folder);
    suite_add_tcase(suite, tcase);
    return tcase;
}

const char *file_path(const char *name) {
    static char paths[4][768];
    static int turn = 0;
    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
    return paths[turn];
}

static const char *write_parts(const char *name, const void *head, size_t head_bytes, const char *text, size_t padding,
                               const void *data, size_t data_bytes) {
    const char *path = file_path(name);
    FILE *stream = fopen(path, "wb");
    ck_assert_ptr_nonnull(stream);
    if (head_bytes > 0)
        ck_assert_uint_eq(fwrite(head, 1, head_bytes, stream), head_bytes);
    fputs(text, stream);
    for (size_t i = 0; i < padding; i++)
        fputc(i + 1 == padding ? '\n' : ' ', stream);
    if (data_bytes > 0)
        ck_assert_uint_eq(fwrite(data, 1, data_bytes, stream), data_bytes);
    ck_assert_int_eq(fclose(stream), 0);
    return path;
}

const char *file_write(const char *name, const void *bytes, size_t size_bytes) {
    return write_parts(name, NULL, 0, "", 0, bytes, size_bytes);
}

const char *file_write_safetensors(const char *name, const char *header, const void *data, size_t data_bytes) {
    unsigned char length[8] = {0};
    size_t padding = (8 - strlen(header) % 8) % 8;
    uint64_t header_bytes = strlen(header) + padding;
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(header_bytes >> (8 * i));
    return write_parts(name, length, sizeof length, header, padding, data, data_bytes);
}

const char *file_write_npy(const char *name, int version, const char *header, const void *data, size_t data_bytes) {
    unsigned char head[12] = {0x93, 'N', 'U', 'M', 'P', 'Y', (unsigned char)version, 0};
    size_t head_bytes = version == 1 ? 10 : 12;
    size_t padding = 64 - (head_bytes + strlen(header)) % 64;
    size_t header_bytes = strlen(header) + padding;
    for (size_t i = 8; i < head_bytes; i++)
        head[i] = (unsigned char)(header_bytes >> (8 * (i - 8)));
    return write_parts(name, head, head_bytes, header, padding, data, data_bytes);
}
