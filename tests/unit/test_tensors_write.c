// SPDX-License-Identifier: Apache-2.0
// Writing files of tensors: what is written reads back the same, and nothing appears half written.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load_fixture.h"
#include "runner.h"

static const unsigned char data[96] = {1, 0, 1, 1, 0, 0x3c, 0x80, 0x3f, 9, 8, 7, 6, 5, 4, 3, 2};

#define ARRAY(kind, ...)                                                                                                           \
    { .data = data, .dtype = OCLSTM_##kind, __VA_ARGS__ }

static oclstm_status write_file(const char *path, oclstm_file_format format, const oclstm_named_array *arrays, size_t count,
                                oclstm_error *error) {
    return oclstm_tensors_write(path, format, arrays, count, NULL, 0, error);
}

static void write_good(const char *path, oclstm_file_format format, const oclstm_named_array *arrays, size_t count) {
    oclstm_error error = {.message = ""};
    ck_assert_msg(write_file(path, format, arrays, count, &error) == OCLSTM_OK, "%s", error.message);
}

static void refuse(oclstm_file_format format, const oclstm_named_array *arrays, size_t count, const char *words) {
    oclstm_error error = {.message = ""};
    const char *path = file_path("refused");
    const int files = file_count();
    const oclstm_status status = write_file(path, format, arrays, count, &error);
    ck_assert_msg(status == OCLSTM_INVALID_ARGUMENT, "%s: %s", oclstm_status_name(status), error.message);
    ck_assert_msg(strstr(error.message, words) != NULL && strstr(error.message, path) != NULL, "'%s' lacks '%s'", error.message,
                  words);
    ck_assert_int_eq(file_count(), files);
    ck_assert_int_eq(write_file(path, format, arrays, count, NULL), status);
}

// --- round trips --------------------------------------------------------------------------------------------------------

static const char *const paths[] = {"out.safetensors", "out.npz"};

START_TEST(every_dtype) {
    static const oclstm_dtype dtypes[] = {
#define DTYPE(name, size_bytes, text) OCLSTM_##name,
        OCLSTM_DTYPE_MAP(DTYPE)
#undef DTYPE
    };
    const oclstm_file_format format = (oclstm_file_format)_i;
    oclstm_named_array arrays[32] = {{0}};
    size_t count = 0;
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
        if (format == OCLSTM_NPZ && dtypes[i] == OCLSTM_BF16)
            continue;
        oclstm_named_array *named = &arrays[count++];
        named->name = oclstm_dtype_name(dtypes[i]);
        named->array = (oclstm_const_array){.data = data, .dtype = dtypes[i], .rank = 2, .shape = {3, 2}};
    }
    write_good(file_path(paths[_i]), format, arrays, count);
    oclstm_tensors *file = load_good(file_path(paths[_i]));
    ck_assert_uint_eq(oclstm_tensors_count(file), count);
    for (size_t i = 0; i < count; i++) {
        const oclstm_tensor *found = oclstm_tensors_find(file, arrays[i].name);
        ck_assert_ptr_nonnull(found);
        ck_assert_int_eq(found->dtype, arrays[i].array.dtype);
        ck_assert(found->rank == 2 && found->shape[0] == 3 && found->shape[1] == 2);
        ck_assert_mem_eq(found->data, data, found->size_bytes);
        ck_assert_uint_eq((uintptr_t)found->data % oclstm_dtype_size_bytes(found->dtype), 0);
    }
    oclstm_tensors_close(&file);
    ck_assert_int_le(file_count(), 1 + _i); // no temporary one
}
END_TEST

