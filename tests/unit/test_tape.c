// SPDX-License-Identifier: Apache-2.0
// Gradients of a cell, on every engine, against the reference in double precision: shapes, what may be absent, accumulation, recomputation, memory.
#include "tape_fixture.h"
#include "train/graph.h"

static void check_case_twice(const tape_case *shape) {
    tape_problem *p = tape_problem_make(shape);
    oclstm_tape *tape = tape_problem_tape(p);
    tape_run_both(tape, p);
    tape_problem_solve(p, true, true, true);
    tape_problem_compare(p);
    // Once more, and computing the gates again: the same bits.
    tape_problem other = *p;
    other.shape.recompute = true;
    for (int time = 0; time < 2; time++) {
        oclstm_tape *another = time == 0 ? tape : tape_problem_tape(&other);
        for (int i = 0; i < INPUTS; i++)
            other.gradients[i] = host_values_make(shape->dtype, p->gradients[i].count, 0);
        tape_run_both(another, &other);
        for (int i = 0; i < (shape->no_bias ? OF_BIAS_IH : INPUTS); i++) {
            ck_assert_msg(host_values_same(&p->gradients[i], &other.gradients[i]), "%s: other bits in %s %s", p->what,
                          tape_input_names[i], time == 0 ? "in the second run" : "with recompute");
        }
        for (int i = 0; i < INPUTS; i++)
            host_values_free(&other.gradients[i]);
        if (time == 1)
            oclstm_tape_destroy(&another);
    }
    oclstm_tape_destroy(&tape);
    ck_assert_ptr_null(tape);
    tape_problem_free(p);
}

START_TEST(gradients_of_shapes) {
    static const tape_case shapes[] = {
        {.steps = 1, .batch = 1, .input = 1, .hidden = 1},
        {.steps = 1, .batch = 5, .input = 7, .hidden = 13},
        {.steps = 6, .batch = 3, .input = 5, .hidden = 9},
        {.steps = 5, .batch = 4, .input = 33, .hidden = 17, .batch_first = true},
        {.steps = 7, .batch = 0, .input = 6, .hidden = 8},
        {.steps = 1, .batch = 0, .input = 3, .hidden = 4, .no_bias = true},
        {.steps = 3, .batch = 19, .input = 4, .hidden = 32, .no_state = true},
        {.steps = 4, .batch = 2, .input = 16, .hidden = 64, .no_bias = true, .no_state = true, .batch_first = true},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        tape_on_every_engine(shapes[i], check_case_twice);
}
END_TEST

START_TEST(gradients_of_random_shapes) {
    static const int64_t sizes[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 40};
    for (int i = 0; i < 6; i++) {
        const tape_case shape = {.steps = fixture_pick(sizes, 7),
                                 .batch = fixture_pick(sizes, 9),
                                 .input = fixture_pick(sizes, 11),
                                 .hidden = fixture_pick(sizes, 11),
                                 .batch_first = fixture_random() >> 40 & 1,
                                 .no_bias = fixture_random() >> 40 & 1,
                                 .no_state = fixture_random() >> 40 & 1};
        tape_on_every_engine(shape, check_case_twice);
    }
}
END_TEST

START_TEST(gradients_of_a_long_sequence) {
    tape_on_every_engine((tape_case){.steps = 300, .batch = 2, .input = 3, .hidden = 20}, check_case_twice);
}
END_TEST

// A way back in parts of 1, 3 and 4 of 7 steps, whose gates are computed again or not.
START_TEST(gradients_in_parts) {
    const size_t usual = train_chunk_bytes;
    static const size_t parts[] = {1, 3, 4};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        train_chunk_bytes = parts[i] * 2 * 4 * 20 * sizeof(float);
        tape_on_every_engine((tape_case){.steps = 7, .batch = 2, .input = 3, .hidden = 20}, check_case_twice);
    }
    train_chunk_bytes = usual;
}
END_TEST

// Each of the gradients given alone, and none.
START_TEST(gradients_that_are_absent_are_zero) {
    for (int given = 0; given < 8; given++) {
        tape_problem *p = tape_problem_make(&(tape_case){.steps = 4, .batch = 3, .input = 5, .hidden = 6});
        oclstm_tape *tape = tape_problem_tape(p);
        oclstm_cell_gradients call = tape_backward_call(p);
        if (!(given & 1))
            call.y = (oclstm_const_array){0};
        if (!(given & 2))
            call.h = (oclstm_const_array){0};
        if (!(given & 4))
            call.c = (oclstm_const_array){0};
        tape_run_forward(tape, p);
        tape_run_backward(tape, p, &call);
        tape_problem_solve(p, given & 1, given & 2, given & 4);
        tape_problem_compare(p);
        oclstm_tape_destroy(&tape);
        tape_problem_free(p);
    }
}
END_TEST

// Each result asked for alone is what it is among all.
START_TEST(results_that_are_absent_are_not_written) {
    tape_problem *p = tape_problem_make(&(tape_case){.steps = 3, .batch = 2, .input = 4, .hidden = 5});
    oclstm_tape *tape = tape_problem_tape(p);
    tape_problem_solve(p, true, true, true);
    for (int wanted = -1; wanted < INPUTS; wanted++) {
        const oclstm_cell_gradients all = tape_backward_call(p);
        oclstm_cell_gradients call = {.y = all.y, .h = all.h, .c = all.c};
        const oclstm_array from[INPUTS] = {all.x, all.h0, all.c0, all.weight_ih, all.weight_hh, all.bias_ih, all.bias_hh};
        oclstm_array *const to[INPUTS] = {&call.x,         &call.h0,      &call.c0,     &call.weight_ih,
                                          &call.weight_hh, &call.bias_ih, &call.bias_hh};
        if (wanted >= 0)
            *to[wanted] = from[wanted];
        oclstm_sequence forward = tape_forward_call(p);
        oclstm_error error = {0};
        forward.y = forward.h_out = forward.c_out = (oclstm_array){0};
        expect_ok(oclstm_tape_forward(tape, &forward, &error), &error);
        tape_run_backward(tape, p, &call);
        if (wanted >= 0)
            expect_gradient_values(&p->gradients[wanted], p->gradients[wanted].wide, tape_input_names[wanted], p->what);
    }
    oclstm_tape_destroy(&tape);
    tape_problem_free(p);
}
END_TEST

