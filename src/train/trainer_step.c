// SPDX-License-Identifier: Apache-2.0
// A step of training, and an evaluation.
#include <math.h>

#include "base/error.h"
#include "device/device_fork.h"
#include "train/trainer_private.h"

static oclstm_status bring_target(oclstm_trainer *trainer, const oclstm_train_batch *batch, const train_batch_shape *shape,
                                  oclstm_error *error) {
    const network_shape *call = &shape->call;
    const host_rows rows = {trainer->device, call->steps, call->batch, trainer->element_bytes, call->batch_first};
    const size_t count = call->steps * call->batch, outputs = train_graph_outputs(trainer->graph);
    const size_t bytes = shape->classes != NULL ? count * sizeof(cl_int) : count * outputs * trainer->element_bytes;
    oclstm_status status = trainer_need(trainer, &trainer->target, &trainer->target_bytes, bytes, "the target", error);
    if (status != OCLSTM_OK)
        return status;
    if (shape->classes != NULL)
        return device_write(trainer->device, trainer->target, 0, shape->classes, bytes, "the target", error);
    return host_rows_write(&rows, (train_matrix){trainer->target, 0}, batch->target.data, outputs, "the target", error);
}

// The loss of what the last forward pass gave; with its gradient where `back` is set.
static oclstm_status enqueue_loss(oclstm_trainer *trainer, const train_batch_shape *shape, bool back, oclstm_error *error) {
    const train_buffers *b = train_graph_buffers(trainer->graph);
    const size_t outputs = train_graph_outputs(trainer->graph);
    const size_t elements = train_loss_scratch(trainer->losses, shape->call.steps * shape->call.batch, outputs);
    oclstm_status status = trainer_need(trainer, &trainer->scratch, &trainer->scratch_bytes, elements * trainer->element_bytes,
                                        "the loss's sums", error);
    const train_loss_call call = {.kind = trainer->params.loss,
                                  .steps = shape->call.steps,
                                  .batch = shape->call.batch,
                                  .outputs = outputs,
                                  .z = b->y,
                                  .dz = back ? b->dy : (train_matrix){NULL, 0},
                                  .target = trainer->target,
                                  .lengths = b->lengths,
                                  .counted = shape->counted,
                                  .loss = {trainer->results, TRAINER_LOSS}};
    return status == OCLSTM_OK ? train_loss_enqueue(trainer->losses, &call, trainer->scratch, error) : status;
}

static oclstm_status enqueue_back(oclstm_trainer *trainer, size_t batch, oclstm_error *error) {
    const train_buffers *b = train_graph_buffers(trainer->graph);
    const size_t h = batch * train_graph_h(trainer->graph), c = batch * train_graph_c(trainer->graph);
    oclstm_status status = device_fill_zero(trainer->device, b->dhn, 0, h * trainer->element_bytes, error);
    if (status == OCLSTM_OK)
        status = device_fill_zero(trainer->device, b->dcn, 0, c * trainer->element_bytes, error);
    return status == OCLSTM_OK ? train_graph_backward(trainer->graph, false, false, error) : status;
}

static oclstm_status enqueue_update(oclstm_trainer *trainer, bool has_loss, oclstm_error *error) {
    const train_matrix loss = {has_loss ? trainer->results : NULL, TRAINER_LOSS}, norm = {trainer->results, TRAINER_NORM};
    return train_optimizer_enqueue(trainer->optimizer, &trainer->params.optimizer, trainer->steps + 1,
                                   train_graph_weights(trainer->graph), train_graph_gradients(trainer->graph), loss, norm, error);
}

// Reads what came of an update.
static oclstm_status finish_update(oclstm_trainer *trainer, bool has_loss, oclstm_train_result *result, oclstm_error *error) {
    double values[TRAINER_RESULTS];
    const oclstm_status status = trainer_read_results(trainer, values, error);
    if (status != OCLSTM_OK)
        return status;
    *result = (oclstm_train_result){.loss = has_loss ? values[TRAINER_LOSS] : 0,
                                    .gradient_norm = values[TRAINER_NORM],
                                    .lr = oclstm_optimizer_rate(&trainer->params.optimizer, trainer->steps + 1)};
    result->finite = isfinite(result->loss) && isfinite(result->gradient_norm);
    trainer->steps += result->finite;
    result->step = trainer->steps;
    return OCLSTM_OK;
}

