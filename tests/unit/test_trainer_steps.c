// SPDX-License-Identifier: Apache-2.0
// Steps of training: losses and gradients with the reference's, the optimizer's step, the same bits again, carried state, evaluation, what is not finite.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "trainer_fixture.h"

static const char *const networks[] = {"embed 11 6, lstm 6 10 layers 2 bidirectional, linear 5",
                                       "lstm 4 7 layers 2 proj 3, linear 6", "lstmcell 3 8, lstmcell 8 8, linear 2"};

static oclstm_optimizer_params sgd(double lr, double clip) {
    oclstm_optimizer_params optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_SGD);
    optimizer.lr = lr;
    optimizer.clip_norm = clip;
    return optimizer;
}

static double norm_of(const trainer_problem *p) {
    double sum = 0;
    for (size_t i = 0; i < p->parameter_count; i++) {
        for (size_t k = 0; k < p->parameters[i].count; k++)
            sum += p->parameters[i].gradient[k] * p->parameters[i].gradient[k];
    }
    return sqrt(sum);
}

static void expect_near(double got, double expected, oclstm_dtype dtype, const char *name, const char *what) {
    ck_assert_msg(fabs(got - expected) <= (dtype == OCLSTM_F64 ? 1e-12 : 1e-5) * (fabs(expected) + 1e-3),
                  "%s: %s is %.15g, expected %.15g", what, name, got, expected);
}

// Plain gradient descent, so that the weights say what the gradients were.
static void check_step(const trainer_case *shape) {
    trainer_problem *p = trainer_problem_make(shape);
    for (int64_t step = 1; step <= 3; step++) {
        trainer_problem_read(p);
        trainer_problem_solve_step(p);
        const oclstm_train_result result = trainer_run_step(p);
        const double norm = norm_of(p), clip = shape->params.optimizer.clip_norm;
        const double scale = shape->params.optimizer.lr * (clip > 0 ? fmin(1, clip / (norm + 1e-6)) : 1);
        ck_assert(result.finite);
        ck_assert_int_eq(result.step, step);
        ck_assert_int_eq(oclstm_trainer_steps(p->trainer), step);
        ck_assert_double_eq(result.lr, shape->params.optimizer.lr);
        expect_near(result.loss, p->loss, shape->dtype, "the loss", p->what);
        expect_near(result.gradient_norm, norm, shape->dtype, "the norm", p->what);
        if (clip == 0)
            trainer_compare_weights(p); // the gradients, before clipping
        trainer_problem *before = fixture_alloc(1, sizeof *before);
        *before = *p;
        for (size_t i = 0; i < p->parameter_count; i++)
            before->parameters[i].value = memcpy(fixture_alloc(p->parameters[i].count, sizeof(double)), p->parameters[i].value,
                                                 p->parameters[i].count * sizeof(double));
        for (size_t i = 0; i < p->parameter_count; i++) {
            for (size_t k = 0; k < p->parameters[i].count; k++)
                before->parameters[i].value[k] -= scale * p->parameters[i].gradient[k];
        }
        trainer_problem_read(p);
        for (size_t i = 0; i < p->parameter_count; i++) {
            for (size_t k = 0; k < p->parameters[i].count; k++)
                expect_near(p->parameters[i].value[k], before->parameters[i].value[k], shape->dtype, p->parameters[i].name,
                            p->what);
            free(before->parameters[i].value);
        }
        free(before);
    }
    trainer_problem_free(p);
}

START_TEST(steps_of_every_loss) {
    for (int loss = OCLSTM_LOSS_MSE; loss <= OCLSTM_LOSS_BCE; loss++) {
        for (int i = 0; i < 3; i++) {
            const bool classes = loss == OCLSTM_LOSS_CROSS_ENTROPY;
            trainer_on_every_engine((trainer_case){.description = networks[i],
                                                   .steps = 5,
                                                   .batch = 4,
                                                   .lengths = i != 2,
                                                   .spoiled = true,
                                                   .loss = (oclstm_loss)loss,
                                                   .ignores = classes && i == 0,
                                                   .long_integers = i == 1,
                                                   .batch_first = i == 1,
                                                   .params = {.optimizer = sgd(0.1, i == 1 ? 0.05 : 0)}},
                                    check_step);
        }
    }
}
END_TEST

// --- the same bits --------------------------------------------------------------------------------------------------------

// The weights' bits after some steps.
static void *train(trainer_problem *p, int steps, size_t *bytes) {
    for (int i = 0; i < steps; i++)
        ck_assert(trainer_run_step(p).finite);
    return trainer_bits(p->trainer, false, bytes);
}

