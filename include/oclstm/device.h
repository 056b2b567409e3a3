// SPDX-License-Identifier: Apache-2.0
/**
 * @file device.h
 * OpenCL devices: list them, open one, close it.
 *
 * Thread-safety: every function here may be called from any thread at any time, also several at once, with these limits:
 *   - An opened device may be shared by threads: its cells and states, each used by one thread at a time, may be created, run and destroyed
 *     side by side, and every result is what one thread alone would get. They share one in-order queue, so a call also waits for what other
 *     threads had enqueued before it. Threads that are to compute at the same time open a device each.
 *   - A hold is given up once, by one thread. Another thread may use the device only through a hold of its own: what it opened or wrapped, or a
 *     cell or state, which holds the device.
 *   - The environment is read while devices are listed and opened; no thread may change it (setenv) meanwhile.
 *   - A device that is being tuned is used by no other thread, see tune.h.
 *
 * fork(): OpenCL drivers do not survive it. A process that forks does so before its first call that lists, opens or wraps a device; such a
 * child works fully. After that call a child can go on with exec(), and posix_spawn() and vfork() are no concern; but in a child that stays,
 * every call that would use OpenCL fails at once with UNSUPPORTED and a message that says so, also after the parent has closed every
 * device. What the child inherited may be closed, destroyed and freed there, which releases host memory only and leaves the parent's objects
 * as they are; facts may be read, and model files (tensors.h) may be used. The parent is not affected. A server that forks workers opens the
 * device in each worker. A child made by a bare clone() or _Fork() is not recognised.
 */
#ifndef OCLSTM_DEVICE_H
#define OCLSTM_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oclstm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An opened device: an OpenCL context, an in-order queue, the limits, the programs compiled for it. */
typedef struct oclstm_device oclstm_device;

/** What kind of device it is, from CL_DEVICE_TYPE. NPU stands for an OpenCL accelerator or custom device. */
typedef enum oclstm_device_kind { OCLSTM_DEVICE_GPU, OCLSTM_DEVICE_NPU, OCLSTM_DEVICE_CPU, OCLSTM_DEVICE_OTHER } oclstm_device_kind;

/**
 * What arithmetic of one width keeps to, from CL_DEVICE_SINGLE_FP_CONFIG and its like; all false where there is none of it. Without has_inf_nan, which
 * the embedded profile may lack for float32, results of infinity and NaN are whatever the device makes of them.
 */
typedef struct oclstm_float_facts {
    bool has_inf_nan;
    bool has_denormals;
    bool rounds_to_nearest;
    bool rounds_to_zero; /**< the embedded profile may have this rounding alone */
    bool has_fma;
    bool is_emulated; /**< in software */
} oclstm_float_facts;

/**
 * A device as found. Every limit is as the driver reports it; 0 or false = the device cannot. Texts are one line of UTF-8 each, cut
 * where they are longer than their array, without surrounding blanks; control characters and bytes that are no UTF-8 are shown as '?'.
 */