static oclstm_status run_step(oclstm_trainer *trainer, const oclstm_train_batch *batch, const train_batch_shape *shape,
                              oclstm_train_result *result, oclstm_error *error) {
    const trainer_inputs inputs = {
        .x = &batch->x, .tokens = &batch->tokens, .carried = batch->carry_state ? &trainer->training : NULL};
    oclstm_status status = trainer_bring(trainer, &shape->call, &inputs, error);
    if (status == OCLSTM_OK)
        status = bring_target(trainer, batch, shape, error);
    if (status == OCLSTM_OK)
        status = train_graph_forward(trainer->graph, (uint64_t)trainer->steps + 1, error);
    if (status == OCLSTM_OK)
        status = enqueue_loss(trainer, shape, true, error);
    if (status == OCLSTM_OK)
        status = enqueue_back(trainer, shape->call.batch, error);
    if (status == OCLSTM_OK)
        status = enqueue_update(trainer, true, error);
    if (status == OCLSTM_OK)
        status = finish_update(trainer, true, result, error);
    if (status == OCLSTM_OK && result->finite)
        status = trainer_carry(trainer, &trainer->training, shape->call.batch, error);
    return status;
}

oclstm_status oclstm_trainer_step(oclstm_trainer *trainer, const oclstm_train_batch *batch, oclstm_train_result *result,
                                  oclstm_error *error) {
    if (trainer == NULL || batch == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_trainer_step: %s is NULL", trainer == NULL ? "trainer" : "batch");
    oclstm_train_result ignored;
    train_batch_shape shape = {0};
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK)
        status = trainer_check_batch(trainer, batch, &shape, error);
    trainer->is_forward = false;
    if (status == OCLSTM_OK)
        status = run_step(trainer, batch, &shape, result != NULL ? result : &ignored, error);
    trainer_release_shape(&shape);
    return status;
}

static oclstm_status run_evaluation(oclstm_trainer *trainer, const oclstm_train_batch *batch, const train_batch_shape *shape,
                                    double *loss, oclstm_error *error) {
    const trainer_inputs inputs = {
        .x = &batch->x, .tokens = &batch->tokens, .carried = batch->carry_state ? &trainer->evaluation : NULL};
    double values[TRAINER_RESULTS];
    oclstm_status status = trainer_bring(trainer, &shape->call, &inputs, error);
    if (status == OCLSTM_OK)
        status = bring_target(trainer, batch, shape, error);
    if (status == OCLSTM_OK)
        status = train_graph_forward(trainer->graph, 0, error);
    if (status == OCLSTM_OK)
        status = enqueue_loss(trainer, shape, false, error);
    if (status == OCLSTM_OK)
        status = trainer_carry(trainer, &trainer->evaluation, shape->call.batch, error);
    if (status == OCLSTM_OK)
        status = trainer_read_results(trainer, values, error);
    if (status == OCLSTM_OK)
        *loss = values[TRAINER_LOSS];
    return status;
}

oclstm_status oclstm_trainer_evaluate(oclstm_trainer *trainer, const oclstm_train_batch *batch, double *loss, oclstm_error *error) {
    if (trainer == NULL || batch == NULL || loss == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_trainer_evaluate: %s is NULL",
                         trainer == NULL ? "trainer"
                         : batch == NULL ? "batch"
                                         : "loss");
    train_batch_shape shape = {0};
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK)
        status = trainer_check_batch(trainer, batch, &shape, error);
    trainer->is_forward = false;
    if (status == OCLSTM_OK)
        status = run_evaluation(trainer, batch, &shape, loss, error);
    trainer_release_shape(&shape);
    return status;
}

oclstm_status oclstm_trainer_update(oclstm_trainer *trainer, oclstm_train_result *result, oclstm_error *error) {
    if (trainer == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_trainer_update: trainer is NULL");
    oclstm_train_result ignored;
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK)
        status = enqueue_update(trainer, false, error);
    return status == OCLSTM_OK ? finish_update(trainer, false, result != NULL ? result : &ignored, error) : status;
}

oclstm_status oclstm_trainer_reset_state(oclstm_trainer *trainer, oclstm_error *error) {
    if (trainer == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_trainer_reset_state: trainer is NULL");
    const oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    trainer_drop_state(trainer, &trainer->training);
    trainer_drop_state(trainer, &trainer->evaluation);
    return OCLSTM_OK;
}
