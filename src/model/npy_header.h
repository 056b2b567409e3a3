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

// Room for the longest header that is written: 8 extents of 19 digits.
enum { NPY_HEADER_BYTES = 384 };

// Fills in the header, whole, of version 1.0: C order, native byte order. Any dtype but BF16. Returns its length.
size_t model_npy_make_header(char header[NPY_HEADER_BYTES], oclstm_dtype dtype, int rank, const int64_t *shape);

#endif
