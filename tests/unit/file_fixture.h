// SPDX-License-Identifier: Apache-2.0
// A folder for a test's own files, and model files made byte by byte.
#ifndef OCLSTM_TESTS_FILE_FIXTURE_H
#define OCLSTM_TESTS_FILE_FIXTURE_H

#include <stddef.h>

#include <check.h>

// A test case whose folder exists while it runs, and is removed afterwards, also when a test fails.
TCase *file_case(Suite *suite, const char *name);

// The path of a file in that folder; valid until the fourth call after it.
const char *file_path(const char *name);

// Each writes a file whole and returns its path.
const char *file_write(const char *name, const void *bytes, size_t size_bytes);
const char *file_write_safetensors(const char *name, const char *header, const void *data, size_t data_bytes);
// The header is padded as NumPy pads it.
const char *file_write_npy(const char *name, int version, const char *header, const void *data, size_t data_bytes);

// Number of entries of the folder.
int file_count(void);

#endif
