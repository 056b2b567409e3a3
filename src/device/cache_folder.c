// SPDX-License-Identifier: Apache-2.0
#include "device/cache_folder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"

bool cache_folder_path(char *path, size_t capacity) {
    const char *own = getenv("OCLSTM_CACHE_DIR"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (capacity == 0)
        return false;
    path[0] = '\0';
    if (own != NULL && own[0] != '\0')
        base_append(path, capacity, "%s", own);
    else if (own == NULL && cache != NULL && cache[0] == '/')
        base_append(path, capacity, "%s/oclstm", cache);
    else if (own == NULL && home != NULL && home[0] == '/')
        base_append(path, capacity, "%s/.cache/oclstm", home);
    else
        return false;
    return strlen(path) + 1 < capacity;
}

void cache_folder_make(const char *path) {
    char folder[1024];
    base_copy_string(folder, sizeof folder, path);
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(folder, 0777);
        *slash = '/';
    }
}
