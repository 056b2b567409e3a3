// SPDX-License-Identifier: Apache-2.0
#include "tape_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gradient_network.h"

const char *const tape_input_names[INPUTS] = {"x", "h0", "c0", "weight_ih", "weight_hh", "bias_ih", "bias_hh"};
static const char *const result_names[] = {"y", "hn", "cn"};

static size_t count_of(const int64_t extents[3]) {
    int64_t count = 1;
    for (int i = 0; i < 3; i++)
        count *= extents[i] > 0 ? extents[i] : 1;
    return (size_t)count;
}

static void set_extents(const tape_case *shape, int64_t to[3], bool is_state, int64_t features) {
    const int64_t first = shape->batch_first ? shape->batch : shape->steps,
                  second = shape->batch_first ? shape->steps : shape->batch;
    const int64_t sequence[3] = {first, second, features}, state[3] = {shape->batch, 0, features};
    memcpy(to, is_state ? state : sequence, sizeof sequence);
}

tape_problem *tape_problem_make(const tape_case *shape) {
    tape_problem *p = fixture_alloc(1, sizeof *p);
    p->shape = *shape;
    p->rows = shape->batch > 0 ? shape->batch : 1;
    const int64_t gates = 4 * shape->hidden;
    const int64_t weights[4][3] = {{gates, shape->input, 0}, {gates, shape->hidden, 0}, {gates, 0, 0}, {gates, 0, 0}};
    memcpy(p->input_extents[OF_WEIGHT_IH], weights, sizeof weights);
    set_extents(shape, p->input_extents[OF_X], false, shape->input);
    set_extents(shape, p->input_extents[OF_H], true, shape->hidden);
    set_extents(shape, p->input_extents[OF_C], true, shape->hidden);
    set_extents(shape, p->result_extents[OF_Y], false, shape->hidden);
    set_extents(shape, p->result_extents[OF_HN], true, shape->hidden);
    set_extents(shape, p->result_extents[OF_CN], true, shape->hidden);
    for (int i = 0; i < INPUTS; i++) {
        const double bound = i < OF_WEIGHT_IH ? 1 : 1 / sqrt((double)shape->hidden);
        p->inputs[i] = host_values_make(shape->dtype, count_of(p->input_extents[i]), bound);
        p->gradients[i] = host_values_make(shape->dtype, count_of(p->input_extents[i]), 0);
        for (size_t k = 0; k < p->gradients[i].count; k++)
            p->gradients[i].wide[k] = 0;
    }
    for (int i = 0; i < RESULTS; i++) {
        p->results[i] = host_values_make(shape->dtype, count_of(p->result_extents[i]), 0);
        p->given[i] = host_values_make(shape->dtype, count_of(p->result_extents[i]), 1);
    }
    snprintf(p->what, sizeof p->what, "T%lld B%lld I%lld H%lld%s%s%s, %s, engine %s%s", (long long)shape->steps,
             (long long)shape->batch, (long long)shape->input, (long long)shape->hidden, shape->batch_first ? ", batch first" : "",
             shape->no_bias ? ", no bias" : "", shape->no_state ? ", no state" : "", oclstm_dtype_name(shape->dtype),
             oclstm_engine_name(shape->engine), shape->recompute ? ", recompute" : "");
    return p;
}

void tape_problem_free(tape_problem *p) {
    for (int i = 0; i < INPUTS; i++) {
        host_values_free(&p->inputs[i]);
        host_values_free(&p->gradients[i]);
    }
    for (int i = 0; i < RESULTS; i++) {
        host_values_free(&p->results[i]);
        host_values_free(&p->given[i]);
    }
    free(p);
}

oclstm_array tape_input_array(const tape_problem *p, const host_values *values, int which) {
    return host_values_array(&values[which], p->input_extents[which]);
}

static oclstm_array result_array(const tape_problem *p, const host_values *values, int which) {
    return host_values_array(&values[which], p->result_extents[which]);
}

oclstm_cell *tape_problem_cell(const tape_problem *p) {
    oclstm_cell_params params = {.dtype = p->shape.dtype, .engine = OCLSTM_ENGINE_PORTABLE};
    params.weight_ih = array_to_read(tape_input_array(p, p->inputs, OF_WEIGHT_IH));
    params.weight_hh = array_to_read(tape_input_array(p, p->inputs, OF_WEIGHT_HH));
    if (!p->shape.no_bias) {
        params.bias_ih = array_to_read(tape_input_array(p, p->inputs, OF_BIAS_IH));
        params.bias_hh = array_to_read(tape_input_array(p, p->inputs, OF_BIAS_HH));
    }
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_cell_create(&cell, fixture_device(), &params, &error), &error);
    return cell;
}

oclstm_tape *tape_problem_tape(const tape_problem *p) {
    oclstm_cell *cell = tape_problem_cell(p);
    oclstm_tape *tape = NULL;
    oclstm_error error = {0};
    const oclstm_tape_params params = {.engine = p->shape.engine, .recompute = p->shape.recompute};
    expect_ok(oclstm_tape_create(&tape, cell, &params, &error), &error);
    oclstm_cell_destroy(&cell);
    return tape;
}

oclstm_sequence tape_forward_call(const tape_problem *p) {
    oclstm_sequence call = {.x = array_to_read(tape_input_array(p, p->inputs, OF_X)), .batch_first = p->shape.batch_first};
    if (!p->shape.no_state) {
        call.h = array_to_read(tape_input_array(p, p->inputs, OF_H));
        call.c = array_to_read(tape_input_array(p, p->inputs, OF_C));
    }
    call.y = result_array(p, p->results, OF_Y);
    call.h_out = result_array(p, p->results, OF_HN);
    call.c_out = result_array(p, p->results, OF_CN);
    return call;
}

