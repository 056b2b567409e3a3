// SPDX-License-Identifier: Apache-2.0
// Programs that were compiled beforehand: exported, built by this device's own driver, and taken from the folder.
#define _XOPEN_SOURCE 700 // nftw
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include <oclstm/kernels.h>
#include <oclstm/train.h>

#include "cell_fixture.h"
#include "device/device_private.h"
#include "device/program_text.h"
#include "kernel_cache_fixture.h"

static temporary_dir dir;
static oclstm_error error;

static void make_dir(void) { cache_dir_make(&dir); }

static void remove_dir(void) {
    ck_assert_int_eq(oclstm_kernels_set_binary_dir(NULL, &error), OCLSTM_OK);
    cache_dir_remove(&dir);
}

static size_t count_files(const char *extension) {
    size_t count = 0;
    DIR *stream = opendir(dir.path);
    ck_assert_ptr_nonnull(stream);
    for (const struct dirent *item; (item = readdir(stream)) != NULL;) {
        const char *dot = strrchr(item->d_name, '.');
        count += dot != NULL && strcmp(dot, extension) == 0;
    }
    closedir(stream);
    return count;
}

static char *read_text(const char *name) {
    static char text[1 << 20];
    char path[600];
    snprintf(path, sizeof path, "%s/%s", dir.path, name);
    FILE *stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "%s", path);
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    fclose(stream);
    return text;
}

// A device that has taken nothing yet, without a compiler as far as the library knows.
static oclstm_device *open_without_compiler(void) {
    oclstm_device *device = NULL;
    ck_assert_msg(oclstm_device_open(&device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
    device->limits.has_compiler = false;
    return device;
}

static oclstm_kernel_counts counts_of(oclstm_device *device, const char **note) {
    static char text[1024];
    oclstm_kernel_counts counts;
    ck_assert_int_eq(oclstm_kernels_count(&counts, device, text, sizeof text, &error), OCLSTM_OK);
    if (note != NULL)
        *note = text;
    return counts;
}

// --- the whole way ----------------------------------------------------------------------------------------------------

// Every engine in every dtype, in all of its forms, finds what it needs in a folder that was exported without a model.
START_TEST(everything_is_exported) {
    static const cell_case shapes[] = {
        {.input = 5, .hidden = 7, .batch = 0, .steps = 0},   {.input = 30, .hidden = 40, .batch = 3, .steps = 4},
        {.input = 64, .hidden = 64, .batch = 1, .steps = 5}, {.input = 130, .hidden = 140, .batch = 20, .steps = 2},
        {.input = 9, .hidden = 400, .batch = 2, .steps = 2}, {.input = 3, .hidden = 3, .batch = 70, .steps = 2}};
    size_t count = 0;
    const oclstm_kernels_export_params params = {.device = fixture_device(), .binaries = true};
    expect_ok(oclstm_kernels_export(&count, dir.path, &params, &error), &error);
    ck_assert_uint_ge(count, 4);
    ck_assert_uint_eq(count_files(".cl"), count);
    ck_assert_uint_eq(count_files(".options"), count);
    ck_assert_uint_eq(count_files(".bin"), count);
    expect_ok(oclstm_kernels_set_binary_dir(dir.path, &error), &error);
    oclstm_device *device = open_without_compiler();
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (int kind = 0; kind < 4; kind++) {
            static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F16, OCLSTM_BF16, OCLSTM_F64};
            if (dtypes[kind] == OCLSTM_F64 && !fixture_has_fp64())
                continue;
            for (const oclstm_engine *engine = fixture_engines(dtypes[kind]); *engine != OCLSTM_ENGINE_AUTO; engine++) {
                if (*engine == OCLSTM_ENGINE_CLBLAST)
                    continue; // compiles kernels of its own
                cell_case shape = shapes[i];
                shape.dtype = dtypes[kind];
                shape.engine = *engine;
                cell_problem *problem = problem_create(&shape);
                oclstm_cell *cell = problem_cell(problem, device);
                problem_solve(problem);
                problem_run(problem, cell);
                problem_compare(problem, cell);
                oclstm_cell_destroy(&cell);
                problem_destroy(&problem);
            }
        }
    }
    const oclstm_kernel_counts counts = counts_of(device, NULL);
    ck_assert_uint_eq(counts.from_source, 0);
    ck_assert_uint_eq(counts.from_cache, 0);
    ck_assert_uint_ge(counts.from_folder, 3);
    oclstm_device_close(&device);
}
END_TEST

