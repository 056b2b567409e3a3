// SPDX-License-Identifier: Apache-2.0
#include "trainer_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/oclstm/reference.h"

static row_order order_of(const trainer_problem *p) {
    return (row_order){(size_t)p->shape.steps, p->rows, p->shape.batch_first && p->shape.batch > 0};
}

static size_t count_of(const oclstm_parameter *parameter) {
    return (size_t)(parameter->shape[0] * (parameter->rank == 2 ? parameter->shape[1] : 1));
}

static oclstm_array parameter_array(const oclstm_trainer *trainer, const oclstm_parameter *parameter, void *data) {
    oclstm_array array = {.data = data, .dtype = oclstm_trainer_dtype(trainer), .rank = parameter->rank};
    memcpy(array.shape, parameter->shape, sizeof parameter->shape);
    return array;
}

// --- making -------------------------------------------------------------------------------------------------------------

static void make_trainer(trainer_problem *p) {
    oclstm_trainer_params params = p->shape.params;
    oclstm_error error = {0};
    params.description = p->shape.description;
    params.dtype_given = true;
    params.dtype = p->shape.dtype;
    params.engine = p->shape.engine;
    params.loss = p->shape.loss;
    params.has_ignore_index = p->shape.ignores;
    params.ignore_index = -100;
    if (params.optimizer.kind == OCLSTM_OPTIMIZER_SGD && params.optimizer.momentum == 0 && params.optimizer.lr == 0)
        params.optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_SGD), params.optimizer.lr = 0;
    const oclstm_status status = oclstm_trainer_create(&p->trainer, fixture_device(), NULL, &params, &error);
    ck_assert_msg(status == OCLSTM_OK, "%s: %s", p->shape.description, error.message);
}

static void make_parameters(trainer_problem *p) {
    const oclstm_parameter *parameters = oclstm_trainer_parameters(p->trainer, &p->parameter_count);
    ck_assert_uint_le(p->parameter_count, TRAINER_MOST_PARAMETERS);
    for (size_t i = 0; i < p->parameter_count; i++) {
        const size_t count = count_of(&parameters[i]);
        p->parameters[i] = (reference_parameter){parameters[i].name, count, fixture_alloc(count, sizeof(double)),
                                                 fixture_alloc(count, sizeof(double))};
    }
    trainer_problem_read(p);
}

void trainer_problem_read(trainer_problem *p) {
    const oclstm_parameter *parameters = oclstm_trainer_parameters(p->trainer, &p->parameter_count);
    for (size_t i = 0; i < p->parameter_count; i++) {
        const size_t count = p->parameters[i].count;
        void *data = fixture_alloc(count, sizeof(double));
        const oclstm_array array = parameter_array(p->trainer, &parameters[i], data);
        oclstm_error error = {0};
        expect_ok(oclstm_trainer_read(p->trainer, i, &array, &error), &error);
        reference_widen(p->parameters[i].value, data, array.dtype, (int64_t)count);
        for (size_t k = 0; k < count; k++)
            p->parameters[i].gradient[k] = 0;
        free(data);
    }
}

static bool is_behind(const trainer_problem *p, size_t row) {
    return p->shape.lengths && row / p->rows >= (size_t)p->lengths[row % p->rows];
}

// NaN behind the sequences' ends.
static void spoil(const trainer_problem *p, host_values *values, size_t features) {
    const row_order order = order_of(p);
    for (size_t row = 0; row < order.steps * order.batch && p->shape.spoiled; row++) {
        const size_t t = row / p->rows, b = row % p->rows, place = order.batch_first ? b * order.steps + t : row;
        for (size_t j = 0; j < features && is_behind(p, row); j++)
            host_values_set(values, place * features + j, (double)NAN);
    }
}

