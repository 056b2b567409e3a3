// SPDX-License-Identifier: Apache-2.0
#include "network/general_cell.h"

#include "base/error.h"
#include "base/memory.h"
#include "cl/lstm_shared.h"
#include "device/device_transfer.h"
#include "network/upload.h"

size_t general_product_bytes = (size_t)8 << 20;
static const size_t wanted_local = 64;

struct general_cell {
    const network_kernels *kernels;
    oclstm_dtype dtype;
    size_t input, hidden, width, element_bytes;
    bool projects;
    double clip;
    recurrent_activation activations[3];
    cl_mem weight_ih_t, weight_hh_t, bias; // [input][4*hidden], [width][4*hidden], [4*hidden]
    cl_mem weight_hr_t, zero_bias;         // [hidden][width], [width]; NULL without projection
    cl_mem peephole;                       // [3*hidden]; the bias, unread, where there is none
    bool has_peephole;
    cl_mem gx, m; // [product_steps][batch][4*hidden], [batch][hidden]
    size_t product_steps, batch;
    cl_kernel step;
    size_t step_max_group;
};

static oclstm_status make_kernel(general_cell *cell, const recurrent_traits *traits, oclstm_error *error) {
    char options[256] = "";
    cl_program program = NULL;
    oclstm_device *device = cell->kernels->device;
    base_append(options, sizeof options, "%s -D ACT_F=%d -D ACT_G=%d -D ACT_H=%d -D PEEPHOLES=%d -D CLIP=%d -D INPUT_FORGET=%d",
                device_dtype_options(device, cell->dtype), cell->activations[0].function, cell->activations[1].function,
                cell->activations[2].function, cell->has_peephole, traits->has_clip, traits->input_forget);
    oclstm_status status = device_program_get(&program, device, "lstm_activations.h network.cl general.cl", options, error);
    return status == OCLSTM_OK
               ? device_kernel_create(&cell->step, device, program, "lstm_general_step", &cell->step_max_group, error)
               : status;
}

static oclstm_status upload(general_cell *cell, const oclstm_tensors *file, const lstm_weights *w, oclstm_error *error) {
    oclstm_device *device = cell->kernels->device;
    oclstm_status status = network_upload_transposed(&cell->weight_ih_t, device, file, w->ih, cell->dtype, error);
    if (status == OCLSTM_OK)
        status = network_upload_transposed(&cell->weight_hh_t, device, file, w->hh, cell->dtype, error);
    if (status == OCLSTM_OK)
        status =
            network_upload_sum(&cell->bias, device, file, w->bias_ih, w->bias_hh, LSTM_GATES * cell->hidden, cell->dtype, error);
    if (status == OCLSTM_OK && w->hr != NULL)
        status = network_upload_transposed(&cell->weight_hr_t, device, file, w->hr, cell->dtype, error);
    if (status == OCLSTM_OK && w->hr != NULL)
        status = network_upload_sum(&cell->zero_bias, device, file, NULL, NULL, cell->width, cell->dtype, error);
    if (status == OCLSTM_OK && w->peephole != NULL)
        status = network_upload(&cell->peephole, device, file, w->peephole, cell->dtype, error);
    return status;
}

oclstm_status general_cell_create(general_cell **out, const network_kernels *kernels, oclstm_dtype dtype,
                                  const oclstm_tensors *file, const network_module *module, int layer, int direction,
                                  oclstm_error *error) {
    *out = NULL;
    const lstm_weights w = network_lstm_weights(file, module, layer, direction);
    general_cell *made = base_alloc(1, sizeof *made);
    if (made == NULL)
        return base_fail_memory(error, sizeof *made, "a cell");
    made->kernels = kernels;
    made->dtype = dtype;
    made->element_bytes = oclstm_dtype_size_bytes(dtype);
    made->input = (size_t)w.ih->shape[1];
    made->hidden = (size_t)module->layer.hidden_size;
    made->width = (size_t)network_width(&module->layer);
    made->projects = w.hr != NULL;
    made->has_peephole = w.peephole != NULL;
    made->clip = module->traits.clip;
    for (int i = 0; i < 3; i++)
        made->activations[i] = module->traits.activations[direction][i];
    oclstm_status status = upload(made, file, &w, error);
    if (status == OCLSTM_OK)
        status = make_kernel(made, &module->traits, error);
    if (status == OCLSTM_OK)
        *out = made;
    else
        general_cell_destroy(&made);
    return status;
}

void general_cell_destroy(general_cell **cell) {
    if (*cell == NULL)
        return;
    general_cell *old = *cell;
    *cell = NULL;
    cl_mem *const buffers[] = {&old->weight_ih_t, &old->weight_hh_t, &old->bias, &old->weight_hr_t,
                               &old->zero_bias,   &old->peephole,    &old->gx,   &old->m};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        device_buffer_release(old->kernels->device, buffers[i]);
    device_kernel_release(&old->step);
    free(old);
}

