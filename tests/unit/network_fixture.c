// SPDX-License-Identifier: Apache-2.0
#include "network_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/oclstm/reference.h"

// --- the reference ------------------------------------------------------------------------------------------------------

// A tensor's values in double precision; NULL where the file has none of that name.
static double *read_tensor(const oclstm_tensors *file, const char *prefix, const char *name, const char *end) {
    char full[400];
    oclstm_error error = {0};
    snprintf(full, sizeof full, "%s%s%s%s", prefix, prefix[0] != '\0' ? "." : "", name, end);
    const oclstm_tensor *tensor = oclstm_tensors_find(file, full);
    if (tensor == NULL)
        return NULL;
    double *values = fixture_alloc(tensor->size_bytes / oclstm_dtype_size_bytes(tensor->dtype), sizeof *values);
    expect_ok(oclstm_tensor_read(file, tensor, 0, 0, tensor->shape[0], OCLSTM_F64, values, false, &error), &error);
    return values;
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

// One direction of one layer, over rows of x [steps][batch][input] to columns of y [steps][batch][y_features].
typedef struct unit_run {
    double *ih, *hh, *bias_ih, *bias_hh, *hr;
    size_t input, hidden, width, column, y_features;
    bool backward;
    double clip;
} unit_run;

static void run_step(const unit_run *u, const double *x, double *h, double *c, double *sums, double *m) {
    for (size_t r = 0; r < 4 * u->hidden; r++) {
        double sum = u->bias_ih != NULL ? u->bias_ih[r] + u->bias_hh[r] : 0;
        for (size_t k = 0; k < u->input; k++)
            sum += u->ih[r * u->input + k] * x[k];
        for (size_t k = 0; k < u->width; k++)
            sum += u->hh[r * u->width + k] * h[k];
        sums[r] = u->clip > 0 && !isnan(sum) ? fmin(fmax(sum, -u->clip), u->clip) : sum;
    }
    for (size_t j = 0; j < u->hidden; j++) {
        c[j] = sigmoid(sums[u->hidden + j]) * c[j] + sigmoid(sums[j]) * tanh(sums[2 * u->hidden + j]);
        m[j] = sigmoid(sums[3 * u->hidden + j]) * tanh(c[j]);
    }
    for (size_t w = 0; w < u->width; w++) {
        h[w] = u->hr != NULL ? 0 : m[w];
        for (size_t j = 0; j < u->hidden && u->hr != NULL; j++)
            h[w] += u->hr[w * u->hidden + j] * m[j];
    }
}

static void run_unit(const unit_run *u, const network_problem *p, const double *x, double *y, double *h, double *c) {
    const size_t batch = (size_t)p->rows;
    double *sums = fixture_alloc(5 * u->hidden, sizeof *sums);
    for (size_t b = 0; b < batch; b++) {
        const size_t length = p->shape.lengths != NULL ? (size_t)p->shape.lengths[b] : (size_t)p->shape.steps;
        for (size_t i = 0; i < length; i++) {
            const size_t row = (u->backward ? length - 1 - i : i) * batch + b;
            run_step(u, x + row * u->input, h + b * u->width, c + b * u->hidden, sums, sums + 4 * u->hidden);
            memcpy(y + row * u->y_features + u->column, h + b * u->width, u->width * sizeof *y);
        }
    }
    free(sums);
}

// A recurrent layer with all its own layers; takes x, gives y. h and c go on to the next units' state.
static double *run_lstm(network_problem *p, const oclstm_layer *layer, const oclstm_tensors *file, double *x, double **h,
                        double **c) {
    const int directions = layer->directions > 0 ? layer->directions : 1;
    const size_t width = (size_t)(layer->proj_size > 0 ? layer->proj_size : layer->hidden_size),
                 hidden = (size_t)layer->hidden_size, rows = (size_t)p->shape.steps * (size_t)p->rows;
    for (int at = 0; at < layer->num_layers; at++) {
        double *y = fixture_alloc(rows * width * (size_t)directions, sizeof *y);
        for (int d = 0; d < directions; d++) {
            char end[32] = "";
            if (layer->kind == OCLSTM_LAYER_LSTM)
                snprintf(end, sizeof end, "_l%d%s", at, d == 1 ? "_reverse" : "");
            unit_run u = {.ih = read_tensor(file, layer->name, "weight_ih", end),
                          .hh = read_tensor(file, layer->name, "weight_hh", end),
                          .bias_ih = read_tensor(file, layer->name, "bias_ih", end),
                          .bias_hh = read_tensor(file, layer->name, "bias_hh", end),
                          .hr = read_tensor(file, layer->name, "weight_hr", end),
                          .input = at == 0 ? (size_t)layer->inputs : width * (size_t)directions,
                          .hidden = hidden,
                          .width = width,
                          .column = (size_t)d * width,
                          .y_features = width * (size_t)directions,
                          .backward = d == 1 || layer->reverse,
                          .clip = p->shape.clip};
            run_unit(&u, p, x, y, *h, *c);
            *h += (size_t)p->rows * width;
            *c += (size_t)p->rows * hidden;
            double *const weights[] = {u.ih, u.hh, u.bias_ih, u.bias_hh, u.hr};
            for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++)
                free(weights[i]);
        }
        free(x);
        x = y;
    }
    return x;
}

