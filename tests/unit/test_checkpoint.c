// SPDX-License-Identifier: Apache-2.0
// MindSpore's checkpoints: what they hold, and what becomes of wrong ones.
#include <stdio.h>
#include <string.h>

#include "load_fixture.h"
#include "runner.h"

static const float six[6] = {0, 1, 2, 3, 4, 5};

typedef struct parameter {
    const char *tag, *type;
    int rank;
    int64_t dims[12];
    const void *data;
    size_t size_bytes;
} parameter;

static const parameter matrix = {"w", "Float32", 2, {2, 3}, six, sizeof six};

static void add(bytes *to, const parameter *p) {
    bytes tensor = {0}, value = {0};
    for (int axis = 0; axis < p->rank; axis++)
        proto_number(&tensor, 1, (uint64_t)p->dims[axis]);
    if (p->type != NULL)
        proto_text(&tensor, 2, p->type);
    if (p->data != NULL)
        proto_bytes(&tensor, 3, p->data, p->size_bytes);
    if (p->tag != NULL)
        proto_text(&value, 1, p->tag);
    proto_message(&value, 2, &tensor);
    proto_message(to, 1, &value);
}

static void refuse(const parameter *p, const char *words) {
    bytes file = {0};
    add(&file, &matrix);
    add(&file, p);
    load_refused_bytes(&file, words);
    bytes_free(&file);
}

// --- what is read -------------------------------------------------------------------------------------------------------

START_TEST(every_type_that_is_read) {
    static const struct {
        const char *name;
        oclstm_dtype dtype;
    } types[] = {{"Float32", OCLSTM_F32}, {"Float64", OCLSTM_F64}, {"Float16", OCLSTM_F16}, {"BFloat16", OCLSTM_BF16},
                 {"Int8", OCLSTM_I8},     {"Int16", OCLSTM_I16},   {"Int32", OCLSTM_I32},   {"Int64", OCLSTM_I64},
                 {"UInt8", OCLSTM_U8},    {"UInt16", OCLSTM_U16},  {"UInt32", OCLSTM_U32},  {"UInt64", OCLSTM_U64},
                 {"Bool", OCLSTM_BOOL}};
    bytes file = {0};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        add(&file, &(parameter){types[i].name, types[i].name, 1, {3}, six, 3 * oclstm_dtype_size_bytes(types[i].dtype)});
    oclstm_tensors *read = load_good_bytes(&file);
    ck_assert_str_eq(oclstm_tensors_format(read), "mindspore");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const oclstm_tensor *found = oclstm_tensors_find(read, types[i].name);
        ck_assert_ptr_nonnull(found);
        ck_assert_int_eq(found->dtype, types[i].dtype);
        ck_assert(found->rank == 1 && found->shape[0] == 3);
        ck_assert_mem_eq(found->data, six, found->size_bytes);
    }
    oclstm_tensors_close(&read);
    bytes_free(&file);
}
END_TEST

START_TEST(numbers_and_empty_arrays) {
    bytes file = {0};
    add(&file, &(parameter){"step", "Float32", 1, {0}, six, 4}); // a number's shape is [0] there
    add(&file, &(parameter){"none", "Float32", 1, {0}, six, 0});
    add(&file, &(parameter){"no shape", "Float32", 0, {0}, six, 4});
    oclstm_tensors *read = load_good_bytes(&file);
    ck_assert_int_eq(oclstm_tensors_find(read, "step")->rank, 0);
    ck_assert_int_eq(oclstm_tensors_find(read, "none")->rank, 1);
    ck_assert_int_eq(oclstm_tensors_find(read, "no shape")->rank, 0);
    oclstm_tensors_close(&read);
    bytes_free(&file);
}
END_TEST

// A large parameter stands in several values of one name.
START_TEST(parts_are_joined) {
    bytes file = {0};
    add(&file, &matrix);
    for (int i = 0; i < 3; i++)
        add(&file, &(parameter){"v", "Float32", 2, {3, 2}, six + 2 * i, 8});
    add(&file, &(parameter){"u", "Float32", 1, {1}, six + 5, 4});
    oclstm_tensors *read = load_good_bytes(&file);
    ck_assert_uint_eq(oclstm_tensors_count(read), 3);
    const oclstm_tensor *found = oclstm_tensors_find(read, "v");
    ck_assert_uint_eq(found->size_bytes, sizeof six);
    ck_assert_mem_eq(found->data, six, sizeof six);
    oclstm_tensors_close(&read);
    bytes_free(&file);
    for (int i = 0; i < 2; i++)
        add(&file, &(parameter){"v", "Float32", 2, {3, 2}, six + 2 * i, 8});
    load_refused_bytes(&file, "'v' has 16 bytes of data where its shape needs 24");
    bytes_free(&file);
}
END_TEST

// --- what is refused ----------------------------------------------------------------------------------------------------

