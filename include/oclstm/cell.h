// SPDX-License-Identifier: Apache-2.0
/**
 * @file cell.h
 * The LSTM cell: one cell's weights on a device, applied once (a step) or many times (a sequence).
 *
 * With x the input, (h, c) the state before and (h', c') the state after a step, * the elementwise product:
 *
 *     i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)        c' = f * c + i * g
 *     f = sigmoid(W_if x + b_if + W_hf h + b_hf)        h' = o * tanh(c')
 *     g =    tanh(W_ig x + b_ig + W_hg h + b_hg)
 *     o = sigmoid(W_io x + b_io + W_ho h + b_ho)
 *
 * This is torch.nn.LSTMCell and mindspore.nn.LSTMCell. Source: Hochreiter & Schmidhuber, Long Short-Term Memory, 1997, with the
 * forget gate of Gers, Schmidhuber & Cummins, 2000.
 *
 * Shapes. input and hidden are the cell's sizes, batch and steps those of a call; the last index runs fastest:
 *
 *     weight_ih  [4*hidden][input]    the gates' rows in the order i, f, g, o, as in both frameworks
 *     weight_hh  [4*hidden][hidden]   likewise
 *     bias_ih, bias_hh  [4*hidden]    both or neither
 *     x of a step       [batch][input], or [input] without a batch
 *     h, c              [batch][hidden], or [hidden] without a batch
 *     x of a sequence   [steps][batch][input], or [batch][steps][input] when batch_first is set, or [steps][input]
 *     y of a sequence   as x, with hidden in place of input: h' of every step
 *
 * Numerics. A float32 or float64 cell computes in its dtype, accumulating in that dtype. NaN and infinity in x, h and c are
 * data: they come out where the frameworks' would. sigmoid and tanh are safe for any finite argument.
 *
 * Cells of 16 bits, float16 and bfloat16, store weights, x, h and y in the dtype on every device, half of float32's memory, and
 * compute in float32: products, except as below; sums; the gates' nonlinear part; c, also between the calls of an oclstm_state, because in 16 bits a
 * long memory stands still (forget gates near 1, 1,000 steps: c off by 2e-5 (1 + |c|), in bfloat16 it would be by 0.2, in float16 by 4e-3). What is stored is rounded to nearest
 * even; what lies beyond the largest number (65504 in float16, 3.39e38 in bfloat16) becomes infinity, below 6e-8 in float16 zero; NaN stays NaN.
 * A float16 cell makes its products in float16 arithmetic where the device has it (cl_khr_fp16) and does not emulate it: each is rounded once
 * more, and one beyond 65504 is infinite; oclstm_cell_explain() says which. bfloat16 products are always float32.
 *
 * Measured, hidden = input = 16 to 1024, up to 1,000 steps of values up to 1: y is within 1.1e-4 (1 + |y|) in float16, 8.3e-4 in bfloat16, of an
 * evaluation in double precision with the same rounded weights and x; within 1.7e-4 and 1.5e-3 of the float32 cell with the weights as they were. The
 * error does not grow with the steps.
 *
 * Host arrays of a call to a cell of 16 bits are in its dtype, or float32, all alike: the dtype of x decides. float32 is rounded, and c in 16
 * bits is widened or rounded, as the call goes through it, a slice at a time; the host holds no second copy of a long sequence. Where a state
 * is carried from call to call through host arrays, float32 ones keep all of c.
 *
 * Thread-safety: a cell, and a state, is used by one thread at a time: any thread, not always the same. Different cells may be created, run
 * and destroyed in different threads, also on one device, also from one open model file or the same arrays; the numbers are those of a
 * single thread. A state that is given to a call is used by that call's thread until it returns. On one device calls share its queue: each
 * waits for what was enqueued before it, by whatever thread. fork(): see device.h.
 */
#ifndef OCLSTM_CELL_H
#define OCLSTM_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oclstm/array.h>
#include <oclstm/device.h>
#include <oclstm/status.h>
#include <oclstm/tensors.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A cell: its weights on a device. */
typedef struct oclstm_cell oclstm_cell;

/** A state (h, c) that stays on the device between calls. */
typedef struct oclstm_state oclstm_state;

/** How a cell is executed. AUTO decides by the device and the shape of the call; oclstm_cell_explain() says what and why. */
typedef enum oclstm_engine {
    OCLSTM_ENGINE_AUTO,
    OCLSTM_ENGINE_PORTABLE, /**< plain kernels, right on any conforming device */
    OCLSTM_ENGINE_FUSED,    /**< own kernels: a whole slice, or a step, in one launch; weights packed for the device */
    OCLSTM_ENGINE_CLBLAST   /**< matrix products by CLBlast; needs work-groups of at least 64 work-items */
} oclstm_engine;

/** "auto", "portable", "fused", "clblast"; "unknown" for a number that is no engine. */
OCLSTM_API const char *oclstm_engine_name(oclstm_engine engine);

