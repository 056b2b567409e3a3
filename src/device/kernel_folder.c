// SPDX-License-Identifier: Apache-2.0
#include "device/kernel_folder.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <oclstm/kernels.h>

#include "base/error.h"
#include "device/device_fork.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_chosen; // by oclstm_kernels_set_binary_dir(), which wins over the environment
static char *chosen;   // NULL: none

char *kernel_folder_copy(void) {
    pthread_mutex_lock(&lock);
    const char *named = is_chosen ? chosen : getenv("OCLSTM_KERNEL_BINARY");
    char *copy = strdup(named != NULL ? named : "");
    pthread_mutex_unlock(&lock);
    return copy;
}

static bool is_kernel(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot != NULL && (strcmp(dot, ".bin") == 0 || strcmp(dot, ".spv") == 0);
}

bool kernel_folder_has_kernels(void) {
    char *path = kernel_folder_copy();
    DIR *stream = path != NULL && path[0] != '\0' ? opendir(path) : NULL;
    bool found = false;
    for (const struct dirent *item; stream != NULL && !found && (item = readdir(stream)) != NULL;)
        found = is_kernel(item->d_name);
    if (stream != NULL)
        closedir(stream);
    free(path);
    return found;
}

oclstm_status oclstm_kernels_set_binary_dir(const char *directory, oclstm_error *error) {
    char *copy = NULL;
    const oclstm_status status = device_check_fork(error);
    if (status != OCLSTM_OK)
        return status;
    if (directory != NULL) {
        DIR *stream = opendir(directory);
        if (stream == NULL)
            return base_fail_errno(error, OCLSTM_IO, "opendir", errno, "cannot open the folder of kernel binaries \"%s\"",
                                   directory);
        closedir(stream);
        if ((copy = strdup(directory)) == NULL)
            return base_fail_memory(error, strlen(directory) + 1, "the path of the kernel binaries");
    }
    pthread_mutex_lock(&lock);
    free(chosen);
    chosen = copy;
    is_chosen = true;
    pthread_mutex_unlock(&lock);
    return OCLSTM_OK;
}
