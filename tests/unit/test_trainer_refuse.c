// SPDX-License-Identifier: Apache-2.0
// A trainer's calls that do not fit: each a clear error that takes nothing away.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "trainer_fixture.h"

static trainer_problem *a_tagger(void) {
    return trainer_problem_make(&(trainer_case){.description = "embed 11 6, lstm 6 10, linear 5",
                                                .steps = 4,
                                                .batch = 3,
                                                .lengths = true,
                                                .loss = OCLSTM_LOSS_CROSS_ENTROPY});
}

static trainer_problem *a_regression(oclstm_loss loss) {
    return trainer_problem_make(&(trainer_case){.description = "lstm 3 6, linear 2", .steps = 4, .batch = 3, .loss = loss});
}

static void expect_step(trainer_problem *p, const oclstm_train_batch *batch, const char *a, const char *b, int line) {
    oclstm_error error = {0};
    double loss;
    const char *const texts[] = {a, b, NULL};
    expect_failure_at(line, oclstm_trainer_step(p->trainer, batch, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, texts);
    expect_failure_at(line, oclstm_trainer_evaluate(p->trainer, batch, &loss, &error), &error, OCLSTM_INVALID_ARGUMENT, texts);
    ck_assert_int_eq(oclstm_trainer_steps(p->trainer), 0);
}

START_TEST(what_cannot_be_made_is_refused) {
    oclstm_error error = {0};
    oclstm_trainer *trainer = (oclstm_trainer *)(uintptr_t)1;
    oclstm_trainer_params params = {.description = "lstm 3 6", .optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_SGD)};
    expect_failure(oclstm_trainer_create(NULL, fixture_device(), NULL, &params, &error), &error, OCLSTM_INVALID_ARGUMENT, "out");
    expect_failure(oclstm_trainer_create(&trainer, NULL, NULL, &params, &error), &error, OCLSTM_INVALID_ARGUMENT, "device");
    ck_assert_ptr_null(trainer);
    expect_failure(oclstm_trainer_create(&trainer, fixture_device(), NULL, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "params");
    const double bad[] = {-0.1, 1, 1.5, (double)NAN};
    for (int i = 0; i < 4; i++) {
        params.dropout = bad[i];
        expect_failure(oclstm_trainer_create(&trainer, fixture_device(), NULL, &params, &error), &error, OCLSTM_INVALID_ARGUMENT,
                       "dropout");
    }
    params.dropout = 0;
    params.optimizer.lr = (double)NAN;
    expect_failure(oclstm_trainer_create(&trainer, fixture_device(), NULL, &params, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "rate");
    params.optimizer.lr = 0.1;
    params.description = NULL;
    expect_failure(oclstm_trainer_create(&trainer, fixture_device(), NULL, &params, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "description");
    params.description = "lstm 3 6, gru 4";
    expect_failure(oclstm_trainer_create(&trainer, fixture_device(), NULL, &params, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "gru");
    params.description = "lstm 3 6";
    params.loss = (oclstm_loss)9;
    expect_failure(oclstm_trainer_create(&trainer, fixture_device(), NULL, &params, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "loss");
    params.loss = OCLSTM_LOSS_MSE;
    params.dtype_given = true;
    params.dtype = OCLSTM_F16;
    ck_assert(oclstm_trainer_create(&trainer, fixture_device(), NULL, &params, &error) != OCLSTM_OK);
    ck_assert_ptr_nonnull(strstr(error.message, "float16"));
    ck_assert_ptr_null(trainer);
    oclstm_trainer_destroy(NULL);
    oclstm_trainer_destroy(&trainer);
}
END_TEST

START_TEST(null_is_no_trainer) {
    oclstm_error error = {0};
    size_t count = 7;
    double loss;
    trainer_problem *p = a_tagger();
    const oclstm_train_batch batch = trainer_batch(p);
    const oclstm_network_call call = trainer_forward_call(p);
    const oclstm_network_gradients gradients = trainer_backward_call(p);
    oclstm_train_result result;
    expect_failure(oclstm_trainer_step(NULL, &batch, &result, &error), &error, OCLSTM_INVALID_ARGUMENT, "trainer");
    expect_failure(oclstm_trainer_step(p->trainer, NULL, &result, &error), &error, OCLSTM_INVALID_ARGUMENT, "batch");
    expect_failure(oclstm_trainer_evaluate(NULL, &batch, &loss, &error), &error, OCLSTM_INVALID_ARGUMENT, "trainer");
    expect_failure(oclstm_trainer_evaluate(p->trainer, NULL, &loss, &error), &error, OCLSTM_INVALID_ARGUMENT, "batch");
    expect_failure(oclstm_trainer_reset_state(NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "trainer");
    expect_failure(oclstm_trainer_forward(NULL, &call, &error), &error, OCLSTM_INVALID_ARGUMENT, "trainer");
    expect_failure(oclstm_trainer_forward(p->trainer, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "call");
    expect_failure(oclstm_trainer_backward(NULL, &gradients, &error), &error, OCLSTM_INVALID_ARGUMENT, "trainer");
    trainer_run_forward(p);
    expect_failure(oclstm_trainer_backward(p->trainer, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "gradients");
    expect_failure(oclstm_trainer_update(NULL, &result, &error), &error, OCLSTM_INVALID_ARGUMENT, "trainer");
    const oclstm_array array = {0};
    expect_failure(oclstm_trainer_read(NULL, 0, &array, &error), &error, OCLSTM_INVALID_ARGUMENT, "trainer");
    expect_failure(oclstm_trainer_read_gradient(NULL, 0, &array, &error), &error, OCLSTM_INVALID_ARGUMENT, "trainer");
    ck_assert_ptr_null(oclstm_trainer_layers(NULL, &count));
    ck_assert_uint_eq(count, 0);
    ck_assert_ptr_null(oclstm_trainer_parameters(NULL, &count));
    ck_assert_int_eq(oclstm_trainer_dtype(NULL), OCLSTM_F32);
    ck_assert_int_eq(oclstm_trainer_engine(NULL), OCLSTM_ENGINE_AUTO);
    ck_assert_int_eq(oclstm_trainer_steps(NULL), 0);
    trainer_problem_free(p);
}
END_TEST

START_TEST(batches_that_do_not_fit) {
    trainer_problem *p = a_tagger();
    const oclstm_train_batch good = trainer_batch(p);
    oclstm_train_batch bad = good;
    bad.tokens = (oclstm_const_array){0};
    expect_step(p, &bad, "tokens", "", __LINE__);
    bad = good;
    bad.target = (oclstm_const_array){0};
    expect_step(p, &bad, "target", "", __LINE__);
    bad = good;
    bad.target.shape[0] = 3;
    expect_step(p, &bad, "target", "3", __LINE__);
    bad = good;
    bad.target.dtype = OCLSTM_F32;
    expect_step(p, &bad, "target", "float32", __LINE__);
    bad = good;
    bad.lengths.shape[0] = 2;
    expect_step(p, &bad, "lengths", "2", __LINE__);
    int lengths[] = {1, 5, 2};
    bad = good;
    bad.lengths.data = lengths;
    expect_step(p, &bad, "length of row 1", "5", __LINE__);
    lengths[1] = 0;
    expect_step(p, &bad, "length of row 1", "0", __LINE__);
    trainer_problem_free(p);
}
END_TEST

START_TEST(classes_that_are_none) {
    trainer_problem *p = a_tagger();
    const oclstm_train_batch batch = trainer_batch(p);
    int *classes = p->host_classes, *tokens = p->host_tokens;
    const int kept = classes[2], token = tokens[5];
    classes[2] = 5;
    expect_step(p, &batch, "target at step 0 of row 2", "5", __LINE__);
    classes[2] = -100; // no ignore index is set
    expect_step(p, &batch, "target at step 0 of row 2", "-100", __LINE__);
    classes[2] = kept;
    tokens[5] = 11;
    expect_step(p, &batch, "token at step 1 of row 2", "11", __LINE__);
    tokens[5] = token;
    ck_assert(trainer_run_step(p).finite);
    trainer_problem_free(p);
}
END_TEST

START_TEST(nothing_that_counts) {
    trainer_problem *p = trainer_problem_make(&(trainer_case){.description = "embed 11 6, lstm 6 10, linear 5",
                                                              .steps = 2,
                                                              .batch = 2,
                                                              .loss = OCLSTM_LOSS_CROSS_ENTROPY,
                                                              .ignores = true});
    const oclstm_train_batch batch = trainer_batch(p);
    for (int i = 0; i < 4; i++)
        ((int *)p->host_classes)[i] = -100;
    expect_step(p, &batch, "target", "", __LINE__);
    trainer_problem_free(p);
}
END_TEST

START_TEST(numbers_for_another_loss) {
    trainer_problem *p = a_regression(OCLSTM_LOSS_MSE);
    oclstm_train_batch bad = trainer_batch(p);
    bad.target.dtype = OCLSTM_I64;
    expect_step(p, &bad, "target", "int64", __LINE__);
    bad = trainer_batch(p);
    bad.x.dtype = OCLSTM_F64;
    expect_step(p, &bad, "x", "float64", __LINE__);
    bad = trainer_batch(p);
    bad.x.shape[2] = 4;
    expect_step(p, &bad, "x", "4", __LINE__);
    bad = trainer_batch(p);
    bad.target.rank = 2;
    expect_step(p, &bad, "target", "", __LINE__);
    bad = trainer_batch(p);
    bad.x.shape[0] = bad.target.shape[0] = 0;
    expect_step(p, &bad, "x", "", __LINE__);
    trainer_problem_free(p);
}
END_TEST

START_TEST(ways_back_that_do_not_fit) {
    oclstm_error error = {0};
    trainer_problem *p = a_regression(OCLSTM_LOSS_MSE);
    const oclstm_network_gradients good = trainer_backward_call(p);
    oclstm_network_gradients bad = good;
    expect_failure(oclstm_trainer_backward(p->trainer, &good, &error), &error, OCLSTM_INVALID_ARGUMENT, "forward");
    trainer_run_forward(p);
    for (int which = 0; which < 6; which++) {
        static const char *const names[] = {"y", "hn", "cn", "x", "h0", "c0"};
        bad = good;
        oclstm_const_array *const in[] = {&bad.y, &bad.hn, &bad.cn};
        oclstm_array *const out[] = {&bad.x, &bad.h0, &bad.c0};
        int64_t *const shape = which < 3 ? in[which]->shape : out[which - 3]->shape;
        oclstm_dtype *const dtype = which < 3 ? &in[which]->dtype : &out[which - 3]->dtype;
        shape[1]++;
        expect_failure(oclstm_trainer_backward(p->trainer, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, names[which]);
        shape[1]--;
        *dtype = OCLSTM_F64;
        expect_failure(oclstm_trainer_backward(p->trainer, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, names[which], "float64");
    }
    trainer_run_backward(p, &good);
    trainer_problem_solve(p);
    trainer_problem_compare(p);
    expect_failure(oclstm_trainer_backward(p->trainer, &good, &error), &error, OCLSTM_INVALID_ARGUMENT, "forward");
    // A step takes the forward pass away.
    trainer_run_forward(p);
    trainer_run_step(p);
    expect_failure(oclstm_trainer_backward(p->trainer, &good, &error), &error, OCLSTM_INVALID_ARGUMENT, "forward");
    trainer_problem_free(p);
    p = a_tagger();
    trainer_run_forward(p);
    bad = trainer_backward_call(p);
    bad.x = oclstm_out_3d(p->dx.data, OCLSTM_F32, 4, 3, 1);
    expect_failure(oclstm_trainer_backward(p->trainer, &bad, &error), &error, OCLSTM_INVALID_ARGUMENT, "x", "tokens");
    trainer_problem_free(p);
}
END_TEST

START_TEST(tensors_that_are_none) {
    oclstm_error error = {0};
    trainer_problem *p = a_regression(OCLSTM_LOSS_BCE);
    float values[4 * 6 * 3];
    oclstm_array array = oclstm_out_2d(values, OCLSTM_F32, 24, 3);
    expect_ok(oclstm_trainer_read(p->trainer, 0, &array, &error), &error);
    expect_failure(oclstm_trainer_read(p->trainer, p->parameter_count, &array, &error), &error, OCLSTM_INVALID_ARGUMENT, "6");
    expect_failure(oclstm_trainer_read_gradient(p->trainer, SIZE_MAX, &array, &error), &error, OCLSTM_INVALID_ARGUMENT, "6");
    expect_failure(oclstm_trainer_read(p->trainer, 0, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "NULL");
    array.shape[1] = 4;
    expect_failure(oclstm_trainer_read(p->trainer, 0, &array, &error), &error, OCLSTM_INVALID_ARGUMENT, "weight_ih", "3", "4");
    array.shape[1] = 3;
    array.dtype = OCLSTM_F64;
    expect_failure(oclstm_trainer_read_gradient(p->trainer, 0, &array, &error), &error, OCLSTM_INVALID_ARGUMENT, "weight_ih",
                   "float64");
    trainer_problem_free(p);
}
END_TEST

START_TEST(more_than_there_is_is_refused_before) {
    oclstm_error error = {0};
    trainer_problem *p = a_regression(OCLSTM_LOSS_MSE);
    oclstm_train_batch batch = trainer_batch(p);
    const uint64_t held = oclstm_device_get_held_bytes(fixture_device());
    batch.x.shape[0] = batch.target.shape[0] = (int64_t)1 << 30;
    expect_failure(oclstm_trainer_step(p->trainer, &batch, NULL, &error), &error, OCLSTM_OUT_OF_DEVICE_MEMORY, "1073741824");
    ck_assert_uint_eq(oclstm_device_get_held_bytes(fixture_device()), held);
    ck_assert(trainer_run_step(p).finite);
    trainer_problem_free(p);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {what_cannot_be_made_is_refused, null_is_no_trainer,    batches_that_do_not_fit,
                                  classes_that_are_none,          nothing_that_counts,   numbers_for_another_loss,
                                  ways_back_that_do_not_fit,      tensors_that_are_none, more_than_there_is_is_refused_before};
    return run_suite(fixture_suite("trainer_refuse", tests, sizeof tests / sizeof tests[0]), true);
}
