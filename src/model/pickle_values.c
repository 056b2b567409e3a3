// SPDX-License-Identifier: Apache-2.0
#include "model/pickle_values.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

bool pickle_grow(void **array, size_t *capacity, size_t count, size_t element_bytes) {
    if (count < *capacity)
        return true;
    size_t wanted = *capacity > 0 ? *capacity * 2 : 16, bytes;
    if (!checked_mul(wanted, element_bytes, &bytes))
        return false;
    void *grown = realloc(*array, bytes);
    if (grown == NULL)
        return false;
    memset((char *)grown + *capacity * element_bytes, 0, (wanted - *capacity) * element_bytes);
    *array = grown;
    *capacity = wanted;
    return true;
}

bool pickle_has_items(pickle_kind kind) {
    return kind == PICKLE_TUPLE || kind == PICKLE_LIST || kind == PICKLE_DICT || kind == PICKLE_TENSOR || kind == PICKLE_STORAGE;
}

bool pickle_make(pickle *tree, pickle_kind kind, uint32_t *made) {
    void *values = tree->values;
    if (tree->count >= UINT32_MAX - 1 || !pickle_grow(&values, &tree->capacity, tree->count, sizeof *tree->values))
        return false;
    tree->values = values;
    *made = (uint32_t)tree->count++;
    tree->values[*made] = (pickle_value){.kind = kind};
    return true;
}

bool pickle_add_item(pickle *tree, uint32_t owner, uint32_t item) {
    pickle_value *to = &tree->values[owner];
    if (to->count == to->capacity) {
        const uint32_t wanted = to->capacity > 0 ? to->capacity * 2 : 4;
        uint32_t *grown = wanted < to->capacity ? NULL : realloc(to->items, wanted * sizeof *grown);
        if (grown == NULL)
            return false;
        to->items = grown;
        to->capacity = wanted;
    }
    to->items[to->count++] = item;
    return true;
}

bool pickle_add_items(pickle *tree, uint32_t owner, const uint32_t *items, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!pickle_add_item(tree, owner, items[i]))
            return false;
    }
    return true;
}

void pickle_free(pickle *tree) {
    for (size_t i = 0; i < tree->count; i++) {
        if (pickle_has_items(tree->values[i].kind))
            free(tree->values[i].items);
    }
    free(tree->values);
    *tree = (pickle){0};
}

bool pickle_is_text(const pickle_value *value, const char *text) {
    return value->kind == PICKLE_STRING && value->count == strlen(text) && memcmp(value->text, text, value->count) == 0;
}
