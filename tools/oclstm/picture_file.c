// SPDX-License-Identifier: Apache-2.0
#include "picture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

const char *picture_ending(const char *file, const char **terminal) {
    const char *ending = strrchr(file, '.'), *folder = strrchr(file, '/');
    *terminal = NULL;
    if (!ending || strlen(file) >= 4096 || ending == file || (folder && ending == folder + 1))
        return NULL;
    if (strcmp(ending, ".svg") == 0)
        *terminal = "svg size 960,600 dynamic background rgb 'white' font 'sans,14' noenhanced";
    else if (strcmp(ending, ".png") == 0)
        *terminal = "pngcairo size 1440,900 background rgb 'white' font 'sans,15' noenhanced";
    return *terminal ? ending : NULL;
}

int picture_open(picture_file *out, const char *file, size_t stem, const char *suffix) {
    const size_t room = strlen(file) + strlen(suffix) + 64;
    out->path = malloc(room);
    out->partial = malloc(room);
    if (!out->path || !out->partial) {
        report("no host memory for the name of a plot");
        free(out->partial);
        out->partial = NULL;
        return EXIT_FAILED;
    }
    snprintf(out->path, room, "%.*s%s%s", (int)stem, file, suffix, file + stem);
    snprintf(out->partial, room, "%s.partial-%" PRIdMAX, out->path, (intmax_t)getpid());
    out->fd = open(out->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (out->fd >= 0)
        return EXIT_DONE;
    report("cannot write %s: %s", out->path, strerror(errno));
    free(out->partial);
    out->partial = NULL;
    return EXIT_FAILED;
}

int picture_commit(picture_file *picture) {
    if (rename(picture->partial, picture->path) != 0) {
        report("cannot write %s: %s", picture->path, strerror(errno));
        return EXIT_FAILED;
    }
    free(picture->partial);
    picture->partial = NULL;
    return EXIT_DONE;
}

void picture_discard(picture_file *picture) {
    if (picture->partial)
        unlink(picture->partial);
    if (picture->fd >= 0)
        close(picture->fd);
    free(picture->path);
    free(picture->partial);
    *picture = (picture_file){.fd = -1};
}
