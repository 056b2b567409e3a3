// SPDX-License-Identifier: Apache-2.0
/**
 * @file group.h
 * One cell on several devices at once: the rows of a batch are divided among them, in proportion to how fast each proves to be.
 *
 *     oclstm_devices_open(&devices, &count, "gpu,cpu", &error);
 *     oclstm_group_create(&group, devices, count, OCLSTM_CELL(.input_size = 10, .hidden_size = 16), &error);
 *     oclstm_group_sequence(group, &sequence, &error);          as oclstm_cell_sequence()
 *
 * Rows of a batch do not depend on each other, so nothing is exchanged between devices: each holds all weights and computes its rows over all steps. A
 * call whose batch is too small to be divided, or that one device does faster alone, runs on one.
 *
 * Numerics. Between devices of one kind, driver and tuned settings the results do not depend on how rows are divided: they are, bit by bit,
 * those of the group's first device alone (oclstm_cell_step(), oclstm_cell_sequence()). This holds for the engines portable and fused in
 * every dtype; CLBlast's kernels depend on the size, so that with clblast, and between devices of different kinds or drivers, results
 * agree within rounding.
 *
 * Which rows go where. The first call for a batch and number of steps measures all devices at the same time, after kernels are built and
 * weights packed; that takes some 20 ms beyond. Every later call corrects the speeds by a running mean, and rows move where that gains.
 *
 * Failure. A device whose call fails, for whatever reason but a wrong argument, is taken out of the group for good, and the others do its
 * rows in the same call, which succeeds; oclstm_group_next_warning() says so. Where none is left the call fails.
 *
 * Thread-safety: a group is used by one thread at a time; different groups may run in different threads. A group has a thread of its own for each
 * device while it exists. After fork() the child cannot use it and may only destroy it, which frees host memory.
 */
#ifndef OCLSTM_GROUP_H
#define OCLSTM_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oclstm/cell.h>
#include <oclstm/device.h>
#include <oclstm/status.h>
#include <oclstm/tensors.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A cell on several devices. */
typedef struct oclstm_group oclstm_group;

/** The most devices of a group. */
#define OCLSTM_GROUP_MOST 64

/**
 * Opens several devices.
 *
 * @param[out] out    an array allocated here, of *count opened devices, owned by the caller: oclstm_devices_close(). NULL on failure.
 * @param selectors   selectors in the grammar of oclstm_device_open() with commas between: "0,1", "gpu,cpu", "cpu/0,cpu/1". One alone is a list of
 *                    one; NULL and "" are "auto". Blanks around a selector are left out.
 * @return as oclstm_device_open() for each; INVALID_ARGUMENT also for an empty place between commas, more than OCLSTM_GROUP_MOST, and a device
 *         that is named twice (two parts of one device are two).
 */
OCLSTM_API oclstm_status oclstm_devices_open(oclstm_device ***out, size_t *count, const char *selectors, oclstm_error *error);

/** Closes each device, frees the array and sets the pointer to NULL. Accepts NULL and a pointer to NULL. */
OCLSTM_API void oclstm_devices_close(oclstm_device ***devices, size_t count);

/**
 * Creates a cell on each of several devices.
 *
 * @param[out] out  the group, owned by the caller: oclstm_group_destroy(). NULL on failure. It holds the devices.
 * @param devices   `count` devices, 1 to OCLSTM_GROUP_MOST. One that stands there twice counts as two. The array is not kept.
 * @param params    as for oclstm_cell_create(); fresh weights are the same on every device. A forced engine must run on each.
 * @return as oclstm_cell_create(), for the first device that cannot. Waits for the uploads.
 */
OCLSTM_API oclstm_status oclstm_group_create(oclstm_group **out, oclstm_device *const *devices, size_t count,
                                             const oclstm_cell_params *params, oclstm_error *error);

/** Creates a group from a model file: see oclstm_cell_load() for file, name and params, oclstm_group_create() for the rest. */
OCLSTM_API oclstm_status oclstm_group_load(oclstm_group **out, oclstm_device *const *devices, size_t count,
                                           const oclstm_tensors *file, const char *name, const oclstm_cell_params *params,
                                           oclstm_error *error);

/** Destroys a group, ends its threads and sets the pointer to NULL. Accepts NULL and a pointer to NULL. */
OCLSTM_API void oclstm_group_destroy(oclstm_group **group);

/** Sizes and options of the group's cell, as oclstm_cell_get_params(). */
OCLSTM_API oclstm_cell_params oclstm_group_get_params(const oclstm_group *group);

/**
 * Applies the cell once, from and to host arrays, as oclstm_cell_step() with the same arrays and the same errors. `state` must be NULL: the
 * rows of a device may change from call to call, so a state is handed from one call to the next as h and c.
 *
 * @return as oclstm_cell_step(); OPENCL and its kind only where no device is left, with a message that names each and what happened to
 *         it; NO_DEVICE from then on. Waits until all rows are there. On failure h_out and c_out are untouched, also where they are the
 *         memory of h and c.
 */
OCLSTM_API oclstm_status oclstm_group_step(oclstm_group *group, const oclstm_step *step, oclstm_error *error);

/**
 * Applies the cell to a whole sequence, from and to host arrays, as oclstm_cell_sequence(), in the same order of steps and batch.
 * @return as oclstm_group_step(). On failure y is unspecified; h_out and c_out are untouched. With the batch in the second place each device's
 *         rows of x and y are copied, a slice of steps at a time.
 */
OCLSTM_API oclstm_status oclstm_group_sequence(oclstm_group *group, const oclstm_sequence *sequence, oclstm_error *error);

/** What one device did in the last call. */
typedef struct oclstm_share {
    const oclstm_device_info *device; /**< valid as long as the group or the device */
    int64_t rows;                     /**< of the batch; 0 where it had none */
    double seconds;                   /**< that they took, its transfers included */
    double rows_per_second;           /**< rows x steps a second, the mean that decides the next division; 0 = not known */
    oclstm_engine engine;             /**< of its last call; AUTO before the first */
    bool is_out;                      /**< taken out of the group */
    char reason[1024];                /**< why; empty otherwise */
} oclstm_share;

/** The share of a device in the last call. @return OK, or INVALID_ARGUMENT for an index beyond the group's devices. */
OCLSTM_API oclstm_status oclstm_group_get_share(const oclstm_group *group, size_t index, oclstm_share *out, oclstm_error *error);

/**
 * Hands out what the caller should hear of, each once: that a device failed, why, and who did its rows.
 * @param[out] text  at most `capacity` bytes with the closing zero; cut where it does not fit.
 * @return true with a warning in text, false when there is none.
 */
OCLSTM_API bool oclstm_group_next_warning(oclstm_group *group, char *text, size_t capacity);

/** Says which engine a device uses for a call with this batch and number of steps, as oclstm_cell_explain(). */
OCLSTM_API oclstm_status oclstm_group_explain(oclstm_group *group, size_t index, int64_t batch, int64_t steps, char *text,
                                              size_t capacity, oclstm_error *error);

#ifdef __cplusplus
}
#endif
#endif
