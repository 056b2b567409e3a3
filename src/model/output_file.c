// SPDX-License-Identifier: Apache-2.0
#define _XOPEN_SOURCE 700 // realpath()

#include "model/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/output_stream.h"

#define NAME_TRIES      100
#define BASE_NAME_BYTES 200 // of the name in the temporary one, so that it stays a legal name
#define WRITE_BYTES     ((size_t)1 << 30)

static char *copy_text(const char *text) {
    char *copy = base_alloc(strlen(text) + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, strlen(text) + 1);
    return copy;
}

// Where the path leads: sets target, or leaves it NULL for a stream, and existing_mode to that of a file that is there (or 0).
static oclstm_status resolve(output_file *out, mode_t *existing_mode, oclstm_error *error) {
    struct stat info;
    *existing_mode = 0;
    if (model_output_is_descriptor(out->path))
        return OCLSTM_OK;
    if (stat(out->path, &info) != 0) {
        if (errno != ENOENT)
            return base_fail_errno(error, OCLSTM_IO, "stat", errno, "cannot write '%s'", out->path);
        if (*out->path == '\0')
            return base_fail(error, OCLSTM_IO, "cannot write a file without a name: the path is empty");
        if (lstat(out->path, &info) == 0)
            return base_fail(error, OCLSTM_IO, "cannot write '%s': it is a symbolic link that leads nowhere; remove it first",
                             out->path);
        out->target = copy_text(out->path);
        return out->target != NULL ? OCLSTM_OK : base_fail_memory(error, strlen(out->path) + 1, "a path");
    }
    if (S_ISDIR(info.st_mode))
        return base_fail(error, OCLSTM_IO, "cannot write '%s': it is a directory, expected a file name", out->path);
    if (access(out->path, W_OK) != 0)
        return base_fail_errno(error, OCLSTM_IO, "access", errno, "cannot write '%s'", out->path);
    if (!S_ISREG(info.st_mode))
        return OCLSTM_OK;
    *existing_mode = info.st_mode & 0777;
    out->target = realpath(out->path, NULL);
    if (out->target == NULL)
        return base_fail_errno(error, errno == ENOMEM ? OCLSTM_OUT_OF_MEMORY : OCLSTM_IO, "realpath", errno, "cannot write '%s'",
                               out->path);
    return OCLSTM_OK;
}

// mkstemp() would make the file private to its owner, and the umask cannot be asked for without changing it.
static oclstm_status create_beside(output_file *out, oclstm_error *error) {
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *slash = strrchr(out->target, '/');
    const char *base = slash == NULL ? out->target : slash + 1;
    size_t capacity = strlen(out->target) + sizeof ".partial-XXXXXX";
    out->temporary = base_alloc(capacity, 1);
    if (out->temporary == NULL)
        return base_fail_memory(error, capacity, "a path");
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = ((uint64_t)now.tv_nsec << 20) ^ (uint64_t)now.tv_sec ^ ((uint64_t)getpid() << 32);
    for (int tries = 0; tries < NAME_TRIES; tries++) {
        char tail[7] = "";
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        for (int i = 0; i < 6; i++)
            tail[i] = letters[(seed >> (16 + 6 * i)) % (sizeof letters - 1)];
        snprintf(out->temporary, capacity, "%.*s%.*s.partial-%s", (int)(base - out->target), out->target, BASE_NAME_BYTES, base,
                 tail);
        out->fd = open(out->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (out->fd >= 0 || errno != EEXIST)
            break;
    }
    if (out->fd >= 0)
        return OCLSTM_OK;
    int reason = errno;
    free(out->temporary); // nothing to remove
    out->temporary = NULL;
    return base_fail_errno(error, OCLSTM_IO, "open", reason, "cannot create '%s': its folder must exist and be writable",
                           out->path);
}

static oclstm_status reserve(const output_file *out, oclstm_error *error) {
    int reason;
    do {
        reason = posix_fallocate(out->fd, 0, (off_t)out->size_bytes);
    } while (reason == EINTR);
    // A file system that cannot reserve: then at least it says now whether a file may be so long.
    if ((reason == EOPNOTSUPP || reason == EINVAL) && ftruncate(out->fd, (off_t)out->size_bytes) != 0)
        reason = errno;
    else if (reason == EOPNOTSUPP || reason == EINVAL)
        reason = 0;
    if (reason != 0)
        return base_fail_errno(error, OCLSTM_IO, "posix_fallocate", reason, "no room for '%s': %" PRIu64 " bytes were asked for%s",
                               out->path, out->size_bytes, out->target == NULL ? " in the temporary folder (TMPDIR moves it)" : "");
    return OCLSTM_OK;
}

oclstm_status model_output_file_create(output_file *out, const char *path, uint64_t size_bytes, oclstm_error *error) {
    *out = (output_file){.fd = -1, .size_bytes = size_bytes};
    mode_t existing_mode = 0;
    oclstm_status status;
    if (size_bytes > INT64_MAX)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "'%s' would have %" PRIu64 " bytes, more than a file can", path,
                         size_bytes);
    out->path = copy_text(path);
    if (out->path == NULL)
        return base_fail_memory(error, strlen(path) + 1, "a path");
    status = resolve(out, &existing_mode, error);
    if (status != OCLSTM_OK)
        goto fail;
    status = out->target != NULL ? create_beside(out, error) : model_output_stream_spool(&out->fd, path, error);
    if (status != OCLSTM_OK)
        goto fail;
    // The permissions of what is replaced stay as they are, where the file system lets them.
    if (existing_mode != 0 && fchmod(out->fd, existing_mode) != 0)
        errno = 0;
    status = reserve(out, error);
    if (status != OCLSTM_OK)
        goto fail;
    return OCLSTM_OK;
fail:
    model_output_file_discard(out);
    return status;
}

