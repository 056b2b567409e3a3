// SPDX-License-Identifier: Apache-2.0
// Files of kernels: read whole and with distrust, written whole or not at all.
#ifndef OCLSTM_DEVICE_KERNEL_FILE_H
#define OCLSTM_DEVICE_KERNEL_FILE_H

#include <stdbool.h>
#include <stddef.h>

// No program's binary is near this.
#define KERNEL_FILE_BYTES ((size_t)256 << 20)

typedef enum kernel_trust {
    TRUST_GIVEN, // the user named the folder
    TRUST_OWN,   // code of our own making: no link, owned by this user, written by nobody else; notes that it was used
    TRUST_LOOK   // the same, but does not note it
} kernel_trust;

// A file's bytes, to be freed. NULL, with the reason in words, when it is not there (*missing), is no regular file, is not to be trusted, is
// empty, has more than KERNEL_FILE_BYTES or cannot be read. Never waits for what is no file.
unsigned char *kernel_file_read(const char *path, kernel_trust trust, size_t *length, bool *missing, const char **why);

// Writes to a temporary name beside, then renames. False, with the call and errno, when it cannot; then nothing is left.
bool kernel_file_write(const char *path, const void *bytes, size_t length, unsigned mode, const char **call, int *reason);

#endif
