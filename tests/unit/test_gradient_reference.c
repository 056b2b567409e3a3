// SPDX-License-Identifier: Apache-2.0
// The reference of the gradients against central differences of its own forward pass: what holds every engine to the truth is held to it first.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gradient_reference.h"
#include "runner.h"

enum { STEPS = 4, BATCH = 3, HIDDEN = 3, WIDEST = 3 };
enum { ROWS = STEPS * BATCH };

// Everything of a unit. inputs: what the loss is a function of.
typedef struct unit_case {
    double weight_hh[4 * HIDDEN * WIDEST], weight_hr[WIDEST * HIDDEN], sums[ROWS * 4 * HIDDEN], h0[BATCH * WIDEST],
        c0[BATCH * HIDDEN];
    double gy[ROWS * WIDEST], gh[BATCH * WIDEST], gc[BATCH * HIDDEN]; // weights of the results in the loss
    double gates[ROWS * 4 * HIDDEN], h[(ROWS + BATCH) * WIDEST], c[(ROWS + BATCH) * HIDDEN], raw[ROWS * HIDDEN];
    double dh[BATCH * WIDEST], dc[BATCH * HIDDEN], dprojected[ROWS * WIDEST];
    reference_recurrence unit;
} unit_case;

static double next_random(void) {
    static uint64_t state = 7;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) * 0x1p-52 - 1.0;
}

static void fill(double *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        values[i] = next_random();
}

// sum(y gy) + sum(h gh) + sum(c gc), y of the rows that do not stand.
static double loss_of(unit_case *u) {
    const size_t width = reference_width(&u->unit);
    memcpy(u->gates, u->sums, sizeof u->gates);
    memcpy(u->h, u->h0, BATCH * width * sizeof *u->h);
    memcpy(u->c, u->c0, sizeof u->c0);
    ck_assert(reference_forward(&u->unit));
    double loss = 0;
    for (size_t i = 0; i < ROWS * width; i++) {
        const size_t row = i / width;
        loss += reference_stands(&u->unit, row / BATCH, row % BATCH) ? 0 : u->h[BATCH * width + i] * u->gy[i];
    }
    for (size_t i = 0; i < BATCH * width; i++)
        loss += u->h[ROWS * width + i] * u->gh[i];
    for (size_t i = 0; i < (size_t)BATCH * HIDDEN; i++)
        loss += u->c[(size_t)ROWS * HIDDEN + i] * u->gc[i];
    return loss;
}

// The derivative of the loss by each of `count` inputs is the gradient.
static void expect_gradient(unit_case *u, double *inputs, const double *gradient, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        const double value = inputs[i], step = 1e-5;
        inputs[i] = value + step;
        const double above = loss_of(u);
        inputs[i] = value - step;
        const double below = loss_of(u), slope = (above - below) / (2 * step);
        inputs[i] = value;
        ck_assert_msg(fabs(slope - gradient[i]) <= 1e-8 * (1 + fabs(slope)), "%s[%zu]: %.12g, slope %.12g; proj %zu%s", name, i,
                      gradient[i], slope, u->unit.proj, u->unit.lengths ? ", lengths" : "");
    }
}