/** The engine of that name. @return OK, or INVALID_ARGUMENT with a message that lists the names. */
OCLSTM_API oclstm_status oclstm_engine_from_name(oclstm_engine *out, const char *name, oclstm_error *error);

/** How to make a cell. Zero is the default of every member but the two sizes. */
typedef struct oclstm_cell_params {
    int64_t input_size;  /**< features of x; at least 1. With weights given, 0 = take it from weight_ih */
    int64_t hidden_size; /**< features of h and c; at least 1. With weights given, 0 = take it from weight_hh */
    oclstm_dtype
        dtype;    /**< F32 (default), F64, F16 or BF16; x, h, c and all results are of this dtype, with 16 bits also all float32 */
    bool no_bias; /**< PyTorch's bias=False, MindSpore's has_bias=False */
    bool state_required;  /**< MindSpore's form: a step or sequence without (h, c) is an error. Default: PyTorch's, absent = zero */
    oclstm_engine engine; /**< forces an engine; AUTO by default */
    uint64_t seed;        /**< for fresh weights; the same seed gives the same weights on every device */
    oclstm_const_array weight_ih; /**< all absent: fresh weights, uniform in +-1/sqrt(hidden), from the seed */
    oclstm_const_array weight_hh; /**< dtype of each: F32, F64, F16 or BF16, rounded to the cell's dtype */
    oclstm_const_array bias_ih;   /**< both biases or neither; absent with weights given: a cell without bias */
    oclstm_const_array bias_hh;
} oclstm_cell_params;

/** A literal for oclstm_cell_params in C: oclstm_cell_create(&cell, device, OCLSTM_CELL(.input_size = 10, .hidden_size = 16), &error). */
#define OCLSTM_CELL(...) (&(const oclstm_cell_params){__VA_ARGS__})

/**
 * Creates a cell. The weights are copied; nothing of params is kept.
 *
 * @param[out] out  the cell, owned by the caller: oclstm_cell_destroy(). NULL on failure.
 * @return OK; INVALID_ARGUMENT (a size that is zero, negative or too large, a shape that does not fit, bias on one side only, an
 *         integer dtype); UNSUPPORTED (float64 on a device without it; an engine the device cannot run); OUT_OF_MEMORY;
 *         OUT_OF_DEVICE_MEMORY; BUILD_FAILED; OPENCL. Waits for the upload. Kernels are built by the first call for a shape,
 *         or by oclstm_cell_prepare().
 */
OCLSTM_API oclstm_status oclstm_cell_create(oclstm_cell **out, oclstm_device *device, const oclstm_cell_params *params,
                                            oclstm_error *error);

/**
 * Creates a cell from a model file.
 *
 * @param name    the cell's name: `name` finds "name.weight_ih", "name.weight_hh" and the biases. "" means tensors without a
 *                prefix. "name_l0" finds layer 0 of a torch.nn.LSTM ("name.weight_ih_l0" ...). NULL: the only cell in the file.
 * @param params  NULL, or options: dtype, state_required and engine are used; sizes, when not 0, must agree with the file; the
 *                arrays must be absent. F64 weights make an F64 cell only when dtype says so, see oclstm_cell_entry.dtype.
 * @return as oclstm_cell_create(), and NOT_FOUND (no such cell: the message lists those there are; or several and no name),
 *         FORMAT (a tensor of the cell is missing or has the wrong shape). The file may be closed afterwards.
 */
OCLSTM_API oclstm_status oclstm_cell_load(oclstm_cell **out, oclstm_device *device, const oclstm_tensors *file, const char *name,
                                          const oclstm_cell_params *params, oclstm_error *error);

/** Destroys a cell and sets the pointer to NULL. Accepts NULL and a pointer to NULL. Waits for the cell's own work. */
OCLSTM_API void oclstm_cell_destroy(oclstm_cell **cell);

/** Sizes and options of a cell; the arrays of the result are absent. @return a copy of what the cell was made with, resolved. */
OCLSTM_API oclstm_cell_params oclstm_cell_get_params(const oclstm_cell *cell);

/**
 * Reads the weights back, in the cell's dtype and the shapes above. An absent (zeroed) array is not read.
 * @return OK; INVALID_ARGUMENT (wrong shape or dtype; a bias asked of a cell without); OPENCL. Waits.
 */
OCLSTM_API oclstm_status oclstm_cell_read_weights(oclstm_cell *cell, const oclstm_array *weight_ih, const oclstm_array *weight_hh,
                                                  const oclstm_array *bias_ih, const oclstm_array *bias_hh, oclstm_error *error);

/**
 * Says in words which engine a call with this batch and number of steps uses, and why. Builds nothing and allocates nothing on
 * the device.
 * @param[out] text  at most `capacity` bytes with the closing zero; cut where it does not fit.
 * @return OK, INVALID_ARGUMENT, UNSUPPORTED (no engine can).
 */
