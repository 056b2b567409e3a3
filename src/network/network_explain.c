// SPDX-License-Identifier: Apache-2.0
// Which engine runs each recurrent layer.
#include "base/error.h"
#include "model/name_text.h"
#include "network/network_private.h"

oclstm_status oclstm_network_explain(const oclstm_network *network, int64_t batch, int64_t steps, char *text, size_t capacity,
                                     oclstm_error *error) {
    if (network == NULL || text == NULL || capacity == 0 || batch < 1 || steps < 1)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_network_explain: %s",
                         network == NULL                 ? "network is NULL"
                         : text == NULL || capacity == 0 ? "there is no room for text"
                                                         : "batch and steps must be at least 1");
    text[0] = '\0';
    for (size_t i = 0; i < network->count; i++) {
        const network_layer *layer = &network->layers[i];
        for (size_t u = 0; u < layer->unit_count; u++) {
            char why[512] = "engine portable, the kernel of projections and ONNX's options";
            const oclstm_status status = layer->units[u].plain != NULL
                                             ? oclstm_cell_explain(layer->units[u].plain, batch, steps, why, sizeof why, error)
                                             : OCLSTM_OK;
            if (status != OCLSTM_OK)
                return status;
            base_append(text, capacity, "%s%s", text[0] != '\0' ? "\n" : "", name_to_text(network->infos[i].name).text);
            if (layer->unit_count > 1)
                base_append(text, capacity, "%s%zu", network->infos[i].name[0] != '\0' ? ", part " : "part ", u);
            base_append(text, capacity, ": %s", why);
        }
    }
    return OCLSTM_OK;
}
