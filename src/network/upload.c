// SPDX-License-Identifier: Apache-2.0
#include "network/upload.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/name_text.h"

static size_t count_of(const oclstm_tensor *tensor) { return tensor->size_bytes / oclstm_dtype_size_bytes(tensor->dtype); }

// All elements on the host, in dtype; owned by the caller.
static oclstm_status read_all(void **out, const oclstm_tensors *file, const oclstm_tensor *tensor, oclstm_dtype dtype,
                              oclstm_error *error) {
    const size_t count = count_of(tensor);
    *out = base_alloc(count, oclstm_dtype_size_bytes(dtype));
    if (*out == NULL)
        return base_fail_memory(error, count * oclstm_dtype_size_bytes(dtype), "a layer's weights");
    return oclstm_tensor_read(file, tensor, 0, 0, tensor->rank > 0 ? tensor->shape[0] : 1, dtype, *out, false, error);
}

// Kernels index in 32 bits.
static oclstm_status check_count(const oclstm_tensor *tensor, oclstm_error *error) {
    const size_t count = count_of(tensor);
    return count <= UINT32_MAX
               ? OCLSTM_OK
               : base_fail(error, OCLSTM_UNSUPPORTED, "the tensor '%s' has %zu elements; a layer's weight has at most 4294967295",
                           name_to_text(tensor->name).text, count);
}

static oclstm_status make_buffer(cl_mem *out, oclstm_device *device, const void *host, size_t bytes, const char *what,
                                 oclstm_error *error) {
    oclstm_status status = device_buffer_create(out, device, CL_MEM_READ_WRITE, bytes, what, error);
    return status == OCLSTM_OK ? device_write(device, *out, 0, host, bytes, what, error) : status;
}

oclstm_status network_upload(cl_mem *out, oclstm_device *device, const oclstm_tensors *file, const oclstm_tensor *tensor,
                             oclstm_dtype dtype, oclstm_error *error) {
    void *host = NULL;
    oclstm_status status = check_count(tensor, error);
    if (status == OCLSTM_OK)
        status = read_all(&host, file, tensor, dtype, error);
    if (status == OCLSTM_OK)
        status = make_buffer(out, device, host, count_of(tensor) * oclstm_dtype_size_bytes(dtype), tensor->name, error);
    free(host);
    return status;
}

static void transpose(void *to, const void *from, size_t rows, size_t columns, size_t element_bytes) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = 0; k < columns; k++)
            memcpy((char *)to + (k * rows + r) * element_bytes, (const char *)from + (r * columns + k) * element_bytes,
                   element_bytes);
    }
}

oclstm_status network_upload_transposed(cl_mem *out, oclstm_device *device, const oclstm_tensors *file, const oclstm_tensor *tensor,
                                        oclstm_dtype dtype, oclstm_error *error) {
    const size_t element_bytes = oclstm_dtype_size_bytes(dtype), bytes = count_of(tensor) * element_bytes;
    void *host = NULL, *turned = NULL;
    oclstm_status status = check_count(tensor, error);
    if (status == OCLSTM_OK && (turned = base_alloc(bytes, 1)) == NULL)
        status = base_fail_memory(error, bytes, "a layer's weights");
    if (status == OCLSTM_OK)
        status = read_all(&host, file, tensor, dtype, error);
    if (status == OCLSTM_OK) {
        transpose(turned, host, (size_t)tensor->shape[0], (size_t)tensor->shape[1], element_bytes);
        status = make_buffer(out, device, turned, bytes, tensor->name, error);
    }
    free(host);
    free(turned);
    return status;
}

static void add(void *sum, const void *part, size_t count, oclstm_dtype dtype) {
    for (size_t i = 0; i < count; i++) {
        if (dtype == OCLSTM_F64)
            ((double *)sum)[i] += ((const double *)part)[i];
        else
            ((float *)sum)[i] += ((const float *)part)[i];
    }
}

oclstm_status network_upload_sum(cl_mem *out, oclstm_device *device, const oclstm_tensors *file, const oclstm_tensor *a,
                                 const oclstm_tensor *b, size_t count, oclstm_dtype dtype, oclstm_error *error) {
    const oclstm_tensor *const parts[] = {a, b};
    const size_t bytes = count * oclstm_dtype_size_bytes(dtype);
    void *sum = base_alloc(bytes, 1);
    oclstm_status status = sum == NULL ? base_fail_memory(error, bytes, "a layer's bias") : OCLSTM_OK;
    for (int i = 0; i < 2 && status == OCLSTM_OK; i++) {
        void *host = NULL;
        if (parts[i] == NULL)
            continue;
        status = read_all(&host, file, parts[i], dtype, error);
        if (status == OCLSTM_OK)
            add(sum, host, count, dtype);
        free(host);
    }
    if (status == OCLSTM_OK)
        status = make_buffer(out, device, sum, bytes, "a layer's bias", error);
    free(sum);
    return status;
}
