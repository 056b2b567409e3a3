// SPDX-License-Identifier: Apache-2.0
// What brings something from the stream onto the stack.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/pickle_machine.h"
#include "model/pickle_values.h"

// --- faults -------------------------------------------------------------------------------------------------------------

oclstm_status machine_damaged(const machine *m, const char *fault) {
    return base_fail(m->error, OCLSTM_FORMAT, "'%s': its pickle is damaged at byte %zu: %s", m->what, m->at, fault);
}

oclstm_status machine_no_memory(const machine *m) { return base_fail_memory(m->error, m->size, "a pickle"); }

oclstm_status machine_truncated(const machine *m) {
    return base_fail(m->error, OCLSTM_FORMAT, "'%s' is truncated: its pickle ends within an instruction, at byte %zu", m->what,
                     m->size);
}

// --- the stream ---------------------------------------------------------------------------------------------------------

bool machine_take(machine *m, size_t count, const unsigned char **out) {
    if (count > m->size - m->at)
        return false;
    *out = m->bytes + m->at;
    m->at += count;
    return true;
}

// An unsigned little-endian number of 1 to 8 bytes.
bool machine_take_number(machine *m, size_t count, uint64_t *out) {
    const unsigned char *from;
    if (!machine_take(m, count, &from))
        return false;
    *out = 0;
    for (size_t i = 0; i < count; i++)
        *out |= (uint64_t)from[i] << (8 * i);
    return true;
}

// Up to the end of the line, which is left out.
bool machine_take_line(machine *m, const char **text, size_t *count) {
    const unsigned char *from = m->bytes + m->at, *end = memchr(from, '\n', m->size - m->at);
    if (end == NULL)
        return false;
    *text = (const char *)from;
    *count = (size_t)(end - from);
    m->at += *count + 1;
    return true;
}

// --- the stack ----------------------------------------------------------------------------------------------------------

oclstm_status machine_push(machine *m, uint32_t value) {
    void *stack = m->stack;
    if (!pickle_grow(&stack, &m->stack_capacity, m->depth, sizeof *m->stack))
        return machine_no_memory(m);
    m->stack = stack;
    m->stack[m->depth++] = value;
    return OCLSTM_OK;
}

oclstm_status machine_push_new(machine *m, const pickle_value *value) {
    uint32_t made;
    if (!pickle_make(m->tree, value->kind, &made))
        return machine_no_memory(m);
    m->tree->values[made] = *value;
    return machine_push(m, made);
}

// What lies above the last mark may be popped, no more.
bool machine_has(const machine *m, size_t count) {
    const size_t floor = m->mark_count > 0 ? m->marks[m->mark_count - 1] : 0;
    return m->depth - floor >= count;
}

oclstm_status machine_push_int(machine *m, int64_t number) {
    return machine_push_new(m, &(pickle_value){.kind = PICKLE_INT, .number = number});
}

oclstm_status machine_push_number(machine *m, size_t count, bool is_signed) {
    uint64_t number;
    if (!machine_take_number(m, count, &number))
        return machine_truncated(m);
    if (is_signed && count == 4)
        return machine_push_int(m, (int32_t)(uint32_t)number);
    return machine_push_int(m, (int64_t)number);
}

oclstm_status machine_push_bool(machine *m, bool truth) {
    return machine_push_new(m, &(pickle_value){.kind = PICKLE_BOOL, .number = truth});
}

// A count of length_bytes, then so many bytes.
oclstm_status machine_push_text(machine *m, pickle_kind kind, size_t length_bytes) {
    uint64_t count;
    const unsigned char *text;
    if (!machine_take_number(m, length_bytes, &count) || count > m->size - m->at || !machine_take(m, (size_t)count, &text))
        return machine_truncated(m);
    if (count > UINT32_MAX)
        return machine_damaged(m, "a text of more than 4 GiB");
    return machine_push_new(m, &(pickle_value){.kind = kind, .text = (const char *)text, .count = (uint32_t)count});
}

// Protocol 1's long: two's complement of any length.
oclstm_status machine_push_long(machine *m, size_t length_bytes) {
    oclstm_status status = machine_push_text(m, PICKLE_LONG, length_bytes);
    if (status != OCLSTM_OK)
        return status;
    pickle_value *value = &m->tree->values[m->stack[m->depth - 1]];
    if (value->count > 8)
        return OCLSTM_OK;
    uint64_t number = 0;
    for (uint32_t i = 0; i < value->count; i++)
        number |= (uint64_t)(unsigned char)value->text[i] << (8 * i);
    if (value->count > 0 && value->count < 8 && ((unsigned char)value->text[value->count - 1] & 0x80) != 0)
        number |= UINT64_MAX << (8 * value->count);
    *value = (pickle_value){.kind = PICKLE_INT, .number = (int64_t)number};
    return OCLSTM_OK;
}

// A number as a line of text: INT, LONG and FLOAT of protocol 0.
oclstm_status machine_push_line_number(machine *m, bool is_real) {
    const char *text;
    size_t count;
    char copy[64], *end;
    if (!machine_take_line(m, &text, &count))
        return machine_truncated(m);
    if (count == 0 || count >= sizeof copy)
        return machine_damaged(m, "a number that is empty or too long");
    memcpy(copy, text, count);
    copy[count] = '\0';
    if (!is_real && (strcmp(copy, "00") == 0 || strcmp(copy, "01") == 0))
        return machine_push_bool(m, copy[1] == '1');
    if (is_real) {
        const double real = strtod(copy, &end);
        if (end != copy + count)
            return machine_damaged(m, "a number that is none");
        return machine_push_new(m, &(pickle_value){.kind = PICKLE_FLOAT, .real = real});
    }
    errno = 0;
    const long long number = strtoll(copy, &end, 10);
    if (errno == ERANGE)
        return machine_damaged(m, "a number of more than 64 bits");
    if (end != copy && *end == 'L')
        end++;
    return end != copy && end == copy + count ? machine_push_int(m, number) : machine_damaged(m, "a number that is none");
}

oclstm_status machine_push_float(machine *m) {
    const unsigned char *from;
    if (!machine_take(m, 8, &from))
        return machine_truncated(m);
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | from[i]; // the one big-endian number of the format
    pickle_value value = {.kind = PICKLE_FLOAT};
    memcpy(&value.real, &bits, sizeof bits);
    return machine_push_new(m, &value);
}
