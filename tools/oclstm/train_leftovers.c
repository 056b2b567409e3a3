// SPDX-License-Identifier: Apache-2.0
// A file is written as NAME.partial-XXXXXX first. A process that is killed meanwhile leaves that, which may be large.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "train_job.h"

enum { STALE_SECONDS = 60 }; // nobody writes on such a file for so long without touching it

static bool is_partial(const char *entry, const char *name) {
    static const char mark[] = ".partial-", letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const size_t length = strlen(name);
    if (strncmp(entry, name, length) != 0 || strncmp(entry + length, mark, strlen(mark)) != 0)
        return false;
    const char *tail = entry + length + strlen(mark);
    return strlen(tail) == 6 && strspn(tail, letters) == 6;
}

void train_clear_away(const char *path) {
    const char *end = strrchr(path, '/'), *name = end ? end + 1 : path;
    const int folder = end ? (int)(end - path) + 1 : 0;
    char full[8192];
    struct stat status;
    snprintf(full, sizeof full, "%.*s", folder ? folder : 1, folder ? path : ".");
    DIR *directory = opendir(full);
    for (const struct dirent *entry; directory && (entry = readdir(directory)) != NULL;) {
        if (!is_partial(entry->d_name, name))
            continue;
        snprintf(full, sizeof full, "%.*s%s", folder, path, entry->d_name);
        if (lstat(full, &status) == 0 && S_ISREG(status.st_mode) && time(NULL) - status.st_mtime > STALE_SECONDS)
            unlink(full);
    }
    if (directory)
        closedir(directory);
}