// Integers below `limit`, time-major, and as the caller hands them over; every fifth is -100 where some are ignored.
static void make_integers(const trainer_problem *p, int **plain, void **host, int64_t limit, bool ignores) {
    const row_order order = order_of(p);
    const size_t rows = order.steps * order.batch;
    *plain = fixture_alloc(rows, sizeof **plain);
    *host = fixture_alloc(rows, sizeof(int64_t));
    for (size_t row = 0; row < rows; row++) {
        const size_t t = row / p->rows, b = row % p->rows, place = order.batch_first ? b * order.steps + t : row;
        const int value = (int)((fixture_random() >> 20) % (uint64_t)limit);
        (*plain)[row] = ignores && row % 5 == 3 ? -100 : value;
        if (p->shape.long_integers)
            ((int64_t *)*host)[place] = (*plain)[row];
        else
            ((int32_t *)*host)[place] = (*plain)[row];
    }
}

static void make_sizes(trainer_problem *p, size_t *h_count, size_t *c_count) {
    const trainer_case *shape = &p->shape;
    int64_t width = 0, hidden = 0;
    bool equal = true;
    p->layers = oclstm_trainer_layers(p->trainer, &p->layer_count);
    p->rows = shape->batch > 0 ? (size_t)shape->batch : 1;
    p->inputs = p->layers[0].kind == OCLSTM_LAYER_EMBEDDING ? 0 : (size_t)p->layers[0].inputs;
    p->outputs = (size_t)p->layers[p->layer_count - 1].outputs;
    for (size_t i = 0; i < p->layer_count; i++) {
        const oclstm_layer *layer = &p->layers[i];
        if (layer->hidden_size == 0)
            continue;
        const int64_t units = (int64_t)layer->num_layers * (layer->directions > 1 ? 2 : 1);
        const int64_t own = layer->proj_size > 0 ? layer->proj_size : layer->hidden_size;
        equal = equal && (p->units == 0 || (own == width && layer->hidden_size == hidden));
        width = own;
        hidden = layer->hidden_size;
        p->units += units;
        *h_count += (size_t)(units * own) * p->rows;
        *c_count += (size_t)(units * layer->hidden_size) * p->rows;
    }
    p->units = equal ? p->units : 0;
}

static void make_data(trainer_problem *p) {
    const oclstm_dtype dtype = p->shape.dtype;
    size_t h_count = 0, c_count = 0;
    make_sizes(p, &h_count, &c_count);
    const size_t rows = (size_t)p->shape.steps * p->rows;
    ck_assert_uint_le(p->rows, TRAINER_MOST_BATCH);
    for (size_t b = 0; b < p->rows; b++)
        p->lengths[b] = b == 1 ? (int)p->shape.steps : 1 + (int)((fixture_random() >> 20) % (uint64_t)p->shape.steps);
    if (p->inputs == 0)
        make_integers(p, &p->tokens, &p->host_tokens, p->layers[0].inputs, false);
    make_integers(p, &p->classes, &p->host_classes, (int64_t)p->outputs, p->shape.ignores);
    p->x = host_values_make(dtype, rows * p->inputs, 1);
    p->dx = host_values_make(dtype, rows * p->inputs, 0);
    p->y = host_values_make(dtype, rows * p->outputs, 0);
    p->dy = host_values_make(dtype, rows * p->outputs, 1);
    p->target = host_values_make(dtype, rows * p->outputs, 1);
    for (size_t i = 0; i < p->target.count && p->shape.loss == OCLSTM_LOSS_BCE; i++)
        host_values_set(&p->target, i, fabs(p->target.wide[i]));
    host_values *const of_h[] = {&p->h0, &p->hn, &p->dhn, &p->dh0}, *const of_c[] = {&p->c0, &p->cn, &p->dcn, &p->dc0};
    for (int i = 0; i < 4; i++) {
        *of_h[i] = host_values_make(dtype, h_count, i % 2 == 0);
        *of_c[i] = host_values_make(dtype, c_count, i % 2 == 0);
    }
    spoil(p, &p->x, p->inputs);
    spoil(p, &p->dy, p->outputs);
    spoil(p, &p->target, p->outputs);
}

