// SPDX-License-Identifier: Apache-2.0
// The gradients of a whole network: a trainer's way back against the file.
#include <stdlib.h>
#include <string.h>

#include <oclstm/train.h>

#include "check_gradients.h"

static int64_t count_of(const oclstm_array *array) {
    int64_t count = array->data ? 1 : 0;
    for (int axis = 0; axis < array->rank && array->data; axis++)
        count *= array->shape[axis];
    return count;
}

// An array like another one, with other data; absent where there are none.
static oclstm_array shaped_as(const oclstm_array *like, void *data) {
    oclstm_array array = *like;
    array.data = data;
    return data ? array : (oclstm_array){0};
}

static oclstm_array writable(const oclstm_const_array *array) {
    oclstm_array out = {.data = (void *)(uintptr_t)array->data, .dtype = array->dtype, .rank = array->rank};
    memcpy(out.shape, array->shape, sizeof out.shape);
    return out;
}

static oclstm_const_array read_only(const oclstm_array *like, const void *data) {
    oclstm_const_array out = {.data = data, .dtype = like->dtype, .rank = like->rank};
    memcpy(out.shape, like->shape, sizeof out.shape);
    return data ? out : (oclstm_const_array){0};
}

// What goes back: gradients of y, hn, cn; of x, h0, c0.
typedef struct network_back {
    oclstm_array results[3], inputs[3]; // of the call
    void *given[3], *found[3];
} network_back;

static bool begin(network_back *back, gradient_check *check, const oclstm_network_call *call, bool single) {
    static const char *const of_step[] = {"y", "h1", "c1"}, *const of_sequence[] = {"y", "hn", "cn"};
    const oclstm_array results[] = {call->y, call->hn, call->cn};
    const oclstm_array inputs[] = {writable(&call->x), writable(&call->h0), writable(&call->c0)};
    bool any = false;
    for (int i = 0; i < 3; i++) {
        back->results[i] = results[i];
        back->inputs[i] = inputs[i];
        if (!gradient_check_input(check, (single ? of_step : of_sequence)[i], count_of(&results[i]), &back->given[i]))
            return false;
        any = any || back->given[i];
        if (inputs[i].data && !(back->found[i] = calloc((size_t)count_of(&inputs[i]), sizeof(double))))
            return check_settle(check->outcome, CHECK_FAIL, "no memory for the gradients");
    }
    return any || check_settle(check->outcome, CHECK_FAIL, "there are gradients, but none of the results: %s are missing",
                               single ? "grad_h1, grad_c1" : "grad_y, grad_hn, grad_cn");
}

static oclstm_status run(oclstm_trainer *trainer, const network_back *back, const oclstm_network_call *call, oclstm_error *error) {
    const oclstm_network_gradients gradients = {.y = read_only(&back->results[0], back->given[0]),
                                                .hn = read_only(&back->results[1], back->given[1]),
                                                .cn = read_only(&back->results[2], back->given[2]),
                                                .x = shaped_as(&back->inputs[0], back->found[0]),
                                                .h0 = shaped_as(&back->inputs[1], back->found[1]),
                                                .c0 = shaped_as(&back->inputs[2], back->found[2])};
    const oclstm_status status = oclstm_trainer_forward(trainer, call, error);
    return status == OCLSTM_OK ? oclstm_trainer_backward(trainer, &gradients, error) : status;
}

static bool compare_parameter(gradient_check *check, oclstm_trainer *trainer, size_t position) {
    const oclstm_parameter *parameter = &oclstm_trainer_parameters(trainer, &(size_t){0})[position];
    oclstm_error error;
    oclstm_array array = {.dtype = check->dtype, .rank = parameter->rank, .shape = {parameter->shape[0], parameter->shape[1]}};
    array.data = &array;
    const int64_t count = count_of(&array);
    array.data = calloc((size_t)count, sizeof(double));
    if (!array.data)
        return check_settle(check->outcome, CHECK_FAIL, "no memory for the gradient of '%s'", parameter->name);
    const bool good = (oclstm_trainer_read_gradient(trainer, position, &array, &error) == OCLSTM_OK ||
                       check_settle(check->outcome, CHECK_FAIL, "gradients: %s", error.message)) &&
                      gradient_check_output(check, parameter->name, array.data, NULL, count);
    free(array.data);
    return good;
}

// On the portable engine where the one asked for runs networks here and does not train them.
static bool make_trainer(oclstm_trainer **trainer, oclstm_device *device, const check_problem *problem,
                         oclstm_trainer_params *settings, oclstm_error *error) {
    oclstm_status status = oclstm_trainer_create(trainer, device, check_problem_weights(problem), settings, error);
    if (status == OCLSTM_UNSUPPORTED) {
        settings->engine = OCLSTM_ENGINE_PORTABLE;
        status = oclstm_trainer_create(trainer, device, check_problem_weights(problem), settings, error);
    }
    return status == OCLSTM_OK;
}

bool check_network_gradients(const check_problem *problem, oclstm_device *device, const oclstm_network_params *params,
                             const oclstm_network_call *call, bool single, const cli_options *options, check_outcome *outcome) {
    static const char *const names[] = {"x", "h0", "c0"};
    network_back back = {0};
    gradient_check check;
    oclstm_trainer *trainer = NULL;
    oclstm_error error;
    size_t count = 0;
    oclstm_trainer_params settings = {.layers = params->layers,
                                      .dtype_given = true,
                                      .dtype = call->y.dtype,
                                      .engine = params->engine,
                                      .optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_SGD)};
    const oclstm_dtype dtype = call->y.dtype;
    if (!gradient_check_begin(&check, problem->file, dtype, outcome))
        return false;
    bool good = begin(&back, &check, call, single);
    if (good && !(make_trainer(&trainer, device, problem, &settings, &error) && run(trainer, &back, call, &error) == OCLSTM_OK))
        good = check_settle(outcome, CHECK_FAIL, "gradients: %s", error.message);
    for (int i = 0; good && i < 3; i++) {
        if (back.found[i])
            good = gradient_check_output(&check, names[i], back.found[i], NULL, count_of(&back.inputs[i]));
    }
    if (good)
        oclstm_trainer_parameters(trainer, &count);
    for (size_t i = 0; good && i < count; i++)
        good = compare_parameter(&check, trainer, i);
    good = gradient_check_end(&check, options, good);
    for (int i = 0; i < 3; i++) {
        free(back.given[i]);
        free(back.found[i]);
    }
    oclstm_trainer_destroy(&trainer);
    return good;
}
