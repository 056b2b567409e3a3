// SPDX-License-Identifier: Apache-2.0
// PyTorch's files, zip and older: what they hold, and what becomes of wrong ones. Archives that are wrong as archives are in test_zip_files.c.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load_fixture.h"
#include "runner.h"

static const float six[6] = {0, 1, 2, 3, 4, 5};

// A 2 x 3 matrix, the whole of its storage.
static const pickle_tensor matrix = {
    .type = "FloatStorage", .key = "0", .elements = 6, .rank = 2, .shape = {2, 3}, .strides = {3, 1}};

typedef enum form { ZIP, LEGACY } form;

static bytes make_of_pickle(form which, const bytes *object, const pickle_tensor *tensor, const void *data, size_t size_bytes) {
    bytes storage = {0}, out = {0};
    put(&storage, data, size_bytes);
    if (which == LEGACY) {
        put_legacy(&out, object, tensor->key, (uint64_t)tensor->elements, &storage);
    } else {
        archive_builder zip = {.entries = 0};
        archive_put_torch(&zip, object, &storage);
        put_block(&out, &zip.out);
        archive_free(&zip);
    }
    bytes_free(&storage);
    return out;
}

static bytes make(form which, const pickle_tensor *tensor, const void *data, size_t size_bytes) {
    bytes object = {0};
    pickle_put_state(&object, tensor);
    bytes out = make_of_pickle(which, &object, tensor, data, size_bytes);
    bytes_free(&object);
    return out;
}

static void refuse(form which, const pickle_tensor *tensor, const char *words) {
    bytes file = make(which, tensor, six, sizeof six);
    load_refused_bytes(&file, words);
    bytes_free(&file);
}

static void refuse_pickle(form which, const bytes *object, const char *words) {
    bytes file = make_of_pickle(which, object, &matrix, six, sizeof six);
    load_refused_bytes(&file, words);
    bytes_free(&file);
}

// --- what is read -------------------------------------------------------------------------------------------------------

START_TEST(real_files_hold_what_their_safetensors_hold) {
    static const char *const pairs[][2] = {
        {"models/torch_tagger.pt", "models/torch_tagger.safetensors"},
        {"models/torch_tagger_legacy.pt", "models/torch_tagger.safetensors"},
        {"models/torch_cell_f16.pt", "models/torch_cell_f16.safetensors"},
        {"models/torch_cell_bf16.pt", "models/torch_cell_bf16.safetensors"},
    };
    oclstm_tensors *a = load_good(test_data(pairs[_i][0])), *b = load_good(test_data(pairs[_i][1]));
    ck_assert_str_eq(oclstm_tensors_format(a), "torch");
    load_compare(a, b);
    oclstm_tensors_close(&a);
    oclstm_tensors_close(&b);
}
END_TEST

static void expect(const pickle_tensor *tensor, const void *data, size_t size_bytes, oclstm_dtype dtype, const void *values) {
    for (int which = ZIP; which <= LEGACY; which++) {
        bytes made = make((form)which, tensor, data, size_bytes);
        oclstm_tensors *file = load_good_bytes(&made);
        const oclstm_tensor *found = oclstm_tensors_find(file, "w");
        ck_assert_ptr_nonnull(found);
        ck_assert_int_eq(found->dtype, dtype);
        ck_assert_int_eq(found->rank, tensor->rank);
        for (int axis = 0; axis < tensor->rank; axis++)
            ck_assert_int_eq(found->shape[axis], tensor->shape[axis]);
        ck_assert(!found->swapped && !found->fortran_order);
        ck_assert_msg(found->size_bytes == 0 || memcmp(found->data, values, found->size_bytes) == 0, "other values");
        oclstm_tensors_close(&file);
        bytes_free(&made);
    }
}

