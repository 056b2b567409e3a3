// SPDX-License-Identifier: Apache-2.0
// Making a cell, from arrays or from a file, and unmaking it.
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "cell/array_check.h"
#include "cell/cell_weights.h"
#include "cell/plan.h"
#include "cl/lstm_shared.h"
#include "device/device_fork.h"
#include "model/name_text.h"
#include "model/recurrent_traits.h"
#include "model/tensor_array.h"

void oclstm_cell_destroy(oclstm_cell **cell) {
    if (cell == NULL || *cell == NULL)
        return;
    oclstm_cell *old = *cell;
    *cell = NULL;
    if (old->last_engine != OCLSTM_ENGINE_AUTO)
        device_finish(old->device, NULL);
    plan_destroy_all(old);
    for (int copy = 0; copy < PACKED_COUNT; copy++) {
        for (size_t i = 0; i < sizeof old->packed[0].buffers / sizeof old->packed[0].buffers[0]; i++)
            device_buffer_release(old->device, &old->packed[copy].buffers[i]);
    }
    device_buffer_release(old->device, &old->weight_ih);
    device_buffer_release(old->device, &old->weight_hh);
    device_buffer_release(old->device, &old->bias);
    free(old->bias_host);
    oclstm_device_close(&old->device);
    free(old);
}

oclstm_status oclstm_cell_create(oclstm_cell **out, oclstm_device *device, const oclstm_cell_params *params, oclstm_error *error) {
    if (out == NULL || device == NULL || params == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_cell_create: %s is NULL",
                         out == NULL      ? "out"
                         : device == NULL ? "device"
                                          : "params");
    *out = NULL;
    oclstm_cell_params resolved = *params;
    const cell_engine *ignored = NULL;
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK)
        status = cell_weights_check(&resolved, error);
    if (status != OCLSTM_OK)
        return status;
    const device_limits *limits = device_get_limits(device);
    if (resolved.dtype == OCLSTM_F64 && !limits->has_fp64)
        return base_fail(error, OCLSTM_UNSUPPORTED,
                         "%s has no float64 arithmetic (cl_khr_fp64): use dtype float32 or another device", limits->name);
    if (resolved.engine != OCLSTM_ENGINE_AUTO && engine_get(resolved.engine) == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "there is no engine with the number %d", (int)resolved.engine);
    oclstm_cell *made = base_alloc(1, sizeof *made);
    if (made == NULL)
        return base_fail_memory(error, sizeof *made, "the cell");
    made->device = device_retain(device);
    made->params = resolved;
    memset(&made->params.weight_ih, 0, sizeof made->params.weight_ih);
    memset(&made->params.weight_hh, 0, sizeof made->params.weight_hh);
    memset(&made->params.bias_ih, 0, sizeof made->params.bias_ih);
    memset(&made->params.bias_hh, 0, sizeof made->params.bias_hh);
    made->input = (size_t)resolved.input_size;
    made->hidden = (size_t)resolved.hidden_size;
    made->weights_dtype = resolved.dtype;
    if (resolved.weight_ih.data != NULL && resolved.weight_ih.dtype == resolved.weight_hh.dtype)
        made->weights_dtype = resolved.weight_ih.dtype;
    made->element_bytes = oclstm_dtype_size_bytes(resolved.dtype);
    made->real_dtype = cell_real_dtype(resolved.dtype);
    made->real_bytes = oclstm_dtype_size_bytes(made->real_dtype);
    status =
        engine_choose(&ignored, made, 1, 1, NULL, 0, error); // a forced engine that cannot run fails here, not at the first step
    if (status == OCLSTM_OK)
        status = cell_weights_upload(made, &resolved, error);
    if (status == OCLSTM_OK)
        *out = made;
    else
        oclstm_cell_destroy(&made);
    return status;
}

