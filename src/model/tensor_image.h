// SPDX-License-Identifier: Apache-2.0
// Tensors that a format does not hold as they are handed out (strided, unaligned, compressed, inside a message) are copied once, into one
// block of the file's own.
#ifndef OCLSTM_MODEL_TENSOR_IMAGE_H
#define OCLSTM_MODEL_TENSOR_IMAGE_H

#include "model/tensors_file.h"

// A tensor as its format has it. Nothing here is owned; all of it must stay until model_image_build() has returned.
typedef struct image_entry {
    const char *name; // name_bytes long, without a closing zero
    size_t name_bytes;
    oclstm_dtype dtype;
    int rank;
    int64_t shape[OCLSTM_MAX_RANK];
    int64_t strides[OCLSTM_MAX_RANK]; // in elements, 0 or more
    bool swapped;                     // in the other byte order
    const unsigned char *source;      // of the first element
    size_t source_bytes;              // from there on; what shape and strides reach must lie within
} image_entry;

// Sets the strides of C order.
void model_image_set_c_order(image_entry *entry);

// A block that holds all entries in C order and native byte order, and their names, takes the place of the file's mapping. Refuses a name that
// occurs twice, an entry that reaches beyond its source, and more than `most_bytes` in all: a file cannot make the reader hold much more than its own size.
oclstm_status model_image_build(oclstm_tensors *file, const image_entry *entries, size_t count, size_t most_bytes,
                                oclstm_error *error);

#endif
