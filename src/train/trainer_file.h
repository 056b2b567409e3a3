// SPDX-License-Identifier: Apache-2.0
// What a trainer writes: tensors and metadata, gathered on the host before a file is begun.
#ifndef OCLSTM_TRAIN_TRAINER_FILE_H
#define OCLSTM_TRAIN_TRAINER_FILE_H

#include "train/trainer_private.h"

// Of a checkpoint, beside the weights. Their last parts are no tensor's of a layer, so that no reader of models takes them for one.
#define FIRST_SUFFIX     ".optimizer_first"
#define SECOND_SUFFIX    ".optimizer_second"
#define TRAINING_STATE   "oclstm.training"
#define EVALUATION_STATE "oclstm.evaluation"

typedef struct trainer_file {
    oclstm_named_array *arrays;
    size_t count;
    oclstm_metadata *metadata;
    size_t metadata_count;
    void **blocks; // what names, texts and values lie in
    size_t block_count;
} trainer_file;

// Room for what the trainer has and `entries` of the caller's; the trainer's weights, its list of layers, and the caller's entries. Waits. On failure
// nothing is left to be released.
oclstm_status trainer_file_begin(trainer_file *out, oclstm_trainer *trainer, const oclstm_metadata *metadata, size_t entries,
                                 oclstm_error *error);
void trainer_file_end(trainer_file *file);

// Adds the optimizer's buffers and the carried states. Waits.
oclstm_status trainer_file_add_progress(trainer_file *file, oclstm_trainer *trainer, oclstm_error *error);

// Adds an entry; takes over the text, also on failure. key stays the caller's.
oclstm_status trainer_file_add_entry(trainer_file *file, const char *key, char *text, oclstm_error *error);

#endif
