// SPDX-License-Identifier: Apache-2.0
// Memory for protobuf-c with a bound: two bytes of a message may ask for a hundred bytes of structures.
#ifndef OCLSTM_MODEL_PROTOBUF_MEMORY_H
#define OCLSTM_MODEL_PROTOBUF_MEMORY_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

typedef struct protobuf_memory {
    ProtobufCAllocator allocator;
    size_t left;    // bytes that may still be asked for
    bool refused;   // more was asked for
    bool exhausted; // the host had no more
} protobuf_memory;

// An allocator that gives at most `most_bytes` in all. Points at itself: not to be copied.
void protobuf_memory_init(protobuf_memory *memory, size_t most_bytes);

#endif
