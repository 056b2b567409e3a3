// SPDX-License-Identifier: Apache-2.0
// A device's roofs: cl/roofs.cl in several forms, the best run of the best one.
#include <oclstm/measure.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "device/device_fork.h"
#include "device/device_private.h"

// A run lasts about this long: much longer than a launch and the wait for it, tens of microseconds, and short enough that on a busy machine
// one of many finds all cores free.
static const double run_seconds = 0.002;
enum {
    RUNS = 20,
    COPY_RUNS = 8,
    MAX_FORMS = 4,
    MAX_CHAINS = 16,
    MAX_WIDTH = 16,
    GROUPS_PER_UNIT = 16,
    CPU_LOCAL = 1,
    GPU_LOCAL = 256
};

typedef struct fma_form {
    size_t width;
    size_t chains;
} fma_form;

typedef struct measurement {
    oclstm_device *device;
    oclstm_dtype dtype;
    size_t element_bytes;
    bool is_cpu;
    size_t width; // of the device's registers, in elements
    cl_kernel kernel;
    cl_mem buffers[2];
    device_grid grid;
} measurement;

static void begin(measurement *m, oclstm_device *device, oclstm_dtype dtype) {
    const device_limits *limits = device_get_limits(device);
    *m = (measurement){.device = device, .dtype = dtype, .element_bytes = oclstm_dtype_size_bytes(dtype)};
    m->is_cpu = limits->kind == OCLSTM_DEVICE_CPU;
    // Other devices vectorise over work-items. CPUs too, some of them, but all make use of vectors.
    size_t floats = m->is_cpu ? limits->vector_width_float : 1, width = m->is_cpu ? 4 : 1;
    while (width < floats && width < MAX_WIDTH)
        width *= 2;
    m->width = dtype == OCLSTM_F64 && width > 1 ? width / 2 : width;
}

static void release(measurement *m) {
    device_kernel_release(&m->kernel);
    for (int i = 0; i < 2; i++)
        device_buffer_release(m->device, &m->buffers[i]);
}

static oclstm_status make_kernel(measurement *m, const char *name, size_t width, size_t chains, oclstm_error *error) {
    char options[160] = "";
    cl_program program = NULL;
    size_t max_group = 0;
    base_append(options, sizeof options, "%s -D VW=%zu -D CHAINS=%zu -D CONTIGUOUS=%d", device_dtype_options(m->device, m->dtype),
                width, chains, m->is_cpu);
    oclstm_status status = device_program_get(&program, m->device, "roofs.cl", options, error);
    if (status == OCLSTM_OK)
        status = device_kernel_create(&m->kernel, m->device, program, name, &max_group, error);
    if (status != OCLSTM_OK)
        return status;
    const size_t units = device_get_limits(m->device)->compute_units, local = m->is_cpu ? CPU_LOCAL : GPU_LOCAL;
    m->grid = device_grid_make(m->device, max_group, local, (units ? units : 1) * GROUPS_PER_UNIT * local, 1, 1);
    return OCLSTM_OK;
}

// Seconds of one launch whose arguments are set.
static oclstm_status time_launch(double *seconds, measurement *m, oclstm_error *error) {
    oclstm_status status = device_finish(m->device, error);
    const double start = base_clock();
    if (status == OCLSTM_OK)
        status = device_launch(m->device, m->kernel, &m->grid, error);
    if (status == OCLSTM_OK)
        status = device_finish(m->device, error);
    *seconds = base_clock() - start;
    return status;
}

static oclstm_status set_fma_args(measurement *m, cl_uint rounds, oclstm_error *error) {
    // A fixed point at 1, approached slowly: never infinite, never denormal.
    const double factor = 0.9999, addend = 0.0001;
    const float factor_f = (float)factor, addend_f = (float)addend;
    if (m->dtype == OCLSTM_F64)
        return device_set_args(m->device, m->kernel, 0, error, DEVICE_ARG(m->buffers[0]), DEVICE_ARG(factor), DEVICE_ARG(addend),
                               DEVICE_ARG(rounds), (size_t)0);
    return device_set_args(m->device, m->kernel, 0, error, DEVICE_ARG(m->buffers[0]), DEVICE_ARG(factor_f), DEVICE_ARG(addend_f),
                           DEVICE_ARG(rounds), (size_t)0);
}

// Rounds that make a run of run_seconds. The first launch, which may compile, is not looked at.
static oclstm_status find_rounds(cl_uint *rounds, measurement *m, oclstm_error *error) {
    const cl_uint most = 1u << 28;
    double seconds = 0;
    *rounds = 1;
    oclstm_status status = set_fma_args(m, *rounds, error);
    if (status == OCLSTM_OK)
        status = time_launch(&seconds, m, error);
    for (seconds = 0; status == OCLSTM_OK && seconds < run_seconds / 2 && *rounds < most;) {
        const double growth = seconds > 0 ? run_seconds / seconds : 64;
        *rounds = (cl_uint)((double)*rounds * (growth < 2 ? 2 : growth > 64 ? 64 : growth));
        status = set_fma_args(m, *rounds, error);
        if (status == OCLSTM_OK)
            status = time_launch(&seconds, m, error);
    }
    return status;
}

