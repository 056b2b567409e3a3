// SPDX-License-Identifier: Apache-2.0
// A trainer, as the files of this folder see it.
#ifndef OCLSTM_TRAIN_TRAINER_PRIVATE_H
#define OCLSTM_TRAIN_TRAINER_PRIVATE_H

#include "network/network_private.h"
#include "train/graph.h"
#include "train/host_call.h"
#include "train/loss.h"
#include "train/optimizer.h"

// A state that goes on from step to step; batch 0: none yet.
typedef struct carried_state {
    cl_mem h, c; // [features][batch] blocks as train_buffers.h0
    size_t batch;
} carried_state;

struct oclstm_trainer {
    oclstm_device *device;        // held
    oclstm_trainer_params params; // layers and description are owned copies, or NULL
    oclstm_dtype dtype;
    size_t element_bytes;
    train_graph *graph;
    train_losses *losses;
    train_optimizer *optimizer;
    oclstm_parameter *parameters; // copies for the caller
    bool ends_in_softmax;         // the model that it was made from does: what is written does again
    int64_t steps;
    carried_state training, evaluation;
    cl_mem results; // loss, norm
    cl_mem target, scratch;
    size_t target_bytes, scratch_bytes;
    oclstm_network paper; // sizes and layers only, for the checks of a call

    // Of the last oclstm_trainer_forward(), until the way back:
    bool is_forward;
    host_rows rows;
    bool batched;
};

// A batch, once it is checked.
typedef struct train_batch_shape {
    network_shape call; // lengths are owned
    size_t counted;     // elements or classes that count in the loss
    int *classes;       // cross-entropy: [steps][batch], negative = does not count; owned
} train_batch_shape;

// Checks all of a batch against the trainer and each other. trainer_release_shape() also after a failure.
oclstm_status trainer_check_batch(const oclstm_trainer *trainer, const oclstm_train_batch *batch, train_batch_shape *out,
                                  oclstm_error *error);
void trainer_release_shape(train_batch_shape *shape);

// Weights from a model file.
oclstm_status trainer_load_weights(oclstm_trainer *trainer, const oclstm_tensors *file, const network_modules *list,
                                   oclstm_error *error);

// Makes ready for a shape, and writes inputs, tokens, lengths and the state: from host arrays, from `carried` where it has this batch, or zero.
typedef struct trainer_inputs {
    const oclstm_const_array *x, *tokens;
    const void *h0, *c0;
    const carried_state *carried;
} trainer_inputs;
oclstm_status trainer_bring(oclstm_trainer *trainer, const network_shape *shape, const trainer_inputs *inputs, oclstm_error *error);

// Keeps the state after a pass for the next one.
oclstm_status trainer_carry(oclstm_trainer *trainer, carried_state *carried, size_t batch, oclstm_error *error);
void trainer_drop_state(const oclstm_trainer *trainer, carried_state *carried);

// A buffer of at least so many bytes.
oclstm_status trainer_need(oclstm_trainer *trainer, cl_mem *buffer, size_t *have_bytes, size_t bytes, const char *what,
                           oclstm_error *error);

// Where results lie.
enum { TRAINER_LOSS, TRAINER_NORM, TRAINER_RESULTS };

// The values of results, as double. Waits.
oclstm_status trainer_read_results(oclstm_trainer *trainer, double values[TRAINER_RESULTS], oclstm_error *error);

#endif
