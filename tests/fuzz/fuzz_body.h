// SPDX-License-Identifier: Apache-2.0
// What every fuzzer of a model file does with an input.
#ifndef OCLSTM_TESTS_FUZZ_BODY_H
#define OCLSTM_TESTS_FUZZ_BODY_H

#include <stddef.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

// Opens the input as a file and reads all that opened, to its last byte, by every way that leads into it. What must not be ends in abort(). `at` and
// `begin` are bytes that an input must have to be of this fuzzer's format; others are not worth keeping, and the result is -1, else 0.
int fuzz_body(const unsigned char *data, size_t size, size_t at, const char *begin);

#endif