// Networks, too: with embedding or linear layers, in both directions, with a projection.
START_TEST(networks_are_exported) {
    static const char *const files[] = {"cells/torch_lstm_l2.safetensors", "cells/torch_lstm_bidir.safetensors",
                                        "cells/torch_lstm_proj.safetensors", "cells/torch_lstm_l2_f64.safetensors"};
    const oclstm_kernels_export_params params = {.device = fixture_device(), .engine = OCLSTM_ENGINE_PORTABLE, .binaries = true};
    expect_ok(oclstm_kernels_export(NULL, dir.path, &params, &error), &error);
    expect_ok(oclstm_kernels_set_binary_dir(dir.path, &error), &error);
    oclstm_device *device = open_without_compiler();
    for (int i = 0; i < (fixture_has_fp64() ? 4 : 3); i++) {
        oclstm_tensors *file = NULL;
        oclstm_network *network = NULL;
        expect_ok(oclstm_tensors_open(&file, test_data(files[i]), &error), &error);
        expect_ok(oclstm_network_load(&network, device, file,
                                      &(oclstm_network_params){.layers = ".", .engine = OCLSTM_ENGINE_PORTABLE}, &error),
                  &error);
        oclstm_network_destroy(&network);
        oclstm_tensors_close(&file);
    }
    ck_assert_uint_ge(counts_of(device, NULL).from_folder, 2); // network.cl, general.cl
    ck_assert_uint_eq(counts_of(device, NULL).from_source, 0);
    oclstm_device_close(&device);
}
END_TEST

// Training on the portable engine, too: every loss and optimizer, dropout.
START_TEST(training_is_exported) {
    static const float target[12] = {1, 0, 1};
    static const int32_t tokens[6] = {0, 1, 2, 3, 4, 0}, classes_of_rows[6] = {1, 0, 1, 1, 0, 0};
    const oclstm_kernels_export_params params = {.device = fixture_device(), .engine = OCLSTM_ENGINE_PORTABLE, .binaries = true};
    expect_ok(oclstm_kernels_export(NULL, dir.path, &params, &error), &error);
    expect_ok(oclstm_kernels_set_binary_dir(dir.path, &error), &error);
    oclstm_device *device = open_without_compiler();
    for (int i = 0; i < 3; i++) {
        const bool classes = i == OCLSTM_LOSS_CROSS_ENTROPY;
        oclstm_trainer *trainer = NULL;
        const oclstm_trainer_params settings = {.description = "embed 5 3, lstm 3 4 layers 2 proj 2, linear 2",
                                                .engine = OCLSTM_ENGINE_PORTABLE,
                                                .dropout = 0.5,
                                                .loss = (oclstm_loss)i,
                                                .optimizer = oclstm_optimizer_defaults((oclstm_optimizer)i)};
        const oclstm_train_batch batch = {.tokens = {.data = tokens, .dtype = OCLSTM_I32, .rank = 2, .shape = {3, 2}},
                                          .target = {.data = classes ? (const void *)classes_of_rows : (const void *)target,
                                                     .dtype = classes ? OCLSTM_I32 : OCLSTM_F32,
                                                     .rank = classes ? 2 : 3,
                                                     .shape = {3, 2, 2}}};
        oclstm_train_result result;
        expect_ok(oclstm_trainer_create(&trainer, device, NULL, &settings, &error), &error);
        expect_ok(oclstm_trainer_step(trainer, &batch, &result, &error), &error);
        ck_assert(result.finite);
        oclstm_trainer_destroy(&trainer);
    }
    ck_assert_uint_ge(counts_of(device, NULL).from_folder, 5);
    ck_assert_uint_eq(counts_of(device, NULL).from_source, 0);
    oclstm_device_close(&device);
}
END_TEST

START_TEST(the_texts_beside) {
    size_t count = 0;
    const oclstm_kernels_export_params params = {.device = fixture_device()};
    expect_ok(oclstm_kernels_export(&count, dir.path, &params, &error), &error);
    ck_assert_uint_eq(count_files(".bin"), 0);
    const char *index = read_text("index.txt");
    ck_assert_ptr_nonnull(strstr(index, "\nportable-"));
    ck_assert_ptr_nonnull(strstr(index, "for      engine portable, float32\n    files    portable.cl\n    options  -cl-std="));
    const char *readme = read_text("README.txt");
    ck_assert_ptr_nonnull(strstr(readme, oclstm_device_get_info(fixture_device())->name));
    ck_assert_ptr_nonnull(strstr(readme, "NAME.spv"));
    ck_assert_ptr_nonnull(strstr(readme, "clang -target spir64"));
    // The text is what the compiler gets: header and all.
    char *text = NULL, name[DEVICE_PROGRAM_NAME], file[128];
    const char *options = device_dtype_options(fixture_device(), OCLSTM_F32);
    expect_ok(program_text_load(&text, "", "portable.cl", &error), &error);
    program_text_name(name, "portable.cl", options, text);
    snprintf(file, sizeof file, "%s.cl", name);
    ck_assert_str_eq(read_text(file), text);
    snprintf(file, sizeof file, "%s.options", name);
    ck_assert_str_eq(read_text(file), options);
    free(text);
}
END_TEST

