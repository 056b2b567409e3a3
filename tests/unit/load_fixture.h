// SPDX-License-Identifier: Apache-2.0
// Opening model files that are right, and files that are wrong in every way.
#ifndef OCLSTM_TESTS_LOAD_FIXTURE_H
#define OCLSTM_TESTS_LOAD_FIXTURE_H

#include <stdbool.h>

#include <oclstm/oclstm.h>

#include "bytes_fixture.h"
#include "file_fixture.h"

// It opens, or the test fails with its message.
oclstm_tensors *load_good(const char *path);
oclstm_tensors *load_good_bytes(const bytes *block);

// It is refused with a message that holds these words, one that names the file; nothing is left behind.
void load_refused(const char *path, oclstm_status status, const char *words);
void load_refused_bytes(const bytes *block, const char *words); // with FORMAT

// Opens a file whatever it is, and everything that it holds: what opens must be readable to its last byte. Every refusal has a message. True when it
// opened.
bool load_any(const bytes *block);

// Every length from 0 to one byte short. Returns how many of them opened.
int load_truncated(const bytes *block);

// Every place, as a field of 1, 2, 4 and 8 bytes, with 0, 1, the largest number, the largest but one, and the largest with a sign. Each is handed to
// `load`, or to load_any() where that is NULL. Returns how many opened.
int load_extremes(const bytes *block, bool (*load)(const bytes *block));

// The same tensors: names, dtypes, shapes, bytes.
void load_compare(const oclstm_tensors *a, const oclstm_tensors *b);

// --- memory -------------------------------------------------------------------------------------------------------------

// Opens the file in a process of its own that may have so much more address space than this one has; it is refused, or opens. Skipped (true) where a
// sanitizer reserves address space.
void load_within(const bytes *block, size_t most_bytes);

#endif
