// SPDX-License-Identifier: Apache-2.0
// Tuned settings as text and as a file: what is written is read again, and of whatever else nothing is used.
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "device/tuned.h"
#include "runner.h"
#include "temporary_dir.h"

static device_limits limits;
static tuned_settings settings, found;
static oclstm_error error;
static temporary_dir dir;
static char text[TUNED_FILE_BYTES], why[256], note[1400], path[1024];

static void add_clblast(const char *kernel, oclstm_dtype dtype, const char *name, size_t value) {
    tuned_clblast *entry = &settings.clblast[settings.clblast_count++];
    *entry = (tuned_clblast){.dtype = dtype, .count = 1, .values = {value}};
    base_copy_string(entry->kernel, TUNED_NAME, kernel);
    base_copy_string(entry->names[0], TUNED_NAME, name);
}

static tuned_shape *add_shape(size_t batch, size_t input, size_t hidden, const char *engine, const char *form) {
    tuned_shape *shape = &settings.shapes[settings.shape_count++];
    *shape = (tuned_shape){.batch = batch, .input = input, .hidden = hidden, .groups = 2, .chunk = 96, .nanoseconds = 12345};
    base_copy_string(shape->engine, TUNED_NAME, engine);
    base_copy_string(shape->form, TUNED_NAME, form);
    return shape;
}

static void make_settings(void) {
    memset(&limits, 0, sizeof limits);
    memset(&settings, 0, sizeof settings);
    limits.kind = OCLSTM_DEVICE_CPU;
    base_copy_string(limits.platform_name, sizeof limits.platform_name, "ACME CL");
    base_copy_string(limits.name, sizeof limits.name, "ACME #1  cpu ");
    base_copy_string(limits.driver_version, sizeof limits.driver_version, "7.1 (debug)");
    add_clblast("Xgemm", OCLSTM_F32, "MWG", 64);
    add_clblast("GemmRoutine", OCLSTM_F64, "XGEMM_MIN_INDIRECT_SIZE", INT32_MAX);
    settings.fused[0] = (tuned_fused){16, 6};
    settings.fused[1] = (tuned_fused){8, 1};
    add_shape(1, 64, 64, "fused", "units");
    add_shape(64, 512, 512, "clblast", "");
    base_copy_string(settings.tried_key, sizeof settings.tried_key, "0123456789abcdef");
    settings.tried = 17;
    temporary_dir_make(&dir);
    setenv("OCLSTM_CACHE_DIR", dir.path, 1);
    ck_assert(tuned_path(&limits, path, sizeof path));
    ck_assert(tuned_format(&settings, &limits, text, sizeof text));
}

static void remove_files(void) {
    chmod(dir.path, 0700);
    unlink(path);
    rmdir(path);
    temporary_dir_remove(&dir);
}

static void write_file(const void *bytes, size_t count) {
    FILE *stream = fopen(path, "wb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(bytes, 1, count, stream), count);
    ck_assert_int_eq(fclose(stream), 0);
}

static bool is_empty(const tuned_settings *tuned) {
    return tuned->clblast_count == 0 && tuned->shape_count == 0 && tuned->fused[0].width == 0 && tuned->fused[1].width == 0 &&
           tuned->tried_key[0] == '\0';
}

static void expect_unused(const char *reason) {
    tuned_load(&found, &limits, note, sizeof note);
    ck_assert_msg(strncmp(note, "warning: ", 9) == 0 && strstr(note, reason) != NULL, "%s: no \"%s\"", note, reason);
    ck_assert_msg(is_empty(&found), "%s", note);
}

static void expect_refused(const char *bad, const char *reason) {
    ck_assert_msg(!tuned_parse(&found, bad, &limits, why, sizeof why), "accepted: %s", bad);
    ck_assert_msg(strstr(why, reason) != NULL, "%s: no \"%s\"", why, reason);
}

// The text of the settings with one line in place of the one that begins with `key`; NULL takes it out.
static const char *with_line(const char *key, const char *line) {
    static char changed[TUNED_FILE_BYTES];
    const char *begin = strstr(text, key);
    ck_assert_ptr_nonnull(begin);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(begin - text), text, line != NULL ? line : "",
             strchr(begin, '\n') + (line == NULL));
    return changed;
}

