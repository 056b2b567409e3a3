// SPDX-License-Identifier: Apache-2.0
// Zip archives: PyTorch's newer files, and NumPy's .npz.
#include "fuzz_body.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) { return fuzz_body(data, size, 0, "PK"); }