// Three calls of two shapes: weights' gradients are added, those of inputs are not; then they are replaced.
static void check_accumulation(const tape_case *shape) {
    tape_problem *p = tape_problem_make(shape);
    oclstm_tape *tape = tape_problem_tape(p);
    tape_case shorter = *shape;
    shorter.steps = 2;
    shorter.batch = 5;
    tape_problem *q = tape_problem_make(&shorter);
    for (int i = OF_WEIGHT_IH; i < INPUTS; i++) {
        for (size_t k = 0; k < p->inputs[i].count; k++)
            host_values_set(&q->inputs[i], k, p->inputs[i].wide[k]);
    }
    tape_run_both(tape, p);
    tape_run_forward(tape, q);
    oclstm_cell_gradients call = tape_backward_call(q);
    call.accumulate = true;
    call.weight_ih = call.bias_hh = (oclstm_array){0}; // not read now, but counted
    tape_run_backward(tape, q, &call);
    tape_run_forward(tape, p);
    call = tape_backward_call(p);
    call.accumulate = true;
    tape_run_backward(tape, p, &call);
    tape_problem_solve(p, true, true, true);
    tape_problem_solve(p, true, true, true);
    tape_problem_solve(q, true, true, true);
    for (int i = OF_WEIGHT_IH; i < INPUTS; i++) {
        for (size_t k = 0; k < p->inputs[i].count; k++)
            p->gradients[i].wide[k] += q->gradients[i].wide[k];
    }
    tape_problem_compare(p);
    tape_run_both(tape, q);
    tape_problem_compare(q);
    oclstm_tape_destroy(&tape);
    tape_problem_free(p);
    tape_problem_free(q);
}

START_TEST(weight_gradients_accumulate) {
    tape_on_every_engine((tape_case){.steps = 4, .batch = 3, .input = 5, .hidden = 9}, check_accumulation);
    tape_on_every_engine((tape_case){.steps = 4, .batch = 3, .input = 5, .hidden = 9, .recompute = true}, check_accumulation);
}
END_TEST

// --- memory -------------------------------------------------------------------------------------------------------------

static void check_memory(const tape_case *shape) {
    tape_problem *p = tape_problem_make(shape);
    const uint64_t before = oclstm_device_get_held_bytes(fixture_device());
    oclstm_tape *tape = tape_problem_tape(p);
    const uint64_t said = oclstm_tape_bytes(tape, p->rows, shape->steps);
    tape_run_both(tape, p);
    const uint64_t held = oclstm_device_get_held_bytes(fixture_device()) - before;
    ck_assert_msg(held <= said && said - held <= said / 4 + 4096, "%s: %llu bytes are held, %llu were stated", p->what,
                  (unsigned long long)held, (unsigned long long)said);
    oclstm_tape_destroy(&tape);
    ck_assert_uint_eq(oclstm_device_get_held_bytes(fixture_device()), before);
    tape_problem_free(p);
}

START_TEST(memory_is_stated) {
    tape_on_every_engine((tape_case){.steps = 50, .batch = 8, .input = 16, .hidden = 32}, check_memory);
    tape_on_every_engine((tape_case){.steps = 200, .batch = 8, .input = 16, .hidden = 32, .recompute = true}, check_memory);
    tape_problem *p = tape_problem_make(&(tape_case){.steps = 1, .batch = 1, .input = 16, .hidden = 32});
    oclstm_tape *tape = tape_problem_tape(p);
    p->shape.recompute = true;
    oclstm_tape *again = tape_problem_tape(p);
    ck_assert_uint_lt(oclstm_tape_bytes(again, 64, 20000), oclstm_tape_bytes(tape, 64, 20000) * 3 / 4);
    ck_assert_uint_le(oclstm_tape_bytes(again, 1, 1), oclstm_tape_bytes(tape, 1, 1));
    ck_assert_uint_lt(oclstm_tape_bytes(tape, 1, 1), oclstm_tape_bytes(tape, 1, 2));
    ck_assert_uint_eq(oclstm_tape_bytes(tape, INT64_MAX, INT64_MAX), 0);
    ck_assert_uint_eq(oclstm_tape_bytes(tape, INT64_MAX / 8, 4), 0);
    ck_assert_uint_eq(oclstm_tape_bytes(tape, 0, 1), 0);
    ck_assert_uint_eq(oclstm_tape_bytes(tape, 1, -1), 0);
    ck_assert_uint_eq(oclstm_tape_bytes(NULL, 1, 1), 0);
    oclstm_tape_destroy(&tape);
    oclstm_tape_destroy(&again);
    tape_problem_free(p);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {gradients_of_shapes,
                                  gradients_of_random_shapes,
                                  gradients_of_a_long_sequence,
                                  gradients_in_parts,
                                  gradients_that_are_absent_are_zero,
                                  results_that_are_absent_are_not_written,
                                  weight_gradients_accumulate,
                                  memory_is_stated};
    return run_suite(fixture_suite("tape", tests, sizeof tests / sizeof tests[0]), true);
}
