// SPDX-License-Identifier: Apache-2.0
// The instructions of a pickle, by their numbers.
#include <stdlib.h>

#include "base/error.h"
#include "model/pickle_machine.h"
#include "model/pickle_values.h"

static oclstm_status unknown(const machine *m, unsigned char opcode) {
    return base_fail(m->error, OCLSTM_FORMAT,
                     "'%s': its pickle has the instruction 0x%02x at byte %zu, which a file of tensors has no use for; nothing was "
                     "executed. Save the state_dict: torch.save(model.state_dict(), FILE)",
                     m->what, opcode, m->at - 1);
}

// Numbers, strings and constants.
static oclstm_status run_push(machine *m, unsigned char opcode, bool *done) {
    *done = true;
    switch (opcode) {
    case 'N':
        return machine_push_new(m, &(pickle_value){.kind = PICKLE_NONE});
    case 0x88:
    case 0x89:
        return machine_push_bool(m, opcode == 0x88);
    case 'J':
        return machine_push_number(m, 4, true);
    case 'K':
        return machine_push_number(m, 1, false);
    case 'M':
        return machine_push_number(m, 2, false);
    case 0x8a:
        return machine_push_long(m, 1);
    case 0x8b:
        return machine_push_long(m, 4);
    case 'I':
    case 'L':
        return machine_push_line_number(m, false);
    case 'F':
        return machine_push_line_number(m, true);
    case 'G':
        return machine_push_float(m);
    case 0x8c:
    case 'U':
    case 'C':
        return machine_push_text(m, PICKLE_STRING, 1);
    case 'X':
    case 'T':
    case 'B':
        return machine_push_text(m, PICKLE_STRING, 4);
    case 0x8d:
    case 0x8e:
        return machine_push_text(m, PICKLE_STRING, 8);
    default:
        *done = false;
        return OCLSTM_OK;
    }
}

static oclstm_status run_collection(machine *m, unsigned char opcode, bool *done) {
    *done = true;
    switch (opcode) {
    case '(':
        return machine_set_mark(m);
    case ')':
        return machine_collect(m, PICKLE_TUPLE, 0);
    case 0x85:
    case 0x86:
    case 0x87:
        return machine_collect(m, PICKLE_TUPLE, opcode - 0x84u);
    case 't':
        return machine_collect_from_mark(m, PICKLE_TUPLE);
    case ']':
        return machine_collect(m, PICKLE_LIST, 0);
    case 'l':
        return machine_collect_from_mark(m, PICKLE_LIST);
    case '}':
        return machine_collect(m, PICKLE_DICT, 0);
    case 'd':
        return machine_collect_from_mark(m, PICKLE_DICT);
    case 'a':
        return machine_put_into(m, PICKLE_LIST, 1);
    case 'e':
        return machine_put_from_mark(m, PICKLE_LIST);
    case 's':
        return machine_put_into(m, PICKLE_DICT, 2);
    case 'u':
        return machine_put_from_mark(m, PICKLE_DICT);
    default:
        *done = false;
        return OCLSTM_OK;
    }
}

static oclstm_status run_call(machine *m, unsigned char opcode, bool *done) {
    *done = true;
    switch (opcode) {
    case 'c':
        return machine_global_by_lines(m);
    case 0x93:
        return machine_global_by_stack(m);
    case 'R':
        return machine_call(m);
    case 'b':
        return machine_build(m);
    case 'Q':
        return machine_persistent_id(m);
    case 'p':
    case 'g':
        return machine_memo_by_line(m, opcode == 'g');
    case 'q':
    case 'h':
        return machine_memo_by_number(m, 1, opcode == 'h');
    case 'r':
    case 'j':
        return machine_memo_by_number(m, 4, opcode == 'j');
    case 0x94:
        return machine_remember(m, m->memo_next);
    default:
        *done = false;
        return OCLSTM_OK;
    }
}

static oclstm_status run_stack(machine *m, unsigned char opcode) {
    size_t count;
    uint64_t ignored;
    oclstm_status status;
    switch (opcode) {
    case 0x80: // the protocol's number
        return machine_take_number(m, 1, &ignored) ? OCLSTM_OK : machine_truncated(m);
    case 0x95: // a frame: only a hint for reading
        return machine_take_number(m, 8, &ignored) ? OCLSTM_OK : machine_truncated(m);
    case '0':
        if (!machine_has(m, 1))
            return machine_damaged(m, "nothing to drop");
        m->depth--;
        return OCLSTM_OK;
    case '1':
        status = machine_pop_mark(m, &count);
        if (status == OCLSTM_OK)
            m->depth -= count;
        return status;
    case '2':
        return machine_has(m, 1) ? machine_push(m, m->stack[m->depth - 1]) : machine_damaged(m, "nothing to repeat");
    default:
        return unknown(m, opcode);
    }
}

static oclstm_status run_instruction(machine *m, unsigned char opcode) {
    bool done;
    oclstm_status status = run_push(m, opcode, &done);
    if (!done)
        status = run_collection(m, opcode, &done);
    if (!done)
        status = run_call(m, opcode, &done);
    return done ? status : run_stack(m, opcode);
}

oclstm_status pickle_read(pickle *out, const unsigned char *bytes, size_t size_bytes, const char *what, oclstm_error *error) {
    *out = (pickle){0};
    machine m = {.tree = out, .bytes = bytes, .size = size_bytes, .what = what, .error = error};
    oclstm_status status = OCLSTM_OK;
    while (status == OCLSTM_OK) {
        if (m.at == m.size) {
            status = base_fail(error, OCLSTM_FORMAT, "'%s' is truncated: its pickle has no end within %zu bytes", what, size_bytes);
        } else if (bytes[m.at] == '.') {
            m.at++;
            if (m.mark_count != 0 || m.depth != 1)
                status = machine_damaged(&m, "it does not leave one value");
            break;
        } else {
            const unsigned char opcode = bytes[m.at++];
            status = run_instruction(&m, opcode);
        }
    }
    if (status == OCLSTM_OK) {
        out->root = m.stack[0];
        out->consumed = m.at;
    }
    free(m.stack);
    free(m.marks);
    free(m.memo);
    return status;
}
