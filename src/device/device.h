// SPDX-License-Identifier: Apache-2.0
// The device layer as the layers above see it: an opened device, its buffers, its programs, its launches. The only folder that
// knows vendors and their quirks; above it a device is its limits.
//
// Thread-safety: the functions here may be called from several threads on one device. A cl_kernel made by
// device_kernel_create() belongs to the caller and is used by one thread at a time (clSetKernelArg is not thread-safe for
// one kernel object).
#ifndef OCLSTM_DEVICE_DEVICE_H
#define OCLSTM_DEVICE_DEVICE_H

#include <oclstm/array.h>
#include <oclstm/device.h>

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

typedef oclstm_device_info device_limits;

// The limits queried once, at open.
const device_limits *device_get_limits(const oclstm_device *device);
cl_context device_get_context(const oclstm_device *device);
cl_command_queue device_get_queue(const oclstm_device *device);

// Holding a device: oclstm_device_close() is the matching release.
oclstm_device *device_retain(oclstm_device *device);

// A device of which only the limits are known: it has tuned settings and kernel sources, and answers nothing else. For saying what a device would
// need without opening it. Close it as any other.
oclstm_status device_on_paper(oclstm_device **out, const device_limits *limits, oclstm_error *error);

// --- errors -----------------------------------------------------------------------------------------------------------

// "CL_OUT_OF_RESOURCES" for a raw code; "CL_UNKNOWN" for a number that is none.
const char *device_opencl_name(cl_int code);

