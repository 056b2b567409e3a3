// SPDX-License-Identifier: Apache-2.0
#include "train/optimizer.h"

#include <math.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "train/train_sum.h"

enum { OPTIMIZER_SQUARES, OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_KERNELS };
enum { VECTOR = 8, VECTORS_PER_PART = 64, MOST_PARTS = 4096 };

struct train_optimizer {
    oclstm_device *device; // not held
    oclstm_dtype dtype;
    cl_kernel kernels[OPTIMIZER_KERNELS];
    size_t max_group[OPTIMIZER_KERNELS];
    train_sum sum;
    size_t flat;
    cl_mem first, second, scratch;
};

// --- sizes ------------------------------------------------------------------------------------------------------------

static bool takes_first(oclstm_optimizer kind, bool has_momentum) { return kind != OCLSTM_OPTIMIZER_SGD || has_momentum; }

static size_t parts_of(size_t flat) {
    const size_t parts = (flat / VECTOR + VECTORS_PER_PART - 1) / VECTORS_PER_PART;
    return parts < MOST_PARTS ? parts : MOST_PARTS;
}

static size_t scratch_of(size_t flat) { return parts_of(flat) + train_sum_scratch(parts_of(flat)); }

uint64_t train_optimizer_bytes(oclstm_dtype dtype, oclstm_optimizer kind, bool has_momentum, size_t flat) {
    const uint64_t moments = kind != OCLSTM_OPTIMIZER_SGD ? 2 : has_momentum;
    return (moments * flat + scratch_of(flat)) * oclstm_dtype_size_bytes(dtype);
}

// --- life -------------------------------------------------------------------------------------------------------------

static oclstm_status make_kernels(train_optimizer *optimizer, oclstm_error *error) {
    static const char *const names[OPTIMIZER_KERNELS] = {"train_squares", "train_sgd", "train_adam"};
    oclstm_device *device = optimizer->device;
    cl_program program = NULL;
    oclstm_status status = device_program_get(&program, device, "train_sum.cl train_optimizer.cl",
                                              device_dtype_options(device, optimizer->dtype), error);
    for (int i = 0; i < OPTIMIZER_KERNELS && status == OCLSTM_OK; i++)
        status = device_kernel_create(&optimizer->kernels[i], device, program, names[i], &optimizer->max_group[i], error);
    return status == OCLSTM_OK ? train_sum_make(&optimizer->sum, device, optimizer->dtype, program, error) : status;
}

static oclstm_status make_moment(cl_mem *out, const train_optimizer *optimizer, const char *what, oclstm_error *error) {
    const size_t size_bytes = optimizer->flat * oclstm_dtype_size_bytes(optimizer->dtype);
    oclstm_status status = device_buffer_create(out, optimizer->device, CL_MEM_READ_WRITE, size_bytes, what, error);
    return status == OCLSTM_OK ? device_fill_zero(optimizer->device, *out, 0, size_bytes, error) : status;
}

oclstm_status train_optimizer_create(train_optimizer **out, oclstm_device *device, oclstm_dtype dtype, oclstm_optimizer kind,
                                     bool has_momentum, size_t flat, oclstm_error *error) {
    *out = NULL;
    if (flat / VECTOR > INT32_MAX)
        return base_fail(error, OCLSTM_UNSUPPORTED, "a network of %zu weights: at most %zu can be trained", flat,
                         (size_t)INT32_MAX * VECTOR);
    train_optimizer *optimizer = base_alloc(1, sizeof *optimizer);
    if (optimizer == NULL)
        return base_fail_memory(error, sizeof *optimizer, "the optimizer");
    *optimizer = (train_optimizer){.device = device, .dtype = dtype, .flat = flat};
    oclstm_status status = make_kernels(optimizer, error);
    if (status == OCLSTM_OK)
        status = device_buffer_create(&optimizer->scratch, device, CL_MEM_READ_WRITE,
                                      scratch_of(flat) * oclstm_dtype_size_bytes(dtype), "the sums of the gradients' norm", error);
    if (status == OCLSTM_OK && takes_first(kind, has_momentum))
        status = make_moment(&optimizer->first, optimizer, "the optimizer's first moments", error);
    if (status == OCLSTM_OK && kind != OCLSTM_OPTIMIZER_SGD)
        status = make_moment(&optimizer->second, optimizer, "the optimizer's second moments", error);
    if (status == OCLSTM_OK)
        status = device_finish(device, error);
    if (status != OCLSTM_OK)
        train_optimizer_destroy(&optimizer);
    *out = optimizer;
    return status;
}

