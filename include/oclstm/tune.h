// SPDX-License-Identifier: Apache-2.0
/**
 * @file tune.h
 * Tuning: search, by measurement on one device, the fastest engine and its parameters for given shapes.
 *
 * What was found is kept in a plain-text file in the cache folder ($OCLSTM_CACHE_DIR, else $XDG_CACHE_HOME/oclstm, else ~/.cache/oclstm), one for each platform,
 * device, driver and version of the library, and is used by every process that opens the device afterwards. The file is written after each finding, whole or not at
 * all, so a search may be stopped or killed at any moment; the next one goes on where it ended.
 *
 * Thread-safety: a device that is being tuned is used by no other thread, and no other opened device of the same hardware runs the clblast
 * engine in this process meanwhile: CLBlast keeps its parameters for the process. oclstm_tune_path() may be called at any time. Several
 * processes may tune at once; each writes its file whole, and the last one stays. fork(): see device.h.
 */
#ifndef OCLSTM_TUNE_H
#define OCLSTM_TUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oclstm/array.h>
#include <oclstm/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A shape to tune for. Each at least 1. */
typedef struct oclstm_tune_shape {
    int64_t batch;
    int64_t input_size;
    int64_t hidden_size;
    int64_t steps;
} oclstm_tune_shape;

/** Where a search stands. Pointers are valid during the call. */
typedef struct oclstm_tune_progress {
    double elapsed_seconds;
    double budget_seconds;
    size_t tried;        /**< candidates tried so far, those of earlier, interrupted searches included */
    size_t total;        /**< candidates in all */
    const char *stage;   /**< what is being searched: "fused tile", "shape 1,64,64", "CLBlast Xgemm float32" ... */
    const char *best;    /**< the best so far in this stage, in words; empty at its begin */
    double best_speedup; /**< of it, over the settings before the search; 1 where nothing better was found yet */
} oclstm_tune_progress;

/** Called before each candidate and at the end of each stage. Returning false ends the search; what was found is kept. */
typedef bool (*oclstm_tune_report)(const oclstm_tune_progress *progress, void *user);

/** What to search. Zero is the default of every member. */
typedef struct oclstm_tune_params {
    const oclstm_tune_shape *shapes; /**< NULL: a default set, from single rows to large batches */
    size_t shape_count;
    oclstm_dtype dtype; /**< F32 (default), by which cells of F16 and BF16 go, too; or F64 */
    double
        budget_seconds; /**< 0: 300 seconds. A candidate under way is finished, one that CLBlast has to compile may take a minute */
    bool restart;       /**< forget what earlier searches found and tried */
    oclstm_tune_report report; /**< may be NULL */
    void *user;                /**< handed to report */
} oclstm_tune_params;

/**
 * Searches. Each candidate's results are held to a reference in double precision before it may win; one that does not compile, run or agree is passed over. One that
 * seems to win is timed in turn with the best before it. On success the opened device uses what was found.
 *
 * CLBlast keeps parameters for the process and has no way back: where it knows the device and nothing better was found, products in this process are afterwards made
 * with what it gives unknown devices. A new process has its own again.
 *
 * @return OK, also when the budget ended or report() stopped it; INVALID_ARGUMENT (a shape below 1 or with weights, x or y of more than 2^31 elements, a budget that is negative
 *         or no number, a dtype that is neither F32 nor F64); UNSUPPORTED (F64 on a device without); IO (no place to keep the result: said before anything is tried; or
 *         it could not be written later: found settings then hold for the opened device only); OUT_OF_MEMORY, OUT_OF_DEVICE_MEMORY, BUILD_FAILED, OPENCL (the device fails
 *         with every candidate). Waits.
 */
OCLSTM_API oclstm_status oclstm_tune(oclstm_device *device, const oclstm_tune_params *params, oclstm_error *error);

/**
 * The path of the file for this device.
 * @param[out] path  at most `capacity` bytes with the closing zero.
 * @return OK; IO when there is no folder to keep it in (OCLSTM_CACHE_DIR is empty, or no home folder).
 */
OCLSTM_API oclstm_status oclstm_tune_path(const oclstm_device *device, char *path, size_t capacity, oclstm_error *error);

#ifdef __cplusplus
}
#endif
#endif
