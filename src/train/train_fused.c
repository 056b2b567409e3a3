// SPDX-License-Identifier: Apache-2.0
// The fused engine of training, for CPUs: products and recurrences by the register tile of the cells' fused kernels.
#include "train/train_fused.h"
#include "base/error.h"
#include "base/memory.h"
#include "cl/lstm_shared.h"
#include "cl/train_shared.h"
#include "device/device_facts.h"

static const device_needs cpu_needs = {
    .dtypes = DEVICE_DTYPE(OCLSTM_F32) | DEVICE_DTYPE(OCLSTM_F64),
    .parameter_bytes = 7 * 8 + sizeof(train_rows_call),
    .int64 = true,
    .compiler = true, // its kernels of training are not exported
};
static const device_needs other_needs = {.no_other_dtypes = "its training kernels are for CPUs"};

static const device_needs *needs(const device_limits *limits) {
    return limits->kind == OCLSTM_DEVICE_CPU ? &cpu_needs : &other_needs;
}

train_fused_tile train_fused_tile_forced;

// Width and tile as the cells' kernels have them on this device, which a shape does not change.
static void choose_tile(train_fused_data *data, const train_machine *machine) {
    const device_limits *limits = device_get_limits(machine->device);
    const fused_settings settings =
        fused_settings_choose(limits, device_get_tuned(machine->device), machine->dtype, 64, 64, 64, false);
    data->tile = (train_fused_tile){settings.vector_width, settings.tile_rows, settings.few_registers};
    if (train_fused_tile_forced.width > 0)
        data->tile = train_fused_tile_forced;
    data->cores = limits->compute_units > 0 ? limits->compute_units : 1;
}

static oclstm_status create(train_machine *machine, oclstm_error *error) {
    train_fused_data *data = base_alloc(1, sizeof *data);
    machine->data = data;
    if (data == NULL)
        return base_fail_memory(error, sizeof *data, "the engine's settings");
    choose_tile(data, machine);
    char options[256] = "";
    base_append(options, sizeof options, "%s -D VW=%zu -D RM=%zu -D WEIGHTS_STORED=%d%s%s",
                device_dtype_options(machine->device, machine->dtype), data->tile.width, data->tile.rows, STORED_REAL,
                data->tile.few_registers ? " -D FEW_REGISTERS" : "",
                device_has_prefetch_builtin(device_get_limits(machine->device)) ? " -D PREFETCH_BUILTIN" : "");
    static const char rows[] = "fused_math.cl fused_tile.cl train_shared.h train_pack.cl train_rows.cl";
    static const char product[] = "fused_math.cl fused_tile.cl train_shared.h train_pack.cl train_tile_product.cl";
    struct {
        cl_kernel *kernel;
        const char *files, *name;
    } const kernels[] = {{&data->product, product, "train_tile_product"},
                         {&data->pack, rows, "train_pack"},
                         {&data->forward, rows, "train_rows_forward"},
                         {&data->backward, rows, "train_rows_backward"}};
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0] && status == OCLSTM_OK; i++) {
        cl_program program = NULL;
        status = device_program_get(&program, machine->device, kernels[i].files, options, error);
        if (status == OCLSTM_OK)
            status = device_kernel_create(kernels[i].kernel, machine->device, program, kernels[i].name, NULL, error);
    }
    return status;
}

static void destroy(train_machine *machine) {
    train_fused_data *data = machine->data;
    if (data == NULL)
        return;
    device_kernel_release(&data->product);
    device_kernel_release(&data->pack);
    device_kernel_release(&data->forward);
    device_kernel_release(&data->backward);
    free(data);
    machine->data = NULL;
}

const train_engine train_engine_fused = {
    .id = OCLSTM_ENGINE_FUSED,
    .name = "fused",
    .needs = needs,
    .create = create,
    .destroy = destroy,
    .product_scratch = train_fused_product_scratch,
    .recurrence_scratch = train_fused_recurrence_scratch,
    .product = train_fused_product,
    .forward = train_fused_forward,
    .backward = train_fused_backward,
};
