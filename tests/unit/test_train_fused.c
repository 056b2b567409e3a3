// SPDX-License-Identifier: Apache-2.0
// The fused engine of training against the reference in double precision: products of every form and recurrences, at sizes around those of its tiles,
// panels and blocks, and with the tiles of other devices.
#include "runner.h"
#include "train/train_fused.h"
#include "train_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64};

// Vector width and rows of the tile: the device's own, then one of devices with 32 and one with 16 registers.
static const train_fused_tile tiles[] = {{0, 0, false}, {8, 5, false}, {4, 3, true}};

static const product_case products[] = {
    {TRAIN_NT, 1, 1, 1, 0, 0, false, false},     {TRAIN_NT, 3, 5, 7, 0, 0, true, false},
    {TRAIN_NT, 17, 33, 19, 3, 5, true, false},   {TRAIN_NT, 64, 64, 64, 0, 0, true, true},
    {TRAIN_NT, 5, 130, 1, 1, 64, false, true},   {TRAIN_NT, 50, 200, 300, 7, 3, true, false},
    {TRAIN_NT, 300, 65, 129, 0, 0, true, false}, {TRAIN_NN, 1, 1, 1, 0, 0, false, false},
    {TRAIN_NN, 3, 5, 7, 0, 0, true, false},      {TRAIN_NN, 17, 33, 19, 3, 5, false, false},
    {TRAIN_NN, 65, 63, 66, 0, 64, false, true},  {TRAIN_NN, 1, 40, 160, 2, 1, false, true},
    {TRAIN_NN, 130, 257, 270, 1, 0, true, true}, {TRAIN_TN, 1, 1, 1, 0, 0, false, false},
    {TRAIN_TN, 3, 5, 7, 0, 0, true, false},      {TRAIN_TN, 33, 17, 19, 3, 5, false, false},
    {TRAIN_TN, 64, 16, 130, 0, 64, false, true}, {TRAIN_TN, 7, 9, 1, 1, 3, false, true},
    {TRAIN_TN, 530, 70, 40, 0, 0, false, false}, {TRAIN_TN, 100, 300, 290, 5, 2, true, false},
};

static bool open_bench(train_bench *bench, int which) {
    train_fused_tile_forced = tiles[which / 2];
    return train_bench_open(bench, &train_engine_fused, dtypes[which % 2]);
}

START_TEST(test_products) {
    train_bench bench;
    if (!open_bench(&bench, _i))
        return;
    for (size_t i = 0; i < COUNT(products); i++)
        check_product(&bench, &products[i]);
    train_bench_close(&bench);
}
END_TEST

static const int some_lengths[] = {3, 1, 7, 2, 5, 4, 6}, behind[] = {9, 4, 6};

static const recurrence_case recurrences[] = {
    {.steps = 1, .batch = 1, .hidden = 1},
    {.steps = 7, .batch = 3, .hidden = 5},
    {.steps = 3, .batch = 2, .hidden = 33, .offset = 64},
    {.steps = 2, .batch = 65, .hidden = 17, .without_dy = true},
    {.steps = 4, .batch = 9, .hidden = 70},
    {.steps = 3, .batch = 8, .hidden = 64, .offset = 16},
    {.steps = 2, .batch = 13, .hidden = 129},
    {.steps = 7, .batch = 7, .hidden = 16, .lengths = some_lengths, .offset = 5},
    {.steps = 7, .batch = 7, .hidden = 67, .lengths = some_lengths, .without_dy = true},
    {.steps = 4, .batch = 3, .hidden = 9, .lengths = behind, .first = 4},
};

START_TEST(test_recurrences) {
    train_bench bench;
    if (!open_bench(&bench, _i))
        return;
    for (size_t i = 0; i < COUNT(recurrences); i++)
        check_recurrence(&bench, &recurrences[i]);
    train_bench_close(&bench);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("train_fused");
    // The device's own tile by itself: that is what the kernels' mutations are held against.
    const char *const names[] = {"products", "products_tiles", "recurrences", "recurrences_tiles"};
    for (int i = 0; i < 4; i++) {
        TCase *tests = tcase_create(names[i]);
        const int first = i % 2 == 0 ? 0 : 2, end = i % 2 == 0 ? 2 : 2 * (int)COUNT(tiles);
        if (i < 2)
            tcase_add_loop_test(tests, test_products, first, end);
        else
            tcase_add_loop_test(tests, test_recurrences, first, end);
        suite_add_tcase(suite, tests);
    }
    return run_suite(suite, true);
}
