// SPDX-License-Identifier: Apache-2.0
// A graph, as the files of this folder see it.
#ifndef OCLSTM_TRAIN_GRAPH_PRIVATE_H
#define OCLSTM_TRAIN_GRAPH_PRIVATE_H

#include "train/dropout.h"
#include "train/graph.h"
#include "train/layer_kernels.h"

#define TRAIN_NONE SIZE_MAX // the offset of a parameter that is not there

// One layer and direction of an lstm, or an lstm cell.
typedef struct train_unit {
    size_t input, hidden, proj, width; // features of x, c, the projection (0 = none), h
    bool reversed;
    size_t weight_ih, weight_hh, weight_hr, bias_ih, bias_hh; // offsets in the flat buffers
    size_t h_before, c_before;                                // features of the units before this one, as in train_buffers
    // Made for a shape:
    cl_mem h, c;       // [steps + 1][batch][width], [steps + 1][batch][hidden]
    cl_mem gates, raw; // [steps][batch][4 hidden], [steps][batch][hidden]; with recompute NULL: the graph's are used
} train_unit;

typedef enum train_node_kind { NODE_EMBED, NODE_LSTM, NODE_LINEAR, NODE_ACTIVATE, NODE_DROPOUT } train_node_kind;

// One layer of an lstm is a node of its own; dropout as well.
typedef struct train_node {
    train_node_kind kind;
    size_t inputs, outputs;
    train_unit units[2];
    int unit_count;
    size_t weight, bias; // of embedding and linear
    bool sigmoid;        // of NODE_ACTIVATE
    unsigned dropout_layer;
    cl_mem y;         // [steps][batch][outputs]; NULL where the output is a unit's h, or the input
    train_matrix out; // of the last forward pass
    bool active;      // of NODE_DROPOUT, in the last forward pass
} train_node;

struct train_graph {
    oclstm_device *device; // not held: the owner holds it
    train_graph_params params;
    size_t element_bytes;
    oclstm_layer *layers;
    size_t layer_count;
    train_node *nodes;
    size_t node_count, node_capacity;
    train_parameter *parameters;
    size_t parameter_count, parameter_capacity;
    size_t flat;
    size_t h_features, c_features;
    train_machine machine, portable; // portable: for units with a projection, where the engine has none
    bool needs_portable;
    train_layer_kernels kernels;
    train_dropout *dropout; // NULL without
    cl_mem weights, gradients;

    // Made for a shape; kept.
    size_t steps, batch;
    bool has_lengths;
    size_t chunk;         // steps whose gates are made, and gone back over, at a time
    cl_mem grad[2];       // [steps][batch][widest]: the gradient before and behind a node, by turns
    cl_mem turned;        // [steps][batch][...]: a reversed direction's input
    cl_mem turned_back;   // its gradient
    cl_mem part;          // one direction's columns of a gradient
    cl_mem gates, raw;    // of a chunk, with recompute
    cl_mem dprojected;    // of a chunk
    cl_mem bias;          // [4 hidden]: both biases added
    cl_mem order, starts; // of the tokens, see train_embed_back
    cl_mem scratch;
    train_buffers buffers;
    bool dropped; // the last forward pass had dropout
    uint64_t dropout_step;
};

static inline train_machine *graph_machine_of(train_graph *graph, const train_unit *unit) {
    return unit->proj > 0 && graph->needs_portable ? &graph->portable : &graph->machine;
}

// Does a node need a matrix of its own for its output, and its directions' columns put there?
static inline bool graph_node_is_placed(const train_node *node, bool has_lengths) {
    return node->unit_count > 1 || node->units[0].reversed || has_lengths;
}

static inline size_t graph_larger(size_t a, size_t b) { return a > b ? a : b; }

// The products of a unit over `rows` rows, shapes only: forward, back to x, of the two weights, of the projection.
enum { UNIT_FORWARD, UNIT_BACK, UNIT_WEIGHT_IH, UNIT_WEIGHT_HH, UNIT_WEIGHT_HR, UNIT_PRODUCTS };
train_product graph_unit_product(const train_unit *unit, int which, size_t rows);

// Of a linear layer.
enum { LINEAR_FORWARD, LINEAR_BACK, LINEAR_WEIGHT, LINEAR_PRODUCTS };
train_product graph_linear_product(const train_node *node, int which, size_t rows);

// A unit's recurrence over steps [first, first + count), gates in their place.
train_recurrence graph_recurrence(const train_graph *graph, const train_unit *unit, size_t first, size_t count);

// The gates' sums and the recurrence of a chunk, from x [steps][batch][input].
oclstm_status graph_run_unit(train_graph *graph, const train_unit *unit, train_matrix x, size_t first, size_t count,
                             oclstm_error *error);

// Adds a parameter; false where host memory is exhausted.
bool graph_add_parameter(train_graph *graph, size_t *offset, const char *prefix, const char *name, const char *suffix, size_t rows,
                         size_t columns, size_t fan);

// What a layer is made of, in nodes.
oclstm_status graph_add_layer(train_graph *graph, const oclstm_layer *layer, bool is_last_recurrent, oclstm_error *error);

void graph_release_shape(train_graph *graph);

#endif
