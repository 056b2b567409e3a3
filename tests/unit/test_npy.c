// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <oclstm/tensors.h>

#include "file_fixture.h"
#include "runner.h"

static oclstm_tensors *open_file(const char *path) {
    oclstm_tensors *file = NULL;
    oclstm_error error = {.message = "none"};
    ck_assert_msg(oclstm_tensors_open(&file, path, &error) == OCLSTM_OK, "%s", error.message);
    return file;
}

static void expect_refusal(const char *path, const char *words) {
    oclstm_tensors *file = (oclstm_tensors *)&file;
    oclstm_error error = {.message = ""};
    ck_assert_int_eq(oclstm_tensors_open(&file, path, &error), OCLSTM_FORMAT);
    ck_assert_ptr_null(file);
    ck_assert_msg(strstr(error.message, words) != NULL, "'%s' lacks '%s'", error.message, words);
}

START_TEST(every_version_of_the_format) {
    static const float data[6] = {0, 1, 2, 3, 4, 5};
    for (int version = 1; version <= 3; version++) {
        oclstm_tensors *file = open_file(
            file_write_npy("v", version, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", data, sizeof data));
        ck_assert_str_eq(oclstm_tensors_format(file), "npy");
        ck_assert_uint_eq(oclstm_tensors_count(file), 1);
        const oclstm_tensor *tensor = oclstm_tensors_find(file, "");
        ck_assert_ptr_eq(tensor, oclstm_tensors_at(file, 0));
        ck_assert_int_eq(tensor->rank, 2);
        ck_assert_int_eq(tensor->shape[0], 2);
        ck_assert_int_eq(tensor->shape[1], 3);
        ck_assert_uint_eq((uintptr_t)tensor->data % 64, 0);
        ck_assert_mem_eq(tensor->data, data, sizeof data);
        ck_assert_ptr_null(oclstm_tensors_metadata(file, "shape"));
        oclstm_tensors_close(&file);
    }
    expect_refusal(file_write_npy("v", 4, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", data, sizeof data),
                   "version 4.0");
    expect_refusal(file_write_npy("v", 0, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", data, sizeof data),
                   "version 0.0");
}
END_TEST

static const struct {
    const char *header;
    oclstm_dtype dtype;
    int rank;
    bool fortran_order;
    bool swapped; // on a little-endian host
    size_t data_bytes;
} accepted[] = {
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", OCLSTM_F32, 2, false, false, 24},
    {"{'shape':(2,3),'fortran_order':True,'descr':'>f8'}", OCLSTM_F64, 2, true, true, 48},
    {" {\"descr\" : \"=f2\",\n\"fortran_order\":False, u'shape': (4L, 1L,) } ", OCLSTM_F16, 2, false, false, 8},
    {"{'descr': 'f4', 'fortran_order': False, 'shape': ()}", OCLSTM_F32, 0, false, false, 4},
    {"{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}", OCLSTM_U8, 1, false, false, 3},
    {"{'descr': '>i1', 'fortran_order': False, 'shape': (3,)}", OCLSTM_I8, 1, false, false, 3},
    {"{'descr': '|b1', 'fortran_order': False, 'shape': (0, 5)}", OCLSTM_BOOL, 2, false, false, 0},
    {"{'descr': '<i8', 'fortran_order': False, 'shape': (0, 9223372036854775807)}", OCLSTM_I64, 2, false, false, 0},
    {"{'descr': '>u2', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,2)}", OCLSTM_U16, 8, false, true, 4},
};

START_TEST(headers_that_are_read) {
    static const unsigned char zeros[64] = {0};
    const int one = 1;
    bool little = *(const char *)&one == 1;
    oclstm_tensors *file = open_file(file_write_npy("good", 1, accepted[_i].header, zeros, accepted[_i].data_bytes));
    const oclstm_tensor *tensor = oclstm_tensors_at(file, 0);
    ck_assert_int_eq(tensor->dtype, accepted[_i].dtype);
    ck_assert_int_eq(tensor->rank, accepted[_i].rank);
    ck_assert_int_eq(tensor->fortran_order, accepted[_i].fortran_order);
    if (little)
        ck_assert_int_eq(tensor->swapped, accepted[_i].swapped);
    ck_assert_uint_eq(tensor->size_bytes, accepted[_i].data_bytes);
    oclstm_tensors_close(&file);
}
END_TEST

#define WITH_SHAPE(shape) "{'descr': '<f4', 'fortran_order': False, 'shape': " shape ", }"
#define WITH_DESCR(descr) "{'descr': " descr ", 'fortran_order': False, 'shape': (1,), }"

static const struct {
    const char *header;
    size_t data_bytes;
    const char *words;
} refused[] = {
    {WITH_SHAPE("(2, 3)"), 23, "is truncated: shape [2][3] of float32 needs 24 bytes of data, the file has 23"},
    {WITH_SHAPE("(2, 3)"), 25, "is oversized: shape [2][3] of float32 needs 24 bytes of data, the file has 25"},
    {WITH_SHAPE("(-1,)"), 4, "negative"},
    {WITH_SHAPE("(9223372036854775808,)"), 4, "fits 64 bits"},
    {WITH_SHAPE("(4611686018427387904,)"), 0, "more bytes than 64 bits"},
    {WITH_SHAPE("(4294967296, 4294967296)"), 0, "more bytes than 64 bits"},
    {WITH_SHAPE("(1,1,1,1,1,1,1,1,1)"), 4, "more than 8 dimensions"},
    {WITH_SHAPE("(1)"), 4, "a comma in a tuple of one"},
    {WITH_SHAPE("1"), 4, "a tuple"},
    {WITH_SHAPE("[1]"), 4, "a tuple"},
    {WITH_SHAPE("(1,,)"), 4, "an integer"},
    {WITH_SHAPE("(1 1)"), 4, "',' or ')'"},
    {WITH_SHAPE("(1.0,)"), 4, "',' or ')'"},
    {WITH_SHAPE("(1,"), 4, "an integer"},
    {WITH_DESCR("'|O'"), 8, "Python objects"},
    {WITH_DESCR("'O'"), 8, "Python objects"},
    {WITH_DESCR("[('a', '<f4')]"), 4, "structured array"},
    {WITH_DESCR("'<c8'"), 8, "dtype '<c8' is not read"},
    {WITH_DESCR("'<U4'"), 16, "dtype '<U4' is not read"},
    {WITH_DESCR("'|V2'"), 2, "dtype '|V2' is not read"},
    {WITH_DESCR("'<f3'"), 3, "dtype '<f3' is not read"},
    {WITH_DESCR("'|f4'"), 4, "dtype '|f4' is not read"},
    {WITH_DESCR("''"), 4, "dtype '' is not read"},
    {WITH_DESCR("4"), 4, "a string"},
    {WITH_DESCR("'<f4"), 4, "dtype '<f4, ' is not read"},
    {WITH_DESCR("'a very long name of a dtype that is none'"), 4, "a short string"},
    {"{'descr': '<f4', 'fortran_order': 1, 'shape': (1,), }", 4, "True or False"},
    {"{'descr': '<f4', 'fortran_order': None, 'shape': (1,), }", 4, "True or False"},
    {"{'descr': '<f4', 'shape': (1,), }", 4, "'fortran_order' is missing"},
    {"{'fortran_order': False, 'shape': (1,), }", 4, "'descr' is missing"},
    {"{'descr': '<f4', 'fortran_order': False}", 4, "'shape' is missing"},
    {"{}", 4, "'descr' is missing"},
    {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, "duplicate key 'descr'"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}", 4, "unknown key 'more'"},
    {"{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}", 4, "',' or '}'"},
    {"{'descr' '<f4', 'fortran_order': False, 'shape': (1,)}", 4, "':'"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", 4, "',' or '}'"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", 4, "nothing after"},
    {"'descr'", 4, "'{'"},
    {"", 4, "'{'"},
};

START_TEST(headers_that_are_refused) {
    static const unsigned char zeros[64] = {0};
    expect_refusal(file_write_npy("bad", 1, refused[_i].header, zeros, refused[_i].data_bytes), refused[_i].words);
    expect_refusal(file_write_npy("bad", 2, refused[_i].header, zeros, refused[_i].data_bytes), refused[_i].words);
}
END_TEST

START_TEST(every_truncation_is_refused) {
    unsigned char whole[256] = {0};
    for (int version = 1; version <= 2; version++) {
        FILE *stream = fopen(file_write_npy("whole", version, WITH_SHAPE("(2, 3)"), whole, 24), "rb");
        size_t size_bytes = fread(whole, 1, sizeof whole, stream);
        fclose(stream);
        for (size_t length = 6; length < size_bytes; length++)
            expect_refusal(file_write("cut", whole, length), "truncated");
    }
    expect_refusal(file_write("cut", "\x93NUMPY\x02\0\xff\xff\xff\xff{", 13), "ends at byte 4294967307, the file has 13 bytes");
}
END_TEST

// NumPy pads its header; a writer that does not puts the data where they cannot be read in place.
START_TEST(misaligned_data_are_refused) {
    static const char header[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}";
    char bytes[80] = "\x93NUMPY\x01";
    bytes[8] = (char)(sizeof header - 1);
    memcpy(bytes + 10, header, sizeof header - 1);
    expect_refusal(file_write("odd", bytes, 10 + sizeof header - 1 + 4), "misaligned: its data begin at byte 65");
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("npy");
    TCase *tcase = file_case(suite, "npy");
    tcase_add_test(tcase, every_version_of_the_format);
    tcase_add_loop_test(tcase, headers_that_are_read, 0, (int)(sizeof accepted / sizeof *accepted));
    tcase_add_loop_test(tcase, headers_that_are_refused, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tcase, every_truncation_is_refused);
    tcase_add_test(tcase, misaligned_data_are_refused);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
