// SPDX-License-Identifier: Apache-2.0
// A tensor of a file as an array of a call.
#ifndef OCLSTM_MODEL_TENSOR_ARRAY_H
#define OCLSTM_MODEL_TENSOR_ARRAY_H

#include <string.h>

#include <oclstm/array.h>
#include <oclstm/tensors.h>

// All zero, which is an array that is not given, where tensor is NULL. The tensor's data is not copied.
static inline oclstm_const_array tensor_array(const oclstm_tensor *tensor) {
    oclstm_const_array array = {0};
    if (tensor == NULL)
        return array;
    array.data = tensor->data;
    array.dtype = tensor->dtype;
    array.rank = tensor->rank;
    memcpy(array.shape, tensor->shape, sizeof array.shape);
    return array;
}

#endif