void train_optimizer_destroy(train_optimizer **optimizer) {
    if (optimizer == NULL || *optimizer == NULL)
        return;
    train_optimizer *o = *optimizer;
    for (int i = 0; i < OPTIMIZER_KERNELS; i++)
        device_kernel_release(&o->kernels[i]);
    train_sum_release(&o->sum);
    device_buffer_release(o->device, &o->first);
    device_buffer_release(o->device, &o->second);
    device_buffer_release(o->device, &o->scratch);
    free(o);
    *optimizer = NULL;
}

cl_mem train_optimizer_first(const train_optimizer *optimizer) { return optimizer->first; }

cl_mem train_optimizer_second(const train_optimizer *optimizer) { return optimizer->second; }

// --- a step -----------------------------------------------------------------------------------------------------------

static oclstm_status launch(const train_optimizer *o, int which, size_t count, oclstm_error *error) {
    const device_grid grid = device_grid_make(o->device, o->max_group[which], TRAIN_LOCAL, count, 1, 1);
    return device_launch(o->device, o->kernels[which], &grid, error);
}

static oclstm_status enqueue_norm(const train_optimizer *o, cl_mem gradients, train_matrix norm, oclstm_error *error) {
    const cl_uint vectors = (cl_uint)(o->flat / VECTOR), parts = (cl_uint)parts_of(o->flat);
    oclstm_status status = device_set_args(o->device, o->kernels[OPTIMIZER_SQUARES], 0, error, DEVICE_ARG(gradients),
                                           DEVICE_ARG(vectors), DEVICE_ARG(parts), DEVICE_ARG(o->scratch), (size_t)0);
    if (status == OCLSTM_OK)
        status = launch(o, OPTIMIZER_SQUARES, parts, error);
    return status == OCLSTM_OK ? train_sum_enqueue(&o->sum, o->scratch, parts, 1, true, norm, error) : status;
}

// What both steps take. An absent buffer is not looked at; the gradients stand for it.
typedef struct step_args {
    cl_mem weights, gradients, first, loss, norm;
    cl_uint vectors, loss_offset, norm_offset;
    cl_int has_first, has_loss;
    train_real clip, decay;
} step_args;

static oclstm_status enqueue_sgd(const train_optimizer *o, const step_args *a, const oclstm_optimizer_params *params, int64_t step,
                                 oclstm_error *error) {
    const bool begins = step <= 1; // b = g
    const train_real lr = train_real_of(o->dtype, oclstm_optimizer_rate(params, step)),
                     keep = train_real_of(o->dtype, begins ? 0 : params->momentum),
                     add = train_real_of(o->dtype, begins ? 1 : 1 - params->dampening),
                     momentum = train_real_of(o->dtype, params->momentum);
    const cl_int nesterov = params->nesterov;
    oclstm_status status = device_set_args(
        o->device, o->kernels[OPTIMIZER_SGD], 0, error, DEVICE_ARG(a->weights), DEVICE_ARG(a->gradients), DEVICE_ARG(a->first),
        DEVICE_ARG(a->has_first), DEVICE_ARG(a->vectors), DEVICE_ARG(a->loss), DEVICE_ARG(a->loss_offset), DEVICE_ARG(a->has_loss),
        DEVICE_ARG(a->norm), DEVICE_ARG(a->norm_offset), TRAIN_REAL_ARG(a->clip), TRAIN_REAL_ARG(lr), TRAIN_REAL_ARG(a->decay),
        TRAIN_REAL_ARG(keep), TRAIN_REAL_ARG(add), DEVICE_ARG(nesterov), TRAIN_REAL_ARG(momentum), (size_t)0);
    return status == OCLSTM_OK ? launch(o, OPTIMIZER_SGD, a->vectors, error) : status;
}

