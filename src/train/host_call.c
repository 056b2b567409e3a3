// SPDX-License-Identifier: Apache-2.0
#include "train/host_call.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

oclstm_status host_block_write(const host_rows *rows, train_matrix to, const void *host, size_t count, const char *what,
                               oclstm_error *error) {
    const size_t offset = to.offset * rows->element_bytes, bytes = count * rows->element_bytes;
    if (bytes == 0)
        return OCLSTM_OK;
    return host != NULL ? device_write(rows->device, to.mem, offset, host, bytes, what, error)
                        : device_fill_zero(rows->device, to.mem, offset, bytes, error);
}

oclstm_status host_block_read(const host_rows *rows, train_matrix from, void *host, size_t count, const char *what,
                              oclstm_error *error) {
    if (host == NULL || count == 0)
        return OCLSTM_OK;
    return device_read(rows->device, host, from.mem, from.offset * rows->element_bytes, count * rows->element_bytes, what, error);
}

// Rows [batch][steps] to [steps][batch], or back.
static void turn_rows(const host_rows *rows, char *to, const char *from, size_t row_bytes, bool to_time_major) {
    for (size_t t = 0; t < rows->steps; t++) {
        for (size_t b = 0; b < rows->batch; b++) {
            const size_t time_major = t * rows->batch + b, batch_major = b * rows->steps + t;
            memcpy(to + (to_time_major ? time_major : batch_major) * row_bytes,
                   from + (to_time_major ? batch_major : time_major) * row_bytes, row_bytes);
        }
    }
}

oclstm_status host_rows_write(const host_rows *rows, train_matrix to, const void *host, size_t features, const char *what,
                              oclstm_error *error) {
    const size_t count = rows->steps * rows->batch * features;
    if (host == NULL || !rows->batch_first)
        return host_block_write(rows, to, host, count, what, error);
    char *turned = base_alloc(count, rows->element_bytes);
    if (turned == NULL)
        return base_fail_memory(error, count * rows->element_bytes, what);
    turn_rows(rows, turned, host, features * rows->element_bytes, true);
    const oclstm_status status = host_block_write(rows, to, turned, count, what, error);
    free(turned);
    return status;
}

oclstm_status host_rows_read(const host_rows *rows, train_matrix from, void *host, size_t features, const char *what,
                             oclstm_error *error) {
    const size_t count = rows->steps * rows->batch * features;
    if (host == NULL || !rows->batch_first)
        return host_block_read(rows, from, host, count, what, error);
    char *lying = base_alloc(count, rows->element_bytes);
    if (lying == NULL)
        return base_fail_memory(error, count * rows->element_bytes, what);
    const oclstm_status status = host_block_read(rows, from, lying, count, what, error);
    if (status == OCLSTM_OK)
        turn_rows(rows, host, lying, features * rows->element_bytes, false);
    free(lying);
    return status;
}

int *host_rows_integers(const host_rows *rows, const oclstm_const_array *array) {
    int *out = base_alloc(rows->steps * rows->batch, sizeof *out);
    for (size_t t = 0; t < rows->steps && out != NULL; t++) {
        for (size_t b = 0; b < rows->batch; b++) {
            const size_t at = rows->batch_first ? b * rows->steps + t : t * rows->batch + b;
            out[t * rows->batch + b] =
                array->dtype == OCLSTM_I64 ? (int)((const int64_t *)array->data)[at] : (int)((const int32_t *)array->data)[at];
        }
    }
    return out;
}
