// SPDX-License-Identifier: Apache-2.0
#include "device/kernel_entry.h"

#include <string.h>

#include "base/checked.h"
#include "base/memory.h"

static const unsigned char magic[8] = {'O', 'C', 'L', 'S', 'T', 'M', 'K', '\n'};
enum { FORMAT_VERSION = 1, FIELDS = KEY_PARTS + 2, HEADER_BYTES = sizeof magic + 4 + 4, CHECKSUM_BYTES = 8 };

uint64_t kernel_hash(uint64_t hash, const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * 0x100000001B3u;
    return hash;
}

uint64_t kernel_key_hash(const kernel_key *key) {
    uint64_t hash = KERNEL_HASH_START;
    for (int part = 0; part < KEY_PARTS; part++)
        hash = kernel_hash(hash, key->parts[part], strlen(key->parts[part]) + 1);
    return hash;
}

// --- numbers ----------------------------------------------------------------------------------------------------------

static uint64_t get_number(const unsigned char *from, int bytes) {
    uint64_t value = 0;
    for (int i = bytes; i-- > 0;)
        value = value << 8 | from[i];
    return value;
}

static unsigned char *put_number(unsigned char *to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++, value >>= 8)
        *to++ = (unsigned char)(value & 0xFF);
    return to;
}

// --- reading ----------------------------------------------------------------------------------------------------------

bool kernel_entry_parse(kernel_entry *out, const unsigned char *bytes, size_t length, const char **why) {
    *out = (kernel_entry){0};
    *why = "it is cut off";
    if (length < HEADER_BYTES + CHECKSUM_BYTES)
        return false;
    *why = "it is no entry of this format";
    if (memcmp(bytes, magic, sizeof magic) != 0 || get_number(bytes + sizeof magic, 4) != FORMAT_VERSION ||
        get_number(bytes + sizeof magic + 4, 4) != FIELDS)
        return false;
    const unsigned char *at = bytes + HEADER_BYTES, *const end = bytes + length - CHECKSUM_BYTES;
    *why = "it is cut off, or a length in it is wrong";
    for (int field = 0; field < FIELDS; field++) {
        if ((size_t)(end - at) < 8)
            return false;
        const uint64_t wanted = get_number(at, 8);
        at += 8;
        if (wanted > (uint64_t)(end - at))
            return false;
        const kernel_span span = {at, (size_t)wanted};
        at += wanted;
        if (field < KEY_PARTS)
            out->key[field] = span;
        else if (field == KEY_PARTS)
            out->names = span;
        else
            out->binary = span;
    }
    if (at != end)
        return false;
    *why = "its checksum is wrong";
    if (kernel_hash(KERNEL_HASH_START, bytes, (size_t)(end - bytes)) != get_number(end, CHECKSUM_BYTES))
        return false;
    *why = out->binary.length > 0 ? NULL : "it holds no binary";
    return *why == NULL;
}

bool kernel_entry_matches(const kernel_entry *entry, const kernel_key *key) {
    for (int part = 0; part < KEY_PARTS; part++) {
        const size_t length = strlen(key->parts[part]);
        if (entry->key[part].length != length || memcmp(entry->key[part].bytes, key->parts[part], length) != 0)
            return false;
    }
    return true;
}

// --- writing ----------------------------------------------------------------------------------------------------------

static unsigned char *put_field(unsigned char *to, const void *bytes, size_t length) {
    to = put_number(to, length, 8);
    if (length > 0)
        memcpy(to, bytes, length);
    return to + length;
}

unsigned char *kernel_entry_format(const kernel_key *key, const char *names, const unsigned char *binary, size_t binary_length,
                                   size_t *length) {
    size_t total = HEADER_BYTES + CHECKSUM_BYTES + FIELDS * 8;
    bool fits = checked_add(total, binary_length, &total) && checked_add(total, strlen(names), &total);
    for (int part = 0; part < KEY_PARTS; part++)
        fits = fits && checked_add(total, strlen(key->parts[part]), &total);
    unsigned char *bytes = fits ? base_alloc(total, 1) : NULL;
    if (bytes == NULL)
        return NULL;
    memcpy(bytes, magic, sizeof magic);
    unsigned char *to = put_number(bytes + sizeof magic, FORMAT_VERSION, 4);
    to = put_number(to, FIELDS, 4);
    for (int part = 0; part < KEY_PARTS; part++)
        to = put_field(to, key->parts[part], strlen(key->parts[part]));
    to = put_field(to, names, strlen(names));
    to = put_field(to, binary, binary_length);
    put_number(to, kernel_hash(KERNEL_HASH_START, bytes, (size_t)(to - bytes)), CHECKSUM_BYTES);
    *length = total;
    return bytes;
}
