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
        double value = bound * ((double)(next_random(random) >> 11) * 0x1p-52 - 1.0);
        if (dtype == OCLSTM_F64)
            ((double *)dst)[i] = value;
        else
            ((float *)dst)[i] = (float)value;
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

// bias_ih and bias_hh are kept on the host to be read back; the device holds their sum.
static oclstm_status upload_bias(oclstm_cell *cell, const oclstm_cell_params *params, weight_source source, oclstm_error *error) {
    size_t count = LSTM_GATES * cell->hidden, bytes = count * cell->element_bytes;
    oclstm_status status = device_buffer_create(&cell->bias, cell->device, CL_MEM_READ_WRITE, bytes, "the bias", error);
    if (status != OCLSTM_OK)
        return status;
    char *sum = base_alloc(count, cell->element_bytes);
    if (!params->no_bias)
        cell->bias_host = base_alloc(2 * count, cell->element_bytes);
    if (sum == NULL || (!params->no_bias && cell->bias_host == NULL)) {
        free(sum);
        return base_fail_memory(error, 3 * bytes, "the bias");
    }
    if (!params->no_bias) {
        char *bias_ih = cell->bias_host, *bias_hh = bias_ih + bytes;
        source.array = &params->bias_ih;
        take(&source, 0, count, cell->params.dtype, bias_ih);
        source.array = &params->bias_hh;
        take(&source, 0, count, cell->params.dtype, bias_hh);
        for (size_t i = 0; i < count; i++) {
            if (cell->params.dtype == OCLSTM_F64)
                ((double *)(void *)sum)[i] = ((double *)(void *)bias_ih)[i] + ((double *)(void *)bias_hh)[i];
            else
                ((float *)(void *)sum)[i] = ((float *)(void *)bias_ih)[i] + ((float *)(void *)bias_hh)[i];
        }
    }
    status = device_write(cell->device, cell->bias, 0, sum, bytes, "the bias", error);
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
