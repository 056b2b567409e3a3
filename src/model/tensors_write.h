// SPDX-License-Identifier: Apache-2.0
// The writers behind oclstm_tensors_write(). Names, shapes and presence are checked before.
#ifndef OCLSTM_MODEL_TENSORS_WRITE_H
#define OCLSTM_MODEL_TENSORS_WRITE_H

#include <oclstm/tensors.h>

// What is to be written.
typedef struct tensors_text {
    const char *path;
    const oclstm_named_array *arrays;
    size_t count;
    const oclstm_metadata *metadata;
    size_t metadata_count;
} tensors_text;

oclstm_status model_safetensors_write(const tensors_text *text, oclstm_error *error);
oclstm_status model_npz_write(const tensors_text *text, oclstm_error *error);

// Bytes of an array; checked before.
size_t model_array_bytes(const oclstm_const_array *array);

#endif
