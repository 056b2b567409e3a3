// SPDX-License-Identifier: Apache-2.0
// The arguments of a run, against the network and each other.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/shape.h"
#include "cell/array_check.h"
#include "model/name_text.h"
#include "network/network_private.h"

static bool is_present(const oclstm_const_array *array) { return array->data != NULL; }

oclstm_status network_expect(const oclstm_const_array *array, const char *name, oclstm_dtype dtype, int rank, const int64_t *shape,
                             const char *axes, oclstm_error *error) {
    if (!is_present(array))
        return OCLSTM_OK;
    bool fits = array->rank == rank && array->dtype == dtype;
    for (int axis = 0; fits && axis < rank; axis++)
        fits = array->shape[axis] == shape[axis];
    if (fits)
        return OCLSTM_OK;
    const int found_rank = array->rank >= 0 && array->rank <= OCLSTM_MAX_RANK ? array->rank : 0;
    return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is %s of %s, expected %s of %s: %s", name,
                     shape_to_text(array->shape, found_rank).text, oclstm_dtype_name(array->dtype), shape_to_text(shape, rank).text,
                     oclstm_dtype_name(dtype), axes);
}

static int64_t read_integer(const oclstm_const_array *array, size_t at) {
    return array->dtype == OCLSTM_I64 ? ((const int64_t *)array->data)[at] : ((const int32_t *)array->data)[at];
}

static bool is_integer(const oclstm_const_array *array) { return array->dtype == OCLSTM_I64 || array->dtype == OCLSTM_I32; }

// The input's rank and extents: [steps][batch] with features behind, unless it is tokens.
static oclstm_status check_input(const oclstm_network *network, const oclstm_network_call *call, network_shape *out,
                                 oclstm_error *error) {
    const bool tokens = oclstm_network_takes_tokens(network);
    const oclstm_const_array *input = tokens ? &call->tokens : &call->x;
    const char *name = tokens ? "tokens" : "x";
    const int least = tokens ? 1 : 2;
    if (!is_present(input) || is_present(tokens ? &call->x : &call->tokens))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the network begins with %s: give %s, and no %s",
                         tokens ? "an embedding" : "features", name, tokens ? "x" : "tokens");
    if (tokens && !is_integer(input))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "tokens are %s, expected int64 or int32", oclstm_dtype_name(input->dtype));
    if (!tokens && input->dtype != network->dtype)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "x is %s, but the network computes in %s: convert x, or load it with dtype %s",
                         oclstm_dtype_name(input->dtype), oclstm_dtype_name(network->dtype), oclstm_dtype_name(input->dtype));
    if (input->rank != least && input->rank != least + 1)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s has %d dimensions, expected %d, or %d with a batch", name, input->rank,
                         least, least + 1);
    out->batched = input->rank == least + 1;
    out->batch_first = out->batched && call->batch_first;
    for (int axis = 0; axis < input->rank; axis++) {
        if (input->shape[axis] < 1 || input->shape[axis] > INT32_MAX)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is %s: each extent must be 1 to 2147483647", name,
                             shape_to_text(input->shape, input->rank).text);
    }
    if (!tokens && input->shape[input->rank - 1] != network->infos[0].inputs)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "x is %s: it has %" PRId64 " features, layer 1 ('%s') takes %" PRId64,
                         shape_to_text(input->shape, input->rank).text, input->shape[input->rank - 1],
                         name_to_text(network->infos[0].name).text, network->infos[0].inputs);
    out->steps = (size_t)input->shape[out->batch_first ? 1 : 0];
    out->batch = out->batched ? (size_t)input->shape[out->batch_first ? 0 : 1] : 1;
    return OCLSTM_OK;
}

static oclstm_status check_tokens(const oclstm_network *network, const oclstm_network_call *call, const network_shape *shape,
                                  oclstm_error *error) {
    if (!oclstm_network_takes_tokens(network))
        return OCLSTM_OK;
    const int64_t vocabulary = network->infos[0].inputs;
    for (size_t at = 0; at < shape->steps * shape->batch; at++) {
        const int64_t token = read_integer(&call->tokens, at);
        if (token >= 0 && token < vocabulary)
            continue;
        const size_t inner = shape->batch_first ? shape->steps : shape->batch;
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "the token at step %zu of row %zu is %" PRId64 "; the embedding '%s' has the tokens 0 to %" PRId64,
                         shape->batch_first ? at % inner : at / inner, shape->batch_first ? at / inner : at % inner, token,
                         name_to_text(network->infos[0].name).text, vocabulary - 1);
    }
    return OCLSTM_OK;
}

