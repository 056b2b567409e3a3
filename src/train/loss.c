// SPDX-License-Identifier: Apache-2.0
#include "train/loss.h"

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/train_sum.h"

enum { LOSS_TERMS, CROSS_PART, CROSS_ROWS, LOSS_KERNELS };
enum { TERMS_PER_ITEM = 8, COLUMNS_PER_PART = 512 };

struct train_losses {
    oclstm_device *device; // not held
    oclstm_dtype dtype;
    cl_kernel kernels[LOSS_KERNELS];
    size_t max_group[LOSS_KERNELS];
    train_sum sum;
};

const char *oclstm_loss_name(oclstm_loss loss) {
    static const char *const names[] = {"mse", "cross-entropy", "bce"};
    return (unsigned)loss < sizeof names / sizeof names[0] ? names[loss] : "unknown";
}

oclstm_status train_losses_create(train_losses **out, oclstm_device *device, oclstm_dtype dtype, oclstm_error *error) {
    static const char *const names[LOSS_KERNELS] = {"train_loss_terms", "train_cross_part", "train_cross_rows"};
    cl_program program = NULL;
    train_losses *losses = base_alloc(1, sizeof *losses);
    *out = NULL;
    if (losses == NULL)
        return base_fail_memory(error, sizeof *losses, "the losses");
    losses->device = device;
    losses->dtype = dtype;
    oclstm_status status =
        device_program_get(&program, device, "train_sum.cl train_loss.cl", device_dtype_options(device, dtype), error);
    for (int i = 0; i < LOSS_KERNELS && status == OCLSTM_OK; i++)
        status = device_kernel_create(&losses->kernels[i], device, program, names[i], &losses->max_group[i], error);
    if (status == OCLSTM_OK)
        status = train_sum_make(&losses->sum, device, dtype, program, error);
    if (status != OCLSTM_OK)
        train_losses_destroy(&losses);
    *out = losses;
    return status;
}

void train_losses_destroy(train_losses **losses) {
    if (losses == NULL || *losses == NULL)
        return;
    for (int i = 0; i < LOSS_KERNELS; i++)
        device_kernel_release(&(*losses)->kernels[i]);
    train_sum_release(&(*losses)->sum);
    free(*losses);
    *losses = NULL;
}

// --- sizes ------------------------------------------------------------------------------------------------------------

static size_t items_of(size_t rows, size_t outputs) { return (rows * outputs + TERMS_PER_ITEM - 1) / TERMS_PER_ITEM; }

static size_t parts_of(size_t outputs) { return (outputs + COLUMNS_PER_PART - 1) / COLUMNS_PER_PART; }

// The rows' losses are summed when what the parts left is no longer needed, so that the sums' scratch memory may lie there.
size_t train_loss_scratch(const train_losses *losses, size_t rows, size_t outputs) {
    (void)losses;
    const size_t items = items_of(rows, outputs), terms = items + train_sum_scratch(items),
                 cross = rows + (2 * rows * parts_of(outputs) > train_sum_scratch(rows) ? 2 * rows * parts_of(outputs)
                                                                                        : train_sum_scratch(rows));
    return terms > cross ? terms : cross;
}

// --- launches ---------------------------------------------------------------------------------------------------------

// What several kernels take, as they take it. Absent buffers are not looked at; the scratch memory stands for them.
typedef struct loss_args {
    cl_mem z, dz, target, lengths, scratch;
    cl_uint z_offset, dz_offset, batch, rows, outputs, per, parts;
    cl_int has_dz, has_lengths;
    train_real share;
} loss_args;

static loss_args make_args(const train_losses *losses, const train_loss_call *call, cl_mem scratch) {
    return (loss_args){
        .z = call->z.mem,
        .dz = call->dz.mem != NULL ? call->dz.mem : scratch,
        .target = call->target,
        .lengths = call->lengths != NULL ? call->lengths : scratch,
        .scratch = scratch,
        .z_offset = (cl_uint)call->z.offset,
        .dz_offset = (cl_uint)call->dz.offset,
        .batch = (cl_uint)call->batch,
        .rows = (cl_uint)(call->steps * call->batch),
        .outputs = (cl_uint)call->outputs,
        .per = COLUMNS_PER_PART,
        .parts = (cl_uint)parts_of(call->outputs),
        .has_dz = call->dz.mem != NULL,
        .has_lengths = call->lengths != NULL,
        .share = train_real_of(losses->dtype, 1.0 / (double)call->counted),
    };
}

