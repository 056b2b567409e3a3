// SPDX-License-Identifier: Apache-2.0
#include "reference_back.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// A step of a row: what the forward pass left, and the gradients that go through.
typedef struct row_back {
    const double *x, *h_before, *c_before, *c; // of the step
    double *gates;                             // their sums, then the gradients of these
    double *dx, *dh, *dc;                      // dx out; dh, dc of this step's h and c, then of the step's before
} row_back;

static void gates_back(int64_t hidden, const row_back *row) {
    for (int64_t j = 0; j < hidden; j++) {
        double *const gate = row->gates + j;
        const double i = reference_sigmoid(gate[0]), f = reference_sigmoid(gate[hidden]), g = tanh(gate[2 * hidden]),
                     o = reference_sigmoid(gate[3 * hidden]), tc = tanh(row->c[j]);
        const double dc = row->dc[j] + row->dh[j] * o * (1.0 - tc * tc);
        gate[0] = dc * g * i * (1.0 - i);
        gate[hidden] = dc * row->c_before[j] * f * (1.0 - f);
        gate[2 * hidden] = dc * i * (1.0 - g * g);
        gate[3 * hidden] = row->dh[j] * tc * o * (1.0 - o);
        row->dc[j] = dc * f;
    }
}

static void step_back(const reference_cell *cell, const row_back *row, const reference_gradients *to) {
    const int64_t input = cell->input_size, hidden = cell->hidden_size;
    gates_back(hidden, row);
    memset(row->dh, 0, (size_t)hidden * sizeof *row->dh);
    memset(row->dx, 0, (size_t)input * sizeof *row->dx);
    for (int64_t r = 0; r < 4 * hidden; r++) {
        const double da = row->gates[r];
        to->bias[r] += da;
        for (int64_t k = 0; k < input; k++) {
            row->dx[k] += cell->weight_ih[r * input + k] * da;
            to->weight_ih[r * input + k] += da * row->x[k];
        }
        for (int64_t k = 0; k < hidden; k++) {
            row->dh[k] += cell->weight_hh[r * hidden + k] * da;
            to->weight_hh[r * hidden + k] += da * row->h_before[k];
        }
    }
}

// Everything between forward and back: blocks of [steps][batch], h and c with that before the first step in front.
typedef struct forward_pass {
    double *gates, *h, *c;
} forward_pass;

static void run_forward(const reference_cell *cell, int64_t steps, int64_t batch, bool batch_first, const double *x,
                        forward_pass *kept) {
    const int64_t input = cell->input_size, hidden = cell->hidden_size;
    for (int64_t row = 0; row < steps * batch; row++) {
        const int64_t t = row / batch, b = row % batch, place = batch_first ? b * steps + t : row, next = row + batch;
        reference_row(cell, x + place * input, kept->h + row * hidden, kept->c + row * hidden, kept->h + next * hidden,
                      kept->c + next * hidden, kept->gates + row * 4 * hidden);
    }
}

static void run_back(const reference_cell *cell, int64_t steps, int64_t batch, bool batch_first, const double *x,
                     const forward_pass *kept, const reference_gradients *g) {
    const int64_t input = cell->input_size, hidden = cell->hidden_size;
    for (int64_t row = steps * batch; row-- > 0;) {
        const int64_t t = row / batch, b = row % batch, place = batch_first ? b * steps + t : row;
        const row_back step = {.x = x + place * input,
                               .h_before = kept->h + row * hidden,
                               .c_before = kept->c + row * hidden,
                               .c = kept->c + (row + batch) * hidden,
                               .gates = kept->gates + row * 4 * hidden,
                               .dx = g->x + place * input,
                               .dh = g->h0 + b * hidden,
                               .dc = g->c0 + b * hidden};
        for (int64_t j = 0; g->y && j < hidden; j++)
            step.dh[j] += g->y[place * hidden + j];
        step_back(cell, &step, g);
    }
}

static void begin(double *to, const double *from, int64_t count) {
    if (from)
        memcpy(to, from, (size_t)count * sizeof *to);
    else
        memset(to, 0, (size_t)count * sizeof *to);
}

bool reference_sequence_back(const reference_cell *cell, int64_t steps, int64_t batch, bool batch_first, const double *x,
                             const double *h, const double *c, const reference_gradients *g) {
    const int64_t hidden = cell->hidden_size, state = batch * hidden;
    forward_pass kept = {.gates = calloc((size_t)(steps * state), 4 * sizeof(double)),
                         .h = calloc((size_t)((steps + 1) * state), sizeof(double)),
                         .c = calloc((size_t)((steps + 1) * state), sizeof(double))};
    const bool good = kept.gates && kept.h && kept.c;
    if (good) {
        begin(kept.h, h, state);
        begin(kept.c, c, state);
        begin(g->h0, g->h, state);
        begin(g->c0, g->c, state);
        begin(g->weight_ih, NULL, 4 * hidden * cell->input_size);
        begin(g->weight_hh, NULL, 4 * hidden * hidden);
        begin(g->bias, NULL, 4 * hidden);
        run_forward(cell, steps, batch, batch_first, x, &kept);
        run_back(cell, steps, batch, batch_first, x, &kept, g);
    }
    free(kept.gates);
    free(kept.h);
    free(kept.c);
    return good;
}
