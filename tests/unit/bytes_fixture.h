// SPDX-License-Identifier: Apache-2.0
// Files made byte by byte: numbers, pickles, protocol buffers, zip archives. Each block is one growing array of bytes.
#ifndef OCLSTM_TESTS_BYTES_FIXTURE_H
#define OCLSTM_TESTS_BYTES_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

typedef struct bytes {
    unsigned char *data; // released by bytes_free()
    size_t count, capacity;
} bytes;

void bytes_free(bytes *block);
void put(bytes *to, const void *from, size_t count);
void put_text(bytes *to, const char *text);                     // without its zero
void put_number(bytes *to, uint64_t number, size_t byte_count); // little-endian
void put_block(bytes *to, const bytes *from);

// --- pickles: protocol 2 ------------------------------------------------------------------------------------------------

void pickle_text(bytes *to, const char *text);                     // BINUNICODE
void pickle_int(bytes *to, int32_t number);                        // BININT
void pickle_name(bytes *to, const char *module, const char *name); // GLOBAL

// A tensor of a storage, as torch.save() writes it.
typedef struct pickle_tensor {
    const char *type; // "FloatStorage"
    const char *key;
    int32_t elements, offset;
    int rank;
    int32_t shape[10], strides[10];
} pickle_tensor;

void pickle_put_tensor(bytes *to, const pickle_tensor *tensor);
// A whole pickle: {"w": tensor}.
void pickle_put_state(bytes *to, const pickle_tensor *tensor);

// A file as PyTorch before 1.6 wrote it: the object's pickle, and one storage.
void put_legacy(bytes *to, const bytes *object, const char *key, uint64_t elements, const bytes *data);

// --- protocol buffers ---------------------------------------------------------------------------------------------------

void proto_number(bytes *to, unsigned field, uint64_t number);
void proto_bytes(bytes *to, unsigned field, const void *from, size_t count);
void proto_text(bytes *to, unsigned field, const char *text);
void proto_message(bytes *to, unsigned field, bytes *message); // releases the message

// --- zip archives -------------------------------------------------------------------------------------------------------

typedef struct archive_builder {
    bytes out, directory;
    unsigned entries;
} archive_builder;

// An entry as it is, not compressed. Returns where its local header begins.
size_t archive_add(archive_builder *zip, const char *name, const void *from, size_t count);
// The directory and the end; the archive is zip->out.
void archive_end(archive_builder *zip);
void archive_free(archive_builder *zip);

// NAME/data.pkl, NAME/byteorder ("little") and NAME/data/0.
void archive_put_torch(archive_builder *zip, const bytes *pickle, const bytes *storage);

#endif
