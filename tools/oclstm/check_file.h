// SPDX-License-Identifier: Apache-2.0
// One reference file: a framework's weights, inputs and answers, recomputed here.
#ifndef OCLSTM_TOOL_CHECK_FILE_H
#define OCLSTM_TOOL_CHECK_FILE_H

#include "compare.h"
#include "options.h"

typedef enum check_result { CHECK_OK, CHECK_FAIL, CHECK_SKIP } check_result;

// What came of a file. Strings point into this record or are constants, except path.
typedef struct check_outcome {
    const char *path;
    check_result result;
    char reason[1400];       // for SKIP, and for a FAIL in which nothing could be compared
    bool compared;           // the members below are set
    bool sequence;           // false: a cell, one step
    comparison worst;        // device against the framework's answers
    double tolerance;        // for worst.error
    comparison exact;        // device against a double-precision evaluation
    bool exact_known;        // `exact` is set: for a cell
    double framework_error;  // the framework against the same, from the file; negative = not said
    char framework[64];      // "torch 2.13.0"
    bool gradients_compared; // the members below are set
    comparison gradient;     // the device's gradients against the framework's: |a - b| / max |b| of each tensor
    double gradient_tolerance;
    bool gradients_exact_known;
    comparison gradient_exact;       // against the double-precision evaluation; without the array's name
    double framework_gradient_error; // as framework_error
    char gradient_array[300];        // gradient.array points here
    oclstm_dtype dtype;
    int64_t steps, batch, input, hidden; // batch 0: without
    oclstm_engine engine;
} check_outcome;

// Recomputes the answers of one file, on one device or divided among several. Never fails itself: what goes wrong is the outcome.
void check_file(check_outcome *out, const char *path, oclstm_device *const *devices, size_t count, const cli_options *options);

// Is everything that was compared within its tolerance?
bool check_outcome_within(const check_outcome *outcome);

#endif
