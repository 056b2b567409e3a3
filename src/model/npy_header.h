// SPDX-License-Identifier: Apache-2.0
// The header of an .npy file: a Python dict literal with the keys descr, fortran_order and shape.
#ifndef OCLSTM_MODEL_NPY_HEADER_H
#define OCLSTM_MODEL_NPY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oclstm/tensors.h>

typedef struct npy_header {
    oclstm_dtype dtype;
    bool swapped; // in the other byte order
    bool fortran_order;
    int rank;
    int64_t shape[OCLSTM_MAX_RANK];
} npy_header;

// Parses the literal strictly: these three keys, each once, in any order. `path` is for messages.
oclstm_status model_npy_header_parse(npy_header *out, const char *text, size_t text_bytes, const char *path, oclstm_error *error);

// Checks a whole .npy file in memory and describes its array, whose name is "" and whose data point into bytes.
oclstm_status model_npy_describe(oclstm_tensor *out, const unsigned char *bytes, size_t size_bytes, const char *path,
                                 oclstm_error *error);

#endif
