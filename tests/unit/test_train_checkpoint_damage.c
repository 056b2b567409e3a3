// SPDX-License-Identifier: Apache-2.0
// Checkpoints that are damaged in every way, disks that are full, and memory that runs out: refused in words, and nothing changes. Linked with --wrap
// for calloc, malloc and realloc, as test_allocation_failure_model.c.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <jansson.h>

#include "checkpoint_fixture.h"
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

// A checkpoint's bytes, the trainer that saved it, and another one that it is tried on.
static unsigned char *good;
static size_t good_bytes;
static oclstm_trainer *saved, *tried;
static checkpoint_image saved_image, tried_image;

static void set_up(void) {
    oclstm_trainer_params params = {.dropout = 0.5, .optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM)};
    saved = checkpoint_trainer("lstm 2 2, linear 1", params);
    tried = checkpoint_trainer("lstm 2 2, linear 1", params);
    checkpoint_step(saved, 0);
    checkpoint_evaluate(saved, 0);
    checkpoint_step(tried, 1);
    checkpoint_step(tried, 2);
    checkpoint_save(saved, file_path("good.ckpt"));
    saved_image = checkpoint_image_take(saved);
    tried_image = checkpoint_image_take(tried);
    ck_assert(!checkpoint_image_equal(&saved_image, &tried_image));
    FILE *stream = fopen(file_path("good.ckpt"), "rb");
    ck_assert_ptr_nonnull(stream);
    good = malloc(65536);
    ck_assert_ptr_nonnull(good);
    good_bytes = fread(good, 1, 65536, stream);
    ck_assert(good_bytes > 0 && good_bytes < 65536);
    fclose(stream);
}

static void tear_down(void) {
    free(good);
    checkpoint_image_free(&saved_image);
    checkpoint_image_free(&tried_image);
    oclstm_trainer_destroy(&saved);
    oclstm_trainer_destroy(&tried);
}

static void close_device(void) { checkpoint_device_close(); }

// After a try: restored wholly, or not at all.
static void expect_whole(oclstm_status status, const oclstm_error *error, const char *what, size_t at) {
    checkpoint_image image = checkpoint_image_take(tried);
    if (status == OCLSTM_OK) {
        ck_assert_msg(checkpoint_image_equal(&image, &saved_image), "%s %zu: something else was restored", what, at);
    } else {
        ck_assert_msg(error->message[0] != '\0' && error->status == status, "%s %zu: no message", what, at);
        ck_assert_msg(checkpoint_image_equal(&image, &tried_image), "%s %zu: the trainer has changed: %s", what, at,
                      error->message);
    }
    checkpoint_image_free(&image);
}

// Puts `tried` back to what it was.
static void go_back(const char *path) {
    oclstm_error error = {0};
    oclstm_tensors *file = checkpoint_open(path);
    ck_assert_msg(oclstm_trainer_restore(tried, file, &error) == OCLSTM_OK, "%s", error.message);
    oclstm_tensors_close(&file);
}

// Opens and restores; the status of what failed first.
static oclstm_status try_file(const char *path, oclstm_error *error) {
    oclstm_tensors *file = NULL;
    oclstm_status status = oclstm_tensors_open(&file, path, error);
    if (status == OCLSTM_OK)
        status = oclstm_trainer_restore(tried, file, error);
    oclstm_tensors_close(&file);
    return status;
}

START_TEST(every_byte_flipped) {
    size_t taken = 0;
    checkpoint_save(tried, file_path("back.ckpt"));
    for (size_t i = 0; i < good_bytes; i++) {
        oclstm_error error = {0};
        good[i] ^= (unsigned char)(1u << (i % 8));
        const oclstm_status status = try_file(file_write("bad.ckpt", good, good_bytes), &error);
        good[i] ^= (unsigned char)(1u << (i % 8));
        expect_whole(status, &error, "byte", i);
        taken += status == OCLSTM_OK;
        if (status == OCLSTM_OK)
            go_back(file_path("back.ckpt"));
    }
    ck_assert_msg(taken == 0, "%zu of %zu files with a flipped byte were taken", taken, good_bytes);
}
END_TEST

