// SPDX-License-Identifier: Apache-2.0
// A cell and a state, as the files of this folder see them.
#ifndef OCLSTM_CELL_CELL_PRIVATE_H
#define OCLSTM_CELL_CELL_PRIVATE_H

#include <oclstm/cell.h>

#include "cell/engine.h"
#include "device/device.h"

// Plans kept per cell: one for each (batch, engine) used lately.
#define CELL_PLANS 4

struct oclstm_cell {
    oclstm_device *device;     // held
    oclstm_cell_params params; // resolved; arrays absent
    size_t input, hidden;
    size_t element_bytes;    // of the dtype: weights, x, h, y in memory
    oclstm_dtype real_dtype; // what is computed with: sums, c, the bias; float32 for the dtypes of 16 bits
    size_t real_bytes;
    oclstm_dtype weights_dtype; // of both matrices as they were given; the cell's dtype for fresh ones

    // The weights as the frameworks name them, on the device; engines pack their own copies from these.
    cl_mem weight_ih; // [4*hidden][input]
    cl_mem weight_hh; // [4*hidden][hidden]
    cl_mem bias;      // [4*hidden] bias_ih + bias_hh in real_dtype, zero without bias
    void *bias_host;  // [2][4*hidden] bias_ih, bias_hh, to be read back; NULL without bias

    // One packed copy an engine, made by its first plan, released with the cell.
    engine_weights packed[PACKED_COUNT];

    // Of the call whose rows the next calls are a share of, see cell_share.h; 0: they stand for themselves.
    size_t whole_batch;
    unsigned whole_units;

    struct cell_plan *plans[CELL_PLANS]; // most recently used first
    char refused[ENGINE_COUNT]
                [200]; // why the device could not run an engine's kernels after all, found when they were built; "" where it could
    oclstm_engine last_engine;
};

struct oclstm_state {
    oclstm_device *device; // held
    oclstm_dtype dtype;
    size_t hidden, batch; // batch >= 1
    bool unbatched;       // made with batch 0
    // [batch][hidden] each: h[current] and c[current] are the state, the others the place for the next one, so that a call that fails leaves it as it was.
    cl_mem h[2], c[2]; // c in cell_real_dtype(dtype)
    int current;
};

static inline bool cell_dtype_is_short(oclstm_dtype dtype) { return dtype == OCLSTM_F16 || dtype == OCLSTM_BF16; }

// What a cell of this dtype computes with.
static inline oclstm_dtype cell_real_dtype(oclstm_dtype dtype) { return cell_dtype_is_short(dtype) ? OCLSTM_F32 : dtype; }

// May a host array of `given` be handed to a cell of `dtype`? Of a call's arrays all are alike.
static inline bool cell_dtype_takes(oclstm_dtype dtype, oclstm_dtype given) {
    return given == dtype || (cell_dtype_is_short(dtype) && given == OCLSTM_F32);
}

#endif
