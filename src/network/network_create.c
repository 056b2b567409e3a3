// SPDX-License-Identifier: Apache-2.0
// Making a network of a model file, and unmaking it.
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_fork.h"
#include "model/name_text.h"
#include "model/tensor_array.h"
#include "network/network_private.h"
#include "network/upload.h"

static void release_layer(const oclstm_network *network, network_layer *layer) {
    for (size_t i = 0; i < layer->unit_count && layer->units != NULL; i++) {
        oclstm_cell_destroy(&layer->units[i].plain);
        general_cell_destroy(&layer->units[i].general);
    }
    free(layer->units);
    device_buffer_release(network->device, &layer->weight);
    device_buffer_release(network->device, &layer->bias);
    free(layer->h0);
    free(layer->c0);
}

void oclstm_network_destroy(oclstm_network **network) {
    if (network == NULL || *network == NULL)
        return;
    oclstm_network *old = *network;
    *network = NULL;
    if (!device_lost_by_fork())
        device_finish(old->device, NULL);
    for (size_t i = 0; i < old->count && old->layers != NULL; i++)
        release_layer(old, &old->layers[i]);
    network_kernels_release(&old->kernels);
    cl_mem *const buffers[] = {&old->from, &old->to, &old->part, &old->turned, &old->tokens, &old->lengths};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        device_buffer_release(old->device, buffers[i]);
    network_state_release(old, &old->state);
    network_state_release(old, &old->kept);
    free(old->stage);
    free(old->layers);
    free(old->infos);
    oclstm_device_close(&old->device);
    free(old);
}

// --- recurrent layers ---------------------------------------------------------------------------------------------------

static oclstm_status create_plain(recurrent_unit *unit, const oclstm_network *network, const lstm_weights *w, oclstm_engine engine,
                                  oclstm_error *error) {
    const oclstm_cell_params params = {.dtype = network->dtype,
                                       .engine = engine,
                                       .no_bias = w->bias_ih == NULL,
                                       .weight_ih = tensor_array(w->ih),
                                       .weight_hh = tensor_array(w->hh),
                                       .bias_ih = tensor_array(w->bias_ih),
                                       .bias_hh = tensor_array(w->bias_hh)};
    return oclstm_cell_create(&unit->plain, network->device, &params, error);
}

static oclstm_status create_unit(oclstm_network *network, const oclstm_tensors *file, const network_module *module, int at,
                                 int direction, oclstm_engine engine, recurrent_unit *unit, oclstm_error *error) {
    const lstm_weights w = network_lstm_weights(file, module, at, direction);
    *unit = (recurrent_unit){.input = (size_t)w.ih->shape[1],
                             .hidden = (size_t)module->layer.hidden_size,
                             .width = (size_t)network_width(&module->layer),
                             .h_before = network->h_features,
                             .c_before = network->c_features};
    network->h_features += unit->width;
    network->c_features += unit->hidden;
    network->unit_count++;
    const bool is_plain = w.hr == NULL && w.peephole == NULL && recurrent_traits_are_plain(&module->traits, direction);
    if (is_plain)
        return create_plain(unit, network, &w, engine, error);
    return general_cell_create(&unit->general, &network->kernels, network->dtype, file, module, at, direction, error);
}

// An ONNX node's own initial state [directions][batch][features], kept on the host until a batch is known.
static oclstm_status read_state(void **out, const oclstm_network *network, const oclstm_tensors *file, const network_module *module,
                                const oclstm_tensor *tensor, oclstm_error *error) {
    if (tensor == NULL)
        return OCLSTM_OK;
    const int directions = module->layer.directions;
    if (tensor->rank != 3 || tensor->shape[0] != directions)
        return base_fail(error, OCLSTM_UNSUPPORTED, "'%s': the initial state '%s' does not begin with its %d direction%s",
                         oclstm_tensors_path(file), name_to_text(tensor->name).text, directions, directions == 1 ? "" : "s");
    const size_t count = tensor->size_bytes / oclstm_dtype_size_bytes(tensor->dtype);
    *out = base_alloc(count, network->element_bytes);
    if (*out == NULL)
        return base_fail_memory(error, count * network->element_bytes, "an initial state");
    return oclstm_tensor_read(file, tensor, 0, 0, tensor->shape[0], network->dtype, *out, false, error);
}