START_TEST(truncated) {
    for (size_t length = 0; length < good_bytes; length += length + 97 < good_bytes ? 97 : 1) {
        oclstm_error error = {0};
        const oclstm_status status = try_file(file_write("short.ckpt", good, length), &error);
        ck_assert_msg(status == OCLSTM_FORMAT, "%zu bytes: %s: %s", length, oclstm_status_name(status), error.message);
        expect_whole(status, &error, "length", length);
    }
}
END_TEST

// --- edited by somebody who knows the checksum ----------------------------------------------------------------------------

static unsigned next(unsigned *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void mutate_text(checkpoint_parts *parts, char *text, size_t capacity, unsigned *seed) {
    static const char *const pieces[] = {"0", "-1", "none",   "",  " ",        "\n", "\n\n", "9223372036854775807",
                                         ",", ":",  "layer ", "4", "steps 8\n"};
    oclstm_metadata *entry = &parts->metadata[next(seed) % parts->metadata_count];
    const size_t length = strlen(entry->value), at = length > 0 ? next(seed) % length : 0, cut = next(seed) % 6;
    snprintf(text, capacity, "%.*s%s%s", (int)at, entry->value, pieces[next(seed) % (sizeof pieces / sizeof pieces[0])],
             entry->value + (at + cut < length ? at + cut : length));
    entry->value = text;
}

static void mutate_array(checkpoint_parts *parts, unsigned *seed) {
    oclstm_named_array *array = &parts->arrays[next(seed) % parts->count];
    oclstm_named_array *other = &parts->arrays[next(seed) % parts->count];
    switch (next(seed) % 5) {
    case 0:
        *array = parts->arrays[--parts->count];
        break;
    case 1: {
        const char *name = array->name;
        array->name = other->name;
        other->name = name;
        break;
    }
    case 2: { // fewer elements of it
        int64_t *extent = &array->array.shape[0];
        *extent = (int64_t)(next(seed) % (unsigned)(*extent + 1));
        break;
    }
    case 3: // as many in another shape
        if (array->array.rank == 2) {
            const int64_t rows = array->array.shape[0];
            array->array.shape[0] = array->array.shape[1];
            array->array.shape[1] = rows;
        }
        break;
    default:
        array->array.dtype = array->array.dtype == OCLSTM_F32 ? OCLSTM_I32 : OCLSTM_F32;
    }
}

// Whatever is taken is a state that a trainer can have: it goes on.
START_TEST(edited_with_its_checksum) {
    enum { ROUNDS = 300 };
    unsigned seed = 20240607;
    size_t taken = 0;
    checkpoint_save(tried, file_path("back.ckpt"));
    for (size_t round = 0; round < ROUNDS; round++) {
        static char texts[3][8192];
        oclstm_error error = {0};
        checkpoint_parts parts;
        checkpoint_parts_take(&parts, file_path("good.ckpt"));
        for (unsigned i = 0; i < 1 + next(&seed) % 2; i++) {
            if (next(&seed) % 2 == 0)
                mutate_text(&parts, texts[i], sizeof texts[i], &seed);
            else
                mutate_array(&parts, &seed);
        }
        oclstm_tensors *file = checkpoint_parts_write(&parts, file_path("edited.ckpt"));
        const oclstm_status status = oclstm_trainer_restore(tried, file, &error);
        oclstm_tensors_close(&file);
        checkpoint_parts_drop(&parts);
        if (status != OCLSTM_OK) {
            expect_whole(status, &error, "round", round);
            continue;
        }
        taken++;
        checkpoint_step(tried, 5);
        go_back(file_path("back.ckpt"));
    }
    ck_assert_uint_lt(taken, ROUNDS / 2);
}
END_TEST

// --- disks and memory ---------------------------------------------------------------------------------------------------

// What stands at the path is the old file, whole, or the new one.
static void expect_old_or_new(const char *path, const char *old, bool written) {
    FILE *stream = fopen(path, "rb");
    static unsigned char found[65536];
    ck_assert_ptr_nonnull(stream);
    const size_t count = fread(found, 1, sizeof found, stream);
    fclose(stream);
    if (written)
        ck_assert(count == good_bytes && memcmp(found, good, count) == 0);
    else
        ck_assert(count == strlen(old) && memcmp(found, old, count) == 0);
}

START_TEST(a_full_disk) {
    struct rlimit before;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    const char *path = file_write("kept", "as it was", 9);
    const int files = file_count();
    for (size_t most = 0; most < good_bytes; most += 499) {
        oclstm_error error = {0};
        const struct rlimit limit = {most, before.rlim_max};
        // No assertion in between: Check writes each into a file of its own.
        const int limited = setrlimit(RLIMIT_FSIZE, &limit);
        const oclstm_status status = oclstm_trainer_save(saved, path, NULL, 0, &error);
        const int freed = setrlimit(RLIMIT_FSIZE, &before);
        ck_assert(limited == 0 && freed == 0);
        ck_assert_msg(status == OCLSTM_IO && strstr(error.message, path) != NULL, "%s: %s", oclstm_status_name(status),
                      error.message);
        expect_old_or_new(path, "as it was", false);
        ck_assert_int_eq(file_count(), files);
    }
    signal(SIGXFSZ, handler);
    if (access("/dev/full", W_OK) == 0)
        ck_assert_int_eq(oclstm_trainer_save(saved, "/dev/full", NULL, 0, NULL), OCLSTM_IO);
    checkpoint_save(saved, path);
    expect_old_or_new(path, "", true);
}
END_TEST

static oclstm_status save_or_write(bool whole, const char *path, oclstm_error *error) {
    static const oclstm_metadata note = {"epoch", "1"};
    return whole ? oclstm_trainer_save(saved, path, &note, 1, error) : oclstm_trainer_write(saved, path, &note, 1, error);
}

START_TEST(no_memory_to_save) {
    use_wrapped_json();
    const char *path = file_path("full");
    const int files = file_count();
    int n = 1;
    for (;; n++) {
        oclstm_error error = {0};
        countdown = n;
        oclstm_status status = save_or_write(_i == 0, path, &error);
        const bool failed = countdown == 0;
        countdown = 0;
        if (!failed) {
            ck_assert_msg(status == OCLSTM_OK, "%s", error.message);
            break;
        }
        ck_assert_msg(status == OCLSTM_OUT_OF_MEMORY, "allocation %d: %s: %s", n, oclstm_status_name(status), error.message);
        ck_assert_int_eq(file_count(), files);
    }
    ck_assert_int_gt(n, 20);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(no_memory_to_restore) {
    use_wrapped_json();
    oclstm_tensors *file = checkpoint_open(file_path("good.ckpt"));
    int n = 1;
    for (;; n++) {
        oclstm_error error = {0};
        countdown = n;
        oclstm_status status = oclstm_trainer_restore(tried, file, &error);
        const bool failed = countdown == 0;
        countdown = 0;
        expect_whole(status, &error, "allocation", (size_t)n);
        if (!failed) {
            ck_assert_msg(status == OCLSTM_OK, "%s", error.message);
            break;
        }
        ck_assert_msg(status == OCLSTM_OUT_OF_MEMORY, "allocation %d: %s: %s", n, oclstm_status_name(status), error.message);
    }
    ck_assert_int_gt(n, 5);
    oclstm_tensors_close(&file);
}
END_TEST

static TCase *damage_case(Suite *suite, const char *name) {
    TCase *tcase = file_case(suite, name);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 240);
    return tcase;
}

static Suite *make_suite(void) {
    Suite *suite = suite_create("train_checkpoint_damage");
    TCase *damage = damage_case(suite, "damage");
    tcase_add_test(damage, every_byte_flipped);
    tcase_add_test(damage, truncated);
    tcase_add_test(damage, edited_with_its_checksum);
    TCase *space = damage_case(suite, "space");
    tcase_add_test(space, a_full_disk);
    tcase_add_loop_test(space, no_memory_to_save, 0, 2);
    tcase_add_test(space, no_memory_to_restore);
    tcase_add_unchecked_fixture(space, NULL, close_device); // the last one
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
