// SPDX-License-Identifier: Apache-2.0
// Which cases there are. Sizes stand one below, at and one above the tiles of 4, 8, 16, 32, 64 and 128 that matrix kernels are cut
// into, in each of batch, input and hidden; the forms of call are spread over them. The short list reaches each of the library's kernels, one row
// and many, with cut tiles: what it leaves out are sizes.
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "selftest_case.h"

// steps, batch, input, hidden, form
static const selftest_case cases[] = {
    {1, 1, 1, 1, QUICK},
    {1, 1, 1, 1, UNBATCHED | FROM_STATE},
    {5, 1, 10, 16, UNBATCHED | QUICK},
    {5, 3, 10, 16, FROM_STATE | QUICK},
    {5, 3, 10, 16, FROM_STATE | WITHOUT_BIAS},
    {1, 2, 3, 5, FROM_STATE},
    {2, 2, 3, 4, BATCH_FIRST},
    {3, 4, 7, 8, FROM_STATE | BATCH_FIRST | QUICK},
    {2, 5, 8, 9, WITHOUT_BIAS | QUICK},
    {2, 7, 15, 15, FROM_STATE},
    {2, 8, 16, 17, FROM_STATE | WITHOUT_BIAS},
    {2, 9, 17, 16, BATCH_FIRST | WITHOUT_BIAS},
    {2, 15, 31, 31, FROM_STATE},
    {2, 16, 32, 33, 0},
    {2, 17, 33, 32, FROM_STATE | STREAMED | QUICK},
    {2, 31, 63, 63, WITHOUT_BIAS | FROM_STATE},
    {2, 32, 64, 65, FROM_STATE},
    {2, 33, 65, 64, BATCH_FIRST | FROM_STATE},
    {2, 63, 9, 7, FROM_STATE},
    {2, 64, 20, 24, FROM_STATE | BATCH_FIRST},
    {2, 65, 5, 31, WITHOUT_BIAS},
    {2, 1, 127, 129, FROM_STATE | QUICK},
    {2, 1, 128, 127, UNBATCHED | STREAMED},
    {3, 2, 129, 128, FROM_STATE},
    {1, 129, 6, 12, FROM_STATE},
    {1, 257, 40, 48, FROM_STATE},
    {1, 1, 300, 260, FROM_STATE},
    {100, 3, 6, 20, FROM_STATE | STREAMED},
    {1000, 1, 4, 8, FROM_STATE},
    {6, 8, 6, 9, FROM_STATE | NONFINITE | QUICK},
    {3, 33, 17, 33, FROM_STATE | NONFINITE | WITHOUT_BIAS},
    {4, 5, 20, 24, FROM_STATE | LARGE | QUICK},
};

const selftest_case *selftest_cases(size_t *count) {
    *count = sizeof cases / sizeof cases[0];
    return cases;
}

bool selftest_case_fits(const selftest_case *test, selftest_form form) {
    return form == SELFTEST_SEQUENCE || !(test->form & BATCH_FIRST);
}

void selftest_case_text(const selftest_case *test, selftest_form form, char *text, size_t capacity) {
    const bool single = form == SELFTEST_CELL;
    const unsigned marks = test->form;
    snprintf(text, capacity, "%ssteps %lld batch %lld input %lld hidden %lld%s%s%s%s%s%s%s", single ? "single " : "",
             (long long)(single && test->steps > SELFTEST_STEPS ? SELFTEST_STEPS : test->steps), (long long)test->batch,
             (long long)test->input, (long long)test->hidden, marks & WITHOUT_BIAS ? ", no bias" : "",
             marks & FROM_STATE ? ", from a state" : "", marks & BATCH_FIRST ? ", batch first" : "",
             marks & UNBATCHED ? ", unbatched" : "", marks & STREAMED ? ", streamed" : "",
             marks & NONFINITE ? ", with NaN and infinity" : "", marks & LARGE ? ", large inputs" : "");
}

// A gate's argument is a sum of input + hidden products. Rounding each to half a unit in the last place, with errors that do not
// all point one way, leaves it off by about eps/2 x sqrt(terms); the factor of 2 eps leaves room for sums of size up to 4. The constant 4
// is for exp and tanh, which OpenCL lets be 3 and 5 units off. The error of the state does not grow with the steps: the
// forget gate shrinks it. Inputs to 50 make the sums that much larger.
//
// In 16 bits h is rounded in each step by half a unit in the last place, and goes into all gates of the next one; weights and inputs are the
// rounded ones on both sides. Of that unit the result itself takes a half, h of the step before about a third, those before it less. Products
// in float16 arithmetic are rounded, too, and large inputs make them that much larger, but saturate the gates.
double selftest_tolerance(const selftest_case *test, oclstm_dtype dtype) {
    if (dtype == OCLSTM_F16 || dtype == OCLSTM_BF16)
        return (dtype == OCLSTM_F16 ? 0x1p-10 : 0x1p-7) * (test->form & LARGE && dtype == OCLSTM_F16 ? 8.0 : 2.0);
    const double eps = dtype == OCLSTM_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
    const double size = test->form & LARGE ? 50.0 : 1.0;
    return 2.0 * eps * size * (4.0 + sqrt((double)(test->input + test->hidden)));
}
