// SPDX-License-Identifier: Apache-2.0
// Whole networks forward and back against the reference in double precision, on every engine; and the gradients of losses against central differences.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "train/trainer_private.h"
#include "trainer_fixture.h"

static const char *const networks[] = {
    "lstm 5 7",
    "lstm 5 8 layers 3",
    "lstm 6 9 bidirectional nobias",
    "lstm 4 7 layers 2 bidirectional proj 3",
    "lstm 3 16 proj 5, linear 4",
    "embed 11 6, lstm 6 10 layers 2 bidirectional, linear 5",
    "lstmcell 3 8, lstmcell 8 8, linear 2 nobias",
    "linear 5 6, relu, lstm 6 7, relu, lstm 7 9, linear 3, sigmoid",
    "embed 4 33, lstmcell 33 17",
};
enum { NETWORKS = sizeof networks / sizeof networks[0] };

// --- forward and back -----------------------------------------------------------------------------------------------------

static void check_both(const trainer_case *shape) {
    trainer_problem *p = trainer_problem_make(shape);
    const oclstm_network_gradients call = trainer_backward_call(p);
    for (int time = 0; time < 2; time++) { // the second time everything is made already
        trainer_run_forward(p);
        trainer_run_backward(p, &call);
        trainer_problem_read(p);
        trainer_problem_solve(p);
        trainer_problem_compare(p);
    }
    trainer_problem_free(p);
}

START_TEST(gradients_of_networks) {
    for (size_t i = 0; i < NETWORKS; i++)
        trainer_on_every_engine((trainer_case){.description = networks[i], .steps = 5, .batch = 3}, check_both);
}
END_TEST

START_TEST(gradients_with_lengths) {
    for (size_t i = 0; i < NETWORKS; i++)
        trainer_on_every_engine(
            (trainer_case){.description = networks[i], .steps = 6, .batch = 5, .lengths = true, .spoiled = true}, check_both);
}
END_TEST

START_TEST(gradients_of_other_forms) {
    for (size_t i = 0; i < NETWORKS; i++) {
        const trainer_case cases[] = {
            {.description = networks[i], .steps = 4, .batch = 3, .batch_first = true, .long_integers = true},
            {.description = networks[i], .steps = 4, .batch = 4, .batch_first = true, .lengths = true, .spoiled = true},
            {.description = networks[i], .steps = 5, .batch = 0},
            {.description = networks[i], .steps = 1, .batch = 2, .without_state = true},
        };
        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
            check_both(&cases[k]);
    }
}
END_TEST

// Random layers, sizes, directions, projections.
START_TEST(gradients_of_random_networks) {
    for (int i = 0; i < 8; i++) {
        static const int64_t sizes[] = {1, 2, 3, 5, 8, 15, 17, 33};
        char text[200];
        int64_t width = fixture_pick(sizes, 8), hidden = fixture_pick(sizes, 8);
        const int64_t layers = 1 + (int64_t)(fixture_random() >> 40) % 3, proj = hidden > 2 ? hidden / 2 : 0;
        const bool both = fixture_random() >> 40 & 1, projected = proj > 0 && (fixture_random() >> 40 & 1);
        char projection[32] = "";
        if (projected)
            snprintf(projection, sizeof projection, " proj %lld", (long long)proj);
        snprintf(text, sizeof text, "%s%lld %lld, lstm %lld layers %lld%s%s, linear %lld",
                 fixture_random() >> 40 & 1 ? "embed " : "linear ", (long long)fixture_pick(sizes, 8) + 1, (long long)width,
                 (long long)hidden, (long long)layers, both ? " bidirectional" : "", projection, (long long)fixture_pick(sizes, 8));
        trainer_on_every_engine((trainer_case){.description = text,
                                               .steps = 1 + (int64_t)(fixture_random() >> 40) % 7,
                                               .batch = 1 + (int64_t)(fixture_random() >> 40) % 9,
                                               .lengths = fixture_random() >> 40 & 1,
                                               .params = {.recompute = fixture_random() >> 40 & 1}},
                                check_both);
    }
}
END_TEST

// A second way back adds to the first; one without `accumulate` replaces.
START_TEST(weight_gradients_accumulate) {
    for (size_t i = 0; i < NETWORKS; i++) {
        trainer_problem *p = trainer_problem_make(&(trainer_case){.description = networks[i], .steps = 4, .batch = 3});
        oclstm_network_gradients call = trainer_backward_call(p);
        for (int time = 0; time < 3; time++) {
            trainer_run_forward(p);
            call.accumulate = time > 0;
            trainer_run_backward(p, &call);
            trainer_problem_solve(p);
        }
        trainer_problem_compare(p);
        trainer_problem_free(p);
    }
}
END_TEST

