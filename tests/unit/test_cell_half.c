// SPDX-License-Identifier: Apache-2.0
// Cells of float16 and bfloat16 against the reference in double precision: every engine and every form of the fused one, at odd sizes, with
// arrays of 16 bits and of float32, with products in float32 and, where the device has it, in float16 arithmetic.
#include <math.h>
#include <stdio.h>

#include "device/device.h"
#include "device/tuned.h"
#include "forms_fixture.h"

static const oclstm_dtype dtypes[] = {OCLSTM_F16, OCLSTM_BF16};
static const fused_form forms[] = {FUSED_UNITS, FUSED_ROWS, FUSED_STEP, FUSED_GROUP};

START_TEST(every_form) { forms_check(forms[_i % 4], dtypes[_i / 4], 2); }
END_TEST

// Every engine, by its own choice of form; steps and sequences; arrays of the cell's dtype and of float32.
static void check_engines(oclstm_dtype dtype) {
    static const int64_t hiddens[] = {1, 3, 17, 64, 70}, inputs[] = {1, 9, 65};
    tuned_settings nothing = {0};
    device_set_tuned(fixture_device(), &nothing);
    for (const oclstm_engine *engine = fixture_engines(dtype); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int i = 0; i < 15; i++) {
            cell_case shape = {.input = inputs[i % 3],
                               .hidden = hiddens[i % 5],
                               .batch = i % 4,
                               .steps = i % 3 * 3,
                               .dtype = dtype,
                               .engine = *engine,
                               .batch_first = i % 2 == 1,
                               .no_bias = i % 5 == 1,
                               .no_state = i % 7 == 3};
            check_case(&shape);
            shape.dtype = OCLSTM_F32;
            shape.short_cell = dtype;
            check_case(&shape);
        }
    }
}

START_TEST(every_engine) { check_engines(dtypes[_i]); }
END_TEST

// A term of 1 and thousands that are lost beside it in 16 bits, block by block too: sums are float32.
static void check_sums(oclstm_dtype dtype, oclstm_engine engine) {
    enum { INPUT = 4096, HIDDEN = 3 };
    static float weight_ih[4 * HIDDEN * INPUT], weight_hh[4 * HIDDEN * HIDDEN], x[INPUT];
    float h[HIDDEN];
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    for (int i = 0; i < 4 * HIDDEN * INPUT; i++)
        weight_ih[i] = 0x1p-9F;
    for (int i = 0; i < INPUT; i++)
        x[i] = i == 0 ? 0x1p9F : 0x1p-8F;
    const oclstm_cell_params params = {.dtype = dtype,
                                       .engine = engine,
                                       .weight_ih = {weight_ih, OCLSTM_F32, 2, {4 * HIDDEN, INPUT}},
                                       .weight_hh = {weight_hh, OCLSTM_F32, 2, {4 * HIDDEN, HIDDEN}}};
    const oclstm_step step = {.x = {x, OCLSTM_F32, 1, {INPUT}}, .h_out = {h, OCLSTM_F32, 1, {HIDDEN}}};
    expect_ok(oclstm_cell_create(&cell, fixture_device(), &params, &error), &error);
    expect_ok(oclstm_cell_step(cell, &step, &error), &error);
    oclstm_cell_destroy(&cell);
    const double sum = 1 + (INPUT - 1) * 0x1p-17, gate = 1 / (1 + exp(-sum)), wanted = gate * tanh(gate * tanh(sum));
    for (int unit = 0; unit < HIDDEN; unit++)
        ck_assert_msg(fabs((double)h[unit] - wanted) < fixture_tolerance(dtype) / 4, "h[%d] is %.9g, expected %.9g; %s, engine %s",
                      unit, (double)h[unit], wanted, oclstm_dtype_name(dtype), oclstm_engine_name(engine));
}

START_TEST(sums_are_float32) {
    for (const oclstm_engine *engine = fixture_engines(dtypes[_i]); *engine != OCLSTM_ENGINE_AUTO; engine++)
        check_sums(dtypes[_i], *engine);
}
END_TEST

// Products in float16 arithmetic: each is rounded once more, to 11 bits.
START_TEST(half_products) {
    if (!oclstm_device_get_info(fixture_device())->has_fp16) {
        printf("# skipped: %s has no float16 arithmetic (cl_khr_fp16)\n", oclstm_device_get_info(fixture_device())->name);
        return;
    }
    device_half_products = DEVICE_HALF_ALWAYS;
    check_engines(OCLSTM_F16);
    for (int form = 0; form < 4; form++)
        forms_check(forms[form], OCLSTM_F16, 4);
    device_half_products = DEVICE_HALF_BY_DEVICE;
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("cell_half");
    TCase *tests = tcase_create("reference");
    tcase_set_timeout(tests, 0);
    tcase_add_unchecked_fixture(tests, NULL, fixture_close);
    tcase_add_loop_test(tests, every_form, 0, 8);
    tcase_add_loop_test(tests, sums_are_float32, 0, 2);
    tcase_add_loop_test(tests, every_engine, 0, 2);
    tcase_add_test(tests, half_products);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
