// SPDX-License-Identifier: Apache-2.0
// A run from and to host arrays, slice by slice.
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_fork.h"
#include "network/network_private.h"

// How many of a slice's steps each row has, on the host and on the device. NULL where nothing asks for it, so that a single step need not wait
// for it.
static oclstm_status bring_lengths(oclstm_network *network, const network_shape *shape, size_t first, size_t count, int *lengths,
                                   oclstm_error *error) {
    for (size_t b = 0; b < shape->batch; b++) {
        const size_t whole = shape->lengths != NULL ? (size_t)shape->lengths[b] : first + count;
        const size_t left = whole > first ? whole - first : 0;
        lengths[b] = (int)(left < count ? left : count);
    }
    return device_write(network->device, network->lengths, 0, lengths, shape->batch * sizeof(cl_int), "the lengths", error);
}

static oclstm_status run_slices(oclstm_network *network, const oclstm_const_array *input, const oclstm_array *y,
                                const network_shape *shape, size_t most, network_state state, oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    const bool needed = network->has_backward || shape->lengths != NULL;
    int *lengths = needed ? base_alloc(shape->batch, sizeof *lengths) : NULL;
    if (needed && lengths == NULL)
        return base_fail_memory(error, shape->batch * sizeof *lengths, "the lengths");
    for (size_t first = 0, count; first < shape->steps && status == OCLSTM_OK; first += count) {
        count = shape->steps - first < most ? shape->steps - first : most;
        if (needed)
            status = bring_lengths(network, shape, first, count, lengths, error);
        if (status == OCLSTM_OK)
            status = network_bring_input(network, input, shape, first, count, error);
        const network_slice slice = {count, shape->batch, shape->lengths != NULL ? lengths : NULL};
        if (status == OCLSTM_OK)
            status = network_run_layers(network, &slice, state, network->kept, error);
        if (status == OCLSTM_OK && y->data != NULL)
            status = network_take_output(network, y, shape, first, count, error);
    }
    free(lengths);
    // What was enqueued may still be under way after a failure; nothing of it uses the caller's memory.
    return status == OCLSTM_OK ? device_finish(network->device, error) : status;
}

static oclstm_status set_state(oclstm_network *network, const oclstm_network_call *call, size_t batch, oclstm_error *error) {
    if (call->h0.data == NULL)
        return network_state_reset(network, &network->state, batch, error);
    oclstm_status status = device_write(network->device, network->state.h, 0, call->h0.data,
                                        batch * network->h_features * network->element_bytes, "h0", error);
    if (status == OCLSTM_OK)
        status = device_write(network->device, network->state.c, 0, call->c0.data,
                              batch * network->c_features * network->element_bytes, "c0", error);
    return status;
}

static oclstm_status get_state(oclstm_network *network, const oclstm_network_call *call, const network_shape *shape,
                               oclstm_error *error) {
    const network_state *state = shape->lengths != NULL ? &network->kept : &network->state;
    oclstm_status status = OCLSTM_OK;
    if (call->hn.data != NULL)
        status = device_read(network->device, call->hn.data, state->h, 0,
                             shape->batch * network->h_features * network->element_bytes, "hn", error);
    if (status == OCLSTM_OK && call->cn.data != NULL)
        status = device_read(network->device, call->cn.data, state->c, 0,
                             shape->batch * network->c_features * network->element_bytes, "cn", error);
    return status;
}

oclstm_status oclstm_network_run(oclstm_network *network, const oclstm_network_call *call, oclstm_error *error) {
    if (network == NULL || call == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_network_run: %s is NULL", network == NULL ? "network" : "call");
    network_shape shape = {0};
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK)
        status = network_check(network, call, &shape, error);
    const size_t most = status == OCLSTM_OK ? network_slice_steps(network, shape.steps, shape.batch) : 0;
    if (status == OCLSTM_OK)
        status = network_prepare(network, most, shape.batch, error);
    if (status == OCLSTM_OK)
        status = set_state(network, call, shape.batch, error);
    if (status == OCLSTM_OK)
        status = run_slices(network, oclstm_network_takes_tokens(network) ? &call->tokens : &call->x, &call->y, &shape, most,
                            network->state, error);
    if (status == OCLSTM_OK)
        status = get_state(network, call, &shape, error);
    free(shape.lengths);
    return status;
}

// --- streams ------------------------------------------------------------------------------------------------------------

struct oclstm_stream {
    oclstm_network *network; // not held: the stream goes first
    size_t batch;
    network_state state;
};

oclstm_status oclstm_stream_create(oclstm_stream **out, oclstm_network *network, int64_t batch, oclstm_error *error) {
    if (out == NULL || network == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_stream_create: %s is NULL", out == NULL ? "out" : "network");
    *out = NULL;
    if (batch < 1 || batch > INT32_MAX)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the batch of a stream is %lld; expected 1 to 2147483647",
                         (long long)batch);
    if (network->has_backward)
        return base_fail(
            error, OCLSTM_UNSUPPORTED,
            "a direction of the network goes backward: it needs the end of a sequence before it can begin, so it cannot stream");
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    oclstm_stream *made = base_alloc(1, sizeof *made);
    if (made == NULL)
        return base_fail_memory(error, sizeof *made, "a stream");
    made->network = network;
    made->batch = (size_t)batch;
    status = network_state_create(&made->state, network, made->batch, error);
    if (status == OCLSTM_OK)
        status = network_state_reset(network, &made->state, made->batch, error);
    if (status == OCLSTM_OK)
        *out = made;
    else
        oclstm_stream_destroy(&made);
    return status;
}

void oclstm_stream_destroy(oclstm_stream **stream) {
    if (stream == NULL || *stream == NULL)
        return;
    oclstm_stream *old = *stream;
    *stream = NULL;
    network_state_release(old->network, &old->state);
    free(old);
}

oclstm_status oclstm_stream_reset(oclstm_stream *stream, oclstm_error *error) {
    if (stream == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_stream_reset: stream is NULL");
    oclstm_status status = device_check_fork(error);
    return status == OCLSTM_OK ? network_state_reset(stream->network, &stream->state, stream->batch, error) : status;
}

oclstm_status oclstm_stream_feed(oclstm_stream *stream, const oclstm_const_array *x, const oclstm_array *y, oclstm_error *error) {
    if (stream == NULL || x == NULL || y == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_stream_feed: %s is NULL", stream == NULL ? "stream" : "x or y");
    oclstm_network *network = stream->network;
    oclstm_network_call call = {.y = *y};
    network_shape shape = {0};
    *(oclstm_network_takes_tokens(network) ? &call.tokens : &call.x) = *x;
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK)
        status = network_check(network, &call, &shape, error);
    if (status == OCLSTM_OK && (!shape.batched || shape.batch != stream->batch))
        status = base_fail(error, OCLSTM_INVALID_ARGUMENT,
                           "the stream was made for batch %zu; expected [steps][%zu] with the features behind", stream->batch,
                           stream->batch);
    const size_t most = status == OCLSTM_OK ? network_slice_steps(network, shape.steps, shape.batch) : 0;
    if (status == OCLSTM_OK)
        status = network_prepare(network, most, shape.batch, error);
    return status == OCLSTM_OK ? run_slices(network, x, y, &shape, most, stream->state, error) : status;
}
