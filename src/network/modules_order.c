// SPDX-License-Identifier: Apache-2.0
// In what order the layers stand: as named, or the one order in which the widths chain.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/name_text.h"
#include "network/modules.h"
#include "network/modules_list.h"

#define LAYERS_KEY "oclstm.layers"

// More layers than these are not put in order by trying.
enum { MOST_TRIED = 8 };

static const struct {
    const char *name;
    oclstm_layer_kind kind;
} activations[] = {{"relu", OCLSTM_LAYER_RELU}, {"sigmoid", OCLSTM_LAYER_SIGMOID}, {"softmax", OCLSTM_LAYER_SOFTMAX}};

static bool is_activation(oclstm_layer_kind kind) {
    return kind == OCLSTM_LAYER_RELU || kind == OCLSTM_LAYER_SIGMOID || kind == OCLSTM_LAYER_SOFTMAX;
}

static void make_embedding(network_module *module) {
    module->layer.kind = OCLSTM_LAYER_EMBEDDING;
    const int64_t vocabulary = module->layer.outputs;
    module->layer.outputs = module->layer.inputs;
    module->layer.inputs = vocabulary;
}

static bool could_embed(const network_module *module) { return module->layer.kind == OCLSTM_LAYER_LINEAR && module->bias == NULL; }

// A first matrix without bias is an embedding, unless only as a linear layer does it give what the next layer takes.
static void settle_first(network_modules *list) {
    network_module *first = list->modules;
    if (list->count == 0 || !could_embed(first))
        return;
    size_t next = 1;
    while (next < list->count && is_activation(list->modules[next].layer.kind))
        next++;
    const int64_t wanted = next < list->count ? list->modules[next].layer.inputs : first->layer.inputs;
    if (wanted == first->layer.inputs || wanted != first->layer.outputs)
        make_embedding(first);
}

// --- as named -----------------------------------------------------------------------------------------------------------

static oclstm_status find_named(network_module *module, const oclstm_tensors *file, const char *name, oclstm_error *error) {
    for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++) {
        if (strcmp(name, activations[i].name) == 0) {
            *module = (network_module){.layer = {.kind = activations[i].kind}};
            base_copy_string(module->layer.name, sizeof module->layer.name, name);
            return OCLSTM_OK;
        }
    }
    oclstm_status status = network_module_find(module, file, strcmp(name, ".") == 0 ? "" : name, error);
    if (status != OCLSTM_NOT_FOUND || error == NULL)
        return status;
    network_modules all;
    char unknown[64];
    if (network_modules_collect(&all, file, unknown, sizeof unknown, NULL) != OCLSTM_OK)
        return status;
    base_append(error->message, sizeof error->message, "; the file's layers are");
    for (size_t i = 0; i < all.count && i < 16; i++)
        base_append(error->message, sizeof error->message, "%s %s", i > 0 ? "," : "",
                    all.modules[i].layer.name[0] != '\0' ? name_to_text(all.modules[i].layer.name).text : ".");
    base_append(error->message, sizeof error->message, "; relu, sigmoid and softmax need no tensors");
    network_modules_release(&all);
    return status;
}

static oclstm_status order_named(network_modules *out, const oclstm_tensors *file, const char *list, oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    for (const char *at = list; status == OCLSTM_OK;) {
        char name[256];
        network_module module;
        const size_t length = strcspn(at, ",");
        const char *begin = at, *end = at + length;
        while (begin < end && *begin == ' ')
            begin++;
        while (end > begin && end[-1] == ' ')
            end--;
        if (begin == end || (size_t)(end - begin) >= sizeof name) {
            status = base_fail(error, OCLSTM_NOT_FOUND, "the list of layers \"%.200s\" has an empty or too long name", list);
            break;
        }
        snprintf(name, sizeof name, "%.*s", (int)(end - begin), begin);
        status = find_named(&module, file, name, error);
        if (status == OCLSTM_OK && !network_modules_add(out, &module))
            status = base_fail_memory(error, sizeof module, "the layers");
        if (at[length] == '\0')
            break;
        at += length + 1;
    }
    if (status == OCLSTM_OK)
        settle_first(out);
    return status;
}

// --- by trying ----------------------------------------------------------------------------------------------------------

typedef struct order_search {
    const network_modules *all;
    size_t order[MOST_TRIED], found[MOST_TRIED];
    bool used[MOST_TRIED];
    bool embeds, found_embeds;
    int solutions;
} order_search;

// May `next` stand at place `at`? First an embedding or not, then recurrent layers, then linear ones.
static bool may_follow(const order_search *search, size_t at, size_t next) {
    const network_module *module = &search->all->modules[next];
    if (at == 0)
        return search->embeds ? could_embed(module) : network_is_recurrent(module);
    const network_module *before = &search->all->modules[search->order[at - 1]];
    const bool before_embeds = at == 1 && search->embeds;
    if (before_embeds)
        return network_is_recurrent(module) && module->layer.inputs == before->layer.inputs; // its features, not turned round yet
    return (network_is_recurrent(before) || !network_is_recurrent(module)) && module->layer.inputs == before->layer.outputs;
}