// Raises *best to what this form reaches.
static oclstm_status measure_fma(double *best, measurement *m, fma_form form, oclstm_error *error) {
    cl_uint rounds = 1;
    oclstm_status status = make_kernel(m, "roof_fma", form.width, form.chains, error);
    if (status != OCLSTM_OK)
        goto done;
    const size_t elements = m->grid.global[0] * form.chains * form.width;
    status = device_buffer_create(&m->buffers[0], m->device, CL_MEM_READ_WRITE, elements * m->element_bytes,
                                  "the measurement's operands", error);
    if (status == OCLSTM_OK)
        status = device_fill_zero(m->device, m->buffers[0], 0, elements * m->element_bytes, error);
    if (status == OCLSTM_OK)
        status = find_rounds(&rounds, m, error);
    for (int run = 0; run < RUNS && status == OCLSTM_OK; run++) {
        double seconds = 0;
        status = time_launch(&seconds, m, error);
        const double rate = seconds > 0 ? 2.0 * (double)elements * (double)rounds / seconds : 0;
        if (status == OCLSTM_OK && rate > *best)
            *best = rate;
    }
done:
    release(m);
    return status;
}

// The forms worth trying. A core with two units of latency 4 needs 8 vectors in flight, more where a vector is made of two registers less.
static int list_forms(fma_form forms[MAX_FORMS], const measurement *m) {
    int count = 0;
    forms[count++] = (fma_form){m->width, 8};
    forms[count++] = (fma_form){m->width, 12};
    forms[count++] = (fma_form){m->width, MAX_CHAINS};
    if (m->width < MAX_WIDTH)
        forms[count++] = (fma_form){2 * m->width, 8};
    return count;
}

// For the source, and for the target: twice the last cache and at least 64 MiB, within an eighth of the device's memory.
static size_t copy_bytes(const measurement *m) {
    const device_limits *limits = device_get_limits(m->device);
    const uint64_t least = (uint64_t)64 << 20, most = (uint64_t)1 << 30;
    const uint64_t cache = limits->cache_bytes <= most ? limits->cache_bytes : 0;
    uint64_t bytes = 2 * cache > least ? 2 * cache : least;
    if (bytes > most)
        bytes = most;
    if (bytes > limits->global_memory_bytes / 8)
        bytes = limits->global_memory_bytes / 8;
    if (bytes > limits->max_allocation_bytes)
        bytes = limits->max_allocation_bytes;
    const size_t vector_bytes = m->width * m->element_bytes;
    return (size_t)bytes / vector_bytes ? (size_t)bytes / vector_bytes * vector_bytes : vector_bytes;
}

static oclstm_status measure_copy(double *best, measurement *m, oclstm_error *error) {
    const size_t bytes = copy_bytes(m);
    const cl_uint count = (cl_uint)(bytes / (m->width * m->element_bytes));
    oclstm_status status = make_kernel(m, "roof_copy", m->width, 1, error);
    for (int i = 0; i < 2 && status == OCLSTM_OK; i++) {
        status = device_buffer_create(&m->buffers[i], m->device, CL_MEM_READ_WRITE, bytes, "the measurement's copy", error);
        if (status == OCLSTM_OK) // so that the pages are there
            status = device_fill_zero(m->device, m->buffers[i], 0, bytes / 4 * 4, error);
    }
    if (status == OCLSTM_OK)
        status = device_set_args(m->device, m->kernel, 0, error, DEVICE_ARG(m->buffers[0]), DEVICE_ARG(m->buffers[1]),
                                 DEVICE_ARG(count), (size_t)0);
    for (int run = 0; run <= COPY_RUNS && status == OCLSTM_OK; run++) {
        double seconds = 0;
        status = time_launch(&seconds, m, error);
        const double rate = seconds > 0 ? 2.0 * (double)bytes / seconds : 0;
        if (status == OCLSTM_OK && run > 0 && rate > *best)
            *best = rate;
    }
    release(m);
    return status;
}

oclstm_status oclstm_device_measure_roofs(oclstm_roofs *out, oclstm_device *device, oclstm_dtype dtype, oclstm_error *error) {
    if (out == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_device_measure_roofs needs a place for the result");
    *out = (oclstm_roofs){0};
    if (device == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_device_measure_roofs needs a device");
    if (dtype != OCLSTM_F32 && dtype != OCLSTM_F64)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "a device is measured in float32 or float64, not in %s",
                         oclstm_dtype_name(dtype));
    if (dtype == OCLSTM_F64 && !device_get_limits(device)->has_fp64)
        return base_fail(error, OCLSTM_UNSUPPORTED, "%s has no float64 (cl_khr_fp64): measure it in float32",
                         device_get_limits(device)->name);
    oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    measurement m;
    oclstm_roofs best = {0};
    fma_form forms[MAX_FORMS];
    begin(&m, device, dtype);
    const int count = list_forms(forms, &m);
    for (int i = 0; i < count && status == OCLSTM_OK; i++)
        status = measure_fma(&best.flops_per_second, &m, forms[i], error);
    if (status == OCLSTM_OK)
        status = measure_copy(&best.bytes_per_second, &m, error);
    if (status == OCLSTM_OK)
        *out = best;
    return status;
}
