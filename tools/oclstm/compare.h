// SPDX-License-Identifier: Apache-2.0
// How far results are from what they should be: the measure of `check` and `selftest`.
#ifndef OCLSTM_TOOL_COMPARE_H
#define OCLSTM_TOOL_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

// The worst element of an array. NaN and infinity must stand at exactly the same places; an element where they do not is
// worse than any other, and its error is infinite.
typedef struct comparison {
    const char *array; // the array's name
    int64_t index;     // of the element, in C order
    double got;
    double expected;
    double error;      // |got - expected| / (1 + |expected|), or as compare_add_scaled() says
    int64_t misplaced; // elements where NaN or infinity stands on one side only, or infinities differ in sign
} comparison;

// Takes `count` elements into a comparison that began zeroed.
void compare_add(comparison *worst, const char *array, const double *got, const double *expected, int64_t count);

// The same, the error being in measure of the array's largest element: |got - expected| / max |expected|, or |got| where all are zero.
void compare_add_scaled(comparison *worst, const char *array, const double *got, const double *expected, int64_t count);

// Takes the other comparison's worst element where it is worse.
void compare_merge(comparison *worst, const comparison *other);

// Within the tolerance, and nothing misplaced.
bool compare_within(const comparison *worst, double tolerance);

#endif
