// SPDX-License-Identifier: Apache-2.0
#include "device/kernel_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/cache_folder.h"
#include "device/kernel_file.h"

#define FOLDER    "/kernels"
#define EXTENSION ".clbin"
enum { HASH_DIGITS = 16, PATH_BYTES = 1100 };

// A temporary file is a running process's for a moment; one this old is a dead one's.
static const time_t temporary_seconds = 3600;

bool kernel_cache_folder(char *path, size_t capacity) {
    if (!cache_folder_path(path, capacity))
        return false;
    const size_t length = strlen(path);
    base_append(path, capacity, "%s", FOLDER);
    return strlen(path) == length + strlen(FOLDER);
}

static bool entry_path(char *path, size_t capacity, const kernel_key *key) {
    if (!kernel_cache_folder(path, capacity))
        return false;
    const size_t length = strlen(path);
    base_append(path, capacity, "/%016" PRIx64 EXTENSION, kernel_key_hash(key));
    return strlen(path) == length + 1 + HASH_DIGITS + strlen(EXTENSION);
}

unsigned char *kernel_cache_find(kernel_entry *entry, const kernel_key *key, char *why, size_t capacity) {
    char path[PATH_BYTES];
    const char *reason = NULL;
    size_t length = 0;
    bool missing = false;
    why[0] = '\0';
    if (!entry_path(path, sizeof path, key))
        return NULL;
    unsigned char *bytes = kernel_file_read(path, TRUST_OWN, &length, &missing, &reason);
    if (missing)
        return NULL;
    if (bytes != NULL && kernel_entry_parse(entry, bytes, length, &reason) && !kernel_entry_matches(entry, key))
        reason = "it was made from something else";
    if (bytes != NULL && reason == NULL)
        return bytes;
    free(bytes);
    base_append(why, capacity, "\"%s\" is not used: %s", path, reason);
    return NULL;
}

// --- the limit --------------------------------------------------------------------------------------------------------

static uint64_t limit_bytes(void) {
    const char *text = getenv("OCLSTM_CACHE_BYTES");
    char *end = NULL;
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return KERNEL_CACHE_BYTES;
    errno = 0;
    const unsigned long long wanted = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' ? wanted : KERNEL_CACHE_BYTES;
}

// "0123456789abcdef.clbin", or the same with ".XXXXXX" behind it.
static bool is_of_cache(const char *name, bool *is_entry) {
    if (strspn(name, "0123456789abcdef") != HASH_DIGITS || strncmp(name + HASH_DIGITS, EXTENSION, strlen(EXTENSION)) != 0)
        return false;
    const char *rest = name + HASH_DIGITS + strlen(EXTENSION);
    *is_entry = rest[0] == '\0';
    return *is_entry || (rest[0] == '.' && strlen(rest) == 7);
}

static int compare_used(const void *a, const void *b) {
    const kernel_cache_file *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec)
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    if (x->used.tv_nsec != y->used.tv_nsec)
        return x->used.tv_nsec < y->used.tv_nsec ? -1 : 1;
    return strcmp(x->name, y->name);
}

// Room for one more; false when there is no memory.
static bool grow(kernel_cache_file **files, size_t count, size_t *capacity) {
    if (count < *capacity)
        return true;
    const size_t wanted = *capacity > 0 ? *capacity * 2 : 32;
    kernel_cache_file *grown = base_alloc(wanted, sizeof *grown);
    if (grown == NULL)
        return false;
    if (count > 0)
        memcpy(grown, *files, count * sizeof *grown);
    free(*files);
    *files = grown;
    *capacity = wanted;
    return true;
}

kernel_cache_file *kernel_cache_files(const char *folder, size_t *count, bool *no_memory) {
    kernel_cache_file *files = NULL;
    size_t capacity = 0;
    *count = 0;
    *no_memory = false;
    DIR *stream = opendir(folder);
    for (const struct dirent *item; stream != NULL && !*no_memory && (item = readdir(stream)) != NULL;) {
        struct stat facts;
        bool is_entry;
        if (!is_of_cache(item->d_name, &is_entry) || fstatat(dirfd(stream), item->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0 ||
            S_ISDIR(facts.st_mode))
            continue;
        *no_memory = !grow(&files, *count, &capacity);
        if (*no_memory)
            continue;
        kernel_cache_file *file = &files[(*count)++];
        *file = (kernel_cache_file){.size_bytes = (uint64_t)facts.st_size, .used = facts.st_mtim, .is_entry = is_entry};
        base_copy_string(file->name, sizeof file->name, item->d_name);
    }
    if (stream != NULL)
        closedir(stream);
    if (*no_memory || *count == 0) {
        free(files);
        *count = 0;
        return NULL;
    }
    qsort(files, *count, sizeof *files, compare_used);
    return files;
}

static void remove_file(const char *folder, const kernel_cache_file *file) {
    char path[PATH_BYTES] = "";
    base_append(path, sizeof path, "%s/%s", folder, file->name);
    (void)unlink(path); // another process may have been first
}

static void remove_oldest(const char *folder, uint64_t limit) {
    size_t count = 0;
    bool no_memory;
    kernel_cache_file *files = kernel_cache_files(folder, &count, &no_memory);
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (files[i].is_entry)
            total += files[i].size_bytes;
        else if (files[i].used.tv_sec + temporary_seconds < time(NULL))
            remove_file(folder, &files[i]);
    }
    for (size_t i = 0; i < count && total > limit; i++) {
        if (!files[i].is_entry)
            continue;
        remove_file(folder, &files[i]);
        total -= files[i].size_bytes;
    }
    free(files);
}

bool kernel_cache_store(const kernel_key *key, const char *names, const unsigned char *binary, size_t length, char *why,
                        size_t capacity) {
    char path[PATH_BYTES];
    const uint64_t limit = limit_bytes();
    const char *call = NULL;
    size_t total = 0;
    int error = 0;
    why[0] = '\0';
    if (!entry_path(path, sizeof path, key)) {
        base_append(why, capacity, "there is no cache folder");
        return false;
    }
    unsigned char *bytes = kernel_entry_format(key, names, binary, length, &total);
    if (bytes == NULL) {
        base_append(why, capacity, "there is no memory for the entry");
        return false;
    }
    if (total > limit || total > KERNEL_FILE_BYTES) {
        base_append(why, capacity, "an entry of %zu bytes is over the limit of %" PRIu64 " (OCLSTM_CACHE_BYTES)", total, limit);
    } else {
        char folder[PATH_BYTES];
        base_copy_string(folder, sizeof folder, path);
        *strrchr(folder, '/') = '\0';
        cache_folder_make(folder);
        (void)mkdir(folder, 0700);
        char reason[128] = "";
        if (kernel_file_write(path, bytes, total, 0600, &call, &error))
            remove_oldest(folder, limit);
        else if (strerror_r(error, reason, sizeof reason) == 0)
            base_append(why, capacity, "cannot write \"%s\" (%s: %s)", path, call, reason);
        else
            base_append(why, capacity, "cannot write \"%s\" (%s)", path, call);
    }
    free(bytes);
    return why[0] == '\0';
}
