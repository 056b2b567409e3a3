// SPDX-License-Identifier: Apache-2.0
#include "base/checked.h"
#include "base/shape.h"
#include "cell/cell_weights.h"
#include "cl/lstm_shared.h"

static bool is_present(const oclstm_const_array *array) { return array->data != NULL; }

static bool is_float(oclstm_dtype dtype) {
    return dtype == OCLSTM_F32 || dtype == OCLSTM_F64 || dtype == OCLSTM_F16 || dtype == OCLSTM_BF16;
}

static oclstm_status check_presence(const oclstm_cell_params *params, oclstm_error *error) {
    if (is_present(&params->weight_ih) != is_present(&params->weight_hh))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is given without %s: give both, or neither for fresh weights",
                         is_present(&params->weight_ih) ? "weight_ih" : "weight_hh",
                         is_present(&params->weight_ih) ? "weight_hh" : "weight_ih");
    if (is_present(&params->bias_ih) != is_present(&params->bias_hh))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is given without %s: a cell has both biases or none",
                         is_present(&params->bias_ih) ? "bias_ih" : "bias_hh",
                         is_present(&params->bias_ih) ? "bias_hh" : "bias_ih");
    if (is_present(&params->bias_ih) && !is_present(&params->weight_ih))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "biases are given without weights: give all four arrays, or none for fresh weights");
    if (is_present(&params->bias_ih) && params->no_bias)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "biases are given, but no_bias is set");
    return OCLSTM_OK;
}

// A matrix [4*hidden][columns], from which a size left at 0 is taken.
static oclstm_status check_matrix(const oclstm_const_array *array, const char *name, const char *columns_name, int64_t *columns,
                                  int64_t *hidden, oclstm_error *error) {
    if (!is_float(array->dtype))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is %s; weights are float32, float64, float16 or bfloat16", name,
                         oclstm_dtype_name(array->dtype));
    if (array->rank != 2)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s has %d dimensions; expected 2: [4*hidden][%s]", name, array->rank,
                         columns_name);
    const shape_text shape = shape_to_text(array->shape, 2);
    if (*columns == 0)
        *columns = array->shape[1];
    if (array->shape[0] < 1 || array->shape[0] % LSTM_GATES != 0)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "%s is %s: its dimension 0 (4*hidden) is %" PRId64 ", which is no positive multiple of 4", name,
                         shape.text, array->shape[0]);
    if (*hidden == 0)
        *hidden = array->shape[0] / LSTM_GATES;
    if (array->shape[0] / LSTM_GATES != *hidden)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is %s: its dimension 0 (4*hidden) is %" PRId64 ", expected %" PRId64,
                         name, shape.text, array->shape[0], *hidden * LSTM_GATES);
    if (array->shape[1] != *columns)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is %s: its dimension 1 (%s) is %" PRId64 ", expected %" PRId64, name,
                         shape.text, columns_name, array->shape[1], *columns);
    return OCLSTM_OK;
}

static oclstm_status check_bias(const oclstm_const_array *array, const char *name, int64_t hidden, oclstm_error *error) {
    if (!is_present(array))
        return OCLSTM_OK;
    if (!is_float(array->dtype))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is %s; weights are float32, float64, float16 or bfloat16", name,
                         oclstm_dtype_name(array->dtype));
    if (array->rank != 1 || array->shape[0] != LSTM_GATES * hidden)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is %s; expected [4*hidden] = [%" PRId64 "]", name,
                         shape_to_text(array->shape, array->rank > OCLSTM_MAX_RANK ? 0 : array->rank).text, LSTM_GATES * hidden);
    return OCLSTM_OK;
}

// `least` is 0 while a size may still be taken from the weights.
static oclstm_status check_sizes(const oclstm_cell_params *params, int64_t least, oclstm_error *error) {
    const struct {
        const char *name;
        int64_t value;
    } sizes[] = {{"input_size", params->input_size}, {"hidden_size", params->hidden_size}};
    for (int i = 0; i < 2; i++) {
        if (sizes[i].value < least)
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s is %" PRId64 "; it must be at least 1", sizes[i].name,
                             sizes[i].value);
        // The kernels index elements in 32 bits.
        if (sizes[i].value > UINT32_MAX / LSTM_GATES / (params->hidden_size > 0 ? params->hidden_size : 1))
            return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                             "input_size %" PRId64 " and hidden_size %" PRId64
                             " are too large: a weight matrix may have at most %u elements",
                             params->input_size, params->hidden_size, UINT32_MAX);
    }
    return OCLSTM_OK;
}

oclstm_status cell_weights_check(oclstm_cell_params *params, oclstm_error *error) {
    if (!is_float(params->dtype))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "a cell's dtype is float32, float64, float16 or bfloat16, not %s",
                         oclstm_dtype_name(params->dtype));
    oclstm_status status = check_presence(params, error);
    if (status == OCLSTM_OK && is_present(&params->weight_ih)) {
        status = check_sizes(params, 0, error);
        if (status == OCLSTM_OK)
            status = check_matrix(&params->weight_ih, "weight_ih", "input", &params->input_size, &params->hidden_size, error);
        if (status == OCLSTM_OK)
            status = check_matrix(&params->weight_hh, "weight_hh", "hidden", &params->hidden_size, &params->hidden_size, error);
        params->no_bias = !is_present(&params->bias_ih);
    }
    if (status == OCLSTM_OK)
        status = check_bias(&params->bias_ih, "bias_ih", params->hidden_size, error);
    if (status == OCLSTM_OK)
        status = check_bias(&params->bias_hh, "bias_hh", params->hidden_size, error);
    return status == OCLSTM_OK ? check_sizes(params, 1, error) : status;
}
