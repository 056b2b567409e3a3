// SPDX-License-Identifier: Apache-2.0
#include "compare.h"

#include <math.h>

static double element_error(double got, double expected, double scale) {
    if (isnan(got) && isnan(expected))
        return 0.0;
    if (!isfinite(got) || !isfinite(expected))
        return got == expected ? 0.0 : (double)INFINITY;
    return fabs(got - expected) / (scale > 0.0 ? scale : 1.0 + fabs(expected));
}

// scale 0: in measure of one and the element itself.
static void add(comparison *worst, const char *array, const double *got, const double *expected, int64_t count, double scale) {
    for (int64_t k = 0; k < count; k++) {
        const double error = element_error(got[k], expected[k], scale);
        if (isinf(error))
            worst->misplaced++;
        if (!worst->array || error > worst->error) {
            worst->array = array;
            worst->index = k;
            worst->got = got[k];
            worst->expected = expected[k];
            worst->error = error;
        }
    }
}

void compare_add(comparison *worst, const char *array, const double *got, const double *expected, int64_t count) {
    add(worst, array, got, expected, count, 0.0);
}

void compare_add_scaled(comparison *worst, const char *array, const double *got, const double *expected, int64_t count) {
    double largest = 0.0;
    for (int64_t k = 0; k < count; k++)
        largest = isfinite(expected[k]) ? fmax(largest, fabs(expected[k])) : largest;
    add(worst, array, got, expected, count, largest > 0.0 ? largest : 1.0);
}

void compare_merge(comparison *worst, const comparison *other) {
    const int64_t misplaced = worst->misplaced + other->misplaced;
    if (other->array && (!worst->array || other->error > worst->error))
        *worst = *other;
    worst->misplaced = misplaced;
}

bool compare_within(const comparison *worst, double tolerance) { return worst->misplaced == 0 && worst->error <= tolerance; }