static double *run_linear(const network_problem *p, const oclstm_layer *layer, const oclstm_tensors *file, double *x) {
    const size_t rows = (size_t)p->shape.steps * (size_t)p->rows, in = (size_t)layer->inputs, out = (size_t)layer->outputs;
    double *w = read_tensor(file, layer->name, "weight", ""), *bias = read_tensor(file, layer->name, "bias", "");
    double *y = fixture_alloc(rows * out, sizeof *y);
    for (size_t row = 0; row < rows; row++) {
        for (size_t r = 0; r < out; r++) {
            y[row * out + r] = bias != NULL ? bias[r] : 0;
            for (size_t k = 0; k < in; k++)
                y[row * out + r] += w[r * in + k] * x[row * in + k];
        }
    }
    free(w);
    free(bias);
    free(x);
    return y;
}

static double *run_embedding(const network_problem *p, const oclstm_layer *layer, const oclstm_tensors *file) {
    const size_t rows = (size_t)p->shape.steps * (size_t)p->rows, features = (size_t)layer->outputs;
    double *w = read_tensor(file, layer->name, "weight", ""), *y = fixture_alloc(rows * features, sizeof *y);
    for (size_t row = 0; row < rows; row++)
        memcpy(y + row * features, w + (size_t)p->tokens[row] * features, features * sizeof *y);
    free(w);
    return y;
}

static void activate(const network_problem *p, const oclstm_layer *layer, double *x) {
    const size_t features = (size_t)layer->outputs, rows = (size_t)p->shape.steps * (size_t)p->rows;
    for (size_t row = 0; row < rows; row++) {
        double *v = x + row * features, sum = 0;
        for (size_t j = 0; j < features; j++)
            sum += exp(v[j]);
        for (size_t j = 0; j < features; j++)
            v[j] = layer->kind == OCLSTM_LAYER_RELU      ? fmax(v[j], 0)
                   : layer->kind == OCLSTM_LAYER_SIGMOID ? sigmoid(v[j])
                                                         : exp(v[j]) / sum;
    }
}

void network_problem_solve(network_problem *p, const oclstm_network *network, const oclstm_tensors *file) {
    size_t count;
    const oclstm_layer *layers = oclstm_network_layers(network, &count);
    double *x = fixture_alloc(p->x_count, sizeof *x), *h = p->hn, *c = p->cn;
    memcpy(x, p->x, p->x_count * sizeof *x);
    memcpy(h, p->h0, p->h_count * sizeof *h);
    memcpy(c, p->c0, p->c_count * sizeof *c);
    for (size_t i = 0; i < count; i++) {
        switch (layers[i].kind) {
        case OCLSTM_LAYER_EMBEDDING:
            free(x);
            x = run_embedding(p, &layers[i], file);
            break;
        case OCLSTM_LAYER_LSTM:
        case OCLSTM_LAYER_LSTM_CELL:
            x = run_lstm(p, &layers[i], file, x, &h, &c);
            break;
        case OCLSTM_LAYER_LINEAR:
            x = run_linear(p, &layers[i], file, x);
            break;
        default:
            activate(p, &layers[i], x);
        }
    }
    memcpy(p->y, x, p->y_count * sizeof *x);
    free(x);
}

// --- data ---------------------------------------------------------------------------------------------------------------

// The place in the call's array of row (t, b).
static size_t place_of(const network_problem *p, size_t t, size_t b) {
    return p->shape.batch_first ? b * (size_t)p->shape.steps + t : t * (size_t)p->rows + b;
}

static void narrow(void *dst, const double *src, oclstm_dtype dtype, size_t count) {
    reference_narrow(dst, src, dtype, (int64_t)count);
}

