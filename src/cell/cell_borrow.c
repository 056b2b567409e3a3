// SPDX-License-Identifier: Apache-2.0
#include "cell/cell_borrow.h"

#include "base/checked.h"

// Measured on PoCL and Intel's CPU runtime: below this, making and mapping the buffers costs more than the copies.
size_t cell_borrow_bytes = (size_t)1 << 20;

bool cell_borrows(const oclstm_cell *cell, size_t batch, size_t steps) {
    const device_limits *limits = device_get_limits(cell->device);
    size_t rows, x_count, y_count;
    return limits->kind == OCLSTM_DEVICE_CPU && limits->unified_memory && checked_mul(batch, steps, &rows) &&
           checked_mul(rows, cell->input, &x_count) && checked_mul(rows, cell->hidden, &y_count) && x_count <= UINT32_MAX &&
           y_count <= UINT32_MAX && (x_count + y_count) * cell->element_bytes >= cell_borrow_bytes &&
           (x_count > y_count ? x_count : y_count) * cell->element_bytes <= limits->max_allocation_bytes;
}

void cell_borrow(cell_borrowed *out, const oclstm_cell *cell, cell_execution *call) {
    *out = (cell_borrowed){0};
    if (call->x_host == NULL || call->y_host == NULL || call->host_dtype != cell->params.dtype ||
        !cell_borrows(cell, call->batch, call->steps))
        return; // the kernels index in 32 bits; slices do not have that limit
    const size_t x_count = call->batch * call->steps * cell->input, y_count = call->batch * call->steps * cell->hidden;
    out->y_bytes = y_count * cell->element_bytes;
    // OpenCL takes the pointer as writable also for a buffer that is only read.
    void *const x_host = (void *)(uintptr_t)call->x_host;
    if (device_buffer_over_host(&out->x, cell->device, CL_MEM_READ_ONLY, x_host, x_count * cell->element_bytes) != OCLSTM_OK ||
        device_buffer_over_host(&out->y, cell->device, CL_MEM_READ_WRITE, call->y_host, out->y_bytes) != OCLSTM_OK) {
        device_host_buffer_release(&out->x);
        return;
    }
    call->x_dev = (execute_place){out->x, 0};
    call->y_dev = (execute_place){out->y, 0};
    call->x_host = NULL;
    call->y_host = NULL;
}

void cell_borrow_drop(cell_borrowed *borrowed) {
    device_host_buffer_release(&borrowed->x);
    device_host_buffer_release(&borrowed->y);
}

oclstm_status cell_borrow_return(cell_borrowed *borrowed, const oclstm_cell *cell, oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    if (borrowed->y != NULL)
        status = device_buffer_hand_back(cell->device, borrowed->y, borrowed->y_bytes, error);
    cell_borrow_drop(borrowed);
    return status;
}