static oclstm_status create_recurrent(oclstm_network *network, const oclstm_tensors *file, const network_module *module,
                                      network_layer *layer, oclstm_engine engine, oclstm_error *error) {
    const int directions = module->layer.directions > 0 ? module->layer.directions : 1;
    layer->unit_count = (size_t)module->layer.num_layers * (size_t)directions;
    layer->units = base_alloc(layer->unit_count, sizeof *layer->units);
    if (layer->units == NULL)
        return base_fail_memory(error, layer->unit_count * sizeof *layer->units, "a layer's cells");
    oclstm_status status = OCLSTM_OK;
    for (int at = 0; at < module->layer.num_layers && status == OCLSTM_OK; at++) {
        for (int direction = 0; direction < directions && status == OCLSTM_OK; direction++) {
            recurrent_unit *unit = &layer->units[at * directions + direction];
            status = create_unit(network, file, module, at, direction, engine, unit, error);
            if (unit->width > network->widest_part)
                network->widest_part = unit->width;
            if (unit->input > network->widest_turned)
                network->widest_turned = unit->input;
        }
    }
    network->has_backward = network->has_backward || directions == 2 || module->layer.reverse;
    if (status == OCLSTM_OK)
        status = read_state(&layer->h0, network, file, module, module->h0, error);
    if (status == OCLSTM_OK)
        status = read_state(&layer->c0, network, file, module, module->c0, error);
    layer->state_batch = module->h0 != NULL ? module->h0->shape[1] : module->c0 != NULL ? module->c0->shape[1] : 0;
    if (status == OCLSTM_OK && module->h0 != NULL && module->c0 != NULL && module->c0->shape[1] != layer->state_batch)
        status = base_fail(error, OCLSTM_FORMAT, "'%s': initial_h has %" PRId64 " rows, initial_c %" PRId64,
                           oclstm_tensors_path(file), layer->state_batch, module->c0->shape[1]);
    return status;
}

// --- all layers ---------------------------------------------------------------------------------------------------------

static oclstm_status create_layer(oclstm_network *network, const oclstm_tensors *file, const network_module *module,
                                  network_layer *layer, oclstm_engine engine, oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    if (network_is_recurrent(module))
        return create_recurrent(network, file, module, layer, engine, error);
    if (module->layer.kind == OCLSTM_LAYER_EMBEDDING)
        return network_upload(&layer->weight, network->device, file, module->weight, network->dtype, error);
    if (module->layer.kind != OCLSTM_LAYER_LINEAR)
        return OCLSTM_OK;
    status = network_upload_transposed(&layer->weight, network->device, file, module->weight, network->dtype, error);
    return status == OCLSTM_OK ? network_upload_sum(&layer->bias, network->device, file, module->bias, NULL,
                                                    (size_t)module->layer.outputs, network->dtype, error)
                               : status;
}

oclstm_dtype network_natural_dtype(const oclstm_tensors *file, const network_modules *list) {
    for (size_t i = 0; i < list->count; i++) {
        const network_module *module = &list->modules[i];
        if (module->weight != NULL && module->weight->dtype != OCLSTM_F64)
            return OCLSTM_F32;
        for (int unit = 0; unit < module->layer.num_layers * module->layer.directions; unit++) {
            const lstm_weights w =
                network_lstm_weights(file, module, unit / module->layer.directions, unit % module->layer.directions);
            if (w.ih->dtype != OCLSTM_F64 || w.hh->dtype != OCLSTM_F64)
                return OCLSTM_F32;
        }
        if (module->layer.kind == OCLSTM_LAYER_LSTM_CELL && network_lstm_weights(file, module, 0, 0).ih->dtype != OCLSTM_F64)
            return OCLSTM_F32;
    }
    return OCLSTM_F64;
}

