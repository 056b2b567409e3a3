// SPDX-License-Identifier: Apache-2.0
// How a recurrent layer differs from torch.nn.LSTM: what ONNX's LSTM operator allows beyond it. Kept in a file's metadata under
// "LAYER.direction", "LAYER.activations", "LAYER.clip", "LAYER.input_forget", "LAYER.layout", so that a conversion loses nothing.
#ifndef OCLSTM_MODEL_RECURRENT_TRAITS_H
#define OCLSTM_MODEL_RECURRENT_TRAITS_H

#include <stdbool.h>

#include <oclstm/tensors.h>

#include "cl/lstm_activations.h"

struct json_t; // of Jansson

typedef struct recurrent_activation {
    int function; // LSTM_ACTIVATION_...
    double alpha, beta;
} recurrent_activation;

typedef struct recurrent_traits {
    bool reverse;                           // the only direction is backward
    bool both;                              // metadata says that there are both directions
    recurrent_activation activations[2][3]; // f, g, h of each direction
    bool has_clip;
    double clip; // gates' sums are held to [-clip, clip]
    bool input_forget;
    int layout; // 0: x is [steps][batch][input]; 1: [batch][steps][input]
} recurrent_traits;

// torch.nn.LSTM: sigmoid, tanh, tanh, nothing else.
recurrent_traits recurrent_traits_plain(void);
// Is a direction's arithmetic torch.nn.LSTM's?
bool recurrent_traits_are_plain(const recurrent_traits *traits, int direction);

// The function of ONNX's name, in any case, with its default alpha and beta; false for a name that there is not.
bool recurrent_activation_find(recurrent_activation *out, const char *name);

// From and to metadata. Absent keys mean plain. `set` adds the keys that are not plain to a JSON object of strings.
oclstm_status recurrent_traits_read(recurrent_traits *out, const oclstm_tensors *file, const char *layer, oclstm_error *error);
bool recurrent_traits_write(const recurrent_traits *traits, int directions, const char *layer, struct json_t *metadata);

#endif
