// SPDX-License-Identifier: Apache-2.0
// The rule by which `auto` picks an engine, and in which order the others follow where that one cannot run or does not fit.
#include <string.h>

#include "base/error.h"
#include "cell/plan.h"
#include "device/tuned.h"

// CLBlast pays where its tiles are filled; below that its launches and copies cost more than the product.
static const size_t clblast_min_batch = 16, clblast_min_size = 64;

static bool is_worth_clblast(const oclstm_cell *cell, size_t batch) {
    return batch >= clblast_min_batch && (cell->hidden >= clblast_min_size || cell->input >= clblast_min_size);
}

// The engine that tuning found fastest near this shape.
static const cell_engine *tuned_engine(const oclstm_cell *cell, size_t batch) {
    const tuned_shape *shape = tuned_find_shape(device_get_tuned(cell->device), cell->real_dtype, batch, cell->input, cell->hidden);
    oclstm_engine id = OCLSTM_ENGINE_AUTO;
    if (shape == NULL || oclstm_engine_from_name(&id, shape->engine, NULL) != OCLSTM_OK)
        return NULL;
    return engine_get(id);
}

// What is being listed: words is NULL where nobody reads them, because they cost more than a small launch.
typedef struct engine_offers {
    engine_list *out;
    const oclstm_cell *cell;
    char *words;
    size_t capacity;
} engine_offers;

// Puts an engine at the end, unless it is there or cannot run. `because` stands in the words for the first one.
static void offer(engine_offers *offers, const cell_engine *engine, const char *because) {
    char why[256] = "";
    char *const reason = offers->words != NULL ? why : NULL;
    for (int i = 0; i < offers->out->count; i++) {
        if (offers->out->engines[i] == engine)
            return;
    }
    const oclstm_cell *cell = offers->cell;
    bool can = engine_can(engine, device_get_limits(cell->device), cell->params.dtype, reason, reason != NULL ? sizeof why : 0);
    if (can && cell->refused[engine->id][0] != '\0') {
        base_append(reason, sizeof why, "%s", cell->refused[engine->id]);
        can = false;
    }
    if (!can) {
        base_append(offers->words, offers->capacity, "; not %s: %s", engine->name, why);
        return;
    }
    if (offers->out->count == 0)
        base_append(offers->words, offers->capacity, "; %s", because);
    offers->out->engines[offers->out->count++] = engine;
}

// The stated rule, in words: the portable engine, which needs nothing, is the last one always.
static void list_by_rule(engine_offers *offers, size_t batch) {
    const oclstm_cell *cell = offers->cell;
    const bool is_cpu = device_get_limits(cell->device)->kind == OCLSTM_DEVICE_CPU, is_worth = is_worth_clblast(cell, batch);
    const cell_engine *tuned = tuned_engine(cell, batch);
    char fills[160] = "", small[160] = "";
    if (offers->words != NULL) {
        base_append(fills, sizeof fills, "batch %zu with input %zu and hidden %zu fills CLBlast's tiles", batch, cell->input,
                    cell->hidden);
        base_append(small, sizeof small, "below batch %zu, or with input and hidden below %zu, products are too small for CLBlast",
                    clblast_min_batch, clblast_min_size);
    }
    if (tuned != NULL)
        offer(offers, tuned, "the fastest when this device was tuned");
    if (is_cpu)
        offer(offers, &engine_fused, "on a CPU the fused kernels are ahead at every shape measured");
    if (is_worth)
        offer(offers, &engine_clblast, fills);
    offer(offers, &engine_fused, is_worth ? "the fused kernels come next" : small);
    offer(offers, &engine_portable, is_worth ? "the portable kernels run anywhere" : small);
}

oclstm_status engine_list_make(engine_list *out, const oclstm_cell *cell, size_t batch, char *words, size_t capacity,
                               oclstm_error *error) {
    char why[256] = "";
    const device_limits *limits = device_get_limits(cell->device);
    const cell_engine *forced = engine_get(cell->params.engine);
    *out = (engine_list){0};
    if (words != NULL && capacity > 0)
        words[0] = '\0';
    if (forced == NULL) {
        char reasons[768] = "";
        engine_offers made = {out, cell, words != NULL ? reasons : NULL, sizeof reasons};
        list_by_rule(&made, batch);
        base_append(words, capacity, "auto: %s", reasons[0] == ';' ? reasons + 2 : reasons);
        if (out->count > 0)
            return OCLSTM_OK;
        engine_can(&engine_portable, limits, cell->params.dtype, why, sizeof why);
        return base_fail(error, OCLSTM_UNSUPPORTED, "no engine can run on %s: %s", limits->name, why);
    }
    if (!engine_can(forced, limits, cell->params.dtype, why, sizeof why))
        return base_fail(error, OCLSTM_UNSUPPORTED, "the engine '%s' cannot run on %s: %s; use --engine auto or portable",
                         forced->name, limits->name, why);
    base_append(words, capacity, "forced");
    out->engines[out->count++] = forced;
    return OCLSTM_OK;
}

oclstm_status engine_choose(const cell_engine **out, const oclstm_cell *cell, size_t batch, size_t steps, char *text,
                            size_t capacity, oclstm_error *error) {
    char words[1024] = "", why[400] = "";
    engine_list list;
    *out = NULL;
    const plan_call call = {batch, steps, true, true};
    oclstm_status status = engine_list_make(&list, cell, batch, text != NULL ? words : NULL, sizeof words, error);
    for (int i = 0; i < list.count && status == OCLSTM_OK && *out == NULL; i++) {
        why[0] = '\0';
        if (plan_capacity(cell, list.engines[i], &call, why, sizeof why) > 0)
            *out = list.engines[i];
        else if (i + 1 == list.count)
            status = plan_refuse(cell, list.engines[i], &call, error);
        else
            base_append(words, sizeof words, "; not %s: %s", list.engines[i]->name, why);
    }
    if (status != OCLSTM_OK || text == NULL || capacity == 0)
        return status;
    text[0] = '\0';
    const device_limits *limits = device_get_limits(cell->device);
    if (cell->params.dtype == OCLSTM_F16 && limits->has_fp16)
        base_append(words, sizeof words,
                    device_has_half_products(limits) ? "; products in float16 arithmetic"
                                                     : "; products in float32: float16 arithmetic is emulated");
    base_append(text, capacity, "engine %s for batch %zu, %zu step%s (%s)", (*out)->name, batch, steps, steps == 1 ? "" : "s",
                words);
    return OCLSTM_OK;
}
