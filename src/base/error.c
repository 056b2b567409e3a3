// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void clear(oclstm_error *error, oclstm_status status) {
    // Only what is read before it is set: the record is 9 KiB and zeroing it all is not free on a hot error path.
    error->status = status;
    error->opencl_code = 0;
    error->opencl_name[0] = error->call[0] = error->device[0] = error->message[0] = error->build_log[0] = '\0';
}

void base_copy_string(char *dst, size_t capacity, const char *src) {
    size_t length = strlen(src);
    if (length >= capacity) {
        length = capacity - 1;
        while (length > 0 && ((unsigned char)src[length] & 0xC0) == 0x80)
            length--;
    }
    memmove(dst, src, length);
    dst[length] = '\0';
}

BASE_PRINTF(3, 0) static void append_list(char *dst, size_t capacity, const char *format, va_list arguments) {
    if (dst == NULL)
        return;
    size_t used = strlen(dst);
    if (used + 1 < capacity)
        vsnprintf(dst + used, capacity - used, format, arguments);
}

void base_append(char *dst, size_t capacity, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    append_list(dst, capacity, format, arguments);
    va_end(arguments);
}

oclstm_status base_fail(oclstm_error *error, oclstm_status status, const char *format, ...) {
    if (error == NULL)
        return status;
    clear(error, status);
    va_list arguments;
    va_start(arguments, format);
    append_list(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return status;
}

oclstm_status base_fail_errno(oclstm_error *error, oclstm_status status, const char *call, int errno_value, const char *format,
                              ...) {
    if (error == NULL)
        return status;
    clear(error, status);
    base_copy_string(error->call, sizeof error->call, call);
    va_list arguments;
    va_start(arguments, format);
    append_list(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    char reason[128] = "";
    if (strerror_r(errno_value, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", errno_value);
    base_append(error->message, sizeof error->message, ": %s", reason);
    return status;
}

oclstm_status base_fail_memory(oclstm_error *error, size_t size_bytes, const char *what) {
    return base_fail(error, OCLSTM_OUT_OF_MEMORY, "no host memory for %s (%zu bytes asked)", what, size_bytes);
}
