// SPDX-License-Identifier: Apache-2.0
// The activations of ONNX's LSTM operator, by number: the host chooses, the kernel is built for it. Valid as OpenCL C 1.1 and as C11.
#ifndef LSTM_ACTIVATIONS_H
#define LSTM_ACTIVATIONS_H

#define LSTM_ACTIVATION_SIGMOID          0  /* 1 / (1 + exp(-x)) */
#define LSTM_ACTIVATION_TANH             1  /* tanh(x) */
#define LSTM_ACTIVATION_RELU             2  /* max(0, x) */
#define LSTM_ACTIVATION_HARD_SIGMOID     3  /* min(max(alpha x + beta, 0), 1) */
#define LSTM_ACTIVATION_AFFINE           4  /* alpha x + beta */
#define LSTM_ACTIVATION_LEAKY_RELU       5  /* x >= 0 ? x : alpha x */
#define LSTM_ACTIVATION_THRESHOLDED_RELU 6  /* x >= alpha ? x : 0 */
#define LSTM_ACTIVATION_SCALED_TANH      7  /* alpha tanh(beta x) */
#define LSTM_ACTIVATION_ELU              8  /* x >= 0 ? x : alpha (exp(x) - 1) */
#define LSTM_ACTIVATION_SOFTSIGN         9  /* x / (1 + |x|) */
#define LSTM_ACTIVATION_SOFTPLUS         10 /* log(1 + exp(x)) */

#endif
