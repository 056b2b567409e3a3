// SPDX-License-Identifier: Apache-2.0
#include "gradient_network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

enum { MOST_STAGES = 32 };

static double *make(size_t count) {
    double *values = calloc(count > 0 ? count : 1, sizeof *values);
    ck_assert_ptr_nonnull(values);
    return values;
}

// One direction of one layer of a stack, in the order in which it sees the steps.
typedef struct unit_tape {
    double *x; // rows behind a sequence's end are zero
    reference_recurrence run;
    const reference_parameter *ih, *hh, *bias_ih, *bias_hh, *hr; // NULL where absent
    size_t column;                                               // of y
    bool reversed;
} unit_tape;

// A layer, or one of a stack.
typedef struct stage {
    const oclstm_layer *layer;
    size_t in, out;
    const double *x;
    double *y;
    unit_tape units[2];
    size_t unit_count;
} stage;

static bool is_behind(const reference_network *n, size_t row) {
    return n->lengths && row / n->batch >= (size_t)n->lengths[row % n->batch];
}

static const reference_parameter *find(const reference_network *n, const oclstm_layer *layer, const char *name, const char *end) {
    char full[400];
    snprintf(full, sizeof full, "%s%s%s%s", layer->name, layer->name[0] != '\0' ? "." : "", name, end);
    for (size_t i = 0; i < n->parameter_count; i++) {
        if (strcmp(n->parameters[i].name, full) == 0)
            return &n->parameters[i];
    }
    return NULL;
}

// --- recurrent layers ---------------------------------------------------------------------------------------------------

// The row that a unit sees as its own.
static size_t row_of(const reference_network *n, const unit_tape *u, size_t row) {
    const size_t t = row / n->batch, b = row % n->batch, length = n->lengths ? (size_t)n->lengths[b] : n->steps;
    return u->reversed ? (length - 1 - t) * n->batch + b : row;
}

static void unit_begin(const reference_network *n, const stage *s, unit_tape *u, int at, size_t direction, const double *h0,
                       const double *c0) {
    const oclstm_layer *layer = s->layer;
    const size_t rows = n->steps * n->batch, hidden = (size_t)layer->hidden_size, proj = (size_t)layer->proj_size;
    const size_t width = proj ? proj : hidden;
    char end[32] = "";
    if (layer->kind == OCLSTM_LAYER_LSTM)
        snprintf(end, sizeof end, "_l%d%s", at, direction == 1 ? "_reverse" : "");
    *u = (unit_tape){.ih = find(n, layer, "weight_ih", end),
                     .hh = find(n, layer, "weight_hh", end),
                     .bias_ih = find(n, layer, "bias_ih", end),
                     .bias_hh = find(n, layer, "bias_hh", end),
                     .hr = find(n, layer, "weight_hr", end),
                     .x = make(rows * s->in),
                     .column = direction * width,
                     .reversed = direction == 1};
    ck_assert_msg(u->ih && u->hh, "no weights of %s%s", layer->name, end);
    u->run = (reference_recurrence){.steps = n->steps,
                                    .batch = n->batch,
                                    .hidden = hidden,
                                    .proj = proj,
                                    .lengths = n->lengths,
                                    .weight_hh = u->hh->value,
                                    .weight_hr = u->hr ? u->hr->value : NULL,
                                    .gates = make(rows * 4 * hidden),
                                    .h = make((rows + n->batch) * width),
                                    .c = make((rows + n->batch) * hidden),
                                    .raw = make(rows * hidden)};
    if (h0)
        memcpy(u->run.h, h0, n->batch * width * sizeof *h0);
    if (c0)
        memcpy(u->run.c, c0, n->batch * hidden * sizeof *c0);
}