trainer_problem *trainer_problem_make(const trainer_case *shape) {
    trainer_problem *p = fixture_alloc(1, sizeof *p);
    p->shape = *shape;
    make_trainer(p);
    make_parameters(p);
    make_data(p);
    snprintf(p->what, sizeof p->what, "\"%s\", T%lld B%lld%s%s, %s, engine %s%s", shape->description, (long long)shape->steps,
             (long long)shape->batch, shape->lengths ? ", lengths" : "", shape->batch_first ? ", batch first" : "",
             oclstm_dtype_name(shape->dtype), oclstm_engine_name(shape->engine), shape->params.recompute ? ", recompute" : "");
    return p;
}

void trainer_problem_free(trainer_problem *p) {
    host_values *const all[] = {&p->x,   &p->h0,  &p->c0, &p->y,   &p->hn,  &p->cn,    &p->dy,
                                &p->dhn, &p->dcn, &p->dx, &p->dh0, &p->dc0, &p->target};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        host_values_free(all[i]);
    for (size_t i = 0; i < p->parameter_count; i++) {
        free(p->parameters[i].value);
        free(p->parameters[i].gradient);
    }
    void *const others[] = {p->tokens, p->classes, p->host_tokens, p->host_classes};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        free(others[i]);
    oclstm_trainer_destroy(&p->trainer);
    ck_assert_ptr_null(p->trainer);
    free(p);
}

// --- calls --------------------------------------------------------------------------------------------------------------

// [steps][batch][features], or as the case has it; features 0: without.
static oclstm_array rows_array(const trainer_problem *p, void *data, oclstm_dtype dtype, size_t features) {
    oclstm_array array = {.data = data, .dtype = dtype};
    const bool batch_first = order_of(p).batch_first;
    if (batch_first)
        array.shape[array.rank++] = p->shape.batch;
    array.shape[array.rank++] = p->shape.steps;
    if (p->shape.batch > 0 && !batch_first)
        array.shape[array.rank++] = p->shape.batch;
    if (features > 0)
        array.shape[array.rank++] = (int64_t)features;
    return array;
}

static oclstm_array state_array(const trainer_problem *p, const host_values *values) {
    oclstm_array array = {.data = values->data, .dtype = values->dtype};
    if (p->units == 0)
        return (oclstm_array){0};
    array.shape[array.rank++] = p->units;
    if (p->shape.batch > 0)
        array.shape[array.rank++] = p->shape.batch;
    array.shape[array.rank++] = (int64_t)(values->count / (size_t)p->units / p->rows);
    return array;
}

static void set_inputs(const trainer_problem *p, oclstm_const_array *x, oclstm_const_array *tokens, oclstm_const_array *lengths) {
    const oclstm_dtype integer = p->shape.long_integers ? OCLSTM_I64 : OCLSTM_I32;
    if (p->inputs > 0)
        *x = array_to_read(rows_array(p, p->x.data, p->shape.dtype, p->inputs));
    else
        *tokens = array_to_read(rows_array(p, p->host_tokens, integer, 0));
    if (p->shape.lengths)
        *lengths = oclstm_in_1d(p->lengths, OCLSTM_I32, (int64_t)p->rows);
}

oclstm_network_call trainer_forward_call(const trainer_problem *p) {
    oclstm_network_call call = {.batch_first = p->shape.batch_first};
    set_inputs(p, &call.x, &call.tokens, &call.lengths);
    if (!p->shape.without_state) {
        call.h0 = array_to_read(state_array(p, &p->h0));
        call.c0 = array_to_read(state_array(p, &p->c0));
    }
    call.y = rows_array(p, p->y.data, p->shape.dtype, p->outputs);
    call.hn = state_array(p, &p->hn);
    call.cn = state_array(p, &p->cn);
    return call;
}

