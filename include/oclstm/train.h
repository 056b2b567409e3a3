// SPDX-License-Identifier: Apache-2.0
/**
 * @file train.h
 * Training a network on a device: forward, loss, backward, optimizer. Weights, gradients and the optimizer's state stay on the device; a step brings back
 * the loss and the gradients' norm.
 *
 *     oclstm_trainer_create(&trainer, device, file, &params, &error);              from a model file, or fresh from a description
 *     while (more)
 *         oclstm_trainer_step(trainer, &batch, &result, &error);                   torch: zero_grad, forward, loss, backward, clip, step
 *     oclstm_trainer_write(trainer, "trained.safetensors", NULL, 0, &error);       loads into torch by load_state_dict
 *
 * Layers, shapes and dtypes are those of network.h: embedding, lstm (stacks, both directions, projection), lstm cells, linear, relu, sigmoid. A model
 * with a softmax at its end is trained without it, since cross-entropy takes logits, and written with it. Not trained: peepholes, clip, other
 * activations (UNSUPPORTED).
 * Lengths: steps behind a sequence's end do not count in a loss, and give no gradient.
 *
 * Losses, over the n elements that count, z the network's outputs, t the target: torch's, with reduction "mean".
 *     mean squared error      sum (z - t)^2 / n
 *     cross-entropy           sum (log sum_j exp(z_j) - z_t) / n, t a class; n without targets equal to ignore_index. Safe for any finite z
 *     binary cross-entropy    sum (max(z, 0) - z t + log(1 + exp(-|z|))) / n, torch.nn.BCEWithLogitsLoss
 *
 * Optimizers, g the gradient after clipping, w a weight, in the form of torch.optim (2.x, without its foreach and fused forms' reordering):
 *     SGD     g += weight_decay w;  b = momentum b + (1 - dampening) g (first step: b = g);  g = nesterov ? g + momentum b : b;  w -= lr g
 *     Adam    g += weight_decay w;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
 *             w -= lr / (1 - beta1^n) * m / (sqrt(v) / sqrt(1 - beta2^n) + eps)                     Kingma & Ba, 2015
 *     AdamW   w -= lr weight_decay w; then as Adam without decay                                    Loshchilov & Hutter, 2019
 * Clipping by global norm: g *= min(1, clip_norm / (|g| + 1e-6)), |g| over all weights, torch.nn.utils.clip_grad_norm_().
 *
 * Where the loss or the norm is not finite the weights and the optimizer's state are left as they are, and the result says so.
 *
 * Dropout: torch.nn.LSTM's, on the outputs of every recurrent layer but the last; of the training steps only. Its generator is Philox4x32-10 (Salmon et al.,
 * 2011), keyed by the seed, counted by step, layer and element: the same on every device.
 *
 * The same device, engine, seed and batches give the same bits, also after a checkpoint.
 *
 * Thread-safety: a trainer is used by one thread at a time.
 */
#ifndef OCLSTM_TRAIN_H
#define OCLSTM_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oclstm/array.h>
#include <oclstm/device.h>
#include <oclstm/network.h>
#include <oclstm/status.h>
#include <oclstm/tensors.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A network that is trained, on a device. */
typedef struct oclstm_trainer oclstm_trainer;

/** What is made small. */
typedef enum oclstm_loss { OCLSTM_LOSS_MSE, OCLSTM_LOSS_CROSS_ENTROPY, OCLSTM_LOSS_BCE } oclstm_loss;

/** "mse", "cross-entropy", "bce"; "unknown" for a number that is none. */
OCLSTM_API const char *oclstm_loss_name(oclstm_loss loss);

/** How it is made small. */
typedef enum oclstm_optimizer { OCLSTM_OPTIMIZER_SGD, OCLSTM_OPTIMIZER_ADAM, OCLSTM_OPTIMIZER_ADAMW } oclstm_optimizer;

/** "sgd", "adam", "adamw"; "unknown" for a number that is none. */
OCLSTM_API const char *oclstm_optimizer_name(oclstm_optimizer optimizer);

