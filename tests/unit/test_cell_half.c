// SPDX-License-Identifier: Apache-2.0
// Cells of float16 and bfloat16 against the reference in double precision: every engine and every form of the fused one, at odd sizes, with
// arrays of 16 bits and of float32, with products in float32 and, where the device has it, in float16 arithmetic.
#include <math.h>
#include <stdio.h>

#include <string.h>

#include <oclstm/opencl.h>

#include "cell/plan.h"
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

// NaN and infinity stand where the reference has them, and only there; h so small that float16 has it in its last bits, and none at all.
START_TEST(what_is_no_ordinary_number) {
    const oclstm_dtype dtype = dtypes[_i];
    for (const oclstm_engine *engine = fixture_engines(dtype); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        const cell_case shape = {.input = 9, .hidden = 21, .batch = 6, .steps = 3, .dtype = dtype, .engine = *engine};
        cell_problem *problem = problem_create(&shape);
        cell_values_set(&problem->x, 1 * 9 + 3, (double)NAN);
        cell_values_set(&problem->x, 2 * 9, (double)INFINITY);
        cell_values_set(&problem->h, 3 * 21 + 20, (double)-INFINITY);
        cell_values_set(&problem->c, 4 * 21 + 7, (double)INFINITY);
        oclstm_cell *cell = problem_cell(problem, fixture_device());
        problem_solve(problem);
        problem_run(problem, cell);
        problem_compare(problem, cell);
        oclstm_cell_destroy(&cell);
        problem_destroy(&problem);
        // h' = sigmoid(o) tanh(c') with the output gate almost shut.
        const cell_case one = {.input = 1, .hidden = 17, .batch = 1, .dtype = dtype, .engine = *engine, .no_state = true};
        problem = problem_create(&one);
        for (int k = 0; k < 17; k++)
            cell_values_set(&problem->weights[2], 3 * 17 + k, -8.0 - k);
        cell = problem_cell(problem, fixture_device());
        problem_solve(problem);
        problem_run(problem, cell);
        for (int k = 0; k < 17; k++) {
            const double got = cell_values_get(&problem->h_out, k), want = problem->h_out.wide[k];
            // In float16 in units of 2^-24 down here; the exponential of the CPU kernels ends at a relative error of 2e-6.
            ck_assert_msg(fabs(got - want) <= fmax(0x1.1p-25, fabs(want) * 0x1p-7), "%s: h[%d] is %a, expected %a",
                          oclstm_engine_name(*engine), k, got, want);
        }
        oclstm_cell_destroy(&cell);
        problem_destroy(&problem);
    }
}
END_TEST

// Long calls go through in slices, converted one by one, in either order of steps and batch; the state, too, where it is set and read.
START_TEST(slices_of_float32_arrays) {
    const size_t bytes = plan_slice_bytes;
    plan_slice_bytes = 3 * 4 * 24 * 5 * sizeof(float);
    for (int i = 0; i < 8; i++) {
        const cell_case shape = {.input = 7,
                                 .hidden = 24,
                                 .batch = 5,
                                 .steps = 11,
                                 .short_cell = dtypes[i % 2],
                                 .engine = i / 2 % 2 ? OCLSTM_ENGINE_FUSED : OCLSTM_ENGINE_PORTABLE,
                                 .batch_first = i / 4 == 1};
        check_case(&shape);
    }
    plan_slice_bytes = bytes;
}
END_TEST

