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
    LARGE = 64,      // inputs to +-50: saturated gates
    QUICK = 128      // on the short list, too
};

typedef struct selftest_case {
    int64_t steps, batch, input, hidden;
    unsigned form;
} selftest_case;

// How the cell of a case is called: step by step, or with the sequence.
typedef enum selftest_form { SELFTEST_CELL, SELFTEST_SEQUENCE } selftest_form;

// Steps that single steps go to at most.
enum { SELFTEST_STEPS = 6 };

// What a case runs on: a device, or a group over several.
typedef struct selftest_target {
    oclstm_device *const *devices;
    size_t count;
} selftest_target;

// What is compared: y, hn and cn of a sequence; of single steps h of each, nothing, and c of the last.
enum { SELFTEST_FIELDS = 3 };

// The field's name; NULL where a form has none.
const char *selftest_field_name(selftest_form form, int field);

// The list, and its length.
const selftest_case *selftest_cases(size_t *count);

// Single steps have no time to lie in another order.
bool selftest_case_fits(const selftest_case *test, selftest_form form);

// "single steps 3 batch 5 input 33 hidden 65, no bias, streamed".
void selftest_case_text(const selftest_case *test, selftest_form form, char *text, size_t capacity);

// The largest |a-b|/(1+|b|) allowed; the reason stands with the definition.
double selftest_tolerance(const selftest_case *test, oclstm_dtype dtype);

// Runs one case; the data follow from seed. `worst` gets the worst element of each field. On a failed call, its status and the
// record; a device that a group has lost is a failed call, too.
oclstm_status selftest_case_run(const selftest_case *test, selftest_form form, const selftest_target *target, oclstm_engine engine,
                                oclstm_dtype dtype, uint64_t seed, comparison worst[SELFTEST_FIELDS], oclstm_error *error);

#endif
