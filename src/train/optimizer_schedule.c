// SPDX-License-Identifier: Apache-2.0
// Learning rates. A step's rate is computed from its number alone, so that nothing is to be remembered between steps.
#include <math.h>

#include <oclstm/train.h>

const char *oclstm_schedule_name(oclstm_schedule schedule) {
    static const char *const names[] = {"constant", "step", "cosine"};
    return (unsigned)schedule < sizeof names / sizeof names[0] ? names[schedule] : "unknown";
}

double oclstm_optimizer_rate(const oclstm_optimizer_params *params, int64_t step) {
    static const double pi = 3.14159265358979323846;
    if (params == NULL)
        return 0;
    const double lr = params->lr;
    if (step < 1)
        step = 1;
    if (step <= params->warmup_steps)
        return lr * ((double)step / (double)params->warmup_steps);
    const int64_t done = step - 1 - (params->warmup_steps > 0 ? params->warmup_steps : 0),
                  length = params->schedule_steps > 0 ? params->schedule_steps : 1;
    switch (params->schedule) {
    case OCLSTM_SCHEDULE_STEP:
        return lr * pow(params->gamma, (double)(done / length));
    case OCLSTM_SCHEDULE_COSINE:
        if (done >= length)
            return params->min_lr;
        return params->min_lr + (lr - params->min_lr) * (1 + cos(pi * (double)done / (double)length)) / 2;
    default:
        return lr;
    }
}