// Two trainers, and one that computes the gates again: the same bits. The batch is the first one's.
static void check_same_bits(const trainer_case *shape) {
    size_t bytes, other_bytes;
    trainer_problem *first = trainer_problem_make(shape);
    void *bits = train(first, 4, &bytes);
    for (int recompute = 0; recompute < 2; recompute++) {
        trainer_case other_shape = *shape;
        other_shape.params.recompute = recompute;
        trainer_problem *other = trainer_problem_make(&other_shape);
        oclstm_trainer *own = other->trainer;
        trainer_problem *borrowed = fixture_alloc(1, sizeof *borrowed);
        *borrowed = *first;
        borrowed->trainer = own;
        void *other_bits = train(borrowed, 4, &other_bytes);
        ck_assert_uint_eq(bytes, other_bytes);
        ck_assert_msg(memcmp(bits, other_bits, bytes) == 0, "%s: other bits %s", first->what,
                      recompute ? "with recompute" : "of another trainer");
        free(other_bits);
        free(borrowed);
        trainer_problem_free(other);
    }
    free(bits);
    trainer_problem_free(first);
}

START_TEST(the_same_bits_again) {
    for (int i = 0; i < 3; i++) {
        oclstm_optimizer_params optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAMW);
        optimizer.clip_norm = 0.5;
        trainer_on_every_engine((trainer_case){.description = networks[i],
                                               .steps = 5,
                                               .batch = 4,
                                               .lengths = i == 0,
                                               .params = {.optimizer = optimizer, .seed = 3, .dropout = 0.3}},
                                check_same_bits);
    }
}
END_TEST

START_TEST(another_seed_gives_other_weights) {
    size_t bytes;
    trainer_problem *p = trainer_problem_make(&(trainer_case){.description = networks[0], .steps = 2, .batch = 2});
    trainer_problem *q =
        trainer_problem_make(&(trainer_case){.description = networks[0], .steps = 2, .batch = 2, .params = {.seed = 1}});
    void *one = trainer_bits(p->trainer, false, &bytes), *other = trainer_bits(q->trainer, false, &bytes);
    ck_assert(memcmp(one, other, bytes) != 0);
    free(one);
    free(other);
    trainer_problem_free(p);
    trainer_problem_free(q);
}
END_TEST

// --- evaluation -----------------------------------------------------------------------------------------------------------

START_TEST(evaluation_changes_nothing) {
    size_t bytes;
    const oclstm_optimizer_params adam = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM);
    const trainer_case shape = {.description = networks[0],
                                .steps = 4,
                                .batch = 3,
                                .loss = OCLSTM_LOSS_CROSS_ENTROPY,
                                .params = {.optimizer = adam, .dropout = 0.5, .seed = 9}};
    trainer_problem *p = trainer_problem_make(&shape), *q = trainer_problem_make(&shape);
    oclstm_trainer *own = q->trainer;
    trainer_problem *borrowed = fixture_alloc(1, sizeof *borrowed);
    *borrowed = *p;
    borrowed->trainer = own;
    trainer_problem_solve_step(p);
    for (int i = 0; i < 3; i++) {
        const double loss = trainer_run_evaluate(p);
        if (i == 0) {
            expect_near(loss, p->loss, OCLSTM_F32, "the loss", p->what); // nothing is dropped
            ck_assert_double_eq(trainer_run_evaluate(p), loss);
        }
        ck_assert(trainer_run_step(p).finite && trainer_run_step(borrowed).finite);
        ck_assert_int_eq(oclstm_trainer_steps(p->trainer), i + 1);
    }
    void *bits = trainer_bits(p->trainer, false, &bytes), *other = trainer_bits(own, false, &bytes);
    ck_assert(memcmp(bits, other, bytes) == 0);
    free(bits);
    free(other);
    free(borrowed);
    trainer_problem_free(p);
    trainer_problem_free(q);
}
END_TEST

// --- carried state ----------------------------------------------------------------------------------------------------------

// A part of the steps of a time-major problem.
static oclstm_train_batch part_of(const trainer_problem *p, int64_t first, int64_t count) {
    oclstm_train_batch batch = trainer_batch(p);
    const size_t element = oclstm_dtype_size_bytes(p->shape.dtype);
    batch.x.data = (const char *)batch.x.data + (size_t)first * p->rows * p->inputs * element;
    batch.target.data = (const char *)batch.target.data + (size_t)first * p->rows * p->outputs * element;
    batch.x.shape[0] = batch.target.shape[0] = count;
    batch.carry_state = true;
    return batch;
}

static double loss_of_part(trainer_problem *p, int64_t first, int64_t count, bool step) {
    const oclstm_train_batch batch = part_of(p, first, count);
    oclstm_train_result result = {0};
    double loss = 0;
    oclstm_error error = {0};
    expect_ok(step ? oclstm_trainer_step(p->trainer, &batch, &result, &error)
                   : oclstm_trainer_evaluate(p->trainer, &batch, &loss, &error),
              &error);
    return step ? result.loss : loss;
}