// --- what is right ----------------------------------------------------------------------------------------------------------

START_TEST(what_is_written_is_read_again) {
    ck_assert_msg(tuned_parse(&found, text, &limits, why, sizeof why), "%s", why);
    ck_assert_uint_eq(found.clblast_count, 2);
    ck_assert_str_eq(found.clblast[0].kernel, "Xgemm");
    ck_assert_str_eq(found.clblast[0].names[0], "MWG");
    ck_assert_uint_eq(found.clblast[0].values[0], 64);
    ck_assert_int_eq(found.clblast[1].dtype, OCLSTM_F64);
    ck_assert_uint_eq(found.clblast[1].values[0], INT32_MAX);
    ck_assert_uint_eq(found.fused[0].width, 16);
    ck_assert_uint_eq(found.fused[1].tile, 1);
    ck_assert_uint_eq(found.shape_count, 2);
    ck_assert_str_eq(found.shapes[0].form, "units");
    ck_assert_uint_eq(found.shapes[0].groups, 2);
    ck_assert_uint_eq(found.shapes[0].chunk, 96);
    ck_assert_uint_eq(found.shapes[0].nanoseconds, 12345);
    ck_assert_str_eq(found.shapes[1].engine, "clblast");
    ck_assert_str_eq(found.shapes[1].form, "");
    ck_assert_str_eq(found.tried_key, "0123456789abcdef");
    ck_assert_uint_eq(found.tried, 17);
    char *again = malloc(TUNED_FILE_BYTES);
    ck_assert_ptr_nonnull(again);
    ck_assert(tuned_format(&found, &limits, again, TUNED_FILE_BYTES));
    // What a form has is not written where there is none.
    ck_assert_str_eq(again, text);
    free(again);
}
END_TEST

START_TEST(a_full_table_fits_the_file) {
    settings.clblast_count = settings.shape_count = 0;
    for (size_t i = 0; i < TUNED_CLBLAST; i++) {
        add_clblast("ABCDEFGHIJKLMNOPQRSTUVW", OCLSTM_F64, "", 0);
        tuned_clblast *entry = &settings.clblast[i];
        for (entry->count = 0; entry->count < TUNED_PARAMETERS; entry->count++) {
            base_copy_string(entry->names[entry->count], TUNED_NAME, "ABCDEFGHIJKLMNOPQRSTUVW");
            entry->values[entry->count] = 1024;
        }
    }
    for (size_t i = 0; i < TUNED_SHAPES; i++) {
        tuned_shape *shape = add_shape(UINT32_MAX, UINT32_MAX, UINT32_MAX, "ABCDEFGHIJKLMNOPQRSTUVW", "ABCDEFGHIJKLMNOPQRSTUVW");
        shape->dtype = OCLSTM_F64;
        shape->groups = shape->chunk = 4096;
        shape->nanoseconds = UINT64_MAX;
    }
    ck_assert(tuned_format(&settings, &limits, text, sizeof text));
    ck_assert_msg(tuned_parse(&found, text, &limits, why, sizeof why), "%s", why);
    ck_assert_uint_eq(found.clblast_count, TUNED_CLBLAST);
    ck_assert_uint_eq(found.shape_count, TUNED_SHAPES);
    ck_assert(!tuned_format(&settings, &limits, text, 1000));
    ck_assert(!tuned_format(&settings, &limits, text, 0));
}
END_TEST

START_TEST(comments_blanks_and_order_do_not_matter) {
    char other[1024];
    snprintf(other, sizeof other,
             "oclstm-tuned 1\n# by hand\n\n  fused float32   tile=2 width=8 # two rows\r\ndriver %s\ndevice %s\nplatform %s\n"
             "library %s\nshape float64 hidden=3 engine=portable input=2 batch=1\nend\n\n",
             limits.driver_version, limits.name, limits.platform_name, oclstm_version());
    ck_assert_msg(tuned_parse(&found, other, &limits, why, sizeof why), "%s", why);
    ck_assert_uint_eq(found.fused[0].tile, 2);
    ck_assert_uint_eq(found.shapes[0].groups, 1);
    ck_assert_int_eq(found.shapes[0].dtype, OCLSTM_F64);
}
END_TEST

