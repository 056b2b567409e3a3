// SPDX-License-Identifier: Apache-2.0
// An entry of the kernel cache as bytes: what it was built from, whole, and the binary. Reads and writes memory only.
//
//     "OCLSTMK\n"                   magic
//     u32 1                         format version
//     u32 KEY_PARTS + 2             number of fields
//     u64 length, bytes             each field: the parts of the key, the kernels' names with ';' between, the binary
//     u64                           FNV-1a of everything before it
//
// Numbers are little-endian. An entry is used only when it holds to this to the byte and its key is the one asked for.
#ifndef OCLSTM_DEVICE_KERNEL_ENTRY_H
#define OCLSTM_DEVICE_KERNEL_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What a binary depends on.
enum {
    KEY_LIBRARY, // the library's version
    KEY_PLATFORM,
    KEY_PLATFORM_VERSION,
    KEY_DEVICE,
    KEY_DEVICE_VERSION,
    KEY_DRIVER,
    KEY_FILES, // of cl/
    KEY_OPTIONS,
    KEY_SOURCE, // the whole text
    KEY_PARTS
};

typedef struct kernel_key {
    const char *parts[KEY_PARTS];
} kernel_key;

typedef struct kernel_span {
    const unsigned char *bytes;
    size_t length;
} kernel_span;

// Points into the bytes that were parsed.
typedef struct kernel_entry {
    kernel_span key[KEY_PARTS];
    kernel_span names;
    kernel_span binary;
} kernel_entry;

// FNV-1a, 64 bits, over the bytes and what came before.
#define KERNEL_HASH_START 0xCBF29CE484222325u
uint64_t kernel_hash(uint64_t hash, const void *bytes, size_t length);

// Over all parts, each with its closing zero byte.
uint64_t kernel_key_hash(const kernel_key *key);

// False, with the reason, for anything but a whole entry. The key may be any.
bool kernel_entry_parse(kernel_entry *out, const unsigned char *bytes, size_t length, const char **why);

bool kernel_entry_matches(const kernel_entry *entry, const kernel_key *key);

// The entry's bytes, to be freed; NULL when there is no memory for them.
unsigned char *kernel_entry_format(const kernel_key *key, const char *names, const unsigned char *binary, size_t binary_length,
                                   size_t *length);

#endif