// A sequence in parts of 2, 3 and 1 steps, the state carried on, has the loss of the whole. The rate is zero.
static void check_carrying(const trainer_case *shape) {
    oclstm_error error = {0};
    trainer_problem *p = trainer_problem_make(shape);
    const double whole = trainer_run_evaluate(p);
    for (int time = 0; time < 4; time++) {
        const bool step = time % 2 == 0;
        double sum = 2 * loss_of_part(p, 0, 2, step);
        if (time == 3)
            trainer_run_step(p); // training's state is another
        sum += 3 * loss_of_part(p, 2, 3, step) + loss_of_part(p, 5, 1, step);
        expect_near(sum / 6, whole, shape->dtype, "the loss in parts", p->what);
        const double behind = loss_of_part(p, 0, 2, step);
        expect_ok(oclstm_trainer_reset_state(p->trainer, &error), &error);
        const double at_zero = loss_of_part(p, 0, 2, step);
        ck_assert_msg(fabs(behind - at_zero) > 1e-9, "%s: the state does not count", p->what);
        expect_ok(oclstm_trainer_reset_state(p->trainer, &error), &error);
    }
    // Without carry_state a step begins at zero, whatever was before.
    loss_of_part(p, 0, 6, false);
    ck_assert_double_eq(trainer_run_evaluate(p), whole);
    trainer_problem_free(p);
}

START_TEST(state_is_carried) {
    trainer_on_every_engine((trainer_case){.description = networks[1], .steps = 6, .batch = 4}, check_carrying);
    trainer_on_every_engine((trainer_case){.description = networks[2], .steps = 6, .batch = 4}, check_carrying);
}
END_TEST

START_TEST(state_of_another_batch_is_refused) {
    oclstm_error error = {0};
    trainer_problem *p = trainer_problem_make(&(trainer_case){.description = networks[1], .steps = 6, .batch = 4});
    loss_of_part(p, 0, 2, true);
    oclstm_train_batch batch = part_of(p, 2, 2);
    batch.x.shape[1] = batch.target.shape[1] = 3;
    expect_failure(oclstm_trainer_step(p->trainer, &batch, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "4", "3");
    double loss;
    expect_ok(oclstm_trainer_evaluate(p->trainer, &batch, &loss, &error), &error);
    expect_ok(oclstm_trainer_reset_state(p->trainer, &error), &error);
    expect_ok(oclstm_trainer_step(p->trainer, &batch, NULL, &error), &error);
    trainer_problem_free(p);
}
END_TEST

// --- what is not finite -----------------------------------------------------------------------------------------------------

START_TEST(what_is_not_finite_changes_nothing) {
    size_t bytes;
    const double bad[] = {(double)NAN, (double)INFINITY};
    for (int kind = OCLSTM_OPTIMIZER_SGD; kind <= OCLSTM_OPTIMIZER_ADAMW; kind++) {
        for (int i = 0; i < 2; i++) {
            trainer_problem *p =
                trainer_problem_make(&(trainer_case){.description = networks[2],
                                                     .steps = 3,
                                                     .batch = 2,
                                                     .params = {.optimizer = oclstm_optimizer_defaults((oclstm_optimizer)kind)}});
            trainer_run_step(p);
            void *before = trainer_bits(p->trainer, false, &bytes);
            const double good = p->target.wide[1];
            host_values_set(&p->target, 1, bad[i]);
            const oclstm_train_result result = trainer_run_step(p);
            ck_assert(!result.finite && !isfinite(result.loss));
            void *after = trainer_bits(p->trainer, false, &bytes);
            ck_assert(memcmp(before, after, bytes) == 0);
            host_values_set(&p->target, 1, good);
            ck_assert(trainer_run_step(p).finite);
            free(before);
            free(after);
            trainer_problem_free(p);
        }
    }
}
END_TEST

// --- memory -----------------------------------------------------------------------------------------------------------------

START_TEST(memory_is_stated) {
    for (int recompute = 0; recompute < 2; recompute++) {
        const uint64_t before = oclstm_device_get_held_bytes(fixture_device());
        trainer_problem *p = trainer_problem_make(
            &(trainer_case){.description = networks[0],
                            .steps = 40,
                            .batch = 8,
                            .loss = OCLSTM_LOSS_CROSS_ENTROPY,
                            .params = {.recompute = recompute, .optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM)}});
        const uint64_t said = oclstm_trainer_bytes(p->trainer, 8, 40);
        trainer_run_evaluate(p);
        trainer_run_step(p);
        const uint64_t held = oclstm_device_get_held_bytes(fixture_device()) - before;
        ck_assert_msg(held <= said && said - held <= said / 4 + 4096, "%llu bytes are held, %llu were stated",
                      (unsigned long long)held, (unsigned long long)said);
        ck_assert_uint_eq(oclstm_trainer_bytes(p->trainer, INT64_MAX, INT64_MAX), 0);
        ck_assert_uint_eq(oclstm_trainer_bytes(p->trainer, INT64_MAX / 64, 3), 0);
        trainer_problem_free(p);
        ck_assert_uint_eq(oclstm_device_get_held_bytes(fixture_device()), before);
    }
    ck_assert_uint_eq(oclstm_trainer_bytes(NULL, 1, 1), 0);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {steps_of_every_loss,
                                  the_same_bits_again,
                                  another_seed_gives_other_weights,
                                  evaluation_changes_nothing,
                                  state_is_carried,
                                  state_of_another_batch_is_refused,
                                  what_is_not_finite_changes_nothing,
                                  memory_is_stated};
    return run_suite(fixture_suite("trainer_steps", tests, sizeof tests / sizeof tests[0]), true);
}
