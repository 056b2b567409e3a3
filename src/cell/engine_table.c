// SPDX-License-Identifier: Apache-2.0
// The engines there are.
#include <string.h>

#include "base/error.h"
#include "cell/engine.h"

// The portable engine stands first: what comes after it must have a reason to be taken.
static const cell_engine *const engine_table[] = {&engine_portable, &engine_fused, &engine_clblast};
enum { ENGINE_ROWS = sizeof engine_table / sizeof engine_table[0] };

const char *oclstm_engine_name(oclstm_engine id) {
    if (id == OCLSTM_ENGINE_AUTO)
        return "auto";
    const cell_engine *found = engine_get(id);
    return found != NULL ? found->name : "unknown";
}

oclstm_status oclstm_engine_from_name(oclstm_engine *out, const char *name, oclstm_error *error) {
    if (out == NULL || name == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_engine_from_name: out and name must not be NULL");
    *out = OCLSTM_ENGINE_AUTO;
    if (strcmp(name, "auto") == 0)
        return OCLSTM_OK;
    char names[128] = "auto";
    for (size_t row = 0; row < ENGINE_ROWS; row++) {
        if (strcmp(name, engine_table[row]->name) == 0) {
            *out = engine_table[row]->id;
            return OCLSTM_OK;
        }
        base_append(names, sizeof names, ", %s", engine_table[row]->name);
    }
    return base_fail(error, OCLSTM_INVALID_ARGUMENT, "there is no engine '%s'; the engines are %s", name, names);
}

const cell_engine *engine_get(oclstm_engine id) {
    for (size_t row = 0; row < ENGINE_ROWS; row++) {
        if (engine_table[row]->id == id)
            return engine_table[row];
    }
    return NULL;
}

bool engine_can(const cell_engine *engine, const device_limits *limits, oclstm_dtype dtype, char *why, size_t capacity) {
    return device_meets(limits, engine->needs(limits), dtype, why, capacity);
}
