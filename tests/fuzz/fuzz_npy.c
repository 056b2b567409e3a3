// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy files.
#include "fuzz_body.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) { return fuzz_body(data, size, 0, "\x93NUMPY"); }
