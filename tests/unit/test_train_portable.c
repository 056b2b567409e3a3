// SPDX-License-Identifier: Apache-2.0
// The portable engine of training against the reference in double precision: products of every form and recurrences, at odd sizes.
#include "runner.h"
#include "train_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64};

static const product_case products[] = {
    {TRAIN_NT, 1, 1, 1, 0, 0, false, false},    {TRAIN_NT, 3, 5, 7, 0, 0, true, false},
    {TRAIN_NT, 17, 33, 19, 3, 5, true, false},  {TRAIN_NT, 64, 64, 64, 0, 0, true, true},
    {TRAIN_NT, 5, 130, 1, 1, 64, false, true},  {TRAIN_NN, 1, 1, 1, 0, 0, false, false},
    {TRAIN_NN, 3, 5, 7, 0, 0, true, false},     {TRAIN_NN, 17, 33, 19, 3, 5, false, false},
    {TRAIN_NN, 66, 63, 65, 0, 64, false, true}, {TRAIN_NN, 1, 40, 160, 2, 1, false, true},
    {TRAIN_TN, 1, 1, 1, 0, 0, false, false},    {TRAIN_TN, 3, 5, 7, 0, 0, true, false},
    {TRAIN_TN, 33, 17, 19, 3, 5, false, false}, {TRAIN_TN, 64, 16, 130, 0, 64, false, true},
    {TRAIN_TN, 7, 9, 1, 1, 3, false, true},
};

START_TEST(test_products) {
    train_bench bench;
    if (!train_bench_open(&bench, &train_engine_portable, dtypes[_i]))
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
    {.steps = 7, .batch = 7, .hidden = 16, .lengths = some_lengths, .offset = 5},
    {.steps = 4, .batch = 3, .hidden = 9, .lengths = behind, .first = 4},
    {.steps = 3, .batch = 2, .hidden = 6, .proj = 1},
    {.steps = 5, .batch = 3, .hidden = 17, .proj = 16, .offset = 3},
    {.steps = 7, .batch = 7, .hidden = 10, .proj = 3, .lengths = some_lengths},
    {.steps = 4, .batch = 3, .hidden = 7, .proj = 5, .lengths = behind, .first = 4, .without_dy = true},
};

START_TEST(test_recurrences) {
    train_bench bench;
    if (!train_bench_open(&bench, &train_engine_portable, dtypes[_i]))
        return;
    for (size_t i = 0; i < COUNT(recurrences); i++)
        check_recurrence(&bench, &recurrences[i]);
    train_bench_close(&bench);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("train_portable");
    TCase *of_products = tcase_create("products"), *of_recurrences = tcase_create("recurrences");
    tcase_add_loop_test(of_products, test_products, 0, 2);
    tcase_add_loop_test(of_recurrences, test_recurrences, 0, 2);
    suite_add_tcase(suite, of_products);
    suite_add_tcase(suite, of_recurrences);
    return run_suite(suite, true);
}