static const struct {
    parameter what;
    const char *words;
} refusals[] = {
    {{"v", "Float32", 2, {2, 2}, six, sizeof six}, "'v' has 24 bytes of data where its shape needs 16"},
    {{"v", "Float64", 2, {2, 3}, six, sizeof six}, "'v' has 24 bytes of data where its shape needs 48"},
    {{"v", "Float32", 1, {7}, six, sizeof six}, "needs 28"},
    {{"v", "Float32", 1, {-1}, six, sizeof six}, "is negative"},
    {{"v", "Float32", 1, {INT64_MIN}, six, sizeof six}, "is negative"},
    {{"v", "Float32", 1, {INT64_MAX}, six, sizeof six}, "more bytes than 64 bits can count"},
    {{"v", "Float32", 3, {INT64_MAX, INT64_MAX, INT64_MAX}, six, 0}, "more bytes than 64 bits can count"},
    {{"v", "Float32", 2, {INT32_MAX, INT32_MAX}, six, 0}, "where its shape needs 18446744056529682436"},
    {{"v", "Float32", 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, six, 4}, "has 9 dimensions; at most 8"},
    {{"v", "Float", 1, {1}, six, 4}, "is of the type 'Float', which is not read"},
    {{"v", "String\x1b[0m", 1, {1}, six, 4}, "of the type 'String?[0m'"},
    {{"v", "", 1, {1}, six, 4}, "of the type ''"},
    {{"v", NULL, 1, {1}, six, 4}, "no tensor with a type and data"},
    {{"v", "Float32", 1, {1}, NULL, 0}, "no tensor with a type and data"},
    {{"", "Float32", 1, {1}, six, 4}, "name is empty"},
    {{NULL, "Float32", 1, {1}, six, 4}, "name is empty"},
};

START_TEST(parameters_that_are_wrong) { refuse(&refusals[_i].what, refusals[_i].words); }
END_TEST

START_TEST(one_name_twice) {
    bytes file = {0};
    add(&file, &matrix);
    add(&file, &(parameter){"v", "Float32", 1, {1}, six, 4});
    add(&file, &matrix);
    load_refused_bytes(&file, "the tensor 'w' occurs twice");
    bytes_free(&file);
}
END_TEST

START_TEST(values_without_a_tensor) {
    bytes file = {0}, value = {0};
    add(&file, &matrix);
    proto_text(&value, 1, "quantised"); // and a mapping, which is skipped
    proto_bytes(&value, 3, "\x0a\x00", 2);
    proto_message(&file, 1, &value);
    load_refused_bytes(&file, "the parameter 'quantised' has no tensor");
    bytes_free(&file);
}
END_TEST

START_TEST(wrong_wire_types) {
    static const unsigned char wires[] = {0, 1, 3, 4, 5, 6, 7};
    for (size_t i = 0; i < sizeof wires; i++) {
        bytes file = {0};
        add(&file, &matrix);
        // Field 2 of the value, the tensor, as something else than a message.
        unsigned char *at = file.data + 5;
        ck_assert_int_eq(*at, 0x12);
        *at = (unsigned char)(2 << 3 | wires[i]);
        load_refused_bytes(&file, "");
        bytes_free(&file);
    }
}
END_TEST

// Unknown fields within unknown fields: nothing here recurses.
START_TEST(deep_nesting) {
    bytes file = {0}, deep = {0};
    add(&file, &matrix);
    for (int i = 0; i < 2000; i++) {
        bytes around = {0};
        proto_message(&around, 1 + (unsigned)i % 3, &deep);
        deep = around;
    }
    proto_message(&file, 1, &deep);
    load_refused_bytes(&file, "no tensor");
    bytes_free(&file);
}
END_TEST

// --- every place, every length ------------------------------------------------------------------------------------------

static bytes small_file(void) {
    bytes file = {0};
    add(&file, &matrix);
    add(&file, &(parameter){"v", "Float32", 2, {3, 2}, six, 8});
    add(&file, &(parameter){"v", "Float32", 2, {3, 2}, six + 2, 16});
    return file;
}

START_TEST(truncated_at_every_byte) {
    bytes file = small_file();
    ck_assert_int_le(load_truncated(&file), 1); // after the first parameter it is a checkpoint of one
    bytes_free(&file);
}
END_TEST

START_TEST(every_field_at_its_extremes) {
    bytes file = small_file();
    ck_assert_int_gt(load_extremes(&file, NULL), 100);
    bytes_free(&file);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("checkpoint");
    TCase *tcase = file_case(suite, "checkpoint");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, every_type_that_is_read);
    tcase_add_test(tcase, numbers_and_empty_arrays);
    tcase_add_test(tcase, parts_are_joined);
    tcase_add_loop_test(tcase, parameters_that_are_wrong, 0, sizeof refusals / sizeof refusals[0]);
    tcase_add_test(tcase, one_name_twice);
    tcase_add_test(tcase, values_without_a_tensor);
    tcase_add_test(tcase, wrong_wire_types);
    tcase_add_test(tcase, deep_nesting);
    tcase_add_test(tcase, truncated_at_every_byte);
    tcase_add_test(tcase, every_field_at_its_extremes);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
