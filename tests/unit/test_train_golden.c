// SPDX-License-Identifier: Apache-2.0
// Whole training runs of PyTorch, repeated from the same weights and data with every engine: the loss of every step and the weights
// after the last. tests/data/README.md says how each run goes through its data.
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell_fixture.h"
#include "train/train_engine.h"

// A run of tests/data/training, and how far from PyTorch's one may be.
typedef struct golden_run {
    const char *stem;
    oclstm_trainer_params params;
    bool recompute;       // once more, with the gates computed again on the way back
    bool characters;      // token_rows, the state carried from part to part; otherwise waves, all of them in each step
    double loss_relative; // of each step
    double weights;       // of each weight after the run; 0: only reported
} golden_run;

enum { PART_STEPS = 64 };

// The largest differences of a run.
typedef struct differences {
    double loss, norm, weights;
    int loss_step;
} differences;

static oclstm_tensors *open_run(const char *stem, const char *end) {
    char name[128];
    oclstm_tensors *file = NULL;
    oclstm_error error = {0};
    snprintf(name, sizeof name, "training/%s%s", stem, end);
    expect_ok(oclstm_tensors_open(&file, test_data(name), &error), &error);
    return file;
}

static json_t *open_record(const char *stem) {
    char name[128];
    json_error_t error;
    snprintf(name, sizeof name, "training/%s.json", stem);
    json_t *record = json_load_file(test_data(name), 0, &error);
    ck_assert_msg(record != NULL, "%s: %s", name, error.text);
    return record;
}

static oclstm_const_array rows_of(const oclstm_tensor *tensor, int64_t first, int64_t count) {
    oclstm_const_array out = {.dtype = tensor->dtype, .rank = tensor->rank};
    memcpy(out.shape, tensor->shape, sizeof out.shape);
    const int64_t row_bytes = (int64_t)tensor->size_bytes / tensor->shape[0];
    out.data = (const char *)tensor->data + first * row_bytes;
    out.shape[0] = count;
    return out;
}

// What the step from `number` (from 0) on is fed with: each value, and the next one as its target.
static oclstm_train_batch batch_of(const golden_run *run, const oclstm_tensors *file, int64_t number) {
    oclstm_train_batch batch = {0};
    if (run->characters) {
        const oclstm_tensor *rows = oclstm_tensors_find(file, "token_rows");
        batch.tokens = rows_of(rows, number * PART_STEPS, PART_STEPS);
        batch.target = rows_of(rows, number * PART_STEPS + 1, PART_STEPS);
        batch.carry_state = true;
    } else {
        const oclstm_tensor *waves = oclstm_tensors_find(file, "waves");
        batch.x = rows_of(waves, 0, waves->shape[0] - 1);
        batch.target = rows_of(waves, 1, waves->shape[0] - 1);
    }
    return batch;
}

static void raise_to(double *worst, double value) {
    if (!(value <= *worst)) // NaN as well
        *worst = value;
}

static double relative(double got, double expected) { return fabs(got - expected) / fabs(expected); }

static void run_steps(differences *worst, const golden_run *run, oclstm_trainer *trainer, const oclstm_tensors *file) {
    json_t *record = open_record(run->stem);
    const json_t *losses = json_object_get(record, "loss"), *norms = json_object_get(record, "grad_norm_before_clipping");
    ck_assert_uint_ge(json_array_size(losses), 30);
    for (size_t at = 0; at < json_array_size(losses); at++) {
        const oclstm_train_batch batch = batch_of(run, file, (int64_t)at);
        oclstm_train_result result = {0};
        oclstm_error error = {0};
        expect_ok(oclstm_trainer_step(trainer, &batch, &result, &error), &error);
        ck_assert(result.finite);
        ck_assert_int_eq(result.step, (int64_t)at + 1);
        const double difference = relative(result.loss, json_real_value(json_array_get(losses, at)));
        if (!(difference <= worst->loss))
            worst->loss_step = (int)at + 1;
        raise_to(&worst->loss, difference);
        if (at < json_array_size(norms))
            raise_to(&worst->norm, relative(result.gradient_norm, json_real_value(json_array_get(norms, at))));
    }
    json_decref(record);
}

static void compare_weights(differences *worst, const golden_run *run, oclstm_trainer *trainer) {
    oclstm_tensors *file = open_run(run->stem, ".final.safetensors");
    size_t count = 0;
    const oclstm_parameter *parameters = oclstm_trainer_parameters(trainer, &count);
    ck_assert_uint_eq(count, oclstm_tensors_count(file));
    for (size_t at = 0; at < count; at++) {
        const oclstm_tensor *tensor = oclstm_tensors_find(file, parameters[at].name);
        ck_assert_msg(tensor != NULL, "PyTorch has no %s", parameters[at].name);
        ck_assert_int_eq(parameters[at].rank, tensor->rank);
        for (int axis = 0; axis < tensor->rank; axis++)
            ck_assert_int_eq(parameters[at].shape[axis], tensor->shape[axis]);
        oclstm_array value = {.dtype = tensor->dtype, .rank = tensor->rank};
        memcpy(value.shape, tensor->shape, sizeof value.shape);
        value.data = fixture_alloc(1, tensor->size_bytes);
        oclstm_error error = {0};
        expect_ok(oclstm_trainer_read(trainer, at, &value, &error), &error);
        const size_t elements = tensor->size_bytes / oclstm_dtype_size_bytes(tensor->dtype);
        for (size_t i = 0; i < elements; i++)
            raise_to(&worst->weights,
                     tensor->dtype == OCLSTM_F64
                         ? fabs(((const double *)value.data)[i] - ((const double *)tensor->data)[i])
                         : fabs((double)((const float *)value.data)[i] - (double)((const float *)tensor->data)[i]));
        free(value.data);
    }
    oclstm_tensors_close(&file);
}

