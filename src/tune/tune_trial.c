// SPDX-License-Identifier: Apache-2.0
// One candidate: run, held to a reference in double precision, timed.
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "matmul/matmul.h"
#include "tune/tune_reference.h"
#include "tune/tuner.h"

#include <oclstm/cell.h>

// A candidate is timed for at least so long, and called at least so often, whichever is more.
static const double least_seconds = 0.02;
enum { LEAST_CALLS = 3, CHECKED_ROWS = 3, CHECKED_STEPS = 3, CHECKED_ELEMENTS = 64 };

static double tolerance(oclstm_dtype dtype) { return dtype == OCLSTM_F64 ? 1e-12 : 1e-5; }

static void fill_random(void *dst, oclstm_dtype dtype, size_t count, uint64_t seed) {
    for (size_t i = 0; i < count; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double value = (double)(seed >> 11) * 0x1p-52 - 1.0;
        if (dtype == OCLSTM_F64)
            ((double *)dst)[i] = value;
        else
            ((float *)dst)[i] = (float)value;
    }
}

double tune_value(const void *array, oclstm_dtype dtype, size_t index) {
    return dtype == OCLSTM_F64 ? ((const double *)array)[index] : (double)((const float *)array)[index];
}

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
    fill_random(trial->x, dtype, rows * (size_t)shape->input_size, 1);
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

bool trial_sequence(tune_search *tuner, const oclstm_tune_shape *shape, const char *engine, double *seconds) {
    sequence_trial trial = {0};
    oclstm_error *error = &tuner->last_error;
    device_set_tuned(tuner->device, tuner->trial);
    oclstm_status status = sequence_trial_make(&trial, tuner, shape, engine, error);
    if (status == OCLSTM_OK)
        status = oclstm_cell_sequence(trial.cell, &trial.call, error); // plans, compiles, warms up
    if (status == OCLSTM_OK)
        status = sequence_trial_check(&trial, shape, tuner->params->dtype, error);
    *seconds = INFINITY;
    double begin = tuner_now(), now = begin;
    for (int calls = 0; status == OCLSTM_OK && (calls < LEAST_CALLS || now - begin < least_seconds); calls++) {
        double before = tuner_now();
        status = oclstm_cell_sequence(trial.cell, &trial.call, error);
        now = tuner_now();
        *seconds = fmin(*seconds, now - before);
    }
    sequence_trial_free(&trial);
    device_set_tuned(tuner->device, tuner->best);
    tuner->passed += status == OCLSTM_OK;
    return status == OCLSTM_OK;
}

// --- products -------------------------------------------------------------------------------------------------------------

typedef struct product_trial {
    void *host[3]; // A, B, C
    cl_mem device[3];
    cl_mem temporary;
} product_trial;

static oclstm_status product_trial_make(product_trial *trial, tune_search *tuner, const matmul_shape *shape, oclstm_error *error) {
    const size_t counts[] = {shape->m * shape->k, shape->n * shape->k, shape->m * shape->n},
                 element = oclstm_dtype_size_bytes(shape->dtype);
    size_t temporary_bytes = 0;
    oclstm_status status = matmul_prepare(tuner->device, shape, &temporary_bytes, error);
    if (status == OCLSTM_OK && temporary_bytes > 0)
        status = device_buffer_create(&trial->temporary, tuner->device, CL_MEM_READ_WRITE, temporary_bytes, "a trial", error);
    for (int i = 0; i < 3 && status == OCLSTM_OK; i++) {
        if ((trial->host[i] = base_alloc(counts[i], element)) == NULL)
            return base_fail_memory(error, counts[i] * element, "a trial");
        fill_random(trial->host[i], shape->dtype, counts[i], (uint64_t)i + 1);
        status = device_buffer_create(&trial->device[i], tuner->device, CL_MEM_READ_WRITE, counts[i] * element, "a trial", error);
        if (status == OCLSTM_OK)
            status = device_write(tuner->device, trial->device[i], 0, trial->host[i], counts[i] * element, "a trial", error);
    }
    return status;
}

static oclstm_status product_trial_run(product_trial *trial, tune_search *tuner, const matmul_shape *shape, oclstm_error *error) {
    oclstm_status status =
        matmul_enqueue(tuner->device, shape, (matmul_operand){trial->device[0], 0}, (matmul_operand){trial->device[1], 0},
                       (matmul_operand){trial->device[2], 0}, trial->temporary, error);
    return status == OCLSTM_OK ? device_finish(tuner->device, error) : status;
}

// Elements spread over C, the corners among them, after one product.
static oclstm_status product_trial_check(product_trial *trial, tune_search *tuner, const matmul_shape *shape, oclstm_error *error) {
    const size_t count = shape->m * shape->n, element = oclstm_dtype_size_bytes(shape->dtype);
    void *got = base_alloc(count, element);
    if (got == NULL)
        return base_fail_memory(error, count * element, "a trial");
    oclstm_status status = device_read(tuner->device, got, trial->device[2], 0, count * element, "a trial", error);
    for (size_t i = 0; i <= CHECKED_ELEMENTS && status == OCLSTM_OK; i++) {
        const size_t index = (count - 1) * i / CHECKED_ELEMENTS, row = index / shape->n, column = index % shape->n;
        double sum = tune_value(trial->host[2], shape->dtype, index), size = fabs(sum);
        for (size_t k = 0; k < shape->k; k++) {
            double term = tune_value(trial->host[0], shape->dtype, row * shape->k + k) *
                          tune_value(trial->host[1], shape->dtype, column * shape->k + k);
            sum += term;
            size += fabs(term);
        }
        double value = tune_value(got, shape->dtype, index);
        if (!(fabs(value - sum) <= tolerance(shape->dtype) * (1 + size)))
            status =
                base_fail(error, OCLSTM_OPENCL, "element %zu,%zu of the product is %.9g, expected %.9g", row, column, value, sum);
    }
    free(got);
    return status;
}

bool trial_product(tune_search *tuner, size_t m, size_t n, size_t k, double *seconds) {
    product_trial trial = {0};
    oclstm_error *error = &tuner->last_error;
    const matmul_shape shape = {.dtype = tuner->params->dtype, .m = m, .n = n, .k = k, .lda = k, .ldb = k, .ldc = n};
    oclstm_status status = product_trial_make(&trial, tuner, &shape, error);
    if (status == OCLSTM_OK)
        status = product_trial_run(&trial, tuner, &shape, error);
    if (status == OCLSTM_OK)
        status = product_trial_check(&trial, tuner, &shape, error);
    *seconds = INFINITY;
    double begin = tuner_now(), now = begin;
    for (int calls = 0; status == OCLSTM_OK && (calls < LEAST_CALLS || now - begin < least_seconds); calls++) {
        double before = tuner_now();
        status = product_trial_run(&trial, tuner, &shape, error);
        now = tuner_now();
        *seconds = fmin(*seconds, now - before);
    }
    for (int i = 0; i < 3; i++) {
        free(trial.host[i]);
        device_buffer_release(tuner->device, &trial.device[i]);
    }
    device_buffer_release(tuner->device, &trial.temporary);
    tuner->passed += status == OCLSTM_OK;
    return status == OCLSTM_OK;
}
