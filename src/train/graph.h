// SPDX-License-Identifier: Apache-2.0
// The layers of a network as training sees them: weights and gradients each in one flat buffer, the activations of every layer kept, forward and back.
// Knows neither losses nor optimizers nor host arrays.
#ifndef OCLSTM_TRAIN_GRAPH_H
#define OCLSTM_TRAIN_GRAPH_H

#include <oclstm/train.h>

#include "train/train_engine.h"

// Parameters begin at multiples of this many elements of the flat buffers; what lies between is zero, in all of them.
enum { TRAIN_ALIGNMENT = 64 };

typedef struct train_parameter {
    oclstm_parameter info;
    size_t offset, count; // in the flat buffers
    size_t fan;           // fresh: uniform in +-1/sqrt(fan); 0: normal(0, 1)
} train_parameter;

typedef struct train_graph train_graph;

typedef struct train_graph_params {
    oclstm_dtype dtype;
    oclstm_engine engine;
    bool recompute;
    double dropout;
    uint64_t seed;
} train_graph_params;

// The gates of so many bytes of steps are made, and gone back over, at a time. A variable for tests.
extern size_t train_chunk_bytes;

// Weights are zero until they are written. The layers are copied. UNSUPPORTED for layers that are not trained.
oclstm_status train_graph_create(train_graph **out, oclstm_device *device, const oclstm_layer *layers, size_t count,
                                 const train_graph_params *params, oclstm_error *error);
void train_graph_destroy(train_graph **graph);

const oclstm_layer *train_graph_layers(const train_graph *graph, size_t *count);
const train_parameter *train_graph_parameters(const train_graph *graph, size_t *count);
train_machine *train_graph_machine(train_graph *graph);
size_t train_graph_flat(const train_graph *graph); // elements of each flat buffer
cl_mem train_graph_weights(const train_graph *graph);
cl_mem train_graph_gradients(const train_graph *graph);
bool train_graph_takes_tokens(const train_graph *graph);
size_t train_graph_inputs(const train_graph *graph);  // features of x; vocabulary with tokens
size_t train_graph_outputs(const train_graph *graph); // features of y
size_t train_graph_h(const train_graph *graph);       // features of h of all units, one after the other; likewise c
size_t train_graph_c(const train_graph *graph);
size_t train_graph_units(const train_graph *graph, bool *uniform); // layers x directions; uniform: all have the same widths

// Bytes on the device for this shape in all, weights and gradients included; 0 where they cannot be counted.
uint64_t train_graph_bytes(train_graph *graph, size_t steps, size_t batch, bool has_lengths);

// Makes what passes of this shape need; keeps it. OUT_OF_DEVICE_MEMORY with the numbers before anything is allocated.
oclstm_status train_graph_prepare(train_graph *graph, size_t steps, size_t batch, bool has_lengths, oclstm_error *error);

// The buffers of a prepared graph. x, y, dy, dx: [steps][batch][features], time-major.
typedef struct train_buffers {
    cl_mem x;        // inputs, to be written by the caller; NULL with tokens
    cl_mem tokens;   // [steps][batch] int, likewise
    cl_mem lengths;  // [batch] int, likewise; NULL without
    train_matrix y;  // of the last layer, after train_graph_forward()
    train_matrix dy; // its gradient, to be written by the caller before train_graph_backward()
    train_matrix dx; // of x, after train_graph_backward()
    cl_mem h0, c0;   // state before: unit u's block begins at h_before * batch. To be written by the caller
    cl_mem hn, cn;   // state after
    cl_mem dhn, dcn; // gradients of the state after: to be written by the caller; of the state before, after train_graph_backward()
} train_buffers;
const train_buffers *train_graph_buffers(const train_graph *graph);

// The tokens on the host, [steps][batch], for the embedding's gradient: sorted by token. After train_graph_prepare(), before a pass. Waits.
oclstm_status train_graph_write_tokens(train_graph *graph, const int *tokens, oclstm_error *error);

// Enqueues a pass over what lies in the buffers. dropout_step: counts dropout's generator; 0 = no dropout.
oclstm_status train_graph_forward(train_graph *graph, uint64_t dropout_step, oclstm_error *error);

// Back over the last forward pass. want_dx: dx is asked for.
oclstm_status train_graph_backward(train_graph *graph, bool accumulate, bool want_dx, oclstm_error *error);

#endif
