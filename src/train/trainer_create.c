// SPDX-License-Identifier: Apache-2.0
// Making a trainer, and unmaking it.
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/device_fork.h"
#include "train/description.h"
#include "train/fresh_weights.h"
#include "train/trainer_private.h"

void oclstm_trainer_destroy(oclstm_trainer **trainer) {
    if (trainer == NULL || *trainer == NULL)
        return;
    oclstm_trainer *old = *trainer;
    *trainer = NULL;
    if (!device_lost_by_fork())
        device_finish(old->device, NULL);
    trainer_drop_state(old, &old->training);
    trainer_drop_state(old, &old->evaluation);
    device_buffer_release(old->device, &old->results);
    device_buffer_release(old->device, &old->target);
    device_buffer_release(old->device, &old->scratch);
    train_optimizer_destroy(&old->optimizer);
    train_losses_destroy(&old->losses);
    train_graph_destroy(&old->graph);
    free(old->parameters);
    free((void *)(uintptr_t)old->params.layers);
    free((void *)(uintptr_t)old->params.description);
    oclstm_device_close(&old->device);
    free(old);
}

static oclstm_status copy_text(const char **out, const char *text, oclstm_error *error) {
    if (text == NULL)
        return OCLSTM_OK;
    const size_t bytes = strlen(text) + 1;
    char *copy = base_alloc(bytes, 1);
    if (copy == NULL)
        return base_fail_memory(error, bytes, "the layers' description");
    memcpy(copy, text, bytes);
    *out = copy;
    return OCLSTM_OK;
}

static oclstm_status check_params(const oclstm_trainer_params *params, bool has_file, oclstm_error *error) {
    if (has_file && params->description != NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "oclstm_trainer_create: a file and a description are given; give one of them");
    if (!has_file && params->description == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "oclstm_trainer_create: neither a file nor a description of layers is given");
    if (!(params->dropout >= 0 && params->dropout < 1))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "dropout is %g, expected 0 <= dropout < 1", params->dropout);
    if ((unsigned)params->loss > OCLSTM_LOSS_BCE)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "there is no loss with the number %d", (int)params->loss);
    if (params->dtype_given && params->dtype != OCLSTM_F32 && params->dtype != OCLSTM_F64)
        return base_fail(error, OCLSTM_UNSUPPORTED, "training computes in float32 or float64, not in %s",
                         oclstm_dtype_name(params->dtype));
    return train_optimizer_check(&params->optimizer, error);
}

static oclstm_status check_dtype(const oclstm_trainer *trainer, oclstm_error *error) {
    const device_limits *limits = device_get_limits(trainer->device);
    if (trainer->dtype == OCLSTM_F64 && !limits->has_fp64)
        return base_fail(error, OCLSTM_UNSUPPORTED,
                         "%s has no float64 arithmetic (cl_khr_fp64): use dtype float32 or another device", limits->name);
    return OCLSTM_OK;
}

// What the checks of network.h's calls look at.
static oclstm_status draw_on_paper(oclstm_trainer *trainer, oclstm_error *error) {
    oclstm_network *paper = &trainer->paper;
    *paper = (oclstm_network){.device = trainer->device,
                              .dtype = trainer->dtype,
                              .element_bytes = trainer->element_bytes,
                              .h_features = train_graph_h(trainer->graph),
                              .c_features = train_graph_c(trainer->graph)};
    paper->infos = (oclstm_layer *)(uintptr_t)train_graph_layers(trainer->graph, &paper->count);
    paper->unit_count = train_graph_units(trainer->graph, &paper->uniform);
    for (size_t i = 0; i < paper->count; i++) {
        const oclstm_layer *layer = &paper->infos[i];
        const size_t inputs = layer->kind == OCLSTM_LAYER_EMBEDDING ? 1 : (size_t)layer->inputs;
        paper->widest = inputs > paper->widest ? inputs : paper->widest;
        paper->widest = (size_t)layer->outputs > paper->widest ? (size_t)layer->outputs : paper->widest;
    }
    if (paper->unit_count == 0)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the layers hold no lstm: there is nothing recurrent to train");
    return OCLSTM_OK;
}

static oclstm_status list_parameters(oclstm_trainer *trainer, oclstm_error *error) {
    size_t count;
    const train_parameter *parameters = train_graph_parameters(trainer->graph, &count);
    trainer->parameters = base_alloc(count, sizeof *trainer->parameters);
    if (trainer->parameters == NULL)
        return base_fail_memory(error, count * sizeof *trainer->parameters, "the list of weights");
    for (size_t i = 0; i < count; i++)
        trainer->parameters[i] = parameters[i].info;
    return OCLSTM_OK;
}

