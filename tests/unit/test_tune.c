// SPDX-License-Identifier: Apache-2.0
// The search: it leaves a file that can be read, goes on where it ended, stops when told, never takes a candidate that is wrong, and says what it
// cannot do. How fast anything is depends on the machine.
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <oclstm/oclstm.h>

#include "base/error.h"
#include "device/device_private.h"
#include "device/tuned.h"
#include "matmul/matmul.h"
#include "runner.h"
#include "temporary_dir.h"
#include "tune/tune_product.h"
#include "tune/tuner.h"

static oclstm_device *device;
static oclstm_error error;
static temporary_dir dir;
static char path[1024];
static const oclstm_tune_shape tiny = {1, 4, 4, 3};

static void make_device(void) {
    memset(&error, 0, sizeof error);
    temporary_dir_make(&dir);
    setenv("OCLSTM_CACHE_DIR", dir.path, 1);
    ck_assert_msg(oclstm_device_open(&device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
    ck_assert(tuned_path(device_get_limits(device), path, sizeof path));
}

static void close_device(void) {
    oclstm_device_close(&device);
    unlink(path);
    temporary_dir_remove(&dir);
}

// --- wrong results, on demand: calls of the search pass here (--wrap) -----------------------------------------------------------

static int spoilt_element = -1; // of y
static int sequences;           // called
static bool spoil_products;

oclstm_status __real_oclstm_cell_sequence(oclstm_cell *cell, const oclstm_sequence *call, oclstm_error *fault);
oclstm_status __wrap_oclstm_cell_sequence(oclstm_cell *cell, const oclstm_sequence *call, oclstm_error *fault);
oclstm_status __wrap_oclstm_cell_sequence(oclstm_cell *cell, const oclstm_sequence *call, oclstm_error *fault) {
    const oclstm_status status = __real_oclstm_cell_sequence(cell, call, fault);
    sequences++;
    if (spoilt_element >= 0 && status == OCLSTM_OK)
        ((float *)call->y.data)[spoilt_element] += 1e-3F;
    return status;
}

oclstm_status __real_matmul_enqueue(oclstm_device *on, const matmul_shape *shape, matmul_operand a, matmul_operand b,
                                    matmul_operand c, cl_mem temporary, oclstm_error *fault);
oclstm_status __wrap_matmul_enqueue(oclstm_device *on, const matmul_shape *shape, matmul_operand a, matmul_operand b,
                                    matmul_operand c, cl_mem temporary, oclstm_error *fault);
oclstm_status __wrap_matmul_enqueue(oclstm_device *on, const matmul_shape *shape, matmul_operand a, matmul_operand b,
                                    matmul_operand c, cl_mem temporary, oclstm_error *fault) {
    return spoil_products ? OCLSTM_OK : __real_matmul_enqueue(on, shape, a, b, c, temporary, fault);
}

// --- searches -----------------------------------------------------------------------------------------------------------------

typedef struct watcher {
    int calls, stop_at; // 0 = never
    size_t first_tried, last_tried, total;
} watcher;

static bool watch(const oclstm_tune_progress *progress, void *user) {
    watcher *seen = user;
    if (seen->calls++ == 0)
        seen->first_tried = progress->tried;
    ck_assert_uint_ge(progress->tried, seen->last_tried);
    ck_assert_uint_le(progress->tried, progress->total);
    ck_assert(progress->stage[0] != '\0' && progress->best_speedup > 0 && progress->elapsed_seconds >= 0);
    seen->last_tried = progress->tried;
    seen->total = progress->total;
    return seen->stop_at == 0 || seen->calls < seen->stop_at;
}

static oclstm_status tune(watcher *seen, double budget, bool restart) {
    const oclstm_tune_params params = {
        .shapes = &tiny, .shape_count = 1, .budget_seconds = budget, .restart = restart, .report = watch, .user = seen};
    return oclstm_tune(device, &params, &error);
}

static void read_file(tuned_settings *settings) {
    char why[256], note[1400];
    FILE *stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "no %s", path);
    static char text[TUNED_FILE_BYTES];
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    fclose(stream);
    ck_assert_msg(tuned_parse(settings, text, device_get_limits(device), why, sizeof why), "%s", why);
    tuned_load(settings, device_get_limits(device), note, sizeof note);
    ck_assert_msg(strstr(note, "tuned here") != NULL, "%s", note);
}

START_TEST(a_search_leaves_a_file_and_goes_on_later) {
    static tuned_settings settings;
    watcher first = {.stop_at = 3}, second = {.stop_at = 2}, third = {.stop_at = 1};
    ck_assert_msg(tune(&first, 60, false) == OCLSTM_OK, "%s", error.message);
    ck_assert_int_eq(first.calls, 3);
    ck_assert_uint_eq(first.first_tried, 0);
    ck_assert_uint_eq(first.last_tried, 2);
    read_file(&settings);
    ck_assert_uint_eq(settings.tried, 2);
    ck_assert_msg(strstr(oclstm_device_get_tuning(device), path) != NULL, "%s", oclstm_device_get_tuning(device));
    // In another process it would be read from the file: open the device again.
    oclstm_device_close(&device);
    ck_assert_int_eq(oclstm_device_open(&device, test_device(), &error), OCLSTM_OK);
    ck_assert_msg(tune(&second, 60, false) == OCLSTM_OK, "%s", error.message);
    ck_assert_uint_eq(second.first_tried, 2);
    ck_assert_uint_eq(second.last_tried, 3);
    ck_assert_uint_eq(second.total, first.total);
    // Another search begins at its begin, and so does one that is told to.
    const oclstm_tune_shape other = {1, 4, 5, 3};
    watcher fourth = {.stop_at = 1};
    ck_assert_int_eq(
        oclstm_tune(device, &(oclstm_tune_params){.shapes = &other, .shape_count = 1, .report = watch, .user = &third}, &error),
        OCLSTM_OK);
    ck_assert_uint_eq(third.first_tried, 0);
    ck_assert_msg(tune(&(watcher){.stop_at = 2}, 60, false) == OCLSTM_OK, "%s", error.message);
    ck_assert_int_eq(tune(&fourth, 60, true), OCLSTM_OK);
    ck_assert_uint_eq(fourth.first_tried, 0);
}
END_TEST

START_TEST(a_search_that_is_stopped_at_once_loses_nothing) {
    static tuned_settings settings;
    watcher first = {.stop_at = 3}, second = {.stop_at = 1};
    ck_assert_int_eq(tune(&first, 60, false), OCLSTM_OK);
    sequences = 0;
    ck_assert_int_eq(tune(&second, 60, false), OCLSTM_OK);
    ck_assert_int_eq(sequences, 0); // what was tried is not tried again
    read_file(&settings);
    ck_assert_uint_eq(settings.tried, 2);
    // Nor one whose budget is gone.
    ck_assert_int_eq(
        oclstm_tune(device, &(oclstm_tune_params){.shapes = &tiny, .shape_count = 1, .budget_seconds = DBL_MIN}, &error),
        OCLSTM_OK);
    read_file(&settings);
    ck_assert_uint_eq(settings.tried, 2);
}
END_TEST

START_TEST(a_search_ends_with_its_budget) {
    static tuned_settings settings;
    watcher seen = {0};
    ck_assert_msg(tune(&seen, 1.5, false) == OCLSTM_OK, "%s", error.message);
    ck_assert_int_ge(seen.calls, 2);
    ck_assert_uint_lt(seen.last_tried, seen.total);
    read_file(&settings);
    ck_assert_uint_eq(settings.tried, seen.last_tried);
}
END_TEST

START_TEST(after_a_search_results_are_right) {
    watcher seen = {0};
    float x[8], y[2][8];
    double seconds;
    ck_assert_msg(tune(&seen, 1.5, false) == OCLSTM_OK, "%s", error.message);
    for (int i = 0; i < 8; i++)
        x[i] = (float)i / 8 - 0.4F;
    for (int i = 0; i < 2; i++) {
        oclstm_cell *cell = NULL;
        const oclstm_cell_params params = {
            .input_size = 4, .hidden_size = 4, .seed = 7, .engine = i == 0 ? OCLSTM_ENGINE_AUTO : OCLSTM_ENGINE_PORTABLE};
        ck_assert_msg(oclstm_cell_create(&cell, device, &params, &error) == OCLSTM_OK, "%s", error.message);
        const oclstm_sequence call = {.x = oclstm_in_3d(x, OCLSTM_F32, 2, 1, 4), .y = oclstm_out_3d(y[i], OCLSTM_F32, 2, 1, 4)};
        ck_assert_msg(oclstm_cell_sequence(cell, &call, &error) == OCLSTM_OK, "%s", error.message);
        oclstm_cell_destroy(&cell);
    }
    for (int i = 0; i < 8; i++)
        ck_assert_double_eq_tol((double)y[0][i], (double)y[1][i], 1e-5);
    char why[256];
    if (matmul_supported(device_get_limits(device), OCLSTM_F32, why, sizeof why))
        ck_assert_msg(oclstm_device_measure_product(&seconds, device, OCLSTM_F32, 60, 100, 70, true, &error) == OCLSTM_OK, "%s",
                      error.message);
}
END_TEST

// By a thousandth in one place.
START_TEST(a_wrong_sequence_does_not_count) {
    static tuned_settings settings[2];
    const oclstm_tune_params params = {0};
    tune_search tuner = {.device = device, .params = &params, .best = &settings[0], .trial = &settings[1]};
    const oclstm_tune_shape shape = {3, 3, 4, 3};
    double seconds;
    ck_assert_msg(trial_sequence(&tuner, &shape, &settings[1], "portable", &seconds), "%s", tuner.last_error.message);
    ck_assert(seconds > 0 && isfinite(seconds) && tuner.passed == 1);
    for (int element = 0; element < 36; element += 35) { // the first, and the last of the last row
        spoilt_element = element;
        ck_assert(!trial_sequence(&tuner, &shape, &settings[1], "portable", &seconds));
        spoilt_element = -1;
        ck_assert_msg(strstr(tuner.last_error.message, element == 0 ? "step 0, row 0, unit 0 is" : "step 2, row 2, unit 3 is") !=
                          NULL,
                      "%s", tuner.last_error.message);
    }
    ck_assert_uint_eq(tuner.passed, 1);
    ck_assert_uint_eq(device->held_bytes, 0);
}
END_TEST

START_TEST(a_wrong_product_does_not_count) {
    char why[256];
    double seconds;
    if (!matmul_supported(device_get_limits(device), OCLSTM_F32, why, sizeof why))
        return;
    spoil_products = true;
    ck_assert_int_eq(oclstm_device_measure_product(&seconds, device, OCLSTM_F32, 3, 4, 5, true, &error), OCLSTM_OPENCL);
    spoil_products = false;
    ck_assert_msg(strstr(error.message, "of the product is") != NULL, "%s", error.message);
    ck_assert(isinf(seconds));
    ck_assert_uint_eq(device->held_bytes, 0);
}
END_TEST

// --- refusals -----------------------------------------------------------------------------------------------------------------

static int reports;
static bool count_report(const oclstm_tune_progress *progress, void *user) {
    (void)progress;
    (void)user;
    reports++;
    return false;
}

static void refuse(const oclstm_tune_params *params, oclstm_status expected, const char *word) {
    reports = 0;
    ck_assert_int_eq(oclstm_tune(device, params, &error), expected);
    ck_assert_int_eq(error.status, expected);
    ck_assert_msg(strstr(error.message, word) != NULL, "%s: no \"%s\"", error.message, word);
    ck_assert_int_eq(oclstm_tune(device, params, NULL), expected);
    ck_assert_int_eq(reports, 0);
    ck_assert_int_ne(access(path, F_OK), 0);
}

START_TEST(wrong_arguments_are_refused) {
    const oclstm_tune_params none = {0};
    ck_assert_int_eq(oclstm_tune(NULL, &none, &error), OCLSTM_INVALID_ARGUMENT);
    refuse(NULL, OCLSTM_INVALID_ARGUMENT, "params is NULL");
    refuse(&(oclstm_tune_params){.dtype = OCLSTM_F16}, OCLSTM_INVALID_ARGUMENT, "not for float16");
    refuse(&(oclstm_tune_params){.shape_count = 2}, OCLSTM_INVALID_ARGUMENT, "shapes is NULL");
    const double budgets[] = {-1, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++)
        refuse(&(oclstm_tune_params){.budget_seconds = budgets[i]}, OCLSTM_INVALID_ARGUMENT, "the budget is");
    const oclstm_tune_shape shapes[] = {{0, 1, 1, 1},
                                        {1, -1, 1, 1},
                                        {1, 1, 0, 1},
                                        {1, 1, 1, INT64_MIN},
                                        {1, 1, INT64_MAX, 1},
                                        {INT64_MAX, 1, 1, 1},
                                        {1, INT64_MAX, 1, 1},
                                        {1, 1, 1, INT64_MAX},
                                        {1, 1, 32768, 1},
                                        {(int64_t)1 << 20, 1 << 10, 1 << 10, 2},
                                        {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const oclstm_tune_shape both[] = {tiny, shapes[i]};
        refuse(&(oclstm_tune_params){.shapes = both, .shape_count = 2, .report = count_report}, OCLSTM_INVALID_ARGUMENT,
               "shape 1 is");
    }
    device->limits.has_fp64 = false;
    refuse(&(oclstm_tune_params){.dtype = OCLSTM_F64}, OCLSTM_UNSUPPORTED, "cl_khr_fp64");
}
END_TEST

START_TEST(no_place_for_the_file) {
    const oclstm_tune_params params = {.shapes = &tiny, .shape_count = 1, .report = count_report};
    setenv("OCLSTM_CACHE_DIR", "", 1);
    refuse(&params, OCLSTM_IO, "OCLSTM_CACHE_DIR is empty");
    setenv("OCLSTM_CACHE_DIR", "/proc/self/nowhere", 1);
    refuse(&params, OCLSTM_IO, "/proc/self/nowhere");
}
END_TEST

START_TEST(the_path_of_the_file) {
    char found[1024], little[4];
    ck_assert_int_eq(oclstm_tune_path(device, found, sizeof found, &error), OCLSTM_OK);
    ck_assert_str_eq(found, path);
    ck_assert_int_eq(oclstm_tune_path(NULL, found, sizeof found, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_tune_path(device, NULL, 1, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_tune_path(device, found, 0, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_tune_path(device, little, sizeof little, &error), OCLSTM_IO);
    ck_assert_str_eq(little, "");
    setenv("OCLSTM_CACHE_DIR", "", 1);
    ck_assert_int_eq(oclstm_tune_path(device, found, sizeof found, &error), OCLSTM_IO);
}
END_TEST

// --- CLBlast's parameters -------------------------------------------------------------------------------------------------------

static void give(const char *kernel, const char *names[], const size_t values[], size_t count) {
    static tuned_settings settings;
    memset(&settings, 0, sizeof settings);
    settings.clblast_count = 1;
    tuned_clblast *entry = &settings.clblast[0];
    base_copy_string(entry->kernel, TUNED_NAME, kernel);
    for (; entry->count < count; entry->count++) {
        base_copy_string(entry->names[entry->count], TUNED_NAME, names[entry->count]);
        entry->values[entry->count] = values[entry->count];
    }
    device_set_tuned(device, &settings);
}

static oclstm_status measure(int64_t m, int64_t n, int64_t k, bool tuned) {
    double seconds = -1;
    const oclstm_status status = oclstm_device_measure_product(&seconds, device, OCLSTM_F32, m, n, k, tuned, &error);
    ck_assert(status == OCLSTM_OK ? seconds > 0 && isfinite(seconds) : isinf(seconds));
    return status;
}

// First of all, while CLBlast has what it came with: it cannot go back. What a file says that cannot be is not given to it.
START_TEST(own_parameters_then_tuned_ones) {
    char why[256];
    if (!matmul_supported(device_get_limits(device), OCLSTM_F32, why, sizeof why))
        return;
    ck_assert(matmul_has_own_defaults(device, OCLSTM_F32));
    ck_assert_msg(measure(5, 6, 7, false) == OCLSTM_OK, "%s", error.message);
    ck_assert_msg(measure(1, 70, 33, false) == OCLSTM_OK, "%s", error.message);
    give("Xgemv", (const char *[]){"WGS1", "WPT1"}, (const size_t[]){0, 1024}, 2);
    ck_assert_msg(measure(1, 70, 33, true) == OCLSTM_OK, "%s", error.message);
    ck_assert(matmul_has_own_defaults(device, OCLSTM_F32));
    ck_assert_msg(measure(1, 70, 33, false) == OCLSTM_OK, "%s", error.message);
    give("Xgemv", (const char *[]){"WGS1", "WPT1"}, (const size_t[]){32, 1}, 2);
    ck_assert_msg(measure(5, 6, 7, true) == OCLSTM_OK, "%s", error.message); // of a matrix: not this kernel
    ck_assert(matmul_has_own_defaults(device, OCLSTM_F32));
    ck_assert_msg(measure(1, 70, 33, true) == OCLSTM_OK, "%s", error.message);
    ck_assert(!matmul_has_own_defaults(device, OCLSTM_F32));
    ck_assert(matmul_has_own_defaults(device, OCLSTM_F64));
    ck_assert_int_eq(measure(5, 6, 7, false), OCLSTM_INVALID_ARGUMENT);
    ck_assert_msg(strstr(error.message, "cannot go back") != NULL, "%s", error.message);
    ck_assert_uint_eq(device->held_bytes, 0);
}
END_TEST

// Each is held to a reference of its own form.
START_TEST(products_of_every_form_are_timed) {
    double seconds;
    for (matmul_form form = MATMUL_NT; form <= MATMUL_TN; form++) {
        for (size_t m = 1; m < 16; m += 8) {
            const matmul_shape shape = {.dtype = OCLSTM_F32, .m = m, .n = 20, .k = 33, .form = form};
            ck_assert_msg(tune_product_time(device, &shape, 0, &seconds, &error) == OCLSTM_OK, "%s", error.message);
            ck_assert(isfinite(seconds) && seconds >= 0);
            spoil_products = true;
            ck_assert_int_eq(tune_product_time(device, &shape, 0, &seconds, &error), OCLSTM_OPENCL);
            ck_assert(isinf(seconds));
            spoil_products = false;
        }
    }
}
END_TEST

START_TEST(products_that_cannot_be_measured) {
    double seconds;
    ck_assert_int_eq(oclstm_device_measure_product(NULL, device, OCLSTM_F32, 1, 1, 1, true, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_device_measure_product(&seconds, NULL, OCLSTM_F32, 1, 1, 1, true, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_device_measure_product(&seconds, device, OCLSTM_F16, 1, 1, 1, true, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(measure(0, 1, 1, true), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(measure(1, -1, 1, true), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(measure(1, 1, 0, true), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(measure(INT64_MAX, INT64_MAX, INT64_MAX, true), OCLSTM_UNSUPPORTED);
    ck_assert_int_eq(measure(2, (int64_t)1 << 31, 1, true), OCLSTM_UNSUPPORTED);
    device->limits.max_work_group_size = 16;
    ck_assert_int_eq(measure(2, 2, 2, true), OCLSTM_UNSUPPORTED);
    ck_assert_uint_eq(device->held_bytes, 0);
}
END_TEST

// --- a contest, with times from a list ----------------------------------------------------------------------------------------

static const double *times; // 0 = it fails
static int timed, kept_timed;

static bool next_time(tune_search *tuner, const void *subject, const void *candidate, double *seconds) {
    (void)tuner;
    ck_assert_ptr_eq(subject, &times);
    kept_timed += candidate == NULL;
    *seconds = times[timed++];
    return *seconds > 0;
}

static bool contest(tune_contest *state, const double *list) {
    static const int candidate = 1;
    tune_search tuner = {0};
    times = list;
    timed = kept_timed = 0;
    state->time = next_time;
    state->subject = &times;
    return tuner_contest(&tuner, state, &candidate);
}

START_TEST(a_winner_stays_ahead) {
    tune_contest state = {.repeatable = true};
    // What is kept, the candidate; then in turn.
    ck_assert(contest(&state, (const double[]){10, 5, 10, 5, 9, 6, 11, 5}));
    ck_assert_int_eq(timed, 8);
    ck_assert_int_eq(kept_timed, 4);
    ck_assert(state.best == 5 && state.base == 9);
    ck_assert_double_eq_tol(tuner_speedup(&state), 1.8, 1e-12);
    // A slower one is timed once; one that is only a little faster, too.
    ck_assert(!contest(&state, (const double[]){6}));
    ck_assert_int_eq(timed, 1);
    ck_assert(!contest(&state, (const double[]){4.9}));
    // Two faster in turn.
    ck_assert(contest(&state, (const double[]){4, 5, 4, 5, 4, 5, 4}));
    ck_assert(state.best == 4 && state.base == 9);
}
END_TEST

START_TEST(luck_does_not_win) {
    tune_contest state = {.repeatable = true};
    // What is kept was timed at a bad moment.
    ck_assert(!contest(&state, (const double[]){10, 5, 5.1, 5}));
    state = (tune_contest){.repeatable = true};
    ck_assert(!contest(&state, (const double[]){10, 5, 5.1, 6}));
    ck_assert_int_eq(timed, 4);
    ck_assert(state.best == 5.1 && tuner_speedup(&state) == 1.0);
    // It fails the second time.
    state = (tune_contest){.repeatable = true};
    ck_assert(!contest(&state, (const double[]){10, 5, 10, 0}));
    ck_assert_int_eq(timed, 4);
}
END_TEST

START_TEST(what_cannot_run_loses) {
    tune_contest state = {.repeatable = true};
    ck_assert(!contest(&state, (const double[]){10, 0}));
    // Where nothing could run before, whatever runs wins, and there is nothing to compare it with.
    state = (tune_contest){.repeatable = true};
    ck_assert(contest(&state, (const double[]){0, 5}));
    ck_assert(state.best == 5 && tuner_speedup(&state) == 1.0);
}
END_TEST

START_TEST(what_cannot_be_timed_again_is_timed_more_often) {
    tune_contest state = {0};
    ck_assert(contest(&state, (const double[]){12, 11, 10, 11, 5, 5, 5, 5}));
    ck_assert_int_eq(timed, 8);
    ck_assert(state.base == 10 && state.best == 5);
    // The winner can be timed again.
    ck_assert(contest(&state, (const double[]){4, 5, 4, 5, 4, 5, 4}));
    ck_assert_int_eq(kept_timed, 3);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("tune");
    TCase *contests = tcase_create("contest"), *tests = tcase_create("search");
    tcase_add_test(contests, a_winner_stays_ahead);
    tcase_add_test(contests, luck_does_not_win);
    tcase_add_test(contests, what_cannot_run_loses);
    tcase_add_test(contests, what_cannot_be_timed_again_is_timed_more_often);
    tcase_add_checked_fixture(tests, make_device, close_device);
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, own_parameters_then_tuned_ones); // the first that uses CLBlast
    tcase_add_test(tests, products_of_every_form_are_timed);
    tcase_add_test(tests, products_that_cannot_be_measured);
    tcase_add_test(tests, a_search_leaves_a_file_and_goes_on_later);
    tcase_add_test(tests, a_search_that_is_stopped_at_once_loses_nothing);
    tcase_add_test(tests, a_search_ends_with_its_budget);
    tcase_add_test(tests, after_a_search_results_are_right);
    tcase_add_test(tests, a_wrong_sequence_does_not_count);
    tcase_add_test(tests, a_wrong_product_does_not_count);
    tcase_add_test(tests, wrong_arguments_are_refused);
    tcase_add_test(tests, no_place_for_the_file);
    tcase_add_test(tests, the_path_of_the_file);
    suite_add_tcase(suite, contests);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
