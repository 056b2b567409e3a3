// SPDX-License-Identifier: Apache-2.0
// A growing list of layers.
#ifndef OCLSTM_NETWORK_MODULES_LIST_H
#define OCLSTM_NETWORK_MODULES_LIST_H

#include "network/modules.h"

// False when host memory is exhausted.
bool network_modules_add(network_modules *list, const network_module *module);

#endif