oclstm_network_gradients trainer_backward_call(const trainer_problem *p) {
    oclstm_network_gradients call = {.y = array_to_read(rows_array(p, p->dy.data, p->shape.dtype, p->outputs)),
                                     .hn = array_to_read(state_array(p, &p->dhn)),
                                     .cn = array_to_read(state_array(p, &p->dcn)),
                                     .h0 = state_array(p, &p->dh0),
                                     .c0 = state_array(p, &p->dc0)};
    if (p->inputs > 0)
        call.x = rows_array(p, p->dx.data, p->shape.dtype, p->inputs);
    return call;
}

oclstm_train_batch trainer_batch(const trainer_problem *p) {
    oclstm_train_batch batch = {.batch_first = p->shape.batch_first};
    set_inputs(p, &batch.x, &batch.tokens, &batch.lengths);
    batch.target = array_to_read(rows_array(p, p->target.data, p->shape.dtype, p->outputs));
    if (p->shape.loss == OCLSTM_LOSS_CROSS_ENTROPY)
        batch.target = array_to_read(rows_array(p, p->host_classes, p->shape.long_integers ? OCLSTM_I64 : OCLSTM_I32, 0));
    return batch;
}

void trainer_run_forward(trainer_problem *p) {
    oclstm_error error = {0};
    const oclstm_network_call call = trainer_forward_call(p);
    const oclstm_status status = oclstm_trainer_forward(p->trainer, &call, &error);
    ck_assert_msg(status == OCLSTM_OK, "%s: %s", p->what, error.message);
}

void trainer_run_backward(trainer_problem *p, const oclstm_network_gradients *call) {
    oclstm_error error = {0};
    const oclstm_status status = oclstm_trainer_backward(p->trainer, call, &error);
    ck_assert_msg(status == OCLSTM_OK, "%s: %s", p->what, error.message);
}

oclstm_train_result trainer_run_step(trainer_problem *p) {
    oclstm_error error = {0};
    oclstm_train_result result;
    const oclstm_train_batch batch = trainer_batch(p);
    const oclstm_status status = oclstm_trainer_step(p->trainer, &batch, &result, &error);
    ck_assert_msg(status == OCLSTM_OK, "%s: %s", p->what, error.message);
    return result;
}

double trainer_run_evaluate(trainer_problem *p) {
    oclstm_error error = {0};
    double loss = 0;
    const oclstm_train_batch batch = trainer_batch(p);
    const oclstm_status status = oclstm_trainer_evaluate(p->trainer, &batch, &loss, &error);
    ck_assert_msg(status == OCLSTM_OK, "%s: %s", p->what, error.message);
    return loss;
}

// --- the reference's answers ----------------------------------------------------------------------------------------------

static double *to_plain(const trainer_problem *p, const host_values *values, size_t features) {
    double *plain = fixture_alloc(values->count, sizeof *plain);
    gradient_turn(order_of(p), plain, values->wide, features, true);
    return plain;
}

// With dy time-major, or NULL: forward alone.
static void solve(trainer_problem *p, const double *dy, bool step) {
    const bool no_state = step || p->shape.without_state || p->units == 0;
    double *x = to_plain(p, &p->x, p->inputs), *dx = fixture_alloc(p->x.count, sizeof *dx),
           *y = fixture_alloc(p->y.count, sizeof *y);
    const reference_network network = {.layers = p->layers,
                                       .layer_count = p->layer_count,
                                       .parameters = p->parameters,
                                       .parameter_count = p->parameter_count,
                                       .steps = (size_t)p->shape.steps,
                                       .batch = p->rows,
                                       .lengths = p->shape.lengths ? p->lengths : NULL,
                                       .tokens = p->tokens,
                                       .x = x,
                                       .h0 = no_state ? NULL : p->h0.wide,
                                       .c0 = no_state ? NULL : p->c0.wide,
                                       .y = y,
                                       .hn = p->hn.wide,
                                       .cn = p->cn.wide,
                                       .dy = dy,
                                       .dhn = step || p->units == 0 ? NULL : p->dhn.wide,
                                       .dcn = step || p->units == 0 ? NULL : p->dcn.wide,
                                       .dx = dx,
                                       .dh0 = p->dh0.wide,
                                       .dc0 = p->dc0.wide};
    reference_network_run(&network);
    const oclstm_layer_kind last = p->layers[p->layer_count - 1].kind;
    for (size_t i = 0; i < p->y.count && last != OCLSTM_LAYER_LSTM && last != OCLSTM_LAYER_LSTM_CELL; i++)
        y[i] = is_behind(p, i / p->outputs) ? (double)NAN : y[i]; // what a layer makes of nothing
    gradient_turn(order_of(p), p->y.wide, y, p->outputs, false);
    gradient_turn(order_of(p), p->dx.wide, dx, p->inputs, false);
    free(x);
    free(dx);
    free(y);
}

