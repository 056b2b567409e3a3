// SPDX-License-Identifier: Apache-2.0
// Programs that come from the disk cache, with the cache on for every driver.
#define _XOPEN_SOURCE 700 // nftw
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <oclstm/kernels.h>

#include "device/device_facts.h"
#include "device/device_private.h"
#include "device/kernel_cache.h"
#include "kernel_cache_fixture.h"
#include "runner.h"

static temporary_dir dir, sources;
static oclstm_error error;
static char note[1024];

static const char scale_text[] = "__kernel void scale(__global float *x) { x[get_global_id(0)] *= FACTOR; }\n"
                                 "__kernel void shift(__global float *x) { x[get_global_id(0)] += FACTOR; }\n";

static void make_dirs(void) {
    cache_dir_make(&dir);
    temporary_dir_make(&sources);
    temporary_dir_write(&sources, "lstm_shared.h", "");
    temporary_dir_write(&sources, "scale.cl", scale_text);
}

static void remove_dirs(void) {
    cache_dir_remove(&dir);
    temporary_dir_remove(&sources);
}

// Opens the device as another process would, runs scale over 2.5, and says where the program came from.
static oclstm_kernel_counts run(const char *options, float expected) {
    oclstm_device *device = NULL;
    cl_program program = NULL;
    cl_kernel kernel = NULL;
    cl_mem mem = NULL;
    float x = 2.5f;
    oclstm_kernel_counts counts;
    ck_assert_msg(oclstm_device_open(&device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_int_eq(oclstm_device_set_kernel_dir(device, sources.path, &error), OCLSTM_OK);
    ck_assert_msg(device_program_get(&program, device, "scale.cl", options, &error) == OCLSTM_OK, "%s\n%s", error.message,
                  error.build_log);
    ck_assert_int_eq(device_kernel_create(&kernel, device, program, "scale", NULL, &error), OCLSTM_OK);
    ck_assert_int_eq(device_buffer_create(&mem, device, CL_MEM_READ_WRITE, sizeof x, "x", &error), OCLSTM_OK);
    ck_assert_int_eq(device_write(device, mem, 0, &x, sizeof x, "x", &error), OCLSTM_OK);
    ck_assert_int_eq(device_set_args(device, kernel, 0, &error, DEVICE_ARG(mem), (size_t)0), OCLSTM_OK);
    const device_grid grid = {1, {1, 1, 1}, {1, 1, 1}};
    ck_assert_int_eq(device_launch(device, kernel, &grid, &error), OCLSTM_OK);
    ck_assert_int_eq(device_read(device, &x, mem, 0, sizeof x, "x", &error), OCLSTM_OK);
    ck_assert_int_eq(oclstm_kernels_count(&counts, device, note, sizeof note, &error), OCLSTM_OK);
    device_buffer_release(device, &mem);
    device_kernel_release(&kernel);
    oclstm_device_close(&device);
    ck_assert_msg(x == expected, "%g, expected %g", (double)x, (double)expected);
    return counts;
}

static void expect_counts(oclstm_kernel_counts counts, size_t from_source, size_t from_cache, size_t kept) {
    ck_assert_msg(counts.from_source == from_source && counts.from_cache == from_cache && counts.kept == kept,
                  "%zu from source, %zu from the cache, %zu kept; note: %s", counts.from_source, counts.from_cache, counts.kept,
                  note);
}

// The one entry's path.
static const char *entry_path(void) {
    static char path[600];
    oclstm_kernel_entry *list;
    size_t count;
    ck_assert_int_eq(oclstm_kernels_list(&list, &count, &error), OCLSTM_OK);
    ck_assert_uint_eq(count, 1);
    snprintf(path, sizeof path, "%s/kernels/%s", dir.path, list[0].name);
    oclstm_kernels_list_free(&list);
    return path;
}

START_TEST(the_second_time_nothing_is_built) {
    expect_counts(run("-D FACTOR=2", 5), 1, 0, 1);
    expect_counts(run("-D FACTOR=2", 5), 0, 1, 0);
    ck_assert_str_eq(note, "");
    expect_counts(run("-D FACTOR=4", 10), 1, 0, 1); // other options
    temporary_dir_write(&sources, "lstm_shared.h", "\n");
    expect_counts(run("-D FACTOR=2", 5), 1, 0, 1); // another text
    expect_counts(run("-D FACTOR=2", 5), 0, 1, 0);
    expect_counts(run("-D FACTOR=4", 10), 1, 0, 1);
}
END_TEST

START_TEST(a_damaged_entry_is_built_again) {
    struct stat facts;
    expect_counts(run("-D FACTOR=2", 5), 1, 0, 1);
    ck_assert_int_eq(stat(entry_path(), &facts), 0);
    ck_assert_int_eq(truncate(entry_path(), facts.st_size / 2), 0);
    expect_counts(run("-D FACTOR=2", 5), 1, 0, 1);
    expect_counts(run("-D FACTOR=2", 5), 0, 1, 0);
    const int file = open(entry_path(), O_WRONLY);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(pwrite(file, "x", 1, facts.st_size - 20), 1);
    close(file);
    expect_counts(run("-D FACTOR=2", 5), 1, 0, 1);
}
END_TEST

// The one entry; its bytes are the caller's to free.
static unsigned char *read_entry(kernel_entry *entry, const char *path) {
    const char *reason;
    struct stat facts;
    unsigned char *bytes = NULL;
    ck_assert_int_eq(stat(path, &facts), 0);
    FILE *stream = fopen(path, "rb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_ptr_nonnull(bytes = malloc((size_t)facts.st_size));
    ck_assert_uint_eq(fread(bytes, 1, (size_t)facts.st_size, stream), (size_t)facts.st_size);
    fclose(stream);
    ck_assert(kernel_entry_parse(entry, bytes, (size_t)facts.st_size, &reason));
    return bytes;
}

// Writes the entry anew, whole, with other names or another binary.
static void rewrite(const char *names, const unsigned char *binary, size_t length) {
    char path[600], why[512];
    kernel_entry entry;
    snprintf(path, sizeof path, "%s", entry_path());
    unsigned char *bytes = read_entry(&entry, path);
    kernel_key key;
    char *texts[KEY_PARTS];
    for (int part = 0; part < KEY_PARTS; part++) {
        ck_assert_ptr_nonnull(texts[part] = strndup((const char *)entry.key[part].bytes, entry.key[part].length));
        key.parts[part] = texts[part];
    }
    ck_assert(kernel_cache_store(&key, names, binary != NULL ? binary : entry.binary.bytes,
                                 binary != NULL ? length : entry.binary.length, why, sizeof why));
    for (int part = 0; part < KEY_PARTS; part++)
        free(texts[part]);
    free(bytes);
}

// What a binary depends on is its key: none of it may be left out.
START_TEST(an_entry_names_what_it_was_made_from) {
    kernel_entry entry;
    oclstm_device *device = NULL;
    expect_counts(run("-D FACTOR=2", 5), 1, 0, 1);
    unsigned char *bytes = read_entry(&entry, entry_path());
    ck_assert_int_eq(oclstm_device_open(&device, test_device(), &error), OCLSTM_OK);
    const device_limits *limits = device_get_limits(device);
    const char *const wanted[KEY_PARTS] = {[KEY_LIBRARY] = OCLSTM_VERSION,
                                           [KEY_PLATFORM] = limits->platform_name,
                                           [KEY_PLATFORM_VERSION] = "OpenCL ",
                                           [KEY_DEVICE] = limits->name,
                                           [KEY_DEVICE_VERSION] = limits->device_version,
                                           [KEY_DRIVER] = limits->driver_version,
                                           [KEY_FILES] = "scale.cl",
                                           [KEY_OPTIONS] = "-D FACTOR=2"};
    for (int part = 0; part < KEY_PARTS; part++) {
        char found[sizeof scale_text + 200] = "";
        ck_assert_uint_lt(entry.key[part].length, sizeof found);
        memcpy(found, entry.key[part].bytes, entry.key[part].length);
        if (part == KEY_SOURCE)
            ck_assert_ptr_nonnull(strstr(found, scale_text));
        else if (part == KEY_PLATFORM_VERSION)
            ck_assert_int_eq(strncmp(found, wanted[part], strlen(wanted[part])), 0);
        else
            ck_assert_str_eq(found, wanted[part]);
    }
    oclstm_device_close(&device);
    free(bytes);
}
END_TEST

START_TEST(an_entry_that_the_driver_refuses_is_built_again) {
    expect_counts(run("-D FACTOR=2", 5), 1, 0, 1);
    rewrite("scale;shift", (const unsigned char *)"no program of any driver", 24);
    expect_counts(run("-D FACTOR=2", 5), 1, 0, 1);
    expect_counts(run("-D FACTOR=2", 5), 0, 1, 0);
}
END_TEST

START_TEST(an_entry_whose_kernels_cannot_be_made_is_built_again) {
    static const char *const names[] = {"scale;absent", "absent", "", ";", "scale;;shift"};
    expect_counts(run("-D FACTOR=2", 5), 1, 0, 1);
    for (int i = 0; i < 5; i++) {
        rewrite(names[i], NULL, 0);
        expect_counts(run("-D FACTOR=2", 5), 1, 0, 1);
    }
}
END_TEST

START_TEST(a_folder_that_cannot_be_written_is_no_error) {
    char folder[600];
    snprintf(folder, sizeof folder, "%s/kernels", dir.path);
    FILE *stream = fopen(folder, "wb");
    ck_assert_ptr_nonnull(stream);
    fclose(stream);
    expect_counts(run("-D FACTOR=2", 5), 1, 0, 0);
    ck_assert_msg(strstr(note, "a kernel is not kept: cannot write") != NULL, "%s", note);
}
END_TEST

START_TEST(where_the_driver_keeps_its_own_nothing_is_kept) {
    device_limits limits = {0};
    strcpy(limits.platform_name, "Portable Computing Language");
    ck_assert(device_keeps_own_kernels(&limits));
    strcpy(limits.platform_name, "NVIDIA CUDA");
    ck_assert(device_keeps_own_kernels(&limits));
    strcpy(limits.platform_name, "Intel(R) OpenCL");
    ck_assert(!device_keeps_own_kernels(&limits));
    setenv("OCLSTM_KERNEL_CACHE", "0", 1);
    expect_counts(run("-D FACTOR=2", 5), 1, 0, 0);
    setenv("OCLSTM_KERNEL_CACHE", "auto", 1);
    oclstm_device *device = NULL;
    ck_assert_int_eq(oclstm_device_open(&device, test_device(), &error), OCLSTM_OK);
    const bool keeps_own = device_keeps_own_kernels(device_get_limits(device));
    oclstm_device_close(&device);
    expect_counts(run("-D FACTOR=2", 5), 1, 0, keeps_own ? 0 : 1);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("kernels_kept");
    TCase *kept = tcase_create("kept");
    tcase_add_checked_fixture(kept, make_dirs, remove_dirs);
    tcase_set_timeout(kept, 0.0);
    tcase_add_test(kept, the_second_time_nothing_is_built);
    tcase_add_test(kept, a_damaged_entry_is_built_again);
    tcase_add_test(kept, an_entry_names_what_it_was_made_from);
    tcase_add_test(kept, an_entry_that_the_driver_refuses_is_built_again);
    tcase_add_test(kept, an_entry_whose_kernels_cannot_be_made_is_built_again);
    tcase_add_test(kept, a_folder_that_cannot_be_written_is_no_error);
    tcase_add_test(kept, where_the_driver_keeps_its_own_nothing_is_kept);
    suite_add_tcase(suite, kept);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