/** How the learning rate goes on after the warm-up, n = steps done since then. */
typedef enum oclstm_schedule {
    OCLSTM_SCHEDULE_CONSTANT,
    OCLSTM_SCHEDULE_STEP, /**< lr gamma^floor(n / schedule_steps): torch's StepLR */
    OCLSTM_SCHEDULE_COSINE /**< min_lr + (lr - min_lr) (1 + cos(pi n / schedule_steps)) / 2, min_lr from schedule_steps on: CosineAnnealingLR */
} oclstm_schedule;

/** "constant", "step", "cosine"; "unknown" for a number that is none. */
OCLSTM_API const char *oclstm_schedule_name(oclstm_schedule schedule);

/** An optimizer's settings; begin with oclstm_optimizer_defaults(). */
typedef struct oclstm_optimizer_params {
    oclstm_optimizer kind;
    double lr;        /**< at least 0, finite */
    double momentum;  /**< of SGD */
    double dampening; /**< of SGD */
    bool nesterov;    /**< of SGD; needs momentum and no dampening */
    double beta1;     /**< of Adam, AdamW; 0 <= beta < 1 */
    double beta2;
    double eps;
    double weight_decay;
    double clip_norm; /**< largest norm of the gradients; 0 = no clipping */
    oclstm_schedule schedule;
    int64_t schedule_steps; /**< of STEP and COSINE; at least 1 there */
    double gamma;           /**< of STEP */
    double min_lr;          /**< of COSINE */
    int64_t
        warmup_steps; /**< step n of the first of these (from 1) has lr n / warmup_steps, before the schedule begins; 0 = none */
} oclstm_optimizer_params;

/** torch.optim's defaults: SGD lr 1e-3; Adam lr 1e-3, betas 0.9 and 0.999, eps 1e-8; AdamW also weight decay 0.01. No clipping, constant rate. */
OCLSTM_API oclstm_optimizer_params oclstm_optimizer_defaults(oclstm_optimizer kind);

/** The learning rate of a step, counted from 1. */
OCLSTM_API double oclstm_optimizer_rate(const oclstm_optimizer_params *params, int64_t step);

/** How to make a trainer. Zero is the default of every member but `optimizer`. */
typedef struct oclstm_trainer_params {
    /** With a file: as oclstm_network_params.layers. */
    const char *layers;
    /** Without a file: layers to start fresh from, separated by commas, sizes as in torch's constructors:
     *     "embed 65 32, lstm 32 128, linear 65"
     * embed VOCABULARY FEATURES | lstm [INPUT] HIDDEN [layers N] [bidirectional] [proj P] [nobias] | lstmcell [INPUT] HIDDEN [nobias] |
     * linear [INPUT] OUTPUT [nobias] | relu | sigmoid. INPUT may be left out where the layer before says it. A layer may be named: "head: linear 65";
     * otherwise it is called embed, lstm, cell, linear, with a number from the second of a kind on (lstm, lstm2). Fresh weights as torch's: uniform in
     * +-1/sqrt(hidden), linear +-1/sqrt(inputs), embedding normal(0, 1), from `seed`. */
    const char *description;
    bool dtype_given;     /**< train in `dtype`; false: as oclstm_network_params, F32 for a description */
    oclstm_dtype dtype;   /**< F32 or F64 */
    oclstm_engine engine; /**< AUTO by default */
    uint64_t seed;        /**< of fresh weights and dropout */
    double dropout;       /**< 0 <= p < 1 */
    bool recompute;       /**< see backward.h */
    oclstm_loss loss;
    bool has_ignore_index;
    int64_t ignore_index; /**< of cross-entropy; without it every target must be a class */
    oclstm_optimizer_params optimizer;
} oclstm_trainer_params;

/**
 * Makes a trainer from a model file, or from params->description where file is NULL.
 * @param[out] out  owned by the caller: oclstm_trainer_destroy(). NULL on failure. It holds the device; the file may be closed.
 * @return as oclstm_network_load(), and INVALID_ARGUMENT (a description that is none, with the place; a rate or share that is no number or out of its
 *         range), UNSUPPORTED (a layer that is not trained). Waits.
 */
