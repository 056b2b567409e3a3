// SPDX-License-Identifier: Apache-2.0
// Host arrays used where they lie: on a CPU the device's memory is the host's, and copying a large x and y costs as much as a step.
#ifndef OCLSTM_CELL_CELL_BORROW_H
#define OCLSTM_CELL_CELL_BORROW_H

#include "cell/cell_execute.h"

// Buffers over the caller's arrays, for the time of one call.
typedef struct cell_borrowed {
    cl_mem x, y;
    size_t y_bytes;
} cell_borrowed;

// x and y together from which on this is done. A variable only so that tests can do it with small arrays.
extern size_t cell_borrow_bytes;

// Does a call of that size from and to host arrays use them where they lie?
bool cell_borrows(const oclstm_cell *cell, size_t batch, size_t steps);

// Where it pays, replaces call->x_host and call->y_host by buffers over them; otherwise changes nothing. Never fails: a driver that makes no such
// buffer gets copies.
void cell_borrow(cell_borrowed *out, const oclstm_cell *cell, cell_execution *call);

// Releases the buffers of a call that was never enqueued.
void cell_borrow_drop(cell_borrowed *borrowed);

// Waits, hands y back to the host, and releases the buffers.
oclstm_status cell_borrow_return(cell_borrowed *borrowed, const oclstm_cell *cell, oclstm_error *error);

#endif
