// SPDX-License-Identifier: Apache-2.0
#include "check_network.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array_view.h"
#include "check_gradients.h"
#include "reference.h"

// The inputs and answers of a file: in torch's words, or in those of ONNX's operator.
typedef struct network_case {
    const oclstm_tensor *x, *tokens, *lengths, *h0, *c0; // NULL where absent
    const oclstm_tensor *y, *hn, *cn;
    bool single; // one step of a cell: x [batch][input], answers h1 and c1
    bool batch_first;
    oclstm_dtype dtype;
    int64_t steps, batch, outputs;
    int state_rank;
    int64_t h_shape[3], c_shape[3];
    void *x_data, *h0_data, *c0_data, *y_data, *hn_data, *cn_data; // owned
} network_case;

static const oclstm_tensor *find(const oclstm_tensors *file, const char *name, const char *onnx_name) {
    const oclstm_tensor *tensor = oclstm_tensors_find(file, name);
    return tensor || !onnx_name ? tensor : oclstm_tensors_find(file, onnx_name);
}

static void find_tensors(network_case *test, const oclstm_tensors *file) {
    const char *order = oclstm_tensors_metadata(file, "batch_first");
    test->x = find(file, "x", "X");
    test->tokens = find(file, "tokens", NULL);
    test->lengths = find(file, "lengths", "sequence_lens");
    test->h0 = find(file, "h0", "initial_h");
    test->c0 = find(file, "c0", "initial_c");
    test->y = find(file, "y", "Y");
    test->hn = find(file, "hn", "Y_h");
    test->cn = find(file, "cn", "Y_c");
    test->batch_first = order && strcmp(order, "true") == 0;
    test->single = test->y == NULL && test->hn == NULL && find(file, "h1", NULL) != NULL;
    if (test->single) {
        test->hn = find(file, "h1", NULL);
        test->cn = find(file, "c1", NULL);
    }
}

// The layers as the file of answers names them: a JSON string, so in quotes.
static const char *layers_of(const check_problem *problem, char *text, size_t capacity) {
    const char *value = oclstm_tensors_metadata(problem->file, "layers");
    if (!value)
        return NULL;
    snprintf(text, capacity, "%s", value[0] == '"' ? value + 1 : value);
    const size_t length = strlen(text);
    if (length > 0 && text[length - 1] == '"')
        text[length - 1] = '\0';
    return text;
}

static bool decide_sizes(network_case *test, const oclstm_network *network, check_outcome *outcome) {
    const oclstm_tensor *input = oclstm_network_takes_tokens(network) ? test->tokens : test->x;
    oclstm_error error;
    size_t count;
    const oclstm_layer *layers = oclstm_network_layers(network, &count);
    if (!input)
        return check_settle(outcome, CHECK_FAIL, "tensor '%s' is missing", oclstm_network_takes_tokens(network) ? "tokens" : "x");
    if (input->rank < 2 || (!oclstm_network_takes_tokens(network) && !test->single && input->rank != 3))
        return check_settle(outcome, CHECK_FAIL, "tensor '%s' has rank %d; expected a batch and steps", input->name, input->rank);
    test->dtype = oclstm_network_dtype(network);
    test->steps = test->single ? 1 : input->shape[test->batch_first ? 1 : 0];
    test->batch = input->shape[test->single || test->batch_first ? 0 : 1];
    test->outputs = layers[count - 1].outputs;
    outcome->sequence = !test->single;
    outcome->dtype = test->dtype;
    outcome->steps = test->steps;
    outcome->batch = test->batch;
    outcome->input = layers[0].inputs;
    for (size_t i = 0; i < count; i++)
        outcome->hidden = layers[i].hidden_size > 0 ? layers[i].hidden_size : outcome->hidden;
    if (!test->hn && !test->h0)
        return true;
    return oclstm_network_state_shape(network, test->batch, &test->state_rank, test->h_shape, test->c_shape, &error) == OCLSTM_OK ||
           check_settle(outcome, CHECK_FAIL, "%s", error.message);
}

