// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "base/memory.h"
#include "network/modules.h"

const char *oclstm_layer_kind_name(oclstm_layer_kind kind) {
    static const char *const names[] = {"embedding", "lstm", "lstm cell", "linear", "relu", "sigmoid", "softmax"};
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

oclstm_status oclstm_network_find(oclstm_layer **layers, size_t *count, const oclstm_tensors *file,
                                  const oclstm_network_params *params, oclstm_error *error) {
    if (layers == NULL || count == NULL || file == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_network_find: %s is NULL",
                         file == NULL ? "file" : "layers or count");
    *layers = NULL;
    *count = 0;
    network_modules found;
    oclstm_status status = network_modules_order(&found, file, params != NULL ? params->layers : NULL, error);
    if (status != OCLSTM_OK)
        return status;
    oclstm_layer *made = base_alloc(found.count, sizeof *made);
    if (made == NULL) {
        status = base_fail_memory(error, found.count * sizeof *made, "the layers");
    } else {
        for (size_t i = 0; i < found.count; i++)
            made[i] = found.modules[i].layer;
        *layers = made;
        *count = found.count;
    }
    network_modules_release(&found);
    return status;
}

void oclstm_network_layers_free(oclstm_layer **layers) {
    if (layers == NULL)
        return;
    free(*layers);
    *layers = NULL;
}
