// SPDX-License-Identifier: Apache-2.0
// Bodies that are still to come.
#include "base/error.h"
