// SPDX-License-Identifier: Apache-2.0
// Every allocation of the model layer fails once: the call then says OUT_OF_MEMORY, leaves nothing behind (LeakSanitizer
// looks), and works when it is repeated. Linked with --wrap for calloc, malloc and realloc; Jansson allocates through here too, and so do protocol
// buffers, whose allocator is ours. What libzip allocates for itself is in a shared library and does not fail here.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <oclstm/tensors.h>

#include "bytes_fixture.h"
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

// Opens, finds what there is to run, closes.
static oclstm_status open_model(const char *path, oclstm_error *error) {
    oclstm_tensors *file = (oclstm_tensors *)&file;
    const oclstm_status status = oclstm_tensors_open(&file, path, error);
    if (status != OCLSTM_OK)
        ck_assert_ptr_null(file); // Check allocates too, so only then
    oclstm_tensors_close(&file);
    return status;
}

static const float numbers[64] = {0};
static const pickle_tensor matrix = {
    .type = "FloatStorage", .key = "0", .elements = 6, .rank = 2, .shape = {2, 3}, .strides = {3, 1}};

static int fail_each_of(const char *name, bytes *file) {
    const char *path = file_write(name, file->data, file->count);
    bytes_free(file);
    const int files = file_count();
    return fail_each(open_model, path, files);
}

START_TEST(reading_torch) {
    bytes object = {0}, storage = {0}, legacy = {0};
    archive_builder zip = {.entries = 0};
    pickle_put_state(&object, &matrix);
    put(&storage, numbers, 24);
    put_legacy(&legacy, &object, "0", 6, &storage);
    ck_assert_int_gt(fail_each_of("legacy.pt", &legacy), 20);
    archive_put_torch(&zip, &object, &storage);
    ck_assert_int_gt(fail_each_of("zip.pt", &zip.out), 20);
    archive_free(&zip);
    bytes_free(&object);
    bytes_free(&storage);
}
END_TEST

START_TEST(reading_checkpoints) {
    bytes file = {0};
    for (int part = 0; part < 2; part++) {
        bytes tensor = {0}, value = {0};
        proto_number(&tensor, 1, 8);
        proto_text(&tensor, 2, "Float32");
        proto_bytes(&tensor, 3, numbers, 16);
        proto_text(&value, 1, "w");
        proto_message(&value, 2, &tensor);
        proto_message(&file, 1, &value);
    }
    ck_assert_int_gt(fail_each_of("m.ckpt", &file), 15);
}
END_TEST

START_TEST(reading_onnx) {
    char name[256];
    static const char *const models[] = {"onnx_peepholes.onnx", "onnx_activations.onnx", "onnx_initial.onnx"};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        snprintf(name, sizeof name, "models/%s", models[i]);
        ck_assert_int_gt(fail_each(open_model, test_data(name), 0), 40);
    }
}
END_TEST

static oclstm_file_format written;

static oclstm_status write_tensors(const char *path, oclstm_error *error) {
    const oclstm_named_array arrays[] = {{"w", {.data = numbers, .dtype = OCLSTM_F32, .rank = 3, .shape = {2, 3, 1}}},
                                         {"v", {.data = numbers, .dtype = OCLSTM_I64, .rank = 1, .shape = {2}}}};
    const oclstm_metadata metadata = {"oclstm.layers", "."};
    return oclstm_tensors_write(path, written, arrays, 2, &metadata, 1, error);
}

// Each that succeeds is compared with the first: a failure must not be swallowed by the text that it was to become.
START_TEST(writing_tensors) {
    const char *path = file_path("out.tensors");
    oclstm_error error = {.message = ""};
    written = (oclstm_file_format)_i;
    const int files = file_count();
    ck_assert_int_gt(fail_each(write_tensors, path, files), written == OCLSTM_NPZ ? 5 : 40);
    ck_assert_int_eq(file_count(), files + 1);
    oclstm_tensors *file = NULL;
    ck_assert_int_eq(oclstm_tensors_open(&file, path, &error), OCLSTM_OK);
    const oclstm_tensor *w = oclstm_tensors_find(file, "w");
    ck_assert(w != NULL && w->rank == 3 && w->shape[0] == 2 && w->shape[1] == 3 && w->shape[2] == 1);
    oclstm_tensors_close(&file);
    unlink(path);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("allocation_failure_model");
    TCase *tcase = file_case(suite, "model");
    tcase_add_checked_fixture(tcase, use_wrapped_json, NULL);
    tcase_add_test(tcase, reading_safetensors);
    tcase_add_test(tcase, reading_npy);
    tcase_add_test(tcase, writing_npy);
    tcase = file_case(suite, "formats");
    tcase_add_checked_fixture(tcase, use_wrapped_json, NULL);
    tcase_add_test(tcase, reading_torch);
    tcase_add_test(tcase, reading_checkpoints);
    tcase_add_loop_test(tcase, writing_tensors, OCLSTM_SAFETENSORS, OCLSTM_NPZ + 1);
    tcase = file_case(suite, "real");
    tcase_add_checked_fixture(tcase, use_wrapped_json, NULL);
    tcase_add_test(tcase, reading_onnx);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
