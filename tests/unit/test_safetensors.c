// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <oclstm/tensors.h>

#include "file_fixture.h"
#include "runner.h"

static oclstm_tensors *open_file(const char *path) {
    oclstm_tensors *file = NULL;
    oclstm_error error = {.message = "none"};
    ck_assert_msg(oclstm_tensors_open(&file, path, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_ptr_nonnull(file);
    return file;
}

// The file is refused with this status, by a message with these words.
static void expect_refusal(const char *path, oclstm_status status, const char *words) {
    oclstm_tensors *file = (oclstm_tensors *)&status;
    oclstm_error error = {.message = ""};
    oclstm_status found = oclstm_tensors_open(&file, path, &error);
    ck_assert_msg(found == status, "%s: %s, expected %s (%s)", path, oclstm_status_name(found), oclstm_status_name(status),
                  error.message);
    ck_assert_int_eq(error.status, status);
    ck_assert_ptr_null(file);
    ck_assert_msg(strstr(error.message, words) != NULL, "'%s' lacks '%s'", error.message, words);
    ck_assert_int_eq(oclstm_tensors_open(&file, path, NULL), status);
}

static const char two_tensors[] = "{\"__metadata__\":{\"made by\":\"a test\",\"\":\"nothing\"},"
                                  "\"second\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[24,40]},"
                                  "\"Zw\xc3\xb6lf \\\"x\\\"\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}";

START_TEST(describes_what_is_in_the_file) {
    unsigned char data[40];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i + 1);
    const char *path = file_write_safetensors("two", two_tensors, data, sizeof data);
    oclstm_tensors *file = open_file(path);
    ck_assert_str_eq(oclstm_tensors_path(file), path);
    ck_assert_str_eq(oclstm_tensors_format(file), "safetensors");
    ck_assert_uint_eq(oclstm_tensors_count(file), 2);
    const oclstm_tensor *first = oclstm_tensors_at(file, 0);
    ck_assert_str_eq(first->name, "Zw\xc3\xb6lf \"x\"");
    ck_assert_int_eq(first->dtype, OCLSTM_F32);
    ck_assert_int_eq(first->rank, 2);
    ck_assert_int_eq(first->shape[0], 2);
    ck_assert_int_eq(first->shape[1], 3);
    ck_assert_uint_eq(first->size_bytes, 24);
    ck_assert(!first->fortran_order);
    ck_assert_mem_eq(first->data, data, 24);
    ck_assert_ptr_eq(oclstm_tensors_find(file, "Zw\xc3\xb6lf \"x\""), first);
    const oclstm_tensor *second = oclstm_tensors_find(file, "second");
    ck_assert_ptr_eq(second, oclstm_tensors_at(file, 1));
    ck_assert_mem_eq(second->data, data + 24, 16);
    ck_assert_ptr_null(oclstm_tensors_at(file, 2));
    ck_assert_ptr_null(oclstm_tensors_find(file, "third"));
    ck_assert_ptr_null(oclstm_tensors_find(file, NULL));
    ck_assert_ptr_null(oclstm_tensors_find(file, "__metadata__"));
    ck_assert_str_eq(oclstm_tensors_metadata(file, "made by"), "a test");
    ck_assert_str_eq(oclstm_tensors_metadata(file, ""), "nothing");
    ck_assert_ptr_null(oclstm_tensors_metadata(file, "other"));
    oclstm_tensors_close(&file);
    ck_assert_ptr_null(file);
    oclstm_tensors_close(&file);
    oclstm_tensors_close(NULL);
}
END_TEST

START_TEST(every_dtype_of_the_format_is_known){
#define KNOWN(name, size_bytes, word)                                                                                              \
    {                                                                                                                              \
        char header[128];                                                                                                          \
        unsigned char data[3 * size_bytes] = {0};                                                                                  \
        snprintf(header, sizeof header, "{\"t\":{\"dtype\":\"%s\",\"shape\":[3],\"data_offsets\":[0,%zu]}}", #name, sizeof data);  \
        oclstm_tensors *file = open_file(file_write_safetensors("dtype", header, data, sizeof data));                              \
        ck_assert_int_eq(oclstm_tensors_at(file, 0)->dtype, OCLSTM_##name);                                                        \
        oclstm_tensors_close(&file);                                                                                               \
    }
    OCLSTM_DTYPE_MAP(KNOWN)
#undef KNOWN
} END_TEST

    START_TEST(no_tensors_no_elements_and_scalars_are_legal) {
    oclstm_tensors *file = open_file(file_write_safetensors("none", "{}", "", 0));
    ck_assert_uint_eq(oclstm_tensors_count(file), 0);
    ck_assert_ptr_null(oclstm_tensors_find(file, ""));
    ck_assert_ptr_null(oclstm_tensors_metadata(file, "any"));
    oclstm_tensors_close(&file);
    file = open_file(file_write_safetensors("few",
                                            "{\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                                            "\"a\":{\"dtype\":\"F32\",\"shape\":[7,0],\"data_offsets\":[0,0]},"
                                            "\"c\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,0],\"data_offsets\":[4,4]}}",
                                            "\0\0\x80\x3f", 4));
    ck_assert_uint_eq(oclstm_tensors_count(file), 3);
    float value = 0;
    ck_assert_int_eq(oclstm_tensor_read(file, oclstm_tensors_find(file, "b"), 5, 0, 1, OCLSTM_F32, &value, false, NULL), OCLSTM_OK);
    ck_assert(value == 1.0f);
    ck_assert_str_eq(oclstm_tensors_at(file, 0)->name, "a");
    ck_assert_int_eq(oclstm_tensors_at(file, 2)->rank, 8);
    oclstm_tensors_close(&file);
}
END_TEST

#define ENTRY(dtype, shape, offsets) "{\"t\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TWICE(first, second)                                                                                                       \
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" first                                                               \
    "},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" second "}}"

