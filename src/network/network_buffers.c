// SPDX-License-Identifier: Apache-2.0
// What a network holds on the device between calls, besides its weights.
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "device/size_text.h"
#include "network/network_private.h"

size_t network_slice_bytes = (size_t)16 << 20;

size_t network_slice_steps(const oclstm_network *network, size_t steps, size_t batch) {
    const size_t allowed = (size_t)device_get_limits(network->device)->max_allocation_bytes;
    const size_t bound = allowed < network_slice_bytes ? allowed : network_slice_bytes;
    size_t step_bytes, fit;
    if (network->has_backward || !checked_mul(batch, network->widest * network->element_bytes, &step_bytes))
        return steps;
    fit = bound / step_bytes;
    return fit < 1 ? 1 : fit < steps ? fit : steps;
}

// Bytes of a matrix of rows, held to what a sum of some can have; false where kernels could not index it.
static bool matrix_bytes(const oclstm_network *network, size_t rows, size_t features, size_t *bytes) {
    size_t count;
    const bool fits = checked_mul(rows, features, &count) && checked_mul(count, network->element_bytes, bytes);
    if (!fits || *bytes > SIZE_MAX / 16)
        *bytes = SIZE_MAX / 16;
    return fits && count <= UINT32_MAX;
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static oclstm_status check_room(const oclstm_network *network, size_t steps, size_t batch, oclstm_error *error) {
    const device_limits *limits = device_get_limits(network->device);
    size_t rows, wide, part, turned, h, c;
    bool fits = checked_mul(steps, batch, &rows);
    rows = fits ? rows : SIZE_MAX;
    fits = matrix_bytes(network, rows, network->widest, &wide) && fits;
    fits = matrix_bytes(network, rows, network->widest_part, &part) && fits;
    fits = matrix_bytes(network, rows, network->has_backward ? network->widest_turned : 0, &turned) && fits;
    fits = matrix_bytes(network, batch, network->h_features, &h) && fits; // a call's and what is kept of it
    fits = matrix_bytes(network, batch, network->c_features, &c) && fits;
    const size_t largest = larger(larger(wide, turned), larger(h, c)), total = 2 * (wide + h + c) + part + turned;
    fits = fits && largest <= limits->max_allocation_bytes && total <= limits->global_memory_bytes;
    if (fits)
        return OCLSTM_OK;
    return base_fail(
        error, OCLSTM_OUT_OF_DEVICE_MEMORY,
        "%zu steps of batch %zu need %s on the device%s, the largest buffer %s; %s has %s, in one buffer at most %s (and "
        "4294967295 elements): use a smaller batch%s",
        steps, batch, size_to_text(total).text, network->has_backward ? ", all at once because a direction goes backward" : "",
        size_to_text(largest).text, limits->name, size_to_text(limits->global_memory_bytes).text,
        size_to_text(limits->max_allocation_bytes).text, network->has_backward ? " or shorter sequences" : "");
}

oclstm_status network_prepare(oclstm_network *network, size_t steps, size_t batch, oclstm_error *error) {
    if (network->batch == batch && network->steps >= steps)
        return OCLSTM_OK;
    oclstm_status status = check_room(network, steps, batch, error);
    if (status != OCLSTM_OK)
        return status;
    oclstm_device *device = network->device;
    const size_t rows = steps * batch, row_bytes = rows * network->element_bytes;
    network->batch = network->steps = 0;
    const struct {
        cl_mem *buffer;
        size_t bytes;
        const char *what;
    } wanted[] = {{&network->from, row_bytes * network->widest, "a layer's input"},
                  {&network->to, row_bytes * network->widest, "a layer's output"},
                  {&network->part, row_bytes * network->widest_part, "one direction's output"},
                  {&network->turned, network->has_backward ? row_bytes * network->widest_turned : 1, "the input turned round"},
                  {&network->tokens, rows * sizeof(cl_int), "the tokens"},
                  {&network->lengths, batch * sizeof(cl_int), "the lengths"}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        device_buffer_release(device, wanted[i].buffer);
    network_state_release(network, &network->state);
    network_state_release(network, &network->kept);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0] && status == OCLSTM_OK; i++)
        status = device_buffer_create(wanted[i].buffer, device, CL_MEM_READ_WRITE, wanted[i].bytes, wanted[i].what, error);
    if (status == OCLSTM_OK)
        status = network_state_create(&network->state, network, batch, error);
    if (status == OCLSTM_OK)
        status = network_state_create(&network->kept, network, batch, error);
    if (status == OCLSTM_OK) {
        network->batch = batch;
        network->steps = steps;
    }
    return status;
}

// --- the state ----------------------------------------------------------------------------------------------------------

oclstm_status network_state_create(network_state *out, const oclstm_network *network, size_t batch, oclstm_error *error) {
    oclstm_status status = device_buffer_create(&out->h, network->device, CL_MEM_READ_WRITE,
                                                batch * network->h_features * network->element_bytes, "the state h", error);
    if (status == OCLSTM_OK)
        status = device_buffer_create(&out->c, network->device, CL_MEM_READ_WRITE,
                                      batch * network->c_features * network->element_bytes, "the state c", error);
    return status;
}

void network_state_release(const oclstm_network *network, network_state *state) {
    device_buffer_release(network->device, &state->h);
    device_buffer_release(network->device, &state->c);
}

// A layer's own state has rows for one batch; one row serves any.
static oclstm_status write_own(const oclstm_network *network, const network_layer *layer, const void *own, bool is_h, cl_mem buffer,
                               size_t batch, oclstm_error *error) {
    if (own == NULL)
        return OCLSTM_OK;
    if ((size_t)layer->state_batch != batch && layer->state_batch != 1)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "the model's own initial state is for batch %lld, the call has batch %zu: give h0 and c0",
                         (long long)layer->state_batch, batch);
    oclstm_status status = OCLSTM_OK;
    for (size_t u = 0; u < layer->unit_count && status == OCLSTM_OK; u++) {
        const recurrent_unit *unit = &layer->units[u];
        const size_t features = is_h ? unit->width : unit->hidden, before = is_h ? unit->h_before : unit->c_before;
        const size_t row_bytes = features * network->element_bytes;
        for (size_t b = 0; b < batch && status == OCLSTM_OK; b++) {
            const size_t row = u * (size_t)layer->state_batch + (layer->state_batch == 1 ? 0 : b);
            status = device_write(network->device, buffer, (before * batch + b * features) * network->element_bytes,
                                  (const char *)own + row * row_bytes, row_bytes, "the initial state", error);
        }
    }
    return status;
}

oclstm_status network_state_reset(const oclstm_network *network, network_state *state, size_t batch, oclstm_error *error) {
    // A multiple of 4 bytes in either dtype.
    oclstm_status status =
        device_fill_zero(network->device, state->h, 0, batch * network->h_features * network->element_bytes, error);
    if (status == OCLSTM_OK)
        status = device_fill_zero(network->device, state->c, 0, batch * network->c_features * network->element_bytes, error);
    for (size_t i = 0; i < network->count && status == OCLSTM_OK; i++) {
        status = write_own(network, &network->layers[i], network->layers[i].h0, true, state->h, batch, error);
        if (status == OCLSTM_OK)
            status = write_own(network, &network->layers[i], network->layers[i].c0, false, state->c, batch, error);
    }
    return status == OCLSTM_OK ? device_finish(network->device, error) : status;
}