static void try_orders(order_search *search, size_t at) { // NOLINT(misc-no-recursion): at most MOST_TRIED deep
    if (at == search->all->count) {
        if (search->solutions++ == 0) {
            memcpy(search->found, search->order, sizeof search->found);
            search->found_embeds = search->embeds;
        }
        return;
    }
    for (size_t next = 0; next < search->all->count; next++) {
        if (search->used[next] || !may_follow(search, at, next))
            continue;
        search->used[next] = true;
        search->order[at] = next;
        try_orders(search, at + 1);
        search->used[next] = false;
    }
}

static oclstm_status fail_order(const oclstm_tensors *file, const network_modules *all, int solutions, const char *unknown,
                                oclstm_error *error) {
    char names[400] = "";
    for (size_t i = 0; i < all->count; i++)
        base_append(names, sizeof names, "%s%s", i > 0 ? "," : "",
                    all->modules[i].layer.name[0] != '\0' ? name_to_text(all->modules[i].layer.name).text : ".");
    return base_fail(error, OCLSTM_FORMAT,
                     "'%s': the order of its layers is not clear: %s%s%s; name them in order, such as --layers \"%s\"%s",
                     oclstm_tensors_path(file),
                     unknown[0] != '\0'        ? "it has tensors that belong to no layer read here ("
                     : solutions > 1           ? "they fit in several orders"
                     : all->count > MOST_TRIED ? "there are many"
                                               : "in no order is each layer's input the output of the one before",
                     unknown, unknown[0] != '\0' ? ")" : "", names,
                     ", leaving out what is not wanted (relu, sigmoid and softmax may stand between)");
}

static oclstm_status order_by_widths(network_modules *out, const oclstm_tensors *file, oclstm_error *error) {
    network_modules all;
    char unknown[300];
    oclstm_status status = network_modules_collect(&all, file, unknown, sizeof unknown, error);
    if (status != OCLSTM_OK)
        return status;
    bool any = false;
    for (size_t i = 0; i < all.count; i++)
        any = any || network_is_recurrent(&all.modules[i]);
    order_search search = {.all = &all};
    if (any && unknown[0] == '\0' && all.count <= MOST_TRIED) {
        try_orders(&search, 0);
        search.embeds = true;
        try_orders(&search, 0);
    }
    if (!any)
        status = base_fail(error, OCLSTM_FORMAT, "'%s' holds no LSTM: no tensor is called NAME.weight_ih or NAME.weight_ih_l0",
                           oclstm_tensors_path(file));
    else if (search.solutions != 1)
        status = fail_order(file, &all, search.solutions, unknown, error);
    for (size_t i = 0; i < all.count && status == OCLSTM_OK; i++) {
        network_module module = all.modules[search.found[i]];
        if (i == 0 && search.found_embeds)
            make_embedding(&module);
        if (!network_modules_add(out, &module))
            status = base_fail_memory(error, sizeof module, "the layers");
    }
    network_modules_release(&all);
    return status;
}

// --- both ---------------------------------------------------------------------------------------------------------------

static oclstm_status check_chain(const network_modules *list, const oclstm_tensors *file, oclstm_error *error) {
    int64_t width = 0;
    bool any = false;
    for (size_t i = 0; i < list->count; i++) {
        oclstm_layer *layer = &list->modules[i].layer;
        if (is_activation(layer->kind)) {
            layer->inputs = layer->outputs = width;
            if (i == 0)
                return base_fail(error, OCLSTM_FORMAT, "the layers begin with %s; expected an embedding, an LSTM or a linear layer",
                                 layer->name);
            continue;
        }
        if (i > 0 && layer->inputs != width)
            return base_fail(error, OCLSTM_FORMAT,
                             "'%s': layer %zu ('%s') takes %" PRId64 " features, but '%s' before it gives %" PRId64,
                             oclstm_tensors_path(file), i + 1, name_to_text(layer->name).text, layer->inputs,
                             name_to_text(list->modules[i - 1].layer.name).text, width);
        width = layer->outputs;
        any = any || network_is_recurrent(&list->modules[i]);
    }
    return any ? OCLSTM_OK
               : base_fail(error, OCLSTM_FORMAT, "'%s': none of the layers named is an LSTM", oclstm_tensors_path(file));
}

oclstm_status network_modules_order(network_modules *out, const oclstm_tensors *file, const char *list, oclstm_error *error) {
    *out = (network_modules){0};
    if (list == NULL)
        list = oclstm_tensors_metadata(file, LAYERS_KEY);
    oclstm_status status = list != NULL ? order_named(out, file, list, error) : order_by_widths(out, file, error);
    if (status == OCLSTM_OK)
        status = check_chain(out, file, error);
    if (status != OCLSTM_OK)
        network_modules_release(out);
    return status;
}
