// SPDX-License-Identifier: Apache-2.0
/**
 * @file network.h
 * The recurrent part of a model: layers in order, run on a device from tokens or features to the head's outputs.
 *
 * Layers. A network is a row of layers, each fed by the one before:
 *
 *     embedding   y[t][b] = weight[token[t][b]]                        weight [vocabulary][features]; only as the first layer
 *     lstm        torch.nn.LSTM / mindspore.nn.LSTM: num_layers, both directions, projection; or an ONNX LSTM node
 *     lstm cell   one torch.nn.LSTMCell, stepped over the sequence; several in a row are the usual stack of cells
 *     linear      y = W x + b                                          weight [outputs][inputs], bias [outputs] or none
 *     relu, sigmoid, softmax (over the features)
 *
 * They are found in a model file from names and shapes where those are unambiguous, or named: see oclstm_network_load().
 *
 * Shapes; the last index runs fastest:
 *
 *     x       [steps][batch][features], [batch][steps][features] with batch_first, [steps][features] without a batch
 *     tokens  [steps][batch], [batch][steps] with batch_first, [steps] without a batch: I64 or I32, 0 <= token < vocabulary
 *     y       as x, with the outputs of the last layer in place of features
 *     h0, hn  of each lstm layer: [num_layers * directions][batch][P or hidden] in torch's order (layer 0 forward, layer 0 backward, layer 1 ...),
 *             several recurrent layers one after the other; only where all have the same width. c0, cn likewise with hidden
 *     lengths [batch], I64 or I32, 1 to steps, in any order: y is zero behind a sequence's end, hn and cn are those of its last step, and the
 *             backward direction begins there: the results of torch's packed sequences
 *
 * Numerics: as in cell.h, in the network's dtype. Dropout and other things of training do nothing here.
 *
 * Memory: weights are uploaded once. A long sequence goes through in time slices, except through a backward direction, which needs all steps at once:
 * oclstm_network_describe() and the error say how much.
 *
 * Thread-safety: a network, with its streams, is used by one thread at a time; different networks may run in different threads, also on one device.
 */
#ifndef OCLSTM_NETWORK_H
#define OCLSTM_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oclstm/array.h>
#include <oclstm/cell.h>
#include <oclstm/device.h>
#include <oclstm/status.h>
#include <oclstm/tensors.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A network on a device. */
typedef struct oclstm_network oclstm_network;

/** What a layer does. */
typedef enum oclstm_layer_kind {
    OCLSTM_LAYER_EMBEDDING,
    OCLSTM_LAYER_LSTM,
    OCLSTM_LAYER_LSTM_CELL,
    OCLSTM_LAYER_LINEAR,
    OCLSTM_LAYER_RELU,
    OCLSTM_LAYER_SIGMOID,
    OCLSTM_LAYER_SOFTMAX
} oclstm_layer_kind;

/** "embedding", "lstm", "lstm cell", "linear", "relu", "sigmoid", "softmax"; "unknown" for a number that is no kind. */
OCLSTM_API const char *oclstm_layer_kind_name(oclstm_layer_kind kind);

/** A layer as found. */
typedef struct oclstm_layer {
    oclstm_layer_kind kind;
    char name[256]; /**< the prefix of its tensors ("lstm" for "lstm.weight_ih_l0"); of relu and its kind, the kind's name */
    int64_t inputs; /**< features in; vocabulary of an embedding */
    int64_t outputs;
    int64_t hidden_size; /**< of lstm and lstm cell, else 0 */
    int64_t proj_size;   /**< 0 = no projection */
    int num_layers;      /**< of lstm; 1 for lstm cell; else 0 */
    int directions;      /**< 1 or 2; of lstm, else 0 */
    bool reverse;        /**< an ONNX node of direction "reverse" */
    bool bias;
    bool
        batch_first; /**< the file says that x and y are [batch][steps][...]: ONNX's layout 1. A call says so itself, see oclstm_network_call */
    bool
        general; /**< an lstm with peepholes, clip, coupled gates, other activations than sigmoid and tanh, or an initial state of its own */
    uint64_t parameters;
} oclstm_layer;

/** How to make a network. Zero is the default of every member. */
typedef struct oclstm_network_params {
    /** NULL: the value of the file's metadata key "oclstm.layers", or else found from names and shapes. Otherwise the layers in order, separated by
     * commas: prefixes of tensors ("embed,lstm,head"; "" for tensors without a prefix is written "."), and "relu", "sigmoid", "softmax". */
    const char *layers;
    bool dtype_given;   /**< compute in `dtype`; false: F64 where all weights are F64, otherwise F32 */
    oclstm_dtype dtype; /**< F32 or F64 */
    /** Forces an engine for the recurrent layers; AUTO by default. A layer with projection, peepholes, clip, coupled gates or other activations
     * always runs on its own portable kernel. */
    oclstm_engine engine;
} oclstm_network_params;

