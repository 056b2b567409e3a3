// SPDX-License-Identifier: Apache-2.0
#include "device/kernel_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

// --- reading ----------------------------------------------------------------------------------------------------------

// All of a file whose size is known; false when it ends before.
static bool read_all(int file, unsigned char *bytes, size_t length) {
    while (length > 0) {
        const ssize_t count = read(file, bytes, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}

static const char *distrust(const struct stat *facts, kernel_trust trust) {
    if (!S_ISREG(facts->st_mode))
        return "it is no file";
    if (trust != TRUST_GIVEN && facts->st_uid != geteuid())
        return "it belongs to another user";
    if (trust != TRUST_GIVEN && (facts->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "others may write it";
    if (facts->st_size <= 0)
        return "it is empty";
    if ((uintmax_t)facts->st_size > KERNEL_FILE_BYTES)
        return "it is too large";
    return NULL;
}

unsigned char *kernel_file_read(const char *path, kernel_trust trust, size_t *length, bool *missing, const char **why) {
    struct stat facts;
    unsigned char *bytes = NULL;
    const int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (trust == TRUST_GIVEN ? 0 : O_NOFOLLOW));
    *length = 0;
    *missing = file < 0 && (errno == ENOENT || errno == ENOTDIR);
    *why = *missing ? "it is not there" : "it cannot be opened";
    if (file < 0)
        return NULL;
    *why = fstat(file, &facts) == 0 ? distrust(&facts, trust) : "it cannot be read";
    if (*why == NULL) {
        bytes = base_alloc((size_t)facts.st_size, 1);
        *why = bytes == NULL                                  ? "there is no memory for it"
               : read_all(file, bytes, (size_t)facts.st_size) ? NULL
                                                              : "it cannot be read";
    }
    if (*why == NULL) {
        *length = (size_t)facts.st_size;
        if (trust == TRUST_OWN)
            (void)futimens(file, NULL); // the last use is what decides what is removed first
    } else {
        free(bytes);
        bytes = NULL;
    }
    close(file);
    return bytes;
}

// --- writing ----------------------------------------------------------------------------------------------------------

// Writes all of it and closes the file; errno says why not.
static bool write_all(int file, const unsigned char *bytes, size_t length, unsigned mode) {
    bool written = fchmod(file, (mode_t)mode) == 0;
    while (written && length > 0) {
        const ssize_t count = write(file, bytes, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count == 0)
            errno = ENOSPC;
        written = count > 0;
        if (written) {
            bytes += count;
            length -= (size_t)count;
        }
    }
    const int reason = errno;
    const bool closed = close(file) == 0;
    if (!written)
        errno = reason;
    return written && closed;
}

bool kernel_file_write(const char *path, const void *bytes, size_t length, unsigned mode, const char **call, int *reason) {
    char temporary[1200] = "";
    base_append(temporary, sizeof temporary, "%s.XXXXXX", path);
    *call = NULL;
    *reason = ENAMETOOLONG;
    int file = -1;
    if (strlen(temporary) != strlen(path) + 7) {
        *call = "mkstemp";
    } else if ((file = mkstemp(temporary)) < 0) {
        *call = "mkstemp";
        *reason = errno;
    } else if (!write_all(file, bytes, length, mode)) {
        *call = "write";
        *reason = errno;
    } else if (rename(temporary, path) != 0) {
        *call = "rename";
        *reason = errno;
    }
    if (*call != NULL && file >= 0)
        (void)unlink(temporary);
    return *call == NULL;
}
