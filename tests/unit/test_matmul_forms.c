// SPDX-License-Identifier: Apache-2.0
// The forms of a product that training needs, C overwritten or added to, held to a reference in double: around tile edges, with offsets and wide rows, one
// row, CLBlast's padded copies; NaN in C before.
#include <string.h>

#include "base/error.h"
#include "matmul/matmul.h"
#include "runner.h"
#include "train_fixture.h"

// An engine that is the matmul layer and nothing else.
static const device_needs *needs(const device_limits *limits) {
    (void)limits;
    return &matmul_needs;
}

static oclstm_status create(train_machine *machine, oclstm_error *error) {
    (void)machine;
    (void)error;
    return OCLSTM_OK;
}

static void destroy(train_machine *machine) { (void)machine; }

static matmul_shape shape_of(const train_machine *machine, const train_product *p) {
    const matmul_form form = p->form == TRAIN_NT ? MATMUL_NT : p->form == TRAIN_NN ? MATMUL_NN : MATMUL_TN;
    return (matmul_shape){machine->dtype, p->m, p->n, p->k, p->lda, p->ldb, p->ldc, form, !p->accumulate};
}

static size_t product_scratch(const train_machine *machine, const train_product *p) {
    size_t bytes = 0;
    oclstm_error error = {0};
    const matmul_shape shape = shape_of(machine, p);
    ck_assert_msg(matmul_prepare(machine->device, &shape, &bytes, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_uint_le(bytes / machine->element_bytes, matmul_most_temporary(&shape));
    return bytes / machine->element_bytes;
}

static oclstm_status product(train_machine *machine, const train_product *p, cl_mem scratch, oclstm_error *error) {
    const matmul_shape shape = shape_of(machine, p);
    return matmul_enqueue(machine->device, &shape, (matmul_operand){p->a.mem, p->a.offset}, (matmul_operand){p->b.mem, p->b.offset},
                          (matmul_operand){p->c.mem, p->c.offset}, scratch, error);
}

static const train_engine matmul_alone = {
    .name = "matmul", .needs = needs, .create = create, .destroy = destroy, .product_scratch = product_scratch, .product = product};

static train_bench bench;

static void check_forms(product_case p) {
    for (p.form = TRAIN_NT; p.form <= TRAIN_TN; p.form++) {
        p.accumulate = false;
        check_product(&bench, &p);
        p.accumulate = true;
        check_product(&bench, &p);
    }
}

static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64};

// Every test is run in both dtypes.
#define OPEN_BENCH_OR_RETURN()                                                                                                     \
    if (!train_bench_open(&bench, &matmul_alone, dtypes[_i]))                                                                      \
    return

START_TEST(every_side_around_tile_edges) {
    static const size_t edges[] = {1, 2, 7, 16, 17, 33, 64, 65, 129};
    OPEN_BENCH_OR_RETURN();
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        check_forms((product_case){.m = edges[i], .n = 20, .k = 9});
        check_forms((product_case){.m = 5, .n = edges[i], .k = 9});
        check_forms((product_case){.m = 5, .n = 20, .k = edges[i]});
        check_forms((product_case){.m = edges[i], .n = edges[i], .k = edges[i], .gap = i % 3, .offset = i % 4});
    }
    train_bench_close(&bench);
}
END_TEST

START_TEST(offsets_and_wide_rows) {
    OPEN_BENCH_OR_RETURN();
    for (size_t offset = 0; offset < 4; offset++) {
        for (size_t gap = 0; gap < 3; gap++) {
            check_forms((product_case){.m = 4, .n = 40, .k = 10, .gap = gap, .offset = offset});
            check_forms((product_case){.m = 1, .n = 64, .k = 64, .gap = gap, .offset = offset});
        }
    }
    train_bench_close(&bench);
}
END_TEST

// CLBlast's fast matrix-vector kernels where sizes allow, and sizes at which only one side would.
START_TEST(one_row) {
    static const size_t edges[] = {2, 16, 33, 64, 65, 128, 256, 512, 1024};
    OPEN_BENCH_OR_RETURN();
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        check_forms((product_case){.m = 1, .n = edges[i], .k = 33});
        check_forms((product_case){.m = 1, .n = 129, .k = edges[i]});
        check_forms((product_case){.m = 1, .n = 100, .k = edges[i]});
        check_forms((product_case){.m = 1, .n = edges[i], .k = edges[i]});
        check_forms((product_case){.m = 1, .n = edges[i], .k = 256});
    }
    train_bench_close(&bench);
}
END_TEST

START_TEST(sizes_beyond_the_kernels_index) {
    const size_t beyond = MATMUL_MAX_ELEMENTS / 1024 + 2;
    const matmul_shape turned_b = {.m = 8, .n = 1024, .k = beyond, .lda = beyond, .ldb = 1024, .ldc = 1024, .form = MATMUL_NN},
                       turned_a = {.m = 1024, .n = 8, .k = beyond, .lda = 1024, .ldb = 8, .ldc = 8, .form = MATMUL_TN},
                       fits = {.m = beyond, .n = 8, .k = 8, .lda = beyond, .ldb = 8, .ldc = 8, .form = MATMUL_TN};
    const matmul_shape *refused[] = {&turned_b, &turned_a};
    oclstm_error error = {0};
    size_t bytes;
    OPEN_BENCH_OR_RETURN();
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(matmul_prepare(bench.machine.device, refused[i], &bytes, &error), OCLSTM_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(error.message, "2147483647"));
    }
    ck_assert_int_eq(matmul_check(&fits, 0, 0, 0, &error), OCLSTM_OK);
    ck_assert_int_eq(matmul_check(&fits, 0, 0, MATMUL_MAX_ELEMENTS, &error), OCLSTM_UNSUPPORTED);
    train_bench_close(&bench);
}
END_TEST

// The last: it changes CLBlast's parameters.
START_TEST(padded_copies) {
    static const size_t edges[] = {2, 16, 31, 64, 65, 128, 129};
    OPEN_BENCH_OR_RETURN();
    train_bench_make_copies(&bench);
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        check_forms((product_case){.m = edges[i], .n = 20, .k = 9});
        check_forms((product_case){.m = 5, .n = edges[i], .k = edges[i]});
        check_forms((product_case){.m = edges[i], .n = edges[i], .k = edges[i], .gap = i % 3, .offset = i % 4});
    }
    check_forms((product_case){.m = 256, .n = 128, .k = 384}); // whole tiles: used where they are
    train_bench_close(&bench);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("matmul_forms");
    TCase *tests = tcase_create("matmul_forms");
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, every_side_around_tile_edges, 0, 2);
    tcase_add_loop_test(tests, offsets_and_wide_rows, 0, 2);
    tcase_add_loop_test(tests, one_row, 0, 2);
    tcase_add_loop_test(tests, sizes_beyond_the_kernels_index, 0, 2);
    tcase_add_loop_test(tests, padded_copies, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite, true);
}
