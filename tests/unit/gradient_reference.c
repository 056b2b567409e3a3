// SPDX-License-Identifier: Apache-2.0
#include "gradient_reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void reference_multiply(const reference_product *p) {
    for (size_t i = 0; i < p->m; i++) {
        for (size_t j = 0; j < p->n; j++) {
            double *const to = p->c + i * p->ldc + j;
            double sum = p->accumulate ? *to : p->init ? p->init[j] : 0;
            for (size_t l = 0; l < p->k; l++) {
                const double a = p->form == TRAIN_TN ? p->a[l * p->lda + i] : p->a[i * p->lda + l];
                sum += a * (p->form == TRAIN_NT ? p->b[j * p->ldb + l] : p->b[l * p->ldb + j]);
            }
            *to = sum;
        }
    }
}

static double sigmoid(double v) { return v >= 0 ? 1 / (1 + exp(-v)) : exp(v) / (1 + exp(v)); }

bool reference_stands(const reference_recurrence *unit, size_t t, size_t b) {
    return unit->lengths && unit->first + t >= (size_t)unit->lengths[b];
}

size_t reference_width(const reference_recurrence *unit) { return unit->proj ? unit->proj : unit->hidden; }

// One row of one step. gates [4H], h_before [W], c_before [H] to h [W], c [H], raw [H].
static void forward_row(const reference_recurrence *unit, double *gates, const double *h_before, const double *c_before, double *h,
                        double *c, double *raw) {
    const size_t hidden = unit->hidden, width = reference_width(unit);
    for (size_t r = 0; r < 4 * hidden; r++) {
        double sum = gates[r];
        for (size_t k = 0; k < width; k++)
            sum += unit->weight_hh[r * width + k] * h_before[k];
        gates[r] = r / hidden == 2 ? tanh(sum) : sigmoid(sum);
    }
    for (size_t j = 0; j < hidden; j++) {
        c[j] = gates[hidden + j] * c_before[j] + gates[j] * gates[2 * hidden + j];
        raw[j] = gates[3 * hidden + j] * tanh(c[j]);
    }
    if (!unit->proj)
        memcpy(h, raw, hidden * sizeof *h);
    for (size_t w = 0; w < unit->proj; w++) {
        h[w] = 0;
        for (size_t j = 0; j < hidden; j++)
            h[w] += unit->weight_hr[w * hidden + j] * raw[j];
    }
}

bool reference_forward(const reference_recurrence *unit) {
    const size_t hidden = unit->hidden, width = reference_width(unit);
    double *own = calloc(hidden, sizeof *own); // where no raw is asked for
    if (!own)
        return false;
    for (size_t row = 0; row < unit->steps * unit->batch; row++) {
        const size_t t = row / unit->batch, b = row % unit->batch, next = row + unit->batch; // h and c have one block more
        double *const raw = unit->raw ? unit->raw + row * hidden : own;
        if (reference_stands(unit, t, b)) {
            memcpy(unit->h + next * width, unit->h + row * width, width * sizeof *unit->h);
            memcpy(unit->c + next * hidden, unit->c + row * hidden, hidden * sizeof *unit->c);
            memset(raw, 0, hidden * sizeof *raw);
        } else {
            forward_row(unit, unit->gates + row * 4 * hidden, unit->h + row * width, unit->c + row * hidden, unit->h + next * width,
                        unit->c + next * hidden, raw);
        }
    }
    free(own);
    return true;
}

// One row of one step: dh [W] is the whole gradient of this step's h and becomes that of the step's before; dc [H] likewise, to which what comes through h is
// added here. draw [H] is room.
static void backward_row(const reference_recurrence *unit, double *gates, const double *c_before, const double *c, double *dh,
                         double *dc, double *draw) {
    const size_t hidden = unit->hidden, width = reference_width(unit);
    if (!unit->proj)
        memcpy(draw, dh, hidden * sizeof *draw);
    for (size_t j = 0; j < hidden && unit->proj; j++) {
        draw[j] = 0;
        for (size_t w = 0; w < width; w++)
            draw[j] += unit->weight_hr[w * hidden + j] * dh[w];
    }
    for (size_t j = 0; j < hidden; j++) {
        const double i = gates[j], f = gates[hidden + j], g = gates[2 * hidden + j], o = gates[3 * hidden + j], tc = tanh(c[j]);
        const double whole = dc[j] + draw[j] * o * (1 - tc * tc);
        gates[j] = whole * g * i * (1 - i);
        gates[hidden + j] = whole * c_before[j] * f * (1 - f);
        gates[2 * hidden + j] = whole * i * (1 - g * g);
        gates[3 * hidden + j] = draw[j] * tc * o * (1 - o);
        dc[j] = whole * f;
    }
    memset(dh, 0, width * sizeof *dh);
    for (size_t r = 0; r < 4 * hidden; r++) {
        for (size_t k = 0; k < width; k++)
            dh[k] += unit->weight_hh[r * width + k] * gates[r];
    }
}

bool reference_backward(const reference_recurrence *unit) {
    const size_t hidden = unit->hidden, width = reference_width(unit);
    double *draw = calloc(hidden, sizeof *draw);
    if (!draw)
        return false;
    for (size_t row = unit->steps * unit->batch; row-- > 0;) {
        const size_t t = row / unit->batch, b = row % unit->batch;
        const bool stands = reference_stands(unit, t, b);
        double *const gates = unit->gates + row * 4 * hidden, *const dh = unit->dh + b * width;
        for (size_t w = 0; w < width && unit->dy && !stands; w++)
            dh[w] += unit->dy[row * width + w];
        for (size_t w = 0; w < unit->proj; w++)
            unit->dprojected[row * unit->proj + w] = stands ? 0 : dh[w];
        if (stands)
            memset(gates, 0, 4 * hidden * sizeof *gates);
        else
            backward_row(unit, gates, unit->c + row * hidden, unit->c + (row + unit->batch) * hidden, dh, unit->dc + b * hidden,
                         draw);
    }
    free(draw);
    return true;
}
