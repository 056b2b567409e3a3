// SPDX-License-Identifier: Apache-2.0
/**
 * @file backward.h
 * Gradients of a cell: back-propagation through one step or through a sequence.
 *
 * A tape keeps what the forward pass computed, and goes back over it. With L the loss, dv for dL/dv, * the elementwise product and the gates
 * i, f, g, o of cell.h after their nonlinear part, a step t goes back so, from the last step to the first:
 *
 *     dh_t  = dy_t + W_hh^T da_{t+1}                      (after the last step: + dh, the gradient of the final h)
 *     dc_t  = dh_t * o * (1 - tanh(c_t)^2) + dc_{t+1} * f_{t+1}      (after the last step: + dc)
 *     da_i  = dc_t * g * i * (1 - i)          da_f = dc_t * c_{t-1} * f * (1 - f)
 *     da_g  = dc_t * i * (1 - g^2)            da_o = dh_t * tanh(c_t) * o * (1 - o)
 *     dx_t  = W_ih^T da_t        dh0 = W_hh^T da_0        dc0 = dc_0 * f_0
 *     dW_ih = sum_t da_t x_t^T   dW_hh = sum_t da_t h_{t-1}^T        db_ih = db_hh = sum_t da_t
 *
 * where da_t stands for the four gates' rows one below the other. These are the gradients that torch's autograd gives. Source: Werbos, Backpropagation
 * Through Time, 1990; for this cell Greff et al., LSTM: A Search Space Odyssey, 2017, appendix A, without peepholes.
 *
 * Memory. A tape holds, for B rows and T steps, the weights and their gradients, x, h and c of every step, and the gates of every step
 * (4 hidden B T elements), unless `recompute` is set: then the gates of a part of the steps at a time are computed again on the way back, with
 * the same numbers to the last bit. oclstm_tape_bytes() says how much before anything is taken.
 *
 * Numerics: float32 or float64, as the cell; sums in that dtype, in blocks. The same device, engine and arrays give the same bits, always.
 *
 * Thread-safety: a tape is used by one thread at a time. It holds the cell's device and a copy of its weights, not the cell.
 */
#ifndef OCLSTM_BACKWARD_H
#define OCLSTM_BACKWARD_H

#include <stdbool.h>
#include <stdint.h>

#include <oclstm/array.h>
#include <oclstm/cell.h>
#include <oclstm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a forward pass kept for its way back. */
typedef struct oclstm_tape oclstm_tape;

/** How to make a tape. Zero is the default of every member. */
typedef struct oclstm_tape_params {
    oclstm_engine engine; /**< of the recurrent part and the products; AUTO by default */
    bool recompute;       /**< keep h and c only and compute the gates again: less memory, one more forward pass, equal numbers */
} oclstm_tape_params;

/**
 * Creates a tape for a cell of dtype F32 or F64. Its weights are copied on the device.
 * @param params  NULL or options.
 * @param[out] out  owned by the caller: oclstm_tape_destroy(). NULL on failure.
 * @return OK; INVALID_ARGUMENT; UNSUPPORTED (a cell of 16 bits; an engine that the device cannot run); OUT_OF_MEMORY; OUT_OF_DEVICE_MEMORY;
 *         BUILD_FAILED; OPENCL. Waits.
 */
OCLSTM_API oclstm_status oclstm_tape_create(oclstm_tape **out, oclstm_cell *cell, const oclstm_tape_params *params,
                                            oclstm_error *error);

/** Destroys a tape and sets the pointer to NULL. Accepts NULL and a pointer to NULL. */
OCLSTM_API void oclstm_tape_destroy(oclstm_tape **tape);

/** The engine that it uses; AUTO for NULL. */
OCLSTM_API oclstm_engine oclstm_tape_engine(const oclstm_tape *tape);

/** Bytes on the device that a forward and a backward pass over this batch and number of steps take in all; 0 where that is more than can be counted. */
OCLSTM_API uint64_t oclstm_tape_bytes(const oclstm_tape *tape, int64_t batch, int64_t steps);

/**
 * Runs the cell over a sequence as oclstm_cell_sequence(), from and to host arrays, and keeps what oclstm_tape_backward() needs. Steps are the rows of
 * x; one step is a sequence of one. `state` must be NULL.
 * @return as oclstm_cell_sequence(). OUT_OF_DEVICE_MEMORY, with the numbers, before anything is allocated. Waits.
 */
OCLSTM_API oclstm_status oclstm_tape_forward(oclstm_tape *tape, const oclstm_sequence *sequence, oclstm_error *error);

/** Gradients in and out. Arrays by value, in the cell's dtype: a zeroed one is absent. */
typedef struct oclstm_cell_gradients {
    oclstm_const_array y; /**< in: of y, in y's shape; absent = zero */
    oclstm_const_array h; /**< in: of the final h and c, in their shape */
    oclstm_const_array c;
    oclstm_array x; /**< out: of x, in x's shape */
    oclstm_array h0;
    oclstm_array c0;
    oclstm_array weight_ih; /**< out: [4*hidden][input] and so on, as in cell.h */
    oclstm_array weight_hh;
    oclstm_array bias_ih;
    oclstm_array bias_hh;
    bool accumulate; /**< the gradients of weights and biases are added to those of the calls before; default: they replace them */
} oclstm_cell_gradients;

/**
 * Goes back over what the last oclstm_tape_forward() kept, in the order of batch and steps which that had. May be called once for each forward pass.
 * @return OK; INVALID_ARGUMENT (no forward pass since the last call; a shape or dtype that does not fit; a bias asked of a cell without); OPENCL and as
 *         above. Waits until the results are written.
 */
OCLSTM_API oclstm_status oclstm_tape_backward(oclstm_tape *tape, const oclstm_cell_gradients *gradients, oclstm_error *error);

#ifdef __cplusplus
}
#endif
#endif
