// SPDX-License-Identifier: Apache-2.0
// The clblast engine of training against the reference in double precision: products in all forms and starts, the recurrence forward and back, with lengths and
// projections; small ones, and through CLBlast's padded copies.
#include <string.h>

#include "matmul/matmul.h"
#include "runner.h"
#include "train_fixture.h"

static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64};
static train_bench bench;

// Every test is run in both dtypes.
#define OPEN_BENCH_OR_RETURN()                                                                                                     \
    if (!train_bench_open(&bench, &train_engine_clblast, dtypes[_i]))                                                              \
    return

static void check_products(size_t m, size_t n, size_t k, size_t gap, size_t offset) {
    for (train_form form = TRAIN_NT; form <= TRAIN_TN; form++) {
        check_product(&bench, &(product_case){form, m, n, k, gap, offset, false, false});
        check_product(&bench, &(product_case){form, m, n, k, gap, offset, true, false});
        check_product(&bench, &(product_case){form, m, n, k, gap, offset, false, true});
    }
}

START_TEST(products) {
    OPEN_BENCH_OR_RETURN();
    check_products(1, 1, 1, 0, 0);
    check_products(1, 28, 7, 0, 5);
    check_products(5, 1, 9, 2, 0);
    check_products(3, 12, 1, 0, 1);
    check_products(9, 52, 13, 1, 3);
    check_products(33, 65, 17, 3, 0);
    check_products(64, 128, 32, 0, 64);
    check_products(12, 20, 1100, 1, 2); // sums in blocks
    check_products(1, 20, 513, 0, 0);
    train_bench_close(&bench);
}
END_TEST

static void check_recurrences(size_t steps, size_t batch, size_t hidden, size_t proj) {
    int lengths[16];
    ck_assert_uint_le(batch, 16);
    for (size_t b = 0; b < batch; b++)
        lengths[b] = (int)((2 * b + 1) % (steps + 3));
    recurrence_case shape = {.steps = steps, .batch = batch, .hidden = hidden, .proj = proj};
    check_recurrence(&bench, &shape);
    shape.lengths = lengths;
    shape.offset = 5;
    check_recurrence(&bench, &shape);
    shape.first = 2;
    shape.without_dy = true;
    check_recurrence(&bench, &shape);
}

START_TEST(recurrences) {
    OPEN_BENCH_OR_RETURN();
    for (size_t batch = 1; batch <= 9; batch++)
        check_recurrences(1 + batch % 5, batch, 2 * batch + 3, 0);
    check_recurrences(5, 1, 1, 0);
    check_recurrences(2, 2, 64, 0);
    check_recurrences(3, 16, 33, 0);
    check_recurrences(2, 1, 128, 0);
    train_bench_close(&bench);
}
END_TEST

START_TEST(recurrences_with_a_projection) {
    OPEN_BENCH_OR_RETURN();
    for (size_t batch = 1; batch <= 9; batch += 2)
        check_recurrences(1 + batch % 5, batch, batch + 4, 1 + batch % 3);
    check_recurrences(3, 2, 32, 16);
    train_bench_close(&bench);
}
END_TEST

START_TEST(sizes_beyond_the_kernels_index) {
    oclstm_error error = {0};
    const cl_mem none = (cl_mem)&bench; // never looked at
    const train_recurrence huge = {.steps = 100000, .batch = 1000, .hidden = 1024, .gates = {none, 0}, .h = {none, 0}};
    const train_product product = {.m = 100000, .n = 100000, .k = 1, .lda = 1, .ldb = 1, .ldc = 100000, .init = {none, 0}};
    OPEN_BENCH_OR_RETURN();
    train_machine *machine = &bench.machine;
    ck_assert_int_eq(train_engine_clblast.forward(machine, &huge, NULL, &error), OCLSTM_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "2147483647"));
    ck_assert_int_eq(train_engine_clblast.backward(machine, &huge, NULL, &error), OCLSTM_UNSUPPORTED);
    ck_assert_int_eq(train_engine_clblast.prepare(machine, &product, &error), OCLSTM_UNSUPPORTED);
    ck_assert_int_eq(train_engine_clblast.product(machine, &product, NULL, &error), OCLSTM_UNSUPPORTED);
    ck_assert_uint_ge(train_engine_clblast.product_scratch(machine, &product), product.m * product.n);
    train_bench_close(&bench);
}
END_TEST

// The last: it changes CLBlast's parameters.
START_TEST(padded_copies) {
    OPEN_BENCH_OR_RETURN();
    train_bench_make_copies(&bench);
    check_products(70, 150, 51, 0, 64);
    check_products(5, 160, 1, 2, 3);
    check_recurrences(3, 5, 40, 0);
    check_recurrences(2, 4, 21, 10);
    train_bench_close(&bench);
}
END_TEST

static void add_case(Suite *suite, const char *name, const TTest *test) {
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, test, 0, 2);
    suite_add_tcase(suite, tests);
}

int main(void) {
    Suite *suite = suite_create("train_clblast");
    add_case(suite, "products", products);
    add_case(suite, "recurrences", recurrences);
    add_case(suite, "projections", recurrences_with_a_projection);
    add_case(suite, "sizes", sizes_beyond_the_kernels_index);
    add_case(suite, "copies", padded_copies);
    return run_suite(suite, true);
}
