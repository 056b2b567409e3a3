// SPDX-License-Identifier: Apache-2.0
#include "train/fresh_weights.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/dropout.h"

#define TWO_PI 6.283185307179586476925286766559

enum { SLICE = 16384 }; // elements that are made at a time; a multiple of 4

// In (0, 1), never an end of it.
static double to_unit(uint32_t word) { return ((double)word + 0.5) / 4294967296.0; }

// Box and Muller's two from two.
static void make_normal(const uint32_t words[4], double values[4]) {
    for (int i = 0; i < 4; i += 2) {
        const double radius = sqrt(-2 * log(to_unit(words[i]))), angle = TWO_PI * to_unit(words[i + 1]);
        values[i] = radius * cos(angle);
        values[i + 1] = radius * sin(angle);
    }
}

void train_fresh_values(double *values, uint64_t seed, uint32_t parameter, size_t fan, size_t first, size_t count) {
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const double bound = fan > 0 ? 1 / sqrt((double)fan) : 0;
    for (size_t at = first; at < first + count;) {
        const uint64_t block = at / 4;
        const uint32_t counter[4] = {(uint32_t)block, parameter, (uint32_t)(block >> 32), UINT32_C(1) << 31};
        uint32_t words[4];
        double four[4];
        train_philox(counter, key, words);
        if (fan == 0)
            make_normal(words, four);
        for (int i = 0; fan > 0 && i < 4; i++)
            four[i] = bound * (2 * to_unit(words[i]) - 1);
        for (; at / 4 == block && at < first + count; at++)
            values[at - first] = four[at % 4];
    }
}

static oclstm_status write_parameter(oclstm_device *device, oclstm_dtype dtype, cl_mem weights, const train_parameter *parameter,
                                     uint32_t number, uint64_t seed, double *values, oclstm_error *error) {
    const size_t element_bytes = oclstm_dtype_size_bytes(dtype);
    oclstm_status status = OCLSTM_OK;
    for (size_t at = 0, count; at < parameter->count && status == OCLSTM_OK; at += count) {
        count = parameter->count - at < SLICE ? parameter->count - at : SLICE;
        train_fresh_values(values, seed, number, parameter->fan, at, count);
        float *narrow = (float *)(values + SLICE);
        for (size_t i = 0; dtype == OCLSTM_F32 && i < count; i++)
            narrow[i] = (float)values[i];
        status = device_write(device, weights, (parameter->offset + at) * element_bytes,
                              dtype == OCLSTM_F32 ? (const void *)narrow : values, count * element_bytes, "fresh weights", error);
    }
    return status;
}

oclstm_status train_fresh_write(oclstm_device *device, oclstm_dtype dtype, cl_mem weights, const train_parameter *parameters,
                                size_t count, uint64_t seed, oclstm_error *error) {
    double *values = base_alloc(2 * (size_t)SLICE, sizeof *values); // the values, and room for them as float
    if (values == NULL)
        return base_fail_memory(error, 2 * SLICE * sizeof *values, "fresh weights");
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < count && status == OCLSTM_OK; i++)
        status = write_parameter(device, dtype, weights, &parameters[i], (uint32_t)i, seed, values, error);
    free(values);
    return status;
}

oclstm_status train_fresh_weights(train_graph *graph, uint64_t seed, oclstm_error *error) {
    size_t count;
    const train_parameter *parameters = train_graph_parameters(graph, &count);
    const train_machine *machine = train_graph_machine(graph);
    return train_fresh_write(machine->device, machine->dtype, train_graph_weights(graph), parameters, count, seed, error);
}
