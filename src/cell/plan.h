// SPDX-License-Identifier: Apache-2.0
// A plan: what was decided and made ready for (cell, batch, steps). Made once, kept by the cell, bounded in number.
#ifndef OCLSTM_CELL_PLAN_H
#define OCLSTM_CELL_PLAN_H

#include "cell/cell_private.h"

enum { PLAN_STAGE_X, PLAN_STAGE_Y, PLAN_STAGE_H, PLAN_STAGE_C, PLAN_STAGES };

struct cell_plan {
    oclstm_cell *cell; // not held: the cell owns the plan
    const cell_engine *engine;
    size_t batch;
    size_t whole_batch; // as the cell's when the plan was made
    unsigned whole_units;
    size_t capacity_steps; // the longest slice
    size_t
        asked_steps; // the longest slice that was asked for; more than capacity_steps where the device's memory had no room for it
    bool stages_x, stages_y;

    // Staging of the host's arrays and places for what a call does not name. Each is made when it is first needed.
    cl_mem x; // [capacity_steps][batch][input]
    cl_mem y; // [capacity_steps][batch][hidden]
    cl_mem h; // [batch][hidden]
    cl_mem c; // [batch][hidden], in the cell's real_dtype

    // Host memory in which a call's arrays are converted, see cell_stage.h. Each is made when it is first needed.
    void *stages[PLAN_STAGES];

    // The engine's: kernels and buffers.
    cl_kernel kernels[3];
    size_t kernel_max_group[3];
    cl_mem gx;         // [capacity_steps][batch][4*hidden], in the cell's real_dtype
    cl_mem workspace;  // may be NULL
    void *engine_data; // freed by release()
    bool writes_h_out; // set by prepare(); false: the last row of y is copied there afterwards
};

// What a call asks of its plan.
typedef struct plan_call {
    size_t batch, steps;
    bool stages_x, stages_y; // x and y go through buffers of the plan
} plan_call;

// Steps of a slice by plan_slice_bytes alone, at most `steps` and at least one: a single step may exceed it. 0 when one step exceeds what kernels can
// index.
size_t plan_longest_slice(const oclstm_cell *cell, size_t batch, size_t steps);

// Steps of a slice for such a call, at most call->steps: what plan_slice_bytes and the device's memory allow. 0 when not even one step fits; then why
// it does not is appended to why[capacity].
size_t plan_capacity(const oclstm_cell *cell, const cell_engine *engine, const plan_call *call, char *why, size_t capacity);

// The error for a call of which not even one step fits, with the largest batch that does.
oclstm_status plan_refuse(const oclstm_cell *cell, const cell_engine *engine, const plan_call *call, oclstm_error *error);

// The plan for a call, made or taken from those kept; its capacity is at most `steps`. The pointer is valid until the next call
// for the cell. Where kernels do not build or turn out too large for the device, or buffers do not fit it, `auto` goes on with the next engine.
oclstm_status plan_get(cell_plan **out, oclstm_cell *cell, const plan_call *call, oclstm_error *error);

// The staging buffers, made on first use: of elements of the cell's dtype; of its real_dtype, which sums and c are in.
oclstm_status plan_need(cl_mem *buffer, cell_plan *plan, size_t element_count, const char *what, oclstm_error *error);
oclstm_status plan_need_real(cl_mem *buffer, cell_plan *plan, size_t element_count, const char *what, oclstm_error *error);

// The bound on a slice's input product, in bytes. A variable only so that tests can provoke many slices with small data.
extern size_t plan_slice_bytes;

void plan_destroy(cell_plan *plan);

// As plan_capacity(), and gives up the other kept plans where that needs their memory.
size_t plan_make_room(oclstm_cell *cell, const cell_engine *engine, const plan_call *call);

// Bytes of the plan's buffers.
uint64_t plan_held_bytes(const cell_plan *plan);

// Frees the cell's plans.
void plan_destroy_all(oclstm_cell *cell);

#endif