static void check_engine(const golden_run *run, const oclstm_tensors *file, const char *form, const oclstm_trainer_params *params) {
    oclstm_trainer *trainer = NULL;
    oclstm_error error = {0};
    differences worst = {0};
    expect_ok(oclstm_trainer_create(&trainer, fixture_device(), file, params, &error), &error);
    ck_assert_int_eq(oclstm_trainer_engine(trainer), params->engine);
    run_steps(&worst, run, trainer, file);
    compare_weights(&worst, run, trainer);
    printf("# %s %s%s: from PyTorch's losses %.1e relative (step %d), allowed %.0e; final weights %.1e", run->stem,
           oclstm_engine_name(params->engine), form, worst.loss, worst.loss_step, run->loss_relative, worst.weights);
    if (run->characters)
        printf("; gradient norms %.1e relative", worst.norm);
    putchar('\n');
    ck_assert_msg(worst.loss <= run->loss_relative, "%s, engine %s%s: the loss of step %d is off by %.3g, allowed %.3g", run->stem,
                  oclstm_engine_name(params->engine), form, worst.loss_step, worst.loss, run->loss_relative);
    ck_assert_msg(run->weights == 0.0 || worst.weights <= run->weights, "%s, engine %s%s: a weight is off by %.3g, allowed %.3g",
                  run->stem, oclstm_engine_name(params->engine), form, worst.weights, run->weights);
    oclstm_trainer_destroy(&trainer);
}

static void check_run(const golden_run *run) {
    static const oclstm_engine engines[] = {OCLSTM_ENGINE_PORTABLE, OCLSTM_ENGINE_FUSED, OCLSTM_ENGINE_CLBLAST};
    const oclstm_dtype dtype = run->characters ? OCLSTM_F32 : OCLSTM_F64;
    if (dtype == OCLSTM_F64 && !fixture_has_fp64())
        return;
    oclstm_tensors *file = open_run(run->stem, ".init.safetensors");
    int ran = 0;
    for (size_t at = 0; at < sizeof engines / sizeof engines[0]; at++) {
        oclstm_trainer_params params = run->params;
        const train_engine *engine = NULL;
        oclstm_error error = {0};
        if (train_engine_choose(&engine, fixture_device(), dtype, engines[at], &error) == OCLSTM_UNSUPPORTED) {
            printf("# %s without %s: %s\n", run->stem, oclstm_engine_name(engines[at]), error.message);
            continue;
        }
        params.engine = engines[at];
        check_engine(run, file, "", &params);
        ran++;
    }
    ck_assert_int_ge(ran, 1);
    if (run->recompute) {
        oclstm_trainer_params params = run->params;
        params.engine = OCLSTM_ENGINE_PORTABLE;
        params.recompute = true;
        check_engine(run, file, ", gates computed again", &params);
    }
    oclstm_tensors_close(&file);
}

START_TEST(sine_by_sgd) {
    golden_run run = {.stem = "sine_sgd_f64", .loss_relative = 1e-9, .weights = 1e-8};
    run.params = (oclstm_trainer_params){.layers = "lstm1,lstm2,linear", .loss = OCLSTM_LOSS_MSE};
    run.params.optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_SGD);
    run.params.optimizer.lr = 0.05;
    run.params.optimizer.momentum = 0.9;
    check_run(&run);
}
END_TEST

START_TEST(sine_by_adam) {
    golden_run run = {.stem = "sine_adam_f64", .recompute = true, .loss_relative = 1e-9, .weights = 1e-8};
    run.params = (oclstm_trainer_params){.layers = "lstm1,lstm2,linear", .loss = OCLSTM_LOSS_MSE};
    run.params.optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM);
    run.params.optimizer.lr = 0.01;
    check_run(&run);
}
END_TEST

START_TEST(characters_by_adamw) {
    golden_run run = {.stem = "charlm_adamw_f32", .characters = true, .loss_relative = 1e-3};
    run.params = (oclstm_trainer_params){.layers = "embed,lstm,head", .loss = OCLSTM_LOSS_CROSS_ENTROPY};
    run.params.optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAMW);
    run.params.optimizer.lr = 0.002;
    run.params.optimizer.clip_norm = 1.0;
    check_run(&run);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {sine_by_sgd, sine_by_adam, characters_by_adamw};
    return run_suite(fixture_suite("train_golden", tests, sizeof tests / sizeof tests[0]), true);
}
