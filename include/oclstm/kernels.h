// SPDX-License-Identifier: Apache-2.0
/**
 * @file kernels.h
 * Built kernels: those kept on disk from earlier processes, and those compiled offline for devices without a compiler.
 *
 * The disk cache. A program that was built from source is kept in the folder `kernels` of the cache folder ($OCLSTM_CACHE_DIR, else
 * $XDG_CACHE_HOME/oclstm, else ~/.cache/oclstm; an empty OCLSTM_CACHE_DIR means none) and taken from there by the next process. An entry
 * belongs to one source text, options, library version, platform, device and driver, repeats all of them, and is compared with them whole; one that
 * is damaged, foreign, or refused by the driver is built again. An unwritable or full folder is no error. All entries together have at most 64 MiB
 * (OCLSTM_CACHE_BYTES in bytes); those unused longest go first. Any number of processes may use one folder. PoCL and NVIDIA's driver keep
 * a cache of their own, so nothing is kept for them unless OCLSTM_KERNEL_CACHE is 1; 0 keeps nothing for any.
 *
 * Offline compilation. oclstm_kernels_export() writes the sources and options of the programs a device needs. What an offline compiler makes of
 * NAME.cl is put into a folder as NAME.bin (the driver's own format, clCreateProgramWithBinary) or NAME.spv (SPIR-V,
 * clCreateProgramWithIL, where the device lists it), and the folder is named by oclstm_kernels_set_binary_dir(). NAME contains a hash
 * of source and options: what was made from another version is not found.
 *
 * Thread-safety: all functions may be called from any thread.
 */
#ifndef OCLSTM_KERNELS_H
#define OCLSTM_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oclstm/array.h>
#include <oclstm/cell.h>
#include <oclstm/device.h>
#include <oclstm/status.h>
#include <oclstm/tensors.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An entry of the disk cache. Strings are cut where they do not fit. */
typedef struct oclstm_kernel_entry {
    char name[32];       /**< the file, within oclstm_kernels_folder() */
    uint64_t size_bytes; /**< of the file */
    int64_t used_at;     /**< when it was last used, or written: seconds since 1970 */
    bool usable;         /**< whole and this user's; false: ignored, and replaced when it is needed */
    char reason[128];    /**< why it is not usable; then what follows is empty */
    char library[32];    /**< the version of the library that wrote it */
    char platform[128];
    char device[128];
    char driver[128];
    char files[160];   /**< the kernel files it was built from */
    char options[512]; /**< and the options */
} oclstm_kernel_entry;

/**
 * The folder of the disk cache. It may not exist yet.
 * @param[out] path  at most `capacity` bytes with the closing zero.
 * @return OK; INVALID_ARGUMENT (path is NULL); IO when there is none (OCLSTM_CACHE_DIR is empty, or no home folder) or it does not fit.
 */
OCLSTM_API oclstm_status oclstm_kernels_folder(char *path, size_t capacity, oclstm_error *error);

/**
 * Lists the disk cache, of all devices and versions, the entry unused longest first. Looking at an entry is no use of it.
 * @param[out] list   an array allocated here; release it with oclstm_kernels_list_free(). NULL when count is 0.
 * @param[out] count  number of entries. No folder is an empty list and success.
 * @return OK, INVALID_ARGUMENT, OUT_OF_MEMORY. Uses no device.
 */
OCLSTM_API oclstm_status oclstm_kernels_list(oclstm_kernel_entry **list, size_t *count, oclstm_error *error);

/** Releases a list and sets the pointer to NULL. Accepts NULL and a pointer to NULL. */
OCLSTM_API void oclstm_kernels_list_free(oclstm_kernel_entry **list);

/**
 * Removes every entry of the disk cache, also what a killed process left half-written. Other files, and tuned settings, stay.
 * @param[out] removed     number of files; may be NULL.
 * @param[out] size_bytes  their size; may be NULL.
 * @return OK, also when there was none; IO (a file cannot be removed: those before it are gone); OUT_OF_MEMORY.
 */