static void unit_forward(const reference_network *n, const stage *s, unit_tape *u) {
    const size_t rows = n->steps * n->batch, gates = 4 * u->run.hidden, width = reference_width(&u->run);
    for (size_t row = 0; row < rows; row++) {
        if (!is_behind(n, row))
            memcpy(u->x + row * s->in, s->x + row_of(n, u, row) * s->in, s->in * sizeof *u->x);
        for (size_t r = 0; r < gates && u->bias_ih; r++)
            u->run.gates[row * gates + r] = u->bias_ih->value[r] + u->bias_hh->value[r];
    }
    reference_multiply(&(reference_product){.form = TRAIN_NT,
                                            .m = rows,
                                            .n = gates,
                                            .k = s->in,
                                            .lda = s->in,
                                            .ldb = s->in,
                                            .ldc = gates,
                                            .a = u->x,
                                            .b = u->ih->value,
                                            .c = u->run.gates,
                                            .accumulate = true});
    ck_assert(reference_forward(&u->run));
    for (size_t row = 0; row < rows; row++) {
        if (!is_behind(n, row))
            memcpy(s->y + row_of(n, u, row) * s->out + u->column, u->run.h + (row + n->batch) * width, width * sizeof *s->y);
    }
}

static void add_product(const reference_parameter *p, size_t m, size_t columns, size_t rows, const double *a, const double *b) {
    if (p)
        reference_multiply(&(reference_product){.form = TRAIN_TN,
                                                .m = m,
                                                .n = columns,
                                                .k = rows,
                                                .lda = m,
                                                .ldb = columns,
                                                .ldc = columns,
                                                .a = a,
                                                .b = b,
                                                .c = p->gradient,
                                                .accumulate = true});
}

static void add_columns(const reference_parameter *p, size_t columns, size_t rows, const double *a) {
    for (size_t i = 0; p && i < rows * columns; i++)
        p->gradient[i % columns] += a[i];
}

// dy of the stage to dx of it, which is added to; dh, dc in place.
static void unit_backward(const reference_network *n, const stage *s, unit_tape *u, const double *dy, double *dx, double *dh,
                          double *dc) {
    const size_t rows = n->steps * n->batch, gates = 4 * u->run.hidden, width = reference_width(&u->run);
    double *own_dy = make(rows * width), *dprojected = make(rows * u->run.proj), *own_dx = make(rows * s->in);
    for (size_t row = 0; row < rows; row++) {
        if (!is_behind(n, row))
            memcpy(own_dy + row * width, dy + row_of(n, u, row) * s->out + u->column, width * sizeof *dy);
    }
    u->run.dy = own_dy;
    u->run.dh = dh;
    u->run.dc = dc;
    u->run.dprojected = dprojected;
    ck_assert(reference_backward(&u->run));
    const double *da = u->run.gates;
    add_product(u->ih, gates, s->in, rows, da, u->x);
    add_product(u->hh, gates, width, rows, da, u->run.h);
    add_product(u->hr, width, u->run.hidden, rows, dprojected, u->run.raw);
    add_columns(u->bias_ih, gates, rows, da);
    add_columns(u->bias_hh, gates, rows, da);
    reference_multiply(&(reference_product){.form = TRAIN_NN,
                                            .m = rows,
                                            .n = s->in,
                                            .k = gates,
                                            .lda = gates,
                                            .ldb = s->in,
                                            .ldc = s->in,
                                            .a = da,
                                            .b = u->ih->value,
                                            .c = own_dx});
    for (size_t i = 0; i < rows * s->in; i++) {
        if (!is_behind(n, i / s->in))
            dx[row_of(n, u, i / s->in) * s->in + i % s->in] += own_dx[i];
    }
    free(own_dy);
    free(dprojected);
    free(own_dx);
}

// --- other layers -------------------------------------------------------------------------------------------------------

static void forward_row(const reference_network *n, const stage *s, size_t row, const double *x, double *y) {
    const reference_parameter *weight = find(n, s->layer, "weight", ""), *bias = find(n, s->layer, "bias", "");
    switch (s->layer->kind) {
    case OCLSTM_LAYER_EMBEDDING:
        memcpy(y, weight->value + (size_t)n->tokens[row] * s->out, s->out * sizeof *y);
        break;
    case OCLSTM_LAYER_LINEAR:
        for (size_t j = 0; j < s->out; j++) {
            y[j] = bias ? bias->value[j] : 0;
            for (size_t k = 0; k < s->in; k++)
                y[j] += weight->value[j * s->in + k] * x[k];
        }
        break;
    default:
        for (size_t j = 0; j < s->out; j++)
            y[j] = s->layer->kind == OCLSTM_LAYER_RELU ? fmax(x[j], 0) : 1 / (1 + exp(-x[j]));
    }
}

