// SPDX-License-Identifier: Apache-2.0
// Training: tapes made, gone forward and back; trainers made, stepped, evaluated, gone back over, saved and restored.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <oclstm/train.h>

#include "fault_run.h"

enum { VOCABULARY = 9, CLASSES = 4, MOST = 4096 };
static float x[MOST], y[MOST], found[7][MOST];
static int tokens[MOST], classes[MOST];

static void fill(void) {
    for (int i = 0; i < MOST; i++) {
        x[i] = (float)(i * 7 % 23) / 11 - 1;
        tokens[i] = i * 5 % VOCABULARY;
        classes[i] = i * 3 % CLASSES;
    }
}

// --- tapes --------------------------------------------------------------------------------------------------------------

static oclstm_tape *kept_tape;

static oclstm_status make_tape(oclstm_tape **tape, fault_scene *scene) {
    const oclstm_tape_params params = {.engine = scene->scenario->engine, .recompute = scene->scenario->slice_bytes > 0};
    return oclstm_tape_create(tape, scene->cell, &params, &scene->error);
}

static oclstm_status begin_tape(fault_scene *scene) {
    const oclstm_status status = fault_begin_cell(scene);
    return status == OCLSTM_OK ? make_tape(&kept_tape, scene) : status;
}

static void end_tape(fault_scene *scene) {
    oclstm_tape_destroy(&kept_tape);
    fault_end(scene);
}

static oclstm_status run_tape(fault_scene *scene, oclstm_tape *tape, int64_t batch) {
    const oclstm_dtype dtype = OCLSTM_F32;
    const int64_t gates = 4 * FAULT_HIDDEN;
    const oclstm_sequence sequence = {.x = oclstm_in_3d(x, dtype, FAULT_STEPS, batch, FAULT_INPUT),
                                      .h = oclstm_in_2d(x, dtype, batch, FAULT_HIDDEN),
                                      .c = oclstm_in_2d(x, dtype, batch, FAULT_HIDDEN),
                                      .y = oclstm_out_3d(y, dtype, FAULT_STEPS, batch, FAULT_HIDDEN)};
    const oclstm_cell_gradients gradients = {.y = oclstm_in_3d(x, dtype, FAULT_STEPS, batch, FAULT_HIDDEN),
                                             .h = oclstm_in_2d(x, dtype, batch, FAULT_HIDDEN),
                                             .x = oclstm_out_3d(found[0], dtype, FAULT_STEPS, batch, FAULT_INPUT),
                                             .h0 = oclstm_out_2d(found[1], dtype, batch, FAULT_HIDDEN),
                                             .c0 = oclstm_out_2d(found[2], dtype, batch, FAULT_HIDDEN),
                                             .weight_ih = oclstm_out_2d(found[3], dtype, gates, FAULT_INPUT),
                                             .weight_hh = oclstm_out_2d(found[4], dtype, gates, FAULT_HIDDEN),
                                             .bias_ih = oclstm_out_1d(found[5], dtype, gates),
                                             .bias_hh = oclstm_out_1d(found[6], dtype, gates)};
    fill();
    oclstm_status status = oclstm_tape_forward(tape, &sequence, &scene->error);
    if (status == OCLSTM_OK)
        status = oclstm_tape_backward(tape, &gradients, &scene->error);
    if (status == OCLSTM_OK) {
        fault_keep_results(scene, y, dtype, (size_t)(FAULT_STEPS * batch * FAULT_HIDDEN));
        fault_keep_results(scene, found[0], dtype, (size_t)(FAULT_STEPS * batch * FAULT_INPUT));
        fault_keep_results(scene, found[4], dtype, (size_t)(gates * FAULT_HIDDEN));
        fault_keep_results(scene, found[5], dtype, (size_t)gates);
    }
    return status;
}

static oclstm_status make_and_run_tape(fault_scene *scene) {
    oclstm_tape *tape = NULL;
    oclstm_status status = make_tape(&tape, scene);
    if (status == OCLSTM_OK)
        status = run_tape(scene, tape, FAULT_BATCH);
    scene->closing_from = scene->control->count();
    oclstm_tape_destroy(&tape);
    return status;
}

// Of two batches in turn, so that each call makes its buffers anew.
static oclstm_status run_kept_tape(fault_scene *scene) {
    const oclstm_status status = run_tape(scene, kept_tape, FAULT_BATCH);
    return status == OCLSTM_OK ? run_tape(scene, kept_tape, FAULT_BATCH - 1) : status;
}

// --- trainers -----------------------------------------------------------------------------------------------------------

static oclstm_trainer *kept_trainer;