START_TEST(a_file_is_saved_and_loaded) {
    tuned_load(&found, &limits, note, sizeof note);
    ck_assert_msg(is_empty(&found) && strncmp(note, "warning", 7) != 0, "%s", note);
    ck_assert_int_eq(tuned_save(&settings, &limits, path, &error), OCLSTM_OK);
    tuned_load(&found, &limits, note, sizeof note);
    ck_assert_msg(strstr(note, "tuned here") != NULL && strstr(note, path) != NULL, "%s", note);
    ck_assert_uint_eq(found.shape_count, 2);
    // Again, over it; no temporary file stays.
    settings.shape_count = 1;
    ck_assert_int_eq(tuned_save(&settings, &limits, path, &error), OCLSTM_OK);
    tuned_load(&found, &limits, note, sizeof note);
    ck_assert_uint_eq(found.shape_count, 1);
    unlink(path);
    ck_assert_int_eq(rmdir(dir.path), 0);
    ck_assert_int_eq(mkdir(dir.path, 0700), 0);
}
END_TEST

START_TEST(each_device_driver_and_platform_has_its_file) {
    char other[1024];
    base_copy_string(limits.driver_version, sizeof limits.driver_version, "7.2");
    ck_assert(tuned_path(&limits, other, sizeof other));
    ck_assert_str_ne(other, path);
    base_copy_string(limits.driver_version, sizeof limits.driver_version, "7.1 (debug)");
    ck_assert(tuned_path(&limits, other, sizeof other));
    ck_assert_str_eq(other, path);
    // Where one name ends and the next begins matters.
    base_copy_string(limits.platform_name, sizeof limits.platform_name, "ACME CLA");
    base_copy_string(limits.name, sizeof limits.name, "CME #1  cpu ");
    ck_assert(tuned_path(&limits, other, sizeof other));
    ck_assert_str_ne(other, path);
}
END_TEST

START_TEST(where_the_folder_is) {
    char other[1024], short_path[8];
    setenv("XDG_CACHE_HOME", "/x/cache", 1);
    setenv("HOME", "/u/home", 1);
    setenv("OCLSTM_CACHE_DIR", "", 1);
    ck_assert(!tuned_path(&limits, other, sizeof other));
    unsetenv("OCLSTM_CACHE_DIR");
    ck_assert(tuned_path(&limits, other, sizeof other));
    ck_assert_int_eq(strncmp(other, "/x/cache/oclstm/tuned-", 22), 0);
    setenv("XDG_CACHE_HOME", "relative", 1);
    ck_assert(tuned_path(&limits, other, sizeof other));
    ck_assert_int_eq(strncmp(other, "/u/home/.cache/oclstm/tuned-", 28), 0);
    unsetenv("HOME");
    ck_assert(!tuned_path(&limits, other, sizeof other));
    setenv("OCLSTM_CACHE_DIR", "/c", 1);
    ck_assert(!tuned_path(&limits, short_path, sizeof short_path));
    ck_assert(!tuned_path(&limits, short_path, 0));
}
END_TEST

// --- what is not ------------------------------------------------------------------------------------------------------------

START_TEST(a_text_cut_off_anywhere_is_refused) {
    const size_t length = strlen(text);
    for (size_t cut = 0; cut + 1 < length; cut++) { // without its last line end it is whole
        char *copy = malloc(cut + 1);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, text, cut);
        copy[cut] = '\0';
        ck_assert_msg(!tuned_parse(&found, copy, &limits, why, sizeof why) && why[0] != '\0', "cut at %zu", cut);
        free(copy);
    }
}
END_TEST

START_TEST(any_byte_may_be_wrong) {
    const size_t length = strlen(text);
    static const char bytes[] = {'\0', '\n', '=', ' ', '9', '-', (char)0xff, '#'};
    for (size_t at = 0; at < length; at++) {
        for (size_t b = 0; b < sizeof bytes; b++) {
            char *copy = malloc(length + 1);
            ck_assert_ptr_nonnull(copy);
            memcpy(copy, text, length + 1);
            copy[at] = bytes[b];
            if (tuned_parse(&found, copy, &limits, why, sizeof why)) {
                ck_assert(found.clblast_count <= TUNED_CLBLAST && found.shape_count <= TUNED_SHAPES);
                for (size_t i = 0; i < found.shape_count; i++)
                    ck_assert(found.shapes[i].groups >= 1 && found.shapes[i].groups <= 4096 && found.shapes[i].chunk <= 4096);
            }
            free(copy);
        }
    }
}
END_TEST

