// SPDX-License-Identifier: Apache-2.0
// The programs that engines may ask for, written for an offline compiler. Asked of the engines themselves, over cells and devices on paper.
#include "cell/kernels_export.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "cell/cell_private.h"
#include "device/device_fork.h"

// Sizes around every edge of the engines' rules: what a device may ever be asked for comes up in one of them.
static const size_t all_sizes[] = {1, 16, 64, 100, 200, 300, 600, 1100, 2200};
static const size_t all_batches[] = {1, 2, 3, 4, 5, 8, 15, 16, 17, 33, 64, 256, 1024};
static const oclstm_dtype all_dtypes[] = {OCLSTM_F32, OCLSTM_F64, OCLSTM_F16, OCLSTM_BF16};
enum { NETWORK_DTYPES = 2 }; // the first two
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

// --- the list ---------------------------------------------------------------------------------------------------------

static oclstm_status add(export_list *list, const engine_program *program, const char *engine, oclstm_dtype dtype,
                         oclstm_error *error) {
    for (size_t i = 0; i < list->count; i++) {
        const export_item *item = &list->items[i];
        if (strcmp(item->program.files, program->files) == 0 && strcmp(item->program.options, program->options) == 0)
            return OCLSTM_OK;
    }
    if (list->count == EXPORT_MOST)
        return base_fail(error, OCLSTM_UNSUPPORTED, "more than %d programs are to be exported", EXPORT_MOST);
    list->items[list->count++] =
        (export_item){.program = *program, .engine = engine, .dtype = dtype, .from = list->device_count - 1};
    return OCLSTM_OK;
}

static oclstm_status add_engine(export_list *list, const cell_engine *engine, const oclstm_cell *cell, size_t batch,
                                oclstm_error *error) {
    engine_program programs[ENGINE_PROGRAMS];
    oclstm_status status = OCLSTM_OK;
    const size_t count = engine->programs(programs, cell, batch);
    for (size_t i = 0; i < count && status == OCLSTM_OK; i++)
        status = add(list, &programs[i], engine->name, cell->params.dtype, error);
    return status;
}

// What a cell is asked for: the batches of the caller.
static oclstm_status add_batches(export_list *programs, const cell_engine *engine, const oclstm_cell *cell,
                                 const oclstm_kernels_export_params *params, oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < (params->batch > 0 ? 1 : COUNT_OF(all_batches)) && status == OCLSTM_OK; i++) {
        const size_t batch = params->batch > 0 ? (size_t)params->batch : all_batches[i];
        engine_list list = {.engines = {engine}, .count = 1};
        if (engine == NULL) // what is chosen, and what it falls back on
            status = engine_list_make(&list, cell, batch, NULL, 0, error);
        for (int at = 0; at < list.count && status == OCLSTM_OK; at++)
            status = add_engine(programs, list.engines[at], cell, batch, error);
    }
    return status;
}

// --- cells on paper ---------------------------------------------------------------------------------------------------

static oclstm_cell cell_on_paper(oclstm_device *device, const oclstm_kernels_export_params *params, oclstm_dtype dtype,
                                 size_t input, size_t hidden, oclstm_dtype weights_dtype) {
    return (oclstm_cell){.device = device,
                         .params = {.dtype = dtype, .engine = params->engine},
                         .input = input,
                         .hidden = hidden,
                         .element_bytes = oclstm_dtype_size_bytes(dtype),
                         .real_dtype = cell_real_dtype(dtype),
                         .real_bytes = oclstm_dtype_size_bytes(cell_real_dtype(dtype)),
                         .weights_dtype = weights_dtype};
}

// What networks (src/network) need beside their cells: the other layers; and cells with a projection or peepholes. Those with other activations than
// sigmoid and tanh, or a clip, which an ONNX file may have, are too many to list.
static oclstm_status add_networks(export_list *list, oclstm_device *device, oclstm_dtype dtype, oclstm_error *error) {
    static const char *const extras[] = {NULL, " -D ACT_F=0 -D ACT_G=1 -D ACT_H=1 -D PEEPHOLES=0 -D CLIP=0 -D INPUT_FORGET=0",
                                         " -D ACT_F=0 -D ACT_G=1 -D ACT_H=1 -D PEEPHOLES=1 -D CLIP=0 -D INPUT_FORGET=0"};
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < COUNT_OF(extras) && status == OCLSTM_OK; i++) {
        engine_program program = {.files = ""};
        base_append(program.files, sizeof program.files, "%s",
                    extras[i] == NULL ? "network.cl" : "lstm_activations.h network.cl general.cl");
        base_append(program.options, sizeof program.options, "%s%s", device_dtype_options(device, dtype),
                    extras[i] == NULL ? "" : extras[i]);
        status = add(list, &program, "portable, of networks", dtype, error);
    }
    return status;
}