// The input product's and m's buffers for a batch.
static oclstm_status prepare(general_cell *cell, size_t steps, size_t batch, oclstm_error *error) {
    oclstm_device *device = cell->kernels->device;
    const size_t allowed = (size_t)device_get_limits(device)->max_allocation_bytes;
    if (batch > UINT32_MAX / (LSTM_GATES * cell->hidden)) // which kernels index
        return device_fail_memory(error, device, "the gates of batch %zu with hidden size %zu are more than 4294967295 numbers",
                                  batch, cell->hidden);
    const size_t step_bytes = batch * LSTM_GATES * cell->hidden * cell->element_bytes;
    size_t fit = (allowed < general_product_bytes ? allowed : general_product_bytes) / step_bytes;
    if (fit < 1)
        fit = 1;
    if (fit > steps)
        fit = steps;
    if (cell->batch == batch && cell->product_steps >= fit)
        return OCLSTM_OK;
    cell->batch = 0;
    device_buffer_release(device, &cell->gx);
    device_buffer_release(device, &cell->m);
    oclstm_status status = device_buffer_create(&cell->gx, device, CL_MEM_READ_WRITE, fit * step_bytes, "the input product", error);
    if (status == OCLSTM_OK && cell->projects)
        status = device_buffer_create(&cell->m, device, CL_MEM_READ_WRITE, batch * cell->hidden * cell->element_bytes,
                                      "h before the projection", error);
    if (status == OCLSTM_OK) {
        cell->batch = batch;
        cell->product_steps = fit;
    }
    return status;
}

// A number as an argument in the cell's dtype.
typedef union real_arg {
    cl_float f;
    cl_double d;
} real_arg;

static void set_real(real_arg *arg, double value, oclstm_dtype dtype) {
    if (dtype == OCLSTM_F64)
        arg->d = value;
    else
        arg->f = (cl_float)value;
}

static oclstm_status set_numbers(general_cell *cell, cl_uint first, oclstm_error *error) {
    const double numbers[] = {cell->clip,
                              cell->activations[0].alpha,
                              cell->activations[0].beta,
                              cell->activations[1].alpha,
                              cell->activations[1].beta,
                              cell->activations[2].alpha,
                              cell->activations[2].beta};
    oclstm_status status = OCLSTM_OK;
    for (cl_uint i = 0; i < sizeof numbers / sizeof numbers[0] && status == OCLSTM_OK; i++) {
        real_arg arg;
        set_real(&arg, numbers[i], cell->dtype);
        status = device_set_args(cell->kernels->device, cell->step, first + i, error, cell->element_bytes, &arg, (size_t)0);
    }
    return status;
}

static oclstm_status run_step(general_cell *cell, size_t t, network_matrix h_prev, network_matrix c, network_matrix y_row,
                              oclstm_error *error) {
    oclstm_device *device = cell->kernels->device;
    const network_matrix m = cell->projects ? (network_matrix){cell->m, 0} : y_row;
    const cl_mem peephole = cell->has_peephole ? cell->peephole : cell->bias;
    const cl_uint gx_offset = (cl_uint)(t * cell->batch * LSTM_GATES * cell->hidden), h_offset = (cl_uint)h_prev.offset,
                  c_offset = (cl_uint)c.offset, m_offset = (cl_uint)m.offset, batch = (cl_uint)cell->batch,
                  hidden = (cl_uint)cell->hidden, width = (cl_uint)cell->width;
    oclstm_status status = device_set_args(
        device, cell->step, 0, error, DEVICE_ARG(cell->gx), DEVICE_ARG(gx_offset), DEVICE_ARG(cell->weight_hh_t),
        DEVICE_ARG(h_prev.mem), DEVICE_ARG(h_offset), DEVICE_ARG(c.mem), DEVICE_ARG(c_offset), DEVICE_ARG(m.mem),
        DEVICE_ARG(m_offset), DEVICE_ARG(peephole), DEVICE_ARG(batch), DEVICE_ARG(hidden), DEVICE_ARG(width), (size_t)0);
    const device_grid grid = device_grid_make(device, cell->step_max_group, wanted_local, cell->hidden, cell->batch, 1);
    if (status == OCLSTM_OK)
        status = device_launch(device, cell->step, &grid, error);
    if (status == OCLSTM_OK && cell->projects)
        status = network_linear(cell->kernels, m, cell->weight_hr_t, cell->zero_bias, y_row, cell->batch, cell->hidden, cell->width,
                                error);
    return status;
}

oclstm_status general_cell_run(general_cell *cell, network_matrix x, network_matrix y, network_matrix h, network_matrix c,
                               size_t steps, size_t batch, oclstm_error *error) {
    enum { NUMBERS_AT = 13 };
    const size_t x_step = batch * cell->input, y_step = batch * cell->width;
    oclstm_status status = prepare(cell, steps, batch, error);
    if (status == OCLSTM_OK)
        status = set_numbers(cell, NUMBERS_AT, error);
    for (size_t first = 0, count; first < steps && status == OCLSTM_OK; first += count) {
        count = steps - first < cell->product_steps ? steps - first : cell->product_steps;
        status = network_linear(cell->kernels, (network_matrix){x.mem, x.offset + first * x_step}, cell->weight_ih_t, cell->bias,
                                (network_matrix){cell->gx, 0}, count * batch, cell->input, LSTM_GATES * cell->hidden, error);
        for (size_t t = first; t < first + count && status == OCLSTM_OK; t++) {
            const network_matrix before = {y.mem, y.offset + (t > 0 ? t - 1 : 0) * y_step}, row = {y.mem, y.offset + t * y_step};
            status = run_step(cell, t - first, t == 0 ? h : before, c, row, error);
        }
    }
    const device_rows last = {.count = 1,
                              .row_bytes = y_step * cell->element_bytes,
                              .device_offset = h.offset * cell->element_bytes,
                              .other_offset = (y.offset + (steps - 1) * y_step) * cell->element_bytes};
    return status == OCLSTM_OK ? device_enqueue_copy(cell->kernels->device, h.mem, y.mem, &last, error) : status;
}