static bool read_data(network_case *test, const oclstm_tensors *file, check_outcome *outcome) {
    const size_t state_values = test->state_rank == 3 ? (size_t)(test->h_shape[0] * test->h_shape[1]) : 0;
    const size_t y_values = (size_t)(test->steps * test->batch * test->outputs);
    if (test->x && !(test->x_data = check_read(file, test->x, test->dtype, outcome)))
        return false;
    if (test->h0 && (!(test->h0_data = check_read(file, test->h0, test->dtype, outcome)) ||
                     !(test->c0_data = test->c0 ? check_read(file, test->c0, test->dtype, outcome) : calloc(1, 8))))
        return false;
    test->y_data = calloc(y_values + 1, sizeof(double));
    test->hn_data = calloc(state_values * (size_t)test->h_shape[2] + 1, sizeof(double));
    test->cn_data = calloc(state_values * (size_t)test->c_shape[2] + 1, sizeof(double));
    return (test->y_data && test->hn_data && test->cn_data) || check_settle(outcome, CHECK_FAIL, "no memory for the results");
}

static oclstm_const_array as_stored(const oclstm_tensor *tensor, const void *data, oclstm_dtype dtype) {
    oclstm_const_array array = {0};
    if (!tensor)
        return array;
    array = (oclstm_const_array){.data = data ? data : tensor->data, .dtype = data ? dtype : tensor->dtype, .rank = tensor->rank};
    memcpy(array.shape, tensor->shape, sizeof array.shape);
    return array;
}

static oclstm_network_call call_of(const network_case *test, const oclstm_network *network) {
    oclstm_network_call call = {.lengths = as_stored(test->lengths, NULL, test->dtype), .batch_first = test->batch_first};
    if (oclstm_network_takes_tokens(network))
        call.tokens = as_stored(test->tokens, NULL, test->dtype);
    else if (test->single)
        call.x = array_read_only(oclstm_out_3d(test->x_data, test->dtype, 1, test->batch, test->x->shape[1]));
    else
        call.x = as_stored(test->x, test->x_data, test->dtype);
    call.y = test->batch_first ? oclstm_out_3d(test->y_data, test->dtype, test->batch, test->steps, test->outputs)
                               : oclstm_out_3d(test->y_data, test->dtype, test->steps, test->batch, test->outputs);
    if (test->state_rank == 3) {
        call.hn = oclstm_out_3d(test->hn_data, test->dtype, test->h_shape[0], test->h_shape[1], test->h_shape[2]);
        call.cn = oclstm_out_3d(test->cn_data, test->dtype, test->c_shape[0], test->c_shape[1], test->c_shape[2]);
    }
    if (test->h0_data) {
        call.h0 = array_read_only(oclstm_out_3d(test->h0_data, test->dtype, test->h_shape[0], test->h_shape[1], test->h_shape[2]));
        call.c0 = array_read_only(oclstm_out_3d(test->c0_data, test->dtype, test->c_shape[0], test->c_shape[1], test->c_shape[2]));
    }
    return call;
}

static bool compute(const network_case *test, oclstm_network *network, check_outcome *outcome) {
    oclstm_error error;
    const oclstm_network_call call = call_of(test, network);
    return oclstm_network_run(network, &call, &error) == OCLSTM_OK || check_settle(outcome, CHECK_FAIL, "%s", error.message);
}

// ONNX's Y is [steps][directions][batch][hidden] where y is [steps][batch][directions * hidden].
static double *arrange(const network_case *test, const oclstm_tensor *answer, const void *data, int64_t count) {
    double *wide = calloc((size_t)count + 1, sizeof *wide), *turned = NULL;
    if (!wide)
        return NULL;
    reference_widen(wide, data, test->dtype, count);
    if (answer->rank != 4)
        return wide;
    const int64_t directions = answer->shape[1], batch = answer->shape[2], hidden = answer->shape[3];
    turned = calloc((size_t)count + 1, sizeof *turned);
    for (int64_t at = 0; turned && at < count; at++) {
        const int64_t j = at % hidden, d = at / hidden % directions, b = at / hidden / directions % batch,
                      t = at / hidden / directions / batch;
        turned[((t * directions + d) * batch + b) * hidden + j] = wide[at];
    }
    free(wide);
    return turned;
}

