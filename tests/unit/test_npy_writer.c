// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <oclstm/tensors.h>

#include "file_fixture.h"
#include "runner.h"

static const float six[6] = {0, 1, 2, 3, 4, 5};
static const int64_t two_by_three[2] = {2, 3};

static oclstm_npy_writer *create(const char *path, oclstm_dtype dtype, int rank, const int64_t *shape) {
    oclstm_npy_writer *writer = NULL;
    oclstm_error error = {.message = "none"};
    ck_assert_msg(oclstm_npy_writer_create(&writer, path, dtype, rank, shape, &error) == OCLSTM_OK, "%s", error.message);
    return writer;
}

static void write_slice(oclstm_npy_writer *writer, int axis, int64_t first, int64_t count, const void *src) {
    oclstm_error error = {.message = "none"};
    ck_assert_msg(oclstm_npy_writer_write(writer, axis, first, count, src, &error) == OCLSTM_OK, "%s", error.message);
}

static void commit(oclstm_npy_writer *writer) {
    oclstm_error error = {.message = "none"};
    ck_assert_msg(oclstm_npy_writer_commit(&writer, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_ptr_null(writer);
}

static void write_six(const char *path) {
    oclstm_npy_writer *writer = create(path, OCLSTM_F32, 2, two_by_three);
    write_slice(writer, 0, 0, 2, six);
    commit(writer);
}

static size_t read_file(const char *path, char *bytes, size_t capacity) {
    FILE *stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "no %s", path);
    size_t size_bytes = fread(bytes, 1, capacity, stream);
    fclose(stream);
    return size_bytes;
}

static void expect_six(const char *path) {
    oclstm_tensors *file = NULL;
    oclstm_error error = {.message = "none"};
    ck_assert_msg(oclstm_tensors_open(&file, path, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_int_eq(oclstm_tensors_at(file, 0)->rank, 2);
    ck_assert_mem_eq(oclstm_tensors_at(file, 0)->data, six, sizeof six);
    oclstm_tensors_close(&file);
}

static void expect_failure(const char *path, oclstm_dtype dtype, int rank, const int64_t *shape, oclstm_status status,
                           const char *words) {
    oclstm_npy_writer *writer = (oclstm_npy_writer *)&status;
    oclstm_error error = {.message = ""};
    int before = file_count();
    ck_assert_int_eq(oclstm_npy_writer_create(&writer, path, dtype, rank, shape, &error), status);
    ck_assert_ptr_null(writer);
    ck_assert_msg(strstr(error.message, words) != NULL, "'%s' lacks '%s'", error.message, words);
    ck_assert_int_eq(file_count(), before);
}

// What numpy.save() writes, to the byte, but for the room it leaves for the shape to grow.
START_TEST(the_header_is_numpys) {
    char bytes[512];
    static const int64_t shape[8] = {1, 1, 1, 1, 1, 1, 1, 0};
    const char *path = file_path("header.npy");
    write_six(path);
    ck_assert_uint_eq(read_file(path, bytes, sizeof bytes), 128 + sizeof six);
    ck_assert_mem_eq(bytes, "\x93NUMPY\x01\0\x76\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   ", 72);
    ck_assert_int_eq(bytes[127], '\n');
    commit(create(path, OCLSTM_F64, 8, shape));
    ck_assert_uint_eq(read_file(path, bytes, sizeof bytes), 128);
    ck_assert_ptr_nonnull(strstr(bytes + 10, "'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 0), }"));
    const int64_t none = 0;
    commit(create(path, OCLSTM_F32, 1, &none));
    read_file(path, bytes, sizeof bytes);
    ck_assert_ptr_nonnull(strstr(bytes + 10, "'shape': (0,), }"));
    oclstm_npy_writer *writer = create(path, OCLSTM_F32, 0, NULL);
    write_slice(writer, 3, 0, 1, six);
    commit(writer);
    ck_assert_uint_eq(read_file(path, bytes, sizeof bytes), 132);
    ck_assert_ptr_nonnull(strstr(bytes + 10, "'shape': (), }"));
}
END_TEST

START_TEST(slices_along_every_axis) {
    enum { COUNT = 3 * 5 * 4 };
    static const int64_t shape[3] = {3, 5, 4};
    double whole[COUNT];
    for (int i = 0; i < COUNT; i++)
        whole[i] = i;
    for (int axis = 0; axis < 3; axis++) {
        const char *path = file_path("slices.npy");
        oclstm_npy_writer *writer = create(path, OCLSTM_F64, 3, shape);
        for (int64_t first = shape[axis] - 1; first >= 0; first -= 2) { // backwards, two at a time and what is left
            int64_t count = first > 0 ? 2 : 1;
            double part[COUNT];
            int used = 0;
            for (int i = 0; i < COUNT; i++) {
                const int64_t index[3] = {i / 20, i / 4 % 5, i % 4};
                if (index[axis] > first - count && index[axis] <= first)
                    part[used++] = whole[i];
            }
            write_slice(writer, axis, first - count + 1, count, part);
        }
        commit(writer);
        oclstm_tensors *file = NULL;
        ck_assert_int_eq(oclstm_tensors_open(&file, path, NULL), OCLSTM_OK);
        ck_assert_mem_eq(oclstm_tensors_at(file, 0)->data, whole, sizeof whole);
        oclstm_tensors_close(&file);
    }
}
END_TEST

START_TEST(nothing_appears_before_the_commit) {
    const char *path = file_path("late.npy");
    int before = file_count();
    oclstm_npy_writer *writer = create(path, OCLSTM_F32, 2, two_by_three);
    write_slice(writer, 0, 0, 2, six);
    ck_assert_int_ne(access(path, F_OK), 0);
    oclstm_npy_writer_discard(&writer);
    ck_assert_ptr_null(writer);
    oclstm_npy_writer_discard(&writer);
    oclstm_npy_writer_discard(NULL);
    ck_assert_int_eq(file_count(), before);
    file_write("late.npy", "old", 3);
    writer = create(path, OCLSTM_F32, 2, two_by_three);
    oclstm_npy_writer_discard(&writer);
    char bytes[8];
    ck_assert_uint_eq(read_file(path, bytes, sizeof bytes), 3);
    write_six(path);
    expect_six(path);
    ck_assert_int_eq(file_count(), before + 1);
}
END_TEST

START_TEST(every_index_must_be_written_once) {
    const char *path = file_path("partly.npy");
    oclstm_error error;
    oclstm_npy_writer *writer = create(path, OCLSTM_F32, 2, two_by_three);
    write_slice(writer, 1, 0, 2, six);
    int before = file_count();
    ck_assert_int_eq(oclstm_npy_writer_commit(&writer, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "16 of 24 bytes"));
    ck_assert_ptr_null(writer);
    ck_assert_int_eq(file_count(), before - 1);
    ck_assert_int_eq(oclstm_npy_writer_commit(&writer, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_npy_writer_commit(NULL, NULL), OCLSTM_INVALID_ARGUMENT);
    writer = create(path, OCLSTM_F32, 2, two_by_three);
    write_slice(writer, 0, 0, 2, six);
    ck_assert_int_eq(oclstm_npy_writer_write(writer, 0, 1, 1, six, &error), OCLSTM_INVALID_ARGUMENT);
    oclstm_npy_writer_discard(&writer);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(arguments_are_checked) {
    const char *path = file_path("arguments.npy");
    static const int64_t negative[2] = {3, -1};
    static const int64_t large[2] = {(int64_t)1 << 40, (int64_t)1 << 40};
    static const int64_t edge[1] = {INT64_MAX / 4};
    expect_failure(path, OCLSTM_BF16, 2, two_by_three, OCLSTM_INVALID_ARGUMENT,
                   "dtype bfloat16, expected float32, float64 or float16");
    expect_failure(path, OCLSTM_F32, 2, negative, OCLSTM_INVALID_ARGUMENT, "dimension 1 is -1");
    expect_failure(path, OCLSTM_F32, 2, large, OCLSTM_INVALID_ARGUMENT, "more bytes than a file can");
    expect_failure(path, OCLSTM_F32, 1, edge, OCLSTM_INVALID_ARGUMENT, "more bytes than a file can");
    expect_failure(path, OCLSTM_F32, 9, two_by_three, OCLSTM_INVALID_ARGUMENT, "rank 9");
    expect_failure(path, OCLSTM_F32, -1, two_by_three, OCLSTM_INVALID_ARGUMENT, "rank -1");
    expect_failure(path, OCLSTM_F32, 1, NULL, OCLSTM_INVALID_ARGUMENT, "rank 1");
    expect_failure(NULL, OCLSTM_F32, 2, two_by_three, OCLSTM_INVALID_ARGUMENT, "path is NULL");
    ck_assert_int_eq(oclstm_npy_writer_create(NULL, path, OCLSTM_F32, 2, two_by_three, NULL), OCLSTM_INVALID_ARGUMENT);
    oclstm_npy_writer *writer = create(path, OCLSTM_F32, 2, two_by_three);
    ck_assert_int_eq(oclstm_npy_writer_write(writer, 2, 0, 1, six, NULL), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_npy_writer_write(writer, -1, 0, 1, six, NULL), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_npy_writer_write(writer, 0, 1, 2, six, NULL), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_npy_writer_write(writer, 0, -1, 1, six, NULL), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_npy_writer_write(writer, 0, 0, -1, six, NULL), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_npy_writer_write(writer, 0, INT64_MAX, INT64_MAX, six, NULL), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_npy_writer_write(writer, 0, 0, 1, NULL, NULL), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_npy_writer_write(NULL, 0, 0, 1, six, NULL), OCLSTM_INVALID_ARGUMENT);
    oclstm_npy_writer_discard(&writer);
}
END_TEST

START_TEST(places_that_cannot_be_written) {
    static const int64_t huge[2] = {(int64_t)1 << 30, (int64_t)1 << 28};
    char folder[512];
    snprintf(folder, sizeof folder, "%s", file_path("."));
    expect_failure(folder, OCLSTM_F32, 2, two_by_three, OCLSTM_IO, "is a directory");
    expect_failure("", OCLSTM_F32, 2, two_by_three, OCLSTM_IO, "the path is empty");
    expect_failure(file_path("no/such.npy"), OCLSTM_F32, 2, two_by_three, OCLSTM_IO, "its folder must exist");
    expect_failure(file_path("huge.npy"), OCLSTM_F32, 2, huge, OCLSTM_IO, "1152921504606847104 bytes were asked for");
    ck_assert_int_eq(symlink("nowhere", file_path("dangling")), 0);
    expect_failure(file_path("dangling"), OCLSTM_F32, 2, two_by_three, OCLSTM_IO, "leads nowhere");
    const char *locked = file_write("locked.npy", "", 0);
    ck_assert_int_eq(chmod(locked, 0400), 0);
    if (geteuid() != 0)
        expect_failure(locked, OCLSTM_F32, 2, two_by_three, OCLSTM_IO, "Permission denied");
}
END_TEST

START_TEST(permissions_and_links_stay) {
    struct stat info;
    mode_t old = umask(027);
    const char *path = file_path("mode.npy");
    write_six(path);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0640);
    ck_assert_int_eq(chmod(path, 0604), 0);
    ck_assert_int_eq(symlink("mode.npy", file_path("link.npy")), 0);
    write_six(file_path("link.npy"));
    umask(old);
    ck_assert_int_eq(lstat(file_path("link.npy"), &info), 0);
    ck_assert(S_ISLNK(info.st_mode));
    ck_assert_int_eq(lstat(path, &info), 0);
    ck_assert(S_ISREG(info.st_mode));
    ck_assert_int_eq(info.st_mode & 0777, 0604);
    expect_six(path);
}
END_TEST

START_TEST(a_long_name_is_no_obstacle) {
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    write_six(file_path(name));
    expect_six(file_path(name));
}
END_TEST

START_TEST(a_pipe_receives_the_whole_file) {
    const char *path = file_path("pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int before = file_count();
    oclstm_npy_writer *writer = create(path, OCLSTM_F32, 2, two_by_three);
    write_slice(writer, 0, 1, 1, six + 3);
    write_slice(writer, 0, 0, 1, six);
    ck_assert_int_eq(file_count(), before);
    pid_t reader = fork();
    if (reader == 0) {
        char bytes[512];
        int fd = open(path, O_RDONLY);
        size_t used = 0;
        for (ssize_t found; (found = read(fd, bytes + used, sizeof bytes - used)) > 0;)
            used += (size_t)found;
        _exit(used == 128 + sizeof six && memcmp(bytes + 128, six, sizeof six) == 0 ? 0 : 1);
    }
    commit(writer);
    int status;
    ck_assert_int_eq(waitpid(reader, &status, 0), reader);
    ck_assert_int_eq(status, 0);
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert(S_ISFIFO(info.st_mode));
}
END_TEST

// Redirected standard output may be a file that already has a beginning.
START_TEST(a_descriptor_is_written_where_it_stands) {
    const char *path = file_write("stdout", "before", 6);
    int fd = open(path, O_WRONLY | O_APPEND);
    int kept = dup(1);
    dup2(fd, 1);
    oclstm_npy_writer *writer = NULL;
    oclstm_status status = oclstm_npy_writer_create(&writer, "/dev/stdout", OCLSTM_F32, 2, two_by_three, NULL);
    if (status == OCLSTM_OK)
        status = oclstm_npy_writer_write(writer, 0, 0, 2, six, NULL);
    if (status == OCLSTM_OK)
        status = oclstm_npy_writer_commit(&writer, NULL);
    dup2(kept, 1);
    close(kept);
    close(fd);
    ck_assert_int_eq(status, OCLSTM_OK);
    char bytes[512];
    ck_assert_uint_eq(read_file(path, bytes, sizeof bytes), 6 + 128 + sizeof six);
    ck_assert_mem_eq(bytes, "before\x93NUMPY", 12);
    ck_assert_mem_eq(bytes + 134, six, sizeof six);
}
END_TEST

START_TEST(a_full_device_is_an_error) {
    if (access("/dev/full", W_OK) != 0)
        return;
    oclstm_error error = {.message = ""};
    oclstm_npy_writer *writer = create("/dev/full", OCLSTM_F32, 2, two_by_three);
    write_slice(writer, 0, 0, 2, six);
    ck_assert_int_eq(oclstm_npy_writer_commit(&writer, &error), OCLSTM_IO);
    ck_assert_ptr_null(writer);
    ck_assert_ptr_nonnull(strstr(error.message, "No space left"));
    struct stat info;
    ck_assert_int_eq(stat("/dev/full", &info), 0);
    ck_assert(S_ISCHR(info.st_mode));
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("npy_writer");
    TCase *tcase = file_case(suite, "write");
    tcase_add_test(tcase, the_header_is_numpys);
    tcase_add_test(tcase, slices_along_every_axis);
    tcase_add_test(tcase, nothing_appears_before_the_commit);
    tcase_add_test(tcase, every_index_must_be_written_once);
    tcase_add_test(tcase, arguments_are_checked);
    tcase_add_test(tcase, places_that_cannot_be_written);
    tcase_add_test(tcase, permissions_and_links_stay);
    tcase_add_test(tcase, a_long_name_is_no_obstacle);
    tcase_add_test(tcase, a_pipe_receives_the_whole_file);
    tcase_add_test(tcase, a_descriptor_is_written_where_it_stands);
    tcase_add_test(tcase, a_full_device_is_an_error);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
