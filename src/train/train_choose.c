// SPDX-License-Identifier: Apache-2.0
// Which engine trains on a device, by a stated rule: on a CPU the fused kernels, elsewhere CLBlast, where those cannot run the portable kernels.
#include "base/error.h"
#include "train/train_engine.h"

static const train_engine *const train_engine_table[] = {&train_engine_portable, &train_engine_fused, &train_engine_clblast};

static bool can(const train_engine *engine, const device_limits *limits, oclstm_dtype dtype, char *why, size_t capacity) {
    return device_meets(limits, engine->needs(limits), dtype, why, capacity);
}

static oclstm_status choose_forced(const train_engine **out, const device_limits *limits, oclstm_dtype dtype, oclstm_engine asked,
                                   oclstm_error *error) {
    char why[256] = "";
    for (size_t i = 0; i < sizeof train_engine_table / sizeof train_engine_table[0]; i++) {
        if (train_engine_table[i]->id != asked)
            continue;
        *out = train_engine_table[i];
        if (can(*out, limits, dtype, why, sizeof why))
            return OCLSTM_OK;
        return base_fail(error, OCLSTM_UNSUPPORTED, "engine %s cannot train on %s: %s; use engine auto or portable", (*out)->name,
                         limits->name, why);
    }
    return base_fail(error, OCLSTM_INVALID_ARGUMENT, "there is no engine with the number %d", (int)asked);
}

oclstm_status train_engine_choose(const train_engine **out, const oclstm_device *device, oclstm_dtype dtype, oclstm_engine asked,
                                  oclstm_error *error) {
    const device_limits *limits = device_get_limits(device);
    if (asked != OCLSTM_ENGINE_AUTO)
        return choose_forced(out, limits, dtype, asked, error);
    const oclstm_engine order[] = {limits->kind == OCLSTM_DEVICE_CPU ? OCLSTM_ENGINE_FUSED : OCLSTM_ENGINE_CLBLAST,
                                   OCLSTM_ENGINE_PORTABLE};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (choose_forced(out, limits, dtype, order[i], error) == OCLSTM_OK)
            return OCLSTM_OK;
    }
    return choose_forced(out, limits, dtype, OCLSTM_ENGINE_PORTABLE, error);
}
