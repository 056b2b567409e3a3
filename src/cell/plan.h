// SPDX-License-Identifier: Apache-2.0
// A plan: what was decided and made ready for (cell, batch, steps). Made once, kept by the cell, bounded in number.
#ifndef OCLSTM_CELL_PLAN_H
#define OCLSTM_CELL_PLAN_H

#include "cell/cell_private.h"

struct cell_plan {
    oclstm_cell *cell; // not held: the cell owns the plan
    const cell_engine *engine;
    size_t batch;
    size_t whole_batch; // as the cell's when the plan was made
    unsigned whole_units;
    size_t capacity_steps; // the longest slice

    // Staging of the host's arrays and places for what a call does not name. Each is made when it is first needed.
    cl_mem x; // [capacity_steps][batch][input]
    cl_mem y; // [capacity_steps][batch][hidden]
    cl_mem h; // [batch][hidden]
    cl_mem c; // [batch][hidden]

    // The engine's: kernels and buffers.
    cl_kernel kernels[3];
    size_t kernel_max_group[3];
    cl_mem gx;         // [capacity_steps][batch][4*hidden]
    cl_mem workspace;  // may be NULL
    void *engine_data; // freed by release()
    bool writes_h_out; // set by prepare(); false: the last row of y is copied there afterwards
};

// The plan for a call, made or taken from those kept; its capacity is at most `steps`. The pointer is valid until the next call
// for the cell.
oclstm_status plan_get(cell_plan **out, oclstm_cell *cell, size_t batch, size_t steps, oclstm_error *error);

// The staging buffers, made on first use.
oclstm_status plan_need(cl_mem *buffer, cell_plan *plan, size_t element_count, const char *what, oclstm_error *error);

// The bound on a slice's input product, in bytes. A variable only so that tests can provoke many slices with small data.
extern size_t plan_slice_bytes;

void plan_destroy(cell_plan *plan);

// Frees the cell's plans.
void plan_destroy_all(oclstm_cell *cell);

#endif