// The kept one is smaller, and has no rate: each attempt has the same weights.
static oclstm_status make_trainer(oclstm_trainer **trainer, fault_scene *scene, double rate) {
    oclstm_trainer_params params = {.description = rate > 0 ? "embed 9 5, lstm 6 layers 2 bidirectional proj 4, lstm 7, linear 4"
                                                            : "embed 9 5, lstm 6 bidirectional, linear 4",
                                    .engine = scene->scenario->engine,
                                    .seed = 3,
                                    .dropout = rate > 0 ? 0.25 : 0,
                                    .loss = OCLSTM_LOSS_CROSS_ENTROPY,
                                    .optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAMW)};
    params.optimizer.lr = rate;
    params.optimizer.clip_norm = 0.5;
    return oclstm_trainer_create(trainer, scene->device, NULL, &params, &scene->error);
}

static oclstm_status begin_trainer(fault_scene *scene) {
    const oclstm_status status = fault_begin_device(scene);
    return status == OCLSTM_OK ? make_trainer(&kept_trainer, scene, 0) : status;
}

static void end_trainer(fault_scene *scene) {
    oclstm_trainer_destroy(&kept_trainer);
    fault_end(scene);
}

static const int lengths[FAULT_BATCH] = {FAULT_STEPS, 2, FAULT_STEPS - 1};

static oclstm_train_batch batch_of(int64_t batch, bool carry) {
    fill();
    return (oclstm_train_batch){.tokens = oclstm_in_2d(tokens, OCLSTM_I32, FAULT_STEPS, batch),
                                .lengths = oclstm_in_1d(lengths, OCLSTM_I32, batch),
                                .target = oclstm_in_2d(classes, OCLSTM_I32, FAULT_STEPS, batch),
                                .carry_state = carry};
}

static oclstm_status step(fault_scene *scene, oclstm_trainer *trainer, int64_t batch, bool carry) {
    oclstm_train_result result;
    const oclstm_train_batch data = batch_of(batch, carry);
    const oclstm_status status = oclstm_trainer_step(trainer, &data, &result, &scene->error);
    if (status == OCLSTM_OK) {
        fault_keep_results(scene, &result.loss, OCLSTM_F64, 1);
        fault_keep_results(scene, &result.gradient_norm, OCLSTM_F64, 1);
    }
    return status;
}

static oclstm_status read_last(fault_scene *scene, oclstm_trainer *trainer, bool gradient) {
    size_t count;
    const oclstm_parameter *last = oclstm_trainer_parameters(trainer, &count);
    const oclstm_array array = oclstm_out_1d(found[0], OCLSTM_F32, CLASSES);
    (void)last;
    const oclstm_status status = gradient ? oclstm_trainer_read_gradient(trainer, count - 1, &array, &scene->error)
                                          : oclstm_trainer_read(trainer, count - 1, &array, &scene->error);
    if (status == OCLSTM_OK)
        fault_keep_results(scene, found[0], OCLSTM_F32, CLASSES);
    return status;
}

static oclstm_status make_and_step(fault_scene *scene) {
    oclstm_trainer *trainer = NULL;
    oclstm_status status = make_trainer(&trainer, scene, 0.1);
    if (status == OCLSTM_OK)
        status = step(scene, trainer, FAULT_BATCH, false);
    if (status == OCLSTM_OK)
        status = step(scene, trainer, FAULT_BATCH, false);
    if (status == OCLSTM_OK)
        status = read_last(scene, trainer, false);
    scene->closing_from = scene->control->count();
    oclstm_trainer_destroy(&trainer);
    return status;
}

static oclstm_status step_kept(fault_scene *scene) {
    oclstm_status status = oclstm_trainer_reset_state(kept_trainer, &scene->error);
    if (status == OCLSTM_OK)
        status = step(scene, kept_trainer, FAULT_BATCH, true);
    if (status == OCLSTM_OK)
        status = step(scene, kept_trainer, FAULT_BATCH, true);
    return status == OCLSTM_OK ? step(scene, kept_trainer, FAULT_BATCH - 1, false) : status;
}

static oclstm_status evaluate_kept(fault_scene *scene) {
    double loss;
    const oclstm_train_batch data = batch_of(FAULT_BATCH, false);
    const oclstm_status status = oclstm_trainer_evaluate(kept_trainer, &data, &loss, &scene->error);
    if (status == OCLSTM_OK)
        fault_keep_results(scene, &loss, OCLSTM_F64, 1);
    return status;
}

