// SPDX-License-Identifier: Apache-2.0
// What the fused engine makes of tuned settings: they are followed, and whatever they ask for stays within what the shape and the device allow.
#include <string.h>

#include "base/error.h"
#include "cell/fused.h"
#include "cl/lstm_shared.h"
#include "runner.h"

// What is kept of the input product at a time, whatever a file says; one step where that is more.
static const size_t kept_bytes = (size_t)8 << 20;

static device_limits limits;
static tuned_settings tuned;

static void make_settings(void) {
    limits = (device_limits){.kind = OCLSTM_DEVICE_CPU,
                             .compute_units = 4,
                             .vector_width_float = 16,
                             .max_work_group_size = 4096,
                             .max_work_item_sizes = {4096, 4096, 4096},
                             .max_allocation_bytes = (uint64_t)1 << 30,
                             .has_local_memory = true,
                             .local_memory_bytes = 32768};
    memset(&tuned, 0, sizeof tuned);
}

static tuned_shape *add_shape(size_t batch, size_t input, size_t hidden, const char *engine, const char *form) {
    tuned_shape *shape = &tuned.shapes[tuned.shape_count++];
    *shape = (tuned_shape){.batch = batch, .input = input, .hidden = hidden, .groups = 4096, .chunk = 4096};
    base_copy_string(shape->engine, TUNED_NAME, engine);
    base_copy_string(shape->form, TUNED_NAME, form);
    return shape;
}

static fused_settings choose(size_t input, size_t hidden, size_t batch, bool can_meet) {
    return fused_settings_choose(&limits, &tuned, OCLSTM_F32, input, hidden, batch, can_meet);
}

static void check_bounds(const fused_settings *settings, size_t hidden, size_t batch) {
    const size_t blocks = (hidden + settings->vector_width - 1) / settings->vector_width;
    const size_t step_bytes = batch * blocks * settings->vector_width * LSTM_GATES * sizeof(float);
    ck_assert_uint_ge(settings->groups, 1);
    ck_assert_uint_le(settings->groups, settings->form == FUSED_ROWS ? batch : limits.compute_units);
    ck_assert_msg(settings->chunk <= 1 || settings->chunk * step_bytes <= kept_bytes, "chunk %zu of %zu bytes", settings->chunk,
                  step_bytes);
    ck_assert_uint_le(settings->tile_rows, 8);
    ck_assert_uint_le(settings->vector_width, 16);
}

START_TEST(settings_are_followed) {
    tuned_shape *shape = add_shape(8, 64, 64, "fused", "rows");
    shape->groups = 3;
    shape->chunk = 5;
    tuned.fused[0] = (tuned_fused){8, 2};
    const fused_settings rows = choose(64, 64, 8, true);
    ck_assert_int_eq(rows.form, FUSED_ROWS);
    ck_assert_uint_eq(rows.groups, 3);
    ck_assert_uint_eq(rows.chunk, 5);
    ck_assert_uint_eq(rows.vector_width, 8);
    ck_assert_uint_eq(rows.tile_rows, 2);
    base_copy_string(shape->form, TUNED_NAME, "units");
    const fused_settings units = choose(64, 64, 8, true);
    ck_assert_int_eq(units.form, FUSED_UNITS);
    ck_assert_uint_eq(units.groups, 3);
    ck_assert_uint_eq(units.chunk, 5);
}
END_TEST

START_TEST(hostile_settings_stay_within_bounds) {
    static const char *const forms[] = {"units", "rows", "step", "group", "", "nonsense"};
    static const size_t sizes[] = {1, 15, 16, 17, 512, 4096}, batches[] = {1, 3, 64, 4000};
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++) {
                for (size_t width = 0; width <= 16; width = width < 4 ? 4 : 2 * width) {
                    tuned.shape_count = 0;
                    add_shape(batches[b], 64, sizes[s], "fused", forms[f]);
                    tuned.fused[0] = (tuned_fused){width, 8};
                    for (int meet = 0; meet < 2; meet++) {
                        const fused_settings settings = choose(64, sizes[s], batches[b], meet == 1);
                        if (settings.form == FUSED_UNITS || settings.form == FUSED_ROWS)
                            check_bounds(&settings, sizes[s], batches[b]);
                    }
                }
            }
        }
    }
}
END_TEST

START_TEST(groups_that_may_not_meet_are_not_tried) {
    add_shape(1, 64, 64, "fused", "units");
    const fused_settings apart = choose(64, 64, 1, false);
    ck_assert_int_eq(apart.form, FUSED_UNITS);
    ck_assert_uint_eq(apart.groups, 1);
}
END_TEST