START_TEST(views_of_every_kind) {
    static const float turned[6] = {0, 3, 1, 4, 2, 5}, same[6] = {4, 4, 4, 4, 4, 4}, diagonal[2] = {0, 4}, part[2] = {2, 3};
    pickle_tensor view = matrix;
    expect(&view, six, sizeof six, OCLSTM_F32, six);
    view = (pickle_tensor){.type = "FloatStorage", .key = "0", .elements = 6, .rank = 2, .shape = {3, 2}, .strides = {1, 3}};
    expect(&view, six, sizeof six, OCLSTM_F32, turned); // transposed
    view = (pickle_tensor){.type = "FloatStorage", .key = "0", .elements = 6, .offset = 4, .rank = 2, .shape = {3, 2}};
    expect(&view, six, sizeof six, OCLSTM_F32, same); // expanded
    view = (pickle_tensor){.type = "FloatStorage", .key = "0", .elements = 6, .rank = 1, .shape = {2}, .strides = {4}};
    expect(&view, six, sizeof six, OCLSTM_F32, diagonal);
    view = (pickle_tensor){.type = "FloatStorage", .key = "0", .elements = 6, .offset = 2, .rank = 1, .shape = {2}, .strides = {1}};
    expect(&view, six, sizeof six, OCLSTM_F32, part);
    view = (pickle_tensor){.type = "FloatStorage", .key = "0", .elements = 6, .offset = 5};
    expect(&view, six, sizeof six, OCLSTM_F32, &six[5]); // a number
    view = (pickle_tensor){.type = "FloatStorage", .key = "0", .elements = 6, .rank = 2, .shape = {0, 5}, .strides = {5, 1}};
    expect(&view, six, sizeof six, OCLSTM_F32, six);
    view = (pickle_tensor){.type = "FloatStorage", .key = "0", .elements = 0, .rank = 1, .shape = {0}, .strides = {1}};
    expect(&view, six, 0, OCLSTM_F32, six); // nothing of nothing
    view = (pickle_tensor){.type = "FloatStorage", .key = "0", .elements = 6, .rank = 8, .shape = {1, 1, 1, 1, 1, 1, 2, 3}};
    view.strides[6] = 3;
    view.strides[7] = 1;
    expect(&view, six, sizeof six, OCLSTM_F32, six);
}
END_TEST

START_TEST(every_storage_type) {
    static const struct {
        const char *name;
        oclstm_dtype dtype;
    } types[] = {{"FloatStorage", OCLSTM_F32},     {"DoubleStorage", OCLSTM_F64}, {"HalfStorage", OCLSTM_F16},
                 {"BFloat16Storage", OCLSTM_BF16}, {"CharStorage", OCLSTM_I8},    {"ShortStorage", OCLSTM_I16},
                 {"IntStorage", OCLSTM_I32},       {"LongStorage", OCLSTM_I64},   {"ByteStorage", OCLSTM_U8},
                 {"BoolStorage", OCLSTM_BOOL}};
    static const unsigned char data[24] = {1, 0, 1, 1, 0, 0, 1, 9, 8, 7};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const pickle_tensor tensor = {.type = types[i].name, .key = "0", .elements = 3, .rank = 1, .shape = {3}, .strides = {1}};
        expect(&tensor, data, 3 * oclstm_dtype_size_bytes(types[i].dtype), types[i].dtype, data);
    }
    pickle_tensor complex = matrix;
    complex.type = "ComplexFloatStorage";
    refuse(ZIP, &complex, "'torch.ComplexFloatStorage'");
}
END_TEST

// {"model": {"a": w, "deep": {"b": w}}, "epoch": 3, "list": [w]}: dictionaries are entered, what is no tensor is passed over, shared data is read twice.
START_TEST(dictionaries_within_dictionaries) {
    bytes object = {0};
    put_text(&object, "\x80\x02}(");
    pickle_text(&object, "model");
    put_text(&object, "}(");
    pickle_text(&object, "a");
    pickle_put_tensor(&object, &matrix);
    put(&object, "q\x05", 2);
    pickle_text(&object, "deep");
    put_text(&object, "}");
    pickle_text(&object, "b");
    put(&object, "h\x05s", 3);
    put_text(&object, "u");
    pickle_text(&object, "epoch");
    put(&object, "K\x03K\x07K\x08", 6); // a key that is no text
    pickle_text(&object, "list");
    put(&object,
        "]h\x05"
        "au.",
        6);
    for (int which = ZIP; which <= LEGACY; which++) {
        bytes made = make_of_pickle((form)which, &object, &matrix, six, sizeof six);
        oclstm_tensors *file = load_good_bytes(&made);
        ck_assert_uint_eq(oclstm_tensors_count(file), 2);
        ck_assert_ptr_nonnull(oclstm_tensors_find(file, "model.a"));
        const oclstm_tensor *b = oclstm_tensors_find(file, "model.deep.b");
        ck_assert_ptr_nonnull(b);
        ck_assert_mem_eq(b->data, six, sizeof six);
        oclstm_tensors_close(&file);
        bytes_free(&made);
    }
    bytes_free(&object);
}
END_TEST

START_TEST(a_tensor_by_itself_and_parameters) {
    bytes object = {0};
    put_text(&object, "\x80\x02");
    pickle_name(&object, "torch._utils", "_rebuild_parameter");
    put_text(&object, "(");
    pickle_put_tensor(&object, &matrix);
    put_text(&object, "\x88}tR.");
    bytes made = make_of_pickle(ZIP, &object, &matrix, six, sizeof six);
    oclstm_tensors *file = load_good_bytes(&made);
    ck_assert_ptr_nonnull(oclstm_tensors_find(file, "tensor"));
    oclstm_tensors_close(&file);
    bytes_free(&made);
    bytes_free(&object);
}
END_TEST

