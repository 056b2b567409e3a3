// SPDX-License-Identifier: Apache-2.0
// Host allocation: zeroed, overflow-checked, freed with free(). NULL only when there is no memory, or for a size that overflows.
#ifndef OCLSTM_BASE_MEMORY_H
#define OCLSTM_BASE_MEMORY_H

#include <stdlib.h>

static inline void *base_alloc(size_t count, size_t element_bytes) {
    return calloc(count ? count : 1, element_bytes ? element_bytes : 1);
}

#endif