// --- what is asked for ------------------------------------------------------------------------------------------------

static size_t exported(oclstm_kernels_export_params params) {
    size_t count = 0;
    expect_ok(oclstm_kernels_export(&count, dir.path, &params, &error), &error);
    return count;
}

START_TEST(less_is_exported_on_request) {
    const oclstm_dtype f32 = OCLSTM_F32, f64 = OCLSTM_F64;
    oclstm_device *device = fixture_device();
    const oclstm_device_info *info = oclstm_device_get_info(device);
    const size_t all = exported((oclstm_kernels_export_params){.device = device});
    ck_assert_uint_eq(exported((oclstm_kernels_export_params){.info = info}), all);
    ck_assert_uint_eq(exported((oclstm_kernels_export_params){.device = device, .engine = OCLSTM_ENGINE_PORTABLE, .dtype = &f32}),
                      9); // cells, and what networks and training add
    if (info->has_fp64)
        ck_assert_uint_eq(
            exported((oclstm_kernels_export_params){.device = device, .engine = OCLSTM_ENGINE_PORTABLE, .dtype = &f64}), 9);
    ck_assert_uint_lt(exported((oclstm_kernels_export_params){.device = device, .dtype = &f32}), all);
    ck_assert_uint_le(exported((oclstm_kernels_export_params){.device = device, .batch = 1}), all);
    // Without a device: by assumptions, and more.
    ck_assert_uint_gt(exported((oclstm_kernels_export_params){.batch = 0}), all);
    ck_assert_ptr_nonnull(strstr(read_text("README.txt"), "No device was named"));

    oclstm_tensors *model = NULL;
    expect_ok(oclstm_tensors_open(&model, test_data("silero/silero_vad_16k.safetensors"), &error), &error);
    const size_t one = exported((oclstm_kernels_export_params){.device = device, .model = model});
    ck_assert_uint_ge(one, 1);
    ck_assert_uint_lt(one, all);
    ck_assert_uint_le(exported((oclstm_kernels_export_params){.device = device, .model = model, .batch = 1}), one);
    ck_assert_uint_ge(exported((oclstm_kernels_export_params){.model = model}), one);
    const oclstm_kernels_export_params absent = {.device = device, .model = model, .cell = "absent"};
    expect_failure(oclstm_kernels_export(NULL, dir.path, &absent, &error), &error, OCLSTM_NOT_FOUND, "absent");
    oclstm_tensors_close(&model);
}
END_TEST

START_TEST(a_device_that_cannot_be_opened) {
    oclstm_device_info info = *oclstm_device_get_info(fixture_device());
    info.usable = false;
    info.has_compiler = false;
    info.has_fp64 = false;
    strcpy(info.device_version, "OpenCL 1.1 ACME");
    const size_t count = exported((oclstm_kernels_export_params){.info = &info});
    ck_assert_uint_ge(count, 2);
    const char *index = read_text("index.txt");
    ck_assert_ptr_nonnull(strstr(index, "-cl-std=CL1.1"));
    ck_assert_ptr_null(strstr(index, "CL1.2"));
    ck_assert_ptr_null(strstr(index, "double"));
    ck_assert_ptr_null(strstr(index, "clblast")); // needs a compiler
}
END_TEST

