// SPDX-License-Identifier: Apache-2.0
#include "check_gradients.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "grad_";

static bool is_gradient(const oclstm_tensor *tensor) { return strncmp(tensor->name, prefix, sizeof prefix - 1) == 0; }

bool gradients_in_file(const oclstm_tensors *file) {
    for (size_t i = 0; i < oclstm_tensors_count(file); i++) {
        if (is_gradient(oclstm_tensors_at(file, i)))
            return true;
    }
    return false;
}

bool gradient_check_begin(gradient_check *check, const oclstm_tensors *file, oclstm_dtype dtype, check_outcome *outcome) {
    *check = (gradient_check){.file = file, .dtype = dtype, .outcome = outcome};
    check->seen = calloc(oclstm_tensors_count(file) + 1, sizeof *check->seen);
    return check->seen || check_settle(outcome, CHECK_FAIL, "no memory for the gradients");
}

// The tensor grad_NAME, marked as seen, or NULL. *good: it has that many values.
static const oclstm_tensor *find(gradient_check *check, const char *name, int64_t count, bool *good) {
    *good = true;
    for (size_t i = 0; i < oclstm_tensors_count(check->file); i++) {
        const oclstm_tensor *tensor = oclstm_tensors_at(check->file, i);
        if (!is_gradient(tensor) || strcmp(tensor->name + sizeof prefix - 1, name) != 0)
            continue;
        const size_t size = oclstm_dtype_size_bytes(tensor->dtype);
        check->seen[i] = true;
        *good = size && tensor->size_bytes / size == (uint64_t)count;
        if (!*good)
            check_settle(check->outcome, CHECK_FAIL, "tensor '%s' does not have the %" PRId64 " values of %s", tensor->name, count,
                         name);
        return tensor;
    }
    return NULL;
}

bool gradient_check_input(gradient_check *check, const char *name, int64_t count, void **data) {
    bool good;
    const oclstm_tensor *tensor = find(check, name, count, &good);
    if (good && tensor)
        *data = check_read(check->file, tensor, check->dtype, check->outcome);
    return good && (!tensor || *data);
}

bool gradient_check_output(gradient_check *check, const char *name, const void *got, const double *exact, int64_t count) {
    bool good;
    check_outcome *outcome = check->outcome;
    const oclstm_tensor *tensor = find(check, name, count, &good);
    if (!good || !tensor)
        return good;
    double *expected = check_read(check->file, tensor, OCLSTM_F64, outcome), *wide = calloc((size_t)count + 1, sizeof *wide);
    good = expected && (wide || check_settle(outcome, CHECK_FAIL, "no memory to compare '%s'", tensor->name));
    if (good) {
        reference_widen(wide, got, check->dtype, count);
        compare_add_scaled(&outcome->gradient, tensor->name, wide, expected, count);
        if (exact)
            compare_add_scaled(&outcome->gradient_exact, tensor->name, wide, exact, count);
        outcome->gradients_compared = true;
        outcome->gradients_exact_known = exact != NULL;
    }
    free(expected);
    free(wide);
    return good;
}

// The file's own tolerance is for its own dtype.
static double tolerance_of(const gradient_check *check, const cli_options *options) {
    const char *own = oclstm_tensors_metadata(check->file, "tolerance_gradient");
    oclstm_dtype stored = check->dtype;
    for (size_t i = 0; i < oclstm_tensors_count(check->file); i++) {
        const oclstm_tensor *tensor = oclstm_tensors_at(check->file, i);
        stored = is_gradient(tensor) ? tensor->dtype : stored;
    }
    if (options->tolerance_given)
        return options->tolerance;
    if (own && (stored == check->dtype || check->dtype == OCLSTM_F64))
        return strtod(own, NULL);
    return check->dtype == OCLSTM_F64 && stored == OCLSTM_F64 ? 1e-10 : 1e-4;
}

bool gradient_check_end(gradient_check *check, const cli_options *options, bool good) {
    check_outcome *outcome = check->outcome;
    const char *own = oclstm_tensors_metadata(check->file, "own_error_gradient");
    for (size_t i = 0; good && i < oclstm_tensors_count(check->file); i++) {
        const oclstm_tensor *tensor = oclstm_tensors_at(check->file, i);
        if (is_gradient(tensor) && !check->seen[i])
            good = check_settle(outcome, CHECK_FAIL, "tensor '%s' is the gradient of nothing that is known here", tensor->name);
    }
    outcome->gradient_tolerance = tolerance_of(check, options);
    outcome->framework_gradient_error = own ? strtod(own, NULL) : -1.0;
    // The file will be closed before the outcome is printed.
    if (outcome->gradient.array) {
        snprintf(outcome->gradient_array, sizeof outcome->gradient_array, "%s", outcome->gradient.array);
        outcome->gradient.array = outcome->gradient_array;
        outcome->gradient_exact.array = NULL;
    }
    free(check->seen);
    check->seen = NULL;
    return good;
}