static const struct {
    const char *header;
    size_t data_bytes;
    const char *words;
} refusals[] = {
    {"{\"t\":", 0, "no valid JSON"},
    {"{} x", 0, "no valid JSON"},
    {"{\"\xff\":1}", 0, "no valid JSON"},
    {"{\"a\\u0000b\":1}", 0, "no valid JSON"},
    {"{\"t\":NaN}", 0, "no valid JSON"},
    {"{\"t\":null}", 0, "tensor 't': its header entry is no JSON object"},
    {"{\"t\":{}}", 0, "tensor 't': dtype is missing"},
    {"{\"t\":{\"dtype\":4,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype is missing or no string"},
    {"{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "shape is missing"},
    {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "data_offsets is missing"},
    {ENTRY("F8_E4M3", "[4]", "[0,4]"), 4, "tensor 't': dtype 'F8_E4M3' is not read"},
    {ENTRY("f32", "[1]", "[0,4]"), 4, "dtype 'f32' is not read"},
    {ENTRY("F32", "null", "[0,4]"), 4, "shape is missing or no array"},
    {ENTRY("F32", "[null]", "[0,4]"), 4, "dimension 0 of its shape"},
    {ENTRY("F32", "[1,-1]", "[0,4]"), 4, "dimension 1 of its shape"},
    {ENTRY("F32", "[1.0]", "[0,4]"), 4, "dimension 0 of its shape"},
    {ENTRY("F32", "[\"1\"]", "[0,4]"), 4, "dimension 0 of its shape"},
    {ENTRY("F32", "[99999999999999999999]", "[0,4]"), 4, "no valid JSON"},
    {ENTRY("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "9 dimensions; at most 8"},
    {ENTRY("F32", "[4294967296,4294967296]", "[0,0]"), 0, "more bytes than 64 bits"},
    {ENTRY("F32", "[4611686018427387904]", "[0,0]"), 0, "more bytes than 64 bits"},
    {ENTRY("F32", "[1]", "[0]"), 4, "data_offsets is missing or not"},
    {ENTRY("F32", "[1]", "[0,4,8]"), 4, "data_offsets is missing or not"},
    {ENTRY("F32", "[1]", "[-4,0]"), 4, "data_offsets is missing or not"},
    {ENTRY("F32", "[1]", "[4,0]"), 4, "data_offsets is missing or not"},
    {ENTRY("F32", "[1]", "[0.0,4.0]"), 4, "data_offsets is missing or not"},
    {ENTRY("F32", "[2]", "[0,4]"), 4, "shape [2] of float32 needs 8 bytes, data_offsets [0, 4] give 4"},
    {ENTRY("F32", "[1]", "[9223372036854775803,9223372036854775807]"), 4, "is truncated"},
    {ENTRY("F32", "[2]", "[0,8]"), 7, "ends at byte 72, the file has 71 bytes: it is truncated"},
    {ENTRY("F32", "[1]", "[0,4]"), 5, "is oversized: its tensors end at byte 68, the file has 69 bytes"},
    {"{}", 1, "is oversized"},
    {TWICE("[0,4]", "[3,7]"), 7, "tensor 'b': begins at byte 123, inside 'a' which ends at byte 124: they overlap"},
    {TWICE("[4,8]", "[4,8]"), 8, "belong to no tensor"},
    {TWICE("[0,4]", "[5,9]"), 9, "tensor 'b': begins at byte 125, expected 124"},
    {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}"
     "}",
     2, "duplicate"},
    {"{\"t\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "duplicate"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[1,3]}"
     "}",
     3, "tensor 'b': misaligned: float16 begins at byte 121, expected a multiple of 2"},
    {"{\"__metadata__\":[]}", 0, "__metadata__ is no JSON object"},
    {"{\"__metadata__\":null}", 0, "__metadata__ is no JSON object"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "__metadata__ entry 'a' is no string"},
    {"{\"\\u001b[2J\":null}", 0, "tensor '?[2J'"},
};

START_TEST(a_malformed_header_is_refused) {
    static const unsigned char zeros[16] = {0};
    expect_refusal(file_write_safetensors("bad", refusals[_i].header, zeros, refusals[_i].data_bytes), OCLSTM_FORMAT,
                   refusals[_i].words);
}
END_TEST

START_TEST(an_untrue_header_length_is_refused) {
    expect_refusal(file_write("length", "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10), OCLSTM_FORMAT,
                   "claims 18446744073709551615 bytes");
    expect_refusal(file_write("length", "\x01\xe1\xf5\x05\0\0\0\0{}", 10), OCLSTM_FORMAT,
                   "claims 100000001 bytes; at most 100000000");
    expect_refusal(file_write("length", "\x03\0\0\0\0\0\0\0{}", 10), OCLSTM_FORMAT, "ends at byte 11, the file has 10 bytes");
    expect_refusal(file_write("length", "\x01\0\0\0\0\0\0\0{}", 10), OCLSTM_FORMAT, "no valid JSON");
    expect_refusal(file_write("length", "\x00\0\0\0\0\0\0\0{}", 10), OCLSTM_FORMAT, "no valid JSON");
    // A header that is not padded puts float32 where it cannot be read in place.
    expect_refusal(
        file_write("length", "\x39\0\0\0\0\0\0\0{\"t\":{\"dtype\":\"F32\", \"shape\":[1], \"data_offsets\":[0,4]} }\0\0\0\0", 69),
        OCLSTM_FORMAT, "misaligned");
}
END_TEST

START_TEST(other_files_are_told_by_their_content) {
    expect_refusal(file_write("other", "", 0), OCLSTM_FORMAT, "is empty");
    expect_refusal(file_write("other", "abc", 3), OCLSTM_FORMAT, "(3 bytes) is no safetensors file");
    expect_refusal(file_write("other", "\x02\0\0\0\0\0\0\0[]", 10), OCLSTM_FORMAT, "is no safetensors file");
    expect_refusal(file_write("other", "PK\x03\x04 archive", 12), OCLSTM_FORMAT, "zip archive that is truncated");
    expect_refusal(file_write("other", "\x80\x02\x8a\nl\xfc\x9c", 7), OCLSTM_FORMAT, "its pickle ends within an instruction");
    expect_refusal(file_write("other", "\x08\x07\x12\x07pytorch", 11), OCLSTM_FORMAT, "ONNX");
    expect_refusal(file_write("other", "\x0a\x89\x02\x0a\x09weight_ih", 14), OCLSTM_FORMAT, "MindSpore");
    expect_refusal(file_write("other", "\x89HDF\r\n\x1a\n", 8), OCLSTM_FORMAT, "HDF5");
    expect_refusal(file_write("other", "#!/bin/sh\necho hello\n", 21), OCLSTM_FORMAT, "is no safetensors file");
}
END_TEST

START_TEST(what_cannot_be_opened_is_an_io_error) {
    expect_refusal(file_path("missing"), OCLSTM_IO, "No such file");
    expect_refusal("/", OCLSTM_IO, "is a directory");
    expect_refusal("", OCLSTM_IO, "No such file");
    ck_assert_int_eq(mkfifo(file_path("pipe"), 0600), 0);
    expect_refusal(file_path("pipe"), OCLSTM_IO, "expected a regular file");
    expect_refusal("/dev/null", OCLSTM_IO, "expected a regular file");
    const char *locked = file_write("locked", "{}", 2);
    ck_assert_int_eq(chmod(locked, 0), 0);
    if (geteuid() != 0)
        expect_refusal(locked, OCLSTM_IO, "Permission denied");
    oclstm_tensors *file = NULL;
    ck_assert_int_eq(oclstm_tensors_open(NULL, "x", NULL), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_tensors_open(&file, NULL, NULL), OCLSTM_INVALID_ARGUMENT);
}
END_TEST

// Each position of a truncated file is refused, and never read past its end.
START_TEST(every_truncation_is_refused) {
    unsigned char whole[512] = {0};
    FILE *stream = fopen(file_write_safetensors("whole", two_tensors, whole, 40), "rb");
    size_t size_bytes = fread(whole, 1, sizeof whole, stream);
    fclose(stream);
    for (size_t length = 0; length < size_bytes; length++)
        expect_refusal(file_write("cut", whole, length), OCLSTM_FORMAT, "cut");
}
END_TEST

START_TEST(a_hundred_thousand_tensors) {
    enum { COUNT = 100000 };
    char *header = malloc((size_t)COUNT * 80);
    char *end = header;
    *end++ = '{';
    for (int i = 0; i < COUNT; i++)
        end += sprintf(end, "%s\"%d.weight_ih\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}", i ? "," : "",
                       i * 7 % COUNT, i, i + 1);
    strcpy(end, "}");
    unsigned char *data = calloc(COUNT, 1);
    oclstm_tensors *file = open_file(file_write_safetensors("many", header, data, COUNT));
    ck_assert_uint_eq(oclstm_tensors_count(file), COUNT);
    for (int i = 0; i < COUNT; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.weight_ih", i * 7 % COUNT);
        ck_assert_ptr_eq(oclstm_tensors_find(file, name), oclstm_tensors_at(file, (size_t)i));
    }
    oclstm_cell_entry entry;
    oclstm_error error;
    ck_assert_uint_eq(oclstm_tensors_cells(file, NULL, 0), 0);
    ck_assert_int_eq(oclstm_tensors_find_cell(file, "none", &entry, &error), OCLSTM_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.message, " more"));
    oclstm_tensors_close(&file);
    free(header);
    free(data);
}
END_TEST

START_TEST(files_of_the_frameworks_open) {
    DIR *stream = opendir(test_data("cells"));
    ck_assert_msg(stream != NULL, "no %s", test_data("cells"));
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        if (strstr(entry->d_name, ".safetensors") == NULL)
            continue;
        char name[300];
        snprintf(name, sizeof name, "cells/%s", entry->d_name);
        oclstm_tensors *file = open_file(test_data(name));
        ck_assert_uint_ge(oclstm_tensors_cells(file, NULL, 0), 1);
        ck_assert_ptr_nonnull(oclstm_tensors_find(file, "x"));
        oclstm_tensors_close(&file);
        count++;
    }
    closedir(stream);
    ck_assert_int_ge(count, 10);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("safetensors");
    TCase *tcase = file_case(suite, "safetensors");
    tcase_add_test(tcase, describes_what_is_in_the_file);
    tcase_add_test(tcase, every_dtype_of_the_format_is_known);
    tcase_add_test(tcase, no_tensors_no_elements_and_scalars_are_legal);
    tcase_add_loop_test(tcase, a_malformed_header_is_refused, 0, (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(tcase, an_untrue_header_length_is_refused);
    tcase_add_test(tcase, other_files_are_told_by_their_content);
    tcase_add_test(tcase, what_cannot_be_opened_is_an_io_error);
    tcase_add_test(tcase, every_truncation_is_refused);
    tcase_add_test(tcase, a_hundred_thousand_tensors);
    tcase_add_test(tcase, files_of_the_frameworks_open);
    tcase_set_timeout(tcase, 60);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