static oclstm_status pass_kept(fault_scene *scene) {
    const oclstm_train_batch data = batch_of(FAULT_BATCH, false);
    const oclstm_network_call call = {
        .tokens = data.tokens, .lengths = data.lengths, .y = oclstm_out_3d(y, OCLSTM_F32, FAULT_STEPS, FAULT_BATCH, CLASSES)};
    const oclstm_network_gradients gradients = {.y = oclstm_in_3d(x, OCLSTM_F32, FAULT_STEPS, FAULT_BATCH, CLASSES)};
    oclstm_train_result result;
    oclstm_status status = oclstm_trainer_forward(kept_trainer, &call, &scene->error);
    if (status == OCLSTM_OK)
        status = oclstm_trainer_backward(kept_trainer, &gradients, &scene->error);
    if (status == OCLSTM_OK)
        status = read_last(scene, kept_trainer, true);
    if (status == OCLSTM_OK)
        status = oclstm_trainer_update(kept_trainer, &result, &scene->error);
    if (status == OCLSTM_OK)
        fault_keep_results(scene, &result.gradient_norm, OCLSTM_F64, 1);
    return status;
}

// Saved, and restored into another trainer, which makes the step that the first one would make.
static oclstm_status save_and_restore(fault_scene *scene) {
    char path[512];
    const char *folder = getenv("TMPDIR");
    oclstm_trainer *trainer = NULL, *other = NULL;
    oclstm_tensors *file = NULL;
    snprintf(path, sizeof path, "%.400s/oclstm-faults-%ld.safetensors", folder != NULL && folder[0] != '\0' ? folder : "/tmp",
             (long)getpid());
    oclstm_status status = make_trainer(&trainer, scene, 0.1);
    if (status == OCLSTM_OK)
        status = step(scene, trainer, FAULT_BATCH, false);
    if (status == OCLSTM_OK)
        status = oclstm_trainer_save(trainer, path, NULL, 0, &scene->error);
    if (status == OCLSTM_OK)
        status = oclstm_tensors_open(&file, path, &scene->error);
    if (status == OCLSTM_OK)
        status = make_trainer(&other, scene, 0.1);
    if (status == OCLSTM_OK)
        status = oclstm_trainer_restore(other, file, &scene->error);
    if (status == OCLSTM_OK)
        status = step(scene, other, FAULT_BATCH, true);
    if (status == OCLSTM_OK)
        status = read_last(scene, other, false);
    scene->closing_from = scene->control->count();
    oclstm_tensors_close(&file);
    oclstm_trainer_destroy(&trainer);
    oclstm_trainer_destroy(&other);
    unlink(path);
    return status;
}

#define ON_CELL    .begin = fault_begin_cell, .end = fault_end
#define ON_DEVICE  .begin = fault_begin_device, .end = fault_end
#define ON_TAPE    .begin = begin_tape, .end = end_tape
#define ON_TRAINER .begin = begin_trainer, .end = end_trainer
#define PORTABLE   .engine = OCLSTM_ENGINE_PORTABLE
#define FUSED      .engine = OCLSTM_ENGINE_FUSED
#define CLBLAST    .engine = OCLSTM_ENGINE_CLBLAST

// slice_bytes: the gates are computed again.
const fault_scenario fault_train_scenarios[] = {
    {.name = "tape portable, made and gone back", .run = make_and_run_tape, ON_CELL, PORTABLE},
    {.name = "tape fused, made and gone back", .run = make_and_run_tape, ON_CELL, FUSED},
    {.name = "tape clblast, made and gone back", .run = make_and_run_tape, ON_CELL, CLBLAST, .allowed = FAULT_IS_SLOW},
    {.name = "tape portable, gates again", .run = run_kept_tape, ON_TAPE, PORTABLE, .slice_bytes = 1},
    {.name = "tape fused", .run = run_kept_tape, ON_TAPE, FUSED},
    {.name = "tape clblast", .run = run_kept_tape, ON_TAPE, CLBLAST, .allowed = FAULT_IS_SLOW},
    {.name = "trainer portable, made and stepped", .run = make_and_step, ON_DEVICE, PORTABLE, .allowed = FAULT_IS_SLOW},
    {.name = "trainer fused, made and stepped", .run = make_and_step, ON_DEVICE, FUSED, .allowed = FAULT_IS_SLOW},
    {.name = "trainer fused, stepped", .run = step_kept, ON_TRAINER, FUSED},
    {.name = "trainer portable, evaluated", .run = evaluate_kept, ON_TRAINER, PORTABLE},
    {.name = "trainer fused, forward, back, update", .run = pass_kept, ON_TRAINER, FUSED},
    {.name = "trainer portable, saved and restored", .run = save_and_restore, ON_DEVICE, PORTABLE, .allowed = FAULT_IS_SLOW},
    {0},
};