START_TEST(absent_gradients_are_zero) {
    trainer_problem *p = trainer_problem_make(&(trainer_case){.description = networks[1], .steps = 4, .batch = 3});
    const oclstm_network_gradients none = {0};
    size_t bytes;
    trainer_run_forward(p);
    trainer_run_backward(p, &none);
    trainer_compare_weights(p); // with the reference's, which are zero
    char *bits = trainer_bits(p->trainer, true, &bytes);
    for (size_t i = 0; i < bytes; i++)
        ck_assert_int_eq(bits[i] & 0x7F, 0);
    free(bits);
    trainer_problem_free(p);
}
END_TEST

// --- central differences ----------------------------------------------------------------------------------------------------

// The loss with one weight changed.
static double loss_with(trainer_problem *p, size_t place, double value) {
    oclstm_error error = {0};
    const size_t bytes = oclstm_dtype_size_bytes(p->shape.dtype);
    expect_ok(
        device_write(fixture_device(), train_graph_weights(p->trainer->graph), place * bytes, &value, bytes, "a weight", &error),
        &error);
    if (p->shape.params.dropout == 0)
        return trainer_run_evaluate(p);
    p->trainer->steps = 0; // what is dropped is what was dropped
    return trainer_run_step(p).loss;
}

static void check_slopes(const trainer_case *shape) {
    trainer_problem *p = trainer_problem_make(shape);
    const oclstm_train_result result = trainer_run_step(p);
    size_t bytes, count, flat = 0;
    double *gradients = trainer_bits(p->trainer, true, &bytes);
    const train_parameter *parameters = train_graph_parameters(p->trainer->graph, &count);
    if (shape->params.dropout == 0)
        ck_assert_double_eq_tol(result.loss, trainer_run_evaluate(p), 1e-14 * fabs(result.loss));
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < 4; n++) {
            const size_t k = (size_t)(fixture_random() >> 20) % parameters[i].count, place = parameters[i].offset + k;
            const double value = p->parameters[i].value[k], step = 1e-5;
            const double above = loss_with(p, place, value + step), below = loss_with(p, place, value - step);
            loss_with(p, place, value);
            const double slope = (above - below) / (2 * step), found = gradients[flat + k];
            ck_assert_msg(fabs(slope - found) <= 1e-9 + 1e-7 * fabs(slope),
                          "%s, %s, dropout %g: %s[%zu] is %.12g, slope %.12g, seed %llu", p->what, oclstm_loss_name(shape->loss),
                          shape->params.dropout, parameters[i].info.name, k, found, slope, (unsigned long long)fixture_seed());
        }
        flat += parameters[i].count;
    }
    free(gradients);
    trainer_problem_free(p);
}

START_TEST(gradients_are_slopes_of_the_loss) {
    if (!fixture_has_fp64())
        return;
    for (size_t i = 0; i < NETWORKS; i++) {
        trainer_case shape = {.description = networks[i],
                              .steps = 4,
                              .batch = 3,
                              .dtype = OCLSTM_F64,
                              .lengths = i % 2 == 0,
                              .spoiled = true,
                              .loss = (oclstm_loss)(i % 3),
                              .ignores = i % 3 == OCLSTM_LOSS_CROSS_ENTROPY};
        check_slopes(&shape);
    }
}
END_TEST

// What is dropped in the step is dropped on the way back.
START_TEST(gradients_with_dropout_are_slopes) {
    if (!fixture_has_fp64())
        return;
    static const char *const stacks[] = {"lstm 5 8 layers 3, linear 3", "lstm 4 7 layers 2 bidirectional proj 3",
                                         "embed 9 6, lstmcell 6 8, lstmcell 8 8, linear 2"};
    for (size_t i = 0; i < 3; i++) {
        for (int lengths = 0; lengths < 2; lengths++)
            check_slopes(&(trainer_case){.description = stacks[i],
                                         .steps = 4,
                                         .batch = 3,
                                         .dtype = OCLSTM_F64,
                                         .lengths = lengths,
                                         .params = {.dropout = 0.4, .seed = 5, .recompute = lengths}});
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {gradients_of_networks,
                                  gradients_with_lengths,
                                  gradients_of_other_forms,
                                  gradients_of_random_networks,
                                  weight_gradients_accumulate,
                                  absent_gradients_are_zero,
                                  gradients_are_slopes_of_the_loss,
                                  gradients_with_dropout_are_slopes};
    return run_suite(fixture_suite("trainer", tests, sizeof tests / sizeof tests[0]), true);
}