START_TEST(what_is_refused) {
    const oclstm_kernels_export_params none = {.batch = 0}, negative = {.batch = -1}, binaries = {.binaries = true},
                                       engine = {.engine = (oclstm_engine)77};
    expect_failure(oclstm_kernels_export(NULL, NULL, &none, &error), &error, OCLSTM_INVALID_ARGUMENT, "directory");
    expect_failure(oclstm_kernels_export(NULL, dir.path, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "params");
    expect_failure(oclstm_kernels_export(NULL, dir.path, &negative, &error), &error, OCLSTM_INVALID_ARGUMENT, "batch");
    expect_failure(oclstm_kernels_export(NULL, dir.path, &binaries, &error), &error, OCLSTM_INVALID_ARGUMENT, "opened device");
    expect_failure(oclstm_kernels_export(NULL, dir.path, &engine, &error), &error, OCLSTM_INVALID_ARGUMENT, "77");
    expect_failure(oclstm_kernels_export(NULL, "/proc/none", &none, &error), &error, OCLSTM_IO, "/proc/none/");
}
END_TEST

// --- what the folder lacks --------------------------------------------------------------------------------------------

// The path of the exported portable kernel's binary.
static const char *portable_binary(char name[DEVICE_PROGRAM_NAME]) {
    static char path[600];
    char *text = NULL;
    const oclstm_dtype f32 = OCLSTM_F32;
    const oclstm_kernels_export_params params = {
        .device = fixture_device(), .engine = OCLSTM_ENGINE_PORTABLE, .dtype = &f32, .binaries = true};
    expect_ok(oclstm_kernels_export(NULL, dir.path, &params, &error), &error);
    expect_ok(program_text_load(&text, "", "portable.cl", &error), &error);
    program_text_name(name, "portable.cl", device_dtype_options(fixture_device(), OCLSTM_F32), text);
    snprintf(path, sizeof path, "%s/%s.bin", dir.path, name);
    free(text);
    return path;
}

START_TEST(a_missing_program_without_a_compiler) {
    char name[DEVICE_PROGRAM_NAME];
    cl_program program = NULL;
    const char *path = portable_binary(name);
    expect_ok(oclstm_kernels_set_binary_dir(dir.path, &error), &error);
    oclstm_device *device = open_without_compiler();
    const char *options = device_dtype_options(device, OCLSTM_F32);
    ck_assert_int_eq(unlink(path), 0);
    expect_failure(device_program_get(&program, device, "portable.cl", options, &error), &error, OCLSTM_BUILD_FAILED, name,
                   "has no compiler", "portable.cl", options, "oclstm kernels --export DIR", dir.path);
    ck_assert_ptr_null(program);
    ck_assert_str_eq(error.device, device->limits.name);
    // One that the driver refuses is named, too.
    FILE *stream = fopen(path, "wb");
    ck_assert_ptr_nonnull(stream);
    fputs("no program of any driver", stream);
    fclose(stream);
    expect_failure(device_program_get(&program, device, "portable.cl", options, &error), &error, OCLSTM_BUILD_FAILED, name,
                   ".bin\" is not used: clCreateProgramWithBinary gives");
    oclstm_device_close(&device);
}
END_TEST

START_TEST(a_missing_program_with_a_compiler) {
    char name[DEVICE_PROGRAM_NAME];
    const char *note = NULL, *path = portable_binary(name);
    cl_program program = NULL;
    ck_assert_int_eq(setenv("OCLSTM_KERNEL_CACHE", "0", 1), 0);
    expect_ok(oclstm_kernels_set_binary_dir(dir.path, &error), &error);
    ck_assert_int_eq(unlink(path), 0);
    oclstm_device *device = open_without_compiler();
    device->limits.has_compiler = true;
    const char *options = device_dtype_options(device, OCLSTM_F32);
    expect_ok(device_program_get(&program, device, "portable.cl", options, &error), &error);
    ck_assert_uint_eq(counts_of(device, &note).from_source, 1);
    ck_assert_msg(strstr(note, name) != NULL && strstr(note, "holds no") != NULL, "%s", note);
    oclstm_device_close(&device);
    // A text or options that changed since have another name.
    portable_binary(name);
    device = open_without_compiler();
    ck_assert_int_eq(device_program_get(&program, device, "portable.cl", "-D REAL=float -D REAL_IS_DOUBLE=0 -D X", &error),
                     OCLSTM_BUILD_FAILED);
    expect_ok(device_program_get(&program, device, "portable.cl", options, &error), &error);
    ck_assert_uint_eq(counts_of(device, NULL).from_folder, 1);
    oclstm_device_close(&device);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("kernels_offline");
    TCase *offline = tcase_create("offline");
    tcase_add_checked_fixture(offline, make_dir, remove_dir);
    tcase_add_unchecked_fixture(offline, NULL, fixture_close);
    tcase_set_timeout(offline, 0.0);
    tcase_add_test(offline, everything_is_exported);
    tcase_add_test(offline, networks_are_exported);
    tcase_add_test(offline, training_is_exported);
    tcase_add_test(offline, the_texts_beside);
    tcase_add_test(offline, less_is_exported_on_request);
    tcase_add_test(offline, a_device_that_cannot_be_opened);
    tcase_add_test(offline, what_is_refused);
    tcase_add_test(offline, a_missing_program_without_a_compiler);
    tcase_add_test(offline, a_missing_program_with_a_compiler);
    suite_add_tcase(suite, offline);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
