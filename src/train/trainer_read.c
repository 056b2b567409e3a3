// SPDX-License-Identifier: Apache-2.0
// What can be asked of a trainer.
#include <inttypes.h>

#include "base/error.h"
#include "base/shape.h"
#include "device/device_fork.h"
#include "train/trainer_private.h"

const oclstm_layer *oclstm_trainer_layers(const oclstm_trainer *trainer, size_t *count) {
    size_t ignored;
    if (count != NULL)
        *count = 0;
    return trainer != NULL ? train_graph_layers(trainer->graph, count != NULL ? count : &ignored) : NULL;
}

oclstm_dtype oclstm_trainer_dtype(const oclstm_trainer *trainer) { return trainer != NULL ? trainer->dtype : OCLSTM_F32; }

oclstm_engine oclstm_trainer_engine(const oclstm_trainer *trainer) {
    return trainer != NULL ? train_graph_machine(trainer->graph)->engine->id : OCLSTM_ENGINE_AUTO;
}

uint64_t oclstm_trainer_bytes(const oclstm_trainer *trainer, int64_t batch, int64_t steps) {
    if (trainer == NULL || batch < 1 || steps < 1)
        return 0;
    const oclstm_optimizer_params *optimizer = &trainer->params.optimizer;
    const uint64_t passes = train_graph_bytes(trainer->graph, (size_t)steps, (size_t)batch, false);
    const uint64_t moments =
        train_optimizer_bytes(trainer->dtype, optimizer->kind, optimizer->momentum != 0, train_graph_flat(trainer->graph));
    if (passes == 0)
        return 0;
    const size_t rows = (size_t)steps * (size_t)batch, outputs = train_graph_outputs(trainer->graph);
    const uint64_t target =
        trainer->params.loss == OCLSTM_LOSS_CROSS_ENTROPY ? rows * sizeof(cl_int) : rows * outputs * trainer->element_bytes;
    const size_t states = 2 * (size_t)batch * (train_graph_h(trainer->graph) + train_graph_c(trainer->graph)); // carried on
    const size_t others = states + train_loss_scratch(trainer->losses, rows, outputs) + TRAINER_RESULTS;
    return passes + moments + target + others * trainer->element_bytes;
}

const oclstm_parameter *oclstm_trainer_parameters(const oclstm_trainer *trainer, size_t *count) {
    size_t ignored;
    if (count != NULL)
        *count = 0;
    if (trainer == NULL)
        return NULL;
    train_graph_parameters(trainer->graph, count != NULL ? count : &ignored);
    return trainer->parameters;
}

static oclstm_status read_flat(oclstm_trainer *trainer, size_t parameter, const oclstm_array *out, bool is_gradient,
                               oclstm_error *error) {
    const char *call = is_gradient ? "oclstm_trainer_read_gradient" : "oclstm_trainer_read";
    if (trainer == NULL || out == NULL || out->data == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s: %s is NULL", call, trainer == NULL ? "trainer" : "the array");
    oclstm_status status = device_check_fork(error);
    size_t count;
    const train_parameter *parameters = train_graph_parameters(trainer->graph, &count);
    if (status != OCLSTM_OK)
        return status;
    if (parameter >= count)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s: there is no parameter %zu; there are %zu", call, parameter, count);
    const oclstm_parameter *info = &parameters[parameter].info;
    bool fits = out->rank == info->rank && out->dtype == trainer->dtype;
    for (int axis = 0; fits && axis < info->rank; axis++)
        fits = out->shape[axis] == info->shape[axis];
    const int found_rank = out->rank >= 0 && out->rank <= OCLSTM_MAX_RANK ? out->rank : 0;
    if (!fits)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s: '%s' is %s of %s, the array is %s of %s", call, info->name,
                         shape_to_text(info->shape, info->rank).text, oclstm_dtype_name(trainer->dtype),
                         shape_to_text(out->shape, found_rank).text, oclstm_dtype_name(out->dtype));
    return device_read(trainer->device, out->data,
                       is_gradient ? train_graph_gradients(trainer->graph) : train_graph_weights(trainer->graph),
                       parameters[parameter].offset * trainer->element_bytes, parameters[parameter].count * trainer->element_bytes,
                       info->name, error);
}

oclstm_status oclstm_trainer_read(oclstm_trainer *trainer, size_t parameter, const oclstm_array *value, oclstm_error *error) {
    return read_flat(trainer, parameter, value, false, error);
}

oclstm_status oclstm_trainer_read_gradient(oclstm_trainer *trainer, size_t parameter, const oclstm_array *gradient,
                                           oclstm_error *error) {
    return read_flat(trainer, parameter, gradient, true, error);
}

int64_t oclstm_trainer_steps(const oclstm_trainer *trainer) { return trainer != NULL ? trainer->steps : 0; }
