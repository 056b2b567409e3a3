// SPDX-License-Identifier: Apache-2.0
#include "gradient_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/oclstm/reference.h"
#include "train/train_engine.h"

enum { GUARD = 16 };
static const double poison = 776.0;

void host_values_set(host_values *values, size_t index, double value) {
    const size_t bytes = oclstm_dtype_size_bytes(values->dtype);
    reference_narrow((char *)values->data + index * bytes, &value, values->dtype, 1);
    reference_widen(&values->wide[index], (const char *)values->data + index * bytes, values->dtype, 1);
}

host_values host_values_make(oclstm_dtype dtype, size_t count, double bound) {
    host_values values = {.count = count, .dtype = dtype};
    values.data = fixture_alloc(count + GUARD, oclstm_dtype_size_bytes(dtype));
    values.wide = fixture_alloc(count + GUARD, sizeof *values.wide);
    for (size_t i = 0; i < count + GUARD; i++)
        host_values_set(&values, i, bound > 0 && i < count ? fixture_uniform(-bound, bound) : poison);
    return values;
}

void host_values_free(host_values *values) {
    free(values->data);
    free(values->wide);
    *values = (host_values){0};
}

oclstm_array host_values_array(const host_values *values, const int64_t extents[3]) {
    oclstm_array array = {.data = values->data, .dtype = values->dtype};
    int64_t count = 1;
    for (int i = 0; i < 3; i++) {
        if (extents[i] != 0) {
            array.shape[array.rank++] = extents[i];
            count *= extents[i];
        }
    }
    ck_assert_int_eq(count, (int64_t)values->count);
    return array;
}

oclstm_const_array array_to_read(oclstm_array array) {
    oclstm_const_array out = {.data = array.data, .dtype = array.dtype, .rank = array.rank};
    memcpy(out.shape, array.shape, sizeof out.shape);
    return out;
}

// Sums over steps and batch of sums over units: the reference files' own tolerance.
double gradient_tolerance(oclstm_dtype dtype) { return dtype == OCLSTM_F64 ? 1e-12 : 2e-5; }

void expect_gradient_values(const host_values *values, const double *expected, const char *name, const char *what) {
    const double tolerance = gradient_tolerance(values->dtype);
    double *got = fixture_alloc(values->count + GUARD, sizeof *got), largest = 0, worst = 0;
    size_t bad = 0;
    reference_widen(got, values->data, values->dtype, (int64_t)(values->count + GUARD));
    for (size_t i = 0; i < values->count; i++)
        largest = fmax(largest, isnan(expected[i]) ? 0 : fabs(expected[i]));
    for (size_t i = 0; i < values->count; i++) {
        const double difference = isnan(expected[i]) ? 0 : fabs(got[i] - expected[i]);
        if (!(difference <= worst)) {
            worst = isnan(difference) ? (double)INFINITY : difference;
            bad = i;
        }
    }
    largest = fmax(largest, 0.01); // a sum that cancels out is as exact as its terms
    ck_assert_msg(worst <= tolerance * largest,
                  "%s: %s[%zu] of %zu is %.17g, expected %.17g, the largest being %.3g; %s, seed %llu", what, name, bad,
                  values->count, got[bad], expected[bad], largest, oclstm_dtype_name(values->dtype),
                  (unsigned long long)fixture_seed());
    for (size_t i = values->count; i < values->count + GUARD; i++)
        ck_assert_msg(got[i] == poison, "%s: %s is written beyond its end", what, name);
    free(got);
}

bool host_values_same(const host_values *a, const host_values *b) {
    return a->count == b->count && memcmp(a->data, b->data, a->count * oclstm_dtype_size_bytes(a->dtype)) == 0;
}

const oclstm_engine *gradient_engines(oclstm_dtype dtype) {
    static oclstm_engine engines[OCLSTM_ENGINE_CLBLAST + 1];
    int count = 0;
    for (int id = OCLSTM_ENGINE_PORTABLE; id <= OCLSTM_ENGINE_CLBLAST; id++) {
        const train_engine *found;
        oclstm_error error;
        const oclstm_status status = train_engine_choose(&found, fixture_device(), dtype, (oclstm_engine)id, &error);
        ck_assert_msg(status == OCLSTM_OK || status == OCLSTM_UNSUPPORTED, "%s", error.message);
        if (status == OCLSTM_OK)
            engines[count++] = found->id;
    }
    engines[count] = OCLSTM_ENGINE_AUTO;
    ck_assert_int_gt(count, 0);
    return engines;
}

void gradient_turn(row_order order, double *to, const double *from, size_t features, bool to_time_major) {
    for (size_t t = 0; t < order.steps; t++) {
        for (size_t b = 0; b < order.batch; b++) {
            const size_t own = order.batch_first ? b * order.steps + t : t * order.batch + b, plain = t * order.batch + b;
            memcpy(to + (to_time_major ? plain : own) * features, from + (to_time_major ? own : plain) * features,
                   features * sizeof *to);
        }
    }
}