OCLSTM_API oclstm_status oclstm_kernels_clear(size_t *removed, uint64_t *size_bytes, oclstm_error *error);

/**
 * Names the folder of kernels compiled offline, for devices opened afterwards in this process. A device with a compiler falls back on source where
 * the folder lacks a program; one without is usable only while a folder with at least one .bin or .spv is set, and a program that it lacks
 * is BUILD_FAILED with a message that names the program, its options and what to run. Until the first call the environment variable
 * OCLSTM_KERNEL_BINARY names the folder.
 * @param directory  copied; NULL = none, whatever the environment says.
 * @return OK; IO (no such folder: the setting stays as it was); OUT_OF_MEMORY.
 */
OCLSTM_API oclstm_status oclstm_kernels_set_binary_dir(const char *directory, oclstm_error *error);

/** Where the programs of an opened device came from so far. */
typedef struct oclstm_kernel_counts {
    size_t from_source; /**< built by the driver's compiler */
    size_t from_cache;  /**< taken from the disk cache */
    size_t from_folder; /**< compiled offline */
    size_t kept;        /**< of those from source: written to the disk cache */
} oclstm_kernel_counts;

/**
 * Counts where the programs of a device came from.
 * @param[out] note  in words, what could not be used or kept last and was done without ("" for nothing), at most `capacity` bytes with the
 *                   closing zero; may be NULL when capacity is 0.
 * @return OK, INVALID_ARGUMENT (device or out is NULL).
 */
OCLSTM_API oclstm_status oclstm_kernels_count(oclstm_kernel_counts *out, oclstm_device *device, char *note, size_t capacity,
                                              oclstm_error *error);

/** What to export. Zero is the default of every member. */
typedef struct oclstm_kernels_export_params {
    oclstm_device *device;          /**< for this opened device, or */
    const oclstm_device_info *info; /**< for a device as oclstm_device_list() shows it, usable or not; neither: see below */
    const oclstm_tensors *model;    /**< only what one of this model's cells needs there; NULL: all that any cell may need */
    const char *cell;               /**< its name, as for oclstm_cell_load() */
    int64_t batch;                  /**< only for calls with this batch; 0 = any */
    oclstm_engine engine;           /**< only of this engine; AUTO: all that can run there, with a model what is chosen */
    const oclstm_dtype *dtype;      /**< only for this dtype; NULL: all, with a model float32, and float64 where its weights are */
    bool binaries;                  /**< build them on `device`, which must be given, and write what its driver made, too */
} oclstm_kernels_export_params;

/**
 * Writes the programs of a device into a directory, for an offline compiler: for each NAME.cl, the whole text in one file, and NAME.options,
 * what to compile it with; with `binaries` NAME.bin; and index.txt (each NAME with the engine, dtype, files and options) and README.txt (how to compile,
 * and where the result goes). Without a device those are written that any device of OpenCL 1.2 may need, by assumptions that README.txt states. The kernel
 * directory (oclstm_device_set_kernel_dir(), OCLSTM_KERNEL_DIR) is where the sources come from, if one is set.
 *
 * @param[out] count  number of programs; may be NULL.
 * @param directory   made where it is missing. Files of the same names are replaced, others left alone.
 * @return OK; INVALID_ARGUMENT (directory or params is NULL, a negative batch, binaries without a device); NOT_FOUND, FORMAT, UNSUPPORTED (the cell, as
 *         oclstm_cell_load(); an engine or dtype the device cannot run; a driver that gives no binaries); IO; OUT_OF_MEMORY; with binaries also BUILD_FAILED,
 *         OPENCL. Builds nothing without binaries.
 */
OCLSTM_API oclstm_status oclstm_kernels_export(size_t *count, const char *directory, const oclstm_kernels_export_params *params,
                                               oclstm_error *error);

#ifdef __cplusplus
}
#endif
#endif