oclstm_status model_output_file_write(const output_file *file, uint64_t offset, const void *src, size_t size_bytes,
                                      oclstm_error *error) {
    const char *from = src;
    while (size_bytes > 0) {
        ssize_t written = pwrite(file->fd, from, size_bytes < WRITE_BYTES ? size_bytes : WRITE_BYTES, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return base_fail_errno(error, OCLSTM_IO, "pwrite", written < 0 ? errno : ENOSPC,
                                   "cannot write %zu bytes at %" PRIu64 " of '%s'", size_bytes, offset, file->path);
        from += written;
        offset += (uint64_t)written;
        size_bytes -= (size_t)written;
    }
    return OCLSTM_OK;
}

// The name itself on its disk, so that it leads to the new file after a power cut as well; before it, to the old one. Some file systems have no such
// thing: the file is whole either way.
static void sync_folder(char *target) {
    char *slash = strrchr(target, '/');
    const char kept = slash != NULL ? slash[1] : '\0';
    if (slash != NULL)
        slash[1] = '\0';
    const int folder = open(slash != NULL ? target : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (slash != NULL)
        slash[1] = kept;
    if (folder < 0)
        return;
    (void)fsync(folder);
    close(folder);
}

static oclstm_status publish(output_file *file, oclstm_error *error) {
    // EINVAL, ENOSYS: a file system that has nothing to synchronise.
    if (fsync(file->fd) != 0 && errno != EINVAL && errno != ENOSYS)
        return base_fail_errno(error, OCLSTM_IO, "fsync", errno, "cannot write '%s' to its disk", file->path);
    int closed = close(file->fd);
    file->fd = -1;
    if (closed != 0 && errno != EINTR)
        return base_fail_errno(error, OCLSTM_IO, "close", errno, "cannot write '%s'", file->path);
    if (rename(file->temporary, file->target) != 0)
        return base_fail_errno(error, OCLSTM_IO, "rename", errno, "cannot give '%s' its name", file->path);
    free(file->temporary); // it is the target now
    file->temporary = NULL;
    sync_folder(file->target);
    return OCLSTM_OK;
}

oclstm_status model_output_file_commit(output_file *file, oclstm_error *error) {
    oclstm_status status;
    if (file->target != NULL)
        status = publish(file, error);
    else
        status = model_output_stream_copy(file->fd, file->path, file->size_bytes, error);
    model_output_file_discard(file);
    return status;
}

void model_output_file_discard(output_file *file) {
    if (file->fd >= 0)
        close(file->fd);
    if (file->temporary != NULL)
        unlink(file->temporary);
    free(file->temporary);
    free(file->target);
    free(file->path);
    *file = (output_file){.fd = -1};
}
