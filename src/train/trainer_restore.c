// SPDX-License-Identifier: Apache-2.0
// Back to a checkpoint: all of it is looked at and brought to the host before anything of the trainer changes.
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/shape.h"
#include "device/device_fork.h"
#include "model/name_text.h"
#include "train/checkpoint_checksum.h"
#include "train/checkpoint_settings.h"
#include "train/trainer_file.h"

// What is read, until all of it is.
typedef struct restored {
    unsigned char *weights, *first, *second; // flat, as the buffers; the latter NULL where the optimizer has none
    unsigned char *state;                    // one carried state on its way to the device
    carried_state training, evaluation;
    int64_t steps;
} restored;

static void release_state(oclstm_device *device, carried_state *state) {
    device_buffer_release(device, &state->h);
    device_buffer_release(device, &state->c);
    state->batch = 0;
}

static void release(restored *all, oclstm_device *device) {
    free(all->weights);
    free(all->first);
    free(all->second);
    free(all->state);
    release_state(device, &all->training);
    release_state(device, &all->evaluation);
}

static oclstm_status check_checksum(const oclstm_tensors *file, oclstm_error *error) {
    checkpoint_checksum sum;
    const char *said = oclstm_tensors_metadata(file, CHECKSUM_KEY);
    if (said == NULL)
        return base_fail(error, OCLSTM_FORMAT, "the checkpoint '%s' is damaged: it has no metadata entry " CHECKSUM_KEY,
                         oclstm_tensors_path(file));
    oclstm_status status = checkpoint_checksum_file(&sum, file, error);
    if (status == OCLSTM_OK && strcmp(said, sum.text) != 0)
        status = base_fail(error, OCLSTM_FORMAT,
                           "the checkpoint '%s' is damaged or was edited: its content's checksum is %s, it says %s",
                           oclstm_tensors_path(file), sum.text, name_to_text(said).text);
    return status;
}

// One tensor into *dst, in the trainer's dtype.
static oclstm_status read_tensor(const oclstm_tensors *file, const char *name, oclstm_dtype dtype, int rank, const int64_t *shape,
                                 unsigned char *dst, oclstm_error *error) {
    const oclstm_tensor *tensor = oclstm_tensors_find(file, name);
    if (tensor == NULL)
        return base_fail(error, OCLSTM_FORMAT, "the checkpoint '%s' lacks the tensor '%s'", oclstm_tensors_path(file),
                         name_to_text(name).text);
    if (tensor->dtype != dtype || tensor->rank != rank || memcmp(tensor->shape, shape, (size_t)rank * sizeof *shape) != 0)
        return base_fail(error, OCLSTM_FORMAT, "the checkpoint '%s': tensor '%s' is %s of %s, expected %s of %s",
                         oclstm_tensors_path(file), name_to_text(name).text, shape_to_text(tensor->shape, tensor->rank).text,
                         oclstm_dtype_name(tensor->dtype), shape_to_text(shape, rank).text, oclstm_dtype_name(dtype));
    return oclstm_tensor_read(file, tensor, 0, 0, shape[0], dtype, dst, false, error);
}

static oclstm_status read_flat(unsigned char **out, const oclstm_trainer *trainer, const oclstm_tensors *file, const char *suffix,
                               oclstm_error *error) {
    size_t count;
    const train_parameter *parameters = train_graph_parameters(trainer->graph, &count);
    const size_t elements = train_graph_flat(trainer->graph);
    oclstm_status status = OCLSTM_OK;
    *out = base_alloc(elements, trainer->element_bytes);
    if (*out == NULL)
        return base_fail_memory(error, elements * trainer->element_bytes, "a checkpoint's weights");
    for (size_t i = 0; i < count && status == OCLSTM_OK; i++) {
        const oclstm_parameter *info = &parameters[i].info;
        char name[sizeof info->name + sizeof SECOND_SUFFIX];
        snprintf(name, sizeof name, "%s%s", info->name, suffix);
        status = read_tensor(file, name, trainer->dtype, info->rank, info->shape,
                             *out + parameters[i].offset * trainer->element_bytes, error);
    }
    return status;
}