START_TEST(another_device_driver_or_version_is_refused) {
    static const char *const keys[] = {"library", "platform", "device", "driver"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "%s something else", keys[i]);
        expect_refused(with_line(keys[i], line), "another library version, platform, device or driver");
        snprintf(line, sizeof line, "%s", keys[i]);
        expect_refused(with_line(keys[i], line), "not understood");
        expect_refused(with_line(keys[i], NULL), "does not name");
        ck_assert_msg(tuned_parse(&found, with_line(keys[i], NULL), NULL, why, sizeof why), "%s", why);
    }
    expect_refused(with_line("oclstm-tuned 1", "oclstm-tuned 2"), "does not begin with");
}
END_TEST

START_TEST(hostile_lines_are_refused) {
    static const char *const lines[] = {
        "clblast float32 Xgemm MWG=1025",
        "clblast float32 Xgemm MWG=18446744073709551616",
        "clblast float32 Xgemm MWG=-1",
        "clblast float32 Xgemm MWG=0x10",
        "clblast float32 Xgemm MWG=",
        "clblast float32 Xgemm MWG",
        "clblast float32 Xgemm",
        "clblast float32",
        "clblast float16 Xgemm MWG=1",
        "clblast float32 Xge%smm MWG=1",
        "clblast float32 ABCDEFGHIJKLMNOPQRSTUVWX MWG=1",
        "clblast float32 Xgemm ABCDEFGHIJKLMNOPQRSTUVWX=1",
        "clblast float32 GemmRoutine XGEMM_MIN_INDIRECT_SIZE=2147483648",
        "fused float32 width=16 tile=9",
        "fused float32 width=16 tile=0",
        "fused float32 width=5 tile=1",
        "fused float32 width=32 tile=1",
        "fused float32 tile=1",
        "fused float32 width=16 tile=1 depth=1",
        "shape float32 batch=0 input=1 hidden=1 engine=fused",
        "shape float32 batch=4294967296 input=1 hidden=1 engine=fused",
        "shape float32 batch=1 input=1 hidden=1",
        "shape float32 batch=1 input=1 hidden=1 engine=",
        "shape float32 batch=1 input=1 hidden=1 engine=fused groups=0",
        "shape float32 batch=1 input=1 hidden=1 engine=fused groups=4097",
        "shape float32 batch=1 input=1 hidden=1 engine=fused chunk=4097",
        "shape float32 batch=1 input=1 hidden=1 engine=fused ns=99999999999999999999",
        "shape float32 batch=1 input=1 hidden=1 engine=fused colour=1",
        "shape float32 batch=1 input=1 engine=fused",
        "shape",
        "tried 0123456789abcdef",
        "tried 0123456789abcdef 2147483648",
        "tried 0123456789abcdef0 1",
        "tried 0123456789abcdef 1 1",
        "end of it",
        "format C:",
        "end\nclblast float32 Xgemm MWG=1",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        expect_refused(with_line("clblast float32", lines[i]),
                       i + 1 < sizeof lines / sizeof lines[0] ? "not understood" : "more after");
}
END_TEST

// One line more than there is room for, of each kind.
START_TEST(too_many_lines_are_refused) {
    static const struct {
        const char *line;
        int room;
    } kinds[] = {{"clblast float32 Xgemm MWG=1\n", TUNED_CLBLAST},
                 {"shape float32 batch=1 input=1 hidden=1 engine=fused\n", TUNED_SHAPES}};
    char line[1024] = "clblast float32 Xgemm";
    for (size_t k = 0; k < 2; k++) {
        snprintf(text, sizeof text, "oclstm-tuned 1\n");
        for (int i = 0; i < kinds[k].room; i++)
            strcat(text, kinds[k].line);
        strcat(text, "end\n");
        ck_assert_msg(tuned_parse(&found, text, NULL, why, sizeof why), "%s", why);
        text[strlen(text) - 4] = '\0';
        strcat(text, kinds[k].line);
        strcat(text, "end\n");
        ck_assert(!tuned_parse(&found, text, NULL, why, sizeof why));
    }
    for (int i = 0; i <= TUNED_PARAMETERS; i++)
        strcat(line, " A=1");
    snprintf(text, sizeof text, "oclstm-tuned 1\n%s\nend\n", line);
    ck_assert(!tuned_parse(&found, text, NULL, why, sizeof why));
}
END_TEST

START_TEST(a_line_that_is_too_long_is_refused) {
    char *longer = malloc(5000);
    ck_assert_ptr_nonnull(longer);
    strcpy(longer, "oclstm-tuned 1\n# ");
    memset(longer + 17, 'x', 1021);
    strcpy(longer + 17 + 1021, "\nend\n");
    ck_assert(tuned_parse(&found, longer, NULL, why, sizeof why));
    strcpy(longer + 17 + 1021, "y\nend\n");
    ck_assert(!tuned_parse(&found, longer, NULL, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "longer than 1023 bytes"));
    free(longer);
}
END_TEST

START_TEST(no_room_for_the_reason) {
    char little[4] = "???";
    ck_assert(!tuned_parse(&found, "nonsense", &limits, little, 2));
    ck_assert_str_eq(little, "i");
    ck_assert(!tuned_parse(&found, "nonsense", &limits, NULL, 0));
}
END_TEST

// --- files ------------------------------------------------------------------------------------------------------------------

START_TEST(bad_files_are_left_aside_with_a_warning) {
    static char junk[TUNED_FILE_BYTES + 2];
    write_file("", 0);
    expect_unused("cut off");
    write_file(text, strlen(text) / 2);
    expect_unused("");
    for (size_t i = 0; i < sizeof junk; i++)
        junk[i] = (char)(i * 37 % 251 + 1);
    write_file(junk, 5000);
    expect_unused("does not begin");
    memset(junk, '\n', sizeof junk);
    memcpy(junk, text, strlen(text));
    write_file(junk, TUNED_FILE_BYTES);
    tuned_load(&found, &limits, note, sizeof note);
    ck_assert_msg(found.shape_count == 2, "%s", note);
    write_file(junk, TUNED_FILE_BYTES + 1);
    expect_unused("more than 65536 bytes");
}
END_TEST

START_TEST(what_is_no_file_is_left_aside) {
    ck_assert_int_eq(mkdir(path, 0700), 0);
    expect_unused("no file");
    ck_assert_int_eq(tuned_save(&settings, &limits, path, &error), OCLSTM_IO);
    ck_assert_msg(strstr(error.message, path) != NULL, "%s", error.message);
    ck_assert_str_eq(error.call, "rename");
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect_unused("no file");
}
END_TEST

START_TEST(a_folder_that_cannot_be_written) {
    write_file("", 0);
    char below[1100];
    snprintf(below, sizeof below, "%s/x/y.txt", path); // a file in place of a folder
    ck_assert_int_eq(tuned_save(&settings, &limits, below, &error), OCLSTM_IO);
    ck_assert_str_eq(error.call, "mkstemp");
    setenv("OCLSTM_CACHE_DIR", path, 1);
    tuned_load(&found, &limits, note, sizeof note);
    ck_assert_msg(strncmp(note, "warning", 7) != 0, "%s", note);
    setenv("OCLSTM_CACHE_DIR", "/proc/self/nowhere", 1);
    ck_assert(tuned_path(&limits, below, sizeof below));
    ck_assert_int_eq(tuned_save(&settings, &limits, below, NULL), OCLSTM_IO);
}
END_TEST

START_TEST(missing_folders_are_made) {
    char deep[1024];
    snprintf(deep, sizeof deep, "%s/a/b", dir.path);
    setenv("OCLSTM_CACHE_DIR", deep, 1);
    ck_assert(tuned_path(&limits, deep, sizeof deep));
    ck_assert_int_eq(tuned_save(&settings, &limits, deep, &error), OCLSTM_OK);
    tuned_load(&found, &limits, note, sizeof note);
    ck_assert_uint_eq(found.shape_count, 2);
    unlink(deep);
    for (int i = 0; i < 2; i++) {
        *strrchr(deep, '/') = '\0';
        rmdir(deep);
    }
}
END_TEST

// --- what is used -----------------------------------------------------------------------------------------------------------

START_TEST(the_nearest_shape_within_half_as_much_again) {
    settings.shape_count = 0;
    add_shape(10, 100, 100, "a", "");
    add_shape(12, 100, 100, "b", "");
    ck_assert_str_eq(tuned_find_shape(&settings, OCLSTM_F32, 10, 100, 100)->engine, "a");
    ck_assert_str_eq(tuned_find_shape(&settings, OCLSTM_F32, 12, 100, 100)->engine, "b");
    ck_assert_str_eq(tuned_find_shape(&settings, OCLSTM_F32, 14, 100, 100)->engine, "b");
    ck_assert_str_eq(tuned_find_shape(&settings, OCLSTM_F32, 15, 150, 67)->engine, "b");
    ck_assert_ptr_null(tuned_find_shape(&settings, OCLSTM_F32, 10, 151, 100));
    ck_assert_ptr_null(tuned_find_shape(&settings, OCLSTM_F32, 10, 100, 66));
    ck_assert_ptr_null(tuned_find_shape(&settings, OCLSTM_F32, 1, 100, 100));
    ck_assert_ptr_null(tuned_find_shape(&settings, OCLSTM_F32, SIZE_MAX, 100, 100));
    ck_assert_ptr_null(tuned_find_shape(&settings, OCLSTM_F64, 10, 100, 100));
}
END_TEST

START_TEST(presets_are_right) {
    static const char *const platforms[] = {"Portable Computing Language", "Intel(R) OpenCL"};
    for (int p = 0; p < 2; p++) {
        for (unsigned width = 8; width <= 16; width += 8) {
            base_copy_string(limits.platform_name, sizeof limits.platform_name, platforms[p]);
            limits.vector_width_float = width;
            const char *preset = tuned_preset(&limits);
            ck_assert_ptr_nonnull(preset);
            ck_assert_msg(tuned_parse(&found, preset, NULL, why, sizeof why), "%s", why);
            ck_assert_uint_ge(found.clblast_count, 2);
            tuned_load(&found, &limits, note, sizeof note);
            ck_assert_msg(found.clblast_count >= 2 && strstr(note, "come with the library") != NULL, "%s", note);
        }
    }
    limits.vector_width_float = 4;
    ck_assert_ptr_null(tuned_preset(&limits));
    limits.vector_width_float = 16;
    limits.kind = OCLSTM_DEVICE_GPU;
    ck_assert_ptr_null(tuned_preset(&limits));
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("tuned_file");
    TCase *tests = tcase_create("tuned");
    tcase_add_checked_fixture(tests, make_settings, remove_files);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_is_written_is_read_again);
    tcase_add_test(tests, a_full_table_fits_the_file);
    tcase_add_test(tests, comments_blanks_and_order_do_not_matter);
    tcase_add_test(tests, a_file_is_saved_and_loaded);
    tcase_add_test(tests, each_device_driver_and_platform_has_its_file);
    tcase_add_test(tests, where_the_folder_is);
    tcase_add_test(tests, a_text_cut_off_anywhere_is_refused);
    tcase_add_test(tests, any_byte_may_be_wrong);
    tcase_add_test(tests, another_device_driver_or_version_is_refused);
    tcase_add_test(tests, hostile_lines_are_refused);
    tcase_add_test(tests, too_many_lines_are_refused);
    tcase_add_test(tests, a_line_that_is_too_long_is_refused);
    tcase_add_test(tests, no_room_for_the_reason);
    tcase_add_test(tests, bad_files_are_left_aside_with_a_warning);
    tcase_add_test(tests, what_is_no_file_is_left_aside);
    tcase_add_test(tests, a_folder_that_cannot_be_written);
    tcase_add_test(tests, missing_folders_are_made);
    tcase_add_test(tests, the_nearest_shape_within_half_as_much_again);
    tcase_add_test(tests, presets_are_right);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
