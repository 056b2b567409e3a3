// SPDX-License-Identifier: Apache-2.0
// The tensors of a PyTorch pickle: a state_dict, or dictionaries of them ("model.lstm.weight_ih_l0" for {"model": state_dict}).
#ifndef OCLSTM_MODEL_TORCH_STATE_H
#define OCLSTM_MODEL_TORCH_STATE_H

#include "model/pickle.h"
#include "model/tensors_file.h"

// A storage as a tensor names it.
typedef struct torch_storage {
    const char *key; // not closed by a zero
    size_t key_bytes;
    oclstm_dtype dtype;
    int64_t element_count;
} torch_storage;

// Where the bytes of storages are.
typedef struct torch_storages {
    oclstm_status (*find)(void *context, const torch_storage *storage, const unsigned char **bytes, size_t *size_bytes,
                          oclstm_error *error);
    void *context;
    bool swapped; // in the other byte order than this machine's
} torch_storages;

// Reads the parts of a PICKLE_STORAGE.
oclstm_status torch_storage_parse(torch_storage *out, const pickle *tree, const pickle_value *value, const char *path,
                                  oclstm_error *error);

// Copies every tensor of the tree into the file's image. Tensors in lists, and entries that are no tensors, are passed over; a tree without any tensor is
// refused.
oclstm_status torch_state_read(oclstm_tensors *file, const pickle *tree, const torch_storages *storages, oclstm_error *error);

#endif
