// SPDX-License-Identifier: Apache-2.0
// What the files of the device layer share: the opened device, and a device as found before it is opened.
#ifndef OCLSTM_DEVICE_DEVICE_PRIVATE_H
#define OCLSTM_DEVICE_DEVICE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "device/device.h"

// A device as found. id is NULL for a platform that shows none.
typedef struct device_entry {
    oclstm_device_info info;
    cl_platform_id platform;
    cl_device_id id;
    bool opencl_1_2; // platform and device are of OpenCL 1.2 or later: calls of 1.2 may be made
} device_entry;

// A built program. Kept until the device goes.
typedef struct program_entry {
    struct program_entry *next;
    cl_program program;
    char *file;
    char *options;
    char *kernel_dir; // "" for the built-in sources
} program_entry;

// What became of the programs so far.
typedef struct program_tally {
    size_t from_source, from_cache, from_folder;
    size_t kept;     // written to the disk cache
    char note[1024]; // the last thing that could not be used or kept, and was done without, in words
} program_tally;

// A buffer of device_buffer_create().
typedef struct held_buffer {
    struct held_buffer *next;
    cl_mem mem;
    size_t size_bytes;
} held_buffer;

struct oclstm_device {
    atomic_int references;
    device_limits limits;
    bool opencl_1_2;
    bool owns_queue; // made here, so close may wait for it
    bool holds_id;   // clRetainDevice was called, or it is a sub-device made here
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    _Atomic uint64_t held_bytes; // by buffers of device_buffer_create()
    pthread_mutex_t held_lock;   // guards held
    held_buffer *held;           // the newest first
    atomic_uint warm;            // bits of device_mark_warm()
    pthread_mutex_t lock;        // guards kernel_dir, programs and tally
    char *kernel_dir;            // "" for the built-in sources
    char *binary_dir;            // of kernels compiled offline; "" for none
    program_entry *programs;
    program_tally tally;
    struct tuned_settings *tuned; // never NULL
    char tuning_note[1400];       // where they come from, in words
};

// Every device of every platform, in the order of the public list. *out is freed with free(); NULL when *count is 0.
oclstm_status device_entries_find(device_entry **out, size_t *count, oclstm_error *error);

// Fills info and opencl_1_2 of an entry whose platform and id are set; the three positions are left alone. A device that
// cannot be used is no failure: info.reason says why. Fails only when host memory is exhausted.
oclstm_status device_query(device_entry *entry, oclstm_error *error);

// No OpenCL code: an allocation of our own failed. A driver that answers CL_OUT_OF_HOST_MEMORY, as broken ones do, only
// loses its own entry.
#define DEVICE_NO_HOST_MEMORY (-1000000)

// A platform's string, such as its name, without surrounding blanks.
cl_int device_platform_string(cl_platform_id platform, cl_platform_info parameter, char *dst, size_t capacity);

// The number of opened devices in the process. Raised before a context is made, lowered when its objects are released; at
// zero the functions of device_on_last_close() run.
void device_count_raise(void);
void device_count_lower(void);

// Makes entry->program of its file, options and kernel_dir. Called with the device's lock held.
oclstm_status device_program_build(program_entry *entry, oclstm_device *device, oclstm_error *error);

// clCreateProgramWithIL, where the device lists SPIR-V; otherwise NULL.
typedef cl_program(CL_API_CALL *device_create_with_il)(cl_context context, const void *il, size_t length, cl_int *code);
device_create_with_il device_find_create_with_il(const oclstm_device *device);

// Frees the list of buffers that are still there when the device goes: a caller's mistake.
void device_held_free(oclstm_device *device);

// Releases every program of the cache.
void device_programs_release(oclstm_device *device);

#endif