static bool compare_one(const network_case *test, const oclstm_tensors *file, const oclstm_tensor *answer, const char *name,
                        const void *data, int64_t count, check_outcome *outcome) {
    if (!answer)
        return true;
    const size_t size = oclstm_dtype_size_bytes(answer->dtype);
    if (!size || answer->size_bytes / size != (uint64_t)count)
        return check_settle(outcome, CHECK_FAIL, "tensor '%s' does not have the %" PRId64 " values expected", answer->name, count);
    double *expected = check_read(file, answer, OCLSTM_F64, outcome);
    double *got = expected ? arrange(test, answer, data, count) : NULL;
    const bool good = got || !expected ? expected != NULL : check_settle(outcome, CHECK_FAIL, "no memory to compare");
    if (good) {
        compare_add(&outcome->worst, name, got, expected, count);
        outcome->compared = true;
    }
    free(expected);
    free(got);
    return good;
}

static bool compare(const network_case *test, const oclstm_tensors *file, check_outcome *outcome) {
    const int64_t rows = test->state_rank == 3 ? test->h_shape[0] * test->h_shape[1] : 0;
    bool good = compare_one(test, file, test->y, "y", test->y_data, test->steps * test->batch * test->outputs, outcome);
    good = good && compare_one(test, file, test->hn, test->single ? "h1" : "hn", test->hn_data, rows * test->h_shape[2], outcome);
    return good && compare_one(test, file, test->cn, test->single ? "c1" : "cn", test->cn_data, rows * test->c_shape[2], outcome);
}

// The file's gradients, where it has them. What the forward pass of training computes is held to the answers as well.
static bool compare_gradients(const network_case *test, const check_problem *problem, const oclstm_network *network,
                              oclstm_device *device, const oclstm_network_params *params, const cli_options *options,
                              check_outcome *outcome) {
    const oclstm_network_call call = call_of(test, network);
    if (!outcome->compared || !gradients_in_file(problem->file))
        return true;
    return check_network_gradients(problem, device, params, &call, test->single, options, outcome) &&
           compare(test, problem->file, outcome);
}

void check_network_on(const check_problem *problem, oclstm_device *device, const cli_options *options, check_outcome *outcome) {
    char layers[512];
    network_case test = {0};
    oclstm_network *network = NULL;
    oclstm_error error;
    const oclstm_network_params params = {.layers = layers_of(problem, layers, sizeof layers), .engine = options->engine};
    find_tensors(&test, problem->file);
    const oclstm_status status = oclstm_network_load(&network, device, check_problem_weights(problem), &params, &error);
    if (status != OCLSTM_OK) {
        const bool lacks = status == OCLSTM_UNSUPPORTED && !oclstm_device_get_info(device)->has_fp64;
        check_settle(outcome, lacks ? CHECK_SKIP : CHECK_FAIL, "%s", error.message);
        return;
    }
    const char *own = oclstm_tensors_metadata(problem->file, "tolerance_forward");
    const bool good = decide_sizes(&test, network, outcome) && read_data(&test, problem->file, outcome) &&
                      compute(&test, network, outcome) && compare(&test, problem->file, outcome) &&
                      compare_gradients(&test, problem, network, device, &params, options, outcome);
    outcome->engine = options->engine;
    outcome->tolerance = options->tolerance_given   ? options->tolerance
                         : own                      ? strtod(own, NULL)
                         : test.dtype == OCLSTM_F64 ? 1e-12
                                                    : 2e-5;
    if (!good)
        outcome->compared = false;
    else if (!outcome->compared)
        check_settle(outcome, CHECK_FAIL, "there are no answers: tensors y, hn, cn are missing");
    else
        outcome->result = check_outcome_within(outcome) ? CHECK_OK : CHECK_FAIL;
    void *const owned[] = {test.x_data, test.h0_data, test.c0_data, test.y_data, test.hn_data, test.cn_data};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free(owned[i]);
    oclstm_network_destroy(&network);
}