static void note_widths(oclstm_network *network) {
    network->uniform = true;
    const recurrent_unit *first = NULL;
    for (size_t i = 0; i < network->count; i++) {
        const oclstm_layer *info = &network->infos[i];
        const size_t inputs = info->kind == OCLSTM_LAYER_EMBEDDING ? 1 : (size_t)info->inputs;
        network->widest = inputs > network->widest ? inputs : network->widest;
        network->widest = (size_t)info->outputs > network->widest ? (size_t)info->outputs : network->widest;
        for (size_t u = 0; u < network->layers[i].unit_count; u++) {
            const recurrent_unit *unit = &network->layers[i].units[u];
            first = first != NULL ? first : unit;
            network->uniform = network->uniform && unit->width == first->width && unit->hidden == first->hidden;
        }
    }
}

static oclstm_status check_dtype(const oclstm_network *network, oclstm_error *error) {
    const device_limits *limits = device_get_limits(network->device);
    if (network->dtype != OCLSTM_F32 && network->dtype != OCLSTM_F64)
        return base_fail(error, OCLSTM_UNSUPPORTED, "a network computes in float32 or float64, not in %s",
                         oclstm_dtype_name(network->dtype));
    if (network->dtype == OCLSTM_F64 && !limits->has_fp64)
        return base_fail(error, OCLSTM_UNSUPPORTED,
                         "%s has no float64 arithmetic (cl_khr_fp64): use dtype float32 or another device", limits->name);
    return OCLSTM_OK;
}

static oclstm_status fill(oclstm_network *network, const oclstm_tensors *file, const network_modules *list, oclstm_engine engine,
                          oclstm_error *error) {
    network->infos = base_alloc(list->count, sizeof *network->infos);
    network->layers = base_alloc(list->count, sizeof *network->layers);
    if (network->infos == NULL || network->layers == NULL)
        return base_fail_memory(error, list->count * (sizeof *network->infos + sizeof *network->layers), "the layers");
    network->count = list->count;
    oclstm_status status = check_dtype(network, error);
    if (status == OCLSTM_OK)
        status = network_kernels_make(&network->kernels, network->device, network->dtype, error);
    for (size_t i = 0; i < list->count && status == OCLSTM_OK; i++) {
        network->infos[i] = list->modules[i].layer;
        status = create_layer(network, file, &list->modules[i], &network->layers[i], engine, error);
    }
    if (status == OCLSTM_OK)
        note_widths(network);
    return status;
}

oclstm_status oclstm_network_load(oclstm_network **out, oclstm_device *device, const oclstm_tensors *file,
                                  const oclstm_network_params *params, oclstm_error *error) {
    if (out == NULL || device == NULL || file == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_network_load: %s is NULL",
                         out == NULL      ? "out"
                         : device == NULL ? "device"
                                          : "file");
    *out = NULL;
    network_modules list;
    const oclstm_network_params options = params != NULL ? *params : (oclstm_network_params){0};
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK)
        status = network_modules_order(&list, file, options.layers, error);
    if (status != OCLSTM_OK)
        return status;
    oclstm_network *made = base_alloc(1, sizeof *made);
    if (made == NULL) {
        status = base_fail_memory(error, sizeof *made, "the network");
    } else {
        made->device = device_retain(device);
        made->dtype = options.dtype_given ? options.dtype : network_natural_dtype(file, &list);
        made->element_bytes = oclstm_dtype_size_bytes(made->dtype);
        status = fill(made, file, &list, options.engine, error);
        if (status == OCLSTM_OK)
            *out = made;
        else
            oclstm_network_destroy(&made);
    }
    network_modules_release(&list);
    return status;
}

const oclstm_layer *oclstm_network_layers(const oclstm_network *network, size_t *count) {
    if (count != NULL)
        *count = network != NULL ? network->count : 0;
    return network != NULL ? network->infos : NULL;
}

oclstm_dtype oclstm_network_dtype(const oclstm_network *network) { return network != NULL ? network->dtype : OCLSTM_F32; }

bool oclstm_network_takes_tokens(const oclstm_network *network) {
    return network != NULL && network->infos[0].kind == OCLSTM_LAYER_EMBEDDING;
}
