// SPDX-License-Identifier: Apache-2.0
// The calls of a case of the self-test.
#include <stdio.h>

#include "array_view.h"
#include "selftest_data.h"

#include <oclstm/group.h>

// What is called: a cell, or a cell on several devices.
typedef struct callee {
    oclstm_cell *cell;
    oclstm_group *group;
} callee;

static oclstm_status call_sequence(const callee *on, const oclstm_sequence *sequence, oclstm_error *error) {
    return on->group ? oclstm_group_sequence(on->group, sequence, error) : oclstm_cell_sequence(on->cell, sequence, error);
}

static oclstm_status call_step(const callee *on, const oclstm_step *step, oclstm_error *error) {
    return on->group ? oclstm_group_step(on->group, step, error) : oclstm_cell_step(on->cell, step, error);
}

static oclstm_array describe(const selftest_case *test, oclstm_dtype dtype, void *data, int64_t steps, int64_t width) {
    if (test->form & UNBATCHED)
        return oclstm_out_2d(data, dtype, steps, width);
    if (test->form & BATCH_FIRST)
        return oclstm_out_3d(data, dtype, test->batch, steps, width);
    return oclstm_out_3d(data, dtype, steps, test->batch, width);
}

// Of one step: x, or h or c.
static oclstm_array describe_step(const selftest_case *test, oclstm_dtype dtype, void *data, int64_t width) {
    if (test->form & UNBATCHED)
        return oclstm_out_1d(data, dtype, width);
    return oclstm_out_2d(data, dtype, test->batch, width);
}

static oclstm_array describe_state(const case_data *data, void *values) {
    return describe_step(&data->test, data->dtype, values, data->test.hidden);
}

// Where a step's x and y begin; time-major unless it is the first.
static void *x_of(const case_data *data, int64_t step) {
    return (char *)data->inputs[X] + (size_t)(step * data->test.batch * data->test.input) * oclstm_dtype_size_bytes(data->dtype);
}

static void *y_of(const case_data *data, int64_t step) {
    return (char *)data->results[Y] + (size_t)(step * data->test.batch * data->test.hidden) * oclstm_dtype_size_bytes(data->dtype);
}

// Steps first to first + steps, time-major unless they are all.
static oclstm_sequence part(const case_data *data, int64_t first, int64_t steps) {
    const selftest_case *test = &data->test;
    return (oclstm_sequence){.x = array_read_only(describe(test, data->dtype, x_of(data, first), steps, test->input)),
                             .y = describe(test, data->dtype, y_of(data, first), steps, test->hidden),
                             .batch_first = (test->form & BATCH_FIRST) != 0};
}

static oclstm_status call_whole(const case_data *data, const callee *on, oclstm_error *error) {
    const selftest_case *test = &data->test;
    oclstm_sequence sequence = part(data, 0, test->steps);
    if (test->form & FROM_STATE) {
        sequence.h = array_read_only(describe_state(data, data->inputs[H0]));
        sequence.c = array_read_only(describe_state(data, data->inputs[C0]));
    }
    sequence.h_out = describe_state(data, data->results[HN]);
    sequence.c_out = describe_state(data, data->results[CN]);
    return call_sequence(on, &sequence, error);
}

// A state on the device at the case's beginning.
static oclstm_status make_state(oclstm_state **out, const case_data *data, oclstm_cell *cell, oclstm_error *error) {
    const selftest_case *test = &data->test;
    const oclstm_const_array h = array_read_only(describe_state(data, data->inputs[H0]));
    const oclstm_const_array c = array_read_only(describe_state(data, data->inputs[C0]));
    oclstm_status status = oclstm_state_create(out, cell, test->form & UNBATCHED ? 0 : test->batch, error);
    if (status == OCLSTM_OK && (test->form & FROM_STATE))
        status = oclstm_state_set(*out, &h, &c, error);
    return status;
}