OCLSTM_API oclstm_status oclstm_cell_explain(oclstm_cell *cell, int64_t batch, int64_t steps, char *text, size_t capacity,
                                             oclstm_error *error);

/**
 * Does everything slow for calls with this batch and up to this number of steps, so that the first of them takes no longer than the next: builds the
 * kernels or takes them from the disk cache (kernels.h), packs the weights for the engine, allocates device memory, and launches each
 * kernel once on memory of its own, because some drivers compile only then. Changes no state and no result; oclstm_cell_last_engine() stays as it was.
 *
 * A cell keeps what it prepared for a few shapes; calls with other batch sizes may take the place of those longest unused.
 * @return OK; INVALID_ARGUMENT (batch or steps below 1, a batch too large for the cell); UNSUPPORTED; OUT_OF_MEMORY; OUT_OF_DEVICE_MEMORY;
 *         BUILD_FAILED; OPENCL. Waits.
 */
OCLSTM_API oclstm_status oclstm_cell_prepare(oclstm_cell *cell, int64_t batch, int64_t steps, oclstm_error *error);

/** The engine that the last step or sequence of this cell used; AUTO before the first. */
OCLSTM_API oclstm_engine oclstm_cell_last_engine(const oclstm_cell *cell);

/** One step. Arrays by value: a zeroed one is absent. */
typedef struct oclstm_step {
    oclstm_const_array x; /**< [batch][input] or [input] */
    oclstm_const_array h; /**< [batch][hidden] or [hidden]; h and c both, or neither (zero) */
    oclstm_const_array c;
    oclstm_array h_out; /**< (h', c') in the shape of h and c; each may be absent; may be the memory of h and c */
    oclstm_array c_out;
    oclstm_state *state; /**< NULL, or a state on the device: read before and updated after the step. Then h and c are absent */
} oclstm_step;

/**
 * Applies the cell once, from and to host arrays: torch.nn.LSTMCell's `h, c = cell(x, (h, c))`.
 *
 * @return OK; INVALID_ARGUMENT (a rank, shape or dtype that does not fit: the message names the array, the dimension, what was expected
 *         and found; h without c; no state where the cell requires one); UNSUPPORTED; OUT_OF_MEMORY; OUT_OF_DEVICE_MEMORY;
 *         BUILD_FAILED; OPENCL. Waits until the results are written. On failure h_out, c_out are unspecified, a state is as it was
 *         before, and nothing uses the arrays any more.
 */
OCLSTM_API oclstm_status oclstm_cell_step(oclstm_cell *cell, const oclstm_step *step, oclstm_error *error);

/** A sequence of steps with the state carried from each to the next. Arrays by value: a zeroed one is absent. */
typedef struct oclstm_sequence {
    oclstm_const_array x; /**< [steps][batch][input]; [batch][steps][input] with batch_first; [steps][input] without a batch */
    oclstm_const_array h; /**< initial state [batch][hidden] ([hidden] when x has no batch); both or neither (zero) */
    oclstm_const_array c;
    oclstm_array y;     /**< h' of every step, shaped as x with hidden in place of input; may be absent */
    oclstm_array h_out; /**< h' and c' of the last step, in the shape of h; each may be absent */
    oclstm_array c_out;
    oclstm_state *state; /**< as in oclstm_step */
    bool batch_first;
} oclstm_sequence;

/**
 * Applies the cell to a whole sequence, from and to host arrays. The input product of all steps of a time slice is one matrix product;
 * a sequence longer than fits goes through in slices with the state kept on the device, so device memory is bounded.
 * @return as oclstm_cell_step(). Waits until the results are written.
 */
OCLSTM_API oclstm_status oclstm_cell_sequence(oclstm_cell *cell, const oclstm_sequence *sequence, oclstm_error *error);

/**
 * Creates a state on the cell's device, at zero, for streaming: give it to steps and sequences that belong together.
 * @param batch  rows of x; 0 for calls without a batch dimension.
 * @param[out] out  owned by the caller: oclstm_state_destroy(). It holds the device, not the cell, and fits every cell of the same
 *                  hidden size and dtype on that device.
 */
OCLSTM_API oclstm_status oclstm_state_create(oclstm_state **out, oclstm_cell *cell, int64_t batch, oclstm_error *error);

/** Sets (h, c) from host arrays; both absent (NULL or zeroed) = zero. Waits. On failure the state is as it was before. */
OCLSTM_API oclstm_status oclstm_state_set(oclstm_state *state, const oclstm_const_array *h, const oclstm_const_array *c,
                                          oclstm_error *error);

/** Reads (h, c) into host arrays; each may be NULL or absent. Waits. */
OCLSTM_API oclstm_status oclstm_state_get(oclstm_state *state, const oclstm_array *h, const oclstm_array *c, oclstm_error *error);

/** Destroys a state and sets the pointer to NULL. Accepts NULL and a pointer to NULL. */
OCLSTM_API void oclstm_state_destroy(oclstm_state **state);

#ifdef __cplusplus
}
#endif
#endif
