// SPDX-License-Identifier: Apache-2.0
// A trainer's weights as a model file, and all of it as a checkpoint.
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_fork.h"
#include "model/name_text.h"
#include "train/checkpoint_checksum.h"
#include "train/checkpoint_settings.h"
#include "train/trainer_file.h"

#define OWN_KEYS "oclstm."

static oclstm_status check_call(const char *function, const oclstm_trainer *trainer, const char *path,
                                const oclstm_metadata *metadata, size_t count, oclstm_error *error) {
    if (trainer == NULL || path == NULL || (metadata == NULL && count > 0))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s: %s is NULL", function,
                         trainer == NULL ? "trainer"
                         : path == NULL  ? "path"
                                         : "metadata");
    for (size_t i = 0; i < count; i++) {
        if (metadata[i].key == NULL || metadata[i].value == NULL)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s': metadata entry %zu has no key or no value", path, i);
    }
    return device_check_fork(error);
}

oclstm_status oclstm_trainer_write(oclstm_trainer *trainer, const char *path, const oclstm_metadata *metadata, size_t count,
                                   oclstm_error *error) {
    trainer_file file;
    oclstm_status status = check_call(__func__, trainer, path, metadata, count, error);
    if (status == OCLSTM_OK)
        status = trainer_file_begin(&file, trainer, metadata, count, error);
    if (status != OCLSTM_OK)
        return status;
    status = oclstm_tensors_write(path, OCLSTM_SAFETENSORS, file.arrays, file.count, file.metadata, file.metadata_count, error);
    trainer_file_end(&file);
    return status;
}

static oclstm_status add_settings(trainer_file *file, const oclstm_trainer *trainer, oclstm_error *error) {
    checkpoint_run run = {.dtype = trainer->dtype,
                          .params = &trainer->params,
                          .steps = trainer->steps,
                          .training_batch = trainer->training.batch,
                          .evaluation_batch = trainer->evaluation.batch};
    char *text = NULL;
    run.layers = train_graph_layers(trainer->graph, &run.count);
    oclstm_status status = checkpoint_settings_write(&text, &run, error);
    return status == OCLSTM_OK ? trainer_file_add_entry(file, CHECKPOINT_KEY, text, error) : status;
}

static oclstm_status add_checksum(trainer_file *file, oclstm_error *error) {
    checkpoint_checksum sum;
    oclstm_status status = checkpoint_checksum_arrays(&sum, file->arrays, file->count, file->metadata, file->metadata_count, error);
    if (status != OCLSTM_OK)
        return status;
    char *text = base_alloc(sizeof sum.text, 1);
    if (text != NULL)
        memcpy(text, sum.text, sizeof sum.text);
    return trainer_file_add_entry(file, CHECKSUM_KEY, text, error);
}

oclstm_status oclstm_trainer_save(oclstm_trainer *trainer, const char *path, const oclstm_metadata *metadata, size_t count,
                                  oclstm_error *error) {
    trainer_file file;
    oclstm_status status = check_call(__func__, trainer, path, metadata, count, error);
    for (size_t i = 0; i < count && status == OCLSTM_OK; i++) {
        if (strncmp(metadata[i].key, OWN_KEYS, strlen(OWN_KEYS)) == 0)
            status = base_fail(error, OCLSTM_INVALID_ARGUMENT,
                               "'%s': the metadata key '%s' begins with '" OWN_KEYS "', which a checkpoint keeps for itself", path,
                               name_to_text(metadata[i].key).text);
    }
    if (status == OCLSTM_OK)
        status = trainer_file_begin(&file, trainer, metadata, count, error);
    if (status != OCLSTM_OK)
        return status;
    status = trainer_file_add_progress(&file, trainer, error);
    if (status == OCLSTM_OK)
        status = add_settings(&file, trainer, error);
    if (status == OCLSTM_OK)
        status = add_checksum(&file, error);
    if (status == OCLSTM_OK)
        status = oclstm_tensors_write(path, OCLSTM_SAFETENSORS, file.arrays, file.count, file.metadata, file.metadata_count, error);
    trainer_file_end(&file);
    return status;
}
