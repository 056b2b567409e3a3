// SPDX-License-Identifier: Apache-2.0
#include "cell/array_check.h"

#include "base/shape.h"

oclstm_status array_check(const oclstm_const_array *array, const array_expectation *expected, oclstm_error *error) {
    if (array->rank < 0 || array->rank > OCLSTM_MAX_RANK)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s has rank %d; a rank is 0 to %d", expected->name, array->rank,
                         OCLSTM_MAX_RANK);
    const shape_text found = shape_to_text(array->shape, array->rank);
    if (array->dtype != expected->dtype)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is %s, but %s is %s: convert it to %s", expected->name,
                         oclstm_dtype_name(array->dtype), expected->dtype_of, oclstm_dtype_name(expected->dtype),
                         oclstm_dtype_name(expected->dtype));
    char wanted[96] = "";
    for (int axis = 0; axis < expected->rank; axis++)
        base_append(wanted, sizeof wanted, "[%s]", expected->axes[axis]);
    if (array->rank != expected->rank)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s has %d dimension%s, %s; expected %d: %s", expected->name, array->rank,
                         array->rank == 1 ? "" : "s", found.text, expected->rank, wanted);
    for (int axis = 0; axis < expected->rank; axis++) {
        if (array->shape[axis] != expected->shape[axis])
            return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                             "%s is %s: its dimension %d (%s) is %" PRId64 ", expected %" PRId64 " (the shape is %s = %s)",
                             expected->name, found.text, axis, expected->axes[axis], array->shape[axis], expected->shape[axis],
                             wanted, shape_to_text(expected->shape, expected->rank).text);
    }
    return OCLSTM_OK;
}
