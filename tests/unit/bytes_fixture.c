// SPDX-License-Identifier: Apache-2.0
#include "bytes_fixture.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

void bytes_free(bytes *block) {
    free(block->data);
    *block = (bytes){0};
}

void put(bytes *to, const void *from, size_t count) {
    if (count == 0)
        return;
    if (to->count + count > to->capacity) {
        to->capacity = 2 * (to->count + count);
        to->data = realloc(to->data, to->capacity);
        ck_assert_ptr_nonnull(to->data);
    }
    memcpy(to->data + to->count, from, count);
    to->count += count;
}

void put_text(bytes *to, const char *text) { put(to, text, strlen(text)); }

void put_number(bytes *to, uint64_t number, size_t byte_count) {
    for (; byte_count > 0; byte_count--, number >>= 8)
        put(to, &(unsigned char){(unsigned char)number}, 1);
}

void put_block(bytes *to, const bytes *from) { put(to, from->data, from->count); }

// --- pickles ------------------------------------------------------------------------------------------------------------

void pickle_text(bytes *to, const char *text) {
    put_text(to, "X");
    put_number(to, strlen(text), 4);
    put_text(to, text);
}

void pickle_int(bytes *to, int32_t number) {
    put_text(to, "J");
    put_number(to, (uint32_t)number, 4);
}

void pickle_name(bytes *to, const char *module, const char *name) {
    put_text(to, "c");
    put_text(to, module);
    put_text(to, "\n");
    put_text(to, name);
    put_text(to, "\n");
}

static void put_tuple(bytes *to, int count, const int32_t *numbers) {
    put_text(to, "(");
    for (int i = 0; i < count; i++)
        pickle_int(to, numbers[i]);
    put_text(to, "t");
}

void pickle_put_tensor(bytes *to, const pickle_tensor *tensor) {
    pickle_name(to, "torch._utils", "_rebuild_tensor_v2");
    put_text(to, "((");
    pickle_text(to, "storage");
    pickle_name(to, "torch", tensor->type);
    pickle_text(to, tensor->key);
    pickle_text(to, "cpu");
    pickle_int(to, tensor->elements);
    put_text(to, "tQ");
    pickle_int(to, tensor->offset);
    put_tuple(to, tensor->rank, tensor->shape);
    put_tuple(to, tensor->rank, tensor->strides);
    put_text(to, "\x89"); // requires_grad
    pickle_name(to, "collections", "OrderedDict");
    put_text(to, ")RtR");
}

void pickle_put_state(bytes *to, const pickle_tensor *tensor) {
    put_text(to, "\x80\x02}");
    pickle_text(to, "w");
    pickle_put_tensor(to, tensor);
    put_text(to, "s.");
}

void put_legacy(bytes *to, const bytes *object, const char *key, uint64_t elements, const bytes *data) {
    put_text(to, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.");
    put_block(to, object);
    put_text(to, "\x80\x02](");
    pickle_text(to, key);
    put_text(to, "e.");
    put_number(to, elements, 8);
    put_block(to, data);
}

// --- protocol buffers ---------------------------------------------------------------------------------------------------

static void put_varint(bytes *to, uint64_t number) {
    for (; number >= 0x80; number >>= 7)
        put_number(to, (number & 0x7f) | 0x80, 1);
    put_number(to, number, 1);
}

void proto_number(bytes *to, unsigned field, uint64_t number) {
    put_varint(to, field << 3);
    put_varint(to, number);
}

void proto_bytes(bytes *to, unsigned field, const void *from, size_t count) {
    put_varint(to, field << 3 | 2);
    put_varint(to, count);
    put(to, from, count);
}

void proto_text(bytes *to, unsigned field, const char *text) { proto_bytes(to, field, text, strlen(text)); }

void proto_message(bytes *to, unsigned field, bytes *message) {
    proto_bytes(to, field, message->data, message->count);
    bytes_free(message);
}

// --- zip archives -------------------------------------------------------------------------------------------------------

static uint32_t crc32_of(const unsigned char *from, size_t count) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        crc ^= from[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

// What a local header and the directory have alike: version, flags, method, time, checksum, sizes, length of the name.
static void put_facts(bytes *to, const char *name, const void *from, size_t count) {
    put_number(to, 20, 2);
    put_number(to, 0, 2);
    put_number(to, 0, 2);
    put_number(to, 0x00210000, 4);
    put_number(to, crc32_of(from, count), 4);
    put_number(to, count, 4);
    put_number(to, count, 4);
    put_number(to, strlen(name), 2);
}

size_t archive_add(archive_builder *zip, const char *name, const void *from, size_t count) {
    const size_t begin = zip->out.count;
    put_text(&zip->out, "PK\x03\x04");
    put_facts(&zip->out, name, from, count);
    put_number(&zip->out, 0, 2);
    put_text(&zip->out, name);
    put(&zip->out, from, count);
    put_text(&zip->directory, "PK\x01\x02");
    put_number(&zip->directory, 20, 2);
    put_facts(&zip->directory, name, from, count);
    put_number(&zip->directory, 0, 12); // extra field, comment, disk, attributes
    put_number(&zip->directory, begin, 4);
    put_text(&zip->directory, name);
    zip->entries++;
    return begin;
}

void archive_end(archive_builder *zip) {
    const size_t begin = zip->out.count;
    put_block(&zip->out, &zip->directory);
    put_text(&zip->out, "PK\x05\x06");
    put_number(&zip->out, 0, 4);
    put_number(&zip->out, zip->entries, 2);
    put_number(&zip->out, zip->entries, 2);
    put_number(&zip->out, zip->directory.count, 4);
    put_number(&zip->out, begin, 4);
    put_number(&zip->out, 0, 2);
}

void archive_free(archive_builder *zip) {
    bytes_free(&zip->out);
    bytes_free(&zip->directory);
    zip->entries = 0;
}

void archive_put_torch(archive_builder *zip, const bytes *pickle, const bytes *storage) {
    archive_add(zip, "m/data.pkl", pickle->data, pickle->count);
    archive_add(zip, "m/byteorder", "little", 6);
    archive_add(zip, "m/data/0", storage->data, storage->count);
    archive_end(zip);
}
