// SPDX-License-Identifier: Apache-2.0
// The values of a pickle being read: made, and put into each other.
#ifndef OCLSTM_MODEL_PICKLE_VALUES_H
#define OCLSTM_MODEL_PICKLE_VALUES_H

#include "model/pickle.h"

// Each returns false when host memory is exhausted.

// A new value, zeroed but for its kind; its number in *made.
bool pickle_make(pickle *tree, pickle_kind kind, uint32_t *made);
bool pickle_add_item(pickle *tree, uint32_t owner, uint32_t item);
bool pickle_add_items(pickle *tree, uint32_t owner, const uint32_t *items, size_t count);

// Does a value of this kind have items?
bool pickle_has_items(pickle_kind kind);

// Room for one more element in a growing array.
bool pickle_grow(void **array, size_t *capacity, size_t count, size_t element_bytes);

#endif