static oclstm_status launch(const train_losses *losses, int which, size_t count0, size_t count1, oclstm_error *error) {
    const device_grid grid = device_grid_make(losses->device, losses->max_group[which], TRAIN_LOCAL, count0, count1, 1);
    return device_launch(losses->device, losses->kernels[which], &grid, error);
}

static oclstm_status enqueue_terms(const train_losses *losses, const loss_args *a, bool binary, oclstm_error *error) {
    const cl_uint count = a->rows * a->outputs, items = (cl_uint)items_of(a->rows, a->outputs);
    const cl_int kind = binary;
    oclstm_status status = device_set_args(
        losses->device, losses->kernels[LOSS_TERMS], 0, error, DEVICE_ARG(a->z), DEVICE_ARG(a->z_offset), DEVICE_ARG(a->dz),
        DEVICE_ARG(a->dz_offset), DEVICE_ARG(a->has_dz), DEVICE_ARG(a->target), DEVICE_ARG(a->lengths), DEVICE_ARG(a->has_lengths),
        DEVICE_ARG(a->batch), DEVICE_ARG(a->outputs), DEVICE_ARG(count), DEVICE_ARG(items), DEVICE_ARG(kind),
        TRAIN_REAL_ARG(a->share), DEVICE_ARG(a->scratch), (size_t)0);
    return status == OCLSTM_OK ? launch(losses, LOSS_TERMS, items, 1, error) : status;
}

static oclstm_status enqueue_cross(const train_losses *losses, const loss_args *a, oclstm_error *error) {
    oclstm_status status =
        device_set_args(losses->device, losses->kernels[CROSS_PART], 0, error, DEVICE_ARG(a->z), DEVICE_ARG(a->z_offset),
                        DEVICE_ARG(a->dz), DEVICE_ARG(a->dz_offset), DEVICE_ARG(a->has_dz), DEVICE_ARG(a->target),
                        DEVICE_ARG(a->lengths), DEVICE_ARG(a->has_lengths), DEVICE_ARG(a->batch), DEVICE_ARG(a->rows),
                        DEVICE_ARG(a->outputs), DEVICE_ARG(a->per), DEVICE_ARG(a->parts), DEVICE_ARG(a->scratch), (size_t)0);
    if (status == OCLSTM_OK)
        status = launch(losses, CROSS_PART, a->rows, a->parts, error);
    if (status == OCLSTM_OK)
        status = device_set_args(losses->device, losses->kernels[CROSS_ROWS], 0, error, DEVICE_ARG(a->dz), DEVICE_ARG(a->dz_offset),
                                 DEVICE_ARG(a->has_dz), DEVICE_ARG(a->target), DEVICE_ARG(a->lengths), DEVICE_ARG(a->has_lengths),
                                 DEVICE_ARG(a->batch), DEVICE_ARG(a->rows), DEVICE_ARG(a->outputs), DEVICE_ARG(a->per),
                                 DEVICE_ARG(a->parts), TRAIN_REAL_ARG(a->share), DEVICE_ARG(a->scratch), (size_t)0);
    return status == OCLSTM_OK ? launch(losses, CROSS_ROWS, a->rows, a->parts, error) : status;
}

oclstm_status train_loss_enqueue(train_losses *losses, const train_loss_call *call, cl_mem scratch, oclstm_error *error) {
    // The kernels count elements in 32 bits, work-items beyond the last and scratch memory included.
    const size_t most = (size_t)1 << 30, rows = call->steps * call->batch;
    if (call->z.offset > most || call->dz.offset > most || rows > most / call->outputs)
        return base_fail(
            error, OCLSTM_UNSUPPORTED,
            "a loss over %zu rows of %zu outputs: at most %zu elements can be counted; use a smaller batch or fewer steps", rows,
            call->outputs, most);
    const loss_args args = make_args(losses, call, scratch);
    const bool cross = call->kind == OCLSTM_LOSS_CROSS_ENTROPY;
    oclstm_status status =
        cross ? enqueue_cross(losses, &args, error) : enqueue_terms(losses, &args, call->kind == OCLSTM_LOSS_BCE, error);
    if (status != OCLSTM_OK)
        return status;
    return train_sum_enqueue(&losses->sum, scratch, cross ? rows : items_of(rows, call->outputs), (double)call->counted, false,
                             call->loss, error);
}