static void backward_row(const reference_network *n, const stage *s, size_t row, const double *dy, double *dx) {
    const reference_parameter *weight = find(n, s->layer, "weight", ""), *bias = find(n, s->layer, "bias", "");
    const double *x = s->x + row * s->in, *y = s->y + row * s->out;
    for (size_t j = 0; j < s->out; j++) {
        if (s->layer->kind == OCLSTM_LAYER_EMBEDDING)
            weight->gradient[(size_t)n->tokens[row] * s->out + j] += dy[j];
        else if (s->layer->kind == OCLSTM_LAYER_RELU)
            dx[j] = y[j] > 0 ? dy[j] : 0;
        else if (s->layer->kind == OCLSTM_LAYER_SIGMOID)
            dx[j] = dy[j] * y[j] * (1 - y[j]);
        for (size_t k = 0; k < s->in && s->layer->kind == OCLSTM_LAYER_LINEAR; k++) {
            weight->gradient[j * s->in + k] += dy[j] * x[k];
            dx[k] += dy[j] * weight->value[j * s->in + k];
        }
        if (bias)
            bias->gradient[j] += dy[j];
    }
}

// --- networks -----------------------------------------------------------------------------------------------------------

static bool is_recurrent(const oclstm_layer *layer) {
    return layer->kind == OCLSTM_LAYER_LSTM || layer->kind == OCLSTM_LAYER_LSTM_CELL;
}

// One of `layers` with the state from *h, *c on, which go on to the next unit's.
static void recurrent_forward(const reference_network *n, stage *s, int at, size_t *h, size_t *c) {
    s->unit_count = s->layer->directions > 1 ? 2 : 1;
    for (size_t d = 0; d < s->unit_count; d++) {
        unit_tape *u = &s->units[d];
        unit_begin(n, s, u, at, d, n->h0 ? n->h0 + *h : NULL, n->c0 ? n->c0 + *c : NULL);
        unit_forward(n, s, u);
        const size_t rows = n->steps * n->batch, width = reference_width(&u->run), hidden = u->run.hidden;
        if (n->hn)
            memcpy(n->hn + *h, u->run.h + rows * width, n->batch * width * sizeof *n->hn);
        if (n->cn)
            memcpy(n->cn + *c, u->run.c + rows * hidden, n->batch * hidden * sizeof *n->cn);
        *h += n->batch * width;
        *c += n->batch * hidden;
    }
}

// The stages with their activations; the ends of the state in *h, *c.
static size_t forward(const reference_network *n, stage *stages, size_t *h, size_t *c) {
    const size_t rows = n->steps * n->batch;
    size_t count = 0;
    for (size_t i = 0; i < n->layer_count; i++) {
        const oclstm_layer *layer = &n->layers[i];
        const bool tokens = layer->kind == OCLSTM_LAYER_EMBEDDING;
        for (int at = 0; at < (is_recurrent(layer) ? layer->num_layers : 1); at++) {
            stage *s = &stages[count];
            ck_assert_uint_lt(count, MOST_STAGES);
            *s = (stage){.layer = layer, .in = tokens ? 0 : count > 0 ? stages[count - 1].out : (size_t)layer->inputs};
            s->out = (size_t)layer->outputs;
            s->x = count > 0 ? stages[count - 1].y : n->x;
            s->y = make(rows * s->out);
            if (is_recurrent(layer))
                recurrent_forward(n, s, at, h, c);
            for (size_t row = 0; row < rows && !is_recurrent(layer); row++)
                if (!is_behind(n, row))
                    forward_row(n, s, row, s->x ? s->x + row * s->in : NULL, s->y + row * s->out);
            count++;
        }
    }
    return count;
}

static void recurrent_backward(const reference_network *n, stage *s, const double *dy, double *dx, size_t *h, size_t *c) {
    for (size_t d = s->unit_count; d-- > 0;) {
        unit_tape *u = &s->units[d];
        const size_t h_count = n->batch * reference_width(&u->run), c_count = n->batch * u->run.hidden;
        *h -= h_count;
        *c -= c_count;
        double *dh = make(h_count), *dc = make(c_count);
        if (n->dhn)
            memcpy(dh, n->dhn + *h, h_count * sizeof *dh);
        if (n->dcn)
            memcpy(dc, n->dcn + *c, c_count * sizeof *dc);
        unit_backward(n, s, u, dy, dx, dh, dc);
        if (n->dh0)
            memcpy(n->dh0 + *h, dh, h_count * sizeof *dh);
        if (n->dc0)
            memcpy(n->dc0 + *c, dc, c_count * sizeof *dc);
        free(dh);
        free(dc);
    }
}

