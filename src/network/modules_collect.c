// SPDX-License-Identifier: Apache-2.0
// Every layer that a file has tensors for.
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "network/modules.h"
#include "network/modules_list.h"

bool network_modules_add(network_modules *list, const network_module *module) {
    if (list->count == list->capacity) {
        const size_t wanted = list->capacity > 0 ? 2 * list->capacity : 8;
        network_module *grown = base_alloc(wanted, sizeof *grown);
        if (grown == NULL)
            return false;
        if (list->count > 0)
            memcpy(grown, list->modules, list->count * sizeof *grown);
        free(list->modules);
        list->modules = grown;
        list->capacity = wanted;
    }
    list->modules[list->count++] = *module;
    return true;
}

void network_modules_release(network_modules *modules) {
    free(modules->modules);
    *modules = (network_modules){0};
}

// The weight_hh of a layer without weight_ih makes it known that this one is missing.
static bool has_weight_ih(const oclstm_tensors *file, const char *weight_hh) {
    char name[512];
    snprintf(name, sizeof name, "%s", weight_hh);
    char *at = strrchr(name, '.');
    memcpy(strstr(at != NULL ? at : name, "weight_hh"), "weight_ih", strlen("weight_ih"));
    return oclstm_tensors_find(file, name) != NULL;
}

// The tensor by which a layer is known: NAME.weight_ih_l0, NAME.weight_ih, NAME.weight. Gives the prefix; false for any other tensor.
static bool begins_layer(const oclstm_tensors *file, const oclstm_tensor *tensor, char *prefix, size_t capacity) {
    static const char *const ends[] = {"weight_ih_l0", "weight_ih", "weight_hh_l0", "weight_hh", "weight"};
    const size_t length = strlen(tensor->name);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const size_t end = strlen(ends[i]);
        if (length < end || strcmp(tensor->name + length - end, ends[i]) != 0)
            continue;
        const size_t rest = length - end;
        if ((rest > 0 && tensor->name[rest - 1] != '.') || rest > capacity)
            continue;
        if (strncmp(ends[i], "weight_hh", strlen("weight_hh")) == 0 && has_weight_ih(file, tensor->name))
            return false;
        snprintf(prefix, capacity, "%.*s", (int)(rest > 0 ? rest - 1 : 0), tensor->name);
        return true;
    }
    return false;
}

oclstm_status network_modules_collect(network_modules *out, const oclstm_tensors *file, char *unknown, size_t capacity,
                                      oclstm_error *error) {
    *out = (network_modules){0};
    unknown[0] = '\0';
    for (size_t i = 0; i < oclstm_tensors_count(file); i++) {
        const oclstm_tensor *tensor = oclstm_tensors_at(file, i);
        char prefix[256];
        network_module module;
        if (!begins_layer(file, tensor, prefix, sizeof prefix))
            continue;
        oclstm_error fault = {.message = ""};
        oclstm_status status = network_module_find(&module, file, prefix, &fault);
        if (status != OCLSTM_OK && module.layer.kind == OCLSTM_LAYER_LINEAR) {
            base_append(unknown, capacity, "%s%s", unknown[0] != '\0' ? ", " : "", prefix);
            continue; // a norm, a convolution: nothing of a recurrent network
        }
        if (status == OCLSTM_OK && !network_modules_add(out, &module))
            status = base_fail_memory(&fault, sizeof module, "the layers");
        if (status != OCLSTM_OK) {
            if (error != NULL)
                *error = fault;
            network_modules_release(out);
            return status;
        }
    }
    return OCLSTM_OK;
}