// One of h and c, onto a buffer of its own.
static oclstm_status read_state(cl_mem *out, restored *all, const oclstm_trainer *trainer, const oclstm_tensors *file,
                                const char *name, size_t features, size_t batch, oclstm_error *error) {
    const int64_t shape[2] = {(int64_t)features, (int64_t)batch};
    const oclstm_tensor *tensor = oclstm_tensors_find(file, name);
    size_t bytes;
    // Against the file's size before anything is allocated: a batch may be any number.
    if (!checked_array_bytes(shape, 2, trainer->element_bytes, &bytes) || (tensor != NULL && tensor->size_bytes != bytes))
        return base_fail(error, OCLSTM_FORMAT, "the checkpoint '%s': tensor '%s' has %llu bytes, expected %s of %s",
                         oclstm_tensors_path(file), name, tensor != NULL ? (unsigned long long)tensor->size_bytes : 0,
                         shape_to_text(shape, 2).text, oclstm_dtype_name(trainer->dtype));
    free(all->state);
    all->state = tensor != NULL ? base_alloc(bytes, 1) : NULL;
    if (tensor != NULL && all->state == NULL)
        return base_fail_memory(error, bytes, "a checkpoint's carried state");
    oclstm_status status = read_tensor(file, name, trainer->dtype, 2, shape, all->state, error);
    if (status == OCLSTM_OK)
        status = device_buffer_create(out, trainer->device, CL_MEM_READ_WRITE, bytes, "a carried state", error);
    if (status == OCLSTM_OK)
        status = device_write(trainer->device, *out, 0, all->state, bytes, "a carried state", error);
    return status;
}

static oclstm_status read_states(restored *all, const oclstm_trainer *trainer, const oclstm_tensors *file, oclstm_error *error) {
    const size_t h = train_graph_h(trainer->graph), c = train_graph_c(trainer->graph);
    const size_t training = all->training.batch, evaluation = all->evaluation.batch;
    oclstm_status status = OCLSTM_OK;
    if (training > 0)
        status = read_state(&all->training.h, all, trainer, file, TRAINING_STATE ".h", h, training, error);
    if (training > 0 && status == OCLSTM_OK)
        status = read_state(&all->training.c, all, trainer, file, TRAINING_STATE ".c", c, training, error);
    if (evaluation > 0 && status == OCLSTM_OK)
        status = read_state(&all->evaluation.h, all, trainer, file, EVALUATION_STATE ".h", h, evaluation, error);
    if (evaluation > 0 && status == OCLSTM_OK)
        status = read_state(&all->evaluation.c, all, trainer, file, EVALUATION_STATE ".c", c, evaluation, error);
    return status;
}

static oclstm_status read_all(restored *all, const oclstm_trainer *trainer, const oclstm_tensors *file, oclstm_error *error) {
    checkpoint_run run = {.dtype = trainer->dtype, .params = &trainer->params};
    run.layers = train_graph_layers(trainer->graph, &run.count);
    oclstm_status status = checkpoint_settings_check_version(file, error);
    if (status == OCLSTM_OK)
        status = check_checksum(file, error);
    if (status == OCLSTM_OK)
        status = checkpoint_settings_read(&run, file, error);
    if (status == OCLSTM_OK)
        status = read_flat(&all->weights, trainer, file, "", error);
    if (status == OCLSTM_OK && train_optimizer_first(trainer->optimizer) != NULL)
        status = read_flat(&all->first, trainer, file, FIRST_SUFFIX, error);
    if (status == OCLSTM_OK && train_optimizer_second(trainer->optimizer) != NULL)
        status = read_flat(&all->second, trainer, file, SECOND_SUFFIX, error);
    all->steps = run.steps;
    all->training.batch = run.training_batch;
    all->evaluation.batch = run.evaluation_batch;
    return status == OCLSTM_OK ? read_states(all, trainer, file, error) : status;
}

static oclstm_status write_flat(const oclstm_trainer *trainer, cl_mem flat, const unsigned char *values, oclstm_error *error) {
    return values == NULL ? OCLSTM_OK
                          : device_write(trainer->device, flat, 0, values,
                                         train_graph_flat(trainer->graph) * trainer->element_bytes, "a checkpoint", error);
}

oclstm_status oclstm_trainer_restore(oclstm_trainer *trainer, const oclstm_tensors *checkpoint, oclstm_error *error) {
    if (trainer == NULL || checkpoint == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s: %s is NULL", __func__, trainer == NULL ? "trainer" : "checkpoint");
    restored all = {.weights = NULL};
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    status = read_all(&all, trainer, checkpoint, error);
    if (status == OCLSTM_OK)
        status = write_flat(trainer, train_graph_weights(trainer->graph), all.weights, error);
    if (status == OCLSTM_OK)
        status = write_flat(trainer, train_optimizer_first(trainer->optimizer), all.first, error);
    if (status == OCLSTM_OK)
        status = write_flat(trainer, train_optimizer_second(trainer->optimizer), all.second, error);
    if (status == OCLSTM_OK) {
        const carried_state before[2] = {trainer->training, trainer->evaluation};
        trainer->training = all.training;
        trainer->evaluation = all.evaluation;
        all.training = before[0]; // released below
        all.evaluation = before[1];
        trainer->steps = all.steps;
        trainer->is_forward = false;
    }
    release(&all, trainer->device);
    return status;
}
