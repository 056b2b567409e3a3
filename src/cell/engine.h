// SPDX-License-Identifier: Apache-2.0
// An engine: one way to execute a cell on a device. Each is one row of engine_table (engine_table.c) and one file; nothing else
// names it. An engine sees buffers on the device only; uploads, slices and states are the business of cell_execute.c.
#ifndef OCLSTM_CELL_ENGINE_H
#define OCLSTM_CELL_ENGINE_H

#include <oclstm/cell.h>

#include "cell/demand.h"
#include "device/device_needs.h"

#define ENGINE_COUNT 4 // numbers of oclstm_engine, AUTO included

// A packed copy of a cell's weights; what each buffer holds is the engine's own matter.
typedef struct engine_weights {
    cl_mem buffers[3];
    size_t layout; // 0 = nothing packed, or the layout's own number
} engine_weights;

// The packed copies a cell may have.
enum { PACKED_PORTABLE, PACKED_BLOCKS, PACKED_LANES, PACKED_COUNT };

// A matrix of rows in a buffer, in elements. Row (t, b) starts at offset + t * step_stride + b * batch_stride.
typedef struct engine_rows {
    cl_mem mem;
    size_t offset;
    size_t step_stride;
    size_t batch_stride;
} engine_rows;

// One time slice. h_in, c_in, c_out: [batch][hidden] without gaps (step_stride unused). c_out may be c_in. y overlaps no
// other. x's rows lie without gaps in one of the two orders: (t * batch + b) or (b * steps + t).
typedef struct engine_run {
    size_t steps, batch;
    engine_rows x;     // [steps][batch][input]
    engine_rows h_in;  // state before the first step
    engine_rows c_in;  // c is REAL, float32 for cells of 16 bits; x, h and y are in the cell's dtype
    engine_rows c_out; // c after the last step
    engine_rows h_out; // h' of the last step: only for a plan that writes it. May be h_in
    engine_rows y;     // [steps][batch][hidden]: h' of every step
} engine_run;

typedef struct cell_plan cell_plan;

// What own kernels compute with.
#define CELL_DTYPES (DEVICE_DTYPE(OCLSTM_F32) | DEVICE_DTYPE(OCLSTM_F64) | DEVICE_DTYPE(OCLSTM_F16) | DEVICE_DTYPE(OCLSTM_BF16))

// What an engine needs of a device, as data. engine_can() holds it against the limits.
typedef device_needs engine_needs;

// A program that an engine asks for: what device_program_get() is given.
typedef struct engine_program {
    char files[128];
    char options[256];
} engine_program;

enum { ENGINE_PROGRAMS = 4 };

typedef struct cell_engine {
    oclstm_engine id;
    const char *name;

    // What it needs of a device with these limits, of which an engine with several sets of kernels takes one.
    const engine_needs *(*needs)(const device_limits *limits);

    // Counts the buffers that prepare() makes for this batch and slices of `steps` steps; a packed copy that the cell has already is none.
    void (*demand)(device_demand *out, const oclstm_cell *cell, size_t batch, size_t steps);

    // Everything slow: builds kernels, packs the weights if the cell has no packed copy yet, allocates what a slice of plan->capacity_steps
    // needs. What it made is released by release(), also after a failure half-way.
    oclstm_status (*prepare)(cell_plan *plan, oclstm_error *error);

    // Enqueues a slice of at most plan->capacity_steps steps. Allocates, compiles and waits for nothing.
    oclstm_status (*run)(cell_plan *plan, const engine_run *run, oclstm_error *error);

    void (*release)(cell_plan *plan);

    // The programs that prepare() may ask for, at most ENGINE_PROGRAMS; how many. The cell may be one on paper, see kernels_export.c: of its
    // members only the device, the sizes and the dtypes are looked at.
    size_t (*programs)(engine_program *out, const oclstm_cell *cell, size_t batch);
} cell_engine;

extern const cell_engine engine_portable;
extern const cell_engine engine_fused;
extern const cell_engine engine_clblast;

// The engine of that number (not AUTO).
const cell_engine *engine_get(oclstm_engine id);

// Can the engine run a cell of this dtype on a device with these limits? When not, writes into why[capacity] which capability is missing, with the
// value needed and the value found.
bool engine_can(const cell_engine *engine, const device_limits *limits, oclstm_dtype dtype, char *why, size_t capacity);

// Engines in the order in which they are tried.
typedef struct engine_list {
    const cell_engine *engines[ENGINE_COUNT];
    int count;
} engine_list;

// Those that may run a call with this batch, the best first: the forced one alone, or as `auto` prefers them, without those that the device cannot run
// or whose kernels did not build or turned out too large for it. Writes the reason for this order into words[capacity] when words is not NULL.
// Fails with UNSUPPORTED when the forced engine cannot run here.
oclstm_status engine_list_make(engine_list *out, const oclstm_cell *cell, size_t batch, char *words, size_t capacity,
                               oclstm_error *error);

// Decides for a call from and to host arrays: the first of the list whose buffers fit the device. Writes what and why into text[capacity] when text is
// not NULL. Fails with UNSUPPORTED as above, with OUT_OF_DEVICE_MEMORY and the numbers when none fits.
oclstm_status engine_choose(const cell_engine **out, const oclstm_cell *cell, size_t batch, size_t steps, char *text,
                            size_t capacity, oclstm_error *error);

#endif