static void add_byte_order(archive_builder *zip, const char *order, const void *data) {
    bytes object = {0};
    pickle_put_state(&object, &matrix);
    archive_add(zip, "m/data.pkl", object.data, object.count);
    if (order != NULL)
        archive_add(zip, "m/byteorder", order, strlen(order));
    archive_add(zip, "m/data/0", data, sizeof six);
    archive_end(zip);
    bytes_free(&object);
}

START_TEST(both_byte_orders) {
    unsigned char swapped[sizeof six];
    for (size_t i = 0; i < sizeof six; i++)
        swapped[i] = ((const unsigned char *)six)[i / 4 * 4 + 3 - i % 4];
    static const struct {
        const char *order;
        bool swapped;
    } cases[] = {{"little", false}, {NULL, false}, {"big", true}};
    for (size_t i = 0; i < 3; i++) {
        archive_builder zip = {.entries = 0};
        add_byte_order(&zip, cases[i].order, cases[i].swapped ? (const void *)swapped : six);
        oclstm_tensors *file = load_good_bytes(&zip.out);
        ck_assert_mem_eq(oclstm_tensors_at(file, 0)->data, six, sizeof six);
        oclstm_tensors_close(&file);
        archive_free(&zip);
    }
    static const char *const wrong[] = {"Big", "bigger", "littl", "middle", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        archive_builder zip = {.entries = 0};
        add_byte_order(&zip, wrong[i], six);
        load_refused_bytes(&zip.out, "byte order is neither");
        archive_free(&zip);
    }
}
END_TEST

// --- what is refused ----------------------------------------------------------------------------------------------------

START_TEST(files_that_could_run_code) {
    load_refused(test_data("models/refuse_pickle_command.pt"), OCLSTM_FORMAT,
                 "'posix.system', which could run code; nothing was executed");
    load_refused(test_data("models/refuse_whole_module.pt"), OCLSTM_FORMAT, "'torch.nn.modules.rnn.LSTMCell'");
    ck_assert_int_ne(access("PWNED", F_OK), 0);
    bytes object = {0};
    put_text(&object, "\x80\x02}");
    pickle_text(&object, "w");
    pickle_name(&object, "builtins", "eval");
    put_text(&object, "(");
    pickle_text(&object, "1");
    put_text(&object, "tRs.");
    refuse_pickle(ZIP, &object, "'builtins.eval'");
    refuse_pickle(LEGACY, &object, "'builtins.eval'");
    bytes_free(&object);
}
END_TEST

static const struct {
    const char *words;
    pickle_tensor tensor;
} geometry[] = {
    {"reaches beyond its 24 bytes", {.elements = 6, .rank = 2, .shape = {2, 4}, .strides = {4, 1}}},
    {"reaches beyond its 24 bytes", {.elements = 6, .rank = 1, .shape = {3}, .strides = {3}}},
    {"reaches beyond", {.elements = 6, .offset = 1, .rank = 2, .shape = {2, 3}, .strides = {3, 1}}},
    {"reaches beyond its 0 bytes", {.elements = 6, .offset = 6}},
    {"begins at element 7", {.elements = 6, .offset = 7}},
    {"begins at element 2147483647", {.elements = 6, .offset = INT32_MAX}},
    {"offset, shape and strides", {.elements = 6, .offset = -1}},
    {"is negative", {.elements = 6, .rank = 1, .shape = {-1}, .strides = {1}}},
    {"is negative or has more bytes", {.elements = 6, .rank = 3, .shape = {INT32_MAX, INT32_MAX, INT32_MAX}}},
    {"a stride of -1", {.elements = 6, .rank = 1, .shape = {2}, .strides = {-1}}},
    {"reaches beyond", {.elements = 6, .rank = 1, .shape = {INT32_MAX}, .strides = {INT32_MAX}}},
    {"would unfold to more", {.elements = 6, .rank = 1, .shape = {INT32_MAX}}}, // one element, expanded
    {"would unfold to more", {.elements = 6, .rank = 2, .shape = {INT32_MAX, INT32_MAX}}},
    {"not described as torch.save()", {.elements = -1, .rank = 1, .shape = {1}, .strides = {1}}},
    {"at most 8 dimensions", {.elements = 6, .rank = 9, .shape = {1, 1, 1, 1, 1, 1, 1, 1, 1}}},
};

