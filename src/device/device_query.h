// SPDX-License-Identifier: Apache-2.0
// Asking a device: what the files share that do it. Each query is made once, when the device is listed; what follows from it reads the answer.
#ifndef OCLSTM_DEVICE_DEVICE_QUERY_H
#define OCLSTM_DEVICE_DEVICE_QUERY_H

#include "device/device_private.h"

typedef struct device_queries {
    device_entry *entry;
    bool no_memory; // host memory was exhausted
} device_queries;

// Notes an answer's code. A required query that failed makes the device unusable.
bool query_answered(device_queries *q, cl_int code, const char *parameter_name, bool required);

// A number; 0 when the driver does not answer.
bool query_value(device_queries *q, cl_device_info parameter, const char *parameter_name, void *value, size_t size_bytes,
                 bool required);

#define REQUIRED(q, parameter, value) query_value(q, parameter, #parameter, &(value), sizeof(value), true)
#define OPTIONAL(q, parameter, value) query_value(q, parameter, #parameter, &(value), sizeof(value), false)

// A string as one line of text, cut to the capacity; allocated, whole and as it is, NULL and *code on failure.
void query_string(device_queries *q, cl_device_info parameter, const char *parameter_name, char *dst, size_t capacity,
                  bool required);
char *query_read_string(cl_device_id id, cl_device_info parameter, cl_int *code);

// "OpenCL 1.2 ..." -> 102; 0 when the string is not of that form.
int query_version(const char *text);

// What a device can but need not.
void query_facts(device_queries *q);

#endif
