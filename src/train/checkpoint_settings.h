// SPDX-License-Identifier: Apache-2.0
// What a checkpoint says of the run that it is of: a text in the metadata, a line for each thing.
//
//     version 1
//     steps 600
//     training_batch 4
//     evaluation_batch 0
//     layer embed: embed 65 32
//     layer lstm: lstm 32 128
//     dtype float32
//     ...
//     lr 0.001
//     schedule constant
//
// Layers and settings must be those of the trainer that goes on; the learning rate and its schedule are for people.
#ifndef OCLSTM_TRAIN_CHECKPOINT_SETTINGS_H
#define OCLSTM_TRAIN_CHECKPOINT_SETTINGS_H

#include <oclstm/tensors.h>
#include <oclstm/train.h>

#define CHECKPOINT_KEY "oclstm.checkpoint"

enum { CHECKPOINT_VERSION = 1 };

// A run as it is compared and told.
typedef struct checkpoint_run {
    const oclstm_layer *layers;
    size_t count;
    oclstm_dtype dtype;
    const oclstm_trainer_params *params;
    int64_t steps;
    size_t training_batch, evaluation_batch;
} checkpoint_run;

// *text is allocated; free() it.
oclstm_status checkpoint_settings_write(char **text, const checkpoint_run *run, oclstm_error *error);

// FORMAT where the file is no checkpoint, or of another version; nothing else is looked at.
oclstm_status checkpoint_settings_check_version(const oclstm_tensors *file, oclstm_error *error);

// Holds a checkpoint's layers and settings against those of a run, of which steps and batches are then the file's. INVALID_ARGUMENT where they
// differ, with both; FORMAT where something is missing.
oclstm_status checkpoint_settings_read(checkpoint_run *run, const oclstm_tensors *file, oclstm_error *error);

#endif
