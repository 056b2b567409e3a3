// SPDX-License-Identifier: Apache-2.0
// An LSTM node of an ONNX model, its attributes resolved. Source: the operator's definition, https://onnx.ai/onnx/operators/onnx__LSTM.html
#ifndef OCLSTM_MODEL_ONNX_LSTM_H
#define OCLSTM_MODEL_ONNX_LSTM_H

#include "model/onnx.pb-c.h"
#include "model/recurrent_traits.h"
#include "model/tensors_file.h"

typedef struct onnx_lstm {
    char name[200];                                                  // of the node; "lstm", "lstm2" ... where it has none
    const Oclstm__OnnxTensor *w, *r, *b, *initial_h, *initial_c, *p; // from b on NULL where absent
    int64_t directions, hidden, input;
    bool has_lengths; // sequence_lens is an input of the model
    recurrent_traits traits;
} onnx_lstm;

// Reads a node. `count`: LSTM nodes before it. `constants` are values of Constant nodes, by their output's name.
oclstm_status onnx_lstm_parse(onnx_lstm *out, const oclstm_tensors *file, const Oclstm__OnnxGraph *graph,
                              const Oclstm__OnnxNode *node, size_t count, oclstm_error *error);

#endif