void trainer_problem_solve(trainer_problem *p) {
    double *dy = to_plain(p, &p->dy, p->outputs);
    solve(p, dy, false);
    free(dy);
}

void trainer_problem_solve_step(trainer_problem *p) {
    const bool classes = p->shape.loss == OCLSTM_LOSS_CROSS_ENTROPY;
    solve(p, NULL, true);
    double *y = to_plain(p, &p->y, p->outputs), *target = to_plain(p, &p->target, p->outputs),
           *dy = fixture_alloc(p->y.count, sizeof *dy);
    p->loss = reference_loss(p->shape.loss, y, classes ? NULL : target, classes ? p->classes : NULL,
                             p->shape.lengths ? p->lengths : NULL, (size_t)p->shape.steps, p->rows, p->outputs, dy);
    solve(p, dy, true);
    free(y);
    free(target);
    free(dy);
}

void trainer_compare_weights(trainer_problem *p) {
    const oclstm_parameter *parameters = oclstm_trainer_parameters(p->trainer, &p->parameter_count);
    for (size_t i = 0; i < p->parameter_count; i++) {
        host_values found = host_values_make(p->shape.dtype, p->parameters[i].count, 0);
        const oclstm_array array = parameter_array(p->trainer, &parameters[i], found.data);
        oclstm_error error = {0};
        expect_ok(oclstm_trainer_read_gradient(p->trainer, i, &array, &error), &error);
        expect_gradient_values(&found, p->parameters[i].gradient, parameters[i].name, p->what);
        host_values_free(&found);
    }
}

void trainer_problem_compare(trainer_problem *p) {
    expect_gradient_values(&p->y, p->y.wide, "y", p->what);
    if (p->inputs > 0)
        expect_gradient_values(&p->dx, p->dx.wide, "the gradient of x", p->what);
    if (p->units > 0) {
        expect_gradient_values(&p->hn, p->hn.wide, "hn", p->what);
        expect_gradient_values(&p->cn, p->cn.wide, "cn", p->what);
        expect_gradient_values(&p->dh0, p->dh0.wide, "the gradient of h0", p->what);
        expect_gradient_values(&p->dc0, p->dc0.wide, "the gradient of c0", p->what);
    }
    trainer_compare_weights(p);
}

void *trainer_bits(oclstm_trainer *trainer, bool gradients, size_t *bytes) {
    size_t count, at = 0;
    const oclstm_parameter *parameters = oclstm_trainer_parameters(trainer, &count);
    const size_t element = oclstm_dtype_size_bytes(oclstm_trainer_dtype(trainer));
    *bytes = 0;
    for (size_t i = 0; i < count; i++)
        *bytes += count_of(&parameters[i]) * element;
    char *bits = fixture_alloc(*bytes, 1);
    for (size_t i = 0; i < count; i++) {
        const oclstm_array array = parameter_array(trainer, &parameters[i], bits + at);
        oclstm_error error = {0};
        expect_ok((gradients ? oclstm_trainer_read_gradient : oclstm_trainer_read)(trainer, i, &array, &error), &error);
        at += count_of(&parameters[i]) * element;
    }
    return bits;
}

void trainer_on_every_engine(trainer_case shape, void (*check)(const trainer_case *)) {
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
