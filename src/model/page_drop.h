// SPDX-License-Identifier: Apache-2.0
// Keeps the resident part of a mapped file small while it is read through: pages that were touched are given back.
#ifndef OCLSTM_MODEL_PAGE_DROP_H
#define OCLSTM_MODEL_PAGE_DROP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct page_drop {
    bool enabled;
    unsigned char *map;
    size_t map_bytes;
    size_t low, high;    // the span that was touched since the last drop, as offsets in the mapping
    size_t charge_bytes; // an upper bound of what the touches made resident
} page_drop;

// Before or after reading `bytes` at `offset` of the mapping. Drops when enough has gathered.
void model_page_drop_touch(page_drop *drop, size_t offset, size_t bytes);

// Drops what remains.
void model_page_drop_finish(page_drop *drop);

#endif