START_TEST(settings_of_another_engine_or_shape_do_not_count) {
    const fused_settings plain = choose(64, 64, 8, true);
    add_shape(8, 64, 64, "clblast", "rows");
    add_shape(8, 64, 200, "fused", "units");
    const fused_settings same = choose(64, 64, 8, true);
    ck_assert_int_eq(same.form, plain.form);
    ck_assert_uint_eq(same.groups, plain.groups);
    ck_assert_uint_eq(same.chunk, plain.chunk);
}
END_TEST

// "units" on a GPU is no kernel of it.
START_TEST(a_gpu_keeps_its_kernels) {
    limits.kind = OCLSTM_DEVICE_GPU;
    add_shape(8, 64, 64, "fused", "units");
    const fused_settings settings = choose(64, 64, 8, true);
    ck_assert(settings.form == FUSED_STEP || settings.form == FUSED_GROUP);
    base_copy_string(tuned.shapes[0].form, TUNED_NAME, "step");
    ck_assert_int_eq(choose(64, 64, 8, true).form, FUSED_STEP);
    base_copy_string(tuned.shapes[0].form, TUNED_NAME, "group");
    ck_assert_int_eq(choose(64, 64, 8, true).form, FUSED_GROUP);
    limits.local_memory_bytes = 1024; // the state does not fit
    ck_assert_int_eq(choose(64, 64, 8, true).form, FUSED_STEP);
}
END_TEST

// Eight work-items share a sum only where what they share fits: at 4 rows 16 KiB of float32.
START_TEST(shared_sums_fit_local_memory) {
    limits.kind = OCLSTM_DEVICE_GPU;
    limits.local_memory_bytes = (size_t)8 * 4 * LSTM_GATES * FUSED_LANES * sizeof(float);
    ck_assert_uint_eq(choose(512, 512, 8, true).lanes_k, 8);
    limits.local_memory_bytes--;
    ck_assert_uint_eq(choose(512, 512, 8, true).lanes_k, 1);
}
END_TEST

// Global memory in disguise is used only where somebody measured that it pays; what does not fit is stepped back from.
START_TEST(local_memory_in_disguise_is_left_alone) {
    limits.kind = OCLSTM_DEVICE_NPU;
    ck_assert_int_eq(choose(64, 64, 8, true).form, FUSED_GROUP);
    ck_assert_uint_eq(choose(64, 64, 8, true).lanes_k, 8);
    limits.has_local_memory = false;
    ck_assert_int_eq(choose(64, 64, 8, true).form, FUSED_STEP);
    ck_assert_uint_eq(choose(64, 64, 8, true).lanes_k, 1);
    add_shape(8, 64, 64, "fused", "group");
    fused_settings settings = choose(64, 64, 8, true);
    ck_assert_int_eq(settings.form, FUSED_GROUP);
    ck_assert(fused_settings_retreat(&settings));
    ck_assert(settings.form == FUSED_STEP && settings.lanes_k == 1);
    ck_assert(!fused_settings_retreat(&settings));
}
END_TEST

// The kept sums are one allocation: fewer steps are kept, and none where a step's do not fit.
START_TEST(sums_stay_within_an_allocation) {
    const size_t hidden = 512, row_bytes = LSTM_GATES * hidden * sizeof(float);
    for (size_t batch = 1; batch <= 40; batch += 13) {
        for (uint64_t rows = 1; rows <= 512; rows = rows * 2 + 1) {
            limits.max_allocation_bytes = rows * row_bytes;
            const fused_settings settings = choose(1024, hidden, batch, false);
            const size_t share = (batch + settings.groups - 1) / settings.groups;
            const size_t kept = settings.form == FUSED_ROWS ? settings.chunk * settings.groups * share : settings.chunk * batch;
            ck_assert_msg(settings.form != FUSED_ROWS || kept <= rows, "batch %zu: %zu rows are kept, %zu allowed", batch, kept,
                          (size_t)rows);
            ck_assert(kept <= rows || settings.chunk <= 1);
        }
    }
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("fused_settings");
    TCase *tests = tcase_create("settings");
    tcase_add_checked_fixture(tests, make_settings, NULL);
    tcase_add_test(tests, settings_are_followed);
    tcase_add_test(tests, hostile_settings_stay_within_bounds);
    tcase_add_test(tests, groups_that_may_not_meet_are_not_tried);
    tcase_add_test(tests, settings_of_another_engine_or_shape_do_not_count);
    tcase_add_test(tests, a_gpu_keeps_its_kernels);
    tcase_add_test(tests, shared_sums_fit_local_memory);
    tcase_add_test(tests, local_memory_in_disguise_is_left_alone);
    tcase_add_test(tests, sums_stay_within_an_allocation);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }
