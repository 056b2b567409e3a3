// SPDX-License-Identifier: Apache-2.0
// The disk cache of program binaries: files HASH.clbin in the folder `kernels` of the cache folder. Nothing in it is trusted: an entry that is not
// whole, not this user's or not of this key counts as none. A folder that cannot be written is no error.
#ifndef OCLSTM_DEVICE_KERNEL_CACHE_H
#define OCLSTM_DEVICE_KERNEL_CACHE_H

#include <stdint.h>
#include <time.h>

#include "device/kernel_entry.h"

// Bytes that all entries may have together, where OCLSTM_CACHE_BYTES does not say.
#define KERNEL_CACHE_BYTES ((uint64_t)64 << 20)

// The folder; false when there is none (OCLSTM_CACHE_DIR is empty, no HOME).
bool kernel_cache_folder(char *path, size_t capacity);

// The entry for a key: *entry points into the bytes returned, which are to be freed. NULL when there is none to use; why[capacity] says
// why one that is there is not used, and is empty otherwise.
unsigned char *kernel_cache_find(kernel_entry *entry, const kernel_key *key, char *why, size_t capacity);

// Keeps a binary, then removes those unused longest until all are within the limit. False, with the reason, when it was not kept.
bool kernel_cache_store(const kernel_key *key, const char *names, const unsigned char *binary, size_t length, char *why,
                        size_t capacity);

// A file of the cache: an entry, or what a killed writer left.
typedef struct kernel_cache_file {
    char name[32]; // within the folder
    uint64_t size_bytes;
    struct timespec used;
    bool is_entry; // false: a temporary file
} kernel_cache_file;

// The files in the folder, the one unused longest first, to be freed. NULL with a count of 0 when there is none or no memory (*no_memory).
kernel_cache_file *kernel_cache_files(const char *folder, size_t *count, bool *no_memory);

#endif