START_TEST(shapes_strides_and_offsets) {
    pickle_tensor tensor = geometry[_i].tensor;
    tensor.type = "FloatStorage";
    tensor.key = "0";
    refuse(ZIP, &tensor, geometry[_i].words);
    if (tensor.elements == 6)
        refuse(LEGACY, &tensor, geometry[_i].words);
}
END_TEST

START_TEST(storages_that_are_missing_or_small) {
    pickle_tensor tensor = matrix;
    tensor.elements = 7;
    refuse(ZIP, &tensor, "has 24 bytes, expected 7 elements of float32");
    refuse(LEGACY, &tensor, "a storage of 7 elements of float32 does not end within it");
    tensor = matrix;
    tensor.key = "1";
    refuse(ZIP, &tensor, "no entry 'm/data/1'");
    tensor.key = "../../0";
    refuse(ZIP, &tensor, "no entry 'm/data/../../0'");
    tensor.key = "0000000000000000000000000000000000000000000000000000000000000000000";
    refuse(ZIP, &tensor, "a key that is no entry's number");
    bytes object = {0}, made = {0}, storage = {0};
    pickle_put_state(&object, &matrix);
    put(&storage, six, sizeof six);
    put_legacy(&made, &object, "1", 6, &storage);
    load_refused_bytes(&made, "list of storages does not fit");
    bytes_free(&made);
    put_legacy(&made, &object, "0", 5, &storage);
    load_refused_bytes(&made, "a storage of 5 elements where 6 are described");
    bytes_free(&made);
    put_legacy(&made, &object, "0", UINT64_MAX, &storage);
    load_refused_bytes(&made, "where 6 are described");
    bytes_free(&made);
    bytes_free(&object);
    bytes_free(&storage);
}
END_TEST

// A zero within the key: the archive would find another entry's name.
START_TEST(a_key_with_a_zero_within) {
    bytes object = {0};
    pickle_tensor tensor = matrix;
    tensor.key = "0Z9";
    pickle_put_state(&object, &tensor);
    unsigned char *at = memchr(object.data, 'Z', object.count);
    ck_assert_ptr_nonnull(at);
    *at = '\0';
    refuse_pickle(ZIP, &object, "a key that is no entry's number");
    bytes_free(&object);
}
END_TEST

static const struct {
    const char *text;
    size_t count;
    const char *words;
} objects[] = {
#define OBJECT(text, words)                                                                                                        \
    { text, sizeof text - 1, words }
    OBJECT("\x80\x02N.", "holds no tensor"),
    OBJECT("\x80\x02}.", "holds no tensor"),
    OBJECT("\x80\x02].", "holds no tensor"),
    OBJECT("\x80\x02}X\x01\x00\x00\x00wK\x01s.", "holds no tensor"),
    OBJECT("\x80\x02}q\x00X\x01\x00\x00\x00wh\x00s.", "dictionaries"), // within itself
    OBJECT("\x80\x02}X\x01\x00\x00\x00w}X\x01\x00\x00\x00w}X\x01\x00\x00\x00w}X\x01\x00\x00\x00w}X\x01\x00\x00\x00w}"
           "X\x01\x00\x00\x00w}"
           "X\x01\x00\x00\x00w}X\x01\x00\x00\x00w}X\x01\x00\x00\x00w}sssssssss.",
           "more than 8 deep"),
    OBJECT("\x80\x02}X\x01\x00\x00\x00w"
           "ctorch._utils\n_rebuild_tensor_v2\n)Rs.",
           "offset, shape and strides"),
    OBJECT("\x80\x02}X\x01\x00\x00\x00w"
           "ctorch._utils\n_rebuild_tensor_v2\n(NK\x00))tRs.",
           "a tensor's storage is not described"),
    OBJECT("\x80\x02}X\x01\x00\x00\x00w"
           "ctorch._utils\n_rebuild_tensor_v2\n(NQK\x00))tRs.",
           "a tensor's storage is not described"),
    OBJECT("\x80\x02}X\x01\x00\x00\x00w"
           "ctorch._utils\n_rebuild_tensor_v2\n()QK\x00))tRs.",
           "a tensor's storage is not described"),
    OBJECT("\x80\x02}X\x01\x00\x00\x00w"
           "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage"
           "ctorch\nFloatStorage\nX\x01\x00"
           "\x00\x00"
           "0X\x03\x00\x00\x00"
           "cpuK\x06(X\x01\x00\x00\x00"
           "1K\x00K\x06ttQK\x00))tRs.",
           "a view of another"),
    OBJECT("\x80\x02}X\x01\x00\x00\x00w"
           "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage"
           "ctorch\nSize\nX\x01\x00"
           "\x00\x00"
           "0X\x03\x00\x00\x00"
           "cpuK\x06tQK\x00))tRs.",
           "a tensor's storage is not described"),
    OBJECT("", "no end"),
#undef OBJECT
};

