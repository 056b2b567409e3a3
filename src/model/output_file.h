// SPDX-License-Identifier: Apache-2.0
// A file that appears under its name whole, or not at all: what is written goes to a temporary file until the commit.
#ifndef OCLSTM_MODEL_OUTPUT_FILE_H
#define OCLSTM_MODEL_OUTPUT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <oclstm/status.h>

typedef struct output_file {
    char *path;      // as the caller gave it, for messages
    char *target;    // path with its symbolic links followed; NULL for a stream
    char *temporary; // beside target; NULL for a stream, whose temporary file has no name
    int fd;          // of the temporary file
    uint64_t size_bytes;
} output_file;

// Reserves size_bytes. On failure nothing is left behind, and *out need not be discarded.
oclstm_status model_output_file_create(output_file *out, const char *path, uint64_t size_bytes, oclstm_error *error);

oclstm_status model_output_file_write(const output_file *file, uint64_t offset, const void *src, size_t size_bytes,
                                      oclstm_error *error);

// Releases the file in either case; on failure what was written is gone.
oclstm_status model_output_file_commit(output_file *file, oclstm_error *error);

void model_output_file_discard(output_file *file);

#endif