/**
 * Finds the layers of a model file without a device.
 * @param params  NULL, or options: `layers` is used.
 * @param[out] layers  an array allocated here, release it with oclstm_network_layers_free(). @param[out] count its length.
 * @return OK; NOT_FOUND (a name in `layers` that no tensor has: those there are, listed); FORMAT (nothing recurrent found; ambiguous: the message shows a
 *         `layers` to write; a tensor that is missing, extra or of a wrong shape: which layer lacks what; widths that do not chain: layer 2's inputs
 *         are not layer 1's outputs); UNSUPPORTED (an ONNX attribute outside the set); OUT_OF_MEMORY.
 */
OCLSTM_API oclstm_status oclstm_network_find(oclstm_layer **layers, size_t *count, const oclstm_tensors *file,
                                             const oclstm_network_params *params, oclstm_error *error);

/** Releases an array of oclstm_network_find() and sets the pointer to NULL. Accepts NULL and a pointer to NULL. */
OCLSTM_API void oclstm_network_layers_free(oclstm_layer **layers);

/**
 * Loads the network of a model file onto a device. The file may be closed afterwards.
 * @param[out] out  owned by the caller: oclstm_network_destroy(). NULL on failure. It holds the device.
 * @return as oclstm_network_find() and oclstm_cell_create(). Waits for the upload.
 */
OCLSTM_API oclstm_status oclstm_network_load(oclstm_network **out, oclstm_device *device, const oclstm_tensors *file,
                                             const oclstm_network_params *params, oclstm_error *error);

/** Destroys a network and sets the pointer to NULL. Accepts NULL and a pointer to NULL. */
OCLSTM_API void oclstm_network_destroy(oclstm_network **network);

/** Its layers; valid until the network is destroyed. */
OCLSTM_API const oclstm_layer *oclstm_network_layers(const oclstm_network *network, size_t *count);

/** The dtype that it computes in; OCLSTM_F32 for NULL. */
OCLSTM_API oclstm_dtype oclstm_network_dtype(const oclstm_network *network);

/** Does it begin with an embedding, so that a call takes tokens? */
OCLSTM_API bool oclstm_network_takes_tokens(const oclstm_network *network);

/**
 * Says what would execute calls of this shape: a line for each recurrent layer, with its name, the engine and why, as oclstm_cell_explain().
 * @param[out] text  cut to capacity with its terminating zero.
 * @return OK; INVALID_ARGUMENT (NULL, or batch or steps below 1); and as oclstm_cell_explain().
 */
OCLSTM_API oclstm_status oclstm_network_explain(const oclstm_network *network, int64_t batch, int64_t steps, char *text,
                                                size_t capacity, oclstm_error *error);

/** A run. Arrays by value: a zeroed one is absent. Of x and tokens the one that the first layer takes. */
typedef struct oclstm_network_call {
    oclstm_const_array x;
    oclstm_const_array tokens;
    oclstm_const_array lengths; /**< absent: all sequences have all steps */
    oclstm_const_array h0;      /**< h0 and c0 both, or neither (zero; an ONNX node's own initial state where it has one) */
    oclstm_const_array c0;
    oclstm_array y;
    oclstm_array hn; /**< each may be absent; may be the memory of h0 and c0 */
    oclstm_array cn;
    bool batch_first;
} oclstm_network_call;

/**
 * Runs the network over a sequence from and to host arrays. Everything stays on the device between the layers.
 * @return OK; INVALID_ARGUMENT (a rank, shape or dtype that does not fit, a token outside the vocabulary with its place, a length of zero or beyond the
 *         steps); and as oclstm_cell_sequence(). Waits until the results are written.
 */
OCLSTM_API oclstm_status oclstm_network_run(oclstm_network *network, const oclstm_network_call *call, oclstm_error *error);

/**
 * Shapes of the state for a batch (0 = without a batch dimension): rank and extents as in torch. An lstm cell network of C cells: [C][batch][hidden].
 * @return OK; UNSUPPORTED (the recurrent layers differ in width: their state has no one array).
 */
OCLSTM_API oclstm_status oclstm_network_state_shape(const oclstm_network *network, int64_t batch, int *rank, int64_t h_shape[3],
                                                    int64_t c_shape[3], oclstm_error *error);

/** Sequences that go on: the state is kept on the device between calls. */
typedef struct oclstm_stream oclstm_stream;

/**
 * Starts a stream at the zero state. Not for a network with a backward direction: UNSUPPORTED.
 * @param batch  rows of each step, at least 1.
 */
OCLSTM_API oclstm_status oclstm_stream_create(oclstm_stream **out, oclstm_network *network, int64_t batch, oclstm_error *error);

/** Feeds some steps, x [steps][batch][features] or tokens [steps][batch], and writes y [steps][batch][outputs]. Waits. */
OCLSTM_API oclstm_status oclstm_stream_feed(oclstm_stream *stream, const oclstm_const_array *x, const oclstm_array *y,
                                            oclstm_error *error);

/** Back to the zero state. */
OCLSTM_API oclstm_status oclstm_stream_reset(oclstm_stream *stream, oclstm_error *error);

/** Destroys a stream, before its network, and sets the pointer to NULL. Accepts NULL and a pointer to NULL. */
OCLSTM_API void oclstm_stream_destroy(oclstm_stream **stream);

#ifdef __cplusplus
}
#endif
#endif
