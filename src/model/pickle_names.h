// SPDX-License-Identifier: Apache-2.0
// Which Python names a file of tensors may use.
#ifndef OCLSTM_MODEL_PICKLE_NAMES_H
#define OCLSTM_MODEL_PICKLE_NAMES_H

#include "model/pickle.h"

// The number of a name, -1 for one that is not allowed.
int64_t pickle_find_name(const char *module, size_t module_bytes, const char *name, size_t name_bytes);

#endif