// Fills the record for a failed OpenCL call: status is OUT_OF_DEVICE_MEMORY for the codes that mean it, OUT_OF_MEMORY for
// CL_OUT_OF_HOST_MEMORY, otherwise OPENCL. `what` says what was attempted ("uploading weight_ih"). device may be NULL.
oclstm_status device_fail(oclstm_error *error, const oclstm_device *device, cl_int code, const char *call, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

// Fills the record for something refused because it does not fit the device: OUT_OF_DEVICE_MEMORY.
oclstm_status device_fail_memory(oclstm_error *error, const oclstm_device *device, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// --- buffers ------------------------------------------------------------------------------------------------------------

// Allocates a device buffer. Refuses before asking the driver when the size is over the device's largest allocation or its
// memory: the message says what was asked, for what, and what is allowed. size_bytes 0 is rounded up to 1. Contents are
// undefined.
oclstm_status device_buffer_create(cl_mem *out, oclstm_device *device, cl_mem_flags flags, size_t size_bytes, const char *what,
                                   oclstm_error *error);
// Bytes of a buffer; 0 for NULL.
size_t device_buffer_bytes(cl_mem buffer);
// Releases and nulls; accepts a pointer to NULL. The device is the one it was created on.
void device_buffer_release(oclstm_device *device, cl_mem *buffer);

// A buffer over the host's memory, which must stay until the buffer is released; not counted as held by the device. For devices that share memory
// with the host. device_buffer_hand_back() waits for everything enqueued and makes what kernels wrote visible to the host.
oclstm_status device_buffer_over_host(cl_mem *out, oclstm_device *device, cl_mem_flags flags, void *host, size_t size_bytes);
oclstm_status device_buffer_hand_back(oclstm_device *device, cl_mem buffer, size_t size_bytes, oclstm_error *error);
void device_host_buffer_release(cl_mem *buffer);

// Blocking transfers of whole ranges. Offsets in bytes. These, device_buffer_hand_back() and device_finish() wait also when they fail: nothing that was
// enqueued uses host memory afterwards.
oclstm_status device_write(oclstm_device *device, cl_mem dst, size_t offset_bytes, const void *src_host, size_t size_bytes,
                           const char *what, oclstm_error *error);
oclstm_status device_read(oclstm_device *device, void *dst_host, cl_mem src, size_t offset_bytes, size_t size_bytes,
                          const char *what, oclstm_error *error);
// Enqueued, not waited for. Fills with zero bytes.
oclstm_status device_fill_zero(oclstm_device *device, cl_mem dst, size_t offset_bytes, size_t size_bytes, oclstm_error *error);
// clFinish on the queue.
oclstm_status device_finish(oclstm_device *device, oclstm_error *error);
// clFlush on the queue.
oclstm_status device_flush(oclstm_device *device, oclstm_error *error);

// --- programs -------------------------------------------------------------------------------------------------------------

// Builds a program of files of cl/ ("portable.cl", or several with a space between: "fused_math.cl fused_rows.cl"),
// lstm_shared.h in front of them: kernels include nothing themselves. Options as from device_dtype_options() and the
// engine's own. Taken from the device's cache where (files, options) were built before. The program belongs to the device.
// On a compiler error: BUILD_FAILED with the log.
oclstm_status device_program_get(cl_program *out, oclstm_device *device, const char *file, const char *options,
                                 oclstm_error *error);

// Writes such a program for an offline compiler into a directory: NAME.cl, the whole text, and NAME.options; with `binary` also NAME.bin, in the
// driver's own format, for which the program is built. Writes NAME into name[DEVICE_PROGRAM_NAME]. The device may be one on paper, without
// `binary`. IO where a file cannot be written.
enum { DEVICE_PROGRAM_NAME = 96 };
oclstm_status device_program_export(char *name, oclstm_device *device, const char *file, const char *options, const char *directory,
                                    bool binary, oclstm_error *error);

// Writes a text file into a directory, whole or not at all. IO where it cannot.
oclstm_status device_export_text(const char *directory, const char *name, const char *text, oclstm_error *error);

// Makes a kernel of such a program; release with device_kernel_release(). *max_group (may be NULL) receives
// CL_KERNEL_WORK_GROUP_SIZE.
oclstm_status device_kernel_create(cl_kernel *out, oclstm_device *device, cl_program program, const char *name, size_t *max_group,
                                   oclstm_error *error);
void device_kernel_release(cl_kernel *kernel);
// CL_KERNEL_LOCAL_MEM_SIZE: without what is still to be set as an argument.
oclstm_status device_kernel_local_bytes(uint64_t *out, oclstm_device *device, cl_kernel kernel, oclstm_error *error);

// The options every program gets for a cell's dtype (F32, F64, F16, BF16): -cl-std as the device allows, -D REAL=float|double,
// -D REAL_IS_DOUBLE=0|1, and for 16 bits, which are computed with in float, -D STORED=..., -D HALF_PRODUCTS=0|1 of cl/lstm_shared.h.
const char *device_dtype_options(const oclstm_device *device, oclstm_dtype dtype);

// Are products of float16 cells made in float16 arithmetic here? Where the device has it and does not emulate it.
bool device_has_half_products(const device_limits *limits);

// What device_has_half_products() answers: by the device; or, for tests, never, or wherever the device has cl_khr_fp16.
typedef enum device_half { DEVICE_HALF_BY_DEVICE, DEVICE_HALF_NEVER, DEVICE_HALF_ALWAYS } device_half;
extern device_half device_half_products;

// --- launches -----------------------------------------------------------------------------------------------------------------

// A launch size. local is always given and divides global.
typedef struct device_grid {
    cl_uint dimensions;
    size_t global[3];
    size_t local[3];
} device_grid;

// A grid over `count0` x `count1` x `count2` work-items, rounded up along dimension 0 to a work-group of at most
// `wanted_local` items there (1 in the others) that respects the device's and the kernel's limits.
device_grid device_grid_make(const oclstm_device *device, size_t kernel_max_group, size_t wanted_local, size_t count0,
                             size_t count1, size_t count2);

// Enqueues a kernel whose arguments are set. Never waits.
oclstm_status device_launch(oclstm_device *device, cl_kernel kernel, const device_grid *grid, oclstm_error *error);

// One kernel argument.
#define DEVICE_ARG(value) sizeof(value), &(value)
// Sets arguments first, first+1, ... from (size, pointer) pairs, ended by a size of 0:
// device_set_args(d, k, 0, error, DEVICE_ARG(a), DEVICE_ARG(b), (size_t)0).
oclstm_status device_set_args(oclstm_device *device, cl_kernel kernel, cl_uint first, oclstm_error *error, ...);

// What a kernel's arguments were last set to, so that a launch sets only what has changed: setting thirty arguments costs more than launching a small
// kernel. Zeroed before the first use; one for each kernel.
enum { DEVICE_CACHED_ARGS = 40 };
typedef struct device_arg_cache {
    struct {
        size_t size_bytes; // 0 = never set
        unsigned char value[8];
    } args[DEVICE_CACHED_ARGS];
} device_arg_cache;

// As device_set_args(), but skips arguments of at most 8 bytes that have the value they had, unless they are marked fresh: a buffer of the caller may
// have gone, and another one may stand at its address.
#define DEVICE_FRESH            ((size_t)1 << 16)
#define DEVICE_FRESH_ARG(value) (sizeof(value) | DEVICE_FRESH), &(value)
oclstm_status device_set_changed_args(oclstm_device *device, cl_kernel kernel, device_arg_cache *cache, cl_uint first,
                                      oclstm_error *error, ...);

// --- end of life --------------------------------------------------------------------------------------------------------------

// Registers a function to be called once after the last open device of the process has been released (the matmul layer
// clears CLBlast's cache there). The same function registered twice is kept once.
void device_on_last_close(void (*function)(void));

// Marks for layers above that do something once per device (the first use of CLBlast): true while `mark`, 0 to 31, is not yet set.
bool device_needs_warmup(oclstm_device *device, unsigned mark);
void device_mark_warm(oclstm_device *device, unsigned mark);
void device_clear_warm(oclstm_device *device, unsigned mark);

#endif