// Random values of the dtype.
static void fill(double *values, oclstm_dtype dtype, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const double value = fixture_uniform(-1, 1);
        values[i] = dtype == OCLSTM_F64 ? value : (double)(float)value;
    }
}

static void fill_input(network_problem *p, int64_t vocabulary) {
    const size_t element = oclstm_dtype_size_bytes(p->dtype);
    fill(p->x, p->dtype, p->x_count);
    for (size_t t = 0; t < (size_t)p->shape.steps; t++) {
        for (size_t b = 0; b < (size_t)p->rows; b++) {
            const size_t row = t * (size_t)p->rows + b, place = place_of(p, t, b);
            p->tokens[row] = vocabulary > 0 ? (int)(fixture_random() % (uint64_t)vocabulary) : 0;
            if (p->shape.long_tokens)
                ((int64_t *)p->token_host)[place] = p->tokens[row];
            else
                ((int32_t *)p->token_host)[place] = p->tokens[row];
            narrow((char *)p->x_host + place * p->inputs * element, p->x + row * p->inputs, p->dtype, p->inputs);
        }
    }
}

network_problem *network_problem_create(const oclstm_network *network, const network_case *shape) {
    size_t count;
    int rank;
    int64_t h_shape[3], c_shape[3];
    const oclstm_layer *layers = oclstm_network_layers(network, &count);
    network_problem *p = fixture_alloc(1, sizeof *p);
    p->shape = *shape;
    p->dtype = oclstm_network_dtype(network);
    p->rows = shape->batch > 0 ? shape->batch : 1;
    p->takes_tokens = oclstm_network_takes_tokens(network);
    const size_t rows = (size_t)(shape->steps * p->rows);
    p->inputs = p->takes_tokens ? 1 : (size_t)layers[0].inputs;
    p->outputs = (size_t)layers[count - 1].outputs;
    p->x_count = rows * p->inputs;
    p->y_count = rows * p->outputs;
    p->has_state = oclstm_network_state_shape(network, shape->batch, &rank, h_shape, c_shape, NULL) == OCLSTM_OK;
    for (size_t i = 0; i < count; i++) {
        const size_t units = (size_t)(layers[i].num_layers * (layers[i].directions > 0 ? layers[i].directions : 1));
        p->unit_count += units;
        p->h_count += units * (size_t)((layers[i].proj_size > 0 ? layers[i].proj_size : layers[i].hidden_size) * p->rows);
        p->c_count += units * (size_t)(layers[i].hidden_size * p->rows);
    }
    double **const wide[] = {&p->x, &p->h0, &p->c0, &p->y, &p->hn, &p->cn};
    void **const host[] = {&p->x_host, &p->h_host, &p->c_host, &p->y_host, &p->hn_host, &p->cn_host};
    const size_t counts[] = {p->x_count, p->h_count, p->c_count, p->y_count, p->h_count, p->c_count};
    for (int i = 0; i < 6; i++) {
        *wide[i] = fixture_alloc(counts[i], sizeof(double));
        *host[i] = fixture_alloc(counts[i] + 1, sizeof(double));
        memset(*host[i], 0x5A, (counts[i] + 1) * sizeof(double));
    }
    p->tokens = fixture_alloc(rows, sizeof *p->tokens);
    p->token_host = fixture_alloc(rows, sizeof(int64_t));
    fill_input(p, p->takes_tokens ? layers[0].inputs : 0);
    if (shape->state) {
        fill(p->h0, p->dtype, p->h_count);
        fill(p->c0, p->dtype, p->c_count);
    }
    narrow(p->h_host, p->h0, p->dtype, p->h_count);
    narrow(p->c_host, p->c0, p->dtype, p->c_count);
    return p;
}

void network_problem_destroy(network_problem **problem) {
    network_problem *p = *problem;
    void *const all[] = {p->x,      p->h0,     p->c0,     p->y,       p->hn,      p->cn,         p->x_host,
                         p->y_host, p->h_host, p->c_host, p->hn_host, p->cn_host, p->token_host, p->tokens};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    free(p);
    *problem = NULL;
}

static oclstm_array array_of(const network_problem *p, void *data, size_t features) {
    oclstm_array array = {.data = data, .dtype = p->dtype};
    if (p->shape.batch_first && p->shape.batch > 0)
        array.shape[array.rank++] = p->rows;
    array.shape[array.rank++] = p->shape.steps;
    if (!p->shape.batch_first && p->shape.batch > 0)
        array.shape[array.rank++] = p->rows;
    if (features > 0)
        array.shape[array.rank++] = (int64_t)features;
    return array;
}

