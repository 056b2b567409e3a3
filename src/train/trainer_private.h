// SPDX-License-Identifier: Apache-2.0
// A trainer, as the files of this folder see it.
#ifndef OCLSTM_TRAIN_TRAINER_PRIVATE_H
#define OCLSTM_TRAIN_TRAINER_PRIVATE_H

#include "train/graph.h"
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
    int64_t steps;
    carried_state training, evaluation;
    cl_mem results; // loss, norm
    cl_mem target, scratch;
    size_t target_bytes, scratch_bytes;
    bool has_forward; // since the last backward pass
};

#endif