typedef struct oclstm_device_info {
    int index;          /**< position in the list: the selector "N" */
    int platform_index; /**< with device_index: the selector "P:D" */
    int device_index;   /**< position within its platform; -1 for a platform that shows no device */
    oclstm_device_kind kind;
    int part;  /**< of an opened part of a device ("N/K"): which one, from 0 */
    int parts; /**< and of how many; 0 for a whole device */
    bool usable;
    bool chosen_by_auto; /**< true for the one device that the selector "auto" opens */
    char reason[256];    /**< why it cannot be used; empty when usable */
    char name[128];
    char vendor[128];
    char platform_name[128];
    char device_version[128]; /**< such as "OpenCL 3.0 ..." */
    char driver_version[128];
    char c_version[64];    /**< of the kernels' language: CL_DEVICE_OPENCL_C_VERSION */
    char il_version[128];  /**< intermediate languages it takes, such as "SPIR-V_1.2"; empty: none */
    char extensions[4096]; /**< with a space between; whole words are left out where they do not fit */
    bool available;        /**< CL_DEVICE_AVAILABLE. This and the next two are needed of a usable device */
    bool executes_kernels; /**< CL_DEVICE_EXECUTION_CAPABILITIES */
    bool little_endian;    /**< CL_DEVICE_ENDIAN_LITTLE */
    bool full_profile;     /**< false: embedded profile */
    bool has_compiler;     /**< builds kernels from source */
    bool has_fp64;         /**< float64 arithmetic (cl_khr_fp64) */
    bool has_fp16;         /**< float16 arithmetic (cl_khr_fp16) */
    bool has_int64;        /**< 64-bit integers in kernels: the full profile, or cles_khr_int64 */
    bool has_local_memory; /**< dedicated local memory, not global memory in disguise */
    bool unified_memory;   /**< shares memory with the host */
    unsigned compute_units;
    unsigned clock_mhz;
    unsigned address_bits;
    unsigned vector_width_float; /**< CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT */
    size_t max_work_group_size;
    size_t max_work_item_sizes[3];
    uint64_t global_memory_bytes;
    uint64_t max_allocation_bytes; /**< the largest single buffer */
    uint64_t local_memory_bytes;
    size_t max_parameter_bytes; /**< of a kernel's arguments together (CL_DEVICE_MAX_PARAMETER_SIZE) */
    uint64_t cache_bytes;       /**< of global memory (CL_DEVICE_GLOBAL_MEM_CACHE_SIZE) */
    unsigned alignment_bytes;   /**< at which a part of a buffer may begin as a buffer of its own (CL_DEVICE_MEM_BASE_ADDR_ALIGN) */
    unsigned max_parts;         /**< that it can be split into (CL_DEVICE_PARTITION_MAX_SUB_DEVICES); 0 or 1: it cannot */
    bool splits_equally;        /**< into parts of equal size (CL_DEVICE_PARTITION_EQUALLY) */
    bool splits_by_counts;      /**< into parts of chosen sizes (CL_DEVICE_PARTITION_BY_COUNTS) */
    oclstm_float_facts float16; /**< arithmetic; storage in 16 bits needs none of it */
    oclstm_float_facts float32;
    oclstm_float_facts float64;
} oclstm_device_info;

/**
 * Lists every device of every platform, usable or not, each with the reason where it is not. A platform that fails or
 * shows no device is listed as one unusable entry. The same hardware seen through two platforms is listed twice.
 *
 * @param[out] list   an array allocated here; release it with oclstm_device_list_free(). NULL when count is 0.
 * @param[out] count  number of entries. No platform at all is an empty list and success.
 * @return OK, INVALID_ARGUMENT, OUT_OF_MEMORY. Does not open a device; waits for no kernel.
 */
OCLSTM_API oclstm_status oclstm_device_list(oclstm_device_info **list, size_t *count, oclstm_error *error);

/** Releases a list and sets the pointer to NULL. Accepts NULL and a pointer to NULL. */
OCLSTM_API void oclstm_device_list_free(oclstm_device_info **list);

/**
 * Opens a device.
 *
 * The selector, in this grammar:
 *
 *     NULL, "", "auto"   usable GPUs first, then NPUs, then CPUs; within a kind the most compute units x clock
 *     "gpu" "cpu" "npu"  the best usable device of that kind, by the same measure
 *     "N"                the device with that index in oclstm_device_list()
 *     "P:D"              device D of platform P
 *     NAME-PART          the one usable device whose name, vendor or platform name contains this text, without regard to case
 *     X/K                part K, from 0, of the device X (any of the above but NAME-PART) split into parts of one compute unit each
 *     X/K/P              part K of X split into P parts as equal as its compute units allow
 *
 * A part (clCreateSubDevices) is a device of its own that uses no other compute units; CPUs can be split, other devices rarely. Its facts are
 * those of the part; index, platform_index and device_index those of the whole device, and its name ends in "(part K of P)". Parts share
 * memory and caches, and each opening makes them anew: the same selector names the same part. A cell gives the same numbers on a part
 * as on the whole device within rounding, bit by bit where each core of either has three rows of the batch or more.
 *
 * There is no silent fallback: a selector that matches nothing, more than one device, or an unusable one is an error whose message
 * lists the choices.
 *
 * @param[out] out  the device, owned by the caller: oclstm_device_close(). NULL on failure.
 * @return OK; NO_DEVICE when no usable device (of the kind asked for) exists or the selected one is unusable; INVALID_ARGUMENT
 *         when the selector matches none or several, or there is no such part; UNSUPPORTED when the device cannot be split;
 *         OUT_OF_MEMORY; OPENCL.
 */