static oclstm_status call_streamed(const case_data *data, const callee *on, oclstm_error *error) {
    const int64_t half = data->test.steps / 2;
    const oclstm_array hn = describe_state(data, data->results[HN]), cn = describe_state(data, data->results[CN]);
    oclstm_state *state = NULL;
    oclstm_status status = make_state(&state, data, on->cell, error);
    for (int i = 0; i < 2 && status == OCLSTM_OK; i++) {
        oclstm_sequence sequence = part(data, i * half, i ? data->test.steps - half : half);
        sequence.state = state;
        status = call_sequence(on, &sequence, error);
    }
    if (status == OCLSTM_OK)
        status = oclstm_state_get(state, &hn, &cn, error);
    oclstm_state_destroy(&state);
    return status;
}

// Each step begins with what the one before gave back, or with the state on the device.
static oclstm_status call_steps(const case_data *data, const callee *on, oclstm_error *error) {
    const selftest_case *test = &data->test;
    oclstm_state *state = NULL;
    oclstm_status status = test->form & STREAMED && on->cell ? make_state(&state, data, on->cell, error) : OCLSTM_OK;
    for (int64_t t = 0; t < test->steps && status == OCLSTM_OK; t++) {
        oclstm_step step = {.x = array_read_only(describe_step(test, data->dtype, x_of(data, t), test->input)),
                            .h_out = describe_state(data, y_of(data, t)),
                            .c_out = describe_state(data, data->results[CN]),
                            .state = state};
        if (!state && (t > 0 || (test->form & FROM_STATE))) {
            step.h = array_read_only(describe_state(data, t > 0 ? y_of(data, t - 1) : data->inputs[H0]));
            step.c = array_read_only(describe_state(data, data->inputs[C0]));
            if (t > 0)
                step.c = array_read_only(step.c_out);
        }
        status = call_step(on, &step, error);
    }
    oclstm_state_destroy(&state);
    return status;
}

static oclstm_status make_callee(callee *out, const selftest_target *target, const oclstm_cell_params *params,
                                 oclstm_error *error) {
    if (target->count > 1)
        return oclstm_group_create(&out->group, target->devices, target->count, params, error);
    return oclstm_cell_create(&out->cell, target->devices[0], params, error);
}

// A group goes on without a device that failed; the self-test does not.
static oclstm_status expect_every_device(oclstm_group *group, oclstm_error *error) {
    char warning[sizeof error->message];
    if (!group || !oclstm_group_next_warning(group, warning, sizeof warning))
        return OCLSTM_OK;
    *error = (oclstm_error){.status = OCLSTM_OPENCL};
    snprintf(error->message, sizeof error->message, "%s", warning);
    return OCLSTM_OPENCL;
}

oclstm_status selftest_call(const case_data *data, const selftest_target *target, oclstm_engine engine, selftest_form form,
                            oclstm_error *error) {
    const selftest_case *test = &data->test;
    const int64_t rows = 4 * test->hidden;
    void *const *in = data->inputs;
    oclstm_cell_params params = {.input_size = test->input,
                                 .hidden_size = test->hidden,
                                 .dtype = data->dtype,
                                 .engine = engine,
                                 .no_bias = (test->form & WITHOUT_BIAS) != 0,
                                 .weight_ih = oclstm_in_2d(in[WEIGHT_IH], data->dtype, rows, test->input),
                                 .weight_hh = oclstm_in_2d(in[WEIGHT_HH], data->dtype, rows, test->hidden)};
    if (!params.no_bias) {
        params.bias_ih = oclstm_in_1d(in[BIAS_IH], data->dtype, rows);
        params.bias_hh = oclstm_in_1d(in[BIAS_HH], data->dtype, rows);
    }
    callee on = {0};
    oclstm_status status = make_callee(&on, target, &params, error);
    if (status == OCLSTM_OK && form == SELFTEST_CELL)
        status = call_steps(data, &on, error);
    else if (status == OCLSTM_OK)
        status = test->form & STREAMED && on.cell ? call_streamed(data, &on, error) : call_whole(data, &on, error);
    if (status == OCLSTM_OK)
        status = expect_every_device(on.group, error);
    oclstm_group_destroy(&on.group);
    oclstm_cell_destroy(&on.cell);
    return status;
}
