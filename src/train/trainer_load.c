// SPDX-License-Identifier: Apache-2.0
// Weights from a model file into the flat buffer.
#include "base/error.h"
#include "base/memory.h"
#include "train/trainer_private.h"

// Takes a module's tensors in the order in which the graph has its parameters.
typedef struct weight_taker {
    oclstm_trainer *trainer;
    const oclstm_tensors *file;
    const train_parameter *next;
    oclstm_error *error;
} weight_taker;

static oclstm_status take(weight_taker *t, const oclstm_tensor *tensor) {
    const train_parameter *parameter = t->next++;
    const size_t bytes = parameter->count * t->trainer->element_bytes;
    void *values = base_alloc(bytes, 1);
    if (values == NULL)
        return base_fail_memory(t->error, bytes, "a weight");
    oclstm_status status = oclstm_tensor_read(t->file, tensor, 0, 0, tensor->shape[0], t->trainer->dtype, values, false, t->error);
    if (status == OCLSTM_OK)
        status = device_write(t->trainer->device, train_graph_weights(t->trainer->graph),
                              parameter->offset * t->trainer->element_bytes, values, bytes, parameter->info.name, t->error);
    free(values);
    return status;
}

static oclstm_status take_recurrent(weight_taker *t, const network_module *module) {
    const int directions = module->layer.directions > 0 ? module->layer.directions : 1;
    oclstm_status status = OCLSTM_OK;
    for (int unit = 0; unit < module->layer.num_layers * directions && status == OCLSTM_OK; unit++) {
        const lstm_weights w = network_lstm_weights(t->file, module, unit / directions, unit % directions);
        const oclstm_tensor *const tensors[] = {w.ih, w.hh, w.bias_ih, w.bias_hh, w.hr};
        for (size_t i = 0; i < sizeof tensors / sizeof tensors[0] && status == OCLSTM_OK; i++)
            status = tensors[i] != NULL ? take(t, tensors[i]) : OCLSTM_OK;
    }
    return status;
}

oclstm_status trainer_load_weights(oclstm_trainer *trainer, const oclstm_tensors *file, const network_modules *list,
                                   oclstm_error *error) {
    size_t count;
    weight_taker taker = {trainer, file, train_graph_parameters(trainer->graph, &count), error};
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < list->count && status == OCLSTM_OK; i++) {
        const network_module *module = &list->modules[i];
        if (network_is_recurrent(module))
            status = take_recurrent(&taker, module);
        if (status == OCLSTM_OK && module->weight != NULL)
            status = take(&taker, module->weight);
        if (status == OCLSTM_OK && module->bias != NULL)
            status = take(&taker, module->bias);
    }
    return status;
}
