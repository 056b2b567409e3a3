// SPDX-License-Identifier: Apache-2.0
// A batch against the trainer and each other: every array checked, what counts counted.
#include <inttypes.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/shape.h"
#include "train/trainer_private.h"

void trainer_release_shape(train_batch_shape *shape) {
    free(shape->call.lengths);
    free(shape->classes);
    *shape = (train_batch_shape){0};
}

// A target of the outputs' shape, or of their rows for classes.
static oclstm_status check_target(const oclstm_trainer *trainer, const oclstm_const_array *target, const network_shape *shape,
                                  oclstm_error *error) {
    const bool classes = trainer->params.loss == OCLSTM_LOSS_CROSS_ENTROPY;
    const int64_t outputs = (int64_t)train_graph_outputs(trainer->graph);
    int64_t expected[3] = {(int64_t)(shape->batch_first ? shape->batch : shape->steps),
                           (int64_t)(shape->batch_first ? shape->steps : shape->batch), outputs};
    int rank = classes ? 2 : 3;
    if (!shape->batched) {
        expected[1] = outputs;
        rank--;
    }
    if (target->data == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "target is missing: the loss %s needs one of %s",
                         oclstm_loss_name(trainer->params.loss), shape_to_text(expected, rank).text);
    bool fits = target->rank == rank;
    for (int axis = 0; fits && axis < rank; axis++)
        fits = target->shape[axis] == expected[axis];
    const bool has_dtype = classes ? target->dtype == OCLSTM_I64 || target->dtype == OCLSTM_I32 : target->dtype == trainer->dtype;
    if (fits && has_dtype)
        return OCLSTM_OK;
    const int found_rank = target->rank >= 0 && target->rank <= OCLSTM_MAX_RANK ? target->rank : 0;
    return base_fail(error, OCLSTM_INVALID_ARGUMENT, "target is %s of %s, expected %s of %s: %s for the loss %s",
                     shape_to_text(target->shape, found_rank).text, oclstm_dtype_name(target->dtype),
                     shape_to_text(expected, rank).text, classes ? "int64 or int32" : oclstm_dtype_name(trainer->dtype),
                     classes ? "a class for each row of y" : "as y", oclstm_loss_name(trainer->params.loss));
}

static bool row_counts(const network_shape *shape, size_t t, size_t b) {
    return shape->lengths == NULL || t < (size_t)shape->lengths[b];
}

static oclstm_status take_classes(const oclstm_trainer *trainer, const oclstm_const_array *target, train_batch_shape *out,
                                  oclstm_error *error) {
    const network_shape *shape = &out->call;
    const int64_t outputs = (int64_t)train_graph_outputs(trainer->graph);
    out->classes = base_alloc(shape->steps * shape->batch, sizeof *out->classes);
    if (out->classes == NULL)
        return base_fail_memory(error, shape->steps * shape->batch * sizeof *out->classes, "the classes");
    for (size_t t = 0; t < shape->steps; t++) {
        for (size_t b = 0; b < shape->batch; b++) {
            const size_t at = shape->batch_first ? b * shape->steps + t : t * shape->batch + b;
            const int64_t class =
                target->dtype == OCLSTM_I64 ? ((const int64_t *)target->data)[at] : ((const int32_t *)target->data)[at];
            int *to = &out->classes[t * shape->batch + b];
            *to = -1;
            if (!row_counts(shape, t, b) || (trainer->params.has_ignore_index && class == trainer->params.ignore_index))
                continue;
            if (class < 0 || class >= outputs)
                return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                                 "the target at step %zu of row %zu is %" PRId64
                                 "; the network's outputs are the classes 0 to %" PRId64,
                                 t, b, class, outputs - 1);
            *to = (int)class;
            out->counted++;
        }
    }
    return OCLSTM_OK;
}

oclstm_status trainer_check_batch(const oclstm_trainer *trainer, const oclstm_train_batch *batch, train_batch_shape *out,
                                  oclstm_error *error) {
    const oclstm_network_call call = {
        .x = batch->x, .tokens = batch->tokens, .lengths = batch->lengths, .batch_first = batch->batch_first};
    *out = (train_batch_shape){0};
    oclstm_status status = network_check(&trainer->paper, &call, &out->call, error);
    if (status == OCLSTM_OK)
        status = check_target(trainer, &batch->target, &out->call, error);
    if (status != OCLSTM_OK)
        return status;
    if (trainer->params.loss == OCLSTM_LOSS_CROSS_ENTROPY) {
        status = take_classes(trainer, &batch->target, out, error);
    } else {
        for (size_t b = 0; b < out->call.batch; b++)
            out->counted += out->call.lengths != NULL ? (size_t)out->call.lengths[b] : out->call.steps;
        out->counted *= train_graph_outputs(trainer->graph);
    }
    if (status == OCLSTM_OK && out->counted == 0)
        status = base_fail(error, OCLSTM_INVALID_ARGUMENT, "no target of the batch counts: all are the ignored class %" PRId64,
                           trainer->params.ignore_index);
    return status;
}