START_TEST(every_rank_and_empty_arrays) {
    const oclstm_named_array arrays[] = {
        {"number", ARRAY(F32, .rank = 0)},
        {"empty", ARRAY(F64, .rank = 2, .shape = {0, 7})},
        {"most", ARRAY(I16, .rank = OCLSTM_MAX_RANK, .shape = {1, 2, 1, 2, 1, 2, 1, 2})},
        {"odd", ARRAY(U8, .rank = 1, .shape = {5})},
        {"Zw\xc3\xb6lf \"x\" \\", ARRAY(F32, .rank = 1, .shape = {1})},
    };
    // A backslash is a separator of names in an archive; this one leads nowhere.
    write_good(file_path(paths[_i]), (oclstm_file_format)_i, arrays, 5);
    oclstm_tensors *file = load_good(file_path(paths[_i]));
    for (size_t i = 0; i < 5; i++) {
        const oclstm_tensor *found = oclstm_tensors_find(file, arrays[i].name);
        ck_assert_msg(found != NULL, "no '%s'", arrays[i].name);
        ck_assert_int_eq(found->rank, arrays[i].array.rank);
        ck_assert(found->size_bytes == 0 || memcmp(found->data, data, found->size_bytes) == 0);
    }
    oclstm_tensors_close(&file);
}
END_TEST

START_TEST(metadata_is_kept) {
    const oclstm_named_array array = {"w", ARRAY(F32, .rank = 1, .shape = {2})};
    const oclstm_metadata metadata[] = {{"oclstm.layers", "embed,lstm"}, {"", "\"quoted\"\n\xc3\xb6"}};
    oclstm_error error = {.message = ""};
    const oclstm_status status = oclstm_tensors_write(file_path("m"), OCLSTM_SAFETENSORS, &array, 1, metadata, 2, &error);
    ck_assert_msg(status == OCLSTM_OK, "%s", error.message);
    oclstm_tensors *file = load_good(file_path("m"));
    ck_assert_str_eq(oclstm_tensors_metadata(file, "oclstm.layers"), "embed,lstm");
    ck_assert_str_eq(oclstm_tensors_metadata(file, ""), "\"quoted\"\n\xc3\xb6");
    oclstm_tensors_close(&file);
    ck_assert_int_eq(oclstm_tensors_write(file_path("m.npz"), OCLSTM_NPZ, &array, 1, metadata, 2, NULL), OCLSTM_OK);
}
END_TEST

START_TEST(a_file_of_no_tensors) {
    write_good(file_path("none"), OCLSTM_SAFETENSORS, NULL, 0);
    oclstm_tensors *file = load_good(file_path("none"));
    ck_assert_uint_eq(oclstm_tensors_count(file), 0);
    oclstm_tensors_close(&file);
    refuse(OCLSTM_NPZ, NULL, 0, "would be an empty zip archive");
}
END_TEST

START_TEST(real_models) {
    static const char *const names[] = {"models/torch_tagger.pt", "models/torch_cell_bf16.pt", "models/mindspore_cell.ckpt",
                                        "models/onnx_peepholes.onnx"};
    oclstm_tensors *from = load_good(test_data(names[_i]));
    oclstm_named_array arrays[64];
    const size_t count = oclstm_tensors_count(from);
    ck_assert_uint_le(count, 64);
    for (size_t i = 0; i < count; i++) {
        const oclstm_tensor *t = oclstm_tensors_at(from, i);
        arrays[i] = (oclstm_named_array){t->name, {.data = t->data, .dtype = t->dtype, .rank = t->rank}};
        memcpy(arrays[i].array.shape, t->shape, sizeof t->shape);
    }
    for (int format = OCLSTM_SAFETENSORS; format <= OCLSTM_NPZ; format++) {
        if (_i == 1 && format == OCLSTM_NPZ)
            continue;
        write_good(file_path(paths[format]), (oclstm_file_format)format, arrays, count);
        oclstm_tensors *file = load_good(file_path(paths[format]));
        load_compare(from, file);
        oclstm_tensors_close(&file);
    }
    oclstm_tensors_close(&from);
}
END_TEST

// --- what is refused ----------------------------------------------------------------------------------------------------

