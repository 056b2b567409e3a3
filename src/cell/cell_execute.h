// SPDX-License-Identifier: Apache-2.0
// The one way through which every call of a cell goes: time slices, uploads and downloads around an engine.
#ifndef OCLSTM_CELL_CELL_EXECUTE_H
#define OCLSTM_CELL_CELL_EXECUTE_H

#include "cell/plan.h"

// A place in a buffer, in elements of what lies there (c: the cell's real_dtype); mem NULL = absent.
typedef struct execute_place {
    cl_mem mem;
    size_t offset;
} execute_place;

// What to do. Sizes are checked by the callers.
typedef struct cell_execution {
    size_t batch, steps;
    bool batch_first;
    oclstm_dtype host_dtype; // of all host arrays
    const void *x_host;      // or
    execute_place x_dev;     // on the device
    void *y_host;            // or
    execute_place y_dev;     // or neither: only the last state is wanted
    const void *h_host;      // the state before: on the host, on the device, or neither (zero)
    const void *c_host;
    execute_place h_dev, c_dev;
    void *h_out_host; // the state after: any of these
    void *c_out_host;
    execute_place h_out_dev, c_out_dev; // may be h_dev, c_dev
    cl_uint wait_count;                 // events that must be complete first
    const cl_event *wait_list;
} cell_execution;

// Enqueues all of it. Waits only where host memory is involved, then for everything. After a failure nothing that was enqueued uses
// host memory any more.
oclstm_status cell_execute(oclstm_cell *cell, const cell_execution *execution, oclstm_error *error);

#endif