// What training (src/train) needs on the portable engine.
static oclstm_status add_training(export_list *list, oclstm_device *device, oclstm_dtype dtype, oclstm_error *error) {
    const bool is_cpu = device_get_limits(device)->kind == OCLSTM_DEVICE_CPU;
    const struct {
        const char *files, *options; // as src/train has them
    } programs[] = {
        {"train_portable.cl", ""},          {"train_layers.cl", is_cpu ? " -D COLUMNS=64u" : " -D COLUMNS=1u"},
        {"train_sum.cl train_loss.cl", ""}, {"train_sum.cl train_optimizer.cl", ""},
        {"train_dropout.cl", ""},
    };
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < COUNT_OF(programs) && status == OCLSTM_OK; i++) {
        engine_program program = {.files = ""};
        base_append(program.files, sizeof program.files, "%s", programs[i].files);
        base_append(program.options, sizeof program.options, "%s%s", device_dtype_options(device, dtype), programs[i].options);
        status = add(list, &program, "portable, of training", dtype, error);
    }
    return status;
}

static bool is_wanted(const oclstm_kernels_export_params *params, oclstm_dtype dtype) {
    return params->dtype == NULL || *params->dtype == dtype;
}

// Every cell there may be.
static oclstm_status add_all(export_list *list, oclstm_device *device, const oclstm_kernels_export_params *params,
                             oclstm_error *error) {
    static const oclstm_dtype stored[] = {OCLSTM_F32, OCLSTM_F16, OCLSTM_BF16};
    oclstm_status status = OCLSTM_OK;
    char why[256];
    for (int id = OCLSTM_ENGINE_AUTO + 1; id < ENGINE_COUNT; id++) {
        const cell_engine *engine = engine_get((oclstm_engine)id);
        for (size_t d = 0; d < COUNT_OF(all_dtypes); d++) {
            if ((params->engine != OCLSTM_ENGINE_AUTO && params->engine != engine->id) || !is_wanted(params, all_dtypes[d]) ||
                !engine_can(engine, device_get_limits(device), all_dtypes[d], why, sizeof why))
                continue;
            for (size_t i = 0; i < COUNT_OF(all_sizes) * COUNT_OF(stored) && status == OCLSTM_OK; i++) {
                const size_t size = all_sizes[i / COUNT_OF(stored)];
                const oclstm_cell cell = cell_on_paper(device, params, all_dtypes[d], size, size, stored[i % COUNT_OF(stored)]);
                status = add_batches(list, engine, &cell, params, error);
            }
            if (status == OCLSTM_OK && engine == &engine_portable && d < NETWORK_DTYPES)
                status = add_networks(list, device, all_dtypes[d], error);
            if (status == OCLSTM_OK && engine == &engine_portable && d < NETWORK_DTYPES)
                status = add_training(list, device, all_dtypes[d], error);
        }
    }
    return status;
}

static oclstm_status add_model(export_list *list, oclstm_device *device, const oclstm_kernels_export_params *params,
                               oclstm_error *error) {
    oclstm_cell_entry entry;
    char why[256];
    oclstm_status status = oclstm_tensors_find_cell(params->model, params->cell, &entry, error);
    if (status != OCLSTM_OK)
        return status;
    const oclstm_dtype usual[] = {OCLSTM_F32, OCLSTM_F64};
    const size_t count = params->dtype == NULL && entry.dtype == OCLSTM_F64 ? 2 : 1;
    for (size_t i = 0; i < count && status == OCLSTM_OK; i++) {
        const oclstm_dtype dtype = params->dtype != NULL ? *params->dtype : usual[i];
        const oclstm_cell cell =
            cell_on_paper(device, params, dtype, (size_t)entry.input_size, (size_t)entry.hidden_size, entry.dtype);
        // On assumed devices of every kind some cannot; on the one that is asked for it is an error, unless it is only the weights' own dtype.
        if ((list->assumed || i > 0) &&
            !engine_can(params->engine != OCLSTM_ENGINE_AUTO ? engine_get(params->engine) : &engine_portable,
                        device_get_limits(device), dtype, why, sizeof why))
            continue;
        status = add_batches(list, NULL, &cell, params, error);
    }
    return status;
}

// --- devices on paper -------------------------------------------------------------------------------------------------

