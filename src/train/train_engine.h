// SPDX-License-Identifier: Apache-2.0
// An engine of training: one way to make the matrix products and to run one unit's recurrence, forward with its gates kept, and back. One row of
// train_engine_table and one file each. An engine sees buffers only; layers, directions, lengths' meaning and chunks are the graph's business.
//
// Row-major matrices without gaps unless a leading dimension is given; offsets and sizes in elements of the dtype. Nothing waits, allocates or compiles
// but create().
#ifndef OCLSTM_TRAIN_TRAIN_ENGINE_H
#define OCLSTM_TRAIN_TRAIN_ENGINE_H

#include <oclstm/cell.h>

#include "device/device.h"
#include "device/device_needs.h"

typedef struct train_matrix {
    cl_mem mem; // NULL = absent
    size_t offset;
} train_matrix;

// C[m][n] = start + op(A) op(B); start: C itself (accumulate), or the row `init[n]`, or zero.
typedef enum train_form {
    TRAIN_NT, // A[m][k] B[n][k]^T     outputs of weights as the frameworks have them
    TRAIN_NN, // A[m][k] B[k][n]       back through weights
    TRAIN_TN  // A[k][m]^T B[k][n]     gradients of weights
} train_form;

typedef struct train_product {
    train_form form;
    size_t m, n, k;
    size_t lda, ldb, ldc; // of the matrices as they lie
    train_matrix a, b, c;
    train_matrix init; // [n], or absent
    bool accumulate;
} train_product;

// One unit over `steps` steps. H hidden, W = H, or the projection's width P.
typedef struct train_recurrence {
    size_t steps, batch, hidden, proj; // proj 0 = no projection
    size_t first;                      // number of the first step, to be held against the lengths
    train_matrix weight_hh;            // [4H][W]
    train_matrix weight_hr;            // [P][H]
    cl_mem lengths;                    // [batch] int, or NULL: row b stands still from step lengths[b] on

    // forward in: the input's part of the gates' sums, biases included. forward out: i, f, g, o after their nonlinear part. backward in: these; backward
    // out: the gradients of the sums, zero for rows that stand still. [steps][batch][4H]
    train_matrix gates;
    train_matrix h;   // [steps + 1][batch][W]: block 0 in, the others out of forward. A row that stands still is copied on
    train_matrix c;   // [steps + 1][batch][H] likewise
    train_matrix raw; // with a projection: o * tanh(c), [steps][batch][H], zero for rows that stand still

    // backward
    train_matrix dy; // [steps][batch][W] gradient of h[1..steps] from above; not looked at for rows that stand still. absent = zero
    train_matrix dh; // [batch][W] in: gradient of the last h, out: of the first
    train_matrix dc; // [batch][H] likewise
    train_matrix
        dprojected; // with a projection: out, the whole gradient of h[1..steps], [steps][batch][P], zero for rows that stand still
} train_recurrence;

typedef struct train_engine train_engine;

// An engine made for a device and a dtype: kernels.
typedef struct train_machine {
    const train_engine *engine;
    oclstm_device *device; // not held
    oclstm_dtype dtype;
    size_t element_bytes;
    void *data; // the engine's
} train_machine;

struct train_engine {
    oclstm_engine id;
    const char *name;
    const device_needs *(*needs)(const device_limits *limits);
    bool has_projection; // false: units with one run on the portable engine

    oclstm_status (*create)(train_machine *machine, oclstm_error *error);
    void (*destroy)(train_machine *machine); // also after a failed create()

    // Elements of scratch memory that a call of this shape uses; only sizes and the form are looked at.
    size_t (*product_scratch)(const train_machine *machine, const train_product *product);
    size_t (*recurrence_scratch)(const train_machine *machine, const train_recurrence *recurrence);

    // Does what is slow for such a call (CLBlast's first use). May be NULL.
    oclstm_status (*prepare)(train_machine *machine, const train_product *product, oclstm_error *error);

    // Enqueue. scratch: at least what was said; NULL when that was 0.
    oclstm_status (*product)(train_machine *machine, const train_product *product, cl_mem scratch, oclstm_error *error);
    oclstm_status (*forward)(train_machine *machine, const train_recurrence *recurrence, cl_mem scratch, oclstm_error *error);
    oclstm_status (*backward)(train_machine *machine, const train_recurrence *recurrence, cl_mem scratch, oclstm_error *error);
};

extern const train_engine train_engine_portable;
extern const train_engine train_engine_fused;
extern const train_engine train_engine_clblast;

// The engine asked for, or for AUTO the best that the device can run: UNSUPPORTED with the missing capability where a forced one cannot.
oclstm_status train_engine_choose(const train_engine **out, const oclstm_device *device, oclstm_dtype dtype, oclstm_engine asked,
                                  oclstm_error *error);

#endif