OCLSTM_API oclstm_status oclstm_trainer_create(oclstm_trainer **out, oclstm_device *device, const oclstm_tensors *file,
                                               const oclstm_trainer_params *params, oclstm_error *error);

/** Destroys a trainer and sets the pointer to NULL. Accepts NULL and a pointer to NULL. */
OCLSTM_API void oclstm_trainer_destroy(oclstm_trainer **trainer);

/** Its layers; valid until the trainer is destroyed. */
OCLSTM_API const oclstm_layer *oclstm_trainer_layers(const oclstm_trainer *trainer, size_t *count);

/** The dtype that it computes in; OCLSTM_F32 for NULL. */
OCLSTM_API oclstm_dtype oclstm_trainer_dtype(const oclstm_trainer *trainer);

/** The engine that it uses; AUTO for NULL. */
OCLSTM_API oclstm_engine oclstm_trainer_engine(const oclstm_trainer *trainer);

/** Bytes on the device that steps of this shape, without lengths, take in all; 0 where that is more than can be counted. Takes nothing. */
OCLSTM_API uint64_t oclstm_trainer_bytes(const oclstm_trainer *trainer, int64_t batch, int64_t steps);

/** Data of a step. Arrays by value: a zeroed one is absent. */
typedef struct oclstm_train_batch {
    oclstm_const_array x; /**< or tokens, of which the first layer takes one: shapes as in network.h */
    oclstm_const_array tokens;
    oclstm_const_array lengths; /**< absent: all sequences have all steps */
    oclstm_const_array
        target; /**< as y in the network's dtype; for cross-entropy classes, I64 or I32, in the shape of y without its features */
    bool batch_first; /**< x, tokens and target are [batch][steps][...] */
    bool carry_state; /**< begin where the step before ended (truncated back-propagation through time); false: at zero */
} oclstm_train_batch;

/** What came of a step. */
typedef struct oclstm_train_result {
    double loss;
    double gradient_norm; /**< over all weights, before clipping */
    double lr;            /**< that it was made with */
    int64_t step;         /**< steps done, this one included */
    bool finite;          /**< false: the loss or the norm is NaN or infinite, and nothing was changed */
} oclstm_train_result;

/**
 * One step of training.
 * @param[out] result  may be NULL.
 * @return OK, also when the result is not finite; INVALID_ARGUMENT (a shape, a dtype, a class outside the outputs with its place; carry_state with another
 *         batch than before; no element that counts); OUT_OF_DEVICE_MEMORY, with the numbers, before anything is allocated; OPENCL. Waits.
 *         After a failure the weights are as before or, where the device failed, unspecified.
 */
OCLSTM_API oclstm_status oclstm_trainer_step(oclstm_trainer *trainer, const oclstm_train_batch *batch, oclstm_train_result *result,
                                             oclstm_error *error);

/** The loss without a step: no dropout, nothing changes. carry_state goes on from the evaluation before; training's state is another. Waits. */
OCLSTM_API oclstm_status oclstm_trainer_evaluate(oclstm_trainer *trainer, const oclstm_train_batch *batch, double *loss,
                                                 oclstm_error *error);

/** Both carried states back to zero, so that the next step with carry_state begins a sequence, with any batch. */
OCLSTM_API oclstm_status oclstm_trainer_reset_state(oclstm_trainer *trainer, oclstm_error *error);

/**
 * For losses of one's own: the forward pass alone, as oclstm_network_run(), keeping what the way back needs. No dropout. Waits.
 */
OCLSTM_API oclstm_status oclstm_trainer_forward(oclstm_trainer *trainer, const oclstm_network_call *call, oclstm_error *error);

