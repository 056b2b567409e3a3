// SPDX-License-Identifier: Apache-2.0
// The layers of a network over a slice, on the device.
#include "cell/cell_execute.h"
#include "network/network_private.h"

static void swap_buffers(oclstm_network *network) {
    cl_mem from = network->from;
    network->from = network->to;
    network->to = from;
}

static oclstm_status run_unit(const recurrent_unit *unit, network_matrix x, network_matrix y, const network_slice *slice,
                              size_t steps, network_state state, oclstm_error *error) {
    const network_matrix h = {state.h, unit->h_before * slice->batch}, c = {state.c, unit->c_before * slice->batch};
    if (unit->general != NULL)
        return general_cell_run(unit->general, x, y, h, c, steps, slice->batch, error);
    const cell_execution execution = {.batch = slice->batch,
                                      .steps = steps,
                                      .x_dev = {x.mem, x.offset},
                                      .y_dev = {y.mem, y.offset},
                                      .h_dev = {h.mem, h.offset},
                                      .c_dev = {c.mem, c.offset},
                                      .h_out_dev = {h.mem, h.offset},
                                      .c_out_dev = {c.mem, c.offset}};
    return cell_execute(unit->plain, &execution, error);
}

// Where the next sequence ends after `begin`; count where none does.
static size_t next_end(const network_slice *slice, size_t begin) {
    size_t end = slice->count;
    for (size_t b = 0; slice->lengths != NULL && b < slice->batch; b++) {
        const size_t length = (size_t)slice->lengths[b];
        if (length > begin && length < end)
            end = length;
    }
    return end;
}

// A unit over its input, keeping the state of each row when its sequence ends.
static oclstm_status run_to_ends(oclstm_network *network, const recurrent_unit *unit, cl_mem src, cl_mem dst,
                                 const network_slice *slice, network_state state, network_state kept, oclstm_error *error) {
    const size_t batch = slice->batch;
    oclstm_status status = OCLSTM_OK;
    for (size_t begin = 0, end; begin < slice->count && status == OCLSTM_OK; begin = end) {
        end = next_end(slice, begin);
        status = run_unit(unit, (network_matrix){src, begin * batch * unit->input},
                          (network_matrix){dst, begin * batch * unit->width}, slice, end - begin, state, error);
        if (status != OCLSTM_OK || slice->lengths == NULL)
            continue;
        status = network_keep(&network->kernels, state.h, kept.h, unit->h_before * batch, network->lengths, end, batch, unit->width,
                              error);
        if (status == OCLSTM_OK)
            status = network_keep(&network->kernels, state.c, kept.c, unit->c_before * batch, network->lengths, end, batch,
                                  unit->hidden, error);
    }
    return status;
}

static oclstm_status run_direction(oclstm_network *network, const recurrent_unit *unit, bool backward, size_t column,
                                   size_t features, const network_slice *slice, network_state state, network_state kept,
                                   oclstm_error *error) {
    cl_mem src = network->from;
    oclstm_status status = OCLSTM_OK;
    if (backward) {
        const network_placing turn = {.src = network->from,
                                      .dst = network->turned,
                                      .lengths = network->lengths,
                                      .steps = slice->count,
                                      .batch = slice->batch,
                                      .features = unit->input,
                                      .dst_features = unit->input,
                                      .reversed = true};
        status = network_place(&network->kernels, &turn, error);
        src = network->turned;
    }
    if (status == OCLSTM_OK)
        status = run_to_ends(network, unit, src, network->part, slice, state, kept, error);
    const network_placing place = {.src = network->part,
                                   .dst = network->to,
                                   .lengths = network->lengths,
                                   .steps = slice->count,
                                   .batch = slice->batch,
                                   .features = unit->width,
                                   .dst_features = features,
                                   .column = column,
                                   .reversed = backward};
    return status == OCLSTM_OK ? network_place(&network->kernels, &place, error) : status;
}

oclstm_status network_run_lstm(oclstm_network *network, const oclstm_layer *info, network_layer *layer, const network_slice *slice,
                               network_state state, network_state kept, oclstm_error *error) {
    const int directions = info->directions > 0 ? info->directions : 1;
    oclstm_status status = OCLSTM_OK;
    for (int at = 0; at < info->num_layers && status == OCLSTM_OK; at++) {
        const recurrent_unit *units = &layer->units[at * directions];
        if (directions == 1 && !info->reverse && slice->lengths == NULL) {
            status = run_unit(units, (network_matrix){network->from, 0}, (network_matrix){network->to, 0}, slice, slice->count,
                              state, error);
        } else {
            for (int direction = 0; direction < directions && status == OCLSTM_OK; direction++)
                status = run_direction(network, &units[direction], direction == 1 || info->reverse,
                                       (size_t)direction * units[direction].width, (size_t)directions * units[direction].width,
                                       slice, state, kept, error);
        }
        swap_buffers(network);
    }
    return status;
}

oclstm_status network_run_layers(oclstm_network *network, const network_slice *slice, network_state state, network_state kept,
                                 oclstm_error *error) {
    const size_t rows = slice->count * slice->batch;
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < network->count && status == OCLSTM_OK; i++) {
        const oclstm_layer *info = &network->infos[i];
        network_layer *layer = &network->layers[i];
        switch (info->kind) {
        case OCLSTM_LAYER_EMBEDDING:
            status =
                network_embed(&network->kernels, network->tokens, layer->weight, network->from, rows, (size_t)info->outputs, error);
            break;
        case OCLSTM_LAYER_LSTM:
        case OCLSTM_LAYER_LSTM_CELL:
            status = network_run_lstm(network, info, layer, slice, state, kept, error);
            break;
        case OCLSTM_LAYER_LINEAR:
            status = network_linear(&network->kernels, (network_matrix){network->from, 0}, layer->weight, layer->bias,
                                    (network_matrix){network->to, 0}, rows, (size_t)info->inputs, (size_t)info->outputs, error);
            swap_buffers(network);
            break;
        case OCLSTM_LAYER_RELU:
        case OCLSTM_LAYER_SIGMOID:
            status = network_activate(&network->kernels, network->from, rows * (size_t)info->outputs,
                                      info->kind == OCLSTM_LAYER_SIGMOID, error);
            break;
        case OCLSTM_LAYER_SOFTMAX:
            status = network_softmax(&network->kernels, network->from, rows, (size_t)info->outputs, error);
            break;
        }
    }
    return status;
}
