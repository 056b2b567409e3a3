// SPDX-License-Identifier: Apache-2.0
// The arrays of one case of the self-test: what the cell is given, where its results go, what they should be.
#ifndef OCLSTM_TOOL_SELFTEST_DATA_H
#define OCLSTM_TOOL_SELFTEST_DATA_H

#include "selftest_case.h"

// In the order in which the seed fills them.
enum { X, H0, C0, WEIGHT_IH, WEIGHT_HH, BIAS_IH, BIAS_HH, INPUTS };
enum { Y, HN, CN, RESULTS };

typedef struct case_data {
    selftest_case test; // with the steps that are run
    oclstm_dtype dtype;
    int64_t input_counts[INPUTS];
    int64_t result_counts[RESULTS];
    void *inputs[INPUTS];         // in dtype
    double *exact_inputs[INPUTS]; // the same values
    void *results[RESULTS];
    double *wide_results[RESULTS];
    double *expected[RESULTS];
} case_data;

// Makes a cell of the data and calls it: the whole sequence, in one call or two, or step by step. Steps leave h of each in
// Y and c of the last in CN, and HN as it was. A group has no states on the device: what is streamed elsewhere is called as it is.
oclstm_status selftest_call(const case_data *data, const selftest_target *target, oclstm_engine engine, selftest_form form,
                            oclstm_error *error);

#endif
