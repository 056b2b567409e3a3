// SPDX-License-Identifier: Apache-2.0
// What --json prints: one document on standard output. JSON has no NaN and no infinity: they become null.
#ifndef OCLSTM_TOOL_JSON_OUTPUT_H
#define OCLSTM_TOOL_JSON_OUTPUT_H

#include <jansson.h>

#include <oclstm/oclstm.h>

// A string; bytes that are no UTF-8, which a path or a driver's name may hold, become '?'. NULL becomes null.
json_t *json_text(const char *text);

// A number, or null where it is not finite.
json_t *json_number(double value);

// An array of extents.
json_t *json_shape(const int64_t *shape, int rank);

// Prints the document and releases it. EXIT_DONE, or EXIT_FAILED with the fault said: no memory (also when document is NULL).
int json_print(json_t *document);

// The same on one line, for output of one document a line.
int json_print_line(json_t *document);

#endif
