// SPDX-License-Identifier: Apache-2.0
// A Python pickle (protocols 0 to 5), read as data. The stream is a program for a small stack machine; the machine here knows numbers, strings,
// tuples, lists, dictionaries and a fixed list of names (pickle_global). A name that is not on it is refused: nothing is looked up, imported or called.
// Source: CPython's Lib/pickletools.py, which describes every opcode.
#ifndef OCLSTM_MODEL_PICKLE_H
#define OCLSTM_MODEL_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oclstm/array.h>

typedef enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,   // number: 0 or 1
    PICKLE_INT,    // number
    PICKLE_LONG,   // text: an integer beyond 64 bits, little-endian, two's complement
    PICKLE_FLOAT,  // real
    PICKLE_STRING, // text, of a string or of bytes
    PICKLE_TUPLE,  // items
    PICKLE_LIST,   // items
    PICKLE_DICT,   // items: key, value, key, value ...
    PICKLE_GLOBAL, // number: a pickle_global
    PICKLE_TENSOR, // items: the arguments of torch._utils._rebuild_tensor(_v2)
    PICKLE_STORAGE // items: one, the persistent id
} pickle_kind;

// The names that a file of tensors may use, and what becomes of a call.
typedef enum pickle_global {
    GLOBAL_ORDERED_DICT,      // collections.OrderedDict: a dictionary
    GLOBAL_REBUILD_TENSOR,    // torch._utils._rebuild_tensor, _v2: a tensor
    GLOBAL_REBUILD_PARAMETER, // torch._utils._rebuild_parameter: its first argument
    GLOBAL_SIZE,              // torch.Size: a tuple
    GLOBAL_STORAGE,           // torch.FloatStorage and its kind: the element type of a storage, + the oclstm_dtype
} pickle_global;

// A value. Those in a list, tuple or dictionary are numbers of values, so that a cycle is only a number.
typedef struct pickle_value {
    pickle_kind kind;
    uint32_t count; // bytes of text, or items
    uint32_t capacity;
    union {
        int64_t number;
        double real;
        const char *text; // in the stream; not closed by a zero
        uint32_t *items;
    };
} pickle_value;

// What a stream left behind. values[root] is its result.
typedef struct pickle {
    pickle_value *values;
    size_t count, capacity;
    uint32_t root;
    size_t consumed; // bytes, the STOP included
} pickle;

// Reads one stream from the beginning of bytes. `what` names the file in messages. Memory is bounded by a small multiple of size_bytes. Release with
// pickle_free(), also after a failure.
oclstm_status pickle_read(pickle *out, const unsigned char *bytes, size_t size_bytes, const char *what, oclstm_error *error);

void pickle_free(pickle *tree);

// Does the value hold this text?
bool pickle_is_text(const pickle_value *value, const char *text);

// The element type of a GLOBAL_STORAGE.
#define PICKLE_STORAGE_DTYPE(value) ((oclstm_dtype)((value)->number - GLOBAL_STORAGE))

#endif
