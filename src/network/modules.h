// SPDX-License-Identifier: Apache-2.0
// The layers of a model file: what tensors belong together, and in what order the layers stand. No OpenCL here.
#ifndef OCLSTM_NETWORK_MODULES_H
#define OCLSTM_NETWORK_MODULES_H

#include <oclstm/network.h>

#include "model/recurrent_traits.h"

// A layer with its tensors; those of an lstm are found by network_lstm_weights().
typedef struct network_module {
    oclstm_layer layer;
    recurrent_traits traits;            // of lstm
    const oclstm_tensor *weight, *bias; // of embedding and linear; bias may be NULL
    const oclstm_tensor *h0, *c0;       // of an ONNX node that brings its initial state, else NULL
} network_module;

// The tensors of one layer and direction of an lstm, or of an lstm cell (layer 0, direction 0).
typedef struct lstm_weights {
    const oclstm_tensor *ih, *hh, *bias_ih, *bias_hh; // biases NULL without bias
    const oclstm_tensor *hr;                          // projection, or NULL
    const oclstm_tensor *peephole;                    // [3*hidden] i, f, o, or NULL
} lstm_weights;

typedef struct network_modules {
    network_module *modules;
    size_t count, capacity;
} network_modules;

// Every layer whose tensors are in the file, in the file's order. Shapes within a layer are checked; relu and its kind are not in a file.
// `unknown` receives the names of modules that are of no kind read here, cut where they do not fit.
oclstm_status network_modules_collect(network_modules *out, const oclstm_tensors *file, char *unknown, size_t capacity,
                                      oclstm_error *error);
void network_modules_release(network_modules *modules);

// One layer by the prefix of its tensors; NOT_FOUND where no tensor has it.
oclstm_status network_module_find(network_module *out, const oclstm_tensors *file, const char *prefix, oclstm_error *error);

// The tensors of a layer and direction; only those of a module that was found, where they all are.
lstm_weights network_lstm_weights(const oclstm_tensors *file, const network_module *module, int layer, int direction);

// The layers in order: those that `list` (or the file's metadata) names, otherwise the one order in which they chain.
oclstm_status network_modules_order(network_modules *out, const oclstm_tensors *file, const char *list, oclstm_error *error);

static inline bool network_is_recurrent(const network_module *module) {
    return module->layer.kind == OCLSTM_LAYER_LSTM || module->layer.kind == OCLSTM_LAYER_LSTM_CELL;
}

// Features of h of a recurrent layer.
static inline int64_t network_width(const oclstm_layer *layer) {
    return layer->proj_size > 0 ? layer->proj_size : layer->hidden_size;
}

#endif
