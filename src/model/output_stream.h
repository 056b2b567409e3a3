// SPDX-License-Identifier: Apache-2.0
// Outputs that cannot be replaced by a rename: pipes, terminals, devices, and descriptors by name (/dev/stdout).
#ifndef OCLSTM_MODEL_OUTPUT_STREAM_H
#define OCLSTM_MODEL_OUTPUT_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include <oclstm/status.h>

// Does the path name an open descriptor? It may be redirected to a regular file, which a rename would not reach.
bool model_output_is_descriptor(const char *path);

// Creates the temporary file without a name, in $TMPDIR or /tmp.
oclstm_status model_output_stream_spool(int *fd, const char *path, oclstm_error *error);

// Copies size_bytes of `fd` to the stream.
oclstm_status model_output_stream_copy(int fd, const char *path, uint64_t size_bytes, oclstm_error *error);

#endif
