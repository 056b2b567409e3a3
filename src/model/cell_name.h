// SPDX-License-Identifier: Apache-2.0
// Cell names and the names of their tensors. A cell NAME has NAME.weight_ih; a layer of a torch.nn.LSTM NAME has
// NAME.weight_ih_l0 and is called NAME_l0. Without a NAME both stand bare: weight_ih is "", weight_ih_l0 is "l0".
#ifndef OCLSTM_MODEL_CELL_NAME_H
#define OCLSTM_MODEL_CELL_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define CELL_NAME_CAPACITY 256 // of oclstm_cell_entry.name

typedef struct cell_name {
    char prefix[CELL_NAME_CAPACITY + 1]; // with its dot, "" when bare
    char suffix[32];                     // "", "_l0", "_l0_reverse"
    int layer;                           // -1 for a cell
    bool reverse;
} cell_name;

// Enough for prefix, "weight_ih" and suffix.
typedef struct tensor_name {
    char text[CELL_NAME_CAPACITY + 48];
} tensor_name;

// From the name of a tensor whose last part is `role` ("weight_ih"), with or without a layer. False when it is another tensor, or
// the cell's name would not fit an entry.
bool model_cell_name_from_tensor(cell_name *out, const char *tensor, const char *role);

// "lstm" read as a cell, "lstm_l0" read as a layer: a name may be meant either way. False when it cannot be that.
bool model_cell_name_as_cell(cell_name *out, const char *name);
bool model_cell_name_as_layer(cell_name *out, const char *name);

// What the entry is called.
void model_cell_name_to_text(const cell_name *name, char text[CELL_NAME_CAPACITY]);

// The name of a cell's tensor: "weight_ih" -> "lstm.weight_ih_l0".
tensor_name model_cell_tensor_name(const cell_name *name, const char *role);

#endif
