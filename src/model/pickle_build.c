// SPDX-License-Identifier: Apache-2.0
// What makes something of what lies on the stack: names, calls, collections, the memo.
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "model/name_text.h"
#include "model/pickle_machine.h"
#include "model/pickle_names.h"
#include "model/pickle_values.h"

// --- names and calls ----------------------------------------------------------------------------------------------------

static oclstm_status push_global(machine *m, const char *module, size_t module_bytes, const char *name, size_t name_bytes) {
    const int64_t number = pickle_find_name(module, module_bytes, name, name_bytes);
    if (number < 0) {
        char text[120] = "";
        snprintf(text, sizeof text, "%.*s.%.*s", (int)(module_bytes < 60 ? module_bytes : 60), module,
                 (int)(name_bytes < 50 ? name_bytes : 50), name);
        return base_fail(
            m->error, OCLSTM_FORMAT,
            "'%s' is refused: its pickle asks for the Python name '%s', which could run code; nothing was executed. Only "
            "tensors, dictionaries, numbers and strings are read: save the state_dict, "
            "torch.save(model.state_dict(), FILE)",
            m->what, name_to_text(text).text);
    }
    return machine_push_new(m, &(pickle_value){.kind = PICKLE_GLOBAL, .number = number});
}

oclstm_status machine_global_by_lines(machine *m) {
    const char *module, *name;
    size_t module_bytes, name_bytes;
    if (!machine_take_line(m, &module, &module_bytes) || !machine_take_line(m, &name, &name_bytes))
        return machine_truncated(m);
    return push_global(m, module, module_bytes, name, name_bytes);
}

oclstm_status machine_global_by_stack(machine *m) {
    if (!machine_has(m, 2))
        return machine_damaged(m, "a name without its two parts");
    const pickle_value *name = &m->tree->values[m->stack[m->depth - 1]], *module = &m->tree->values[m->stack[m->depth - 2]];
    if (name->kind != PICKLE_STRING || module->kind != PICKLE_STRING)
        return machine_damaged(m, "a name that is no text");
    const pickle_value name_copy = *name, module_copy = *module;
    m->depth -= 2;
    return push_global(m, module_copy.text, module_copy.count, name_copy.text, name_copy.count);
}

static oclstm_status count_copies(machine *m, uint32_t count) {
    m->copied += count;
    return m->copied <= m->size ? OCLSTM_OK : machine_damaged(m, "the same values are copied over and over");
}

// OrderedDict([(key, value), ...]), as protocol 2 of Python 2 writes it, or OrderedDict().
static oclstm_status fill_dict(machine *m, uint32_t dict, uint32_t arguments) {
    pickle *tree = m->tree;
    if (tree->values[arguments].count == 0)
        return OCLSTM_OK;
    const uint32_t list = tree->values[arguments].items[0];
    if (tree->values[list].kind != PICKLE_LIST)
        return machine_damaged(m, "an OrderedDict of something else than a list");
    oclstm_status status = count_copies(m, tree->values[list].count);
    if (status != OCLSTM_OK)
        return status;
    for (uint32_t i = 0; i < tree->values[list].count; i++) {
        const pickle_value *pair = &tree->values[tree->values[list].items[i]];
        if ((pair->kind != PICKLE_TUPLE && pair->kind != PICKLE_LIST) || pair->count != 2)
            return machine_damaged(m, "an OrderedDict of something else than pairs");
        if (!pickle_add_items(tree, dict, pair->items, 2))
            return machine_no_memory(m);
    }
    return OCLSTM_OK;
}

oclstm_status machine_call(machine *m) {
    if (!machine_has(m, 2))
        return machine_damaged(m, "a call without function and arguments");
    pickle *tree = m->tree;
    const uint32_t arguments = m->stack[m->depth - 1], function = m->stack[m->depth - 2];
    if (tree->values[function].kind != PICKLE_GLOBAL || tree->values[arguments].kind != PICKLE_TUPLE)
        return machine_damaged(m, "a call of something that is no function");
    m->depth -= 2;
    const int64_t number = tree->values[function].number;
    uint32_t made = 0;
    if (number == GLOBAL_REBUILD_PARAMETER || number == GLOBAL_SIZE) {
        if (tree->values[arguments].count < 1)
            return machine_damaged(m, "a call with too few arguments");
        return machine_push(m, tree->values[arguments].items[0]);
    }
    if (number >= GLOBAL_STORAGE)
        return machine_damaged(m, "a call of a storage type");
    oclstm_status counted = count_copies(m, tree->values[arguments].count);
    if (counted != OCLSTM_OK)
        return counted;
    if (!pickle_make(tree, number == GLOBAL_ORDERED_DICT ? PICKLE_DICT : PICKLE_TENSOR, &made))
        return machine_no_memory(m);
    if (number == GLOBAL_ORDERED_DICT) {
        oclstm_status status = fill_dict(m, made, arguments);
        if (status != OCLSTM_OK)
            return status;
    } else if (!pickle_add_items(tree, made, tree->values[arguments].items, tree->values[arguments].count)) {
        return machine_no_memory(m);
    }
    return machine_push(m, made);
}

