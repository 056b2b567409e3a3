// SPDX-License-Identifier: Apache-2.0
#include "tune/tune_reference.h"

#include <math.h>

#include "cl/lstm_shared.h"

double tune_value(const void *array, oclstm_dtype dtype, size_t index) {
    return dtype == OCLSTM_F64 ? ((const double *)array)[index] : (double)((const float *)array)[index];
}

void tune_fill_random(void *dst, oclstm_dtype dtype, size_t count, uint64_t seed) {
    for (size_t i = 0; i < count; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const double value = (double)(seed >> 11) * 0x1p-52 - 1.0;
        if (dtype == OCLSTM_F64)
            ((double *)dst)[i] = value;
        else
            ((float *)dst)[i] = (float)value;
    }
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

void tune_reference_step(const tune_reference *cell, const void *x, size_t x_first, double *h, double *c, double *gates) {
    const size_t hidden = cell->hidden;
    for (size_t r = 0; r < LSTM_GATES * hidden; r++) {
        gates[r] = tune_value(cell->bias_ih, cell->dtype, r) + tune_value(cell->bias_hh, cell->dtype, r);
        for (size_t k = 0; k < cell->input; k++)
            gates[r] += tune_value(cell->weight_ih, cell->dtype, r * cell->input + k) * tune_value(x, cell->dtype, x_first + k);
        for (size_t k = 0; k < hidden; k++)
            gates[r] += tune_value(cell->weight_hh, cell->dtype, r * hidden + k) * h[k];
    }
    for (size_t j = 0; j < hidden; j++) {
        c[j] = sigmoid(gates[LSTM_GATE_F * hidden + j]) * c[j] +
               sigmoid(gates[LSTM_GATE_I * hidden + j]) * tanh(gates[LSTM_GATE_G * hidden + j]);
        h[j] = sigmoid(gates[LSTM_GATE_O * hidden + j]) * tanh(c[j]);
    }
}
