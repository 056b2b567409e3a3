// SPDX-License-Identifier: Apache-2.0
// A tape's calls that do not fit: each a clear error that takes nothing away.
#include "tape_fixture.h"

START_TEST(what_cannot_be_made_is_refused) {
    oclstm_error error = {0};
    tape_problem *p = tape_problem_make(&(tape_case){.steps = 1, .batch = 1, .input = 3, .hidden = 4});
    oclstm_cell *cell = tape_problem_cell(p), *half = NULL;
    oclstm_tape *tape = (oclstm_tape *)(uintptr_t)1;
    expect_failure(oclstm_tape_create(NULL, cell, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "out");
    expect_failure(oclstm_tape_create(&tape, NULL, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "cell");
    ck_assert_ptr_null(tape);
    const oclstm_tape_params bad = {.engine = (oclstm_engine)77};
    expect_failure(oclstm_tape_create(&tape, cell, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, "engine", "77");
    for (int dtype = OCLSTM_F16; dtype <= OCLSTM_BF16; dtype++) {
        const oclstm_cell_params params = {.input_size = 3, .hidden_size = 4, .dtype = (oclstm_dtype)dtype};
        expect_ok(oclstm_cell_create(&half, fixture_device(), &params, &error), &error);
        tape = (oclstm_tape *)(uintptr_t)1;
        expect_failure(oclstm_tape_create(&tape, half, NULL, &error), &error, OCLSTM_UNSUPPORTED,
                       oclstm_dtype_name((oclstm_dtype)dtype), "float32");
        ck_assert_ptr_null(tape);
        oclstm_cell_destroy(&half);
    }
    ck_assert(oclstm_tape_create(NULL, NULL, NULL, NULL) == OCLSTM_INVALID_ARGUMENT);
    oclstm_tape_destroy(NULL);
    oclstm_tape_destroy(&tape);
    expect_ok(oclstm_tape_create(&tape, cell, NULL, &error), &error);
    oclstm_tape_destroy(&tape);
    oclstm_cell_destroy(&cell);
    tape_problem_free(p);
}
END_TEST

START_TEST(forward_calls_that_do_not_fit) {
    oclstm_error error = {0};
    tape_problem *p = tape_problem_make(&(tape_case){.steps = 2, .batch = 3, .input = 4, .hidden = 5});
    oclstm_tape *tape = tape_problem_tape(p);
    const oclstm_sequence good = tape_forward_call(p);
    oclstm_sequence bad = good;
    expect_failure(oclstm_tape_forward(NULL, &good, &error), &error, OCLSTM_INVALID_ARGUMENT, "tape");
    expect_failure(oclstm_tape_forward(tape, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "sequence");
    bad.x.data = NULL;
    expect_failure(oclstm_tape_forward(tape, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, "x");
    bad = good;
    bad.x.shape[2] = 5;
    expect_failure(oclstm_tape_forward(tape, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, "x", "4", "5");
    bad = good;
    bad.x.rank = 1;
    expect_failure(oclstm_tape_forward(tape, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, "x");
    bad = good;
    bad.x.dtype = OCLSTM_F64;
    expect_failure(oclstm_tape_forward(tape, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, "x", "float64", "float32");
    bad = good;
    bad.h = (oclstm_const_array){0};
    expect_failure(oclstm_tape_forward(tape, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, "h", "c");
    bad = good;
    bad.c.shape[0] = 2;
    expect_failure(oclstm_tape_forward(tape, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, "c", "2", "3");
    bad = good;
    bad.y.shape[0] = 3;
    expect_failure(oclstm_tape_forward(tape, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, "y");
    bad = good;
    bad.h_out.rank = 1;
    expect_failure(oclstm_tape_forward(tape, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, "h_out");
    oclstm_cell *cell = tape_problem_cell(p);
    oclstm_state *state = NULL;
    expect_ok(oclstm_state_create(&state, cell, 3, &error), &error);
    bad = good;
    bad.state = state;
    expect_failure(oclstm_tape_forward(tape, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, "state");
    bad = good;
    bad.x.shape[0] = INT64_MAX / 4;
    bad.y = (oclstm_array){0};
    ck_assert(oclstm_tape_forward(tape, &bad, &error) != OCLSTM_OK);
    oclstm_state_destroy(&state);
    oclstm_cell_destroy(&cell);
    // None of them was a forward pass.
    const oclstm_cell_gradients back = tape_backward_call(p);
    expect_failure(oclstm_tape_backward(tape, &back, &error), &error, OCLSTM_INVALID_ARGUMENT, "forward");
    tape_run_both(tape, p);
    oclstm_tape_destroy(&tape);
    tape_problem_free(p);
}
END_TEST

START_TEST(backward_calls_that_do_not_fit) {
    oclstm_error error = {0};
    tape_problem *p = tape_problem_make(&(tape_case){.steps = 2, .batch = 3, .input = 4, .hidden = 5});
    oclstm_tape *tape = tape_problem_tape(p);
    const oclstm_cell_gradients good = tape_backward_call(p);
    oclstm_cell_gradients bad;
    expect_failure(oclstm_tape_backward(NULL, &good, &error), &error, OCLSTM_INVALID_ARGUMENT, "tape");
    expect_failure(oclstm_tape_backward(tape, &good, &error), &error, OCLSTM_INVALID_ARGUMENT, "forward");
    tape_run_forward(tape, p);
    expect_failure(oclstm_tape_backward(tape, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "gradients");
    for (int which = 0; which < 10; which++) {
        static const char *const names[] = {"y", "h", "c", "x", "h0", "c0", "weight_ih", "weight_hh", "bias_ih", "bias_hh"};
        bad = good;
        oclstm_const_array *const in[] = {&bad.y, &bad.h, &bad.c};
        oclstm_array *const out[] = {&bad.x, &bad.h0, &bad.c0, &bad.weight_ih, &bad.weight_hh, &bad.bias_ih, &bad.bias_hh};
        int64_t *const shape = which < 3 ? in[which]->shape : out[which - 3]->shape;
        oclstm_dtype *const dtype = which < 3 ? &in[which]->dtype : &out[which - 3]->dtype;
        int *const rank = which < 3 ? &in[which]->rank : &out[which - 3]->rank;
        shape[0]++;
        expect_failure(oclstm_tape_backward(tape, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, names[which]);
        shape[0]--;
        (*rank)++;
        expect_failure(oclstm_tape_backward(tape, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, names[which]);
        (*rank)--;
        *dtype = OCLSTM_F64;
        expect_failure(oclstm_tape_backward(tape, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, names[which], "float64");
    }
    // What was refused took nothing away.
    tape_run_backward(tape, p, &good);
    tape_problem_solve(p, true, true, true);
    tape_problem_compare(p);
    expect_failure(oclstm_tape_backward(tape, &good, &error), &error, OCLSTM_INVALID_ARGUMENT, "forward");
    oclstm_tape_destroy(&tape);
    tape_problem_free(p);
    p = tape_problem_make(&(tape_case){.steps = 2, .batch = 3, .input = 4, .hidden = 5, .no_bias = true});
    tape = tape_problem_tape(p);
    tape_run_forward(tape, p);
    bad = tape_backward_call(p);
    bad.bias_hh = tape_input_array(p, p->gradients, OF_BIAS_HH);
    expect_failure(oclstm_tape_backward(tape, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, "bias_hh");
    oclstm_tape_destroy(&tape);
    tape_problem_free(p);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {what_cannot_be_made_is_refused, forward_calls_that_do_not_fit, backward_calls_that_do_not_fit};
    return run_suite(fixture_suite("tape_refuse", tests, sizeof tests / sizeof tests[0]), true);
}
