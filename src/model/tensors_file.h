// SPDX-License-Identifier: Apache-2.0
// What an open file consists of, and the parsers that fill it in.
#ifndef OCLSTM_MODEL_TENSORS_FILE_H
#define OCLSTM_MODEL_TENSORS_FILE_H

#include <jansson.h>

#include <oclstm/tensors.h>

struct oclstm_tensors {
    char *path;
    const char *format;
    int fd;
    unsigned char *bytes; // the mapping, never written; not const because munmap() takes it so
    size_t size_bytes;    // of the file
    void *memory;         // in place of a mapping, where the format had to be unfolded: bytes point into it. fd is -1 then
    oclstm_tensor *tensors;
    const oclstm_tensor **by_name;
    size_t count;
    json_t *header; // safetensors: tensor names and metadata point into it
};

// Each parser checks the whole header against the mapping and sets tensors and count (and header). What it allocated
// before it failed belongs to the file and goes with it.
oclstm_status model_safetensors_parse(oclstm_tensors *file, oclstm_error *error);
oclstm_status model_npy_parse(oclstm_tensors *file, oclstm_error *error);
oclstm_status model_zip_parse(oclstm_tensors *file, oclstm_error *error);
oclstm_status model_torch_legacy_parse(oclstm_tensors *file, oclstm_error *error);
oclstm_status model_checkpoint_parse(oclstm_tensors *file, oclstm_error *error);
oclstm_status model_onnx_parse(oclstm_tensors *file, oclstm_error *error);

// Is it one of the formats that people hold models in and that are not read here? Then what it is and what to do, else NULL.
const char *model_foreign_format(const unsigned char *bytes, size_t size_bytes);

// Copies a part of the file that lies in it. Unlike a copy from the mapping it makes nothing of the file resident: one touch of
// a mapped page may bring in megabytes around it, where the system caches files in large pages.
oclstm_status model_file_copy(const oclstm_tensors *file, size_t offset, void *dst, size_t size_bytes, oclstm_error *error);

static inline bool model_host_is_big_endian(void) {
    const union {
        uint16_t word;
        unsigned char byte[2];
    } probe = {1};
    return probe.byte[0] == 0;
}

#endif
