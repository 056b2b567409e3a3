// SPDX-License-Identifier: Apache-2.0
// Checkpoints: what is saved comes back bit by bit, a training that goes on is the one that was never interrupted, a checkpoint is a model file.
#include <stdio.h>
#include <string.h>

#include <oclstm/network.h>

#include "checkpoint_fixture.h"
#include "device/device.h"
#include "file_fixture.h"
#include "model_fixture.h"
#include "runner.h"

static void expect_equal(const oclstm_trainer *left, const oclstm_trainer *right, bool equal, const char *what) {
    checkpoint_image a = checkpoint_image_take(left), b = checkpoint_image_take(right);
    ck_assert_msg(checkpoint_image_equal(&a, &b) == equal, "%s", what);
    checkpoint_image_free(&a);
    checkpoint_image_free(&b);
}

static void restore(oclstm_trainer *trainer, const char *path) {
    oclstm_error error = {0};
    oclstm_tensors *file = checkpoint_open(path);
    ck_assert_msg(oclstm_trainer_restore(trainer, file, &error) == OCLSTM_OK, "%s", error.message);
    oclstm_tensors_close(&file);
}

// --- round trips --------------------------------------------------------------------------------------------------------

START_TEST(six_steps_are_three_and_three) {
    const checkpoint_case *c = &checkpoint_cases[_i];
    if (!checkpoint_can_run(c))
        return;
    const char *path = file_path("run.ckpt");
    double losses[6];
    oclstm_trainer *whole = checkpoint_make(c), *first = checkpoint_make(c);
    for (int i = 0; i < 6; i++) {
        losses[i] = checkpoint_step(whole, i);
        checkpoint_evaluate(whole, i);
    }
    for (int i = 0; i < 3; i++) {
        checkpoint_step(first, i);
        checkpoint_evaluate(first, i);
    }
    checkpoint_save(first, path);
    oclstm_trainer *second = checkpoint_make(c);
    checkpoint_step(second, 77); // what it did before does not matter
    restore(second, path);
    ck_assert_int_eq(oclstm_trainer_steps(second), 3);
    expect_equal(first, second, true, "restored");
    for (int i = 3; i < 6; i++) {
        ck_assert_double_eq(checkpoint_step(second, i), losses[i]);
        checkpoint_evaluate(second, i);
    }
    expect_equal(whole, second, true, "continued after the checkpoint");
    expect_equal(whole, first, false, "three steps and six");
    for (int i = 3; i < 6; i++) {
        checkpoint_step(first, i);
        checkpoint_evaluate(first, i);
    }
    expect_equal(whole, first, true, "saving changes nothing");
    oclstm_trainer_destroy(&whole);
    oclstm_trainer_destroy(&first);
    oclstm_trainer_destroy(&second);
    ck_assert_int_eq(file_count(), 1);
}
END_TEST

// Before the first step, and without carried states.
START_TEST(an_untouched_trainer) {
    const checkpoint_case *c = &checkpoint_cases[_i];
    if (!checkpoint_can_run(c))
        return;
    oclstm_trainer *fresh = checkpoint_make(c), *other = checkpoint_make(c);
    checkpoint_save(fresh, file_path("fresh.ckpt"));
    checkpoint_step(other, 1);
    checkpoint_evaluate(other, 1);
    expect_equal(fresh, other, false, "a step does something");
    restore(other, file_path("fresh.ckpt"));
    expect_equal(fresh, other, true, "restored");
    oclstm_trainer_destroy(&fresh);
    oclstm_trainer_destroy(&other);
}
END_TEST

// The rate may change; an optimizer's other settings may not.
START_TEST(another_rate) {
    oclstm_trainer_params params = checkpoint_params(&checkpoint_cases[0]);
    oclstm_trainer *trainer = checkpoint_make(&checkpoint_cases[0]);
    checkpoint_step(trainer, 0);
    checkpoint_save(trainer, file_path("rate.ckpt"));
    params.optimizer.lr = 0.5;
    params.optimizer.schedule = OCLSTM_SCHEDULE_COSINE;
    params.optimizer.schedule_steps = 9;
    params.optimizer.min_lr = 0.01;
    params.optimizer.warmup_steps = 3;
    params.optimizer.momentum = 0.7; // Adam has none
    oclstm_trainer *other = checkpoint_trainer(checkpoint_cases[0].layers, params);
    restore(other, file_path("rate.ckpt"));
    expect_equal(trainer, other, true, "restored");
    oclstm_trainer_destroy(&trainer);
    oclstm_trainer_destroy(&other);
}
END_TEST