START_TEST(objects_that_are_no_state) {
    const bytes object = {.data = (unsigned char *)(uintptr_t)objects[_i].text, .count = objects[_i].count};
    refuse_pickle(ZIP, &object, objects[_i].words);
    // The older form holds the storages against the tensors first.
    if (object.count > 0)
        refuse_pickle(LEGACY, &object,
                      memchr(object.data, 'Q', object.count) != NULL ? objects[_i].words : "list of storages does not fit");
}
END_TEST

START_TEST(one_name_twice) {
    bytes object = {0};
    put_text(&object, "\x80\x02}(");
    for (int i = 0; i < 2; i++) {
        pickle_text(&object, "w");
        pickle_put_tensor(&object, &matrix);
    }
    put_text(&object, "u.");
    refuse_pickle(ZIP, &object, "the tensor 'w' occurs twice");
    bytes_free(&object);
    put_text(&object, "\x80\x02}");
    pickle_text(&object, "");
    pickle_put_tensor(&object, &matrix);
    put_text(&object, "s.");
    refuse_pickle(ZIP, &object, "name is empty");
    bytes_free(&object);
}
END_TEST

START_TEST(pickles_that_are_not_of_torch) {
    static const char text[] = "\x80\x03}q\x00X\x01\x00\x00\x00"
                               "aK\x01s.";
    load_refused(file_write("p", text, sizeof text - 1), OCLSTM_FORMAT, "is a Python pickle but not of PyTorch");
    static const char other[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x18.\x80\x02M\xe9\x03.";
    load_refused(file_write("p", other, sizeof other - 1), OCLSTM_FORMAT, "is a Python pickle but not of PyTorch");
}
END_TEST

// --- every place, every length ------------------------------------------------------------------------------------------

static bytes small_file(form which) {
    pickle_tensor view = {.type = "FloatStorage", .key = "0", .elements = 6, .rank = 2, .shape = {3, 2}, .strides = {1, 3}};
    return make(which, &view, six, sizeof six);
}

START_TEST(truncated_at_every_byte) {
    bytes made = small_file((form)_i);
    ck_assert_int_eq(load_truncated(&made), 0);
    bytes_free(&made);
}
END_TEST

START_TEST(every_field_at_its_extremes) {
    bytes made = small_file((form)_i);
    ck_assert_int_gt(load_extremes(&made, NULL), 100); // among them those that say the same
    bytes_free(&made);
}
END_TEST

// In an archive whose checksums are right, so that the pickle is what is judged.
static bool load_as_pickle(const bytes *object) {
    bytes made = make_of_pickle(ZIP, object, &matrix, six, sizeof six);
    const bool opened = load_any(&made);
    bytes_free(&made);
    return opened;
}

START_TEST(pickles_within_archives) {
    bytes object = {0};
    pickle_put_state(&object, &matrix);
    ck_assert(load_as_pickle(&object));
    for (size_t count = 0; count < object.count; count++)
        ck_assert(!load_as_pickle(&(bytes){.data = object.data, .count = count}));
    load_extremes(&object, load_as_pickle);
    bytes_free(&object);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("torch_files");
    TCase *tcase = file_case(suite, "torch");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, real_files_hold_what_their_safetensors_hold, 0, 4);
    tcase_add_test(tcase, views_of_every_kind);
    tcase_add_test(tcase, every_storage_type);
    tcase_add_test(tcase, dictionaries_within_dictionaries);
    tcase_add_test(tcase, a_tensor_by_itself_and_parameters);
    tcase_add_test(tcase, both_byte_orders);
    tcase_add_test(tcase, files_that_could_run_code);
    tcase_add_loop_test(tcase, shapes_strides_and_offsets, 0, sizeof geometry / sizeof geometry[0]);
    tcase_add_test(tcase, storages_that_are_missing_or_small);
    tcase_add_test(tcase, a_key_with_a_zero_within);
    tcase_add_loop_test(tcase, objects_that_are_no_state, 0, sizeof objects / sizeof objects[0]);
    tcase_add_test(tcase, one_name_twice);
    tcase_add_test(tcase, pickles_that_are_not_of_torch);
    tcase_add_loop_test(tcase, truncated_at_every_byte, ZIP, LEGACY + 1);
    tcase_add_loop_test(tcase, every_field_at_its_extremes, ZIP, LEGACY + 1);
    tcase_add_test(tcase, pickles_within_archives);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
