// SPDX-License-Identifier: Apache-2.0
#include "model/output_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define COPY_BYTES ((size_t)64 << 10)

// The number of the descriptor, -1 for any other path.
static int descriptor_of(const char *path) {
    static const struct {
        const char *path;
        int fd;
    } names[] = {{"/dev/stdin", 0}, {"/dev/stdout", 1}, {"/dev/stderr", 2}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(path, names[i].path) == 0)
            return names[i].fd;
    }
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t length = strlen(folders[i]);
        size_t digits = strncmp(path, folders[i], length) == 0 ? strspn(path + length, "0123456789") : 0;
        if (digits > 0 && digits < 9 && path[length + digits] == '\0')
            return (int)strtol(path + length, NULL, 10);
    }
    return -1;
}

bool model_output_is_descriptor(const char *path) { return descriptor_of(path) >= 0; }

oclstm_status model_output_stream_spool(int *fd, const char *path, oclstm_error *error) {
    char name[4096];
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || *folder == '\0')
        folder = "/tmp";
    int length = snprintf(name, sizeof name, "%s/oclstm-XXXXXX", folder);
    *fd = -1;
    if (length < 0 || (size_t)length >= sizeof name)
        errno = ENAMETOOLONG;
    else
        *fd = mkstemp(name);
    if (*fd < 0)
        return base_fail_errno(error, OCLSTM_IO, "mkstemp", errno,
                               "cannot create a temporary file for '%s' in '%.200s' (TMPDIR moves it)", path, folder);
    unlink(name);
    fcntl(*fd, F_SETFD, FD_CLOEXEC);
    return OCLSTM_OK;
}

static oclstm_status fail_write(const char *path, oclstm_error *error) {
    return base_fail_errno(error, OCLSTM_IO, "write", errno, "cannot write to '%s'", path);
}

static oclstm_status write_whole(int to, const char *path, const char *src, size_t size_bytes, oclstm_error *error) {
    while (size_bytes > 0) {
        ssize_t written = write(to, src, size_bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail_write(path, error);
        src += written;
        size_bytes -= (size_t)written;
    }
    return OCLSTM_OK;
}

oclstm_status model_output_stream_copy(int fd, const char *path, uint64_t size_bytes, oclstm_error *error) {
    char buffer[COPY_BYTES];
    int number = descriptor_of(path);
    // A duplicate keeps the position that the caller's shell has in a file, and reaches sockets, which cannot be opened by name.
    int to = number >= 0 ? fcntl(number, F_DUPFD_CLOEXEC, 3) : open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (to < 0)
        return base_fail_errno(error, OCLSTM_IO, number >= 0 ? "fcntl" : "open", errno, "cannot open '%s' for writing", path);
    oclstm_status status = OCLSTM_OK;
    for (uint64_t done = 0; status == OCLSTM_OK && done < size_bytes;) {
        size_t wanted = size_bytes - done < sizeof buffer ? (size_t)(size_bytes - done) : sizeof buffer;
        ssize_t found = pread(fd, buffer, wanted, (off_t)done);
        if (found < 0 && errno == EINTR)
            continue;
        if (found <= 0) {
            status =
                base_fail_errno(error, OCLSTM_IO, "pread", found < 0 ? errno : EIO, "cannot read back what goes to '%s'", path);
        } else {
            status = write_whole(to, path, buffer, (size_t)found, error);
            done += (uint64_t)found;
        }
    }
    if (close(to) != 0 && errno != EINTR && status == OCLSTM_OK)
        status = fail_write(path, error);
    return status;
}
