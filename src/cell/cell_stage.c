// SPDX-License-Identifier: Apache-2.0
#include "cell/cell_stage.h"

#include "base/error.h"
#include "base/memory.h"
#include "model/dtype_convert.h"

// Elements converted at a time.
enum { CHUNK = 1 << 16 };

oclstm_status stage_need(void **out, cell_plan *plan, int which, size_t element_count, size_t element_bytes, oclstm_error *error) {
    if (plan->stages[which] == NULL)
        plan->stages[which] = base_alloc(element_count, element_bytes);
    *out = plan->stages[which];
    return *out != NULL ? OCLSTM_OK : base_fail_memory(error, element_count * element_bytes, "converting a slice");
}

void stage_fill(void *stage, oclstm_dtype stage_dtype, const void *host, oclstm_dtype host_dtype, const stage_rows *rows) {
    const size_t stage_bytes = oclstm_dtype_size_bytes(stage_dtype), host_bytes = oclstm_dtype_size_bytes(host_dtype);
    for (size_t row = 0; row < rows->count; row++)
        model_convert((char *)stage + row * rows->width * stage_bytes, stage_dtype,
                      (const char *)host + (rows->offset + row * rows->pitch) * host_bytes, host_dtype, false, rows->width);
}

void stage_empty(void *host, oclstm_dtype host_dtype, const void *stage, oclstm_dtype stage_dtype, const stage_rows *rows) {
    const size_t stage_bytes = oclstm_dtype_size_bytes(stage_dtype), host_bytes = oclstm_dtype_size_bytes(host_dtype);
    for (size_t row = 0; row < rows->count; row++)
        model_convert((char *)host + (rows->offset + row * rows->pitch) * host_bytes, host_dtype,
                      (const char *)stage + row * rows->width * stage_bytes, stage_dtype, false, rows->width);
}

// A chunk between the host's array and the buffer.
typedef struct chunk {
    oclstm_device *device;
    cl_mem mem;
    oclstm_dtype dtype, host_dtype;
    const char *what;
    void *memory;
} chunk;

static oclstm_status write_chunk(const chunk *c, const void *host, size_t first, size_t count, oclstm_error *error) {
    const size_t bytes = oclstm_dtype_size_bytes(c->dtype);
    model_convert(c->memory, c->dtype, (const char *)host + first * oclstm_dtype_size_bytes(c->host_dtype), c->host_dtype, false,
                  count);
    return device_write(c->device, c->mem, first * bytes, c->memory, count * bytes, c->what, error);
}

static oclstm_status read_chunk(const chunk *c, void *host, size_t first, size_t count, oclstm_error *error) {
    const size_t bytes = oclstm_dtype_size_bytes(c->dtype);
    const oclstm_status status = device_read(c->device, c->memory, c->mem, first * bytes, count * bytes, c->what, error);
    if (status == OCLSTM_OK)
        model_convert((char *)host + first * oclstm_dtype_size_bytes(c->host_dtype), c->host_dtype, c->memory, c->dtype, false,
                      count);
    return status;
}

static oclstm_status chunk_open(chunk *c, size_t count, oclstm_error *error) {
    const size_t elements = count < CHUNK ? count : CHUNK, bytes = oclstm_dtype_size_bytes(c->dtype);
    c->memory = base_alloc(elements, bytes);
    return c->memory != NULL ? OCLSTM_OK : base_fail_memory(error, elements * bytes, "converting an array");
}

oclstm_status stage_write(oclstm_device *device, cl_mem dst, oclstm_dtype dtype, const void *host, oclstm_dtype host_dtype,
                          size_t count, const char *what, oclstm_error *error) {
    if (dtype == host_dtype)
        return device_write(device, dst, 0, host, count * oclstm_dtype_size_bytes(dtype), what, error);
    chunk c = {device, dst, dtype, host_dtype, what, NULL};
    oclstm_status status = chunk_open(&c, count, error);
    for (size_t first = 0; first < count && status == OCLSTM_OK; first += CHUNK)
        status = write_chunk(&c, host, first, count - first < CHUNK ? count - first : CHUNK, error);
    free(c.memory);
    return status;
}

oclstm_status stage_read(oclstm_device *device, void *host, oclstm_dtype host_dtype, cl_mem src, oclstm_dtype dtype, size_t count,
                         const char *what, oclstm_error *error) {
    if (dtype == host_dtype)
        return device_read(device, host, src, 0, count * oclstm_dtype_size_bytes(dtype), what, error);
    chunk c = {device, src, dtype, host_dtype, what, NULL};
    oclstm_status status = chunk_open(&c, count, error);
    for (size_t first = 0; first < count && status == OCLSTM_OK; first += CHUNK)
        status = read_chunk(&c, host, first, count - first < CHUNK ? count - first : CHUNK, error);
    free(c.memory);
    return status;
}