START_TEST(names) {
    const oclstm_const_array array = ARRAY(F32, .rank = 1, .shape = {1});
    const struct {
        const char *first, *second, *words;
        bool npz_only, safetensors_only;
    } cases[] = {
        {"a", "a", "the tensor 'a' is given twice", false, false},
        {"a", "", "tensor 1 has no name", false, false},
        {NULL, "a", "tensor 0 has no name", false, false},
        {"a", "\xff\xfe", "not valid UTF-8", false, true},
        {"a", "\xc3", "not valid UTF-8", false, true},
        {"a", "__metadata__", "__metadata__", false, true},
        {"a", "../b", "'../b' cannot be a file of a zip archive", true, false},
        {"a", "/b", "'/b' cannot be a file of a zip archive", true, false},
        {"a", "b/../../c", "cannot be a file of a zip archive", true, false},
        {"a", "b\\..\\c", "cannot be a file of a zip archive", true, false},
        {"a", "\xff\xfe", "not valid UTF-8", true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const oclstm_named_array arrays[] = {{cases[i].first, array}, {cases[i].second, array}};
        if (!cases[i].npz_only)
            refuse(OCLSTM_SAFETENSORS, arrays, 2, cases[i].words);
        if (!cases[i].safetensors_only)
            refuse(OCLSTM_NPZ, arrays, 2, cases[i].words);
    }
}
END_TEST

START_TEST(arrays) {
    const struct {
        oclstm_const_array array;
        const char *words;
    } cases[] = {
        {{.dtype = OCLSTM_F32, .rank = 1, .shape = {1}}, "is absent"},
        {ARRAY(F32, .rank = -1), "no dtype or rank that there is"},
        {ARRAY(F32, .rank = OCLSTM_MAX_RANK + 1), "no dtype or rank that there is"},
        {{.data = data, .dtype = (oclstm_dtype)99, .rank = 1, .shape = {1}}, "no dtype or rank that there is"},
        {ARRAY(F32, .rank = 1, .shape = {-1}), "is negative or larger"},
        {ARRAY(F32, .rank = 1, .shape = {INT64_MAX}), "is negative or larger"},
        {ARRAY(U8, .rank = 2, .shape = {INT64_MAX, 2}), "is negative or larger"},
        {ARRAY(F32, .rank = 3, .shape = {INT64_MAX, INT64_MAX, INT64_MAX}), "is negative or larger"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const oclstm_named_array named = {"w", cases[i].array};
        refuse(OCLSTM_SAFETENSORS, &named, 1, cases[i].words);
        refuse(OCLSTM_NPZ, &named, 1, cases[i].words);
    }
    const oclstm_named_array half = {"w", ARRAY(BF16, .rank = 1, .shape = {1})};
    refuse(OCLSTM_NPZ, &half, 1, "is bfloat16, which NumPy has not: write .safetensors");
    refuse((oclstm_file_format)7, &half, 1, "no file format with the number 7");
}
END_TEST

START_TEST(null_arguments_and_metadata) {
    const oclstm_named_array array = {"w", ARRAY(F32, .rank = 1, .shape = {1})};
    const oclstm_metadata twice[] = {{"k", "1"}, {"k", "2"}}, keyless = {NULL, "1"}, valueless = {"k", NULL},
                          broken = {"k", "\xff"};
    const char *path = file_path("m");
    const struct {
        const char *path;
        const oclstm_named_array *arrays;
        const oclstm_metadata *metadata;
        size_t metadata_count;
        const char *words;
    } cases[] = {
        {NULL, &array, NULL, 0, "path is NULL"},         {path, NULL, NULL, 0, "arrays or metadata is NULL"},
        {path, &array, NULL, 1, "arrays or metadata"},   {path, &array, twice, 2, "the metadata key 'k' is given twice"},
        {path, &array, &keyless, 1, "metadata entry 0"}, {path, &array, &valueless, 1, "no key or no value"},
        {path, &array, &broken, 1, "not valid UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        oclstm_error error = {.message = ""};
        const oclstm_status status = oclstm_tensors_write(cases[i].path, OCLSTM_SAFETENSORS, cases[i].arrays, 1, cases[i].metadata,
                                                          cases[i].metadata_count, &error);
        ck_assert_msg(status == OCLSTM_INVALID_ARGUMENT, "case %zu: %s", i, oclstm_status_name(status));
        ck_assert_msg(strstr(error.message, cases[i].words) != NULL, "'%s' lacks '%s'", error.message, cases[i].words);
        ck_assert_int_eq(file_count(), 0);
    }
}
END_TEST

// --- nothing half written -----------------------------------------------------------------------------------------------

static void expect_failure(const char *path, int format, const char *words) {
    const oclstm_named_array array = {"w", ARRAY(F32, .rank = 1, .shape = {20})};
    oclstm_error error = {.message = ""};
    const int files = file_count();
    const oclstm_status status = write_file(path, (oclstm_file_format)format, &array, 1, &error);
    ck_assert_msg(status == OCLSTM_IO, "%s: %s", oclstm_status_name(status), error.message);
    ck_assert_msg(strstr(error.message, words) != NULL, "'%s' lacks '%s'", error.message, words);
    ck_assert_int_eq(file_count(), files);
}

START_TEST(places_that_cannot_be_written) {
    expect_failure(file_path("missing/m"), _i, "folder must exist");
    expect_failure(file_path("."), _i, "it is a directory");
    expect_failure("", _i, "the path is empty");
    if (access("/dev/full", W_OK) == 0)
        expect_failure("/dev/full", _i, "/dev/full");
}
END_TEST

START_TEST(a_folder_without_permission) {
    if (geteuid() == 0)
        return; // root writes everywhere
    const char *folder = file_path("closed");
    ck_assert_int_eq(mkdir(folder, 0500), 0);
    expect_failure(file_path("closed/m"), _i, "cannot create");
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

// The disk is full: by a limit on the size of files, in a process of its own. What was there stays.
START_TEST(a_full_disk) {
    const char *path = file_path("kept");
    const oclstm_named_array array = {"w", ARRAY(F32, .rank = 1, .shape = {20})};
    file_write("kept", "as it was", 9);
    int result;
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        oclstm_error error = {.message = ""};
        const struct rlimit limit = {64, 64};
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(77);
        const oclstm_status status = write_file(path, (oclstm_file_format)_i, &array, 1, &error);
        _exit(status == OCLSTM_IO && strstr(error.message, path) != NULL ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &result, 0), child);
    ck_assert(WIFEXITED(result) && (WEXITSTATUS(result) == 0 || WEXITSTATUS(result) == 77));
    ck_assert_int_eq(file_count(), 1);
    char text[16] = "";
    FILE *stream = fopen(path, "rb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fread(text, 1, sizeof text, stream), 9);
    fclose(stream);
    ck_assert_str_eq(text, "as it was");
}
END_TEST

START_TEST(a_file_is_replaced) {
    const oclstm_named_array array = {"w", ARRAY(F32, .rank = 1, .shape = {20})};
    file_write(paths[_i], "as it was", 9);
    write_good(file_path(paths[_i]), (oclstm_file_format)_i, &array, 1);
    oclstm_tensors *file = load_good(file_path(paths[_i]));
    oclstm_tensors_close(&file);
    ck_assert_int_eq(file_count(), 1);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("tensors_write");
    TCase *tcase = file_case(suite, "write");
    tcase_add_loop_test(tcase, every_dtype, 0, 2);
    tcase_add_loop_test(tcase, every_rank_and_empty_arrays, 0, 2);
    tcase_add_test(tcase, metadata_is_kept);
    tcase_add_test(tcase, a_file_of_no_tensors);
    tcase_add_loop_test(tcase, real_models, 0, 4);
    tcase = file_case(suite, "refuse");
    tcase_add_test(tcase, names);
    tcase_add_test(tcase, arrays);
    tcase_add_test(tcase, null_arguments_and_metadata);
    tcase = file_case(suite, "fail");
    tcase_add_loop_test(tcase, places_that_cannot_be_written, 0, 2);
    tcase_add_loop_test(tcase, a_folder_without_permission, 0, 2);
    tcase = file_case(suite, "full");
    tcase_add_loop_test(tcase, a_full_disk, 0, 1);
    tcase = file_case(suite, "full npz");
    tcase_add_loop_test(tcase, a_full_disk, 1, 2);
    tcase = file_case(suite, "replace");
    tcase_add_loop_test(tcase, a_file_is_replaced, 0, 1);
    tcase = file_case(suite, "replace npz");
    tcase_add_loop_test(tcase, a_file_is_replaced, 1, 2);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
