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

// How elements are stored: as REAL, or in 16 bits. STORED in every kernel: the cell's dtype, in which weights, x, h and y lie in memory.
// WEIGHTS_STORED in the fused kernels: packed weights, also in the 16 bits in which a float32 cell's model file has them.
#define STORED_REAL   0
#define STORED_HALF   1
#define STORED_BFLOAT 2

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

#if defined(__OPENCL_VERSION__) || defined(__OPENCL_C_VERSION__) // the second alone where clang compiles offline

// OpenCL C 1.1 has no storage class `static` (it is an error there, not a no-op): without it the functions are the same.
#if !defined(__OPENCL_C_VERSION__) || __OPENCL_C_VERSION__ < 120
#define static
#endif

// REAL is float or double, from the host; REAL_IS_DOUBLE is 0 or 1.
#if REAL_IS_DOUBLE
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

// From the host, for cells of 16 bits: STORED; HALF_PRODUCTS 1 where products are made in float16 arithmetic (cl_khr_fp16). Sums, c and the
// gates' nonlinear part are in REAL, always.
#ifndef STORED
#define STORED STORED_REAL
#endif
#ifndef HALF_PRODUCTS
#define HALF_PRODUCTS 0
#endif

// Elements in memory: pointers are to STORED_T; STORED_LOAD(p, i) is a REAL, STORED_STORE(p, i, v) rounds one to nearest even.
#if STORED == STORED_HALF
#define STORED_T              half
#define STORED_LOAD(p, i)     vload_half(i, p)
#define STORED_STORE(p, i, v) vstore_half_rte(v, i, p)
#elif STORED == STORED_BFLOAT
#define STORED_T              ushort
#define STORED_LOAD(p, i)     as_float((uint)(p)[i] << 16)
#define STORED_STORE(p, i, v) ((p)[i] = bfloat_from(v))
#else
#define STORED_T              REAL
#define STORED_LOAD(p, i)     ((p)[i])
#define STORED_STORE(p, i, v) ((p)[i] = (v))
#endif

#if STORED == STORED_BFLOAT
// The upper half of v, rounded to nearest even. A NaN stays one, also where its upper half alone would be infinity.
static ushort bfloat_from(float v) {
    const uint bits = as_uint(v);
    return (ushort)(isnan(v) ? (bits >> 16) | 0x40u : (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}
#endif

// What a product is made of, and its value, a REAL.
#if HALF_PRODUCTS
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define FACTOR            half
#define FACTOR_LOAD(p, i) ((p)[i])
#define PRODUCT(a, b)     ((REAL)((a) * (b)))
#else
#define FACTOR            REAL
#define FACTOR_LOAD(p, i) STORED_LOAD(p, i)
#define PRODUCT(a, b)     ((a) * (b))
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
