// SPDX-License-Identifier: Apache-2.0
#include "cell/cell_weights.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "cl/lstm_shared.h"
#include "model/dtype_convert.h"

// Elements converted or made at a time: the host never holds a second copy of a matrix.
enum { CHUNK = 1 << 16 };

// SplitMix64 (Steele, Lea & Flood, Fast Splittable Pseudorandom Number Generators, 2014): the same numbers everywhere.
static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

// Uniform in [-bound, bound), as both frameworks initialise a cell, bound = 1/sqrt(hidden).
static void fill_fresh(void *dst, oclstm_dtype dtype, size_t count, double bound, uint64_t *random) {
    for (size_t i = 0; i < count; i++) {
        const double value = bound * ((double)(next_random(random) >> 11) * 0x1p-52 - 1.0);
        model_convert((char *)dst + i * oclstm_dtype_size_bytes(dtype), dtype, &value, OCLSTM_F64, false, 1);
    }
}

// Where elements come from: an array, or the generator.
typedef struct weight_source {
    const oclstm_const_array *array; // absent: fresh
    double bound;
    uint64_t *random;
} weight_source;

static void take(const weight_source *source, size_t first, size_t count, oclstm_dtype dtype, void *dst) {
    if (source->array->data == NULL) {
        fill_fresh(dst, dtype, count, source->bound, source->random);
        return;
    }
    const char *start = (const char *)source->array->data + first * oclstm_dtype_size_bytes(source->array->dtype);
    model_convert(dst, dtype, start, source->array->dtype, false, count);
}

static oclstm_status upload_matrix(cl_mem *out, oclstm_cell *cell, size_t columns, const weight_source *source, const char *name,
                                   oclstm_error *error) {
    size_t count = LSTM_GATES * cell->hidden * columns;
    void *chunk = NULL;
    oclstm_status status = device_buffer_create(out, cell->device, CL_MEM_READ_WRITE, count * cell->element_bytes, name, error);
    if (status != OCLSTM_OK)
        return status;
    if (source->array->data != NULL && source->array->dtype == cell->params.dtype)
        return device_write(cell->device, *out, 0, source->array->data, count * cell->element_bytes, name, error);
    size_t chunk_count = count < CHUNK ? count : CHUNK;
    if ((chunk = base_alloc(chunk_count, cell->element_bytes)) == NULL)
        return base_fail_memory(error, chunk_count * cell->element_bytes, "converting weights");
    for (size_t first = 0; first < count && status == OCLSTM_OK; first += chunk_count) {
        size_t part = count - first < chunk_count ? count - first : chunk_count;
        take(source, first, part, cell->params.dtype, chunk);
        status = device_write(cell->device, *out, first * cell->element_bytes, chunk, part * cell->element_bytes, name, error);
    }
    free(chunk);
    return status;
}

// sum = bias_ih + bias_hh, added in what the cell computes with.
static void add_biases(void *sum, const oclstm_cell *cell, const char *bias_ih, const char *bias_hh, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double ih, hh;
        model_convert(&ih, OCLSTM_F64, bias_ih + i * cell->element_bytes, cell->params.dtype, false, 1);
        model_convert(&hh, OCLSTM_F64, bias_hh + i * cell->element_bytes, cell->params.dtype, false, 1);
        if (cell->real_dtype == OCLSTM_F64)
            ((double *)sum)[i] = ih + hh;
        else
            ((float *)sum)[i] = (float)ih + (float)hh;
    }
}

// bias_ih and bias_hh are kept on the host to be read back; the device holds their sum.
static oclstm_status upload_bias(oclstm_cell *cell, const oclstm_cell_params *params, weight_source source, oclstm_error *error) {
    size_t count = LSTM_GATES * cell->hidden, bytes = count * cell->element_bytes, sum_bytes = count * cell->real_bytes;
    oclstm_status status = device_buffer_create(&cell->bias, cell->device, CL_MEM_READ_WRITE, sum_bytes, "the bias", error);
    if (status != OCLSTM_OK)
        return status;
    char *sum = base_alloc(count, cell->real_bytes);
    if (!params->no_bias)
        cell->bias_host = base_alloc(2 * count, cell->element_bytes);
    if (sum == NULL || (!params->no_bias && cell->bias_host == NULL)) {
        free(sum);
        return base_fail_memory(error, 2 * bytes + sum_bytes, "the bias");
    }
    if (!params->no_bias) {
        char *bias_ih = cell->bias_host, *bias_hh = bias_ih + bytes;
        source.array = &params->bias_ih;
        take(&source, 0, count, cell->params.dtype, bias_ih);
        source.array = &params->bias_hh;
        take(&source, 0, count, cell->params.dtype, bias_hh);
        add_biases(sum, cell, bias_ih, bias_hh, count);
    }
    status = device_write(cell->device, cell->bias, 0, sum, sum_bytes, "the bias", error);
    free(sum);
    return status;
}

oclstm_status cell_weights_upload(oclstm_cell *cell, const oclstm_cell_params *params, oclstm_error *error) {
    uint64_t random = params->seed;
    weight_source source = {&params->weight_ih, 1.0 / sqrt((double)cell->hidden), &random};
    oclstm_status status = upload_matrix(&cell->weight_ih, cell, cell->input, &source, "weight_ih", error);
    source.array = &params->weight_hh;
    if (status == OCLSTM_OK)
        status = upload_matrix(&cell->weight_hh, cell, cell->hidden, &source, "weight_hh", error);
    return status == OCLSTM_OK ? upload_bias(cell, params, source, error) : status;
}