static void backward(const reference_network *n, stage *stages, size_t count, size_t h, size_t c) {
    const size_t rows = n->steps * n->batch;
    double *dy = make(rows * stages[count - 1].out);
    for (size_t i = 0; n->dy && i < rows * stages[count - 1].out; i++)
        dy[i] = is_behind(n, i / stages[count - 1].out) ? 0 : n->dy[i];
    for (size_t i = count; i-- > 0;) {
        stage *s = &stages[i];
        double *dx = make(rows * s->in);
        if (is_recurrent(s->layer))
            recurrent_backward(n, s, dy, dx, &h, &c);
        for (size_t row = 0; row < rows && !is_recurrent(s->layer); row++)
            if (!is_behind(n, row))
                backward_row(n, s, row, dy + row * s->out, dx + row * s->in);
        free(dy);
        dy = dx;
    }
    if (n->dx)
        memcpy(n->dx, dy, rows * stages[0].in * sizeof *dy);
    free(dy);
}

void reference_network_run(const reference_network *n) {
    stage stages[MOST_STAGES];
    size_t h = 0, c = 0;
    const size_t count = forward(n, stages, &h, &c);
    if (n->y)
        memcpy(n->y, stages[count - 1].y, n->steps * n->batch * stages[count - 1].out * sizeof *n->y);
    if (n->dy || n->dhn || n->dcn)
        backward(n, stages, count, h, c);
    for (size_t i = 0; i < count; i++) {
        free(stages[i].y);
        for (size_t d = 0; d < stages[i].unit_count; d++) {
            unit_tape *u = &stages[i].units[d];
            double *const owned[] = {u->x, u->run.gates, u->run.h, u->run.c, u->run.raw};
            for (size_t k = 0; k < sizeof owned / sizeof owned[0]; k++)
                free(owned[k]);
        }
    }
}

// --- losses -------------------------------------------------------------------------------------------------------------

// The loss of a row, not yet divided, and its gradient likewise.
static double loss_of_row(oclstm_loss kind, const double *z, const double *target, int class, size_t outputs, double *dz) {
    double loss = 0, largest = z[0], sum = 0;
    for (size_t j = 0; j < outputs; j++)
        largest = fmax(largest, z[j]);
    for (size_t j = 0; j < outputs; j++)
        sum += exp(z[j] - largest);
    for (size_t j = 0; j < outputs; j++) {
        if (kind == OCLSTM_LOSS_MSE) {
            loss += (z[j] - target[j]) * (z[j] - target[j]);
            dz[j] = 2 * (z[j] - target[j]);
        } else if (kind == OCLSTM_LOSS_BCE) {
            loss += fmax(z[j], 0) - z[j] * target[j] + log1p(exp(-fabs(z[j])));
            dz[j] = 1 / (1 + exp(-z[j])) - target[j];
        } else {
            dz[j] = exp(z[j] - largest) / sum - ((size_t) class == j ? 1 : 0);
        }
    }
    return kind == OCLSTM_LOSS_CROSS_ENTROPY ? log(sum) + largest - z[class] : loss;
}

double reference_loss(oclstm_loss kind, const double *z, const double *target, const int *classes, const int *lengths, size_t steps,
                      size_t batch, size_t outputs, double *dz) {
    const size_t rows = steps * batch;
    double *gradient = make(rows * outputs), loss = 0, counted = 0;
    for (size_t row = 0; row < rows; row++) {
        if ((lengths && row / batch >= (size_t)lengths[row % batch]) || (classes && classes[row] < 0))
            continue;
        loss += loss_of_row(kind, z + row * outputs, target ? target + row * outputs : NULL, classes ? classes[row] : 0, outputs,
                            gradient + row * outputs);
        counted += kind == OCLSTM_LOSS_CROSS_ENTROPY ? 1 : (double)outputs;
    }
    for (size_t i = 0; dz && i < rows * outputs; i++)
        dz[i] = gradient[i] / counted;
    free(gradient);
    return loss / counted;
}
