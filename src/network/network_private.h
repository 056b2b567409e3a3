// SPDX-License-Identifier: Apache-2.0
// A network on a device, as the files of this folder see it.
#ifndef OCLSTM_NETWORK_NETWORK_PRIVATE_H
#define OCLSTM_NETWORK_NETWORK_PRIVATE_H

#include "network/general_cell.h"

// One layer and direction of an lstm, or an lstm cell. Exactly one of the two cells is there.
typedef struct recurrent_unit {
    oclstm_cell *plain;
    general_cell *general;
    size_t input, hidden, width; // features of x, c, h
    size_t h_before, c_before;   // features of the units before this one: its block of the state begins at so many times the batch
} recurrent_unit;

typedef struct network_layer {
    recurrent_unit *units; // [num_layers][directions]; NULL for layers that are not recurrent
    size_t unit_count;
    cl_mem weight, bias; // embedding: as it lies; linear: transposed
    void *h0, *c0;       // of an ONNX node that brings its state, in the network's dtype; NULL otherwise
    int64_t state_batch; // rows of that state
} network_layer;

// The state of all units: unit u's h [batch][width] begins at element h_before * batch, c likewise.
typedef struct network_state {
    cl_mem h, c;
} network_state;

struct oclstm_network {
    oclstm_device *device; // held
    oclstm_dtype dtype;
    size_t element_bytes;
    oclstm_layer *infos;
    network_layer *layers;
    size_t count;
    network_kernels kernels;
    size_t h_features, c_features; // of all units
    size_t unit_count;
    bool uniform;                              // all units have the same width, and the same hidden size
    bool has_backward;                         // a direction that begins at the end
    size_t widest, widest_part, widest_turned; // features of the buffers below

    // Made for a batch and a number of steps; kept.
    size_t batch, steps;
    cl_mem from, to;     // [steps][batch][widest]: a layer reads one and writes the other
    cl_mem part, turned; // [steps][batch][...]: one direction's results; its input turned round
    cl_mem tokens;       // [steps][batch] int
    cl_mem lengths;      // [batch] int
    network_state state, kept;
    void *stage; // host: a slice in time-major order
    size_t stage_bytes;
};

// A slice of a call: steps [first, first + count) of all rows.
typedef struct network_slice {
    size_t count, batch;
    const int *lengths; // [batch]: of each row within the slice, 0 to count; NULL = count
} network_slice;

// Buffers for slices of up to `steps` steps. OUT_OF_DEVICE_MEMORY before anything is made, with the numbers, where they do not fit.
oclstm_status network_prepare(oclstm_network *network, size_t steps, size_t batch, oclstm_error *error);

// The bound on a slice's widest buffer. A variable for tests.
extern size_t network_slice_bytes;

// The steps of a slice: all where a direction goes backward, otherwise what the bound on a slice and the device allow.
size_t network_slice_steps(const oclstm_network *network, size_t steps, size_t batch);

// All layers over what lies in network->from (or tokens); the result ends up in network->from. Never waits.
oclstm_status network_run_layers(oclstm_network *network, const network_slice *slice, network_state state, network_state kept,
                                 oclstm_error *error);

// One recurrent layer: from network->from to network->to, [count][batch][...], then the two change places.
oclstm_status network_run_lstm(oclstm_network *network, const oclstm_layer *info, network_layer *layer, const network_slice *slice,
                               network_state state, network_state kept, oclstm_error *error);

// What a call is about, once it is checked.
typedef struct network_shape {
    size_t steps, batch;
    bool batched, batch_first;
    int *lengths; // [batch], owned by the caller of network_check(); NULL = all steps
} network_shape;

// The dtype of a network that is given none: F64 where all weights are.
oclstm_dtype network_natural_dtype(const oclstm_tensors *file, const network_modules *list);

oclstm_status network_check(const oclstm_network *network, const oclstm_network_call *call, network_shape *out,
                            oclstm_error *error);

// Holds an array, where it is present, to a dtype and a shape; axes: what its extents mean.
oclstm_status network_expect(const oclstm_const_array *array, const char *name, oclstm_dtype dtype, int rank, const int64_t *shape,
                             const char *axes, oclstm_error *error);

// Steps [first, first + count) of x or tokens to the device; of y back. Wait.
oclstm_status network_bring_input(oclstm_network *network, const oclstm_const_array *input, const network_shape *shape,
                                  size_t first, size_t count, oclstm_error *error);
oclstm_status network_take_output(oclstm_network *network, const oclstm_array *y, const network_shape *shape, size_t first,
                                  size_t count, oclstm_error *error);

oclstm_status network_state_create(network_state *out, const oclstm_network *network, size_t batch, oclstm_error *error);
void network_state_release(const oclstm_network *network, network_state *state);
// Zero, or an ONNX node's own. Waits.
oclstm_status network_state_reset(const oclstm_network *network, network_state *state, size_t batch, oclstm_error *error);

#endif
