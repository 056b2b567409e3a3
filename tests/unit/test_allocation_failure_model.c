// SPDX-License-Identifier: Apache-2.0
// Every allocation of the model layer fails once: the call then says OUT_OF_MEMORY, leaves nothing behind (LeakSanitizer
// looks), and works when it is repeated. Linked with --wrap for calloc, malloc and realloc; Jansson allocates through here too.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <oclstm/tensors.h>

#include "file_fixture.h"
#include "runner.h"

// 0: none fails. n: the n-th from now does, once.
static int countdown;

void *__real_malloc(size_t size_bytes);
void *__real_calloc(size_t count, size_t element_bytes);
void *__real_realloc(void *old, size_t size_bytes);
void *__wrap_malloc(size_t size_bytes);
void *__wrap_calloc(size_t count, size_t element_bytes);
void *__wrap_realloc(void *old, size_t size_bytes);

static bool fails(void) {
    if (countdown == 0 || --countdown > 0)
        return false;
    errno = ENOMEM; // as the real ones do
    return true;
}

void *__wrap_malloc(size_t size_bytes) { return fails() ? NULL : __real_malloc(size_bytes); }

void *__wrap_calloc(size_t count, size_t element_bytes) { return fails() ? NULL : __real_calloc(count, element_bytes); }

void *__wrap_realloc(void *old, size_t size_bytes) { return fails() ? NULL : __real_realloc(old, size_bytes); }

static void use_wrapped_json(void) { json_set_alloc_funcs(__wrap_malloc, free); }

static const char one_cell[] = "{\"__metadata__\":{\"framework\":\"none\"},"
                               "\"c.weight_ih\":{\"dtype\":\"F32\",\"shape\":[4,1],\"data_offsets\":[0,16]},"
                               "\"c.weight_hh\":{\"dtype\":\"F32\",\"shape\":[4,1],\"data_offsets\":[16,32]}}";

// Opens, finds, reads and closes.
static oclstm_status read_model(const char *path, oclstm_error *error) {
    oclstm_tensors *file = (oclstm_tensors *)&file;
    oclstm_cell_entry entry;
    float values[8];
    oclstm_status status = oclstm_tensors_open(&file, path, error);
    if (status != OCLSTM_OK) {
        ck_assert_ptr_null(file);
        return status;
    }
    if (strcmp(oclstm_tensors_format(file), "npy") != 0)
        status = oclstm_tensors_find_cell(file, NULL, &entry, error);
    if (status == OCLSTM_OK)
        status = oclstm_tensor_read(file, oclstm_tensors_at(file, 0), 0, 0, 4, OCLSTM_F32, values, true, error);
    oclstm_tensors_close(&file);
    return status;
}

static oclstm_status write_array(const char *path, oclstm_error *error) {
    const float values[4] = {1, 2, 3, 4};
    const int64_t shape[2] = {4, 1};
    oclstm_npy_writer *writer = (oclstm_npy_writer *)&writer;
    oclstm_status status = oclstm_npy_writer_create(&writer, path, OCLSTM_F32, 2, shape, error);
    if (status != OCLSTM_OK) {
        ck_assert_ptr_null(writer);
        return status;
    }
    status = oclstm_npy_writer_write(writer, 0, 0, 4, values, error);
    if (status != OCLSTM_OK) {
        oclstm_npy_writer_discard(&writer);
        return status;
    }
    return oclstm_npy_writer_commit(&writer, error);
}

// Returns how many allocations the call makes.
static int fail_each(oclstm_status (*call)(const char *path, oclstm_error *error), const char *path, int files_left) {
    for (int n = 1;; n++) {
        oclstm_error error = {.message = ""};
        countdown = n;
        oclstm_status status = call(path, &error);
        bool failed = countdown == 0;
        countdown = 0;
        if (!failed) {
            ck_assert_msg(status == OCLSTM_OK, "%s", error.message);
            return n - 1;
        }
        ck_assert_msg(status == OCLSTM_OUT_OF_MEMORY, "allocation %d: %s: %s", n, oclstm_status_name(status), error.message);
        ck_assert_int_eq(error.status, status);
        ck_assert_str_ne(error.message, "");
        ck_assert_int_eq(file_count(), files_left);
        ck_assert_int_lt(n, 10000);
    }
}

START_TEST(reading_safetensors) {
    static const unsigned char zeros[32] = {0};
    const char *path = file_write_safetensors("model", one_cell, zeros, sizeof zeros);
    int files = file_count();
    ck_assert_int_gt(fail_each(read_model, path, files), 20);
}
END_TEST

START_TEST(reading_npy) {
    const float values[4] = {0};
    const char *path =
        file_write_npy("array", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 1), }", values, sizeof values);
    int files = file_count();
    ck_assert_int_ge(fail_each(read_model, path, files), 4);
}
END_TEST

START_TEST(writing_npy) {
    int files = file_count();
    ck_assert_int_ge(fail_each(write_array, file_path("out.npy"), files), 4);
    ck_assert_int_eq(file_count(), files + 1);
    ck_assert_int_ge(fail_each(write_array, file_path("out.npy"), files + 1), 3);
    ck_assert_int_ge(fail_each(write_array, "/dev/null", files + 1), 2);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("allocation_failure_model");
    TCase *tcase = file_case(suite, "model");
    tcase_add_checked_fixture(tcase, use_wrapped_json, NULL);
    tcase_add_test(tcase, reading_safetensors);
    tcase_add_test(tcase, reading_npy);
    tcase_add_test(tcase, writing_npy);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