oclstm_cell_gradients tape_backward_call(const tape_problem *p) {
    oclstm_cell_gradients call = {.y = array_to_read(result_array(p, p->given, OF_Y)),
                                  .h = array_to_read(result_array(p, p->given, OF_HN)),
                                  .c = array_to_read(result_array(p, p->given, OF_CN)),
                                  .x = tape_input_array(p, p->gradients, OF_X),
                                  .h0 = tape_input_array(p, p->gradients, OF_H),
                                  .c0 = tape_input_array(p, p->gradients, OF_C),
                                  .weight_ih = tape_input_array(p, p->gradients, OF_WEIGHT_IH),
                                  .weight_hh = tape_input_array(p, p->gradients, OF_WEIGHT_HH)};
    if (!p->shape.no_bias) {
        call.bias_ih = tape_input_array(p, p->gradients, OF_BIAS_IH);
        call.bias_hh = tape_input_array(p, p->gradients, OF_BIAS_HH);
    }
    return call;
}

void tape_run_forward(oclstm_tape *tape, const tape_problem *p) {
    oclstm_error error = {0};
    const oclstm_sequence call = tape_forward_call(p);
    const oclstm_status status = oclstm_tape_forward(tape, &call, &error);
    ck_assert_msg(status == OCLSTM_OK, "%s: %s", p->what, error.message);
}

void tape_run_backward(oclstm_tape *tape, const tape_problem *p, const oclstm_cell_gradients *call) {
    oclstm_error error = {0};
    const oclstm_status status = oclstm_tape_backward(tape, call, &error);
    ck_assert_msg(status == OCLSTM_OK, "%s: %s", p->what, error.message);
}

void tape_run_both(oclstm_tape *tape, const tape_problem *p) {
    const oclstm_cell_gradients call = tape_backward_call(p);
    tape_run_forward(tape, p);
    tape_run_backward(tape, p, &call);
}

static row_order order_of(const tape_problem *p) {
    return (row_order){(size_t)p->shape.steps, (size_t)p->rows, p->shape.batch_first};
}

void tape_problem_solve(tape_problem *p, bool with_y, bool with_h, bool with_c) {
    const size_t hidden = (size_t)p->shape.hidden, input = (size_t)p->shape.input, rows = (size_t)(p->shape.steps * p->rows);
    const oclstm_layer layer = {.kind = OCLSTM_LAYER_LSTM_CELL,
                                .inputs = p->shape.input,
                                .outputs = p->shape.hidden,
                                .hidden_size = p->shape.hidden,
                                .num_layers = 1,
                                .directions = 1,
                                .bias = !p->shape.no_bias};
    reference_parameter parameters[4];
    for (int i = 0; i < 4; i++)
        parameters[i] = (reference_parameter){tape_input_names[OF_WEIGHT_IH + i], p->inputs[OF_WEIGHT_IH + i].count,
                                              p->inputs[OF_WEIGHT_IH + i].wide, p->gradients[OF_WEIGHT_IH + i].wide};
    double *x = fixture_alloc(rows * input, sizeof *x), *dx = fixture_alloc(rows * input, sizeof *dx),
           *y = fixture_alloc(rows * hidden, sizeof *y), *dy = fixture_alloc(rows * hidden, sizeof *dy);
    gradient_turn(order_of(p), x, p->inputs[OF_X].wide, input, true);
    gradient_turn(order_of(p), dy, p->given[OF_Y].wide, hidden, true);
    for (size_t i = 0; i < rows * hidden && !with_y; i++)
        dy[i] = 0;
    const reference_network network = {.layers = &layer,
                                       .layer_count = 1,
                                       .parameters = parameters,
                                       .parameter_count = p->shape.no_bias ? 2 : 4,
                                       .steps = (size_t)p->shape.steps,
                                       .batch = (size_t)p->rows,
                                       .x = x,
                                       .h0 = p->shape.no_state ? NULL : p->inputs[OF_H].wide,
                                       .c0 = p->shape.no_state ? NULL : p->inputs[OF_C].wide,
                                       .y = y,
                                       .hn = p->results[OF_HN].wide,
                                       .cn = p->results[OF_CN].wide,
                                       .dy = dy,
                                       .dhn = with_h ? p->given[OF_HN].wide : NULL,
                                       .dcn = with_c ? p->given[OF_CN].wide : NULL,
                                       .dx = dx,
                                       .dh0 = p->gradients[OF_H].wide,
                                       .dc0 = p->gradients[OF_C].wide};
    reference_network_run(&network);
    gradient_turn(order_of(p), p->results[OF_Y].wide, y, hidden, false);
    gradient_turn(order_of(p), p->gradients[OF_X].wide, dx, input, false);
    free(x);
    free(dx);
    free(y);
    free(dy);
}

void tape_problem_compare(const tape_problem *p) {
    for (int i = 0; i < RESULTS; i++)
        expect_gradient_values(&p->results[i], p->results[i].wide, result_names[i], p->what);
    for (int i = 0; i < (p->shape.no_bias ? OF_BIAS_IH : INPUTS); i++)
        expect_gradient_values(&p->gradients[i], p->gradients[i].wide, tape_input_names[i], p->what);
}

void tape_on_every_engine(tape_case shape, void (*check)(const tape_case *)) {
    for (int dtype = OCLSTM_F32; dtype <= (fixture_has_fp64() ? OCLSTM_F64 : OCLSTM_F32); dtype++) {
        for (const oclstm_engine *engine = gradient_engines((oclstm_dtype)dtype);; engine++) {
            shape.dtype = (oclstm_dtype)dtype;
            shape.engine = *engine;
            check(&shape);
            if (*engine == OCLSTM_ENGINE_AUTO)
                break;
        }
    }
}
