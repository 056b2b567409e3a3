// SPDX-License-Identifier: Apache-2.0
#include "model/cell_name.h"

#include <stdio.h>
#include <string.h>

// Reads "l12" or "l12_reverse", all of it. Nine digits, so that the layer fits an int.
static bool read_layer(cell_name *out, const char *text) {
    if (*text != 'l')
        return false;
    size_t digits = strspn(text + 1, "0123456789");
    if (digits == 0 || digits > 9 || (digits > 1 && text[1] == '0'))
        return false;
    const char *rest = text + 1 + digits;
    if (*rest != '\0' && strcmp(rest, "_reverse") != 0)
        return false;
    out->reverse = *rest != '\0';
    out->layer = 0;
    for (size_t i = 1; i <= digits; i++)
        out->layer = out->layer * 10 + (text[i] - '0');
    snprintf(out->suffix, sizeof out->suffix, "_%s", text);
    return true;
}

// The prefix gets its dot here; an empty one is bare.
static bool set_prefix(cell_name *out, const char *prefix, size_t length) {
    if (length >= CELL_NAME_CAPACITY)
        return false;
    snprintf(out->prefix, sizeof out->prefix, "%.*s%s", (int)length, prefix, length > 0 ? "." : "");
    return true;
}

bool model_cell_name_from_tensor(cell_name *out, const char *tensor, const char *role) {
    *out = (cell_name){.layer = -1};
    const char *dot = strrchr(tensor, '.');
    if (dot == tensor) // an empty name before a dot: nobody could ask for it
        return false;
    const char *last = dot == NULL ? tensor : dot + 1;
    size_t role_length = strlen(role);
    if (strncmp(last, role, role_length) != 0)
        return false;
    const char *rest = last + role_length;
    if (*rest != '\0' && (*rest != '_' || !read_layer(out, rest + 1)))
        return false;
    // The entry's name is the prefix without its dot, and the suffix.
    size_t prefix_length = dot == NULL ? 0 : (size_t)(dot - tensor);
    return prefix_length + strlen(out->suffix) < CELL_NAME_CAPACITY && set_prefix(out, tensor, prefix_length);
}

bool model_cell_name_as_cell(cell_name *out, const char *name) {
    *out = (cell_name){.layer = -1};
    return set_prefix(out, name, strlen(name));
}

bool model_cell_name_as_layer(cell_name *out, const char *name) {
    *out = (cell_name){.layer = -1};
    if (read_layer(out, name))
        return true;
    // The suffix is "_lN" or "_lN_reverse" and something stands before it.
    for (const char *bar = strrchr(name, '_'); bar != NULL && bar > name; bar--) {
        if (*bar == '_' && read_layer(out, bar + 1))
            return set_prefix(out, name, (size_t)(bar - name));
    }
    return false;
}

void model_cell_name_to_text(const cell_name *name, char text[CELL_NAME_CAPACITY]) {
    size_t length = strlen(name->prefix);
    if (length == 0)
        snprintf(text, CELL_NAME_CAPACITY, "%s", name->suffix[0] == '_' ? name->suffix + 1 : "");
    else
        snprintf(text, CELL_NAME_CAPACITY, "%.*s%s", (int)length - 1, name->prefix, name->suffix);
}

tensor_name model_cell_tensor_name(const cell_name *name, const char *role) {
    tensor_name out;
    snprintf(out.text, sizeof out.text, "%s%s%s", name->prefix, role, name->suffix);
    return out;
}