// An object's attributes: a state_dict has its modules' versions there. They are of no use here.
oclstm_status machine_build(machine *m) {
    if (!machine_has(m, 2) || m->tree->values[m->stack[m->depth - 2]].kind != PICKLE_DICT)
        return machine_damaged(m, "attributes of something that has none");
    m->depth--;
    return OCLSTM_OK;
}

oclstm_status machine_persistent_id(machine *m) {
    uint32_t storage;
    if (!machine_has(m, 1))
        return machine_damaged(m, "a persistent id that is missing");
    if (!pickle_make(m->tree, PICKLE_STORAGE, &storage) || !pickle_add_item(m->tree, storage, m->stack[m->depth - 1]))
        return machine_no_memory(m);
    m->stack[m->depth - 1] = storage;
    return OCLSTM_OK;
}

// --- collections --------------------------------------------------------------------------------------------------------

oclstm_status machine_set_mark(machine *m) {
    void *marks = m->marks;
    if (!pickle_grow(&marks, &m->mark_capacity, m->mark_count, sizeof *m->marks))
        return machine_no_memory(m);
    m->marks = marks;
    m->marks[m->mark_count++] = m->depth;
    return OCLSTM_OK;
}

// A new collection of the top `count` values.
oclstm_status machine_collect(machine *m, pickle_kind kind, size_t count) {
    uint32_t made;
    if (!machine_has(m, count))
        return machine_damaged(m, "a collection of more values than there are");
    if (kind == PICKLE_DICT && count % 2 != 0)
        return machine_damaged(m, "a key without a value");
    // Before the first value there is no stack, not even to add 0 to.
    if (!pickle_make(m->tree, kind, &made) || (count > 0 && !pickle_add_items(m->tree, made, m->stack + m->depth - count, count)))
        return machine_no_memory(m);
    m->depth -= count;
    return machine_push(m, made);
}

oclstm_status machine_pop_mark(machine *m, size_t *count) {
    if (m->mark_count == 0)
        return machine_damaged(m, "a mark that is missing");
    *count = m->depth - m->marks[--m->mark_count];
    return OCLSTM_OK;
}

oclstm_status machine_collect_from_mark(machine *m, pickle_kind kind) {
    size_t count = 0;
    oclstm_status status = machine_pop_mark(m, &count);
    return status == OCLSTM_OK ? machine_collect(m, kind, count) : status;
}

// The top `count` values go into the collection below them.
oclstm_status machine_put_into(machine *m, pickle_kind kind, size_t count) {
    if (!machine_has(m, count + 1) || m->tree->values[m->stack[m->depth - count - 1]].kind != kind)
        return machine_damaged(m, kind == PICKLE_DICT ? "entries of something that is no dictionary"
                                                      : "elements of something that is no list");
    if (kind == PICKLE_DICT && count % 2 != 0)
        return machine_damaged(m, "a key without a value");
    if (!pickle_add_items(m->tree, m->stack[m->depth - count - 1], m->stack + m->depth - count, count))
        return machine_no_memory(m);
    m->depth -= count;
    return OCLSTM_OK;
}

oclstm_status machine_put_from_mark(machine *m, pickle_kind kind) {
    size_t count = 0;
    oclstm_status status = machine_pop_mark(m, &count);
    return status == OCLSTM_OK ? machine_put_into(m, kind, count) : status;
}

// --- the memo -----------------------------------------------------------------------------------------------------------

oclstm_status machine_remember(machine *m, uint64_t place) {
    if (!machine_has(m, 1))
        return machine_damaged(m, "nothing to remember");
    // A pickler numbers them from 0 in the order of the stream.
    if (place > m->at)
        return machine_damaged(m, "a memo number beyond the length of the stream");
    while (place >= m->memo_capacity) {
        void *memo = m->memo;
        if (!pickle_grow(&memo, &m->memo_capacity, m->memo_capacity, sizeof *m->memo))
            return machine_no_memory(m);
        m->memo = memo;
    }
    m->memo[place] = m->stack[m->depth - 1] + 1;
    if (place >= m->memo_next)
        m->memo_next = (size_t)place + 1;
    return OCLSTM_OK;
}

oclstm_status machine_recall(machine *m, uint64_t place) {
    if (place >= m->memo_capacity || m->memo[place] == 0)
        return machine_damaged(m, "a memo number that was never set");
    return machine_push(m, m->memo[place] - 1);
}

oclstm_status machine_memo_by_number(machine *m, size_t count, bool is_get) {
    uint64_t place;
    if (!machine_take_number(m, count, &place))
        return machine_truncated(m);
    return is_get ? machine_recall(m, place) : machine_remember(m, place);
}

oclstm_status machine_memo_by_line(machine *m, bool is_get) {
    oclstm_status status = machine_push_line_number(m, false);
    if (status != OCLSTM_OK)
        return status;
    const pickle_value place = m->tree->values[m->stack[--m->depth]];
    if (place.kind != PICKLE_INT || place.number < 0)
        return machine_damaged(m, "a memo number that is none");
    return is_get ? machine_recall(m, (uint64_t)place.number) : machine_remember(m, (uint64_t)place.number);
}
