// SPDX-License-Identifier: Apache-2.0
// The cases of `oclstm selftest`: shapes and forms of call, run on the device and beside the double-precision reference.
#ifndef OCLSTM_TOOL_SELFTEST_CASE_H
#define OCLSTM_TOOL_SELFTEST_CASE_H

#include <stddef.h>

#include "compare.h"
#include "reference.h"

#include <oclstm/oclstm.h>

// How a case feeds the cell.
enum {
    WITHOUT_BIAS = 1,
    FROM_STATE = 2,  // (h0, c0) given; else absent
    BATCH_FIRST = 4, // x and y are [batch][steps][...]
    UNBATCHED = 8,   // batch is 1 and has no dimension
    STREAMED = 16,   // in two calls, the state kept on the device between them; time-major only
    NONFINITE = 32,  // NaN and infinity among x, h0 and c0
    LARGE = 64       // inputs to +-50: saturated gates
};

typedef struct selftest_case {
    int64_t steps, batch, input, hidden;
    unsigned form;
} selftest_case;

// The list, and its length.
const selftest_case *selftest_cases(size_t *count);

// "steps 3 batch 5 input 33 hidden 65, no bias, streamed".
void selftest_case_text(const selftest_case *test, char *text, size_t capacity);

// The largest |a-b|/(1+|b|) allowed; the reason stands with the definition.
double selftest_tolerance(const selftest_case *test, oclstm_dtype dtype);

// Runs one case; the data follow from seed. `worst` gets the worst element. On a failed call, its status and the record.
oclstm_status selftest_case_run(const selftest_case *test, oclstm_device *device, oclstm_engine engine, oclstm_dtype dtype,
                                uint64_t seed, comparison *worst, oclstm_error *error);

#endif
