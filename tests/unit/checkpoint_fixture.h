// SPDX-License-Identifier: Apache-2.0
// Small trainers, batches for them, and all that a checkpoint has to keep.
#ifndef OCLSTM_TESTS_CHECKPOINT_FIXTURE_H
#define OCLSTM_TESTS_CHECKPOINT_FIXTURE_H

#include <oclstm/train.h>

// Steps of the batches, and their rows.
enum { CHECKPOINT_STEPS = 5, CHECKPOINT_BATCH = 3 };

// A training.
typedef struct checkpoint_case {
    const char *layers;
    oclstm_loss loss;
    oclstm_optimizer optimizer;
    double momentum, dropout;
    oclstm_dtype dtype;
} checkpoint_case;

enum { CHECKPOINT_CASES = 4 };
extern const checkpoint_case checkpoint_cases[CHECKPOINT_CASES];

oclstm_device *checkpoint_device(void); // opened once
void checkpoint_device_close(void);

// A trainer from a description, or from a file.
oclstm_trainer *checkpoint_trainer(const char *description, oclstm_trainer_params params);
oclstm_trainer *checkpoint_trainer_of(const oclstm_tensors *file, oclstm_trainer_params params);

// One of the cases; can the device do it?
bool checkpoint_can_run(const checkpoint_case *c);
oclstm_trainer_params checkpoint_params(const checkpoint_case *c);
oclstm_trainer *checkpoint_make(const checkpoint_case *c);

// A step with carried state on data that its number says; returns the loss.
double checkpoint_step(oclstm_trainer *trainer, int number);
double checkpoint_evaluate(oclstm_trainer *trainer, int number);

// Saves and opens, or ends the test.
void checkpoint_save(oclstm_trainer *trainer, const char *path);
oclstm_tensors *checkpoint_open(const char *path);

// A checkpoint's parts, to be changed and written again. Pointers lead into the file.
enum { PARTS_MOST = 64 };
typedef struct checkpoint_parts {
    oclstm_tensors *file;
    oclstm_named_array arrays[PARTS_MOST];
    oclstm_metadata metadata[PARTS_MOST];
    size_t count, metadata_count;
} checkpoint_parts;

void checkpoint_parts_take(checkpoint_parts *parts, const char *path);
// The value of a key that is there.
const char **checkpoint_parts_value(checkpoint_parts *parts, const char *key);
oclstm_named_array *checkpoint_parts_array(checkpoint_parts *parts, const char *name);
// Writes them with the checksum that belongs to them, and opens the result.
oclstm_tensors *checkpoint_parts_write(checkpoint_parts *parts, const char *path);
void checkpoint_parts_drop(checkpoint_parts *parts);

// Weights, the optimizer's buffers, the carried states, the number of steps.
typedef struct checkpoint_image {
    unsigned char *bytes;
    size_t count;
} checkpoint_image;

checkpoint_image checkpoint_image_take(const oclstm_trainer *trainer);
bool checkpoint_image_equal(const checkpoint_image *left, const checkpoint_image *right);
void checkpoint_image_free(checkpoint_image *image);

#endif
