// SPDX-License-Identifier: Apache-2.0
// What the files of the imitating layer share. README.md beside this file lists the keys.
#ifndef OCLSTM_TESTS_IMITATE_H
#define OCLSTM_TESTS_IMITATE_H

#include <stdbool.h>
#include <stdint.h>

#include "layer_entry.h"

// A key that was not given: the device below shows through.
#define UNSET INT64_MIN

enum { MAX_FAILING = 16 };

// What one device is made to look like. Numbers are UNSET and texts NULL where the key was not given.
typedef struct disguise {
    int64_t type; // CL_DEVICE_TYPE_ bits
    int64_t custom_in_all, max_group, kernel_group, items_x, items_y, items_z, local_memory, max_allocation, units, clock,
        address_bits, float_vector;
    int64_t compiler, fp64, fp16, int64, bare, little_endian, available, executes; // 0 or 1
    int64_t version;                                                               // 101 for 1.1
    int64_t platform_fails, twin_fails;                                            // OpenCL's code
    const char *profile, *name, *vendor, *driver, *platform, *twin;
    cl_device_info failing[MAX_FAILING]; // queries that fail
    int failing_count;
} disguise;

// Ends the process with a message: a test that asks for what the layer cannot do must not pass.
_Noreturn void imitate_stop(const char *message, const char *text);

// --- imitate_keys.c: OCLSTM_IMITATE ---

// Reads the variable. Devices are separated by ';', keys by ',', and '\' takes away a character's meaning.
void imitate_read_keys(void);
// The disguise of the device with this place among all: the only one there is, or the one of the same place; a device past the last keeps
// its own looks.
const disguise *imitate_keys_of(size_t place);
size_t imitate_key_count(void);

// --- imitate_places.c: which object belongs to which disguise ---

const disguise *disguise_of_device(cl_device_id id); // of a part of a device: that of the whole
const disguise *disguise_of_platform(cl_platform_id id);
const disguise *disguise_of_context(cl_context context);
const disguise *disguise_of_queue(cl_command_queue queue);
const disguise *disguise_of_kernel(cl_kernel kernel);
const disguise *disguise_of_program(cl_program program);

// --- imitate_log.c: OCLSTM_IMITATE_LOG, a file for what was called, written when the process ends ---

typedef enum count_of {
    COUNT_CONTEXTS,
    COUNT_BUFFERS,
    COUNT_SOURCES,
    COUNT_BINARIES,
    COUNT_IL,
    COUNT_BUILDS,
    COUNT_LAUNCHES,
    COUNT_NULL_LOCAL,
    COUNT_REFUSED,
    COUNT_LATE_CALLS, // of a version that the device does not have
    COUNT_LATE_QUERIES,
    COUNT_LARGEST_BUFFER,
    COUNT_LARGEST_GROUP,
    COUNT_KINDS
} count_of;

void imitate_open_log(void);
void imitate_count(count_of what);
void imitate_largest(count_of what, size_t value);
// Counts a refusal and returns the code.
cl_int imitate_refuse(cl_int code);

// --- what each file puts into the table ---

void imitate_places_install(struct _cl_icd_dispatch *table);
void imitate_answers_install(struct _cl_icd_dispatch *table);
void imitate_programs_install(struct _cl_icd_dispatch *table);
void imitate_launches_install(struct _cl_icd_dispatch *table);
void imitate_versions_install(struct _cl_icd_dispatch *table);

#endif
