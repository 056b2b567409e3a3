// SPDX-License-Identifier: Apache-2.0
// A step or a sequence on the caller's OpenCL buffers, without waiting.
#include <inttypes.h>

#include <oclstm/opencl.h>

#include "base/checked.h"
#include "base/error.h"
#include "cell/cell_execute.h"
#include "device/device_fork.h"
#include "device/device_transfer.h"

// A buffer of the call: its name, what it holds.
typedef struct call_operand {
    const char *name;
    const oclstm_buffer *buffer;
    size_t element_count;
    oclstm_dtype dtype;
    size_t element_bytes;
} call_operand;

enum { X, H, C, Y, H_OUT, C_OUT, OPERANDS };

static oclstm_status check_operand(const oclstm_cell *cell, const call_operand *operand, oclstm_error *error) {
    size_t size_bytes = 0, end, needed_bytes;
    cl_context context = NULL;
    cl_mem mem = operand->buffer->mem;
    cl_int code = clGetMemObjectInfo(mem, CL_MEM_SIZE, sizeof size_bytes, &size_bytes, NULL);
    if (code == CL_SUCCESS)
        code = clGetMemObjectInfo(mem, CL_MEM_CONTEXT, sizeof(context), &context, NULL); // NOLINT(bugprone-sizeof-expression)
    if (code != CL_SUCCESS)
        return device_fail(error, cell->device, code, "clGetMemObjectInfo", "asking the size of the buffer for %s", operand->name);
    if (context != device_get_context(cell->device))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the buffer for %s belongs to another context than the cell's device",
                         operand->name);
    if (!checked_add(operand->buffer->offset, operand->element_count, &end) || end > UINT32_MAX)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "%s ends beyond element %u of its buffer, which the kernels cannot index: use a sub-buffer", operand->name,
                         UINT32_MAX);
    if (!checked_mul(end, operand->element_bytes, &needed_bytes) || needed_bytes > size_bytes)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "the buffer for %s has %zu bytes; %zu elements of %s from element %zu on need %zu", operand->name,
                         size_bytes, operand->element_count, oclstm_dtype_name(operand->dtype), operand->buffer->offset,
                         end * operand->element_bytes);
    return OCLSTM_OK;
}

static size_t first_byte(const call_operand *operand) { return operand->buffer->offset * operand->element_bytes; }
static size_t end_byte(const call_operand *operand) {
    return first_byte(operand) + operand->element_count * operand->element_bytes;
}

static bool overlap(const call_operand *a, const call_operand *b) {
    return a->buffer->mem != NULL && a->buffer->mem == b->buffer->mem && first_byte(a) < end_byte(b) && first_byte(b) < end_byte(a);
}

// Results may only overlap what the contract allows: h_out the very place of h, c_out that of c.
static oclstm_status check_overlaps(const call_operand *operands, oclstm_error *error) {
    for (int result = Y; result < OPERANDS; result++) {
        for (int other = X; other < result; other++) {
            bool in_place = (result == H_OUT && other == H) || (result == C_OUT && other == C);
            if (in_place && operands[result].buffer->offset == operands[other].buffer->offset)
                continue;
            if (overlap(&operands[result], &operands[other]))
                return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                                 "%s overlaps %s; only h_out may be the place of h, and c_out that of c", operands[result].name,
                                 operands[other].name);
        }
    }
    return OCLSTM_OK;
}

static oclstm_status check_counts(const oclstm_cell *cell, const oclstm_buffers *buffers, size_t steps, call_operand *operands,
                                  oclstm_error *error) {
    size_t rows, x_count, y_count, state_count = 0;
    if (buffers->batch < 1 || buffers->steps < 0)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "batch is %" PRId64 " and steps %" PRId64 "; batch must be at least 1, steps 0 or more", buffers->batch,
                         buffers->steps);
    if (!checked_mul((size_t)buffers->batch, steps, &rows) || !checked_mul(rows, cell->input, &x_count) ||
        !checked_mul(rows, cell->hidden, &y_count) || !checked_mul((size_t)buffers->batch, cell->hidden, &state_count))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "batch %" PRId64 " x steps %zu overflows", buffers->batch, steps);
    const oclstm_buffer *const in[] = {&buffers->x, &buffers->h, &buffers->c, &buffers->y, &buffers->h_out, &buffers->c_out};
    static const char *const names[] = {"x", "h", "c", "y", "h_out", "c_out"};
    for (int i = 0; i < OPERANDS; i++)
        operands[i] = (call_operand){.name = names[i],
                                     .buffer = in[i],
                                     .element_count = i == X   ? x_count
                                                      : i == Y ? y_count
                                                               : state_count,
                                     .dtype = i == C || i == C_OUT ? cell->real_dtype : cell->params.dtype,
                                     .element_bytes = i == C || i == C_OUT ? cell->real_bytes : cell->element_bytes};
    return OCLSTM_OK;
}

static oclstm_status check_buffers(const oclstm_cell *cell, const oclstm_buffers *buffers, size_t steps, oclstm_error *error) {
    call_operand operands[OPERANDS];
    oclstm_status status = check_counts(cell, buffers, steps, operands, error);
    if (status != OCLSTM_OK)
        return status;
    if (buffers->x.mem == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "x is missing: its buffer is NULL");
    if ((buffers->h.mem == NULL) != (buffers->c.mem == NULL))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "only one of h and c is given: a state is the pair (h, c), both or neither");
    if (cell->params.state_required && buffers->h.mem == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "h and c are missing: this cell was made with state_required, as mindspore.nn.LSTMCell; give both");
    for (int i = 0; i < OPERANDS && status == OCLSTM_OK; i++) {
        if (operands[i].buffer->mem != NULL)
            status = check_operand(cell, &operands[i], error);
    }
    return status == OCLSTM_OK ? check_overlaps(operands, error) : status;
}

static execute_place place(const oclstm_buffer *buffer) { return (execute_place){buffer->mem, buffer->offset}; }

oclstm_status oclstm_cell_enqueue(oclstm_cell *cell, const oclstm_buffers *buffers, cl_uint wait_count, const cl_event *wait_list,
                                  cl_event *event, oclstm_error *error) {
    if (event != NULL)
        *event = NULL;
    if (cell == NULL || buffers == NULL || (wait_count > 0) != (wait_list != NULL))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_cell_enqueue: %s",
                         cell == NULL      ? "cell is NULL"
                         : buffers == NULL ? "buffers is NULL"
                                           : "wait_count and wait_list do not fit each other");
    size_t steps = buffers->steps > 0 ? (size_t)buffers->steps : 1;
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK)
        status = check_buffers(cell, buffers, steps, error);
    if (status != OCLSTM_OK)
        return status;
    const cell_execution execution = {.batch = (size_t)buffers->batch,
                                      .steps = steps,
                                      .batch_first = buffers->batch_first,
                                      .host_dtype = cell->params.dtype, // there is none
                                      .x_dev = place(&buffers->x),
                                      .y_dev = place(&buffers->y),
                                      .h_dev = place(&buffers->h),
                                      .c_dev = place(&buffers->c),
                                      .h_out_dev = place(&buffers->h_out),
                                      .c_out_dev = place(&buffers->c_out),
                                      .wait_count = wait_count,
                                      .wait_list = wait_list};
    status = cell_execute(cell, &execution, error);
    if (status == OCLSTM_OK && event != NULL)
        status = device_enqueue_mark(cell->device, event, error);
    return status;
}
