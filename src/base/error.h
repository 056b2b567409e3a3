// SPDX-License-Identifier: Apache-2.0
// Filling the caller's error record. Every function here accepts error == NULL and returns the status it was given,
// so that a failing line reads `return base_fail(error, OCLSTM_IO, "...", ...)`.
#ifndef OCLSTM_BASE_ERROR_H
#define OCLSTM_BASE_ERROR_H

#include <stddef.h>

#include <oclstm/status.h>

#define BASE_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))

// Clears the record and sets status and message (printf style; one sentence or more, no trailing newline).
oclstm_status base_fail(oclstm_error *error, oclstm_status status, const char *format, ...) BASE_PRINTF(3, 4);

// As base_fail, with the call that failed ("open", "mmap") and ": strerror(errno_value)" appended to the message.
oclstm_status base_fail_errno(oclstm_error *error, oclstm_status status, const char *call, int errno_value, const char *format, ...)
    BASE_PRINTF(5, 6);

// Out of host memory while making room for `what` ("the tensor list").
oclstm_status base_fail_memory(oclstm_error *error, size_t size_bytes, const char *what);

// Copies a string into a fixed array, cutting at a UTF-8 boundary; always closes it with a zero byte.
void base_copy_string(char *dst, size_t capacity, const char *src);

// snprintf that appends at the end of what is in dst; cuts what does not fit. Does nothing when dst is NULL.
void base_append(char *dst, size_t capacity, const char *format, ...) BASE_PRINTF(3, 4);

#endif