static void check_unit(size_t proj, const int *lengths) {
    static unit_case u;
    u.unit = (reference_recurrence){.steps = STEPS,
                                    .batch = BATCH,
                                    .hidden = HIDDEN,
                                    .proj = proj,
                                    .lengths = lengths,
                                    .weight_hh = u.weight_hh,
                                    .weight_hr = u.weight_hr,
                                    .gates = u.gates,
                                    .h = u.h,
                                    .c = u.c,
                                    .raw = u.raw,
                                    .dy = u.gy,
                                    .dh = u.dh,
                                    .dc = u.dc,
                                    .dprojected = u.dprojected};
    double *const random[] = {u.weight_hh, u.weight_hr, u.sums, u.h0, u.c0, u.gy, u.gh, u.gc};
    const size_t counts[] = {sizeof u.weight_hh, sizeof u.weight_hr, sizeof u.sums, sizeof u.h0,
                             sizeof u.c0,        sizeof u.gy,        sizeof u.gh,   sizeof u.gc};
    const size_t width = reference_width(&u.unit);
    static double da[ROWS * 4 * HIDDEN], hh[4 * HIDDEN * WIDEST], hr[WIDEST * HIDDEN], dh[BATCH * WIDEST], dc[BATCH * HIDDEN];
    for (size_t i = 0; i < 8; i++)
        fill(random[i], counts[i] / sizeof(double));
    loss_of(&u);
    memcpy(u.dh, u.gh, sizeof u.gh);
    memcpy(u.dc, u.gc, sizeof u.gc);
    ck_assert(reference_backward(&u.unit));
    memcpy(da, u.gates, sizeof da);
    memcpy(dh, u.dh, sizeof dh);
    memcpy(dc, u.dc, sizeof dc);
    const reference_product for_hh = {
        TRAIN_TN, (size_t)4 * HIDDEN, width, ROWS, (size_t)4 * HIDDEN, width, width, da, u.h, hh, NULL, false};
    const reference_product for_hr = {TRAIN_TN, proj, HIDDEN, ROWS, proj, HIDDEN, HIDDEN, u.dprojected, u.raw, hr, NULL, false};
    reference_multiply(&for_hh);
    reference_multiply(&for_hr);
    expect_gradient(&u, u.sums, da, (size_t)ROWS * 4 * HIDDEN, "sums");
    expect_gradient(&u, u.h0, dh, BATCH * width, "h0");
    expect_gradient(&u, u.c0, dc, (size_t)BATCH * HIDDEN, "c0");
    expect_gradient(&u, u.weight_hh, hh, 4 * HIDDEN * width, "weight_hh");
    expect_gradient(&u, u.weight_hr, hr, proj * HIDDEN, "weight_hr");
}

START_TEST(test_recurrence_has_the_slopes_of_its_loss) {
    static const int lengths[BATCH] = {2, 4, 1};
    check_unit(0, NULL);
    check_unit(0, lengths);
    check_unit(2, NULL);
    check_unit(2, lengths);
}
END_TEST

START_TEST(test_product_forms_agree) {
    // A [2][3], B [3][2], and both the other way round.
    static const double a[] = {1, 2, 3, 4, 5, 6}, at[] = {1, 4, 2, 5, 3, 6}, b[] = {1, 0, -1, 2, 3, 1}, bt[] = {1, -1, 3, 0, 2, 1};
    static const double init[] = {100, 200}, expected[] = {8, 7, 17, 16};
    for (int form = TRAIN_NT; form <= TRAIN_TN; form++) {
        double c[4] = {1, 2, 3, 4};
        reference_product p = {.form = (train_form)form,
                               .m = 2,
                               .n = 2,
                               .k = 3,
                               .lda = form == TRAIN_TN ? 2 : 3,
                               .ldb = form == TRAIN_NT ? 3 : 2,
                               .ldc = 2,
                               .a = form == TRAIN_TN ? at : a,
                               .b = form == TRAIN_NT ? bt : b,
                               .c = c,
                               .init = init};
        reference_multiply(&p);
        for (int i = 0; i < 4; i++)
            ck_assert_double_eq(c[i], expected[i] + init[i % 2]);
        p.accumulate = true;
        reference_multiply(&p);
        for (int i = 0; i < 4; i++)
            ck_assert_double_eq(c[i], 2 * expected[i] + init[i % 2]);
        p.accumulate = false;
        p.init = NULL;
        reference_multiply(&p);
        for (int i = 0; i < 4; i++)
            ck_assert_double_eq(c[i], expected[i]);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gradient_reference");
    TCase *tests = tcase_create("gradient_reference");
    tcase_add_test(tests, test_recurrence_has_the_slopes_of_its_loss);
    tcase_add_test(tests, test_product_forms_agree);
    suite_add_tcase(suite, tests);
    return run_suite(suite, false);
}
