// SPDX-License-Identifier: Apache-2.0
#include "model/protobuf_memory.h"

#include <stdlib.h>

static void *give(void *data, size_t size_bytes) {
    protobuf_memory *memory = data;
    if (size_bytes > memory->left) {
        memory->refused = true;
        return NULL;
    }
    memory->left -= size_bytes;
    void *given = malloc(size_bytes > 0 ? size_bytes : 1);
    memory->exhausted = memory->exhausted || given == NULL;
    return given;
}

static void take_back(void *data, void *pointer) {
    (void)data;
    free(pointer);
}

void protobuf_memory_init(protobuf_memory *memory, size_t most_bytes) {
    *memory = (protobuf_memory){.allocator = {.alloc = give, .free = take_back, .allocator_data = memory}, .left = most_bytes};
}