OCLSTM_API oclstm_status oclstm_device_open(oclstm_device **out, const char *selector, oclstm_error *error);

/**
 * Opens the device that suits a call of this shape: the one that "auto" opens, unless that is a CPU which OpenCL also shows as a
 * device that runs kernels in the calling thread (PoCL's `basic`, visible where POCL_DEVICES names it) and the work is too
 * small to be shared: batch 1 with input and hidden sizes up to 192, or a few million operations in all. Which one it was:
 * oclstm_device_get_info(), whose chosen_by_auto is false where the shape decided.
 *
 * A device so opened does any other shape as well.
 *
 * @return as oclstm_device_open(); INVALID_ARGUMENT when a size is below 1.
 */
OCLSTM_API oclstm_status oclstm_device_open_for(oclstm_device **out, int64_t input_size, int64_t hidden_size, int64_t batch,
                                                int64_t steps, oclstm_error *error);

/** Facts about an opened device. The pointer is valid until the device is closed. Never NULL for a valid device. */
OCLSTM_API const oclstm_device_info *oclstm_device_get_info(const oclstm_device *device);

/** A fact about a driver that no OpenCL query tells, by which the library does something differently. The strings are constants. */
typedef struct oclstm_device_quirk {
    const char *name;    /**< such as "keeps-own-kernels" */
    const char *effect;  /**< what the library does because of it */
    const char *reason;  /**< why */
    const char *seen_on; /**< the drivers and versions on which it was seen */
} oclstm_device_quirk;

/** The quirks of a device, listed or opened, one by one. @return the quirk at this position, from 0; NULL after the last one, and for NULL. */
OCLSTM_API const oclstm_device_quirk *oclstm_device_get_quirk(const oclstm_device_info *info, size_t position);

/**
 * Bytes of the buffers that an opened device holds now: weights, packed copies of them, the buffers that calls go through, states. The caller's own
 * buffers and what the driver keeps for itself are not counted. Any thread may ask.
 */
OCLSTM_API uint64_t oclstm_device_get_held_bytes(const oclstm_device *device);

/**
 * Says in one sentence where the settings of an opened device come from: tuned here, a preset of the library, or none. Begins with "warning: " when a
 * file of tuned settings was found but not used, and then says why. The pointer is valid until the device is closed.
 */
OCLSTM_API const char *oclstm_device_get_tuning(const oclstm_device *device);

/**
 * Takes the kernels' sources from this directory instead of those built into the library, for kernel development. It
 * applies to programs that are built after the call. NULL goes back to the built-in sources. The environment variable
 * OCLSTM_KERNEL_DIR sets the same when a device is opened.
 * @return OK, INVALID_ARGUMENT (no device), OUT_OF_MEMORY.
 */
OCLSTM_API oclstm_status oclstm_device_set_kernel_dir(oclstm_device *device, const char *directory, oclstm_error *error);

/**
 * Gives up the caller's hold of a device and sets the pointer to NULL. Accepts NULL and a pointer to NULL. Cells and states hold the
 * device too: its OpenCL objects are released when the last of them is destroyed, so the order does not matter. Waits
 * for work that was enqueued on a queue that the library made.
 */
OCLSTM_API void oclstm_device_close(oclstm_device **device);

#ifdef __cplusplus
}
#endif
#endif