// --- model files --------------------------------------------------------------------------------------------------------

static void expect_same_layers(const oclstm_trainer *trainer, const oclstm_tensors *file) {
    size_t wanted_count, count;
    const oclstm_layer *wanted = oclstm_trainer_layers(trainer, &wanted_count);
    oclstm_layer *layers = NULL;
    oclstm_error error = {0};
    ck_assert_msg(oclstm_network_find(&layers, &count, file, NULL, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_uint_eq(count, wanted_count);
    for (size_t i = 0; i < count; i++) {
        const oclstm_layer *a = &wanted[i], *b = &layers[i];
        ck_assert_str_eq(a->name, b->name);
        ck_assert_msg(a->kind == b->kind && a->inputs == b->inputs && a->outputs == b->outputs &&
                          a->hidden_size == b->hidden_size && a->proj_size == b->proj_size && a->num_layers == b->num_layers &&
                          a->directions == b->directions && a->reverse == b->reverse && a->bias == b->bias &&
                          a->batch_first == b->batch_first && a->general == b->general && a->parameters == b->parameters,
                      "layer %zu, '%s'", i, a->name);
    }
    oclstm_network_layers_free(&layers);
}

// The trainer's tensors with its values; in a model file nothing else.
static void expect_same_tensors(oclstm_trainer *trainer, const oclstm_tensors *file, bool alone) {
    size_t count;
    const oclstm_parameter *parameters = oclstm_trainer_parameters(trainer, &count);
    const oclstm_dtype dtype = oclstm_trainer_dtype(trainer);
    oclstm_error error = {0};
    for (size_t i = 0; i < count; i++) {
        static double values[4096];
        const oclstm_tensor *tensor = oclstm_tensors_find(file, parameters[i].name);
        ck_assert_msg(tensor != NULL, "%s", parameters[i].name);
        ck_assert(tensor->dtype == dtype && tensor->rank == parameters[i].rank && tensor->size_bytes <= sizeof values);
        const oclstm_array array = {values, dtype, tensor->rank, {tensor->shape[0], tensor->shape[1]}};
        ck_assert_int_eq(tensor->shape[0], parameters[i].shape[0]);
        ck_assert_msg(oclstm_trainer_read(trainer, i, &array, &error) == OCLSTM_OK, "%s", error.message);
        ck_assert_msg(memcmp(values, tensor->data, tensor->size_bytes) == 0, "%s", parameters[i].name);
    }
    if (alone)
        ck_assert_uint_eq(oclstm_tensors_count(file), count);
}

START_TEST(a_checkpoint_is_a_model) {
    const checkpoint_case *c = &checkpoint_cases[_i];
    if (!checkpoint_can_run(c))
        return;
    static const oclstm_metadata notes[] = {{"epoch", "7"}, {"vocabulary", "a\nb\xc3\xa9\"\\"}};
    oclstm_error error = {0};
    oclstm_trainer *trainer = checkpoint_make(c);
    checkpoint_step(trainer, 0);
    checkpoint_evaluate(trainer, 0);
    ck_assert_msg(oclstm_trainer_write(trainer, file_path("model"), notes, 2, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_msg(oclstm_trainer_save(trainer, file_path("saved"), notes, 2, &error) == OCLSTM_OK, "%s", error.message);
    size_t cells[2];
    for (int saved = 0; saved < 2; saved++) {
        oclstm_network *network = NULL;
        oclstm_tensors *file = checkpoint_open(file_path(saved ? "saved" : "model"));
        ck_assert_str_eq(oclstm_tensors_metadata(file, "vocabulary"), notes[1].value);
        expect_same_layers(trainer, file);
        expect_same_tensors(trainer, file, saved == 0);
        ck_assert_msg(oclstm_network_load(&network, checkpoint_device(), file, NULL, &error) == OCLSTM_OK, "%s", error.message);
        oclstm_network_destroy(&network);
        cells[saved] = oclstm_tensors_cells(file, NULL, 0);
        // And one to train on.
        oclstm_trainer *next = checkpoint_trainer_of(file, checkpoint_params(c));
        expect_same_tensors(next, file, saved == 0);
        oclstm_trainer_destroy(&next);
        oclstm_tensors_close(&file);
    }
    ck_assert_uint_eq(cells[0], cells[1]);
    oclstm_trainer_destroy(&trainer);
}
END_TEST

// What torch.nn.LSTM has not stays: an ONNX node's backward direction, and its layout.
START_TEST(traits_are_kept) {
    static model_fixture m;
    oclstm_error error = {0};
    MODEL_LSTM(&m, .prefix = "node.", .input = 3, .hidden = 4);
    model_add_linear(&m, "out.", 4, 2, true);
    model_add_metadata(&m, "node.direction", "reverse");
    model_add_metadata(&m, "node.layout", "1");
    oclstm_tensors *file = model_open(&m);
    const oclstm_trainer_params params = {.optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM)};
    oclstm_trainer *trainer = checkpoint_trainer_of(file, params);
    oclstm_tensors_close(&file);
    ck_assert(oclstm_trainer_layers(trainer, &(size_t){0})[0].reverse);
    ck_assert_msg(oclstm_trainer_write(trainer, file_path("traits"), NULL, 0, &error) == OCLSTM_OK, "%s", error.message);
    file = checkpoint_open(file_path("traits"));
    expect_same_layers(trainer, file);
    expect_same_tensors(trainer, file, true);
    oclstm_tensors_close(&file);
    oclstm_trainer_destroy(&trainer);
}
END_TEST

// A softmax at the end is not trained, but stays the model's.
START_TEST(a_softmax_is_kept) {
    static model_fixture m;
    oclstm_error error = {0};
    size_t count;
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 3, .hidden = 4);
    model_add_linear(&m, "out.", 4, 2, true);
    model_add_metadata(&m, "oclstm.layers", "lstm, relu, out, softmax");
    oclstm_tensors *file = model_open(&m);
    const oclstm_trainer_params params = {.loss = OCLSTM_LOSS_CROSS_ENTROPY,
                                          .optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM)};
    oclstm_trainer *trainer = checkpoint_trainer_of(file, params);
    oclstm_tensors_close(&file);
    oclstm_trainer_layers(trainer, &count);
    ck_assert_uint_eq(count, 3);
    checkpoint_step(trainer, 0);
    for (int saved = 0; saved < 2; saved++) {
        oclstm_layer *layers = NULL;
        if (saved)
            checkpoint_save(trainer, file_path("soft"));
        else
            ck_assert_msg(oclstm_trainer_write(trainer, file_path("soft"), NULL, 0, &error) == OCLSTM_OK, "%s", error.message);
        file = checkpoint_open(file_path("soft"));
        ck_assert_str_eq(oclstm_tensors_metadata(file, "oclstm.layers"), "lstm,relu,out,softmax");
        ck_assert_msg(oclstm_network_find(&layers, &count, file, NULL, &error) == OCLSTM_OK, "%s", error.message);
        ck_assert(count == 4 && layers[3].kind == OCLSTM_LAYER_SOFTMAX);
        oclstm_network_layers_free(&layers);
        if (saved)
            ck_assert_msg(oclstm_trainer_restore(trainer, file, &error) == OCLSTM_OK, "%s", error.message);
        oclstm_tensors_close(&file);
    }
    oclstm_trainer_destroy(&trainer);
}
END_TEST

START_TEST(many_layers) {
    char layers[1024] = "lstm 2 2";
    oclstm_error error = {0};
    for (int i = 0; i < 12; i++)
        snprintf(layers + strlen(layers), sizeof layers - strlen(layers), "%s",
                 i % 3 == 0   ? ", linear 2"
                 : i % 3 == 1 ? ", relu"
                              : ", lstm 2");
    const oclstm_trainer_params params = {.optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM)};
    oclstm_trainer *trainer = checkpoint_trainer(layers, params);
    ck_assert_msg(oclstm_trainer_write(trainer, file_path("many"), NULL, 0, &error) == OCLSTM_OK, "%s", error.message);
    oclstm_tensors *file = checkpoint_open(file_path("many"));
    expect_same_layers(trainer, file);
    oclstm_tensors_close(&file);
    oclstm_trainer_destroy(&trainer);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("train_checkpoint");
    TCase *runs = file_case(suite, "runs");
    tcase_add_loop_test(runs, six_steps_are_three_and_three, 0, CHECKPOINT_CASES);
    tcase_add_loop_test(runs, an_untouched_trainer, 0, CHECKPOINT_CASES);
    tcase_add_test(runs, another_rate);
    TCase *models = file_case(suite, "models");
    tcase_add_loop_test(models, a_checkpoint_is_a_model, 0, CHECKPOINT_CASES);
    tcase_add_test(models, traits_are_kept);
    tcase_add_test(models, a_softmax_is_kept);
    tcase_add_test(models, many_layers);
    tcase_add_unchecked_fixture(models, NULL, checkpoint_device_close); // the last one
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
