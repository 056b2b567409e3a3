// SPDX-License-Identifier: Apache-2.0
// Facts that the host and every kernel share. Valid as OpenCL C 1.1 and as C11: put in front of every .cl file by the device
// layer, included by the host. Gate order, hence, cannot differ between the two.
#ifndef LSTM_SHARED_H
#define LSTM_SHARED_H

// The gates' blocks of rows in weight_ih, weight_hh and the biases: PyTorch's and MindSpore's order.
#define LSTM_GATE_I 0
#define LSTM_GATE_F 1
#define LSTM_GATE_G 2
#define LSTM_GATE_O 3
#define LSTM_GATES  4

// How packed weights are stored (WEIGHTS_STORED in the fused kernels): as REAL, or in the 16 bits in which the model file has them.
#define WEIGHTS_REAL   0
#define WEIGHTS_HALF   1
#define WEIGHTS_BFLOAT 2

// The numbers of a launch of fused_units or fused_rows, in one argument: a driver copies each argument at each launch, and PoCL allocates for each.
// Offsets and strides in elements; see the kernels.
typedef struct lstm_fused_call {
    unsigned int x_offset, x_step, x_stride;
    unsigned int y_offset, y_step, y_stride;
    unsigned int h0_offset, c0_offset, hn_offset, cn_offset;
    int input, hidden, batch, steps, chunk, turn;
    int split;                                // tiles of few rows keep two sets of sums, see fused_tile.cl
    int rows;                                 // fused_rows
    int early, groups, epoch, patience, role; // fused_units
} lstm_fused_call;

#ifdef __OPENCL_VERSION__

// OpenCL C 1.1 has no storage class `static` (it is an error there, not a no-op): without it the functions are the same.
#if !defined(__OPENCL_C_VERSION__) || __OPENCL_C_VERSION__ < 120
#define static
#endif

// REAL is float or double, from the host; REAL_IS_DOUBLE is 0 or 1.
#if REAL_IS_DOUBLE
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

// Safe for any finite x: exp(-x) may overflow to infinity, then the quotient is 0. NaN stays NaN, +-infinity saturates.
static REAL lstm_sigmoid(REAL x) { return (REAL)1 / ((REAL)1 + exp(-x)); }

// The gates' pre-activations and c to c' (returned) and h' (*h_next):
//     c' = sigmoid(f) * c + sigmoid(i) * tanh(g)        h' = sigmoid(o) * tanh(c')
static REAL lstm_update(REAL i, REAL f, REAL g, REAL o, REAL c, REAL *h_next) {
    REAL c_next = lstm_sigmoid(f) * c + lstm_sigmoid(i) * tanh(g);
    *h_next = lstm_sigmoid(o) * tanh(c_next);
    return c_next;
}

#endif
#endif
