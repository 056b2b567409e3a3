// SPDX-License-Identifier: Apache-2.0
// Model files of recurrent networks, tensor by tensor, as .safetensors in the folder of file_fixture.h.
#ifndef OCLSTM_TESTS_MODEL_FIXTURE_H
#define OCLSTM_TESTS_MODEL_FIXTURE_H

#include <stdbool.h>

#include <oclstm/tensors.h>

typedef struct model_fixture {
    char tensors[32768], metadata[4096]; // JSON
    unsigned char *data;
    size_t data_bytes;
    unsigned seed;
    const char *without; // a tensor of this name is left out; NULL: none
} model_fixture;

// Adds a tensor of small random values: model_tensor(&m, "head.weight", OCLSTM_F32, 2, 3, 8).
void model_tensor(model_fixture *model, const char *name, oclstm_dtype dtype, int rank, ...);

// Adds a torch.nn.LSTM's tensors; proj 0: none; an nn.LSTMCell's; a linear layer's.
typedef struct model_lstm {
    const char *prefix;                          // with its point, or ""
    int input, hidden, proj, layers, directions; // layers and directions: 0 is 1
    bool no_bias;
    oclstm_dtype dtype;
} model_lstm;
void model_add_lstm(model_fixture *model, const model_lstm *lstm);
void model_add_cell(model_fixture *model, const char *prefix, int input, int hidden);
void model_add_linear(model_fixture *model, const char *prefix, int inputs, int outputs, bool bias);
#define MODEL_LSTM(model, ...) model_add_lstm(model, &(const model_lstm){__VA_ARGS__})

void model_add_metadata(model_fixture *model, const char *key, const char *value);

// Writes the file, opens it, and empties the fixture for the next model. Close it with oclstm_tensors_close().
oclstm_tensors *model_open(model_fixture *model);

#endif
