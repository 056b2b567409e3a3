// SPDX-License-Identifier: Apache-2.0
// The stack machine of a pickle: its state and what its instructions do. Each instruction takes at least one byte and makes at most one value, so
// memory follows from the length of the stream.
#ifndef OCLSTM_MODEL_PICKLE_MACHINE_H
#define OCLSTM_MODEL_PICKLE_MACHINE_H

#include "model/pickle.h"

typedef struct machine {
    pickle *tree;
    const unsigned char *bytes;
    size_t size, at;
    uint32_t *stack;
    size_t depth, stack_capacity;
    size_t *marks; // depths of the stack
    size_t mark_count, mark_capacity;
    uint32_t *memo; // the number of a value + 1; 0 = nothing
    size_t memo_capacity, memo_next;
    size_t copied; // values that calls have copied: a stream may not make that grow faster than itself
    const char *what;
    oclstm_error *error;
} machine;

oclstm_status machine_damaged(const machine *m, const char *fault);
oclstm_status machine_no_memory(const machine *m);
oclstm_status machine_truncated(const machine *m);
bool machine_take(machine *m, size_t count, const unsigned char **out);
bool machine_take_number(machine *m, size_t count, uint64_t *out);
bool machine_take_line(machine *m, const char **text, size_t *count);
oclstm_status machine_push(machine *m, uint32_t value);
oclstm_status machine_push_new(machine *m, const pickle_value *value);
bool machine_has(const machine *m, size_t count);
oclstm_status machine_push_int(machine *m, int64_t number);
oclstm_status machine_push_number(machine *m, size_t count, bool is_signed);
oclstm_status machine_push_bool(machine *m, bool truth);
oclstm_status machine_push_text(machine *m, pickle_kind kind, size_t length_bytes);
oclstm_status machine_push_long(machine *m, size_t length_bytes);
oclstm_status machine_push_line_number(machine *m, bool is_real);
oclstm_status machine_push_float(machine *m);
oclstm_status machine_global_by_lines(machine *m);
oclstm_status machine_global_by_stack(machine *m);
oclstm_status machine_call(machine *m);
oclstm_status machine_build(machine *m);
oclstm_status machine_persistent_id(machine *m);
oclstm_status machine_set_mark(machine *m);
oclstm_status machine_collect(machine *m, pickle_kind kind, size_t count);
oclstm_status machine_pop_mark(machine *m, size_t *count);
oclstm_status machine_collect_from_mark(machine *m, pickle_kind kind);
oclstm_status machine_put_into(machine *m, pickle_kind kind, size_t count);
oclstm_status machine_put_from_mark(machine *m, pickle_kind kind);
oclstm_status machine_remember(machine *m, uint64_t place);
oclstm_status machine_recall(machine *m, uint64_t place);
oclstm_status machine_memo_by_number(machine *m, size_t count, bool is_get);
oclstm_status machine_memo_by_line(machine *m, bool is_get);

#endif
