// SPDX-License-Identifier: Apache-2.0
// PyTorch's older files: pickles, one after the other, then the storages.
#include "fuzz_body.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) { return fuzz_body(data, size, 0, "\x80"); }
