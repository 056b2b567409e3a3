// SPDX-License-Identifier: Apache-2.0
// A checkpoint's checksum: CRC-32 over every tensor and every metadata entry but its own, in order of their names; whatever else a file's bytes
// may be, the same content gives the same sum.
#ifndef OCLSTM_TRAIN_CHECKPOINT_CHECKSUM_H
#define OCLSTM_TRAIN_CHECKPOINT_CHECKSUM_H

#include <oclstm/tensors.h>

#define CHECKSUM_KEY "oclstm.checksum"

typedef struct checkpoint_checksum {
    char text[24]; // "crc32:0123abcd"
} checkpoint_checksum;

// Of what is going to be written.
oclstm_status checkpoint_checksum_arrays(checkpoint_checksum *out, const oclstm_named_array *arrays, size_t count,
                                         const oclstm_metadata *metadata, size_t metadata_count, oclstm_error *error);

// Of what a file holds.
oclstm_status checkpoint_checksum_file(checkpoint_checksum *out, const oclstm_tensors *file, oclstm_error *error);

#endif
