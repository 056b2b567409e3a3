// SPDX-License-Identifier: Apache-2.0
// A slice of the caller's arrays to and from the device, where matrices are time-major.
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "network/network_private.h"

static oclstm_status need_stage(oclstm_network *network, size_t bytes, oclstm_error *error) {
    if (network->stage_bytes >= bytes)
        return OCLSTM_OK;
    free(network->stage);
    network->stage_bytes = 0;
    network->stage = base_alloc(bytes, 1);
    if (network->stage == NULL)
        return base_fail_memory(error, bytes, "a slice of the call");
    network->stage_bytes = bytes;
    return OCLSTM_OK;
}

// Rows of [batch][steps] from and to rows of [count][batch].
static void to_time_major(char *to, const char *from, const network_shape *shape, size_t first, size_t count, size_t row_bytes) {
    for (size_t t = 0; t < count; t++) {
        for (size_t b = 0; b < shape->batch; b++)
            memcpy(to + (t * shape->batch + b) * row_bytes, from + (b * shape->steps + first + t) * row_bytes, row_bytes);
    }
}

static void from_time_major(char *to, const char *from, const network_shape *shape, size_t first, size_t count, size_t row_bytes) {
    for (size_t t = 0; t < count; t++) {
        for (size_t b = 0; b < shape->batch; b++)
            memcpy(to + (b * shape->steps + first + t) * row_bytes, from + (t * shape->batch + b) * row_bytes, row_bytes);
    }
}

static oclstm_status bring_tokens(oclstm_network *network, const oclstm_const_array *tokens, const network_shape *shape,
                                  size_t first, size_t count, oclstm_error *error) {
    oclstm_status status = need_stage(network, count * shape->batch * sizeof(cl_int), error);
    if (status != OCLSTM_OK)
        return status;
    cl_int *to = network->stage;
    for (size_t t = 0; t < count; t++) {
        for (size_t b = 0; b < shape->batch; b++) {
            const size_t at = shape->batch_first ? b * shape->steps + first + t : (first + t) * shape->batch + b;
            to[t * shape->batch + b] = tokens->dtype == OCLSTM_I64 ? (cl_int)((const int64_t *)tokens->data)[at]
                                                                   : (cl_int)((const int32_t *)tokens->data)[at];
        }
    }
    return device_write(network->device, network->tokens, 0, to, count * shape->batch * sizeof(cl_int), "the tokens", error);
}

oclstm_status network_bring_input(oclstm_network *network, const oclstm_const_array *input, const network_shape *shape,
                                  size_t first, size_t count, oclstm_error *error) {
    if (oclstm_network_takes_tokens(network))
        return bring_tokens(network, input, shape, first, count, error);
    const size_t row_bytes = (size_t)network->infos[0].inputs * network->element_bytes, bytes = count * shape->batch * row_bytes;
    const char *from = (const char *)input->data + first * shape->batch * row_bytes;
    if (shape->batch_first) {
        oclstm_status status = need_stage(network, bytes, error);
        if (status != OCLSTM_OK)
            return status;
        to_time_major(network->stage, input->data, shape, first, count, row_bytes);
        from = network->stage;
    }
    return device_write(network->device, network->from, 0, from, bytes, "x", error);
}

oclstm_status network_take_output(oclstm_network *network, const oclstm_array *y, const network_shape *shape, size_t first,
                                  size_t count, oclstm_error *error) {
    const size_t row_bytes = (size_t)network->infos[network->count - 1].outputs * network->element_bytes;
    const size_t bytes = count * shape->batch * row_bytes;
    if (!shape->batch_first)
        return device_read(network->device, (char *)y->data + first * shape->batch * row_bytes, network->from, 0, bytes, "y",
                           error);
    oclstm_status status = need_stage(network, bytes, error);
    if (status == OCLSTM_OK)
        status = device_read(network->device, network->stage, network->from, 0, bytes, "y", error);
    if (status == OCLSTM_OK)
        from_time_major(y->data, network->stage, shape, first, count, row_bytes);
    return status;
}