static oclstm_array state_of(const network_problem *p, void *data, size_t count) {
    oclstm_array array = {.data = data, .dtype = p->dtype};
    array.shape[array.rank++] = (int64_t)p->unit_count;
    if (p->shape.batch > 0)
        array.shape[array.rank++] = p->rows;
    array.shape[array.rank++] = (int64_t)(count / p->unit_count / (size_t)p->rows);
    return array;
}

static oclstm_const_array read_only(oclstm_array array) {
    oclstm_const_array out = {.data = array.data, .dtype = array.dtype, .rank = array.rank};
    memcpy(out.shape, array.shape, sizeof out.shape);
    return out;
}

oclstm_network_call network_problem_call(network_problem *p) {
    oclstm_network_call call = {.batch_first = p->shape.batch_first};
    if (p->takes_tokens) {
        call.tokens = read_only(array_of(p, p->token_host, 0));
        call.tokens.dtype = p->shape.long_tokens ? OCLSTM_I64 : OCLSTM_I32;
    } else {
        call.x = read_only(array_of(p, p->x_host, p->inputs));
    }
    if (!p->shape.without_y)
        call.y = array_of(p, p->y_host, p->outputs);
    if (p->shape.lengths != NULL)
        call.lengths = (oclstm_const_array){.data = p->shape.lengths, .dtype = OCLSTM_I32, .rank = 1, .shape = {p->rows}};
    if (p->shape.state) {
        call.h0 = read_only(state_of(p, p->h_host, p->h_count));
        call.c0 = read_only(state_of(p, p->c_host, p->c_count));
    }
    if (p->has_state && !p->shape.without_state) {
        call.hn = state_of(p, p->shape.in_place ? p->h_host : p->hn_host, p->h_count);
        call.cn = state_of(p, p->shape.in_place ? p->c_host : p->cn_host, p->c_count);
    }
    return call;
}

static void compare(const network_problem *p, const void *host, size_t at, double want, const char *name, const char *what) {
    double got;
    reference_widen(&got, (const char *)host + at * oclstm_dtype_size_bytes(p->dtype), p->dtype, 1);
    const bool right = isnan(want) ? isnan(got) : fabs(got - want) <= fixture_tolerance(p->dtype) * (1 + fabs(want));
    ck_assert_msg(right, "%s: %s[%zu] is %.17g, expected %.17g; %lld steps, batch %lld, seed %llu", what, name, at, got, want,
                  (long long)p->shape.steps, (long long)p->shape.batch, (unsigned long long)fixture_seed());
}

void network_problem_compare(const network_problem *p, const char *what) {
    const size_t element = oclstm_dtype_size_bytes(p->dtype);
    for (size_t t = 0; t < (size_t)p->shape.steps && !p->shape.without_y; t++) {
        for (size_t b = 0; b < (size_t)p->rows; b++) {
            for (size_t j = 0; j < p->outputs; j++)
                compare(p, p->y_host, place_of(p, t, b) * p->outputs + j, p->y[(t * (size_t)p->rows + b) * p->outputs + j], "y",
                        what);
        }
    }
    ck_assert_msg(((unsigned char *)p->y_host)[p->y_count * element] == 0x5A, "%s: written behind the end of y", what);
    if (!p->has_state || p->shape.without_state)
        return;
    for (size_t i = 0; i < p->h_count; i++)
        compare(p, p->shape.in_place ? p->h_host : p->hn_host, i, p->hn[i], "hn", what);
    for (size_t i = 0; i < p->c_count; i++)
        compare(p, p->shape.in_place ? p->c_host : p->cn_host, i, p->cn[i], "cn", what);
}

oclstm_network *network_fixture_load(const oclstm_tensors *file, const oclstm_network_params *params) {
    oclstm_network *network = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_network_load(&network, fixture_device(), file, params, &error), &error);
    return network;
}

void check_network(oclstm_network *network, const oclstm_tensors *file, const network_case *shape, const char *what) {
    network_problem *p = network_problem_create(network, shape);
    const oclstm_network_call call = network_problem_call(p);
    oclstm_error error = {0};
    network_problem_solve(p, network, file);
    const oclstm_status status = oclstm_network_run(network, &call, &error);
    ck_assert_msg(status == OCLSTM_OK, "%s: %s: %s", what, oclstm_status_name(status), error.message);
    network_problem_compare(p, what);
    network_problem_destroy(&p);
}
