// SPDX-License-Identifier: Apache-2.0
// One candidate: run, held to a reference in double precision, timed.
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "tune/tune_reference.h"
#include "tune/tuner.h"

#include <oclstm/cell.h>

// A candidate is timed for at least so long, and called at least so often, whichever is more.
static const double least_seconds = 0.04;
enum { LEAST_CALLS = 3, CHECKED_ROWS = 3, CHECKED_STEPS = 3 };

static double tolerance(oclstm_dtype dtype) { return dtype == OCLSTM_F64 ? 1e-12 : 1e-5; }

static bool disagrees(double got, double expected, oclstm_dtype dtype) {
    return !(fabs(got - expected) <= tolerance(dtype) * (1 + fabs(expected)));
}

// --- sequences ------------------------------------------------------------------------------------------------------------

typedef struct sequence_trial {
    oclstm_cell *cell;
    void *x, *y, *weight_ih, *weight_hh, *bias_ih, *bias_hh;
    oclstm_sequence call;
} sequence_trial;

static void sequence_trial_free(sequence_trial *trial) {
    oclstm_cell_destroy(&trial->cell);
    void *const arrays[] = {trial->x, trial->y, trial->weight_ih, trial->weight_hh, trial->bias_ih, trial->bias_hh};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
}

static oclstm_status sequence_trial_make(sequence_trial *trial, tune_search *tuner, const oclstm_tune_shape *shape,
                                         const char *engine, oclstm_error *error) {
    const oclstm_dtype dtype = tuner->params->dtype;
    const size_t element = oclstm_dtype_size_bytes(dtype), gates = 4 * (size_t)shape->hidden_size;
    const size_t rows = (size_t)shape->steps * (size_t)shape->batch;
    trial->x = base_alloc(rows * (size_t)shape->input_size, element);
    trial->y = base_alloc(rows * (size_t)shape->hidden_size, element);
    trial->weight_ih = base_alloc(gates * (size_t)shape->input_size, element);
    trial->weight_hh = base_alloc(gates * (size_t)shape->hidden_size, element);
    trial->bias_ih = base_alloc(gates, element);
    trial->bias_hh = base_alloc(gates, element);
    if (!trial->x || !trial->y || !trial->weight_ih || !trial->weight_hh || !trial->bias_ih || !trial->bias_hh)
        return base_fail_memory(error, rows * element, "a trial");
    tune_fill_random(trial->x, dtype, rows * (size_t)shape->input_size, 1);
    oclstm_cell_params params = {.input_size = shape->input_size, .hidden_size = shape->hidden_size, .dtype = dtype, .seed = 1};
    oclstm_status status = oclstm_engine_from_name(&params.engine, engine, error);
    if (status == OCLSTM_OK)
        status = oclstm_cell_create(&trial->cell, tuner->device, &params, error);
    const oclstm_array weight_ih = oclstm_out_2d(trial->weight_ih, dtype, (int64_t)gates, shape->input_size);
    const oclstm_array weight_hh = oclstm_out_2d(trial->weight_hh, dtype, (int64_t)gates, shape->hidden_size);
    const oclstm_array bias_ih = oclstm_out_1d(trial->bias_ih, dtype, (int64_t)gates),
                       bias_hh = oclstm_out_1d(trial->bias_hh, dtype, (int64_t)gates);
    if (status == OCLSTM_OK)
        status = oclstm_cell_read_weights(trial->cell, &weight_ih, &weight_hh, &bias_ih, &bias_hh, error);
    trial->call.x = oclstm_in_3d(trial->x, dtype, shape->steps, shape->batch, shape->input_size);
    trial->call.y = oclstm_out_3d(trial->y, dtype, shape->steps, shape->batch, shape->hidden_size);
    return status;
}

// The first steps of the first, a middle and the last row against the reference.
static oclstm_status sequence_trial_check(const sequence_trial *trial, const oclstm_tune_shape *shape, oclstm_dtype dtype,
                                          oclstm_error *error) {
    const size_t hidden = (size_t)shape->hidden_size, batch = (size_t)shape->batch, input = (size_t)shape->input_size;
    const size_t steps = shape->steps < CHECKED_STEPS ? (size_t)shape->steps : CHECKED_STEPS;
    const size_t rows[CHECKED_ROWS] = {0, batch / 2, batch - 1};
    const tune_reference reference = {dtype, input, hidden, trial->weight_ih, trial->weight_hh, trial->bias_ih, trial->bias_hh};
    double *state = base_alloc(7 * hidden, sizeof *state);
    if (state == NULL)
        return base_fail_memory(error, 7 * hidden * sizeof *state, "the reference");
    oclstm_status status = OCLSTM_OK;
    for (int r = 0; r < CHECKED_ROWS && status == OCLSTM_OK; r++) {
        memset(state, 0, 7 * hidden * sizeof *state);
        for (size_t t = 0; t < steps && status == OCLSTM_OK; t++) {
            const size_t row = t * batch + rows[r];
            tune_reference_step(&reference, trial->x, row * input, state, state + hidden, state + 3 * hidden);
            for (size_t j = 0; j < hidden && status == OCLSTM_OK; j++) {
                double got = tune_value(trial->y, dtype, row * hidden + j);
                if (disagrees(got, state[j], dtype))
                    status = base_fail(error, OCLSTM_OPENCL, "step %zu, row %zu, unit %zu is %.9g, expected %.9g", t, rows[r], j,
                                       got, state[j]);
            }
        }
    }
    free(state);
    return status;
}

bool trial_sequence(tune_search *tuner, const oclstm_tune_shape *shape, const tuned_settings *settings, const char *engine,
                    double *seconds) {
    sequence_trial trial = {0};
    oclstm_error *error = &tuner->last_error;
    device_set_tuned(tuner->device, settings);
    oclstm_status status = sequence_trial_make(&trial, tuner, shape, engine, error);
    if (status == OCLSTM_OK)
        status = oclstm_cell_sequence(trial.cell, &trial.call, error); // plans, compiles, warms up
    if (status == OCLSTM_OK)
        status = sequence_trial_check(&trial, shape, tuner->params->dtype, error);
    *seconds = INFINITY;
    const double begin = base_clock();
    double now = begin;
    for (int calls = 0; status == OCLSTM_OK && (calls < LEAST_CALLS || now - begin < least_seconds); calls++) {
        const double before = base_clock();
        status = oclstm_cell_sequence(trial.cell, &trial.call, error);
        now = base_clock();
        *seconds = fmin(*seconds, now - before);
    }
    sequence_trial_free(&trial);
    device_set_tuned(tuner->device, tuner->best);
    tuner->passed += status == OCLSTM_OK;
    return status == OCLSTM_OK;
}