static oclstm_status enqueue_adam(const train_optimizer *o, const step_args *a, const oclstm_optimizer_params *params, int64_t step,
                                  oclstm_error *error) {
    const bool decoupled = params->kind == OCLSTM_OPTIMIZER_ADAMW;
    const double lr = oclstm_optimizer_rate(params, step), n = (double)step;
    const train_real rate = train_real_of(o->dtype, lr / (1 - pow(params->beta1, n))),
                     decay = train_real_of(o->dtype, decoupled ? 0 : params->weight_decay),
                     shrink = train_real_of(o->dtype, decoupled ? 1 - lr * params->weight_decay : 1),
                     lerp = train_real_of(o->dtype, 1 - params->beta1), beta1 = train_real_of(o->dtype, params->beta1),
                     beta2 = train_real_of(o->dtype, params->beta2), add2 = train_real_of(o->dtype, 1 - params->beta2),
                     root = train_real_of(o->dtype, sqrt(1 - pow(params->beta2, n))), eps = train_real_of(o->dtype, params->eps);
    oclstm_status status = device_set_args(
        o->device, o->kernels[OPTIMIZER_ADAM], 0, error, DEVICE_ARG(a->weights), DEVICE_ARG(a->gradients), DEVICE_ARG(a->first),
        DEVICE_ARG(o->second), DEVICE_ARG(a->vectors), DEVICE_ARG(a->loss), DEVICE_ARG(a->loss_offset), DEVICE_ARG(a->has_loss),
        DEVICE_ARG(a->norm), DEVICE_ARG(a->norm_offset), TRAIN_REAL_ARG(a->clip), TRAIN_REAL_ARG(rate), TRAIN_REAL_ARG(decay),
        TRAIN_REAL_ARG(shrink), TRAIN_REAL_ARG(lerp), TRAIN_REAL_ARG(beta1), TRAIN_REAL_ARG(beta2), TRAIN_REAL_ARG(add2),
        TRAIN_REAL_ARG(root), TRAIN_REAL_ARG(eps), (size_t)0);
    return status == OCLSTM_OK ? launch(o, OPTIMIZER_ADAM, a->vectors, error) : status;
}

oclstm_status train_optimizer_enqueue(train_optimizer *optimizer, const oclstm_optimizer_params *params, int64_t step,
                                      cl_mem weights, cl_mem gradients, train_matrix loss, train_matrix norm, oclstm_error *error) {
    const step_args args = {
        .weights = weights,
        .gradients = gradients,
        .first = optimizer->first != NULL ? optimizer->first : gradients,
        .loss = loss.mem != NULL ? loss.mem : norm.mem,
        .norm = norm.mem,
        .vectors = (cl_uint)(optimizer->flat / VECTOR),
        .loss_offset = (cl_uint)loss.offset,
        .norm_offset = (cl_uint)norm.offset,
        .has_first = optimizer->first != NULL,
        .has_loss = loss.mem != NULL,
        .clip = train_real_of(optimizer->dtype, params->clip_norm),
        .decay = train_real_of(optimizer->dtype, params->weight_decay),
    };
    oclstm_status status = enqueue_norm(optimizer, gradients, norm, error);
    if (status != OCLSTM_OK)
        return status;
    return params->kind == OCLSTM_OPTIMIZER_SGD ? enqueue_sgd(optimizer, &args, params, step, error)
                                                : enqueue_adam(optimizer, &args, params, step, error);
}