static oclstm_status take_device(export_list *list, const device_limits *limits, oclstm_error *error) {
    oclstm_status status = device_on_paper(&list->devices[list->device_count], limits, error);
    if (status == OCLSTM_OK)
        list->device_count++;
    return status;
}

static oclstm_status add_for_device(export_list *list, const oclstm_kernels_export_params *params, oclstm_error *error) {
    oclstm_device *device = list->devices[list->device_count - 1];
    return params->model != NULL ? add_model(list, device, params, error) : add_all(list, device, params, error);
}

// One of each kind that makes a difference: CPUs by vector width, others by the largest work-group; each with and without float16 arithmetic.
static oclstm_status add_assumed(export_list *list, const oclstm_kernels_export_params *params, oclstm_error *error) {
    static const unsigned widths[] = {4, 8, 16, 1, 1}; // 1: no CPU
    static const size_t groups[] = {4096, 4096, 4096, 256, 32};
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < 2 * COUNT_OF(widths) && status == OCLSTM_OK; i++) {
        device_limits limits = {.kind = widths[i / 2] > 1 ? OCLSTM_DEVICE_CPU : OCLSTM_DEVICE_NPU,
                                .device_version = "OpenCL 1.2",
                                .full_profile = true,
                                .has_compiler = true,
                                .has_fp64 = true,
                                .has_int64 = true,
                                .max_parameter_bytes = 1024,
                                .has_fp16 = i % 2 == 1,
                                .has_local_memory = true,
                                .compute_units = 4,
                                .address_bits = 64,
                                .vector_width_float = widths[i / 2],
                                .max_work_group_size = groups[i / 2],
                                .max_work_item_sizes = {groups[i / 2], groups[i / 2], groups[i / 2]},
                                .global_memory_bytes = (uint64_t)1 << 32,
                                .max_allocation_bytes = (uint64_t)1 << 30,
                                .local_memory_bytes = 32768};
        status = take_device(list, &limits, error);
        if (status == OCLSTM_OK)
            status = add_for_device(list, params, error);
    }
    return status;
}

static oclstm_status fill(export_list *list, const oclstm_kernels_export_params *params, oclstm_error *error) {
    list->assumed = params->device == NULL && params->info == NULL;
    if (list->assumed)
        return add_assumed(list, params, error);
    oclstm_status status = OCLSTM_OK;
    if (params->device != NULL)
        list->devices[list->device_count++] = device_retain(params->device);
    else
        status = take_device(list, params->info, error);
    if (status == OCLSTM_OK)
        status = add_for_device(list, params, error);
    if (status == OCLSTM_OK && list->count == 0)
        status = base_fail(error, OCLSTM_UNSUPPORTED,
                           "no engine runs there as asked for: another engine or dtype may, see 'oclstm devices'");
    return status;
}

static oclstm_status check(const char *directory, const oclstm_kernels_export_params *params, oclstm_error *error) {
    if (directory == NULL || params == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_kernels_export: %s is NULL",
                         directory == NULL ? "directory" : "params");
    if (params->batch < 0)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_kernels_export: batch must be at least 1, or 0 for any");
    if (params->engine != OCLSTM_ENGINE_AUTO && engine_get(params->engine) == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "there is no engine with the number %d", (int)params->engine);
    if (params->binaries && params->device == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "oclstm_kernels_export: binaries are made by an opened device; none is given");
    return params->device != NULL ? device_check_fork(error) : OCLSTM_OK;
}

oclstm_status oclstm_kernels_export(size_t *count, const char *directory, const oclstm_kernels_export_params *params,
                                    oclstm_error *error) {
    if (count != NULL)
        *count = 0;
    oclstm_status status = check(directory, params, error);
    if (status != OCLSTM_OK)
        return status;
    export_list *list = base_alloc(1, sizeof *list);
    if (list == NULL)
        return base_fail_memory(error, sizeof *list, "the list of programs");
    status = fill(list, params, error);
    for (size_t i = 0; i < list->count && status == OCLSTM_OK; i++) {
        export_item *item = &list->items[i];
        status = device_program_export(item->name, list->devices[item->from], item->program.files, item->program.options, directory,
                                       params->binaries, error);
    }
    if (status == OCLSTM_OK)
        status = export_write_texts(list, directory, error);
    if (status == OCLSTM_OK && count != NULL)
        *count = list->count;
    for (size_t i = 0; i < list->device_count; i++)
        oclstm_device_close(&list->devices[i]);
    free(list);
    return status;
}