static oclstm_status fill(oclstm_trainer *trainer, const oclstm_layer *layers, size_t count, oclstm_error *error) {
    const oclstm_trainer_params *params = &trainer->params;
    const train_graph_params graph_params = {.dtype = trainer->dtype,
                                             .engine = params->engine,
                                             .recompute = params->recompute,
                                             .dropout = params->dropout,
                                             .seed = params->seed};
    const oclstm_optimizer_params *optimizer = &params->optimizer;
    oclstm_status status = check_dtype(trainer, error);
    trainer->element_bytes = oclstm_dtype_size_bytes(trainer->dtype);
    if (status == OCLSTM_OK)
        status = train_graph_create(&trainer->graph, trainer->device, layers, count, &graph_params, error);
    if (status == OCLSTM_OK)
        status = draw_on_paper(trainer, error);
    if (status == OCLSTM_OK)
        status = list_parameters(trainer, error);
    if (status == OCLSTM_OK)
        status = train_losses_create(&trainer->losses, trainer->device, trainer->dtype, error);
    if (status == OCLSTM_OK)
        status = train_optimizer_create(&trainer->optimizer, trainer->device, trainer->dtype, optimizer->kind,
                                        optimizer->momentum != 0, train_graph_flat(trainer->graph), error);
    if (status == OCLSTM_OK)
        status = device_buffer_create(&trainer->results, trainer->device, CL_MEM_READ_WRITE,
                                      TRAINER_RESULTS * trainer->element_bytes, "the loss", error);
    return status;
}

static oclstm_status fill_fresh(oclstm_trainer *trainer, oclstm_error *error) {
    oclstm_layer *layers = NULL;
    size_t count;
    trainer->dtype = trainer->params.dtype_given ? trainer->params.dtype : OCLSTM_F32;
    oclstm_status status = train_description_parse(&layers, &count, trainer->params.description, error);
    if (status == OCLSTM_OK)
        status = fill(trainer, layers, count, error);
    if (status == OCLSTM_OK)
        status = train_fresh_weights(trainer->graph, trainer->params.seed, error);
    free(layers);
    return status;
}

static oclstm_status fill_from_list(oclstm_trainer *trainer, const oclstm_tensors *file, const network_modules *list,
                                    oclstm_error *error) {
    oclstm_layer *layers = base_alloc(list->count, sizeof *layers);
    if (layers == NULL)
        return base_fail_memory(error, list->count * sizeof *layers, "the layers of a trainer");
    for (size_t i = 0; i < list->count; i++)
        layers[i] = list->modules[i].layer;
    trainer->ends_in_softmax = layers[list->count - 1].kind == OCLSTM_LAYER_SOFTMAX; // behind a recurrent layer: it is not alone
    const size_t trained = list->count - (trainer->ends_in_softmax ? 1 : 0);
    trainer->dtype = trainer->params.dtype_given ? trainer->params.dtype : network_natural_dtype(file, list);
    oclstm_status status = fill(trainer, layers, trained, error);
    free(layers);
    return status == OCLSTM_OK ? trainer_load_weights(trainer, file, list, error) : status;
}

static oclstm_status fill_from_file(oclstm_trainer *trainer, const oclstm_tensors *file, oclstm_error *error) {
    network_modules list;
    oclstm_status status = network_modules_order(&list, file, trainer->params.layers, error);
    if (status != OCLSTM_OK)
        return status;
    status = fill_from_list(trainer, file, &list, error);
    network_modules_release(&list);
    return status;
}

oclstm_status oclstm_trainer_create(oclstm_trainer **out, oclstm_device *device, const oclstm_tensors *file,
                                    const oclstm_trainer_params *params, oclstm_error *error) {
    if (out != NULL)
        *out = NULL;
    if (out == NULL || device == NULL || params == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_trainer_create: %s is NULL",
                         out == NULL      ? "out"
                         : device == NULL ? "device"
                                          : "params");
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK)
        status = check_params(params, file != NULL, error);
    if (status != OCLSTM_OK)
        return status;
    oclstm_trainer *made = base_alloc(1, sizeof *made);
    if (made == NULL)
        return base_fail_memory(error, sizeof *made, "a trainer");
    made->device = device_retain(device);
    made->params = *params;
    made->params.layers = made->params.description = NULL;
    status = copy_text(&made->params.layers, params->layers, error);
    if (status == OCLSTM_OK)
        status = copy_text(&made->params.description, params->description, error);
    if (status == OCLSTM_OK)
        status = file != NULL ? fill_from_file(made, file, error) : fill_fresh(made, error);
    if (status == OCLSTM_OK)
        *out = made;
    else
        oclstm_trainer_destroy(&made);
    return status;
}