// A layer of an ONNX model may have what a cell has not. What belongs to it is called as its weight_ih is: "node.weight_ih_l0",
// "node.peephole_l0", and in the metadata "node.clip".
static oclstm_status check_plain(const oclstm_tensors *file, const oclstm_cell_entry *entry, oclstm_error *error) {
    char layer[sizeof entry->name], peephole[sizeof entry->name + 64];
    recurrent_traits traits;
    const char *weight = entry->weight_ih->name, *point = strrchr(weight, '.');
    const char *last = point != NULL ? point + 1 : weight, *suffix = last + strlen("weight_ih");
    if (entry->layer < 0)
        return OCLSTM_OK;
    snprintf(layer, sizeof layer, "%.*s", point != NULL ? (int)(point - weight) : 0, weight);
    snprintf(peephole, sizeof peephole, "%.*speephole%.32s", (int)(last - weight), weight, suffix);
    oclstm_status status = recurrent_traits_read(&traits, file, layer, error);
    if (status == OCLSTM_OK && (!recurrent_traits_are_plain(&traits, entry->reverse ? 1 : 0) || traits.reverse ||
                                oclstm_tensors_find(file, peephole) != NULL))
        status = base_fail(error, OCLSTM_UNSUPPORTED,
                           "the layer '%s' of %s has peepholes, a clip, other activations or goes backward, which a cell does not; "
                           "oclstm_network_load() runs it",
                           name_to_text(layer).text, oclstm_tensors_path(file));
    return status;
}

oclstm_status oclstm_cell_load(oclstm_cell **out, oclstm_device *device, const oclstm_tensors *file, const char *name,
                               const oclstm_cell_params *params, oclstm_error *error) {
    if (out == NULL || device == NULL || file == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_cell_load: %s is NULL",
                         out == NULL      ? "out"
                         : device == NULL ? "device"
                                          : "file");
    *out = NULL;
    oclstm_cell_params options = params != NULL ? *params : (oclstm_cell_params){0};
    if (options.weight_ih.data || options.weight_hh.data || options.bias_ih.data || options.bias_hh.data)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "oclstm_cell_load: weights are given as arrays too; use oclstm_cell_create() for those");
    oclstm_cell_entry entry;
    oclstm_status status = oclstm_tensors_find_cell(file, name, &entry, error);
    if (status != OCLSTM_OK)
        return status;
    if (entry.proj_size != 0)
        return base_fail(error, OCLSTM_UNSUPPORTED,
                         "the cell '%s' of %s has a projection (weight_hr, proj_size %lld); only cells without can be run",
                         entry.name, oclstm_tensors_path(file), (long long)entry.proj_size);
    status = check_plain(file, &entry, error);
    if (status != OCLSTM_OK)
        return status;
    options.weight_ih = tensor_array(entry.weight_ih);
    options.weight_hh = tensor_array(entry.weight_hh);
    options.bias_ih = tensor_array(entry.bias_ih);
    options.bias_hh = tensor_array(entry.bias_hh);
    options.no_bias = !entry.bias;
    return oclstm_cell_create(out, device, &options, error);
}

oclstm_cell_params oclstm_cell_get_params(const oclstm_cell *cell) { return cell != NULL ? cell->params : (oclstm_cell_params){0}; }

oclstm_status oclstm_cell_read_weights(oclstm_cell *cell, const oclstm_array *weight_ih, const oclstm_array *weight_hh,
                                       const oclstm_array *bias_ih, const oclstm_array *bias_hh, oclstm_error *error) {
    if (cell == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_cell_read_weights: cell is NULL");
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    const int64_t gates = (int64_t)(LSTM_GATES * cell->hidden), columns[] = {(int64_t)cell->input, (int64_t)cell->hidden, 0, 0};
    const oclstm_array *const wanted[] = {weight_ih, weight_hh, bias_ih, bias_hh};
    static const char *const names[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    const size_t bias_bytes = (size_t)gates * cell->element_bytes;
    for (int i = 0; i < 4; i++) {
        if (wanted[i] == NULL || wanted[i]->data == NULL)
            continue;
        const bool is_bias = i >= 2;
        const array_expectation expected = {.name = names[i],
                                            .dtype = cell->params.dtype,
                                            .dtype_of = "the cell",
                                            .rank = is_bias ? 1 : 2,
                                            .shape = {gates, columns[i]},
                                            .axes = {"4*hidden", i == 0 ? "input" : "hidden"}};
        const oclstm_const_array view = array_as_const(wanted[i]);
        status = array_check(&view, &expected, error);
        if (status != OCLSTM_OK)
            return status;
        if (is_bias && cell->bias_host == NULL)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is asked for, but the cell has no bias", names[i]);
        if (is_bias)
            memcpy(wanted[i]->data, (const char *)cell->bias_host + (size_t)(i - 2) * bias_bytes, bias_bytes);
        else
            status = device_read(cell->device, wanted[i]->data, i == 0 ? cell->weight_ih : cell->weight_hh, 0,
                                 (size_t)(gates * columns[i]) * cell->element_bytes, names[i], error);
        if (status != OCLSTM_OK)
            return status;
    }
    return OCLSTM_OK;
}
