// SPDX-License-Identifier: Apache-2.0
#include "tune/tune_product.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "matmul/matmul.h"
#include "tune/tune_reference.h"

enum { LEAST_CALLS = 3, CHECKED_ELEMENTS = 64 };

typedef struct product_trial {
    oclstm_device *device;
    matmul_shape shape;
    size_t sizes_bytes[3];
    void *host[3]; // A, B, C
    cl_mem mems[3];
    cl_mem temporary;
} product_trial;

static double tolerance(oclstm_dtype dtype) { return dtype == OCLSTM_F64 ? 1e-12 : 1e-5; }

static void product_trial_free(product_trial *trial) {
    for (int i = 0; i < 3; i++) {
        free(trial->host[i]);
        device_buffer_release(trial->device, &trial->mems[i]);
    }
    device_buffer_release(trial->device, &trial->temporary);
}

static oclstm_status product_trial_make(product_trial *trial, oclstm_error *error) {
    const matmul_shape *shape = &trial->shape;
    const size_t rows[] = {shape->m, shape->n, shape->m}, columns[] = {shape->k, shape->k, shape->n};
    size_t temporary_bytes = 0;
    oclstm_status status = matmul_prepare(trial->device, shape, &temporary_bytes, error);
    if (status == OCLSTM_OK && temporary_bytes > 0)
        status = device_buffer_create(&trial->temporary, trial->device, CL_MEM_READ_WRITE, temporary_bytes, "a trial", error);
    for (int i = 0; i < 3 && status == OCLSTM_OK; i++) {
        size_t count, *bytes = &trial->sizes_bytes[i];
        if (!checked_mul(rows[i], columns[i], &count) || !checked_mul(count, oclstm_dtype_size_bytes(shape->dtype), bytes) ||
            (trial->host[i] = base_alloc(*bytes, 1)) == NULL)
            return base_fail(error, OCLSTM_OUT_OF_MEMORY, "no host memory for a matrix of %zu x %zu", rows[i], columns[i]);
        tune_fill_random(trial->host[i], shape->dtype, count, (uint64_t)i + 1);
        status = device_buffer_create(&trial->mems[i], trial->device, CL_MEM_READ_WRITE, *bytes, "a trial", error);
        if (status == OCLSTM_OK)
            status = device_write(trial->device, trial->mems[i], 0, trial->host[i], *bytes, "a trial", error);
    }
    return status;
}

static oclstm_status product_trial_run(const product_trial *trial, oclstm_error *error) {
    oclstm_status status =
        matmul_enqueue(trial->device, &trial->shape, (matmul_operand){trial->mems[0], 0}, (matmul_operand){trial->mems[1], 0},
                       (matmul_operand){trial->mems[2], 0}, trial->temporary, error);
    return status == OCLSTM_OK ? device_finish(trial->device, error) : status;
}

// Element `index` of C after one product, and the sum of its terms' sizes.
static double expected_element(const product_trial *trial, size_t index, double *size) {
    const matmul_shape *shape = &trial->shape;
    const size_t row = index / shape->n, column = index % shape->n;
    double sum = tune_value(trial->host[2], shape->dtype, index);
    *size = fabs(sum);
    for (size_t k = 0; k < shape->k; k++) {
        const size_t at_a = shape->form == MATMUL_TN ? k * shape->m + row : row * shape->k + k,
                     at_b = shape->form == MATMUL_NT ? column * shape->k + k : k * shape->n + column;
        const double term = tune_value(trial->host[0], shape->dtype, at_a) * tune_value(trial->host[1], shape->dtype, at_b);
        sum += term;
        *size += fabs(term);
    }
    return sum;
}

// Elements spread over C, its first and last among them, after one product.
static oclstm_status product_trial_check(const product_trial *trial, oclstm_error *error) {
    const matmul_shape *shape = &trial->shape;
    const size_t count = shape->m * shape->n;
    void *got = base_alloc(trial->sizes_bytes[2], 1);
    if (got == NULL)
        return base_fail_memory(error, trial->sizes_bytes[2], "a trial");
    oclstm_status status = device_read(trial->device, got, trial->mems[2], 0, trial->sizes_bytes[2], "a trial", error);
    for (size_t i = 0; i <= CHECKED_ELEMENTS && status == OCLSTM_OK; i++) {
        const size_t index = (size_t)((double)(count - 1) * (double)i / CHECKED_ELEMENTS);
        double size;
        const double expected = expected_element(trial, index, &size), value = tune_value(got, shape->dtype, index);
        if (!(fabs(value - expected) <= tolerance(shape->dtype) * (1 + size)))
            status = base_fail(error, OCLSTM_OPENCL, "element %zu,%zu of the product is %.9g, expected %.9g", index / shape->n,
                               index % shape->n, value, expected);
    }
    free(got);
    return status;
}

oclstm_status tune_product_time(oclstm_device *device, const matmul_shape *shape, double least_seconds, double *seconds,
                                oclstm_error *error) {
    product_trial trial = {.device = device, .shape = *shape};
    trial.shape.lda = shape->form == MATMUL_TN ? shape->m : shape->k;
    trial.shape.ldb = shape->form == MATMUL_NT ? shape->k : shape->n;
    trial.shape.ldc = shape->n;
    oclstm_status status = product_trial_make(&trial, error);
    if (status == OCLSTM_OK)
        status = product_trial_run(&trial, error);
    if (status == OCLSTM_OK)
        status = product_trial_check(&trial, error);
    *seconds = INFINITY;
    const double begin = base_clock();
    double now = begin;
    for (int calls = 0; status == OCLSTM_OK && (calls < LEAST_CALLS || now - begin < least_seconds); calls++) {
        const double before = base_clock();
        status = product_trial_run(&trial, error);
        now = base_clock();
        *seconds = fmin(*seconds, now - before);
    }
    if (status != OCLSTM_OK)
        *seconds = INFINITY;
    product_trial_free(&trial);
    return status;
}