static oclstm_status check_lengths(const oclstm_network_call *call, network_shape *shape, oclstm_error *error) {
    const oclstm_const_array *lengths = &call->lengths;
    if (!is_present(lengths))
        return OCLSTM_OK;
    if (!is_integer(lengths) || lengths->rank != 1 || lengths->shape[0] != (int64_t)shape->batch)
        return base_fail(
            error, OCLSTM_INVALID_ARGUMENT, "lengths are %s of %s, expected [%zu] of int64 or int32: [batch]",
            shape_to_text(lengths->shape, lengths->rank >= 0 && lengths->rank <= OCLSTM_MAX_RANK ? lengths->rank : 0).text,
            oclstm_dtype_name(lengths->dtype), shape->batch);
    shape->lengths = base_alloc(shape->batch, sizeof *shape->lengths);
    if (shape->lengths == NULL)
        return base_fail_memory(error, shape->batch * sizeof *shape->lengths, "the lengths");
    for (size_t b = 0; b < shape->batch; b++) {
        const int64_t length = read_integer(lengths, b);
        if (length < 1 || length > (int64_t)shape->steps)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the length of row %zu is %" PRId64 "; expected 1 to the %zu steps", b,
                             length, shape->steps);
        shape->lengths[b] = (int)length;
    }
    return OCLSTM_OK;
}

static oclstm_status check_results(const oclstm_network *network, const oclstm_network_call *call, const network_shape *shape,
                                   oclstm_error *error) {
    const oclstm_const_array y = array_as_const(&call->y), hn = array_as_const(&call->hn), cn = array_as_const(&call->cn);
    const int64_t outputs = network->infos[network->count - 1].outputs, steps = (int64_t)shape->steps,
                  batch = (int64_t)shape->batch;
    int64_t y_shape[3] = {shape->batch_first ? batch : steps, shape->batch_first ? steps : batch, outputs};
    if (!shape->batched)
        y_shape[1] = outputs;
    oclstm_status status =
        network_expect(&y, "y", network->dtype, shape->batched ? 3 : 2, y_shape,
                       shape->batch_first ? "[batch][steps][outputs]" : "[steps], [batch] where there is one, [outputs]", error);
    if (status != OCLSTM_OK)
        return status;
    if (is_present(&call->h0) != is_present(&call->c0))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "only one of h0 and c0 is given: a state is the pair (h, c), both or neither");
    if (!is_present(&call->h0) && !is_present(&hn) && !is_present(&cn))
        return OCLSTM_OK;
    int rank;
    int64_t h_shape[3], c_shape[3];
    status = oclstm_network_state_shape(network, shape->batched ? batch : 0, &rank, h_shape, c_shape, error);
    const struct {
        const oclstm_const_array *array;
        const char *name;
        const int64_t *shape;
    } states[] = {{&call->h0, "h0", h_shape}, {&call->c0, "c0", c_shape}, {&hn, "hn", h_shape}, {&cn, "cn", c_shape}};
    for (size_t i = 0; i < 4 && status == OCLSTM_OK; i++)
        status = network_expect(states[i].array, states[i].name, network->dtype, rank, states[i].shape,
                                "[layers x directions], [batch] where there is one, [features]", error);
    return status;
}

oclstm_status oclstm_network_state_shape(const oclstm_network *network, int64_t batch, int *rank, int64_t h_shape[3],
                                         int64_t c_shape[3], oclstm_error *error) {
    if (network == NULL || rank == NULL || h_shape == NULL || c_shape == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_network_state_shape: an argument is NULL");
    if (!network->uniform)
        return base_fail(
            error, OCLSTM_UNSUPPORTED,
            "the network's recurrent layers differ in width, so their states fit no one array: leave h0, c0, hn and cn out");
    int axis = 0;
    h_shape[axis] = c_shape[axis] = (int64_t)network->unit_count;
    if (batch > 0) {
        axis++;
        h_shape[axis] = c_shape[axis] = batch;
    }
    axis++;
    h_shape[axis] = (int64_t)(network->h_features / network->unit_count);
    c_shape[axis] = (int64_t)(network->c_features / network->unit_count);
    *rank = axis + 1;
    return OCLSTM_OK;
}

oclstm_status network_check(const oclstm_network *network, const oclstm_network_call *call, network_shape *out,
                            oclstm_error *error) {
    *out = (network_shape){0};
    size_t rows, bytes;
    oclstm_status status = check_input(network, call, out, error);
    if (status == OCLSTM_OK &&
        (!checked_mul(out->steps, out->batch, &rows) || !checked_mul(rows, network->widest * sizeof(double), &bytes)))
        status = base_fail(error, OCLSTM_INVALID_ARGUMENT, "%zu steps of batch %zu do not fit in memory", out->steps, out->batch);
    if (status == OCLSTM_OK)
        status = check_tokens(network, call, out, error);
    if (status == OCLSTM_OK)
        status = check_lengths(call, out, error);
    if (status == OCLSTM_OK)
        status = check_results(network, call, out, error);
    return status;
}
