// SPDX-License-Identifier: Apache-2.0
// Optimizers' names, defaults and what they allow.
#include <inttypes.h>
#include <math.h>

#include "base/error.h"
#include "train/optimizer.h"

static const char *const names[] = {"sgd", "adam", "adamw"};
enum { KINDS = sizeof names / sizeof names[0] };

const char *oclstm_optimizer_name(oclstm_optimizer optimizer) { return (unsigned)optimizer < KINDS ? names[optimizer] : "unknown"; }

oclstm_optimizer_params oclstm_optimizer_defaults(oclstm_optimizer kind) {
    oclstm_optimizer_params params = {.kind = kind, .lr = 1e-3, .gamma = 0.1};
    if (kind != OCLSTM_OPTIMIZER_SGD) {
        params.beta1 = 0.9;
        params.beta2 = 0.999;
        params.eps = 1e-8;
    }
    if (kind == OCLSTM_OPTIMIZER_ADAMW)
        params.weight_decay = 0.01;
    return params;
}

// A number of the settings and what it may be: finite, from 0 on, below `below` where that is not 0.
typedef struct setting {
    const char *name;
    double value, below;
} setting;

static oclstm_status check_numbers(const oclstm_optimizer_params *p, oclstm_error *error) {
    const setting settings[] = {
        {"the learning rate", p->lr, 0},
        {"momentum", p->momentum, 0},
        {"beta1", p->beta1, 1},
        {"beta2", p->beta2, 1},
        {"eps", p->eps, 0},
        {"weight decay", p->weight_decay, 0},
        {"the norm to clip at", p->clip_norm, 0},
        {"gamma", p->gamma, 0},
        {"the least learning rate", p->min_lr, 0},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        const setting *s = &settings[i];
        if (s->below > 0 && !(s->value >= 0 && s->value < s->below))
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s of an optimizer must be from 0 to below %g, found %g", s->name,
                             s->below, s->value);
        if (!(s->value >= 0 && isfinite(s->value)))
            return base_fail(error, OCLSTM_INVALID_ARGUMENT, "%s of an optimizer must be a finite number from 0 on, found %g",
                             s->name, s->value);
    }
    if (!isfinite(p->dampening))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "dampening of an optimizer must be a finite number, found %g",
                         p->dampening);
    return OCLSTM_OK;
}

oclstm_status train_optimizer_check(const oclstm_optimizer_params *params, oclstm_error *error) {
    if ((unsigned)params->kind >= KINDS)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "there is no optimizer %d: sgd is %d, adam %d, adamw %d",
                         (int)params->kind, OCLSTM_OPTIMIZER_SGD, OCLSTM_OPTIMIZER_ADAM, OCLSTM_OPTIMIZER_ADAMW);
    if ((unsigned)params->schedule > OCLSTM_SCHEDULE_COSINE)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "there is no schedule %d: constant is %d, step %d, cosine %d",
                         (int)params->schedule, OCLSTM_SCHEDULE_CONSTANT, OCLSTM_SCHEDULE_STEP, OCLSTM_SCHEDULE_COSINE);
    oclstm_status status = check_numbers(params, error);
    if (status != OCLSTM_OK)
        return status;
    if (params->kind == OCLSTM_OPTIMIZER_SGD && params->nesterov && !(params->momentum > 0 && params->dampening == 0))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "Nesterov's form of sgd needs momentum over 0 and no dampening, found momentum %g, dampening %g",
                         params->momentum, params->dampening);
    if (params->schedule != OCLSTM_SCHEDULE_CONSTANT && params->schedule_steps < 1)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the schedule \"%s\" needs at least 1 step, found %" PRId64,
                         oclstm_schedule_name(params->schedule), params->schedule_steps);
    if (params->warmup_steps < 0)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the steps of the warm-up must be 0 or more, found %" PRId64,
                         params->warmup_steps);
    return OCLSTM_OK;
}
