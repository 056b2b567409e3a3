// SPDX-License-Identifier: Apache-2.0
#include "load_fixture.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

oclstm_tensors *load_good(const char *path) {
    oclstm_tensors *file = NULL;
    oclstm_error error = {.message = "none"};
    ck_assert_msg(oclstm_tensors_open(&file, path, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_ptr_nonnull(file);
    return file;
}

oclstm_tensors *load_good_bytes(const bytes *block) { return load_good(file_write("good", block->data, block->count)); }

void load_refused(const char *path, oclstm_status status, const char *words) {
    oclstm_tensors *file = (oclstm_tensors *)&status;
    oclstm_error error = {.message = ""};
    const int files = file_count();
    const oclstm_status found = oclstm_tensors_open(&file, path, &error);
    ck_assert_msg(found == status, "%s, expected %s (%s): %s", oclstm_status_name(found), oclstm_status_name(status), words,
                  error.message);
    ck_assert_int_eq(error.status, status);
    ck_assert_ptr_null(file);
    ck_assert_msg(strstr(error.message, words) != NULL, "'%s' lacks '%s'", error.message, words);
    ck_assert_msg(strstr(error.message, path) != NULL, "'%s' does not name the file", error.message);
    ck_assert_int_eq(file_count(), files);
    ck_assert_int_eq(oclstm_tensors_open(&file, path, NULL), status);
}

void load_refused_bytes(const bytes *block, const char *words) {
    load_refused(file_write("bad", block->data, block->count), OCLSTM_FORMAT, words);
}

// Reads what opened, by all the ways that lead into it.
static void read_all(const oclstm_tensors *file) {
    oclstm_error error = {.message = ""};
    oclstm_layer *layers = NULL;
    size_t layer_count;
    if (oclstm_network_find(&layers, &layer_count, file, NULL, &error) == OCLSTM_OK)
        oclstm_network_layers_free(&layers);
    else
        ck_assert_str_ne(error.message, "");
    volatile unsigned char sum = 0;
    for (size_t i = 0; i < oclstm_tensors_count(file); i++) {
        const oclstm_tensor *tensor = oclstm_tensors_at(file, i);
        ck_assert_ptr_eq(oclstm_tensors_find(file, tensor->name), tensor);
        for (uint64_t at = 0; at < tensor->size_bytes; at++)
            sum = (unsigned char)(sum + ((const unsigned char *)tensor->data)[at]);
    }
}

// The file is one that is open for writing all the time: thousands of them are tried.
static bool load_slice(int fd, const char *path, const unsigned char *from, size_t count) {
    oclstm_tensors *file = NULL;
    oclstm_error error = {.message = ""};
    ck_assert_int_eq(pwrite(fd, from, count, 0), (ssize_t)count);
    ck_assert_int_eq(ftruncate(fd, (off_t)count), 0);
    const oclstm_status status = oclstm_tensors_open(&file, path, &error);
    if (status == OCLSTM_OK) {
        read_all(file);
    } else {
        ck_assert_ptr_null(file);
        ck_assert_msg(error.message[0] != '\0' && error.status == status, "no message for %s", oclstm_status_name(status));
    }
    oclstm_tensors_close(&file);
    return status == OCLSTM_OK;
}

static int open_any(const char **path) {
    *path = file_path("any");
    const int fd = open(*path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    ck_assert_int_ge(fd, 0);
    return fd;
}

bool load_any(const bytes *block) {
    const char *path;
    const int fd = open_any(&path);
    const bool opened = load_slice(fd, path, block->data, block->count);
    close(fd);
    return opened;
}

int load_truncated(const bytes *block) {
    const char *path;
    const int fd = open_any(&path);
    int opened = 0;
    for (size_t count = 0; count < block->count; count++)
        opened += load_slice(fd, path, block->data, count);
    ck_assert(load_slice(fd, path, block->data, block->count));
    close(fd);
    return opened;
}

static const uint64_t extremes[] = {0, 1, UINT64_MAX, UINT64_MAX - 1, INT64_MAX};

static void set_field(unsigned char *at, size_t width, uint64_t number) {
    if (number == INT64_MAX) // the sign of this width
        number = INT64_MAX >> (8 * (8 - width));
    for (size_t i = 0; i < width; i++)
        at[i] = (unsigned char)(number >> (8 * i));
}

int load_extremes(const bytes *block, bool (*load)(const bytes *block)) {
    const char *path;
    const int fd = open_any(&path);
    int opened = 0;
    bytes copy = {0};
    put_block(&copy, block);
    for (size_t width = 1; width <= 8; width *= 2) {
        for (size_t at = 0; at + width <= block->count; at++) {
            for (size_t i = 0; i < sizeof extremes / sizeof extremes[0]; i++) {
                set_field(copy.data + at, width, extremes[i]);
                opened += load != NULL ? load(&copy) : load_slice(fd, path, copy.data, copy.count);
            }
            memcpy(copy.data + at, block->data + at, width);
        }
    }
    bytes_free(&copy);
    close(fd);
    return opened;
}

void load_compare(const oclstm_tensors *a, const oclstm_tensors *b) {
    ck_assert_uint_eq(oclstm_tensors_count(a), oclstm_tensors_count(b));
    ck_assert_uint_gt(oclstm_tensors_count(a), 0);
    for (size_t i = 0; i < oclstm_tensors_count(a); i++) {
        const oclstm_tensor *left = oclstm_tensors_at(a, i), *right = oclstm_tensors_find(b, left->name);
        ck_assert_msg(right != NULL, "no '%s'", left->name);
        ck_assert_int_eq(left->dtype, right->dtype);
        ck_assert_int_eq(left->rank, right->rank);
        for (int axis = 0; axis < left->rank; axis++)
            ck_assert_int_eq(left->shape[axis], right->shape[axis]);
        ck_assert_uint_eq(left->size_bytes, right->size_bytes);
        ck_assert_msg(left->size_bytes == 0 || memcmp(left->data, right->data, left->size_bytes) == 0, "'%s' differs", left->name);
    }
}

// --- memory -------------------------------------------------------------------------------------------------------------

static size_t address_space_bytes(void) {
    size_t pages = 0;
    FILE *stream = fopen("/proc/self/statm", "r");
    if (stream == NULL)
        return 0;
    if (fscanf(stream, "%zu", &pages) != 1)
        pages = 0;
    fclose(stream);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static _Noreturn void open_limited(const char *path, size_t most_bytes) {
    const size_t used = address_space_bytes();
    oclstm_tensors *file = NULL;
    oclstm_error error = {.message = ""};
    const struct rlimit limit = {used + most_bytes, used + most_bytes};
    if (used == 0 || used > (size_t)1 << 40 || setrlimit(RLIMIT_AS, &limit) != 0)
        _exit(77);
    const oclstm_status status = oclstm_tensors_open(&file, path, &error);
    if (status == OCLSTM_OUT_OF_MEMORY)
        fprintf(stderr, "%s\n", error.message);
    _exit(status == OCLSTM_OUT_OF_MEMORY);
}

void load_within(const bytes *block, size_t most_bytes) {
    const char *path = file_write("large", block->data, block->count);
    int result;
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        open_limited(path, most_bytes);
    ck_assert_int_eq(waitpid(child, &result, 0), child);
    ck_assert_msg(WIFEXITED(result), "it ended by a signal: %d", result);
    ck_assert_msg(WEXITSTATUS(result) == 0 || WEXITSTATUS(result) == 77, "it took more than %zu bytes for a file of %zu",
                  most_bytes, block->count);
    unlink(path);
}