START_TEST(a_state_keeps_c_whole) {
    const cell_case shape = {.input = 3, .hidden = 5, .batch = 2, .steps = 1, .dtype = OCLSTM_BF16, .no_state = true};
    cell_problem *problem = problem_create(&shape);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    oclstm_error error = {0};
    oclstm_state *state = NULL;
    float h[10], c[10], h_got[10], c_got[10];
    uint16_t short_c[10];
    for (int k = 0; k < 10; k++)
        h[k] = 0.5f, c[k] = 1.0f + 0x1p-20f * (float)k; // bfloat16 has none of these but 1
    expect_ok(oclstm_state_create(&state, cell, 2, &error), &error);
    const oclstm_const_array h_in = oclstm_in_2d(h, OCLSTM_F32, 2, 5), c_in = oclstm_in_2d(c, OCLSTM_F32, 2, 5);
    const oclstm_array h_out = oclstm_out_2d(h_got, OCLSTM_F32, 2, 5), c_out = oclstm_out_2d(c_got, OCLSTM_F32, 2, 5);
    const oclstm_array short_out = oclstm_out_2d(short_c, OCLSTM_BF16, 2, 5), wrong = oclstm_out_2d(c_got, OCLSTM_F16, 2, 5);
    expect_ok(oclstm_state_set(state, &h_in, &c_in, &error), &error);
    expect_ok(oclstm_state_get(state, &h_out, &c_out, &error), &error);
    ck_assert_mem_eq(h, h_got, sizeof h);
    ck_assert_mem_eq(c, c_got, sizeof c);
    expect_ok(oclstm_state_get(state, NULL, &short_out, &error), &error);
    ck_assert_uint_eq(short_c[9], 0x3F80);
    expect_failure(oclstm_state_get(state, NULL, &wrong, &error), &error, OCLSTM_INVALID_ARGUMENT, "c is float16",
                   "the state is bfloat16");
    oclstm_state_destroy(&state);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

// All arrays of a call are alike; other dtypes, and engines that cannot, are refused by name.
START_TEST(refusals) {
    const cell_case shape = {.input = 3, .hidden = 5, .batch = 2, .steps = 2, .dtype = OCLSTM_F16};
    cell_problem *problem = problem_create(&shape);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    oclstm_error error = {0};
    oclstm_sequence call = problem_call(problem);
    call.h.dtype = OCLSTM_F32;
    expect_failure(oclstm_cell_sequence(cell, &call, &error), &error, OCLSTM_INVALID_ARGUMENT, "h is float32", "x is float16");
    call = problem_call(problem);
    call.y.dtype = OCLSTM_BF16;
    expect_failure(oclstm_cell_sequence(cell, &call, &error), &error, OCLSTM_INVALID_ARGUMENT, "y is bfloat16", "x is float16");
    call = problem_call(problem);
    call.x.dtype = OCLSTM_F64;
    expect_failure(oclstm_cell_sequence(cell, &call, &error), &error, OCLSTM_INVALID_ARGUMENT, "x is float64",
                   "the cell's dtype is float16", "or to float32");
    call.x.dtype = OCLSTM_BF16;
    expect_failure(oclstm_cell_sequence(cell, &call, &error), &error, OCLSTM_INVALID_ARGUMENT, "x is bfloat16");
    float weights[60];
    const oclstm_array wrong = oclstm_out_2d(weights, OCLSTM_F32, 20, 3);
    expect_failure(oclstm_cell_read_weights(cell, &wrong, NULL, NULL, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "weight_ih is float32", "the cell is float16");
    uint16_t half[60];
    const oclstm_array right = oclstm_out_2d(half, OCLSTM_F16, 20, 3);
    expect_ok(oclstm_cell_read_weights(cell, &right, NULL, NULL, NULL, &error), &error);
    ck_assert_mem_eq(half, problem->weights[0].data, sizeof half);
    oclstm_cell_destroy(&cell);
    for (int i = 0; i < 2; i++)
        expect_failure(
            oclstm_cell_create(&cell, fixture_device(),
                               OCLSTM_CELL(.input_size = 3, .hidden_size = 5, .dtype = dtypes[i], .engine = OCLSTM_ENGINE_CLBLAST),
                               &error),
            &error, OCLSTM_UNSUPPORTED, "clblast", oclstm_dtype_name(dtypes[i]), "accumulates a product of float16");
    problem_destroy(&problem);
}
END_TEST

// The caller's buffers: x, h and y in 16 bits, c in float32.
START_TEST(buffers_of_the_caller) {
    const cell_case shape = {.input = 3, .hidden = 5, .batch = 2, .steps = 1, .dtype = OCLSTM_F16, .no_state = true};
    cell_problem *problem = problem_create(&shape);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    oclstm_device *device = fixture_device();
    oclstm_error error = {0};
    cl_mem x = NULL, y = NULL, c = NULL;
    float c_got[10];
    problem_solve(problem);
    expect_ok(device_buffer_create(&x, device, CL_MEM_READ_WRITE, 12, "x", &error), &error);
    expect_ok(device_buffer_create(&y, device, CL_MEM_READ_WRITE, 20, "y", &error), &error);
    expect_ok(device_buffer_create(&c, device, CL_MEM_READ_WRITE, 44, "c", &error), &error);
    expect_ok(device_write(device, x, 0, problem->x.data, 12, "x", &error), &error);
    oclstm_buffers buffers = {.batch = 2, .x = {x, 0}, .y = {y, 0}, .c_out = {c, 1}};
    expect_ok(oclstm_cell_enqueue(cell, &buffers, 0, NULL, NULL, &error), &error);
    expect_ok(device_read(device, problem->y.data, y, 0, 20, "y", &error), &error);
    expect_ok(device_read(device, c_got, c, 4, sizeof c_got, "c", &error), &error);
    for (int k = 0; k < 10; k++) {
        ck_assert(fabs(cell_values_get(&problem->y, k) - problem->y.wide[k]) <= 0x1p-12);
        ck_assert(fabs((double)c_got[k] - problem->c_out.wide[k]) <= 1e-5);
    }
    buffers.c_out.offset = 2;
    expect_failure(oclstm_cell_enqueue(cell, &buffers, 0, NULL, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "c_out",
                   "10 elements of float32 from element 2 on need 48");
    cl_mem *const made[] = {&x, &y, &c};
    for (int i = 0; i < 3; i++)
        device_buffer_release(device, made[i]);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

// Half the memory: everything but sums, c and the bias, and with those still well below float32's.
START_TEST(memory) {
    uint64_t held[2];
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F16); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        size_t stored[2];
        for (int i = 0; i < 2; i++) {
            const cell_case shape = {
                .input = 300, .hidden = 256, .batch = 4, .steps = 8, .dtype = i == 0 ? OCLSTM_F32 : OCLSTM_F16, .engine = *engine};
            const uint64_t before = oclstm_device_get_held_bytes(fixture_device());
            cell_problem *problem = problem_create(&shape);
            oclstm_cell *cell = problem_cell(problem, fixture_device());
            problem_run(problem, cell);
            held[i] = oclstm_device_get_held_bytes(fixture_device()) - before;
            const cell_plan *plan = cell->plans[0];
            const cl_mem buffers[] = {cell->weight_ih, cell->weight_hh, plan->x, plan->y, plan->h};
            stored[i] = 0;
            for (int k = 0; k < 5; k++)
                stored[i] += device_buffer_bytes(buffers[k]);
            for (int copy = 0; copy < PACKED_COUNT; copy++)
                for (int k = 0; k < 2; k++)
                    stored[i] += cell->packed[copy].buffers[k] != NULL ? device_buffer_bytes(cell->packed[copy].buffers[k]) : 0;
            oclstm_cell_destroy(&cell);
            problem_destroy(&problem);
            ck_assert_uint_eq(oclstm_device_get_held_bytes(fixture_device()), before);
        }
        ck_assert_uint_eq(stored[0], 2 * stored[1]);
        ck_assert_msg((double)held[1] < 0.56 * (double)held[0], "%s: %.3f of float32's", oclstm_engine_name(*engine),
                      (double)held[1] / (double)held[0]);
    }
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
    tcase_add_loop_test(tests, what_is_no_ordinary_number, 0, 2);
    tcase_add_test(tests, slices_of_float32_arrays);
    tcase_add_test(tests, a_state_keeps_c_whole);
    tcase_add_test(tests, refusals);
    tcase_add_test(tests, buffers_of_the_caller);
    tcase_add_test(tests, memory);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
