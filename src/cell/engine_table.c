// SPDX-License-Identifier: Apache-2.0
// The engines there are, and the rule by which `auto` picks one.
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "cell/cell_private.h"
#include "device/tuned.h"

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

// CLBlast pays where its tiles are filled; below that its launches and copies cost more than the product.
static const size_t clblast_min_batch = 16, clblast_min_size = 64;

static bool is_worth_clblast(const oclstm_cell *cell, size_t batch) {
    return batch >= clblast_min_batch && (cell->hidden >= clblast_min_size || cell->input >= clblast_min_size);
}

// The engine that tuning found fastest near this shape, if it can run here.
static const cell_engine *tuned_engine(const oclstm_cell *cell, size_t batch) {
    char why[256];
    const tuned_shape *shape =
        tuned_find_shape(device_get_tuned(cell->device), cell->params.dtype, batch, cell->input, cell->hidden);
    for (size_t row = 0; row < ENGINE_ROWS && shape != NULL; row++) {
        if (strcmp(engine_table[row]->name, shape->engine) == 0 &&
            engine_can(engine_table[row], device_get_limits(cell->device), cell->params.dtype, why, sizeof why))
            return engine_table[row];
    }
    return NULL;
}

// The stated rule, in words.
static const cell_engine *engine_by_rule(const oclstm_cell *cell, size_t batch, char *reason, size_t capacity) {
    char why[256] = "";
    const device_limits *limits = device_get_limits(cell->device);
    const oclstm_dtype dtype = cell->params.dtype;
    const bool is_cpu = limits->kind == OCLSTM_DEVICE_CPU, is_worth = is_worth_clblast(cell, batch);
    const bool fits_fused = engine_can(&engine_fused, limits, dtype, why, sizeof why);
    if (is_cpu && fits_fused) {
        base_append(reason, capacity, "auto: on a CPU the fused kernels are ahead at every shape measured");
        return &engine_fused;
    }
    if (is_worth && engine_can(&engine_clblast, limits, dtype, why, sizeof why)) {
        base_append(reason, capacity, "auto: batch %zu with input %zu and hidden %zu fills CLBlast's tiles", batch, cell->input,
                    cell->hidden);
        return &engine_clblast;
    }
    if (is_worth)
        base_append(reason, capacity, "auto: CLBlast cannot run here: %s", why);
    else
        base_append(reason, capacity,
                    "auto: below batch %zu, or with input and hidden below %zu, products are too small for CLBlast",
                    clblast_min_batch, clblast_min_size);
    if (fits_fused)
        return &engine_fused;
    base_append(reason, capacity, "; the fused engine: %s", why);
    return &engine_portable;
}

oclstm_status engine_choose(const cell_engine **out, const oclstm_cell *cell, size_t batch, size_t steps, char *text,
                            size_t capacity, oclstm_error *error) {
    char why[256] = "", words[768] = "";
    // Words cost more than a small launch: they are made only where somebody reads them.
    char *const reason = text != NULL ? words : NULL;
    const device_limits *limits = device_get_limits(cell->device);
    const cell_engine *chosen = engine_get(cell->params.engine);
    if (chosen != NULL) {
        if (!engine_can(chosen, limits, cell->params.dtype, why, sizeof why))
            return base_fail(error, OCLSTM_UNSUPPORTED, "the engine '%s' cannot run on %s: %s; use --engine auto or portable",
                             chosen->name, limits->name, why);
        base_append(reason, sizeof words, "forced");
    } else if ((chosen = tuned_engine(cell, batch)) != NULL) {
        base_append(reason, sizeof words, "auto: the fastest when this device was tuned");
    } else {
        chosen = engine_by_rule(cell, batch, reason, sizeof words);
    }
    if (text != NULL && capacity > 0) {
        text[0] = '\0';
        base_append(text, capacity, "engine %s for batch %zu, %zu step%s (%s)", chosen->name, batch, steps, steps == 1 ? "" : "s",
                    words);
    }
    *out = chosen;
    return OCLSTM_OK;
}