/** Gradients of a network. Arrays by value, in its dtype, in the shapes of the forward call: a zeroed one is absent. */
typedef struct oclstm_network_gradients {
    oclstm_const_array y; /**< in; absent = zero */
    oclstm_const_array hn;
    oclstm_const_array cn;
    oclstm_array x; /**< out; not of tokens */
    oclstm_array h0;
    oclstm_array c0;
    bool accumulate; /**< the weights' gradients are added to those there are; default: they replace them */
} oclstm_network_gradients;

/** The way back of the last oclstm_trainer_forward(), once for each. @return as oclstm_tape_backward(). Waits. */
OCLSTM_API oclstm_status oclstm_trainer_backward(oclstm_trainer *trainer, const oclstm_network_gradients *gradients,
                                                 oclstm_error *error);

/** Clipping and the optimizer's step with the gradients there are. result->loss is 0. Waits. */
OCLSTM_API oclstm_status oclstm_trainer_update(oclstm_trainer *trainer, oclstm_train_result *result, oclstm_error *error);

/** A trained tensor. */
typedef struct oclstm_parameter {
    char name[300]; /**< as in the state dict of torch: "lstm.weight_ih_l0" */
    int rank;
    int64_t shape[2];
} oclstm_parameter;

/** The trained tensors in order; valid until the trainer is destroyed. */
OCLSTM_API const oclstm_parameter *oclstm_trainer_parameters(const oclstm_trainer *trainer, size_t *count);

/** Reads a tensor, or the gradient that the last step or backward pass left, in the trainer's dtype. Waits. @return OK; INVALID_ARGUMENT; OPENCL. */
OCLSTM_API oclstm_status oclstm_trainer_read(oclstm_trainer *trainer, size_t parameter, const oclstm_array *value,
                                             oclstm_error *error);
OCLSTM_API oclstm_status oclstm_trainer_read_gradient(oclstm_trainer *trainer, size_t parameter, const oclstm_array *gradient,
                                                      oclstm_error *error);

/**
 * Writes the weights as a .safetensors file: tensors as torch's state dict, the layers in the metadata key "oclstm.layers". Whole or not at all.
 * @param metadata, count  further entries; NULL and 0 for none.
 */
OCLSTM_API oclstm_status oclstm_trainer_write(oclstm_trainer *trainer, const char *path, const oclstm_metadata *metadata,
                                              size_t count, oclstm_error *error);

/**
 * Writes a checkpoint: weights, the optimizer's state, the number of steps, the settings, the carried states. A .safetensors file that is a model file as
 * well; whole or not at all: an older one of the name stays until it is complete. Its tensors: those of oclstm_trainer_write(), for each of them NAME
 * "NAME.optimizer_first" and, of Adam and AdamW, "NAME.optimizer_second"; "oclstm.training.h" and so on. Settings and a checksum over all of it stand in
 * the metadata keys "oclstm.checkpoint" (a line for each) and "oclstm.checksum".
 * @param metadata, count  further entries, for what the caller has to know to go on; keys must not begin with "oclstm.".
 */
OCLSTM_API oclstm_status oclstm_trainer_save(oclstm_trainer *trainer, const char *path, const oclstm_metadata *metadata,
                                             size_t count, oclstm_error *error);

/**
 * Goes on from a checkpoint: everything that oclstm_trainer_save() wrote, into a trainer made with the same layers, dtype, loss, dropout, seed and optimizer
 * (the learning rate and its schedule may differ). The steps that follow give the bits that they would have given without the interruption.
 * @return OK; FORMAT (no checkpoint; of another version; damaged: its checksum is wrong; a tensor that is missing or of another shape); INVALID_ARGUMENT (of
 *         another model or settings: which, what it has and what the trainer has); OUT_OF_MEMORY;
 *         OUT_OF_DEVICE_MEMORY. The trainer is unchanged then. OPENCL: where the device failed while it was written, the trainer is unspecified. Waits.
 */
OCLSTM_API oclstm_status oclstm_trainer_restore(oclstm_trainer *trainer, const oclstm_tensors *checkpoint, oclstm_error *error);

/** Steps done. */
OCLSTM_API int64_t oclstm_trainer_steps(const oclstm_trainer *trainer);

#ifdef __cplusplus
}
#endif
#endif
